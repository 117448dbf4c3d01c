#!/usr/bin/env python3
"""Writes assets/golden/updates: what Keras's optimizers, clipping, accumulation, averages and schedules do.

    updates.json    a small regression, trained by Keras's fit from the same weights with each optimizer: the optimizer as Keras
                    serialises it, the losses of the steps, the final weights
    weights.json    a small classification, likewise, with weights of samples and classes, ignored classes, smoothed labels
    schedules.json  learning rates of Keras's schedules, and of PyTorch's OneCycleLR, at some steps

    /tmp/golden/bin/python tools/golden/make_update_vectors.py [--out assets/golden/updates]
"""

import argparse
import json
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
from keras import losses, metrics, optimizers
from keras.optimizers import schedules

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = "3 dense:6:tanh dense:2"
BATCH, EPOCHS, SAMPLES = 4, 3, 22  # the last batch of an epoch has 2 rows

OPTIMIZERS = {
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adagrad zero": lambda: optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-3),
    "adadelta": lambda: optimizers.Adadelta(1.0, epsilon=1e-3),
    "adadelta rho": lambda: optimizers.Adadelta(0.5, rho=0.8, weight_decay=0.01),
    "adamax": lambda: optimizers.Adamax(0.02),
    "adamax betas": lambda: optimizers.Adamax(0.02, beta_1=0.8, beta_2=0.95, epsilon=1e-2),
    "nadam": lambda: optimizers.Nadam(0.02),
    "nadam betas": lambda: optimizers.Nadam(0.02, beta_1=0.7, beta_2=0.9, weight_decay=0.1),
    "lion": lambda: optimizers.Lion(0.003),
    "lion decay": lambda: optimizers.Lion(0.003, beta_1=0.5, beta_2=0.8, weight_decay=0.2),
    "adafactor": lambda: optimizers.Adafactor(0.1),
    "adafactor fields": lambda: optimizers.Adafactor(
        0.5, beta_2_decay=-0.5, epsilon_1=1e-4, epsilon_2=0.05, clip_threshold=0.7, weight_decay=0.01
    ),
    "adam clipnorm": lambda: optimizers.Adam(0.02, epsilon=1e-2, clipnorm=0.3),
    "sgd global_clipnorm": lambda: optimizers.SGD(0.2, momentum=0.5, global_clipnorm=0.4),
    "sgd clipvalue": lambda: optimizers.SGD(0.2, clipvalue=0.1),
    "sgd accumulate": lambda: optimizers.SGD(0.2, momentum=0.9, gradient_accumulation_steps=3),
    "adam accumulate": lambda: optimizers.Adam(0.05, epsilon=1e-2, gradient_accumulation_steps=4, global_clipnorm=0.5),
    "nadam accumulate": lambda: optimizers.Nadam(0.05, gradient_accumulation_steps=2, weight_decay=0.1),
    "adafactor accumulate": lambda: optimizers.Adafactor(0.1, gradient_accumulation_steps=2, clipnorm=0.5),
    "sgd ema": lambda: optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8),
    "sgd ema overwrite": lambda: optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=5),
    "adam ema accumulate": lambda: optimizers.Adam(
        0.05, epsilon=1e-2, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=2, ema_overwrite_frequency=3
    ),
    "sgd cosine": lambda: optimizers.SGD(schedules.CosineDecay(0.01, 10, alpha=0.1, warmup_target=0.2, warmup_steps=4)),
    "adam exponential": lambda: optimizers.Adam(schedules.ExponentialDecay(0.05, 5, 0.5, staircase=True), epsilon=1e-2),
    "sgd accumulate polynomial": lambda: optimizers.SGD(
        schedules.PolynomialDecay(0.3, 12, 0.01, power=2.0), gradient_accumulation_steps=3
    ),
    "rmsprop piecewise": lambda: optimizers.RMSprop(
        schedules.PiecewiseConstantDecay([5, 11], [0.02, 0.01, 0.001]), epsilon=1e-2
    ),
}

