#!/usr/bin/env python3
"""Writes the model files that our loader must read, or refuse by name, as Keras 3 itself writes them.

    assets/models/fashion-mlp.json   the reference model
    assets/models/fashion-cnn.json   the same for images: two convolutions
    tests/cli/models/*.json          one file for each thing that model.to_json() can say about a model

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r tools/golden/requirements.txt
    /tmp/golden/bin/python tools/golden/make_keras_models.py [--out REPOSITORY]

Under Keras 3.0 (pip install keras==3.0.5 dm-tree) it writes tests/cli/models/keras_3_0.json only: the oldest form, with "dtype" a
string and no "compile_config".
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
from keras import layers

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ACTIVATIONS = "linear relu leaky_relu elu gelu silu sigmoid tanh softplus softmax".split()


def fashion_mlp():
    """The reference model, not compiled."""
    return keras.Sequential(
        [layers.Input((784,)), layers.Dense(64, activation="relu"), layers.Dropout(0.2), layers.Dense(10)],
        name="fashion_mlp",
    )


def compiled():
    """compile_config, with the loss and the optimizer as objects."""
    model = fashion_mlp()
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def compiled_by_name():
    """compile_config with strings."""
    model = keras.Sequential([layers.Input((8,)), layers.Dense(1)])
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def compiled_probabilities():
    """A loss by its name is from probabilities in Keras; here it is right, after a softmax."""
    model = keras.Sequential([layers.Input((8,)), layers.Dense(3, activation="softmax")])
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
    )
    return model


def compiled_schedule():
    """A learning rate schedule. Must be refused, or trained at the initial rate with a word about it."""
    model = keras.Sequential([layers.Input((8,)), layers.Dense(1)])
    rate = keras.optimizers.schedules.ExponentialDecay(1e-2, decay_steps=100, decay_rate=0.9)
    model.compile(optimizer=keras.optimizers.AdamW(rate), loss=keras.losses.Huber(delta=0.5))
    return model


def flatten():
    return keras.Sequential(
        [layers.Input((28, 28)), layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)]
    )


def reshape():
    """Shapes between layers, -1 in a target, Dense over the last axis of a matrix."""
    return keras.Sequential(
        [
            layers.Input((784,)),
            layers.Reshape((28, -1)),
            layers.Dense(12, activation="tanh", name="rows"),
            layers.Reshape((6, 4, 14)),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="logits"),
        ]
    )


def no_input():
    """Built by its first call, without an Input: Keras writes build_input_shape, and an InputLayer since 3.0."""
    model = keras.Sequential([layers.Dense(5, activation="relu"), layers.Dense(3)])
    model.build((None, 7))
    return model


def not_built():
    """Never built: the file has no input shape at all. Must be refused."""
    return keras.Sequential([layers.Dense(5), layers.Dense(3)])


def batch_shape():
    """A fixed batch size in batch_shape; only the sample's part counts."""
    return keras.Sequential([layers.Input((7,), batch_size=16), layers.Dense(3)])


def activation_strings():
    model = keras.Sequential([layers.Input((6,))])
    for name in ACTIVATIONS:
        model.add(layers.Dense(6, activation=name, name=f"dense_{name}"))
    return model


def activation_layers():
    model = keras.Sequential([layers.Input((6,))])
    for name in ACTIVATIONS:
        model.add(layers.Dense(6, name=f"dense_{name}"))
        model.add(layers.Activation(name, name=name))
    return model


def activation_classes():
    """Activations that are layers of their own, with defaults and with values."""
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(6),
            layers.LeakyReLU(),
            layers.LeakyReLU(negative_slope=0.1),
            layers.ReLU(),
            layers.ELU(),
            layers.ELU(alpha=0.5),
            layers.Softmax(),
        ]
    )


def activation_objects():
    """A layer object as activation: Keras writes a dictionary where a string stands otherwise."""
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(6, activation=keras.activations.gelu),
            layers.Dense(6, activation=layers.LeakyReLU(negative_slope=0.1)),
        ]
    )


