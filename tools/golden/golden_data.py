"""Data for the golden cases: Fashion-MNIST from the system's package, and small tables made from a seed."""

import gzip
import os
import struct

import numpy as np

FASHION_MNIST_DIR = "/usr/share/datasets/fashion-mnist"


def read_idx(path):
    """A gzipped IDX file of unsigned bytes as a numpy array."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    zero, dtype, rank = struct.unpack(">HBB", data[:4])
    if zero != 0 or dtype != 8:
        raise SystemExit(f"{path}: magic {data[:4].hex()}; expected 000008xx, an IDX file of unsigned bytes")
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def fashion_mnist(data_dir, count):
    """The first `count` training samples in file order: x float32 [count, 784] in 0..1, y int64 [count]."""
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        if not os.path.exists(os.path.join(data_dir, name)):
            raise SystemExit(
                f"{data_dir}/{name}: not found; install the package dataset-fashion-mnist or give --data-dir"
            )
    images = read_idx(os.path.join(data_dir, "train-images-idx3-ubyte.gz"))[:count]
    labels = read_idx(os.path.join(data_dir, "train-labels-idx1-ubyte.gz"))[:count]
    return images.reshape(count, 784).astype(np.float32) / np.float32(255), labels.astype(np.int64)


def smooth_regression(seed, count, inputs):
    """A smooth target with a little noise: x float32 [count, inputs], y float32 [count, 1]."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, inputs))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] + 0.05 * rng.standard_normal(count)
    return x.astype(np.float32), y[:, None].astype(np.float32)


def two_classes(seed, count, inputs):
    """Two classes that no line parts: x float32 [count, inputs], y float32 [count, 1] of 0 and 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, inputs))
    y = (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] > 0).astype(np.float32)
    return x.astype(np.float32), y[:, None]


def one_hot_classes(seed, count, inputs, classes):
    """Noisy clusters: x float32 [count, inputs], y float32 [count, classes], one-hot."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((classes, inputs))
    labels = rng.integers(0, classes, count)
    x = centres[labels] + 0.7 * rng.standard_normal((count, inputs))
    return x.astype(np.float32), np.eye(classes, dtype=np.float32)[labels]
