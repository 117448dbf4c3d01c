#!/usr/bin/env python3
"""Makes assets/golden/layers: small models of every kind of layer, as Keras computes and trains them.

    /tmp/golden/bin/python tools/golden/make_layer_cases.py [--out assets/golden/layers] [--only CASE]

Each case is a folder: model.json (Keras's to_json()), init.safetensors (first weights), x.npy and y.npy,
predictions.npy (of the first weights), trained.npy (predictions after the last step), and case.json with the loss of
all samples before the training, as evaluate gives it, and the loss of every step. Samples are taken in order, the last
batch of a pass is smaller. Where a model has several inputs, a sample holds them one behind the other. The first cases
are made around one layer, those of golden_networks.py are whole networks. Together they hold every layer that there is;
tests/train/test_layer_cases.c reads them, and counts both.
"""

import argparse
import json
import os
import zlib

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import safetensors.numpy
import torch
from golden_networks import augmented, forecast, residual, sentiment, separable, siamese, table, table_data, unet
from keras import layers

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STEPS, SAMPLES, BATCH = 10, 20, 8


def chain(*stack):
    return keras.Sequential(list(stack))


def batch_norm():
    return chain(
        layers.Input((6,)),
        layers.Dense(9, use_bias=False),  # a bias would have no gradient but noise, of which Adam makes steps
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dense(5, activation="tanh"),
        layers.BatchNormalization(momentum=0.7, epsilon=1e-2, scale=False, gamma_regularizer=None),
        layers.Dense(3),
    )


def batch_norm_images():
    return chain(
        layers.Input((4, 5, 3)),
        layers.BatchNormalization(momentum=0.8, center=False, gamma_regularizer=keras.regularizers.L2(1e-2)),
        layers.Dense(4, activation="relu"),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(3),
    )


def batch_norm_frozen():
    frozen = layers.BatchNormalization(name="frozen")
    frozen.trainable = False
    return chain(layers.Input((6,)), layers.Dense(5), frozen, layers.Dense(3))


def layer_norm():
    return chain(
        layers.Input((7,)),
        layers.LayerNormalization(),
        layers.Dense(6, activation="relu"),
        layers.LayerNormalization(epsilon=1e-2, center=False),
        layers.Dense(3),
    )


def layer_norm_axes():
    return chain(
        layers.Input((4, 3, 5)),
        layers.LayerNormalization(axis=[-2, -1]),
        layers.Dense(4),
        layers.LayerNormalization(axis=-1, scale=False),
        layers.Flatten(),
        layers.Dense(3),
    )


def group_norm():
    return chain(
        layers.Input((3, 4, 6)),
        layers.GroupNormalization(groups=3),
        layers.Dense(8, activation="relu"),
        layers.GroupNormalization(groups=-1, epsilon=1e-2),
        layers.Flatten(),
        layers.Dense(3),
    )


def rms_norm():
    return chain(
        layers.Input((3, 6)),
        layers.RMSNormalization(),
        layers.Dense(5, activation="silu"),
        layers.RMSNormalization(axis=[-2, -1], epsilon=1e-3),
        layers.Flatten(),
        layers.Dense(3),
    )


def scaling():
    return chain(
        layers.Input((4,)),
        layers.Normalization(mean=[0.5, -1.0, 0.0, 2.0], variance=[1.0, 4.0, 0.25, 0.0625]),
        layers.Rescaling(0.5, offset=-0.25),
        layers.GaussianNoise(0.0),
        layers.Dense(5, activation="tanh"),
        layers.Normalization(mean=0.25, variance=2.0, invert=True),
        layers.Dense(3),
    )


def merges():
    x = layers.Input((6,), name="x")
    a, b, c = (layers.Dense(5, activation="tanh", name=name)(x) for name in "abc")
    all_ = [
        layers.Add()([a, b, c]),
        layers.Subtract()([a, b]),
        layers.Multiply()([a, b, c]),
        layers.Average()([a, b, c]),
        layers.Maximum()([a, b]),
        layers.Minimum()([b, c]),
    ]
    return keras.Model(x, layers.Dense(3)(layers.Concatenate()(all_)), name="merges")


