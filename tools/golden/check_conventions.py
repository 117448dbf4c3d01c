#!/usr/bin/env python3
"""Checks by running Keras what docs/keras-compatibility.md says about it: prints a line a statement, exits 1 if one is false.

Formulas of optimizers are checked by make_golden.py, values and gradients of losses and activations by make_op_vectors.py.

    /tmp/golden/bin/python tools/golden/check_conventions.py
"""

import inspect
import math
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
from keras import layers, losses, optimizers
from keras.src.trainers.compile_utils import get_metric
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

failures = 0


def check(statement, is_true):
    global failures
    print(("ok     " if is_true else "FALSE  ") + statement)
    failures += not is_true


def near(value, expected, tolerance=1e-6):
    return abs(float(value) - expected) <= tolerance * max(1, abs(expected))


def check_defaults():
    def config(optimizer):
        return optimizer.get_config()

    sgd, adam, adamw, rmsprop = (
        config(optimizers.SGD()),
        config(optimizers.Adam()),
        config(optimizers.AdamW()),
        config(optimizers.RMSprop()),
    )
    check("SGD: 0.01, momentum 0", near(sgd["learning_rate"], 0.01) and sgd["momentum"] == 0 and not sgd["nesterov"])
    check(
        "Adam: 0.001, 0.9, 0.999, 1e-7",
        near(adam["learning_rate"], 1e-3) and (adam["beta_1"], adam["beta_2"], adam["epsilon"]) == (0.9, 0.999, 1e-7),
    )
    check("AdamW: as Adam, decay 0.004", adamw["weight_decay"] == 0.004 and adamw["epsilon"] == 1e-7)
    check(
        "RMSprop: 0.001, rho 0.9, momentum 0, 1e-7",
        (rmsprop["rho"], rmsprop["momentum"], rmsprop["epsilon"]) == (0.9, 0.0, 1e-7),
    )
    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile()
    check("compile() alone: rmsprop", isinstance(model.optimizer, optimizers.RMSprop))
    check("LeakyReLU layer: 0.3", layers.LeakyReLU().negative_slope == 0.3)
    one = torch.tensor([-1.0])
    check("activation leaky_relu: 0.2", near(keras.activations.get("leaky_relu")(one)[0], -0.2))
    check("elu: alpha 1", near(keras.activations.get("elu")(one)[0], math.exp(-1) - 1))
    exact = -0.5 * (1 + math.erf(-1 / math.sqrt(2)))
    check("gelu: exact, not the tanh form", near(keras.activations.get("gelu")(one)[0], exact, 1e-6))
    check("Huber: delta 1", near(losses.Huber()(torch.zeros(1, 1), torch.full((1, 1), 3.0)), 2.5))
    check("losses: from probabilities", losses.SparseCategoricalCrossentropy().get_config()["from_logits"] is False)
    check("epsilon(): 1e-7", keras.config.epsilon() == 1e-7)
    check("top-k: k 5", keras.metrics.SparseTopKCategoricalAccuracy().get_config()["k"] == 5)


def check_initializers():
    i = keras.initializers
    shape = (300, 200)

    def draw(kind):
        return np.asarray(keras.ops.convert_to_numpy(kind(shape)), np.float64)

    for name, kind, limit in (
        ("glorot_uniform: +- sqrt(6 / (in + out))", i.GlorotUniform(1), math.sqrt(6 / 500)),
        ("he_uniform: +- sqrt(6 / in)", i.HeUniform(1), math.sqrt(6 / 300)),
        ("lecun_uniform: +- sqrt(3 / in)", i.LecunUniform(1), math.sqrt(3 / 300)),
        ("random_uniform: +- 0.05", i.RandomUniform(seed=1), 0.05),
    ):
        w = draw(kind)
        check(name, 0.999 * limit < w.max() <= limit and -0.999 * limit > w.min() >= -limit)
    for name, kind, deviation in (
        ("glorot_normal: truncated, deviation sqrt(2 / (in + out))", i.GlorotNormal(1), math.sqrt(2 / 500)),
        ("he_normal: truncated, deviation sqrt(2 / in)", i.HeNormal(1), math.sqrt(2 / 300)),
        ("lecun_normal: truncated, deviation sqrt(1 / in)", i.LecunNormal(1), math.sqrt(1 / 300)),
    ):
        w = draw(kind)
        # The deviation before cutting at 2 deviations is larger by 1 / 0.87962566103423978.
        bound = 2 * deviation / 0.87962566103423978
        check(name, abs(w.std() / deviation - 1) < 0.01 and 0.99 * bound < np.abs(w).max() <= bound)
    w = draw(i.TruncatedNormal(seed=1))
    check(
        "truncated_normal: 0.05 before the cut at 0.1",
        0.099 < np.abs(w).max() <= 0.1 and abs(w.std() / 0.05 - 0.8796) < 0.01,
    )
    w = draw(i.RandomNormal(seed=1))
    check("random_normal: deviation 0.05, not cut", abs(w.std() / 0.05 - 1) < 0.01 and np.abs(w).max() > 0.15)
    dense = layers.Dense(3)
    check(
        "Dense: kernel glorot_uniform, bias zeros",
        isinstance(dense.kernel_initializer, i.GlorotUniform) and isinstance(dense.bias_initializer, i.Zeros),
    )
    check("a seeded initializer gives the same again", np.array_equal(draw(i.HeNormal(7)), draw(i.HeNormal(7))))