def relu_capped():
    """ReLU with arguments that we do not have. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((6,)), layers.ReLU(max_value=6.0, name="relu6")])


def softmax_axis():
    """Softmax over another axis than the last. Must be refused."""
    return keras.Sequential([layers.Input((6, 4)), layers.Softmax(axis=1, name="columns")])


def initializers():
    i = keras.initializers
    kinds = [
        i.Zeros(),
        i.Ones(),
        i.Constant(0.25),
        i.RandomUniform(),
        i.RandomUniform(minval=-0.1, maxval=0.2, seed=7),
        i.RandomNormal(),
        i.RandomNormal(mean=0.1, stddev=0.02, seed=8),
        i.TruncatedNormal(),
        i.TruncatedNormal(mean=-0.1, stddev=0.3),
        i.GlorotUniform(),
        i.GlorotUniform(seed=9),
        i.GlorotNormal(),
        i.HeUniform(),
        i.HeNormal(),
        i.LecunUniform(),
        i.LecunNormal(),
    ]
    model = keras.Sequential([layers.Input((6,))])
    for index, kind in enumerate(kinds):
        model.add(layers.Dense(6, kernel_initializer=kind, name=f"{index:02d}_{type(kind).__name__}"))
    model.add(layers.Dense(6, kernel_initializer="he_normal", bias_initializer="ones", name="by_name"))
    model.add(layers.Dense(6, bias_initializer=i.Constant(0.1), name="bias_constant"))
    return model


def initializer_unsupported():
    """Identity. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((6,)), layers.Dense(6, kernel_initializer="identity", name="turned")])


def regularizers():
    r = keras.regularizers
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(6, kernel_regularizer=r.L1(1e-4), name="l1"),
            layers.Dense(6, kernel_regularizer=r.L2(1e-3), name="l2"),
            layers.Dense(6, kernel_regularizer=r.L1L2(l1=1e-4, l2=1e-3), name="l1_l2"),
            layers.Dense(6, kernel_regularizer="l1", bias_regularizer="l2", name="by_name"),
            layers.Dense(6, kernel_regularizer="L1L2", name="both_by_name"),
            layers.Dense(6, bias_regularizer=r.L2(0.5), name="bias"),
        ]
    )


def regularizer_unsupported():
    """Regularization of a layer's output. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((6,)), layers.Dense(6, activity_regularizer="l2", name="active")])


def constraint():
    """A kernel constraint. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((6,)), layers.Dense(6, kernel_constraint="non_neg", name="bounded")])


def no_bias():
    return keras.Sequential(
        [layers.Input((6,)), layers.Dense(5, use_bias=False, name="no_bias"), layers.Dense(3, name="logits")]
    )


def dropout():
    """A dropout with a seed, and one that does nothing."""
    return keras.Sequential(
        [layers.Input((6,)), layers.Dropout(0.5, seed=11), layers.Dense(6), layers.Dropout(0.0), layers.Dense(3)]
    )


def dropout_noise_shape():
    """A mask shared along an axis. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((6, 4)), layers.Dropout(0.5, noise_shape=(None, 1, 4), name="rows")])


def dtype_policies():
    """Float32 written as a name and as a policy object."""
    return keras.Sequential(
        [
            layers.Input((6,), dtype="float32"),
            layers.Dense(6, dtype="float32"),
            layers.Dense(6, dtype=keras.DTypePolicy("float32"), name="policy"),
        ]
    )


def mixed_precision():
    """Mixed precision, with a last layer in float32 and a loss scale that was set by hand."""
    model = keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(6, dtype="mixed_float16", name="half"),
            layers.Dropout(0.2, dtype="mixed_float16"),
            layers.Dense(3, dtype="float32", name="head"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(0.5, momentum=0.9), initial_scale=1024.0, dynamic_growth_steps=5
        ),
        loss="mse",
    )
    return model


def bfloat16():
    """Mixed precision in bfloat16, which takes no loss scale."""
    model = keras.Sequential([layers.Input((6,)), layers.Dense(6), layers.Dense(2)])
    for layer in model.layers:
        layer.dtype_policy = "mixed_bfloat16"
    model.compile(optimizer="adam", loss="mse")
    return model


def frozen():
    """A layer that is not trained ("trainable": false)."""
    model = keras.Sequential([layers.Input((6,)), layers.Dense(6, name="frozen"), layers.Dense(3, name="head")])
    model.get_layer("frozen").trainable = False
    return model


def augmentation():
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomFlip(),
            layers.RandomRotation(0.1, fill_mode="constant", fill_value=0.5),
            layers.RandomRotation((-0.2, 0.3)),
            layers.RandomBrightness(0.2, value_range=(0, 1)),
            layers.RandomContrast(0.3, value_range=(0, 1)),
            layers.RandomCrop(6, 7, seed=1),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def fashion_cnn():
    """The reference convolutional net, not compiled."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
        ],
        name="fashion_cnn",
    )


def conv3d():
    """A layer that we do not have. Must be refused with its class and name."""
    return keras.Sequential([layers.Input((8, 8, 8, 1)), layers.Conv3D(4, 3, name="volume")])