def two_inputs():
    """Two inputs of different ranks, concatenated along an inner axis."""
    image, row = layers.Input((3, 4), name="image"), layers.Input((8,), name="row")
    folded = layers.Reshape((2, 4))(row)
    both = layers.Concatenate(axis=1)([image, folded])
    flat = layers.Flatten()(layers.Dense(5, activation="relu")(both))
    return keras.Model([image, row], layers.Dense(3)(layers.concatenate([flat, row])), name="two_inputs")


def skips():
    """Skip connections, and one layer applied three times."""
    x = layers.Input((6,), name="x")
    shared = layers.Dense(6, activation="relu", name="shared", kernel_regularizer="l2")
    norm = layers.LayerNormalization(name="norm")
    h = shared(x)
    for _ in range(2):
        h = layers.Add()([h, shared(norm(h))])
        h = layers.Activation("relu")(h)
    return keras.Model(x, layers.Dense(3)(h), name="skip")


def frozen():
    x = layers.Input((6,), name="x")
    base = layers.Dense(5, activation="relu", name="base")
    middle = layers.Dense(4, activation="tanh", name="middle", kernel_regularizer="l2")
    base.trainable = middle.trainable = False
    return keras.Model(x, layers.Dense(3, name="head")(layers.Add()([layers.Dense(4)(x), middle(base(x))])), name="tuned")


def embedding():
    return chain(
        layers.Input((5,)),
        layers.Embedding(11, 4, embeddings_regularizer=keras.regularizers.L2(1e-3)),
        layers.Flatten(),
        layers.Dense(3),
    )


def simple_rnn():
    return chain(
        layers.Input((6, 3)),
        layers.SimpleRNN(5, return_sequences=True),
        layers.SimpleRNN(4, activation="sigmoid", use_bias=False, go_backwards=True),
        layers.Dense(3),
    )


def lstm():
    return chain(
        layers.Input((6, 3)),
        layers.LSTM(5, return_sequences=True, kernel_regularizer="l2", recurrent_regularizer=keras.regularizers.L2(1e-3)),
        layers.LSTM(4, go_backwards=True, unit_forget_bias=False),
        layers.Dense(3),
    )


def gru():
    return chain(
        layers.Input((6, 3)),
        layers.GRU(5, return_sequences=True, bias_regularizer=keras.regularizers.L2(1e-2)),
        layers.GRU(4, use_bias=False, recurrent_activation="tanh"),
        layers.Dense(3),
    )


def bidirectional():
    return chain(
        layers.Input((5, 3)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="mul"),
        layers.Bidirectional(layers.SimpleRNN(4), merge_mode="ave"),
        layers.Dense(3),
    )


def text():
    """Words in, a class out; a frozen table."""
    x = layers.Input((7,), name="words")
    table = layers.Embedding(20, 6, name="table")
    table.trainable = False
    h = layers.LayerNormalization(name="norm")(table(x))
    both = layers.Concatenate()([layers.LSTM(5, name="a")(h), layers.GRU(4, name="b", go_backwards=True)(h)])
    return keras.Model(x, layers.Dense(3, name="class")(both), name="text")


