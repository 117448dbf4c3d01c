#!/usr/bin/env python3
"""Makes assets/golden: losses step by step and final weights of small trainings, computed by PyTorch.

Each case is trained in float32 by PyTorch's autograd, one thread, no shuffle. It is then trained again twice as a check of
the numbers themselves: in float64 (how much is rounding?) and by Keras's own fit step from the same model.json (do
our formulas say what Keras does?). Both differences are written to case.json. README.md describes the files.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r tools/golden/requirements.txt
    /tmp/golden/bin/python tools/golden/make_golden.py [--data-dir DIR] [--out assets/golden] [--only CASE]
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

import golden_data
from golden_optimizers import OPTIMIZERS

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
}


def categorical_crossentropy(p, y):
    """From probabilities, as Keras: divided by their sum, clipped to 1e-7 .. 1 - 1e-7."""
    p = torch.clip(p / p.sum(-1, keepdim=True), 1e-7, 1 - 1e-7)
    return -(y * torch.log(p)).sum(-1).mean()


LOSSES = {
    "sparse_categorical_crossentropy": lambda z, y: F.cross_entropy(z, y),
    "categorical_crossentropy": categorical_crossentropy,
    "binary_crossentropy": lambda z, y: F.binary_cross_entropy_with_logits(z, y),
    "mean_squared_error": lambda z, y: F.mse_loss(z, y),
}

KERAS_LOSSES = {
    "sparse_categorical_crossentropy": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "categorical_crossentropy": lambda: keras.losses.CategoricalCrossentropy(),
    "binary_crossentropy": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "mean_squared_error": lambda: keras.losses.MeanSquaredError(),
}

FASHION = {
    "share": "fashion-mlp",
    "layers": "784 dense:64:relu dense:10",
    "data": {"kind": "fashion-mnist", "split": "train"},
    "loss": "sparse_categorical_crossentropy",
    "from_logits": True,
    "batch_size": 32,
    "sample_count": 6400,
    "steps": 200,
    "seed": 1,
}
ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

CASES = {
    "fashion-mlp-adam": {**FASHION, "optimizer": {"name": "adam", "formula": "keras", **ADAM}},
    "fashion-mlp-adam-torch": {**FASHION, "optimizer": {"name": "adam", "formula": "torch", **ADAM}},
    "fashion-mlp-sgd": {
        **FASHION,
        "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": False},
    },
    "fashion-mlp-sgd-nesterov": {
        **FASHION,
        "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True},
    },
    "fashion-mlp-adamw": {
        **FASHION,
        "steps": 50,
        "optimizer": {"name": "adamw", "formula": "keras", **ADAM, "weight_decay": 0.01},
    },
    "fashion-mlp-adamw-torch": {
        **FASHION,
        "steps": 50,
        "optimizer": {"name": "adamw", "formula": "torch", **ADAM, "weight_decay": 0.01},
    },
    "fashion-mlp-rmsprop": {
        **FASHION,
        "steps": 50,
        "optimizer": {"name": "rmsprop", "learning_rate": 1e-3, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
    },
    # 130 rows in batches of 20: every seventh batch has 10 rows.
    "tanh-regression": {
        "layers": "13 dense:32:tanh dense:16:tanh dense:1",
        "data": {"kind": "npy", "x": "x.npy", "y": "y.npy"},
        "make_data": lambda: golden_data.smooth_regression(2, 130, 13),
        "loss": "mean_squared_error",
        "from_logits": False,
        "batch_size": 20,
        "sample_count": 130,
        "steps": 200,
        "seed": 2,
        "optimizer": {"name": "adam", "formula": "keras", **ADAM, "learning_rate": 1e-2},
    },
    # The loss holds the penalties. 100 rows in batches of 16: every seventh batch has 4 rows.
    "regularized": {
        "layers": "8 dense:12:tanh dense:8:tanh dense:1",
        "regularizers": [
            {"kernel": {"l1": 1e-4, "l2": 1e-3}, "bias": {"l2": 1e-2}},
            {"kernel": {"l2": 1e-3}},
            {"kernel": {"l1": 1e-4}},
        ],
        "data": {"kind": "npy", "x": "x.npy", "y": "y.npy"},
        "make_data": lambda: golden_data.two_classes(3, 100, 8),
        "loss": "binary_crossentropy",
        "from_logits": True,
        "batch_size": 16,
        "sample_count": 100,
        "steps": 50,
        "seed": 3,
        "bias_scale": 0.1,
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0, "nesterov": False},
    },
    # Every activation once, probabilities into the loss, momentum in RMSprop.
    "activations": {
        "layers": "10 dense:16:elu dense:15:gelu dense:14:silu dense:13:softplus dense:12:leaky_relu "
        "dense:11:sigmoid dense:9:relu dense:8:tanh dense:5:softmax",
        "data": {"kind": "npy", "x": "x.npy", "y": "y.npy"},
        "make_data": lambda: golden_data.one_hot_classes(4, 90, 10, 5),
        "loss": "categorical_crossentropy",
        "from_logits": False,
        "batch_size": 25,
        "sample_count": 90,
        "steps": 60,
        "seed": 4,
        "bias_scale": 0.1,
        "optimizer": {"name": "rmsprop", "learning_rate": 1e-3, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-7},
    },
}


def parse_layers(text):
    """(inputs, [(units, activation)]) of a short form that has dense layers only."""
    words = text.split()
    layers = []
    for word in words[1:]:
        kind, units, activation = (word.split(":") + ["linear"])[:3]
        assert kind == "dense", word
        layers.append((int(units), activation))
    return int(words[0]), layers


def layer_names(count):
    return ["dense" if i == 0 else f"dense_{i}" for i in range(count)]


def keras_regularizer(spec):
    return keras.regularizers.L1L2(l1=spec.get("l1", 0.0), l2=spec.get("l2", 0.0)) if spec else None


def keras_model(case):
    keras.utils.clear_session()
    inputs, layers = parse_layers(case["layers"])
    regularizers = case.get("regularizers", [{}] * len(layers))
    model = keras.Sequential([keras.layers.Input((inputs,))])
    for (units, activation), regularizer in zip(layers, regularizers):
        model.add(
            keras.layers.Dense(
                units,
                activation=activation,
                kernel_regularizer=keras_regularizer(regularizer.get("kernel")),
                bias_regularizer=keras_regularizer(regularizer.get("bias")),
            )
        )
    assert [layer.name for layer in model.layers] == layer_names(len(layers))
    return model


def initial_weights(case):
    """glorot_uniform kernels; biases 0 unless the case has a bias_scale. From numpy, whose streams are stable."""
    rng = np.random.default_rng(case["seed"])
    rows, layers = parse_layers(case["layers"])
    weights = {}
    for name, (columns, _) in zip(layer_names(len(layers)), layers):
        limit = np.sqrt(6 / (rows + columns))
        scale = case.get("bias_scale", 0.0)
        weights[f"{name}/kernel"] = rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)
        weights[f"{name}/bias"] = (scale * rng.standard_normal(columns)).astype(np.float32)
        rows = columns
    return weights


def batches(case, x, y):
    """`steps` batches in file order; after the last row it starts again at the first."""
    size = case["batch_size"]
    start = 0
    for _ in range(case["steps"]):
        yield x[start : start + size], y[start : start + size]
        start = start + size if start + size < len(x) else 0


def penalty(case, parameters):
    total = 0.0
    for i, regularizer in enumerate(case.get("regularizers", [])):
        for key, spec in regularizer.items():
            w = parameters[f"{layer_names(i + 1)[-1]}/{key}"]
            total = total + spec.get("l1", 0.0) * w.abs().sum() + spec.get("l2", 0.0) * w.square().sum()
    return total


def train_torch(case, weights, x, y, dtype):
    """The losses before each update, and the weights after the last."""
    _, layers = parse_layers(case["layers"])
    names = layer_names(len(layers))
    parameters = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in weights.items()}
    optimizer = OPTIMIZERS[case["optimizer"]["name"]](list(parameters.values()), case["optimizer"])
    x = torch.tensor(x, dtype=dtype)
    y = torch.tensor(y) if y.dtype == np.int64 else torch.tensor(y, dtype=dtype)
    losses = []
    for rows, targets in batches(case, x, y):
        for name, (_, activation) in zip(names, layers):
            rows = ACTIVATIONS[activation](rows @ parameters[f"{name}/kernel"] + parameters[f"{name}/bias"])
        loss = LOSSES[case["loss"]](rows, targets) + penalty(case, parameters)
        for parameter in parameters.values():
            parameter.grad = None
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return np.array(losses), {k: v.detach().numpy() for k, v in parameters.items()}


def train_keras(case, weights, x, y):
    model = keras_model(case)
    for layer in model.layers:
        layer.set_weights([weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]])
    arguments = {k: v for k, v in case["optimizer"].items() if k not in ("name", "formula")}
    optimizer = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": keras.optimizers.SGD,
        "rmsprop": keras.optimizers.RMSprop,
    }[case["optimizer"]["name"]](**arguments)
    model.compile(optimizer=optimizer, loss=KERAS_LOSSES[case["loss"]]())
    losses = []
    for rows, targets in batches(case, x, y):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(rows, targets)))
    final = {}
    for layer in model.layers:
        final[f"{layer.name}/kernel"], final[f"{layer.name}/bias"] = layer.get_weights()
    return np.array(losses), final


def difference(losses, weights, other_losses, other_weights):
    """Largest relative difference of a loss, and relative L2 difference of all weights together."""
    flat = np.concatenate([weights[k].ravel() for k in sorted(weights)]).astype(np.float64)
    other = np.concatenate([other_weights[k].ravel() for k in sorted(weights)]).astype(np.float64)
    return {
        "loss_max_relative": float(f"{np.max(np.abs(losses - other_losses) / np.abs(losses)):.2e}"),
        "weights_relative_l2": float(f"{np.linalg.norm(flat - other) / np.linalg.norm(flat):.2e}"),
    }


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def save_weights(path, weights):
    with open(path, "wb") as file:
        file.write(safetensors.numpy.save(weights))


def make_case(name, case, data_dir, out):
    folder = os.path.join(out, name)
    shared = os.path.join(out, case.get("share", name))
    os.makedirs(folder, exist_ok=True)
    os.makedirs(shared, exist_ok=True)
    if "make_data" in case:
        x, y = case["make_data"]()
        np.save(os.path.join(folder, "x.npy"), x)
        np.save(os.path.join(folder, "y.npy"), y)
    else:
        x, y = golden_data.fashion_mnist(data_dir, case["sample_count"])
    weights = initial_weights(case)
    losses, final = train_torch(case, weights, x, y, torch.float32)
    rounding = difference(losses, final, *train_torch(case, weights, x, y, torch.float64))
    keras_says = difference(losses, final, *train_keras(case, weights, x, y))
    # Keras has its own Adam formula only; for PyTorch's the distance is that of the two formulas, and must show.
    torch_only = case["optimizer"].get("formula") == "torch"
    if not torch_only and (keras_says["loss_max_relative"] > 1e-4 or keras_says["weights_relative_l2"] > 1e-3):
        raise SystemExit(f"{name}: Keras disagrees: {keras_says}")

    save_weights(os.path.join(shared, "init.safetensors"), weights)
    save_weights(os.path.join(folder, "final.safetensors"), final)
    np.save(os.path.join(folder, "losses.npy"), losses)
    write_json(os.path.join(shared, "model.json"), json.loads(keras_model(case).to_json()))
    prefix = f"../{case['share']}/" if "share" in case else ""
    kept = ("layers", "regularizers", "data", "loss", "from_logits", "optimizer", "batch_size", "sample_count", "steps")
    write_json(
        os.path.join(folder, "case.json"),
        {
            "format": 1,
            "name": name,
            "model": prefix + "model.json",
            "init": prefix + "init.safetensors",
            "final": "final.safetensors",
            "losses": "losses.npy",
            **{key: case[key] for key in kept if key in case},
            "shuffle": False,
            "difference_to_float64": rounding,
            "difference_to_keras": keras_says,
            "made_with": {
                "torch": torch.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
                "dtype": "float32",
            },
        },
    )
    print(f"{name:26s} loss {losses[0]:.4f} -> {losses[-1]:.4f}  float64 {rounding}  keras {keras_says}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", default=golden_data.FASHION_MNIST_DIR)
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets", "golden"))
    parser.add_argument("--only", choices=sorted(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name, case in CASES.items():
        if arguments.only in (None, name):
            make_case(name, case, arguments.data_dir, arguments.out)


if __name__ == "__main__":
    main()