def accuracy_of(y, p):
    """What `metrics=["accuracy"]` turns into, by the shapes of target and output."""
    return type(get_metric("accuracy", torch.tensor(y), torch.tensor(p))).__name__


def check_metrics():
    p = np.zeros((4, 3), np.float32)
    check(
        "accuracy, labels (B): sparse categorical", accuracy_of(np.zeros(4, np.int32), p) == "SparseCategoricalAccuracy"
    )
    check(
        "accuracy, labels (B, 1): sparse categorical",
        accuracy_of(np.zeros((4, 1), np.int32), p) == "SparseCategoricalAccuracy",
    )
    check("accuracy, targets (B, K): categorical", accuracy_of(p, p) == "CategoricalAccuracy")
    check("accuracy, one class a row of (B, 1) outputs: binary", accuracy_of(p[:, :1], p[:, :1]) == "BinaryAccuracy")

    # Fit's loss and metrics are means over samples, also when the last batch is short: 3 rows in batches of 2.
    x = np.array([[1.0], [2.0], [6.0]], np.float32)
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer=optimizers.SGD(0.0), loss="mse", metrics=["mae"])
    history = model.fit(x, x, batch_size=2, shuffle=False, verbose=0).history
    check("epoch's loss: mean over samples", near(history["loss"][0], (1 + 4 + 36) / 3))
    check("epoch's metric: mean over samples", near(history["mae"][0], (1 + 2 + 6) / 3))


def check_losses():
    sparse = losses.SparseCategoricalCrossentropy()
    p = torch.tensor([[0.0, 1.0]], requires_grad=True)
    loss = sparse(torch.tensor([0]), p)
    loss.backward()
    check("cross-entropy of probability 0: -log(1e-7)", near(loss.item(), -math.log(1e-7)))
    check("and no gradient where it is clipped", not p.grad.any())
    p = torch.tensor([[0.2, 0.2]])
    check("probabilities are divided by their sum", near(sparse(torch.tensor([0]), p), math.log(2)))
    b = losses.BinaryCrossentropy()
    check("binary: clipped, too", near(b(torch.ones(1, 1), torch.zeros(1, 1)), -math.log(1e-7)))
    clipped = -math.log(float(np.float32(1) - np.float32(1 - 1e-7)))
    check("binary: 1 - 1e-7 is the nearest float32, 1 - 2^-23", near(b(torch.zeros(1, 1), torch.ones(1, 1)), clipped))

    huber = losses.Huber(delta=0.5)
    check("Huber: delta is lost when a compiled model is saved", "delta" not in huber.get_config())

    r = keras.regularizers
    model = keras.Sequential(
        [layers.Input((1,)), layers.Dense(1, kernel_initializer="ones", kernel_regularizer=r.L1L2(0.5, 0.25))]
    )
    model.compile(optimizer=optimizers.SGD(0.0), loss="mse", metrics=["mse"])
    x = np.array([[1.0], [3.0]], np.float32)
    history = model.fit(x, x + 1, verbose=0).history
    check("loss holds the penalties; metrics do not", near(history["loss"][0], 1.75) and near(history["mse"][0], 1.0))
    check("evaluate's loss holds them, too", near(model.evaluate(x, x + 1, verbose=0)[0], 1.75))
    check("regularizer l1 by name: 0.01", near(r.get("l1").l1, 0.01))
    check("regularizer l2 by name: 0.01", near(r.get("l2").l2, 0.01))
    check("regularizer L1L2 by name: 0 and 0", r.get("L1L2").get_config() == {"l1": 0.0, "l2": 0.0})