SGD = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.5}
ADAM = {"name": "adam", "learning_rate": 0.01}
# name: (model, optimizer or None where it is not trained, loss, tokens or what makes the samples)
CASES = {
    "batch_norm": (batch_norm, ADAM, "sparse_categorical_crossentropy"),
    "batch_norm_images": (batch_norm_images, SGD, "sparse_categorical_crossentropy"),
    "batch_norm_frozen": (batch_norm_frozen, SGD, "mean_squared_error"),
    "layer_norm": (layer_norm, ADAM, "mean_squared_error"),
    "layer_norm_axes": (layer_norm_axes, SGD, "sparse_categorical_crossentropy"),
    "group_norm": (group_norm, SGD, "sparse_categorical_crossentropy"),
    "rms_norm": (rms_norm, SGD, "mean_squared_error"),
    "scaling": (scaling, SGD, "mean_squared_error"),
    "merges": (merges, ADAM, "sparse_categorical_crossentropy"),
    "two_inputs": (two_inputs, SGD, "mean_squared_error"),
    "skips": (skips, {**SGD, "learning_rate": 0.01}, "mean_squared_error"),
    "embedding": (embedding, SGD, "sparse_categorical_crossentropy", 11),
    "simple_rnn": (simple_rnn, SGD, "mean_squared_error"),
    "lstm": (lstm, ADAM, "mean_squared_error"),
    "gru": (gru, ADAM, "sparse_categorical_crossentropy"),
    "bidirectional": (bidirectional, SGD, "mean_squared_error"),
    "text": (text, ADAM, "sparse_categorical_crossentropy", 20),
    "frozen": (frozen, {"name": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}, "mean_squared_error"),
    "residual": (residual, {**SGD, "learning_rate": 0.02}, "sparse_categorical_crossentropy"),
    "unet": (unet, SGD, "mean_squared_error"),
    "separable": (separable, SGD, "sparse_categorical_crossentropy"),
    "siamese": (siamese, ADAM, "mean_squared_error"),
    "sentiment": (sentiment, ADAM, "sparse_categorical_crossentropy", 30),
    "table": (table, SGD, "mean_squared_error", table_data),
    "forecast": (forecast, SGD, "mean_squared_error"),
    "augmented": (augmented, None, "sparse_categorical_crossentropy", lambda rng, samples: rng.random((samples, 108))),
}


def named_weights(model):
    """As we call them: LAYER/NAME, without the cell of a recurrent layer; not how much data a Normalization saw."""
    names = {}
    for layer in model.layers:
        for weight in layer.weights:
            parts = weight.path.split("/")
            if isinstance(layer, layers.Normalization) and parts[-1] == "count":
                continue
            inner = [p for p in parts[:-1] if p.startswith(("forward_", "backward_"))]
            prefix = inner[0].split("_")[0] + "_" if inner else ""
            names[f"{layer.name}/{prefix}{parts[-1]}"] = weight
    return names


def randomize(model, rng):
    for name, weight in named_weights(model).items():
        value = rng.normal(0, 0.4, weight.shape)
        if name.endswith(("gamma", "scale", "moving_variance")):
            value = rng.uniform(0.5, 1.5, weight.shape)
        weight.assign(value.astype(np.float32))


def inputs_of(model, x):
    """Splits samples that hold all inputs one behind the other."""
    if len(model.inputs) == 1:
        return x.reshape((-1,) + tuple(model.inputs[0].shape[1:]))
    parts, begin = [], 0
    for tensor in model.inputs:
        shape = tuple(tensor.shape[1:])
        count = int(np.prod(shape))
        parts.append(x[:, begin : begin + count].reshape((-1,) + shape))
        begin += count
    return parts


def rows(x, begin, end):
    return [part[begin:end] for part in x] if isinstance(x, list) else x[begin:end]


def make_data(model, loss, kind, rng):
    total = sum(int(np.prod(tensor.shape[1:])) for tensor in model.inputs)
    if callable(kind):
        x = kind(rng, SAMPLES)
    else:
        x = rng.integers(0, kind, (SAMPLES, total)) if kind else rng.normal(0, 1, (SAMPLES, total))
    x = x.astype(np.float32)
    shape = tuple(model.outputs[0].shape[1:])
    if loss == "sparse_categorical_crossentropy":
        y = rng.integers(0, shape[-1], (SAMPLES,) + shape[:-1]).astype(np.int32)
    else:
        y = rng.normal(0, 1, (SAMPLES,) + shape).astype(np.float32)
    return (x.reshape((SAMPLES,) + tuple(model.inputs[0].shape[1:])) if len(model.inputs) == 1 else x), y


