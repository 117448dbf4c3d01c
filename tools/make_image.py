#!/usr/bin/env python3
"""Writes an image of Fashion-MNIST's test set as an 8-bit grey PNG of 28 x 28 pixels; needs Python only.

    tools/make_image.py 0 assets/images/ankle-boot.png

The file depends on the image alone: stored without filters, compressed by zlib level 9. Fashion-MNIST: Xiao, Rasul, Vollgraf 2017,
MIT licence.
"""

import argparse
import gzip
import struct
import zlib

IMAGES = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"


def read_image(path, index):
    """Returns (rows, columns, pixels)."""
    with gzip.open(path) as file:
        magic, count, rows, columns = struct.unpack(">4I", file.read(16))
        if magic != 0x803 or not 0 <= index < count:
            raise SystemExit(f"{path}: expected an IDX file of more than {index} images")
        file.seek(16 + index * rows * columns)
        return rows, columns, file.read(rows * columns)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, columns, pixels):
    lines = b"".join(b"\0" + pixels[row * columns : (row + 1) * columns] for row in range(rows))
    head = struct.pack(">2I5B", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=int, help="from 0")
    parser.add_argument("output")
    parser.add_argument("--images", default=IMAGES, help="IDX file, gzipped")
    arguments = parser.parse_args()
    with open(arguments.output, "wb") as file:
        file.write(png(*read_image(arguments.images, arguments.index)))


if __name__ == "__main__":
    main()
