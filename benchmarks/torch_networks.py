"""The networks of the training benchmarks in PyTorch: one as a user writes it, and many batched by
hand.

Independent of jaxbnn: nothing here imports it.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

MOMENTUM, EPSILON = 0.99, 1e-3  # of the running statistics, in the convention of Keras


class Sign(torch.autograd.Function):
    """-1 for x <= 0, else +1; the gradient passes where |x| <= 1."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.where(x > 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * (x.abs() <= 1)


class Layer(torch.nn.Module):
    """A dense layer of binary weights and a BatchNorm without scale."""

    def __init__(self, n_inputs: int, n_units: int):
        super().__init__()
        self.latent = torch.nn.Parameter(torch.empty(n_inputs, n_units))
        torch.nn.init.xavier_uniform_(self.latent)
        self.norm = torch.nn.BatchNorm1d(n_units, eps=EPSILON, momentum=1 - MOMENTUM)
        self.norm.weight.requires_grad = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x @ Sign.apply(self.latent))


class Network(torch.nn.Module):
    """Binary layers; the last is the output."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer(*pair) for pair in itertools.pairwise(widths))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        hidden = []
        for layer in self.layers[:-1]:
            x = Sign.apply(layer(x))
            hidden.append(x)
        return self.layers[-1](x), hidden


def train_epoch(
    net: Network, optimiser: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor, size: int
) -> None:
    """One epoch over shuffled batches; the last is filled from the first."""
    net.train()
    n = len(y)
    order = torch.randperm(n)
    for batch in torch.cat([order, order[: -n % size]]).split(size):
        optimiser.zero_grad()
        functional.cross_entropy(net(x[batch])[0], y[batch]).backward()
        optimiser.step()
        with torch.no_grad():
            for layer in net.layers:
                layer.latent.clamp_(-1, 1)


def information(net: Network, x: torch.Tensor, y: torch.Tensor) -> list[tuple[float, float]]:
    """(I(X;T), I(T;Y)) of each hidden layer in bits, by np.unique: of an integer a row, or of
    packed rows."""
    net.eval()
    with torch.no_grad():
        hidden = net(x)[1]
    return [_information((t > 0).numpy(), y.numpy()) for t in hidden]


def _information(on, y):
    if on.shape[1] <= 32:
        codes = on @ (1 << np.arange(on.shape[1], dtype=np.int64))
    else:
        packed = np.packbits(on, axis=1)
        codes = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True)[
            1
        ].astype(np.int64)
    h_t, h_ty, h_y = (
        _entropy(np.unique(v, return_counts=True)[1]) for v in (codes, codes * (y.max() + 1) + y, y)
    )
    return h_t, h_t + h_y - h_ty


def _entropy(counts):
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def loop(
    widths: Sequence[int], x: torch.Tensor, y: torch.Tensor, size: int, rate: float
) -> Callable[[], list]:
    """A call that trains one network for an epoch and measures its information."""
    net = Network(widths)
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], rate)

    def epoch():
        train_epoch(net, optimiser, x, y, size)
        return information(net, x, y)

    return epoch


class Batched:
    """Many networks at once by batched products, each on its own shuffle."""

    def __init__(
        self, widths: Sequence[int], n_networks: int, size: int, rate: float, compiled: bool = False
    ):
        pairs = list(itertools.pairwise(widths))
        self.latent = [_glorot(n_networks, a, b) for a, b in pairs]
        self.bias = [torch.zeros(n_networks, 1, b, requires_grad=True) for _, b in pairs]
        self.running = [
            (torch.zeros(n_networks, 1, b), torch.ones(n_networks, 1, b)) for _, b in pairs
        ]
        self.optimiser = torch.optim.Adam([*self.latent, *self.bias], rate, fused=True)
        self.n_networks, self.size = n_networks, size
        self.loss = torch.compile(self._loss) if compiled else self._loss

    def forward(
        self, t: torch.Tensor, train: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor], list]:
        """(logits, hidden layers, batch statistics) of [S, B, D]."""
        hidden, statistics, last = [], [], len(self.latent) - 1
        for i, (w, b, running) in enumerate(zip(self.latent, self.bias, self.running, strict=True)):
            t = torch.bmm(t, Sign.apply(w))
            variance, mean = (
                torch.var_mean(t, 1, correction=0, keepdim=True) if train else running[::-1]
            )
            t = (t - mean) * torch.rsqrt(variance + EPSILON) + b
            statistics.append((mean.detach(), variance.detach()))
            if i < last:
                t = Sign.apply(t)
                hidden.append(t)
        return t, hidden, statistics

    def _loss(self, inputs, labels):
        logits, _, statistics = self.forward(inputs, train=True)
        total = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
        return total / self.size, statistics

    def epoch(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """One epoch of every network; the last batch is filled from the first."""
        order = torch.argsort(torch.rand(self.n_networks, len(y)), 1)
        for batch in torch.cat([order, order[:, : -len(y) % self.size]], 1).split(self.size, 1):
            self.optimiser.zero_grad()
            total, statistics = self.loss(x[batch], y[batch])
            total.backward()
            self.optimiser.step()
            with torch.no_grad():
                for w in self.latent:
                    w.clamp_(-1, 1)
                for old, new in zip(self.running, statistics, strict=True):
                    for one, other in zip(old, new, strict=True):
                        one.lerp_(other, 1 - MOMENTUM)

    def evaluate(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(mean loss, accuracy, H(T) of each hidden layer in bits) of every network with running
        statistics."""
        with torch.no_grad():
            logits, hidden, _ = self.forward(x.expand(self.n_networks, *x.shape), train=False)
            labels = y.expand(self.n_networks, -1)
            loss = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none").mean(
                1
            )
            right = (logits.argmax(2) == labels).float().mean(1)
        entropies = [
            [_information((t > 0).numpy(), y.numpy())[0] for t in layer] for layer in hidden
        ]
        return loss.numpy(), right.numpy(), np.array(entropies).T


def _glorot(n_networks, n_inputs, n_units):
    span = (6 / (n_inputs + n_units)) ** 0.5
    return (span * (2 * torch.rand(n_networks, n_inputs, n_units) - 1)).requires_grad_()
