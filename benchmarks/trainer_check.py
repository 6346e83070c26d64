"""Is the trainer right? The same network in PyTorch: gradients, the first steps' signs, and where
50 seeds of each end.

The first two start from the same weights and take the same batches. The third has seeds of its own
in each program and compares distributions: two-sample permutation tests of the difference of means
and Kolmogorov-Smirnov tests, with Holm's correction over all of them.
"""

import argparse
import dataclasses
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import optax
import timing
import torch
import torch_networks as peer
from scipy import stats
from torch.nn import functional

from jaxbnn import data, run, studies
from jaxbnn.analysis import trajectories
from jaxbnn.engine.devices import use_cores
from jaxbnn.nn import seeds_last
from jaxbnn.storage import results
from jaxbnn.train.spec import Hyper, rule_of
from jaxbnn.train.trainer import batches_of

EXPERIMENT, N_SEEDS, CHECKED, LEFT = (
    "raj2020/szt-ste",
    50,
    10,
    0.672,
)  # epochs between two looks at the loss, and the loss that has left the plateau


def same_start(seed: int):
    """(our variables, the PyTorch network with the same weights) of a seed."""
    experiment, _ = studies.find(EXPERIMENT)
    x = data.load(experiment.data).train.x
    variables = experiment.model.init(jax.random.key(seed), x[:1], train=False)
    net = peer.Network((x.shape[1], *experiment.model.widths, experiment.model.n_classes))
    for layer, name in zip(net.layers, _names(experiment.model), strict=True):
        layer.latent.data = torch.tensor(np.asarray(variables["params"][f"dense_{name}"]["latent"]))
    return experiment, variables, net


def _names(model):
    return [*map(str, range(1, len(model.widths) + 1)), "output"]


def gradients_and_signs(n_seeds: int, n_steps: int) -> tuple[float, float, float]:
    """(largest difference of a gradient at the same weights, over the largest gradient; the same of
    the code for seeds on the last axis; share of equal weight signs after the steps)."""
    worst, worst_last, equal = 0.0, 0.0, []
    for seed in range(n_seeds):
        experiment, variables, net = same_start(seed)
        train, model = data.load(experiment.data).train, experiment.model
        optimiser = torch.optim.Adam(
            [p for p in net.parameters() if p.requires_grad], experiment.train.learning_rate
        )
        rule = rule_of(
            experiment.train, Hyper(jnp.float32(experiment.train.learning_rate), jnp.float32(0))
        )
        memory = rule.init(variables["params"])
        ours = jax.jit(jax.grad(lambda p, s, x, y, m=model: _loss(m, p, s, x, y), has_aux=True))
        for index in np.asarray(batches_of(jax.random.key(seed), len(train.y), 64))[:n_steps]:
            x, y = train.x[index], train.y[index]
            gradient, statistics = ours(variables["params"], variables["batch_stats"], x, y)
            last = _gradient_last(model, variables, x, y)
            net.train()
            optimiser.zero_grad()
            functional.cross_entropy(net(torch.tensor(x))[0], torch.tensor(y).long()).backward()
            for layer, name in zip(net.layers, _names(model), strict=True):
                theirs = {
                    f"dense_{name}": layer.latent.grad.numpy(),
                    f"norm_{name}": layer.norm.bias.grad.numpy(),
                }
                for module, expected in theirs.items():
                    leaf = next(iter(gradient[module].values()))
                    worst = max(worst, float(np.abs(leaf - expected).max()))
                    worst_last = max(
                        worst_last,
                        float(np.abs(next(iter(last[module].values())) - expected).max()),
                    )
            change, memory = rule.update(gradient, memory, variables["params"])
            params = optax.apply_updates(variables["params"], change)
            variables = {"params": params, "batch_stats": statistics}
            optimiser.step()
            with torch.no_grad():
                for layer in net.layers:
                    layer.latent.clamp_(-1, 1)
            for layer, name in zip(net.layers, _names(model), strict=True):
                mine = np.asarray(params[f"dense_{name}"]["latent"]) > 0
                equal.append((mine == (layer.latent.detach().numpy() > 0)).ravel())
            # The same weights again, so that the next step's gradients are of one network.
            for layer, name in zip(net.layers, _names(model), strict=True):
                layer.latent.data = torch.tensor(np.asarray(params[f"dense_{name}"]["latent"]))
                layer.norm.bias.data = torch.tensor(np.asarray(params[f"norm_{name}"]["bias"]))
    return worst, worst_last, float(np.mean(np.concatenate(equal)))


def _loss(model, params, statistics, x, y):
    both = {"params": params, "batch_stats": statistics}
    (logits, _), state = model.apply(both, x, train=True, mutable=["batch_stats"])
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), state["batch_stats"]


