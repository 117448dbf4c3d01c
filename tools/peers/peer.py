"""What the peers written in Python have in common: the data, the short form of layers, warm-up, and the protocol.

A peer says a first line of JSON on standard output: {"versions": {...}, "device": "..."}, or {"error": "why it cannot
run here"}. Then each line of JSON on standard input asks for a measurement, and a line answers it with the rate:
samples a second of a training workload (it has "layers"), floating-point operations a second of a matmul ("size",
"type"). The first request for a workload warms it up before it measures."""

import gzip
import json
import os
import pathlib
import sys
import time


def threads():
    return int(os.environ.get("PEER_THREADS") or len(os.sched_getaffinity(0)))


def fashion_mnist(folder):
    """Training images as float32 [60000, 784] in 0..1, and labels as int64 [60000]."""
    import numpy as np

    def unpack(name, header):
        return np.frombuffer(gzip.decompress((pathlib.Path(folder) / name).read_bytes()), np.uint8, offset=header)

    x = unpack("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255
    return x, unpack("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def layers(text):
    """Yields ("input", shape), ("dense", units, activation or None), ("dropout", rate), ("conv2d", filters, kernel size,
    activation or None), ("maxpool2d", size), ("flatten", None): "784 dense:64:relu dropout:0.2"."""
    first, *words = text.split()
    yield "input", tuple(map(int, first.split("x")))
    for word in words:
        kind, value, *activation = (word + ":" * (word == "flatten")).split(":")
        if kind == "conv2d":
            yield kind, int(value), int(activation[0]), activation[1] if activation[1:] else None
        elif kind == "maxpool2d":
            yield kind, int(value)
        elif kind == "flatten":
            yield kind, None
        elif kind == "dense":
            yield kind, int(value), activation[0] if activation else None
        elif kind == "dropout":
            yield kind, float(value)
        else:
            raise ValueError(f"{word}: not a layer that this script knows")


class Job:
    """What is measured. `work` is the work of a step: samples, or floating-point operations. `fewest` steps are timed
    at once; warm-up ends after `pieces` in a row near the best one; there is none where that is 0."""

    work = 0
    fewest = 5
    pieces = 3

    def steps(self, count):
        """Runs about `count` steps to their end; returns the last loss, or None."""
        raise NotImplementedError

    def timed(self, count):
        """Returns steps done, seconds, and the last loss."""
        start = time.perf_counter()
        loss = self.steps(count)
        return count, time.perf_counter() - start, loss


def warm_up(job, least, most):
    """Runs pieces of half a second until some in a row come near the best one, or the time is over. Returns steps a second."""
    start, count, best, near = time.perf_counter(), job.fewest, 0, 0
    if job.pieces == 0:
        return 0, 0
    while True:
        done, seconds, _ = job.timed(count)
        rate = done / seconds
        best = max(best, rate)
        near = near + 1 if rate >= 0.9 * best else 0
        spent = time.perf_counter() - start
        if near >= job.pieces and spent >= least or spent >= most:
            return rate, spent
        count = max(job.fewest, round(rate / 2))


def serve(about, make_job):
    """Answers requests until standard input ends. `make_job` makes the Job of a request."""
    print(json.dumps(about), flush=True)
    ready = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["workload"]
        try:
            if name not in ready:
                job = make_job(request)
                ready[name] = job, *warm_up(job, request["warm_up_least"], request["warm_up_most"])
            job, rate, spent = ready[name]
            done, seconds, loss = job.timed(max(job.fewest, round(rate * request["seconds"])))
            ready[name] = job, done / seconds, spent  # a warm-up that took all its time says little of the rate
            answer = {
                "rate": done * job.work / seconds,
                "steps": done,
                "seconds": seconds,
                "loss": loss,
                "warm_up_seconds": spent,
            }
        except (NotImplementedError, RuntimeError) as error:
            answer = {"error": str(error)}
        print(json.dumps({"workload": name, **answer}), flush=True)