def conv2d():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu", name="edges"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def nested():
    """A Sequential inside a Sequential. Must be refused with its name."""
    inner = keras.Sequential([layers.Input((6,)), layers.Dense(4)], name="inner")
    return keras.Sequential([layers.Input((6,)), inner, layers.Dense(2)])


def nested_functional():
    """A Functional model as a layer of another. Must be refused with its name."""
    x, y = layers.Input((6,), name="x"), layers.Input((6,), name="y")
    inner = keras.Model(y, layers.Dense(4)(y), name="inner")
    return keras.Model(x, layers.Dense(2)(inner(x)), name="outer")


def two_outputs():
    """A model of two results. Must be refused."""
    x = layers.Input((6,), name="x")
    return keras.Model(x, [layers.Dense(4, name="a")(x), layers.Dense(2, name="b")(x)], name="two")


def recurrent_state():
    """The states of a layer as tensors of their own. Must be refused with the layer's name."""
    x = layers.Input((5, 3), name="x")
    y, h, _ = layers.LSTM(4, return_state=True, name="memory")(x)
    return keras.Model(x, layers.Add(name="sum")([y, h]), name="states")


def recurrent_stateful():
    return keras.Sequential([layers.Input((5, 3), batch_size=2), layers.GRU(4, stateful=True, name="memory")])


def recurrent_dropout():
    return keras.Sequential([layers.Input((5, 3)), layers.LSTM(4, recurrent_dropout=0.25, name="memory")])


def recurrent_input_dropout():
    return keras.Sequential([layers.Input((5, 3)), layers.SimpleRNN(4, dropout=0.25, name="memory")])


def reset_before():
    """The older GRU, which resets before the product. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((5, 3)), layers.GRU(4, reset_after=False, name="memory")])


def masked():
    """Token 0 as no token. Must be refused with the layer's name."""
    return keras.Sequential([layers.Input((5,)), layers.Embedding(9, 3, mask_zero=True, name="words"), layers.GRU(4)])


def backward_other():
    """Another activation backwards. Must be refused with the layer's name."""
    back = layers.GRU(4, activation="sigmoid", go_backwards=True)
    return keras.Sequential([layers.Input((5, 3)), layers.Bidirectional(layers.GRU(4), backward_layer=back, name="both")])


def functional():
    """A Functional model, with a branch."""
    x = layers.Input((6,), name="x")
    a = layers.Dense(4, activation="relu", name="a")(x)
    b = layers.Dense(4, name="b")(x)
    return keras.Model(x, layers.Add(name="sum")([a, b]), name="branched")


TEST_MODELS = [
    compiled,
    compiled_by_name,
    compiled_probabilities,
    compiled_schedule,
    flatten,
    reshape,
    no_input,
    not_built,
    batch_shape,
    activation_strings,
    activation_layers,
    activation_classes,
    activation_objects,
    relu_capped,
    softmax_axis,
    initializers,
    initializer_unsupported,
    regularizers,
    regularizer_unsupported,
    constraint,
    no_bias,
    dropout,
    dropout_noise_shape,
    dtype_policies,
    mixed_precision,
    bfloat16,
    frozen,
    augmentation,
    conv2d,
    conv3d,
    nested,
    nested_functional,
    two_outputs,
    recurrent_state,
    recurrent_stateful,
    recurrent_dropout,
    recurrent_input_dropout,
    reset_before,
    masked,
    backward_other,
    functional,
]


def write(path, make, indent):
    """Keras's text (indented for people where asked), read back by Keras before it counts as written."""
    keras.utils.clear_session()
    text = make().to_json()
    if indent:
        text = json.dumps(json.loads(text), indent=2)
    keras.utils.clear_session()
    again = json.loads(keras.models.model_from_json(text).to_json())
    if again["config"] != json.loads(text)["config"]:
        raise SystemExit(f"{path}: Keras reads back another model than it wrote")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=REPOSITORY)
    out = parser.parse_args().out
    if keras.__version__.startswith("3.0."):
        write(os.path.join(out, "tests", "cli", "models", "keras_3_0.json"), fashion_mlp, indent=True)
        return
    write(os.path.join(out, "assets", "models", "fashion-mlp.json"), fashion_mlp, indent=True)
    write(os.path.join(out, "assets", "models", "fashion-cnn.json"), fashion_cnn, indent=True)
    for make in TEST_MODELS:
        # `compiled` stays on one line, exactly as to_json() gives it.
        write(os.path.join(out, "tests", "cli", "models", make.__name__ + ".json"), make, indent=make is not compiled)
    print(f"Keras {keras.__version__}: 2 + {len(TEST_MODELS)} models")


if __name__ == "__main__":
    main()
