#!/usr/bin/env python3
"""Makes assets/golden/keras-*: small models of the layers on images and series, as Keras itself writes, predicts and trains them.

The files are those of make_golden.py, with `predictions.npy`, what the untrained model gives for all of x.npy, flat. Models are trained
by Keras's train_on_batch in float32, in file order. `torch-cnn` is trained by PyTorch alone: the same files, without predictions.

    /tmp/golden/bin/python tools/golden/make_keras_layers.py [--out assets/golden] [--only CASE]
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import safetensors.numpy
import torch
import torch.nn.functional as F
from keras import layers

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CLASSES = {"loss": "sparse_categorical_crossentropy", "from_logits": True}
ERRORS = {"loss": "mean_squared_error", "from_logits": False}
SGD = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": False}
ADAM = {"name": "adam", "formula": "keras", "learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def cnn():
    return [
        layers.Input((12, 12, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(12, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(16, activation="relu"),
        layers.Dense(5),
    ]


def conv2d():
    """Everything that Conv2D can say."""
    return [
        layers.Input((13, 11, 3)),
        layers.Conv2D(8, (3, 2), strides=2, padding="same", activation="elu"),
        layers.Conv2D(12, 3, padding="same", dilation_rate=(2, 1), groups=4, use_bias=False),
        layers.Conv2D(6, (2, 3), strides=(1, 2), activation="tanh", kernel_regularizer="l2"),
        layers.Conv2D(5, 1, activation=keras.layers.LeakyReLU(negative_slope=0.1)),
        layers.Flatten(),
        layers.Dense(4),
    ]


def pooling():
    """Windows that overlap, windows beyond the edge, a mean that leaves the padding out.

    As many zeros before as behind: Keras on PyTorch repeats the edge in the mean where there is one more behind, which Keras on
    TensorFlow and on JAX, and gradsmith, do not.
    """
    return [
        layers.Input((14, 11, 4)),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(3, strides=(2, 1), padding="same"),
        layers.Conv2D(8, 1, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(6, 1),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4),
    ]


def global_pooling():
    return [
        layers.Input((6, 7, 3)),
        layers.Conv2D(7, 3, activation="relu"),
        layers.GlobalMaxPooling2D(keepdims=True),
        layers.Conv2D(5, 1, activation="tanh"),
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Flatten(),
        layers.Dense(3),
    ]


def series():
    return [
        layers.Input((30, 3)),
        layers.Conv1D(8, 5, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(8, 3, padding="same", dilation_rate=2, groups=2, activation="tanh"),
        layers.AveragePooling1D(3, strides=2, padding="same"),
        layers.Conv1D(6, 3, strides=2),
        layers.GlobalMaxPooling1D(),
        layers.Dense(4),
    ]


def series_mean():
    return [
        layers.Input((16, 2)),
        layers.Conv1D(6, 4, padding="same", use_bias=False),
        layers.GlobalAveragePooling1D(),
        layers.Dense(2),
    ]


def depthwise():
    return [
        layers.Input((9, 8, 4)),
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.Conv2D(6, 1),
        layers.DepthwiseConv2D((2, 3), strides=2, depth_multiplier=2, activation="tanh"),
        layers.SpatialDropout2D(0.0),
        layers.DepthwiseConv2D(2, dilation_rate=2, use_bias=False),
        layers.Flatten(),
        layers.Dense(4),
    ]


def autoencoder():
    """Sizes with as much cut off in front as behind: there Keras on PyTorch does what it does on TensorFlow and on JAX."""
    return [
        layers.Input((8, 8, 3)),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(6, 4, strides=2, padding="same", activation="elu"),
        layers.Conv2DTranspose(5, (3, 2), strides=(1, 2), use_bias=False),
        layers.Cropping2D(((1, 1), (0, 8))),
        layers.Conv2DTranspose(3, 3, padding="same", activation="sigmoid"),
    ]


def resizing():
    return [
        layers.Input((5, 6, 4)),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.Conv2D(8, 3, activation="tanh"),
        layers.UpSampling2D((2, 3)),
        layers.Conv2D(4, 3, strides=2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Conv2D(3, 3, strides=2, activation="tanh"),
        layers.ZeroPadding2D(2),
        layers.Cropping2D((1, 3)),
        layers.Flatten(),
        layers.Dense(3),
    ]


def series_resizing():
    return [
        layers.Input((14, 3)),
        layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu"),
        layers.UpSampling1D(2),
        layers.ZeroPadding1D((3, 1)),
        layers.SpatialDropout1D(0.0),
        layers.Conv1D(5, 4, strides=2),
        layers.Cropping1D((2, 3)),
        layers.Flatten(),
        layers.Dense(3),
    ]


# name: (layers, rows, classes or None, the rest)
CASES = {
    "keras-cnn": (cnn, 48, 5, CLASSES, ADAM),
    "keras-conv2d": (conv2d, 24, 4, CLASSES, SGD),
    "keras-pooling": (pooling, 24, 4, CLASSES, SGD),
    "keras-global-pooling": (global_pooling, 24, 3, CLASSES, SGD),
    "keras-series": (series, 40, 4, CLASSES, SGD),
    "keras-depthwise": (depthwise, 24, 4, CLASSES, SGD),
    "keras-autoencoder": (autoencoder, 24, None, ERRORS, SGD),
    "keras-resizing": (resizing, 24, 3, CLASSES, SGD),
    "keras-series-resizing": (series_resizing, 24, 3, CLASSES, SGD),
    "keras-series-mean": (series_mean, 24, None, ERRORS, SGD),
}
STEPS, BATCH = 12, 16  # 40 and 24 rows: a last batch of 8

KERAS_LOSSES = {
    "sparse_categorical_crossentropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "mean_squared_error": lambda: keras.losses.MeanSquaredError(),
}


def make_data(seed, shape, rows, classes, output):
    """Noise with a class's own pattern in it, or a target that depends on it. Values are such that windows have ties."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, *shape)), 1).astype(np.float32)
    if classes:
        y = (np.arange(rows) % classes).astype(np.int32)
        x += rng.normal(size=(classes, *shape)).astype(np.float32)[y]
        return x, y
    y = np.tanh(x.reshape(rows, -1) @ rng.normal(size=(x[0].size, int(np.prod(output)))) / x[0].size ** 0.5)
    return x, y.reshape(rows, *output).astype(np.float32)


