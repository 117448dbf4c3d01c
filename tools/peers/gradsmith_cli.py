"""gradsmith itself, through its command line, in the protocol of peer.py: gradsmith_cli.py FOLDER PROGRAM. Each
measurement is a new process; its rate is that of the epochs after the first one, as `gradsmith train` prints it. Unlike
the other trainers it counts accuracy on the way, as it does for its users."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import peer

ROWS = 60000
EPOCH = re.compile(r"^Epoch +(\d+)/\d+ (?: *(\d+) of \d+ steps)?.* loss ([-+.\w]+) .* ([\d.]+) samples/s", re.MULTILINE)


class Training(peer.Job):
    work = 1  # a step of this job is a sample
    fewest = 10000
    pieces = 1  # the first epoch of each process is its warm-up; one run before fills the caches of kernels and says the rate

    def __init__(self, request, program, folder):
        self.batch_size = request["batch_size"]
        self.command = [
            program,
            "train",
            "--layers",
            request["layers"],
            "--data",
            "fashion-mnist",
            "--data-dir",
            folder,
            "--batch-size",
            str(self.batch_size),
            "--optimizer",
            "adam",
            "--learning-rate",
            "0.001",
        ]

    def timed(self, count):
        """The first epoch, which is not timed, then about `count` samples."""
        per_epoch = -(-ROWS // self.batch_size)
        steps = per_epoch + max(1, count // self.batch_size)
        limits = ["--max-steps", str(steps), "--epochs", str(steps // per_epoch + 1)]
        done = subprocess.run(self.command + limits, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        samples = seconds = 0
        for epoch, part, loss, rate in EPOCH.findall(done.stdout):
            if int(epoch) > 1:
                rows = int(part) * self.batch_size if part else ROWS
                samples, seconds = samples + rows, seconds + rows / float(rate)
        if samples == 0:
            raise RuntimeError(f"gradsmith printed no rate of a second epoch:\n{done.stdout}")
        return samples, seconds, float(loss)


class Matmul(peer.Job):
    """What `gradsmith bench` says of the forward form, A B. A step of this job is an operation."""

    work = 1
    pieces = 0

    def __init__(self, request, program):
        if "\n  bench" not in subprocess.run([program, "--help"], capture_output=True, text=True).stdout:
            raise NotImplementedError("this program has no `bench`")
        # float16 and bfloat16 factors with float32 sums, on matrix units where the device has them.
        precisions = {"float32": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
        if request["type"] not in precisions:
            raise NotImplementedError(f"`bench` does not measure {request['type']}")
        self.program, self.size, self.precision = program, request["size"], precisions[request["type"]]

    def timed(self, count):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bench.json"
            options = ["--only", "matmul", "--size", str(self.size), "--precision", self.precision]
            subprocess.run([self.program, "bench", *options, "--quiet", "--json", path], check=True)
            results = json.loads(path.read_text())["results"]
        wanted = ["matmul", "A B"] + [self.size] * 3
        for r in results:
            if [r.get(key) for key in ("kind", "form", "m", "n", "k")] == wanted and not r["skipped"]:
                if r["wrong"]:
                    raise RuntimeError(f"{r['wrong']} of {r['checked']} values of this product are wrong")
                return r["median"] * 1e9, 1, None
        raise NotImplementedError(f"`bench` left out {self.size} x {self.size} x {self.size}: it takes too long here")


def main():
    folder, program = sys.argv[1:3]

    def run(*arguments):
        return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout

    def make_job(request):
        return Training(request, program, folder) if "layers" in request else Matmul(request, program)

    devices = json.loads(run("devices", "--json"))
    chosen = next(d for d in devices["devices"] if d["index"] == devices["chosen"])
    about = {
        "versions": {"gradsmith": run("--version").split()[-1], "driver": chosen["driver"]},
        "device": chosen["name"],
    }
    peer.serve(about, make_job)


if __name__ == "__main__":
    main()
