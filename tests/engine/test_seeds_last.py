"""With the seeds on the last axis a block trains and measures what the trainer and the viewer of
one seed, vmapped over seeds, do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.data import Dataset, Split
from jaxbnn.engine import program, seeds_last
from jaxbnn.engine.run_plan import initial_block, inputs_of, make_run_plan, of_first
from jaxbnn.info import Exact, FixedBins
from jaxbnn.nn import MLP, Tanh
from jaxbnn.observe.diagnostics import passing_of
from jaxbnn.observe.probe import Probe
from jaxbnn.observe.record import Series
from jaxbnn.observe.view import viewer
from jaxbnn.train.spec import Adam, AdamW, Bop, Hyper, Sgd, TrainSpec
from jaxbnn.train.trainer import score_of, trainer


@dataclasses.dataclass(frozen=True)
class OwnAdam(Adam):
    pass


RNG = np.random.default_rng(0)
N_SEEDS = 3
HYPER = Hyper(jnp.array([0.01, 0.02, 0.03]), jnp.zeros(N_SEEDS))
BINARY, REAL = MLP((4, 3), 2), MLP((4,), 2, Tanh(), kernel_surrogate=None, normalise=False)


WEIGHTS = MLP((4, 3), 2, Tanh())  # binary weights alone: no unit stands on the edge of its sign


def examples(n, *lead):
    return Dataset(
        RNG.normal(size=(*lead, n, 2, 3)).astype(np.float32),
        RNG.integers(0, 2, (*lead, n)).astype(np.int32),
    )


def begun(model, spec, data):
    train = trainer(model, spec, jnp.zeros((1, 2, 3)))
    return train, jax.vmap(train.init)(
        jax.random.split(jax.random.key(0, impl="threefry2x32"), N_SEEDS)
    )


def close(ours, theirs):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        if jax.dtypes.issubdtype(one.dtype, jax.dtypes.prng_key):
            one, other = jax.random.key_data(one), jax.random.key_data(other)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        # Adam would make a step of a gradient that is 0 but for rounding: with this eps it does
        # not.
        (
            WEIGHTS,
            TrainSpec(epochs=1, batch_size=8, optimiser=Adam(eps=0.1)),
        ),  # 20 examples: the last batch is filled
        (
            WEIGHTS,
            TrainSpec(
                epochs=1, batch_size=None, optimiser=Bop(eps=0.1, threshold=1e-4), latent_clip=None
            ),
        ),
        (REAL, TrainSpec(epochs=1, batch_size=8, optimiser=AdamW(), decay=0.1)),
        (REAL, TrainSpec(epochs=1, batch_size=8, optimiser=Sgd(momentum=0.9))),
    ],
)
@pytest.mark.parametrize(
    "own",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["shared data", "own data"],
)
def test_an_epoch_is_that_of_the_trainer_of_one_seed(model, spec, own):
    data = examples(20, N_SEEDS) if own else examples(20)
    hyper = HYPER._replace(decay=jnp.full(N_SEEDS, spec.decay))
    train, state = begun(model, spec, data)
    theirs = jax.jit(jax.vmap(train.epoch, (0, 0 if own else None, 0)))(state, data, hyper)
    ours = jax.jit(lambda *each: seeds_last.epoch(model, spec, *each))(
        jax.tree.map(jnp.asarray, data), state, hyper
    )
    close(ours, theirs)


def test_a_seed_that_diverges_is_marked_and_leaves_the_others_alone():
    spec = TrainSpec(epochs=1, batch_size=8, optimiser=Sgd())
    data = jax.tree.map(jnp.asarray, examples(20))
    _, state = begun(REAL, spec, data)
    epoch = jax.jit(lambda *each: seeds_last.epoch(REAL, spec, *each))
    wild = HYPER._replace(learning_rate=jnp.array([0.01, jnp.inf, 0.03]))
    sane, norm = epoch(data, state, HYPER)
    after, wild_norm = epoch(data, state, wild)
    assert after.finite.tolist() == [True, False, True] and np.isfinite(
        wild_norm.mean
    ).tolist() == [True, False, True]
    for one, other in zip(
        jax.tree.leaves(after.variables), jax.tree.leaves(sane.variables), strict=True
    ):
        np.testing.assert_array_equal(one[::2], other[::2])


@pytest.mark.parametrize(
    "own",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["shared data", "own data"],
)
def test_a_view_is_that_of_one_seed(own, monkeypatch):
    monkeypatch.setattr(seeds_last, "MAX_ROWS", 21)  # seven rows at once
    lead = (N_SEEDS,) if own else ()
    split = jax.tree.map(jnp.asarray, Split(examples(20, *lead), examples(9, *lead), 2, False))
    probes = (
        Probe(sample="all"),
        Probe("named", ("norm_1", "dense_2", "output"), FixedBins()),
        Probe("t", (), Exact(), "test"),
    )
    _, state = begun(BINARY, TrainSpec(epochs=1), split.train)
    seen = seeds_last.viewer(BINARY, probes, ("train", "test"))(split, state.variables)
    one = viewer(BINARY, probes, ("train", "test"))
    axes = Split(0, 0, None, None) if own else None
    theirs = jax.vmap(one, (axes, 0))(split, state.variables)
    close(seen.codes, theirs.codes)
    for part in ("train", "test"):
        y, z = getattr(split, part).y, theirs.logits[part]
        scores = jax.vmap(score_of, (0, 0 if own else None, 0))(z, y, state.finite)
        close(seeds_last.score_of(seen.logits[part], y, state.finite), scores)


@pytest.mark.parametrize(
    "own",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["shared data", "own data"],
)
def test_a_view_by_tables_is_that_of_one_seed(own):
    lead = (N_SEEDS,) if own else ()
    split = Split(*jax.tree.map(jnp.asarray, (examples(40, *lead), examples(9, *lead))), 2, False)
    probes = (Probe(), Probe("t", (), Exact(), "test"))
    passing = passing_of(BINARY, probes[0])
    _, state = begun(BINARY, TrainSpec(epochs=1), split.train)
    wanted = BINARY, probes, ("train", "test"), passing, 2
    seen = seeds_last.viewer(*wanted)(split, state.variables)
    axes = Split(0, 0, None, None) if own else None
    theirs = jax.vmap(viewer(*wanted), (axes, 0))(split, state.variables)
    assert jax.tree.structure(seen) == jax.tree.structure(theirs)
    close(seen, theirs)


def test_a_block_all_of_whose_seeds_are_dead_has_no_pattern():
    split = Split(*jax.tree.map(jnp.asarray, (examples(40), examples(9))), 2, False)
    _, state = begun(BINARY, TrainSpec(epochs=1), split.train)
    params = state.variables["params"]
    params["dense_1"] = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), params["dense_1"])
    view = seeds_last.viewer(BINARY, (Probe(),), ("train",), None, 2)(split, state.variables)
    score = seeds_last.score_of(view.logits["train"], split.train.y, state.finite)
    assert np.isnan(score.loss).all()


@pytest.mark.slow
@pytest.mark.parametrize("per_seed", [False, True])
def test_a_block_with_its_seeds_last_records_the_same_networks(plain, per_seed):
    """The untrained ones bit for bit; after an epoch their losses to the order of float sums."""
    data = dataclasses.replace(plain.data, split_per_seed=per_seed)
    plan = make_run_plan([dataclasses.replace(plain, data=data)], [], None, jax.devices())
    device = jax.devices()[0]
    inputs = inputs_of(plan, of_first((0, 1)), device)
    recorded = []
    for last in (False, True):
        chosen = dataclasses.replace(plan.program, seeds_last=last)
        block = initial_block(plan, of_first((0, 1)), inputs, device)
        _, rows = program.advance(chosen, block, np.int32(2), inputs)
        assert rows.planes[0].epoch[:3].tolist() == [0, 1, -1]
        recorded.append(rows)
    one, other = [rows.planes[0].points.n_patterns[:, 0] for rows in recorded]
    np.testing.assert_array_equal(one, other)
    one, other = [Series(*np.moveaxis(rows.series, -1, 0)) for rows in recorded]
    np.testing.assert_allclose(one.train_loss[:, :2], other.train_loss[:, :2], rtol=1e-3)
    norms = one.gradient_norm_mean[:, 1], other.gradient_norm_mean[:, 1]
    np.testing.assert_allclose(*norms, rtol=1e-3)


def test_seeds_go_last_for_small_networks_and_enough_seeds_on_a_cpu(tiny):
    spec = TrainSpec(epochs=1, batch_size=64)
    assert seeds_last.pays(BINARY, spec, 12, 16, "cpu")
    assert not seeds_last.pays(BINARY, spec, 12, 15, "cpu")
    assert not seeds_last.pays(BINARY, spec, 784, 16, "cpu")
    assert not seeds_last.pays(BINARY, spec, 12, 16, "gpu")
    for changed in ({"batch_size": 129}, {"batch_size": None}, {"optimiser": OwnAdam()}):
        assert not seeds_last.pays(BINARY, dataclasses.replace(spec, **changed), 12, 16, "cpu")
    batches = dataclasses.replace(tiny, train=dataclasses.replace(tiny.train, batch_size=64))
    many = dataclasses.replace(batches, seeds_per_program=16)
    assert make_run_plan([many], [], None, jax.devices()).program.seeds_last
    assert not make_run_plan([batches], [], None, jax.devices()).program.seeds_last
