#!/usr/bin/env python3
"""Writes assets/golden/data: small files that other programs made, and what those programs read in them.

Pillow's images and their resized copies, numpy's archives. tests/unit/test_image.c and test_npz.c compare with them.

    /tmp/golden/bin/python tools/golden/make_data_files.py [--out assets/golden/data]
"""

import argparse
import os

import numpy as np
from PIL import Image

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def picture(height, width, channels):
    """Smooth waves with some noise."""
    rows, columns, depth = np.mgrid[0:height, 0:width, 0:channels]
    waves = 120 + 80 * np.sin(rows * 0.7 + depth) + 40 * np.cos(columns * 0.9 - depth * 2)
    noise = np.random.default_rng(3).integers(-12, 13, waves.shape)
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(REPOSITORY, "assets/golden/data"))
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)

    def path(name):
        return os.path.join(out, name)

    rgb, grey = picture(9, 13, 3), picture(9, 13, 1)[:, :, 0]
    image = Image.fromarray(rgb)
    image.save(path("rgb.png"))
    image.save(path("rgb.bmp"))
    image.save(path("rgb.jpg"), quality=90)
    image.convert("CMYK").save(path("cmyk.jpg"))
    Image.fromarray(grey).save(path("grey.jpg"), quality=90)
    Image.fromarray((grey.astype(np.uint16) * 257)).save(path("grey16.png"))
    Image.fromarray(np.dstack([rgb, grey]), "RGBA").save(path("rgba.png"))
    np.save(path("rgb.npy"), rgb)
    np.save(path("jpg.npy"), np.asarray(Image.open(path("rgb.jpg"))))
    np.save(path("grey-jpg.npy"), np.asarray(Image.open(path("grey.jpg"))))
    for name, (height, width) in {"small": (4, 5), "large": (20, 31), "wide": (5, 31), "one": (1, 1)}.items():
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        np.save(path(f"{name}.npy"), np.asarray(resized))

    arrays = {
        "x": np.arange(12, dtype=np.float32).reshape(4, 3) / 8,
        "y": np.array([2, 0, 1, 2], np.int64),
        "fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    }
    np.savez(path("stored.npz"), **arrays)
    np.savez_compressed(path("packed.npz"), **arrays)
    np.savez(path("nameless.npz"), arrays["x"], arrays["y"])


if __name__ == "__main__":
    main()
