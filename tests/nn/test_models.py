import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxbnn.nn import MLP, STE, ConvNet, HardTanh, Relu, SwishSignActivation, Tanh

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
    latent_1, latent_2 = (
        jnp.array([[0.5, -0.5], [-0.1, -0.2]]),
        jnp.array([[0.3, -0.3], [0.2, 0.2]]),
    )
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
        same = jax.tree.map(
            lambda a, b: bool(jnp.array_equal(a, b)), state["batch_stats"], variables["batch_stats"]
        )
        assert all(jax.tree.leaves(same)) is not moves


@pytest.mark.parametrize(
    ("first", "last"), [(True, True), (False, True), (True, False), (False, False)]
)
def test_first_and_last_layer_are_binary_or_real(first, last):
    model = MLP(widths=(4, 3), n_classes=2, binary_first=first, binary_last=last)
    params = model.init(KEY, jnp.ones((1, 3)), train=False)["params"]
    names = {layer: next(iter(params[layer])) for layer in ("dense_1", "dense_2", "dense_output")}
    kind = {True: "latent", False: "kernel"}
    assert names == {"dense_1": kind[first], "dense_2": "latent", "dense_output": kind[last]}


@pytest.mark.parametrize("activation", [Tanh(), HardTanh(), Relu(), SwishSignActivation()])
@pytest.mark.parametrize("normalise", [True, False])
def test_real_networks_have_real_weights_and_a_bias_only_without_batchnorm(activation, normalise):
    model = MLP(
        widths=(4,), n_classes=2, activation=activation, kernel_surrogate=None, normalise=normalise
    )
    variables, (logits, _) = applied(model, jax.random.normal(KEY, (5, 3)))
    assert set(variables["params"]["dense_1"]) == ({"kernel"} if normalise else {"kernel", "bias"})
    assert bool(jnp.isfinite(logits).all())


def test_equal_fields_make_equal_models():
    assert MLP((4, 3), 2, kernel_surrogate=STE(1.0)) == MLP((4, 3), 2) and hash(
        MLP((4, 3), 2)
    ) == hash(MLP((4, 3), 2))
    assert MLP((4, 3), 2) != MLP((4, 3), 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": ()}, "widths of 1 to 1000000 units in one layer or more, got"),
        ({"widths": (4, 0)}, r"widths of 1 to 1000000 units in one layer or more, got \(4, 0\)"),
        ({"n_classes": 0}, "n_classes >= 1, got 0"),
        ({"momentum": 1.0}, "0 <= momentum < 1"),
        ({"epsilon": 0.0}, "epsilon > 0"),
        ({"kernel_sign_of_zero": 0.5}, "zero to be -1 or 1"),
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
    whole, real = (
        model.apply(variables, part, train=False)[0] for part in (x, x.astype(np.float32))
    )
    np.testing.assert_array_equal(whole, real)


def test_a_convnet_is_lenet_5_unless_told_otherwise():
    x = jax.random.normal(KEY, (3, 28, 28))
    variables, (logits, hidden) = applied(ConvNet(), x)
    assert logits.shape == (3, 10) and [t.shape[1] for t in hidden] == [864, 256, 120, 84]
    assert all(set(np.unique(t)) <= {-1, 1} for t in hidden)
    assert ConvNet().layer_names == ("conv_1", "conv_2", "hidden_1", "hidden_2")
    assert ConvNet().units((28, 28)) == dict(
        zip(ConvNet().layer_names, (864, 256, 120, 84), strict=True)
    )
    assert list(ConvNet().units((32, 32, 3)).values())[:2] == [1176, 400]
    assert set(variables["params"]) == {
        *("kernel_1", "kernel_norm_1", "kernel_2", "kernel_norm_2"),
        *(f"{kind}_{name}" for kind in ("dense", "norm") for name in ("1", "2", "output")),
    }


def test_a_convnet_equals_one_written_with_jaxs_convolution():
    """In training, on colour images: convolution, pooling, BatchNorm, tanh; then dense, BatchNorm,
    tanh; the output."""
    x = jax.random.normal(KEY, (5, 9, 9, 2))
    model = ConvNet((4,), 3, (3,), 2, activation=Tanh(), kernel_surrogate=None)
    variables, (logits, (pooled, hidden)) = applied(model, x, train=True)
    params = variables["params"]

    def normal(y, axes):
        return (y - y.mean(axes, keepdims=True)) / jnp.sqrt(y.var(axes, keepdims=True) + 1e-3)

    layout = ("NHWC", "HWIO", "NHWC")
    kernel = params["kernel_1"]["kernel"]
    y = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)
    y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    y = jnp.tanh(normal(y, (0, 1, 2))).reshape(5, -1)
    np.testing.assert_allclose(pooled, y, atol=1e-4)
    y = jnp.tanh(normal(y @ params["dense_1"]["kernel"], (0,)))
    np.testing.assert_allclose(hidden, y, atol=1e-4)
    np.testing.assert_allclose(
        logits, normal(y @ params["dense_output"]["kernel"], (0,)), atol=1e-3
    )


@pytest.mark.parametrize("offset", [300.0, 20_000.0])
@pytest.mark.parametrize(
    ("model", "norm", "axes"),
    [(MLP((6,), 2), "norm_1", 0), (ConvNet((4,), 3, (3,), 2), "kernel_norm_1", (1, 2, 3))],
    ids=["MLP", "ConvNet"],
)
def test_inputs_far_from_0_are_normalised_as_those_near_it(model, norm, axes, offset):
    """Kelvin, or raw counts: a variance made as E[x^2] - E[x]^2 would be lost in rounding."""
    x = offset + jax.random.normal(KEY, (256, 6, 6))
    variables = model.init(KEY, x[:1], train=False)
    _, updated = model.apply(
        variables,
        x,
        train=True,
        mutable=["batch_stats", "intermediates"],
        capture_intermediates=lambda module, _: module.name == norm,
    )
    (values,) = updated["intermediates"][norm]["__call__"]
    deviation = np.asarray(values, np.float64).std(axis=axes)
    np.testing.assert_allclose(deviation, 1, atol=0.02)


@pytest.mark.parametrize(("first", "last"), [(True, True), (False, False)])
def test_a_convnets_first_and_last_layer_are_binary_or_real(first, last):
    model = ConvNet((4,), 2, (2, 2), 2, 1, binary_first=first, binary_last=last)
    params = model.init(KEY, jnp.ones((1, 4, 4)), train=False)["params"]
    kind = {True: "latent", False: "kernel"}
    assert set(params["kernel_1"]) == {kind[first]} and set(params["dense_output"]) == {kind[last]}
    assert set(params["kernel_2"]) == set(params["dense_1"]) == {"latent"}


def test_what_a_convnet_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"channels, side and pool >= 1, got \(6, 0\)"):
        ConvNet(channels=(6, 0))
    with pytest.raises(TypeError, match=r"channels as a tuple of integers, got \[6\]"):
        ConvNet(channels=[6])
    with pytest.raises(ValueError, match=r"images large enough for 2 convolutions, got \(10, 10\)"):
        ConvNet().units((10, 10))
    with pytest.raises(
        ValueError, match=r"expected images \[H, W\] or \[H, W, C\] for a ConvNet, .*\(12,\)"
    ):
        ConvNet().init(KEY, jnp.ones((1, 12)), train=False)
