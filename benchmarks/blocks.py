"""A block of networks on one device, without files: what `jaxbnn run` compiles, called by hand."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import data, studies
from jaxbnn.data import Dataset, Split
from jaxbnn.engine import seeds_last
from jaxbnn.engine.program import Inputs, ProgramSpec, advance, prepare, start
from jaxbnn.engine.run_data import with_bytes
from jaxbnn.nn import MLP
from jaxbnn.observe import tabled
from jaxbnn.observe.probe import Probe
from jaxbnn.observe.view import viewer
from jaxbnn.train.spec import Hyper, TrainSpec

RATE = 1e-3
ROUNDS = 5


@dataclass(frozen=True)
class NetworkBlock:
    """Networks that are trained and measured together."""

    split: Split
    program: ProgramSpec
    n_seeds: int

    @classmethod
    def szt(cls, n_seeds: int) -> "NetworkBlock":
        """SZT 10-8-6-4-2, batch 64."""
        model = MLP((10, 8, 6, 4, 2), 2)
        train = TrainSpec(1, 64, learning_rate=1.0)
        return cls._of(data.load(data.Szt()), model, train, (Probe(),), n_seeds)

    @classmethod
    def images(cls, n_seeds: int, n: int, widths: Sequence[int] = (1024,)) -> "NetworkBlock":
        """A network on random bytes, n for training and n / 6 for testing, batch 128."""
        rng = np.random.default_rng(0)
        parts = []
        for size in (n, n // 6):
            x = rng.integers(0, 256, (size, 784)).astype(np.float32) / np.float32(127.5) - 1
            parts.append(Dataset(x, rng.integers(0, 10, size).astype(np.int32)))
        split = with_bytes(Split(parts[0], parts[1], 10, False))
        train = TrainSpec(1, 128, learning_rate=1.0)
        return cls._of(split, MLP(tuple(widths), 10), train, (Probe(),), n_seeds)

    @classmethod
    def of_experiment(cls, name: str, n_seeds: int) -> "NetworkBlock":
        """An experiment's network and probes, `n_seeds` of them in one program."""
        experiment, _ = studies.find(name)
        split = data.load(experiment.data)
        train = dataclasses.replace(experiment.train, epochs=1, learning_rate=1.0)
        return cls._of(split, experiment.model, train, experiment.probes, n_seeds)

    @classmethod
    def _of(
        cls, split: Split, model: Any, train: TrainSpec, probes: tuple[Probe, ...], n_seeds: int
    ) -> "NetworkBlock":
        platform = jax.default_backend()
        n_inputs = int(np.prod(split.train.x.shape[1:]))
        program = ProgramSpec(
            model,
            train,
            probes,
            split.n_classes,
            split_per_seed=False,
            one_by_one=platform == "cpu",
            seeds_last=seeds_last.pays(model, train, n_inputs, n_seeds, platform),
        )
        return cls(jax.device_put(split), program, n_seeds)

    def trained(self, seeds: Sequence[int], n_epochs: int, chunk: int | None = None) -> dict:
        """The networks' variables and what they recorded, leaves [S, ...]; `chunk` epochs a
        call, all by default."""
        inputs = self._inputs(n_epochs, True)
        block = start(self.program, _keys(seeds), self.split)
        series = []
        done = 0
        while done <= n_epochs:
            until = min(n_epochs + 1, done + (chunk or n_epochs + 1))
            block, rows = advance(self.program, block, np.int32(until), inputs)
            series.append(np.asarray(rows.series)[:, : until - done])
            done = until
        variables = jax.device_get(block.state.variables)
        return {"variables": variables, "series": np.concatenate(series, axis=1)}

    def forward(self, variables: Any) -> Any:
        """The packed hidden layers of these networks, all of them looked at together."""
        look = viewer(self.program.model, self.program.probes)
        codes = jax.jit(jax.vmap(look, (None, 0)))(self.split, variables).codes
        return jax.device_get([code.words for code in codes[self.program.probes[0].name][:-1]])

    def seconds(self, n_epochs: int, measured: bool) -> float:
        """Median seconds of so many epochs, warm."""
        inputs = self._inputs(n_epochs, measured)
        begun = start(self.program, _keys(range(self.n_seeds)), self.split)
        begun, _ = advance(self.program, begun, np.int32(1), inputs)
        taken = []
        for _ in range(ROUNDS + 1):
            block = jax.block_until_ready(jax.tree.map(jnp.copy, begun))
            began = time.perf_counter()
            jax.block_until_ready(advance(self.program, block, np.int32(n_epochs + 1), inputs))
            taken.append(time.perf_counter() - began)
        return median(taken[1:])

    def _inputs(self, n_epochs: int, measured: bool) -> Inputs:
        hyper = Hyper(*(np.full(self.n_seeds, value, np.float32) for value in (RATE, 0.0)))
        scheduled = jnp.full(n_epochs + 1, measured)
        return Inputs(self.split, *prepare(self.program, self.split), hyper, scheduled)


def _keys(seeds: Sequence[int]) -> jax.Array:
    root = jax.random.key(0, impl="threefry2x32")
    return jax.vmap(partial(jax.random.fold_in, root))(jnp.asarray(list(seeds)))


@contextmanager
def by_examples() -> Iterator[None]:
    """Programs that are compiled within it measure no layer by tables."""
    jax.clear_caches()
    with mock.patch.object(tabled, "chain_of", lambda *_: None):
        yield
    jax.clear_caches()