def check_optimizers():
    w = torch.nn.Parameter(torch.zeros(1))

    def first_step(optimizer, gradient, start=0.0):
        variable = keras.Variable(np.array([start], np.float32))
        optimizer.build([variable])
        optimizer.apply([torch.tensor([gradient])], [variable])
        return float(variable.numpy()[0]) - start

    g = 1e-6
    # v = 0.001 g^2, so sqrt(v) is 3e-8: epsilon 1e-7 weighs three times as much.
    alpha = 1e-3 * math.sqrt(1 - 0.999) / (1 - 0.9)
    expected = -alpha * 0.1 * g / (math.sqrt(0.001) * g + 1e-7)
    check("Adam: epsilon beside sqrt(v)", abs(first_step(optimizers.Adam(), g) / expected - 1) < 1e-3)
    torch_adam = torch.optim.Adam([w], eps=1e-7)
    w.grad = torch.tensor([g])
    torch_adam.step()
    check("PyTorch's Adam: beside sqrt(v / (1 - b2^t))", abs(w.item() / (-1e-3 * g / (g + 1e-7)) - 1) < 1e-3)
    expected = -1e-3 * 1e-4 / math.sqrt(0.1 * 1e-8 + 1e-7)
    check("RMSprop: epsilon under the root", abs(first_step(optimizers.RMSprop(), 1e-4) / expected - 1) < 1e-4)
    step = first_step(optimizers.AdamW(weight_decay=0.5), 0.0, start=2.0)
    check("AdamW: decay is decoupled, -lr * decay * w", near(step, -1e-3 * 0.5 * 2.0, 1e-6))

    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, bias_initializer="ones")])
    model.compile(optimizer=optimizers.AdamW(weight_decay=0.5), loss="mse")
    model.layers[0].kernel.assign([[0.0]])
    model.fit(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32), verbose=0)
    check("AdamW: biases decay, too", near(model.layers[0].bias.numpy()[0], 1 - 1e-3 * 0.5))


def check_layers():
    keras.utils.set_random_seed(1)
    y = np.asarray(layers.Dropout(0.25)(torch.ones(100, 100), training=True))
    kept = y[y != 0]
    check(
        "Dropout: kept values are divided by 1 - rate",
        np.allclose(kept, 1 / 0.75) and abs(kept.size / y.size - 0.75) < 0.02,
    )
    check("Dropout: does nothing outside training", np.all(np.asarray(layers.Dropout(0.25)(torch.ones(9, 9))) == 1))
    crop, image = layers.RandomCrop(2, 3, seed=1), np.arange(2 * 5 * 6, dtype=np.float32).reshape(2, 5, 6, 1)
    y = np.asarray(crop(torch.tensor(image), training=False))
    check("RandomCrop: does nothing outside training", np.array_equal(y, image))
    y = np.asarray(crop(torch.tensor(image), training=True))[..., 0]
    check("RandomCrop: in training one place for the batch", y.shape == (2, 2, 3) and np.all(y[1] - y[0] == 30))
    dense = layers.Dense(5)
    y = dense(torch.zeros(2, 3, 4))
    check("Dense: over the last axis, kernel (in, units)", tuple(y.shape) == (2, 3, 5) and dense.kernel.shape == (4, 5))
    keras.utils.clear_session()
    model = keras.Sequential([layers.Input((4,)), layers.Dense(1), layers.LeakyReLU(), layers.Dense(1), layers.ReLU()])
    check(
        "names: dense, leaky_re_lu, dense_1, re_lu",
        [l.name for l in model.layers] == ["dense", "leaky_re_lu", "dense_1", "re_lu"],
    )
    check("the input's name: input_layer", model._layers[0].name == "input_layer")
    model.compile()
    check("fit: batch 32, shuffle, 1 epoch", fit_defaults(model) == (None, True, 1))
    (train,), (validation,) = train_validation_split((np.arange(10),), 0.25)
    check(
        "validation_split: the last rows; int(rows * (1 - split)) train",
        list(train) == list(range(7)) and len(validation) == 3,
    )


def fit_defaults(model):
    parameters = inspect.signature(model.fit).parameters
    return tuple(parameters[name].default for name in ("batch_size", "shuffle", "epochs"))


def main():
    torch.set_num_threads(1)
    print(f"Keras {keras.__version__}, torch {torch.__version__}")
    check_defaults()
    check_initializers()
    check_metrics()
    check_losses()
    check_optimizers()
    check_layers()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