def _gradient_last(model, variables, x, y):
    """The gradient of one network by the code for seeds on the last axis."""
    last = jax.tree.map(lambda leaf: jnp.asarray(leaf)[..., None], variables)

    def loss(params):
        logits, *_ = seeds_last.forward(
            model, last | {"params": params}, jnp.asarray(x)[..., None], train=True
        )
        return jnp.sum(seeds_last.mean(seeds_last.cross_entropy(logits, jnp.asarray(y)[:, None])))

    return jax.tree.map(lambda leaf: np.asarray(leaf)[..., 0], jax.grad(loss)(last["params"]))


def ends(n_epochs: int) -> list[tuple[str, str, str, str, str]]:
    """Rows of (quantity, our mean, PyTorch's mean, p of the means, p of Kolmogorov-Smirnov)."""
    experiment, _ = studies.find(EXPERIMENT)
    split = data.load(experiment.data)
    with tempfile.TemporaryDirectory() as out:
        spec = dataclasses.replace(experiment.train, epochs=n_epochs)
        schedule = dataclasses.replace(
            experiment.schedule, every=CHECKED, first_epochs=0, last_epochs=1
        )
        short = dataclasses.replace(
            experiment, train=spec, schedule=schedule, probes=experiment.probes[:1]
        )
        result = results.open_result(
            run(dataclasses.replace(short, seeds=tuple(range(N_SEEDS))), out)
        )
    mine = {"test accuracy": result.test_accuracy.values[:, -1]}
    mine["epoch of leaving the plateau"] = trajectories.first_epoch_below(
        result.epoch, result.train_loss, LEFT
    )
    mine |= {f"H(T) of hidden_{i + 1}": result.h_t.values[:, -1, i] for i in range(5)}
    torch.manual_seed(0)
    torch.set_num_threads(1)
    nets = peer.Batched((12, *experiment.model.widths, 2), N_SEEDS, 64, spec.learning_rate)
    x, y = torch.tensor(split.train.x.astype(np.float32)), torch.tensor(split.train.y).long()
    losses = [nets.evaluate(x, y)[0]]
    for epoch in range(1, n_epochs + 1):
        nets.epoch(x, y)
        if epoch % CHECKED == 0:
            losses.append(nets.evaluate(x, y)[0])
    *_, entropies = nets.evaluate(x, y)
    tests = torch.tensor(split.test.x.astype(np.float32)), torch.tensor(split.test.y).long()
    theirs = {"test accuracy": nets.evaluate(*tests)[1]}
    checked = CHECKED * np.arange(len(losses))
    theirs["epoch of leaving the plateau"] = trajectories.first_epoch_below(
        checked, np.stack(losses, axis=1), LEFT
    )
    theirs |= {f"H(T) of hidden_{i + 1}": entropies[:, i] for i in range(5)}
    return [_compared(name, mine[name], theirs[name], n_epochs) for name in mine]


def _compared(name, a, b, n_epochs):
    a, b = (
        np.minimum(each, n_epochs + CHECKED) for each in (a, b)
    )  # a seed that never leaves: after the last epoch
    means = stats.permutation_test(
        (a, b), lambda u, v: np.mean(u) - np.mean(v), n_resamples=9999, rng=0
    ).pvalue
    return (
        name,
        f"{np.mean(a):.3f}",
        f"{np.mean(b):.3f}",
        f"{means:.3f}",
        f"{stats.ks_2samp(a, b).pvalue:.3f}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: few steps and epochs")
    arguments = parser.parse_args()
    use_cores()
    n_seeds, n_steps, n_epochs = (1, 2, 20) if arguments.quick else (5, 20, 500)
    timing.heading("The same weights and batches")
    worst, last, equal = gradients_and_signs(n_seeds, n_steps)
    print(
        f"{n_seeds} seeds x {n_steps} steps; jax {jax.__version__}, PyTorch {torch.__version__}\n"
    )
    holds = "yes" if max(worst, last) <= 1e-5 else "NO"
    print(
        f"- largest difference of a gradient {worst:.1e}, with seeds last "
        f"{last:.1e}; at most 1e-5: {holds}"
    )
    print(f"- weight signs equal after every step: {100 * equal:.3f} %")
    timing.heading(f"Where {N_SEEDS} seeds of each end, {n_epochs} epochs")
    rows = ends(n_epochs)
    print(
        timing.table(("quantity", "jaxbnn", "PyTorch", "p, means", "p, Kolmogorov-Smirnov"), rows)
    )
    smallest = min(float(p) for row in rows for p in row[3:])
    corrected = min(1, smallest * 2 * len(rows))
    print(
        f"\nSmallest of {2 * len(rows)} p: {smallest:.3f}; with Holm's correction {corrected:.3f}"
    )


if __name__ == "__main__":
    main()
