"""Optimizers on torch tensors. PyTorch's own where the formulas agree, else Keras 3's formula written out.

Keras's Adam puts epsilon beside sqrt(v), before the bias correction; PyTorch's beside sqrt(v / (1 - beta_2^t)).
Keras's RMSprop has epsilon under the root; PyTorch's beside it.
"""

import torch


class KerasAdam:
    def __init__(self, parameters, spec):
        self.parameters, self.spec, self.steps = parameters, spec, 0
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self):
        s = self.spec
        self.steps += 1
        alpha = s["learning_rate"] * (1 - s["beta_2"] ** self.steps) ** 0.5 / (1 - s["beta_1"] ** self.steps)
        for w, m, v in zip(self.parameters, self.m, self.v):
            if "weight_decay" in s:
                w -= w * s["weight_decay"] * s["learning_rate"]
            m += (w.grad - m) * (1 - s["beta_1"])
            v += (w.grad.square() - v) * (1 - s["beta_2"])
            w -= m * alpha / (v.sqrt() + s["epsilon"])


class KerasRmsprop:
    def __init__(self, parameters, spec):
        self.parameters, self.spec = parameters, spec
        self.velocity = [torch.zeros_like(p) for p in parameters]
        self.momentum = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self):
        s = self.spec
        for w, velocity, momentum in zip(self.parameters, self.velocity, self.momentum):
            velocity.mul_(s["rho"]).add_(w.grad.square(), alpha=1 - s["rho"])
            increment = s["learning_rate"] * w.grad / torch.sqrt(velocity + s["epsilon"])
            momentum.mul_(s["momentum"]).add_(increment)
            w -= momentum


def adam(parameters, spec):
    if spec["formula"] == "keras":
        return KerasAdam(parameters, spec)
    return torch.optim.Adam(
        parameters, lr=spec["learning_rate"], betas=(spec["beta_1"], spec["beta_2"]), eps=spec["epsilon"]
    )


def sgd(parameters, spec):
    return torch.optim.SGD(parameters, lr=spec["learning_rate"], momentum=spec["momentum"], nesterov=spec["nesterov"])


def adamw(parameters, spec):
    if spec["formula"] == "keras":
        return KerasAdam(parameters, spec)
    return torch.optim.AdamW(
        parameters,
        lr=spec["learning_rate"],
        betas=(spec["beta_1"], spec["beta_2"]),
        eps=spec["epsilon"],
        weight_decay=spec["weight_decay"],
    )


OPTIMIZERS = {"adam": adam, "adamw": adamw, "sgd": sgd, "rmsprop": KerasRmsprop}
