"""PyTorch on an NVIDIA GPU: eager, Adam(fused=True); with --graphs each step is the replay of one CUDA graph,
Adam(capturable=True). float32 is float32: TF32 is off. Its matmul is that of cuBLAS.

Asked by tools/peers/run (peers cuda, cuda-graphs); --all measures everything without it and prints a line of JSON each.
"""

import argparse
import io
import json
import pathlib
import sys

import torch

import peer
from torch_cpu import Matmul, Training


class GraphTraining(Training):
    """The batch's rows are copied to where the graph reads them; all else is one replay."""

    def __init__(self, request, x, y):
        super().__init__(request, x, y, "cuda", capturable=True)
        self.static = self.batch().clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # what is made at first use may not be made in a capture
                self.train(self.static)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.last = self.train(self.static)

    def steps(self, count):
        for _ in range(count):
            self.static.copy_(self.batch())
            self.graph.replay()
        return self.last.item()


def make_requests():
    workloads = json.loads(pathlib.Path(__file__).with_name("workloads.json").read_text())
    for name, workload in workloads.items():
        yield json.dumps({"workload": name, **workload, "seconds": 3, "warm_up_least": 2, "warm_up_most": 30})


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("folder", help="of Fashion-MNIST's files")
    p.add_argument("--graphs", action="store_true", help="with CUDA graphs")
    p.add_argument("--all", action="store_true", help="measure all workloads and end")
    o = p.parse_args()
    if not torch.cuda.is_available():
        print(json.dumps({"error": f"no CUDA device for torch {torch.__version__}"}), flush=True)
        sys.exit(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    x, y = (torch.from_numpy(part).cuda() for part in peer.fashion_mnist(o.folder))

    def make_job(request):
        if "layers" not in request:
            if o.graphs:
                raise NotImplementedError("a matmul needs no graph")
            return Matmul(request, "cuda")
        return GraphTraining(request, x, y) if o.graphs else Training(request, x, y, "cuda")

    if o.all:
        sys.stdin = io.StringIO("\n".join(make_requests()))
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
    peer.serve({"versions": versions, "device": torch.cuda.get_device_name()}, make_job)


if __name__ == "__main__":
    main()
