#!/usr/bin/env python3
"""What Keras's EarlyStopping does with made-up values of a monitor: prints tests/train/early_stopping.inc.

A row: mode, min_delta, patience, baseline (or none), start_from_epoch, number of epochs it runs, epoch of the best
weights (from 0), then the values.
"""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

VALUES = [
    [1.0, 0.9, 0.8, 0.81, 0.82, 0.79, 0.83, 0.84, 0.85, 0.86],
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [0.5, 0.6, 0.55, 0.7, 0.69, 0.68, 0.71, 0.2, 0.1, 0.0],
    [0.9, 0.85, 0.849, 0.848, 0.6, 0.599, 0.598, 0.597, 0.596, 0.595],
    [float("nan"), 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1],
    [0.5, float("nan"), float("nan"), 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
]
SETTINGS = [("min", 0.0, 0, None, 0), ("min", 0.0, 2, None, 0), ("max", 0.0, 2, None, 0), ("min", 0.01, 2, None, 0),
            ("min", 0.0, 2, 0.7, 0), ("max", 0.05, 1, 0.65, 0), ("min", 0.0, 1, None, 4), ("max", 0.0, 0, None, 3)]


class Model:
    """As much of a model as the callback touches; its weights are the epoch."""

    stop_training = False

    def __init__(self):
        self.weights = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


print(f"// Made by tools/golden/make_early_stopping.py with Keras {keras.__version__}.")
for values in VALUES:
    for mode, min_delta, patience, baseline, start in SETTINGS:
        model = Model()
        callback = keras.callbacks.EarlyStopping("m", min_delta=min_delta, patience=patience, mode=mode,
                                                 baseline=baseline, restore_best_weights=True, start_from_epoch=start)
        callback.set_model(model)
        callback.on_train_begin()
        ran = 0
        for epoch, value in enumerate(values):
            model.weights = epoch
            callback.on_epoch_end(epoch, {"m": value})
            ran = epoch + 1
            if model.stop_training:
                break
        callback.on_train_end()
        base = "NONE" if baseline is None else repr(baseline)
        text = ", ".join("NAN" if np.isnan(v) else repr(v) for v in values)
        print(f"    {{GS_MONITOR_{mode.upper()}, {min_delta}, {patience}, {base}, {start}, {ran}, {model.weights}, "
              f"{{{text}}}}},")
