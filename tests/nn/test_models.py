import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import MLP, HardTanh, Relu, Ste, SwishSignActivation, Tanh

KEY = jax.random.key(0)


def applied(model, x, train=False):
    variables = model.init(KEY, x, train=False)
    return variables, model.apply(variables, x, train=train, mutable=["batch_stats"])[0]


def test_mlp_returns_logits_and_one_hidden_array_a_layer():
    x = jax.random.normal(KEY, (7, 2, 3))
    model = MLP(widths=(5, 4), n_classes=3)
    variables, (logits, hidden) = applied(model, x)
    assert logits.shape == (7, 3) and [t.shape for t in hidden] == [(7, 5), (7, 4)]
    assert all(set(np.unique(t)) <= {-1, 1} for t in hidden)
    assert model.layer_names == ("hidden_1", "hidden_2")
    assert {k: set(v) for k, v in variables["params"].items()} == {
        **{f"dense_{i}": {"latent"} for i in ("1", "2", "output")},
        **{f"norm_{i}": {"bias"} for i in ("1", "2", "output")},
    }


def test_mlp_equals_a_hand_computed_network():
    x = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    model = MLP(widths=(2,), n_classes=2, normalise=False)
    latent_1, latent_2 = jnp.array([[0.5, -0.5], [-0.1, -0.2]]), jnp.array([[0.3, -0.3], [0.2, 0.2]])
    variables = {"params": {"dense_1": {"latent": latent_1}, "dense_output": {"latent": latent_2}}}
    logits, (hidden,) = model.apply(variables, x, train=False)
    np.testing.assert_array_equal(hidden, [[1, -1], [-1, -1], [-1, -1]])  # the sum 0 has sign -1
    np.testing.assert_array_equal(logits, [[0, -2], [-2, 0], [-2, 0]])


def test_batch_statistics_move_only_in_training():
    x = jax.random.normal(KEY, (8, 3))
    model = MLP(widths=(4,), n_classes=2, momentum=0.5)
    variables = model.init(KEY, x, train=False)
    for train, moves in ((False, False), (True, True)):
        _, state = model.apply(variables, x, train=train, mutable=["batch_stats"])
        same = jax.tree.map(lambda a, b: bool(jnp.array_equal(a, b)), state["batch_stats"], variables["batch_stats"])
        assert all(jax.tree.leaves(same)) is not moves


@pytest.mark.parametrize(("first", "last"), [(True, True), (False, True), (True, False), (False, False)])
def test_first_and_last_layer_are_binary_or_real(first, last):
    model = MLP(widths=(4, 3), n_classes=2, binary_first=first, binary_last=last)
    params = model.init(KEY, jnp.ones((1, 3)), train=False)["params"]
    names = {layer: next(iter(params[layer])) for layer in ("dense_1", "dense_2", "dense_output")}
    kind = {True: "latent", False: "kernel"}
    assert names == {"dense_1": kind[first], "dense_2": "latent", "dense_output": kind[last]}


@pytest.mark.parametrize("activation", [Tanh(), HardTanh(), Relu(), SwishSignActivation()])
@pytest.mark.parametrize("normalise", [True, False])
def test_real_networks_have_real_weights_and_a_bias_only_without_batchnorm(activation, normalise):
    model = MLP(widths=(4,), n_classes=2, activation=activation, kernel_slope=None, normalise=normalise)
    variables, (logits, _) = applied(model, jax.random.normal(KEY, (5, 3)))
    assert set(variables["params"]["dense_1"]) == ({"kernel"} if normalise else {"kernel", "bias"})
    assert bool(jnp.isfinite(logits).all())


def test_equal_fields_make_equal_models():
    assert MLP((4, 3), 2, kernel_slope=Ste(1.0)) == MLP((4, 3), 2) and hash(MLP((4, 3), 2)) == hash(MLP((4, 3), 2))
    assert MLP((4, 3), 2) != MLP((4, 3), 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": ()}, "widths of 1 to 1000000 units in one layer or more, got"),
        ({"widths": (4, 0)}, r"widths of 1 to 1000000 units in one layer or more, got \(4, 0\)"),
        ({"n_classes": 0}, "n_classes >= 1, got 0"),
        ({"momentum": 1.0}, "0 <= momentum < 1"),
        ({"epsilon": 0.0}, "epsilon > 0"),
        ({"kernel_zero": 0.5}, "zero to be -1 or 1"),
    ],
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        MLP(**{"widths": (4,), "n_classes": 2, **fields})


@pytest.mark.parametrize("widths", [[4, 3], (4.5,)])
def test_widths_of_another_type_are_refused(widths):
    with pytest.raises(TypeError, match="tuple of integers"):
        MLP(widths=widths, n_classes=2)


def test_integer_inputs_are_taken_as_numbers():
    x = np.array([[0, 1, 1], [1, 0, 0]])
    model = MLP((4,), 2)
    variables = model.init(KEY, x, train=False)
    whole, real = (model.apply(variables, part, train=False)[0] for part in (x, x.astype(np.float32)))
    np.testing.assert_array_equal(whole, real)