SCHEDULES = {
    "exponential": lambda: schedules.ExponentialDecay(0.1, 30, 0.7),
    "staircase": lambda: schedules.ExponentialDecay(0.1, 30, 0.7, staircase=True),
    "inverse": lambda: schedules.InverseTimeDecay(0.1, 30, 0.7),
    "inverse staircase": lambda: schedules.InverseTimeDecay(0.1, 30, 0.7, staircase=True),
    "polynomial": lambda: schedules.PolynomialDecay(0.1, 100, 0.01),
    "polynomial to 0": lambda: schedules.PolynomialDecay(0.1, 100, 0.0, power=0.5),
    "polynomial cycle": lambda: schedules.PolynomialDecay(0.1, 37, 0.01, power=2.5, cycle=True),
    "piecewise": lambda: schedules.PiecewiseConstantDecay([10, 50, 99], [1.0, 0.5, 0.25, 0.125]),
    "cosine": lambda: schedules.CosineDecay(0.1, 100),
    "cosine alpha": lambda: schedules.CosineDecay(0.1, 100, alpha=0.3),
    "cosine warm-up": lambda: schedules.CosineDecay(0.001, 100, alpha=0.01, warmup_target=0.1, warmup_steps=20),
    "cosine target alone": lambda: schedules.CosineDecay(0.001, 100, warmup_target=0.1, warmup_steps=0),
    "restarts": lambda: schedules.CosineDecayRestarts(0.1, 13),
    "restarts equal": lambda: schedules.CosineDecayRestarts(0.1, 13, t_mul=1.0, m_mul=0.9, alpha=0.05),
    "restarts half as long again": lambda: schedules.CosineDecayRestarts(0.1, 21, t_mul=1.5, m_mul=0.5),
}
ONE_CYCLES = [
    {"rate": 0.1, "decay_steps": 100, "pct_start": 0.3, "div_factor": 25, "final_div_factor": 1e4},
    {"rate": 0.5, "decay_steps": 47, "pct_start": 0.25, "div_factor": 10, "final_div_factor": 100},
]
STEPS = list(range(0, 60)) + [75, 98, 99, 100, 101, 120, 121, 150, 259, 500, 5000]


def numbers(values):
    return [float(str(v)) for v in np.asarray(values, np.float32).ravel()]


def problem():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (SAMPLES, 3)).astype(np.float32)
    y = np.stack([np.sin(2 * x[:, 0]) + x[:, 1], x[:, 1] * x[:, 2] - 1], 1).astype(np.float32)
    weights = [
        rng.uniform(-0.8, 0.8, (3, 6)),
        rng.uniform(-0.2, 0.2, 6),
        rng.uniform(-0.8, 0.8, (6, 2)),
        rng.uniform(-0.2, 0.2, 2),
    ]
    return x, y, [w.astype(np.float32) for w in weights]


class Losses(keras.callbacks.Callback):
    """Of each step: Keras's logs hold the mean since the epoch's begin."""

    def on_epoch_begin(self, epoch, logs=None):
        self.sum, self.rows = 0.0, 0

    def on_train_batch_end(self, batch, logs=None):
        rows = min(BATCH, SAMPLES - batch * BATCH)
        total = logs["loss"] * (self.rows + rows)
        self.values.append((total - self.sum) / rows)
        self.sum, self.rows = total, self.rows + rows


def train(optimizer, x, y, weights):
    keras.utils.clear_session()
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(2)]
    )
    model.set_weights(weights)
    model.compile(optimizer=optimizer, loss="mean_squared_error")
    steps = Losses()
    steps.values = []
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[steps])
    return steps.values, model.get_weights()


def update_cases(x, y, weights):
    for name, make in OPTIMIZERS.items():
        values, final = train(make(), x, y, weights)
        yield {
            "name": name,
            "compile_config": {"optimizer": optimizers.serialize(make()), "loss": "mean_squared_error", "metrics": []},
            "losses": numbers(values),
            "final": [numbers(w) for w in final],
        }