def named_weights(model):
    return {"/".join(v.path.split("/")[-2:]): v.value.detach().numpy() for v in model.trainable_variables}


def batches(x, y):
    start = 0
    for _ in range(STEPS):
        yield x[start : start + BATCH], y[start : start + BATCH]
        start = start + BATCH if start + BATCH < len(x) else 0


def train_keras(model, x, y, loss, optimizer):
    arguments = {k: v for k, v in optimizer.items() if k not in ("name", "formula")}
    kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[optimizer["name"]]
    model.compile(optimizer=kind(**arguments), loss=KERAS_LOSSES[loss]())
    losses = []
    for rows, targets in batches(x, y):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(rows, targets)))
    return losses


def train_torch(weights, x, y, optimizer):
    """The model `cnn` in PyTorch's own layout, from weights in Keras's."""
    p = {k: torch.tensor(v, requires_grad=True) for k, v in weights.items()}
    adam = torch.optim.Adam(list(p.values()), lr=optimizer["learning_rate"], eps=optimizer["epsilon"])
    losses = []
    for rows, targets in batches(x, y):
        v = torch.tensor(rows).permute(0, 3, 1, 2)
        v = F.relu(F.conv2d(v, p["conv2d/kernel"].permute(3, 2, 0, 1), p["conv2d/bias"]))
        v = F.max_pool2d(v, 2)
        v = F.relu(F.conv2d(v, p["conv2d_1/kernel"].permute(3, 2, 0, 1), p["conv2d_1/bias"], padding=1))
        v = F.max_pool2d(v, 2).permute(0, 2, 3, 1).flatten(1)
        v = F.relu(v @ p["dense/kernel"] + p["dense/bias"])
        loss = F.cross_entropy(v @ p["dense_1/kernel"] + p["dense_1/bias"], torch.tensor(targets).long())
        adam.zero_grad()
        loss.backward()
        losses.append(loss.item())
        adam.step()
    return losses, {k: v.detach().numpy() for k, v in p.items()}


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def save_weights(path, weights):
    # safetensors stores memory as it lies.
    with open(path, "wb") as file:
        file.write(safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in weights.items()}))


def write_case(out, name, files, losses, final, fields, predictions=None):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "losses.npy"), np.array(losses, dtype=np.float64))
    save_weights(os.path.join(folder, "final.safetensors"), final)
    case = {
        "format": 1,
        "name": name,
        "model": f"{files}model.json",
        "init": f"{files}init.safetensors",
        "final": "final.safetensors",
        "losses": "losses.npy",
        "data": {"kind": "npy", "x": f"{files}x.npy", "y": f"{files}y.npy"},
        **fields,
        "batch_size": BATCH,
        "steps": STEPS,
        "shuffle": False,
        "made_with": {"torch": torch.__version__, "keras": keras.__version__, "numpy": np.__version__},
    }
    if predictions is not None:
        np.save(os.path.join(folder, "predictions.npy"), predictions.reshape(-1))
        case["predictions"] = "predictions.npy"
    write_json(os.path.join(folder, "case.json"), case)


def make_case(out, name, seed):
    make, rows, classes, loss, optimizer = CASES[name]
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(make(), name=make.__name__)
    text = model.to_json()
    x, y = make_data(seed, model.input_shape[1:], rows, classes, model.output_shape[1:])
    rng = np.random.default_rng(seed + 1)
    for variable in model.trainable_variables:
        if variable.path.endswith("bias"):
            variable.assign(0.1 * rng.normal(size=variable.shape))
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "model.json"), json.loads(text))
    np.save(os.path.join(folder, "x.npy"), x)
    np.save(os.path.join(folder, "y.npy"), y)
    weights = {k: v.copy() for k, v in named_weights(model).items()}
    save_weights(os.path.join(folder, "init.safetensors"), weights)
    predictions = model.predict(x, verbose=0)
    losses = train_keras(model, x, y, loss["loss"], optimizer)
    fields = {**loss, "optimizer": optimizer, "sample_count": rows}
    write_case(out, name, "", losses, named_weights(model), fields, predictions)
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}")
    if make is not cnn:
        return
    fields["optimizer"] = {**optimizer, "formula": "torch"}
    losses, final = train_torch(weights, x, y, optimizer)
    write_case(out, "torch-cnn", f"../{name}/", losses, final, fields)
    print(f"torch-cnn: loss {losses[0]:.4f} to {losses[-1]:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets", "golden"))
    parser.add_argument("--only", choices=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for seed, name in enumerate(CASES, 21):
        if arguments.only in (None, name):
            make_case(arguments.out, name, seed)


if __name__ == "__main__":
    main()
