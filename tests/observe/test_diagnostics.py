import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.info import Exact, FixedBins
from jaxbnn.nn import MLP, STE, PassThrough, SignActivation, Tanh
from jaxbnn.observe import diagnostics
from jaxbnn.observe.passing import Passing, n_passing
from jaxbnn.observe.probe import Probe
from jaxbnn.storage import results

MODEL = MLP((3,), 2)


def params(first, output):
    return {"dense_1": {"latent": jnp.array(first)}, "dense_output": {"latent": jnp.array(output)}}


def measured(before, now, pre, limit=1.0):
    hidden = Exact().encode(jnp.where(jnp.array(pre) > 0, 1.0, -1.0))
    words = diagnostics.passing_of(MODEL, Probe()).words(jnp.array(pre))
    passing = (n_passing(words),)
    return jax.device_get(diagnostics.measure(MODEL, (hidden,), passing, before, now, limit))


def test_known_answer():
    before = params([[0.5, -0.5, 0.1], [1.0, -1.0, 0.2]], [[0.1, 0.1], [0.1, 0.1], [-0.1, 0.1]])
    now = params([[-0.5, -0.4, 0.1], [1.0, 1.0, 0.2]], [[0.1, 0.1], [0.1, 0.1], [-0.1, 0.1]])
    # Unit 0 changes its sign; unit 1 is its opposite, and its slope is 0 everywhere; unit 2 is
    # always +1.
    one = measured(before, now, [[0.5, -1.5, 0.5], [-0.5, 1.5, 3.0]])
    np.testing.assert_allclose(one.flips, [2 / 6, 0])
    np.testing.assert_allclose(one.saturated, [2 / 6, 0])
    assert one.dead.tolist() == [1, -1] and one.constant.tolist() == [1, -1]
    assert one.duplicate.tolist() == [0, -1] and one.complementary.tolist() == [1, -1]
    assert np.isnan(measured(before, now, [[0.5, 1, 1]], limit=None).saturated).all()


def test_real_weights_have_neither_flips_nor_a_limit():
    real = {"kernel": jnp.ones((2, 3))}
    now = params([[1.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]) | {"dense_1": real}
    one = measured(now, now, [[0.5, 1, 1]])
    assert np.isnan([one.flips[0], one.saturated[0]]).all() and (
        one.flips[1],
        one.saturated[1],
    ) == (0, 1)


def test_activations_that_are_no_signs_are_not_counted():
    now = params([[1.0]], [[1.0]])
    hidden = jax.jit(Exact().encode)(jnp.array([[0.5, 1.0, 1.0]]))
    one = diagnostics.measure(MODEL, (hidden,), (jnp.int32(2),), now, now, 1.0)
    assert [int(leaf[0]) for leaf in one[2:]] == [-1] * 4


def test_diagnostics_are_of_sign_networks_whose_layers_are_counted():
    assert diagnostics.passing_of(MODEL, Probe(sample="test")) == Passing(STE(), "test")
    for model, probe in (
        (MLP((3,), 2, Tanh()), Probe()),
        (MODEL, Probe(estimator=FixedBins())),
        (MODEL, Probe(layers=("hidden_1",))),
        (object(), Probe()),
    ):
        assert diagnostics.passing_of(model, probe) is None


@pytest.mark.parametrize(("slope", "dead"), [(STE(0.1), 1), (PassThrough(), 0)])
def test_a_unit_is_dead_where_its_own_slope_is_zero(slope, dead):
    passing = diagnostics.passing_of(MLP((1,), 2, SignActivation(slope)), Probe())
    assert 1 - int(n_passing(passing.words(jnp.array([[0.5], [-0.2]])))) == dead


def test_a_run_records_its_diagnostics_on_the_planes_epochs(tiny, finished):
    result = results.open_result(finished)
    shape = (5, len(tiny.epochs), 3)
    for name in diagnostics.Diagnostics._fields:
        assert result[name].dims == ("seed", "epoch", "layer") and result[name].shape == shape
    assert (
        np.isnan(result.flips[:, 0]).all()
        and ((result.flips[:, 1:] >= 0) & (result.flips[:, 1:] <= 1)).all()
    )
    assert (result.flips[:, 1:] > 0).any() and (result.saturated >= 0).all()
    idle = result.constant + result.duplicate + result.complementary
    units, hidden = np.array([6, 4]), result.isel(layer=slice(2))
    assert (
        (idle[..., :2] >= 0).all()
        and (idle[..., :2].values <= 2 * units).all()
        and (result.dead[..., 2] == -1).all()
    )
    # A layer of which c units are constant or repeat or oppose another shows at most 2**(D - c)
    # patterns.
    free = units - hidden.constant - np.maximum(hidden.duplicate, hidden.complementary)
    assert (hidden.n_patterns <= 2.0**free).all()