WEIGHTED = {
    "class weights": {"loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True), "class_weight": [1.0, 3.0, 0.5]},
    "sample weights": {"loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True), "weighted": True},
    "ignored class": {"loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)},
    "ignored class, weights": {
        "loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
        "weighted": True,
    },
    "smoothed, class weights": {
        "loss": lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "class_weight": [2.0, 0.0, 1.0],
        "one_hot": True,
    },
    "squares, sample weights": {"loss": lambda: losses.MeanSquaredError(), "weighted": True, "one_hot": True},
    "focal": {
        "loss": lambda: losses.CategoricalFocalCrossentropy(from_logits=True, gamma=1.5, alpha=0.75),
        "one_hot": True,
    },
    "validation split": {
        "loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        "weighted": True,
        "validation_split": 0.25,
    },
    "validation split, class weights": {
        "loss": lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        "class_weight": [1.0, 3.0, 0.5],
        "validation_split": 0.25,
    },
}


def weight_cases(x, labels, weights, sample_weight):
    for name, spec in WEIGHTED.items():
        keras.utils.clear_session()
        model = keras.Sequential(
            [keras.layers.Input((3,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(3)]
        )
        model.set_weights(weights)
        loss, optimizer = spec["loss"](), optimizers.SGD(0.2)
        model.compile(optimizer=optimizer, loss=loss)
        y = np.eye(3, dtype=np.float32)[labels] if spec.get("one_hot") else labels
        evaluated = model.evaluate(x, y, batch_size=BATCH, sample_weight=sample_weight, verbose=0)
        history = model.fit(
            x,
            y,
            batch_size=BATCH,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            sample_weight=sample_weight if spec.get("weighted") else None,
            class_weight=dict(enumerate(spec["class_weight"])) if "class_weight" in spec else None,
            validation_split=spec.get("validation_split", 0.0),
        )
        case = {
            "name": name,
            "compile_config": {
                "optimizer": optimizers.serialize(optimizer),
                "loss": losses.serialize(loss),
                "metrics": [],
            },
            "weighted": spec.get("weighted", False),
            "one_hot": spec.get("one_hot", False),
            "class_weight": spec.get("class_weight", []),
            "validation_split": spec.get("validation_split", 0.0),
            "evaluated": float(np.float32(evaluated)),
            "losses": numbers(history.history["loss"]),
            "validation": numbers(history.history.get("val_loss", [])),
            "final": [numbers(w) for w in model.get_weights()],
        }
        yield case


def metric_values(x, labels, weights):
    """Of the model with its first weights, on all samples: outputs as probabilities, and the first output alone."""
    logits = np.tanh(x @ weights[0] + weights[1]) @ weights[2] + weights[3]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    one_hot = np.eye(3, dtype=np.float32)[labels]

    def value(metric, y_true, y_pred):
        metric.update_state(y_true, y_pred.astype(np.float32))
        return float(metric.result())

    first, sigmoid = one_hot[:, :1], 1 / (1 + np.exp(-logits[:, :1]))
    return {
        "precision": value(metrics.Precision(), one_hot, p),
        "recall": value(metrics.Recall(), one_hot, p),
        "f1_score": value(metrics.F1Score(average="macro"), one_hot, p),
        "auc": value(metrics.AUC(), one_hot, p),
        "r2_score": value(metrics.R2Score(), one_hot, logits),
        "binary precision": value(metrics.Precision(), first, sigmoid),
        "binary recall": value(metrics.Recall(), first, sigmoid),
        "binary f1_score": value(metrics.F1Score(average="macro", threshold=0.5), first, sigmoid),
        "binary auc": value(metrics.AUC(), first, sigmoid),
        "confusion": [int(np.sum((labels == i) & (p.argmax(1) == j))) for i in range(3) for j in range(3)],
    }


def weighted_problem():
    rng = np.random.default_rng(8)
    x = rng.uniform(-1, 1, (SAMPLES, 3)).astype(np.float32)
    labels = (np.floor(1.5 * (x[:, 0] + x[:, 1] + 2)) % 3).astype(np.int32)
    weights = [rng.uniform(-0.8, 0.8, s).astype(np.float32) for s in ((3, 6), (6,), (6, 3), (3,))]
    sample_weight = rng.uniform(0, 2, SAMPLES).astype(np.float32)
    sample_weight[3] = 0
    return {
        "layers": "3 dense:6:tanh dense:3",
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "x": numbers(x),
        "y": [int(v) for v in labels],
        "initial": [numbers(w) for w in weights],
        "sample_weight": numbers(sample_weight),
        "cases": list(weight_cases(x, labels, weights, sample_weight)),
        "metrics": metric_values(x, labels, weights),
    }


def schedule_cases():
    for name, make in SCHEDULES.items():
        optimizer = optimizers.SGD(make())
        yield {
            "name": name,
            "compile_config": {"optimizer": optimizers.serialize(optimizer)},
            "steps": STEPS,
            "rates": numbers([float(make()(step)) for step in STEPS]),
        }
    for spec in ONE_CYCLES:
        w = torch.nn.Parameter(torch.zeros(1))
        sgd = torch.optim.SGD([w], lr=1.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            sgd,
            spec["rate"],
            total_steps=spec["decay_steps"],
            pct_start=spec["pct_start"],
            div_factor=spec["div_factor"],
            final_div_factor=spec["final_div_factor"],
        )
        rates = []
        for _ in range(spec["decay_steps"]):
            rates.append(sgd.param_groups[0]["lr"])
            sgd.step()
            if len(rates) < spec["decay_steps"]:
                schedule.step()
        yield {"name": "one_cycle", "one_cycle": spec, "steps": list(range(len(rates))), "rates": numbers(rates)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets", "golden", "updates"))
    out = parser.parse_args().out
    torch.set_num_threads(1)
    x, y, weights = problem()
    updates = {
        "layers": LAYERS,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "x": numbers(x),
        "y": numbers(y),
        "initial": [numbers(w) for w in weights],
        "cases": list(update_cases(x, y, weights)),
    }
    os.makedirs(out, exist_ok=True)
    for name, content in (
        ("updates.json", updates),
        ("weights.json", weighted_problem()),
        ("schedules.json", {"cases": list(schedule_cases())}),
    ):
        with open(os.path.join(out, name), "w") as file:
            json.dump(content, file)
            file.write("\n")


if __name__ == "__main__":
    main()