def adapt_layers(model, x):
    """Normalization layers without numbers, each behind an input of its own, measure them."""
    for tensor, part in zip(model.inputs, inputs_of(model, x) if len(model.inputs) > 1 else [inputs_of(model, x)]):
        for layer in model.layers:
            if isinstance(layer, layers.Normalization) and layer.input_mean is None and layer.input is tensor:
                layer.adapt(part)


def ends_in_softmax(model):
    last = model.layers[-1]
    return isinstance(last, layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax


def compile_model(model, optimizer, loss):
    optimizer = optimizer or {"name": "sgd"}
    arguments = {k: v for k, v in optimizer.items() if k != "name"}
    made = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}
    losses = {
        "sparse_categorical_crossentropy": lambda: keras.losses.SparseCategoricalCrossentropy(
            from_logits=not ends_in_softmax(model)
        ),
        "mean_squared_error": lambda: keras.losses.MeanSquaredError(),
    }
    model.compile(optimizer=made[optimizer["name"]](**arguments), loss=losses[loss]())


def make_case(name, out):
    make, optimizer, loss, *kind = CASES[name]
    keras.utils.clear_session()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    model = make()
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    randomize(model, rng)
    x, y = make_data(model, loss, kind[0] if kind else 0, rng)
    adapt_layers(model, x)
    with open(os.path.join(folder, "model.json"), "w") as file:
        file.write(model.to_json() + "\n")
    with open(os.path.join(folder, "init.safetensors"), "wb") as file:
        weights = {k: np.ascontiguousarray(v.numpy()) for k, v in named_weights(model).items()}
        weights.update(normalization_weights(model))
        file.write(safetensors.numpy.save(weights))
    np.save(os.path.join(folder, "x.npy"), x)
    np.save(os.path.join(folder, "y.npy"), y)
    shaped = inputs_of(model, x)
    np.save(os.path.join(folder, "predictions.npy"), np.array(model.predict(shaped, verbose=0), np.float32))
    compile_model(model, optimizer, loss)
    evaluated = float(model.evaluate(shaped, y, verbose=0))
    losses = []
    for step in range(STEPS if optimizer else 0):
        begin = step % -(-SAMPLES // BATCH) * BATCH
        end = min(begin + BATCH, SAMPLES)
        model.reset_metrics()
        losses.append(float(model.train_on_batch(rows(shaped, begin, end), y[begin:end])))
    if losses:
        np.save(os.path.join(folder, "trained.npy"), np.array(model.predict(shaped, verbose=0), np.float32))
    case = {
        "optimizer": optimizer,
        "loss": loss,
        "batch_size": BATCH,
        "evaluated": evaluated,
        "losses": losses,
        "made_with": {"keras": keras.__version__, "torch": torch.__version__},
    }
    with open(os.path.join(folder, "case.json"), "w") as file:
        json.dump(case, file, indent=2)
        file.write("\n")
    print(f"{name:24s} loss {evaluated:.4f}; " + (f"{losses[0]:.4f} -> {losses[-1]:.4f}" if losses else "not trained"))


def normalization_weights(model):
    """Keras keeps given numbers in the config; we keep them with the weights too, as Keras does measured ones."""
    weights = {}
    for layer in model.layers:
        if isinstance(layer, layers.Normalization) and layer.input_mean is not None:
            for key, value in (("mean", layer.input_mean), ("variance", layer.input_variance)):
                size = layer._build_input_shape[-1] if hasattr(layer, "_build_input_shape") else layer.mean.shape[-1]
                flat = np.asarray(value, np.float32).ravel()
                weights[f"{layer.name}/{key}"] = np.broadcast_to(flat, (size,)).copy()
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets", "golden", "layers"))
    parser.add_argument("--only", choices=sorted(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in CASES:
        if arguments.only in (None, name):
            make_case(name, arguments.out)


if __name__ == "__main__":
    main()
