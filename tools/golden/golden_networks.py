"""Whole networks for make_layer_cases.py, put together as people do.

Random layers cannot be compared in training: Keras draws other numbers than gradsmith. So where a network is trained
they have rate 0, which still reads, builds and writes them; `augmented` has real rates, and is compared in what it
predicts and in the loss that evaluate gives, but not trained.
"""

import keras
import numpy as np
from keras import layers


def residual():
    """Two residual blocks, the second with a projection."""
    image = layers.Input((8, 8, 2), name="image")
    x = layers.Rescaling(1 / 2, offset=-0.1, name="scaled")(image)
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_norm")(x))
    for width, strides in ((4, 1), (6, 2)):
        skip = x if strides == 1 else layers.Conv2D(width, 1, strides=strides, name=f"project{width}")(x)
        h = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False)(x)
        h = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(h))
        h = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 3, padding="same", use_bias=False)(h))
        x = layers.ReLU()(layers.Add()([skip, h]))
    x = layers.Dropout(0.0)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(4, name="classes")(x), name="residual")


def unet():
    """Down by pooling, up by a transposed convolution and by interpolation, each level joined with what it came from."""
    image = layers.Input((8, 8, 1), name="image")
    top = layers.Conv2D(3, 3, padding="same", activation="relu", name="top")(image)
    middle = layers.Conv2D(4, 3, padding="same", activation="elu", name="middle")(layers.MaxPooling2D()(top))
    low = layers.Conv2D(5, 3, padding="same", activation="silu", name="low")(layers.AveragePooling2D(2)(middle))
    low = layers.SpatialDropout2D(0.0)(low)
    up = layers.Conv2DTranspose(4, 2, strides=2, name="up")(low)
    middle = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.Concatenate()([up, middle]))
    up = layers.UpSampling2D(2, interpolation="bilinear")(middle)
    both = layers.Concatenate(axis=-1)([up, top])
    both = layers.Cropping2D(1)(layers.ZeroPadding2D(1)(both))
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(both), name="unet")


def separable():
    """Depthwise and pointwise convolutions, group and layer normalization, activations as layers; ends in a softmax."""
    return keras.Sequential(
        [
            layers.Input((9, 7, 2)),
            layers.ZeroPadding2D(((1, 0), (1, 0))),
            layers.Conv2D(4, 3, strides=2, use_bias=False),
            layers.LeakyReLU(negative_slope=0.1),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.GroupNormalization(groups=2),
            layers.ELU(alpha=0.7),
            layers.Conv2D(6, 1),
            layers.LayerNormalization(),
            layers.ReLU(),
            layers.GlobalMaxPooling2D(),
            layers.Dense(4, kernel_regularizer=keras.regularizers.L2(1e-3)),
            layers.Softmax(),
        ],
        name="separable",
    )


def siamese():
    """One encoder, applied to two series: convolution, pooling, normalization, a GRU; its two results are compared."""
    a, b = layers.Input((12, 2), name="a"), layers.Input((12, 2), name="b")
    encoder = [
        layers.Conv1D(5, 3, padding="causal", activation="relu", name="convolution"),
        layers.MaxPooling1D(2, name="pooled"),
        layers.RMSNormalization(name="norm"),
        layers.GRU(4, name="state"),
    ]
    u, v = a, b
    for layer in encoder:
        u, v = layer(u), layer(v)
    pairs = [layers.Subtract()([u, v]), layers.Multiply()([u, v]), layers.Maximum()([u, v])]
    h = layers.Concatenate(name="pair")(pairs + [layers.Minimum()([u, v])])
    return keras.Model([a, b], layers.Dense(1, name="distance")(h), name="siamese")


def sentiment():
    """Words, both ways through an LSTM, pooled twice."""
    words = layers.Input((8,), name="words")
    x = layers.Embedding(30, 5, name="table")(words)
    x = layers.SpatialDropout1D(0.0)(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
    pooled = [layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)]
    x = layers.Dropout(0.0)(layers.Concatenate()(pooled))
    return keras.Model(words, layers.Dense(3, activation="softmax", name="mood")(x), name="sentiment")


def table():
    """A table: numbers by the mean and variance that Keras's adapt measured, a category by its row of a table."""
    numbers, category = layers.Input((4,), name="numbers"), layers.Input((1,), name="category")
    x = layers.GaussianNoise(0.0)(layers.Normalization(name="measured")(numbers))
    wide = layers.Dense(3, name="wide")(x)
    c = layers.Flatten()(layers.Embedding(6, 3, name="categories")(category))
    deep = layers.Dense(8, activation="gelu")(layers.Concatenate()([x, c]))
    deep = layers.Dense(3, activation="tanh")(layers.BatchNormalization()(deep))
    return keras.Model([numbers, category], layers.Dense(2)(layers.Average()([wide, deep])), name="table")


def table_data(rng, samples):
    numbers = rng.normal(0, 1, (samples, 4)) * [0.1, 5, 30, 2] + [3, -20, 100, 0]
    return np.concatenate([numbers, rng.integers(0, 6, (samples, 1))], axis=1)


def forecast():
    """A series, shortened, carried on, and made longer again, so that its end follows from its beginning."""
    series = layers.Input((12, 2), name="series")
    x = layers.Conv1D(4, 3, strides=2, padding="same", activation="tanh", name="short")(series)
    x = layers.ZeroPadding1D((2, 0))(x)
    x = layers.SimpleRNN(4, return_sequences=True, name="carried")(x)
    x = layers.AveragePooling1D(2, strides=1)(x)
    x = layers.Cropping1D((1, 0))(x)
    x = layers.Conv1D(4, 2, padding="causal", dilation_rate=2, name="dilated")(layers.UpSampling1D(2)(x))
    x = layers.LayerNormalization()(x)
    return keras.Model(series, layers.Reshape((24,))(layers.Dense(2, name="next")(x)), name="forecast")


def augmented():
    """Every random layer, with real rates."""
    return keras.Sequential(
        [
            layers.Input((6, 6, 3)),
            layers.RandomCrop(6, 6, seed=1),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, fill_mode="constant", fill_value=0.5, seed=2),
            layers.RandomContrast(0.2, value_range=(0, 1), seed=3),
            layers.RandomBrightness((-0.1, 0.2), value_range=(0, 1), seed=4),
            layers.GaussianNoise(0.2),
            layers.Conv2D(4, 3, activation="relu"),
            layers.SpatialDropout2D(0.3),
            layers.Reshape((16, 4)),
            layers.SpatialDropout1D(0.2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ],
        name="augmented",
    )
