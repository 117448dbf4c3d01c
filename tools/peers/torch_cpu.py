"""PyTorch on the CPU: eager, Adam(fused=True), batches by an index of shuffled rows, no DataLoader."""

import math
import sys

import torch

import peer


def model_of(text):
    modules, shape = [], ()  # rows, columns, channels; or features
    for kind, value, *rest in peer.layers(text):
        if kind == "input":
            shape = value
            if len(shape) == 3:  # rows come flat, and here channels are first
                modules.append(torch.nn.Unflatten(1, (shape[2], *shape[:2])))
        elif kind == "conv2d":
            size, activation = rest
            modules.append(torch.nn.Conv2d(shape[2], value, size))
            modules += [torch.nn.ReLU()] if activation == "relu" else []
            shape = (shape[0] - size + 1, shape[1] - size + 1, value)
        elif kind == "maxpool2d":
            modules.append(torch.nn.MaxPool2d(value))
            shape = (shape[0] // value, shape[1] // value, shape[2])
        elif kind == "flatten":
            modules.append(torch.nn.Flatten())
            shape = (math.prod(shape),)
        elif kind == "dropout":
            modules.append(torch.nn.Dropout(value))
        else:
            modules.append(torch.nn.Linear(shape[0], value))
            modules += [torch.nn.ReLU()] if rest == ["relu"] else []
            shape = (value,)
    return torch.nn.Sequential(*modules)


class Training(peer.Job):
    def __init__(self, request, x, y, device="cpu", **adam):
        self.x, self.y = x, y
        self.work = request["batch_size"]
        self.model = model_of(request["layers"]).to(device).train()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, eps=1e-7, fused=True, **adam)
        self.loss = torch.nn.CrossEntropyLoss()
        self.rows, self.next = None, len(y)

    def batch(self):
        """The rows of the next batch. Whole batches only; the rest of an epoch is left out."""
        if self.next + self.work > len(self.y):
            self.rows, self.next = torch.randperm(len(self.y), device=self.y.device), 0
        self.next += self.work
        return self.rows[self.next - self.work : self.next]

    def train(self, rows):
        loss = self.loss(self.model(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def steps(self, count):
        for _ in range(count):
            loss = self.train(self.batch())
        return loss.item()


class Matmul(peer.Job):
    def __init__(self, request, device="cpu"):
        size = request["size"]
        self.work = 2 * size**3
        # Of this range, products keep their size however often they are multiplied again.
        self.a = ((torch.rand(size, size) * 2 - 1) * (3 / size) ** 0.5).to(device, getattr(torch, request["type"]))
        self.c = self.a

    def steps(self, count):
        for _ in range(count):
            self.c = self.a @ self.c
        self.c[0, 0].item()


def main():
    torch.set_num_threads(peer.threads())
    x, y = map(torch.from_numpy, peer.fashion_mnist(sys.argv[1]))

    def make_job(request):
        if "layers" in request:
            return Training(request, x, y)
        if request["type"] != "float32":
            raise NotImplementedError(f"{request['type']} is not measured on the CPU")
        return Matmul(request)

    peer.serve(
        {"versions": {"torch": torch.__version__}, "device": f"CPU, {torch.get_num_threads()} threads"}, make_job
    )


if __name__ == "__main__":
    main()
