"""Keras 3, fit() with its defaults, on TensorFlow (KERAS_BACKEND names another backend). The time is that of the epochs,
from the beginning of the first one to the end of the last one of a call of fit()."""

import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import peer


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.end, self.loss = time.perf_counter(), float(logs["loss"])


class Training(peer.Job):
    """A step of this job is an epoch."""

    fewest = 1

    def __init__(self, request, x, y):
        self.x, self.y, self.batch_size = x, y, request["batch_size"]
        self.work = len(y)
        made = []
        for kind, value, *rest in peer.layers(request["layers"]):
            if kind == "input":
                made.append(keras.Input(value))
                self.x = x.reshape(-1, *value)
            elif kind == "conv2d":
                made.append(keras.layers.Conv2D(value, rest[0], activation=rest[1]))
            elif kind == "maxpool2d":
                made.append(keras.layers.MaxPooling2D(value))
            elif kind == "flatten":
                made.append(keras.layers.Flatten())
            elif kind == "dropout":
                made.append(keras.layers.Dropout(value))
            else:
                made.append(keras.layers.Dense(value, activation=rest[0]))
        self.model = keras.Sequential(made)
        self.model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def timed(self, count):
        clock = Clock()
        self.model.fit(self.x, self.y, batch_size=self.batch_size, epochs=count, verbose=0, callbacks=[clock])
        return count, clock.end - clock.start, clock.loss


def backend():
    """The backend's module, with its threads limited."""
    name = keras.backend.backend()
    module = __import__(name)
    if name == "tensorflow":
        module.config.threading.set_intra_op_parallelism_threads(peer.threads())
        module.config.threading.set_inter_op_parallelism_threads(peer.threads())
    elif name == "torch":
        module.set_num_threads(peer.threads())
    return module


def main():
    module = backend()
    x, y = peer.fashion_mnist(sys.argv[1])

    def make_job(request):
        if "layers" in request:
            return Training(request, x, y)
        raise NotImplementedError("Keras has no matmul of its own")

    versions = {"keras": keras.__version__, module.__name__: module.__version__}
    peer.serve({"versions": versions, "device": f"CPU, {peer.threads()} threads"}, make_job)


if __name__ == "__main__":
    main()
