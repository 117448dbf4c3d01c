#!/usr/bin/env python3
"""Writes assets/golden/ops: values and gradients of Keras's activations and losses, and values of its metrics.

The inputs hold the hard ones: 0, large logits, probabilities 0 and 1, ties. Losses and metrics are float32 throughout, as Keras
computes them on its torch backend: the clipping to 1 - 1e-7 depends on the type. Activations are computed in float64 and then
rounded, since the float32 gelu of PyTorch is 4 % off at -5. README.md describes the files.

    /tmp/golden/bin/python tools/golden/make_op_vectors.py [--out assets/golden/ops]
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
from keras import activations, losses, metrics

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

HARD = [-1e4, -100, -30, -16, -9.5, -5, -2, -1, -0.5, -0.1, -1e-3, -1e-6]
POINTS = np.array(HARD + [0.0] + [-x for x in reversed(HARD)], np.float32)

# Rows of 5: plain, equal, large, far apart, one dominates.
LOGITS = np.array(
    [
        [0.5, -1.0, 2.0, 0.0, -0.25],
        [3.0, 3.0, 3.0, 3.0, 3.0],
        [1000.0, 999.0, 998.0, 0.0, -1000.0],
        [-100.0, 100.0, 0.0, 50.0, -50.0],
        [1e-3, -1e-3, 20.0, -20.0, 5.0],
        [1e4, 1e4, -1e4, 0.0, 1.0],
    ],
    np.float32,
)
LABELS = np.array([2, 4, 0, 0, 3, 2], np.int32)

# Rows of 4: plain, 0 and 1 at and beside the label, sums other than 1, tiny, uniform.
PROBABILITIES = np.array(
    [
        [0.1, 0.2, 0.3, 0.4],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.2, 0.4, 0.6, 0.8],
        [1e-9, 0.5, 0.5, 1e-3],
        [0.25, 0.25, 0.25, 0.25],
    ],
    np.float32,
)
PROBABILITY_LABELS = np.array([3, 1, 2, 0, 0, 1], np.int32)

TARGETS = np.array([[0.0, 1.0, -2.0], [0.5, 0.5, 0.5], [10.0, -10.0, 0.0], [1e4, 0.25, -0.75]], np.float32)
PREDICTIONS = np.array([[0.0, 0.0, -1.0], [0.75, -0.5, 0.4], [7.0, -10.5, 1.0], [-1e4, 0.25, 0.25]], np.float32)

BINARY_LOGITS = np.array([[0.0, 2.0, -3.0], [100.0, -100.0, 1e4], [100.0, -100.0, -1e4], [0.1, -0.1, 16.0]], np.float32)
BINARY_PROBABILITIES = np.array([[0.5, 0.9, 0.05], [1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.3, 1e-9, 0.7]], np.float32)
BINARY_TARGETS = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [0.3, 0, 0.7]], np.float32)


def numbers(values):
    """Values rounded to float32, as the shortest decimal that reads back as the same float32; integers as they are."""
    values = torch.as_tensor(values).detach().numpy()
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    if values.dtype == np.float32 and not np.all(np.isfinite(values)):
        raise SystemExit("a value is not finite")
    return [float(str(v)) if values.dtype == np.float32 else int(v) for v in values.ravel()]


def activation_case(name, alpha=None):
    function = {
        "leaky_relu": lambda x: activations.leaky_relu(x, negative_slope=alpha),
        "elu": lambda x: activations.elu(x, alpha=alpha),
    }.get(name, activations.get(name))
    x = torch.tensor(LOGITS if name == "softmax" else POINTS[None, :], dtype=torch.float64, requires_grad=True)
    # A dy that differs from element to element, so that a transposed or forgotten factor shows.
    dy = 0.5 + torch.arange(x.numel(), dtype=torch.float64).reshape(x.shape) % 7 * 0.25
    y = function(x)
    if y.dtype != torch.float64:
        raise SystemExit(f"{name}: Keras computed in {y.dtype}")
    y.backward(dy)
    case = {"name": name} if alpha is None else {"name": name, "alpha": alpha}
    return {**case, "shape": list(x.shape), "x": numbers(x), "y": numbers(y), "dy": numbers(dy), "dx": numbers(x.grad)}


def loss_case(name, loss, y_true, y_pred, **said):
    y = torch.tensor(y_true)
    p = torch.tensor(y_pred, requires_grad=True)
    value = loss(reduction="sum_over_batch_size")(y, p)
    value.backward()
    rows = loss(reduction="none")(y, torch.tensor(y_pred))
    return {
        "name": name,
        **said,
        "shape": list(y_pred.shape),
        "y_true": numbers(y_true),
        "y_pred": numbers(y_pred),
        "rows": numbers(rows),
        "loss": numbers(value)[0],
        "dy_pred": numbers(p.grad),
    }


def make_losses():
    def crossentropy(kind, from_logits):
        return lambda **kw: kind(from_logits=from_logits, **kw)

    one_hot = np.eye(5, dtype=np.float32)[LABELS]
    soft = np.array([[0.1, 0.2, 0.3, 0.2, 0.2]] * 6, np.float32)
    sparse, dense, binary = (
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalCrossentropy,
        losses.BinaryCrossentropy,
    )
    cases = []

    def add(name, kind, y_true, y_pred, from_logits):
        cases.append(loss_case(name, crossentropy(kind, from_logits), y_true, y_pred, from_logits=from_logits))

    add("sparse_categorical_crossentropy", sparse, LABELS, LOGITS, True)
    add("sparse_categorical_crossentropy", sparse, PROBABILITY_LABELS, PROBABILITIES, False)
    add("categorical_crossentropy", dense, one_hot, LOGITS, True)
    add("categorical_crossentropy", dense, soft, LOGITS, True)
    add("categorical_crossentropy", dense, np.eye(4, dtype=np.float32)[PROBABILITY_LABELS], PROBABILITIES, False)
    add("categorical_crossentropy", dense, soft[:, :4], PROBABILITIES, False)
    add("binary_crossentropy", binary, BINARY_TARGETS, BINARY_LOGITS, True)
    add("binary_crossentropy", binary, BINARY_TARGETS, BINARY_PROBABILITIES, False)
    cases.append(loss_case("mean_squared_error", losses.MeanSquaredError, TARGETS, PREDICTIONS))
    cases.append(loss_case("mean_absolute_error", losses.MeanAbsoluteError, TARGETS, PREDICTIONS))
    for delta in (1.0, 0.5):
        cases.append(
            loss_case("huber", lambda **kw: losses.Huber(delta=delta, **kw), TARGETS, PREDICTIONS, delta=delta)
        )
    one_hot4 = np.eye(4, dtype=np.float32)[PROBABILITY_LABELS]

    def say(name, kind, y_true, y_pred, from_logits=None, **said):
        fields = dict(said) if from_logits is None else {"from_logits": from_logits, **said}
        arguments = {{"class_balancing": "apply_class_balancing"}.get(k, k): v for k, v in fields.items()}
        cases.append(loss_case(name, lambda **kw: kind(**arguments, **kw), y_true, y_pred, **fields))

    say("categorical_crossentropy", dense, one_hot, LOGITS, True, label_smoothing=0.1)
    say("categorical_crossentropy", dense, one_hot4, PROBABILITIES, False, label_smoothing=0.2)
    say("binary_crossentropy", binary, BINARY_TARGETS, BINARY_LOGITS, True, label_smoothing=0.3)
    say("binary_crossentropy", binary, BINARY_TARGETS, BINARY_PROBABILITIES, False, label_smoothing=0.3)
    soft4 = np.array([[0.1, 0.2, 0.3, 0.4], [0.0, 1.0, 0.0, 0.0]] * 3, np.float32)
    say("kl_divergence", losses.KLDivergence, soft4, np.clip(PROBABILITIES, 0.02, 0.95))
    say("poisson", losses.Poisson, np.abs(TARGETS), np.abs(PREDICTIONS) + np.float32(0.125))
    say("log_cosh", losses.LogCosh, TARGETS, PREDICTIONS)
    binary01 = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 0, 0]], np.float32)
    for kind, name in ((losses.Hinge, "hinge"), (losses.SquaredHinge, "squared_hinge")):
        say(name, kind, binary01, BINARY_LOGITS)
        say(name, kind, 2 * binary01 - 1, PREDICTIONS * np.float32(0.9))
    say("categorical_hinge", losses.CategoricalHinge, one_hot4, PROBABILITIES + np.arange(4, dtype=np.float32) / 64)
    say("categorical_hinge", losses.CategoricalHinge, np.eye(5, dtype=np.float32)[LABELS], LOGITS[:, ::-1] + np.arange(5, dtype=np.float32) / 2)
    say("cosine_similarity", losses.CosineSimilarity, TARGETS, PREDICTIONS)
    mild, mild_logits = np.clip(PROBABILITIES, 0.02, 0.9), np.clip(LOGITS, -4, 4)
    focal, binary_focal = losses.CategoricalFocalCrossentropy, losses.BinaryFocalCrossentropy
    say("categorical_focal_crossentropy", focal, one_hot4, mild, False, gamma=2.0, alpha=0.25)
    say("categorical_focal_crossentropy", focal, one_hot4, PROBABILITIES, False, gamma=3.0, alpha=0.5)
    say("categorical_focal_crossentropy", focal, one_hot, mild_logits, True, gamma=1.5, alpha=1.0, label_smoothing=0.1)
    mild, mild_logits = np.clip(BINARY_PROBABILITIES, 0.02, 0.9), np.clip(BINARY_LOGITS, -4, 4)
    say("binary_focal_crossentropy", binary_focal, binary01, mild, False, gamma=2.0)
    say("binary_focal_crossentropy", binary_focal, binary01, mild, False, gamma=1.0, alpha=0.75, class_balancing=True)
    say("binary_focal_crossentropy", binary_focal, binary01, mild_logits, True, gamma=3.0)
    say(
        "binary_focal_crossentropy", binary_focal, binary01, mild_logits, True,
        gamma=2.0, alpha=0.25, class_balancing=True, label_smoothing=0.2,
    )  # fmt: skip
    return cases


def metric_case(name, function, y_true, y_pred, **said):
    values = function(torch.tensor(y_true), torch.tensor(y_pred))
    return {
        "name": name,
        **said,
        "shape": list(y_pred.shape),
        "y_true": numbers(y_true),
        "y_pred": numbers(y_pred),
        "rows": numbers(values),
        "mean": numbers(values.mean())[0],
    }


def make_metrics():
    ties = np.array(
        [
            [1, 2, 2, 0],
            [2, 2, 2, 2],
            [3, 1, 1, 1],
            [0, 1, 2, 3],
            [-1, -1, -2, -1],
            [1, 2, 2, 0],
            [4, 7, 9, 8],
        ],
        np.float32,
    )
    labels = np.array([2, 3, 3, 0, 1, 1, 2], np.int32)
    cases = [metric_case("sparse_categorical_accuracy", metrics.sparse_categorical_accuracy, labels, ties)]
    for k in (1, 2, 3, 4):
        cases.append(
            metric_case(
                "sparse_top_k_categorical_accuracy",
                lambda y, p: metrics.sparse_top_k_categorical_accuracy(y, p, k=k),
                labels,
                ties,
                k=k,
            )
        )
    one_hot = np.eye(4, dtype=np.float32)[labels]
    cases.append(metric_case("categorical_accuracy", metrics.categorical_accuracy, one_hot, ties))
    halves = np.array([[0.5], [0.50001], [0.49999], [0.9], [-3.0]], np.float32)
    zeros_and_ones = np.array([[1], [1], [1], [0], [0]], np.float32)
    cases.append(metric_case("binary_accuracy", metrics.binary_accuracy, zeros_and_ones, halves))
    cases.append(metric_case("mean_squared_error", metrics.mean_squared_error, TARGETS, PREDICTIONS))
    cases.append(metric_case("mean_absolute_error", metrics.mean_absolute_error, TARGETS, PREDICTIONS))
    return cases


def make_activations():
    names = ["linear", "relu", "gelu", "silu", "sigmoid", "tanh", "softplus", "softmax"]
    cases = [activation_case(name) for name in names]
    cases += [activation_case("leaky_relu", alpha) for alpha in (0.2, 0.3)]
    cases += [activation_case("elu", alpha) for alpha in (1.0, 0.5)]
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets", "golden", "ops"))
    out = parser.parse_args().out
    torch.set_num_threads(1)
    os.makedirs(out, exist_ok=True)
    made_with = {"torch": torch.__version__, "keras": keras.__version__, "dtype": "float32"}
    for name, make in (("activations", make_activations), ("losses", make_losses), ("metrics", make_metrics)):
        cases = make()
        with open(os.path.join(out, name + ".json"), "w") as file:
            # One case a line: small, and a change shows in a diff.
            lines = ",\n".join("    " + json.dumps(case) for case in cases)
            file.write(f'{{\n  "format": 1,\n  "made_with": {json.dumps(made_with)},\n  "cases": [\n{lines}\n  ]\n}}\n')
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
