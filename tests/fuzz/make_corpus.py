#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets, tests/fuzz/corpus/NAME/*, from files of this repository.

Needs only Python. Files whose name begins with "found-" are inputs that were mishandled once; they are left alone;
so are those of protect, which "gradsmith protect" made with the key of fuzz_protect.c.
"""
import gzip
import json
import pathlib
import struct
import zlib

root = pathlib.Path(__file__).resolve().parents[2]
corpus = root / "tests/fuzz/corpus"
data = root / "assets/golden/data"


def put(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


for old in corpus.glob("*/*"):
    if not old.name.startswith("found-") and old.parent.name != "protect":
        old.unlink()

# IDX: type, dimensions, elements.
for name, kind, shape, element in [
    ("images", 8, (3, 4, 5), b"\x07"), ("labels", 8, (9,), b"\x03"), ("int", 12, (4,), b"\0\0\0\x05"),
    ("signed", 9, (5,), b"\xff"), ("short", 11, (2, 2), b"\x01\x02"), ("float", 13, (2, 3), struct.pack(">f", 1.5)),
    ("double", 14, (2, 1), struct.pack(">d", -2.25)),
]:
    count = 1
    for size in shape:
        count *= size
    put("idx", name, bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + element * count)

# gzip: all kinds of blocks, two members, a name in the header.
text = b"1,2,3\n" * 30 + bytes(range(256))
for level in (0, 1, 9):
    put("gzip", f"level-{level}", gzip.compress(text, level, mtime=0))
fixed = zlib.compressobj(9, zlib.DEFLATED, 31, 8, zlib.Z_FIXED)
put("gzip", "fixed", fixed.compress(text) + fixed.flush())
put("gzip", "members", gzip.compress(b"abc", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"d" * 500, mtime=0))
named = bytearray(gzip.compress(b"abc", mtime=0))
named[3] = 8 + 16
put("gzip", "named", bytes(named[:10]) + b"file.csv\0comment\0" + bytes(named[10:]))

# npy, npz
for name in ("one", "small", "jpg", "wide", "grey-jpg"):
    put("npy", name, (data / f"{name}.npy").read_bytes())
for name, descr, order, shape, elements in [
    ("half", "<f2", "False", "(2, 3)", b"\x00\x3c" * 6), ("big", ">f8", "True", "(2, 2)", struct.pack(">d", 3.5) * 4),
    ("long", "<i8", "False", "(3,)", struct.pack("<q", 7) * 3), ("bool", "|b1", "False", "(4,)", b"\1\0\1\0"),
]:
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    put("npy", name, b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + elements)
    put("npy", name + "-2", b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header + elements)
for name in ("packed", "stored", "nameless"):
    put("npz", name, (data / f"{name}.npz").read_bytes())

# Tables: two bytes of options in front (fuzz_csv.c).
iris = b"".join((root / "assets/data/iris.csv").read_bytes().splitlines(keepends=True)[i] for i in (0, 1, 2, 60, 61, 120))
put("csv", "iris", b"\x00\x04" + iris.replace(iris.split(b"\n")[0].split(b",")[-1], b"y", 1))
put("csv", "classes", b"\x01\x84a,b,y\n1,red,x\n2,\"gr\"\"een\",z\n,blue,x\n")
put("csv", "values", b"\x0b\x05a,b,y\r\n1,2,0.5\r\n3,NA,-1e3\r\n")
put("csv", "semicolons", b"\x21\x08\xef\xbb\xbfa;y\n 1 ; 2\n\n\"3\n\";4\n")
put("csv", "rows", b"\xc0\x001\t2\t3\n4\t5\t6\n")
put("csv", "ignored", b"\x11\x03y,b,c\n1,x,2\n2,,\n3,y,4\n")


# JSON without its blanks.
def compact(path):
    return json.dumps(json.loads(path.read_text()), separators=(",", ":")).encode()


models = sorted((root / "tests/cli/models").glob("*.json")) + sorted((root / "assets/models").glob("*.json"))
models += sorted((root / "assets/golden").glob("*/model.json"))
small = {}
for path in models:
    content = compact(path)
    if len(content) <= 2000:
        small[path.stem if path.stem != "model" else path.parent.name] = content
for name, content in small.items():
    put("model_json", name, content)
everything = {
    "module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": []},
}
input_layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, 6, 6, 2], "name": "in"}}
groups = {
    "convolutions": [("Conv2D", {"filters": 3, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}),
                     ("DepthwiseConv2D", {"kernel_size": [2, 2]}), ("Conv2DTranspose", {"filters": 2, "kernel_size": [2, 2]}),
                     ("MaxPooling2D", {"pool_size": [2, 2]}), ("GlobalAveragePooling2D", {})],
    "norms": [("BatchNormalization", {}), ("LayerNormalization", {"axis": -1}), ("GroupNormalization", {"groups": 2}),
              ("ZeroPadding2D", {"padding": [1, 1]}), ("Cropping2D", {"cropping": [1, 1]}),
              ("UpSampling2D", {"size": [2, 2]}), ("Flatten", {}), ("Dense", {"units": 3}), ("ReLU", {}),
              ("LeakyReLU", {}), ("ELU", {}), ("Softmax", {})],
    "augmentation": [("RandomFlip", {"mode": "horizontal"}), ("RandomRotation", {"factor": 0.1}),
                     ("RandomCrop", {"height": 4, "width": 4}), ("RandomContrast", {"factor": 0.2}),
                     ("Rescaling", {"scale": 0.5}), ("GaussianNoise", {"stddev": 0.1}), ("SpatialDropout2D", {"rate": 0.3})],
    "series": [("Reshape", {"target_shape": [12, 6]}), ("LSTM", {"units": 2, "return_sequences": True}),
               ("GRU", {"units": 2, "return_sequences": True}), ("SimpleRNN", {"units": 2})],
}
for name, layers in groups.items():
    everything["config"]["layers"] = [input_layer] + [
        {"class_name": c, "config": dict(config, name=f"l{i}")} for i, (c, config) in enumerate(layers)]
    put("model_json", name, json.dumps(everything, separators=(",", ":")).encode())
everything["config"]["layers"] = [
    {"class_name": "InputLayer", "config": {"batch_shape": [None, 5]}},
    {"class_name": "Embedding", "config": {"input_dim": 9, "output_dim": 3}},
    {"class_name": "Bidirectional", "config": {"layer": {"class_name": "GRU", "config": {"units": 2}}}}]
everything["compile_config"] = {"optimizer": {"class_name": "Adam", "config": {"learning_rate": {
    "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10}}}}, "loss": "mse"}
put("model_json", "embedding", json.dumps(everything, separators=(",", ":")).encode())

experiment = {
    "layers": "784 dense:64:relu dropout:0.2 dense:10", "data": "fashion-mnist", "validation_split": 0.1,
    "optimizer": {"name": "adam", "learning_rate": 0.001}, "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"], "epochs": 3, "batch_size": 64, "seed": "12345678901234567890", "augment": "flip,crop=4",
    "recipe": {"label": "y", "missing": "mean", "scale": "standard", "delimiter": ";", "one_hot": True},
    "callbacks": [{"name": "EarlyStopping", "monitor": "val_loss", "patience": 3},
                  {"name": "ModelCheckpoint", "path": "best", "save_best_only": True},
                  {"name": "ReduceLROnPlateau", "factor": 0.5}, {"name": "CSVLogger", "path": "log.csv"},
                  {"name": "TensorBoard", "dir": "logs"}],
}
put("experiment", "all", json.dumps(experiment).encode())
put("experiment", "model", json.dumps({"model": json.loads(small["flatten"]) if "flatten" in small else {},
                                       "data": "npy:x.npy,y.npy"}, separators=(",", ":")).encode())
put("experiment", "path", b'{"model":"../runs/first","data":"iris.csv","recipe":{"label":"species"},"callbacks":[]}')

# data.json, as src/data/recipe_json.c writes it.
recipe = {"format": "gradsmith recipe", "version": 1, "kind": "arrays", "scale": "standard", "one_hot": True,
          "split": {"kind": "auto", "validation": 0.1, "test": 0, "seed": "7"}, "class_count": 3,
          "offset": [0.5, 1], "factor": [2, 0.25]}
put("recipe", "arrays", json.dumps(recipe).encode())
put("recipe", "images", json.dumps(dict(recipe, kind="images", images={"height": 4, "width": 5, "channels": 3},
                                        classes=["cat", "dog"], offset=[0], factor=[1])).encode())
columns = [{"name": "a", "fill": None, "offset": 1, "factor": 0.5},
           {"name": "b", "fill": 1, "categories": ["x", "z"]}]
table = {"delimiter": ",", "header": True, "missing": "mean", "label": "y", "columns": columns}
for name in ("offset", "factor"):
    del recipe[name]
put("recipe", "table", json.dumps(dict(recipe, kind="table", table=table, classes=["0", "1"])).encode())
put("recipe", "values", json.dumps(dict(recipe, kind="table", table=table, class_count=0, one_hot=False)).encode())


def safetensors(header, content):
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content


put("safetensors", "types", safetensors({
    "__metadata__": {"format": "pt", "training": "{}"},
    "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    "b": {"dtype": "F16", "shape": [3], "data_offsets": [16, 22]},
    "c": {"dtype": "BF16", "shape": [1], "data_offsets": [22, 24]},
    "d": {"dtype": "F64", "shape": [], "data_offsets": [24, 32]},
    "e": {"dtype": "I64", "shape": [1, 1], "data_offsets": [32, 40]}}, bytes(range(40))))
put("safetensors", "empty", safetensors({}, b""))
put("safetensors", "model", safetensors({
    "dense/kernel": {"dtype": "F32", "shape": [3, 2], "data_offsets": [8, 32]},
    "dense/bias": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0\0\x80?" * 8))

# A checkpoint of the training in fuzz_checkpoint.c, as src/train/checkpoint_file.c writes it.
shapes = {"dense/kernel": [3, 2], "dense/bias": [2], "dense_1/kernel": [2, 2], "dense_1/bias": [2]}
names = list(shapes) + [f"optimizer/{slot}/{name}" for slot in (0, 1) for name in shapes] + ["callback/0/weights"]
state = [24, 0, 1, 0, 8, 2988145627, 1008981770, 1064148783, 1019894903, 24, 1052280292, 919193689] + [0] * 180
for name, epoch, infinite in (("begin", 0, False), ("epochs", 2, True)):
    tensors, at = {}, 0
    for tensor in names:
        shape = shapes.get(tensor.split("/", 2)[-1] if tensor.startswith("optimizer") else tensor, [14])
        bytes_ = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors[tensor] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + bytes_]}
        at += bytes_
    if epoch:
        tensors["history"] = {"dtype": "F64", "shape": [epoch, 2], "data_offsets": [at, at + 16 * epoch]}
        at += 16 * epoch
    training = {"version": 1, "step": 24, "first_step": 0, "epoch": epoch, "stopped": False, "batch_size": 8,
                "samples": 96, "data": "0" * 16, "shuffle": True, "seed": [0, 0], "precision": "float32",
                "device": "d", "driver": "v", "seconds": [0.5], "sums": [0] * 8, "columns": ["loss", "step"],
                "callbacks": [{"name": "callback", "state": ["inf", None, 1e-9] if infinite else [1, 2, 3]}],
                "state": state}
    header = {"__metadata__": {"format": "gradsmith", "xxh3": "0" * 16,
                               "training": json.dumps(training, separators=(",", ":"))}}
    put("checkpoint", name, safetensors(dict(header, **tensors), (bytes(range(250)) * 2)[:at]))

# The cache: what src/plan/tune.c and src/base/cache.c write.
put("tuning", "three", b"matmul,64,784,64,0123456789abcdef 64x64\nconv2d,3x3,8,fedcba9876543210 tile16\n"
    b"tried,matmul_coop_half,0011223344556677 right\n")
content = b"\x20\0\0\0\x01\0\0\0\x05\0\x01\0" + bytes(40)
put("cache", "pipelines", b"gradsmith cache 1 pipelines 1 10005-0000-12345678 %d %08lx\n" % (
    len(content), zlib.crc32(content)) + content)

# Images: a byte of what for in front (fuzz_image.c).
for i, name in enumerate(["rgb.png", "rgba.png", "grey16.png", "rgb.bmp", "rgb.jpg", "grey.jpg", "cmyk.jpg"]):
    put("image", name, bytes([i * 5 % 16 | 4]) + (data / name).read_bytes())
put("image", "boot.png", b"\x00" + (root / "assets/images/ankle-boot.png").read_bytes())
# PNG with a palette, interlaced, of 1 bit; BMP with a palette.
def png(width, height, depth, colour, interlaced, raw, *chunks):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(chunk(*c) for c in chunks) + \
        chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


put("image", "palette.png", b"\x05" + png(4, 3, 8, 3, 0, b"\0\0\1\2\1" * 3, (b"PLTE", b"\1\2\3\4\5\6\7\x08\x09"),
                                          (b"tRNS", b"\x80\xff")))
put("image", "bits.png", b"\x06" + png(9, 2, 1, 0, 0, b"\x01\xaa\x80\x02\x55\0"))
put("image", "interlaced.png", b"\x04" + png(2, 2, 8, 2, 1, b"\x04abc\x02def\x03ghijkl"))
put("image", "palette.bmp", b"\x05BM" + struct.pack("<IHHIIiiHHIIiiII", 70, 0, 0, 62, 40, 4, 2, 1, 8, 0, 8, 0, 0, 2, 0) +
    b"\1\2\3\0\4\5\6\0" + bytes([0, 1, 0, 1, 1, 0, 1, 0]))

total = sum(p.stat().st_size for p in corpus.glob("*/*"))
print(f"{len(list(corpus.glob('*/*')))} files, {total} bytes")
