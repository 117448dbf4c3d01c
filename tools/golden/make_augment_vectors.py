#!/usr/bin/env python3
"""Writes assets/golden/augment: what Keras's augmentation layers make of images when nothing is left to chance.

Rotation by a fixed angle with each fill mode, brightness by a fixed step, contrast by a fixed factor. tests/op/test_augment.c
compares the op with them; what is drawn is another matter, since the generators differ.

    /tmp/golden/bin/python tools/golden/make_augment_vectors.py [--out assets/golden/augment]
"""

import argparse
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets/golden/augment"))
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)

    def save(name, values):
        np.save(os.path.join(out, name + ".npy"), keras.ops.convert_to_numpy(values).astype(np.float32))

    x = np.random.default_rng(1).uniform(0, 1, (2, 7, 6, 3)).astype(np.float32)
    save("x", x)
    for mode in ["reflect", "constant", "nearest", "wrap"]:
        layer = keras.layers.RandomRotation((0.1, 0.1), fill_mode=mode, fill_value=0.5)
        save(f"rotation-{mode}", layer(x, training=True))
    save("rotation-quarter", keras.layers.RandomRotation((0.25, 0.25), fill_mode="constant")(x, training=True))
    save("brightness", keras.layers.RandomBrightness((0.2, 0.2), value_range=(0, 1))(x, training=True))
    contrast = keras.layers.RandomContrast(0.5, value_range=(0.1, 0.9))
    save("contrast", contrast.transform_images(keras.ops.convert_to_tensor(x), {"contrast_factor": np.float32(1.4)}))


if __name__ == "__main__":
    main()
