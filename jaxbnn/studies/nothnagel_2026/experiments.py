"""The 375 networks of Nothnagel & Geiger 2026, 125 settings in fourteen groups, three seeds each;
and ours beside them.

Ours are controls (untrained networks, shuffled labels) and causes: decay, width or label noise
varied alone.
"""

import dataclasses
from collections.abc import Iterable
from functools import partial

from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Cifar10, DataSpec, FashionMnist, Mnist, Szt
from jaxbnn.nn import MLP, ConvNet, MeasuredModel
from jaxbnn.observe.probe import Probe
from jaxbnn.studies.study import Report, Study
from jaxbnn.train.spec import AdamW, TrainSpec

DECAYS = (0.0, 0.1, 0.2, 0.5, 0.7, 1.0, 1.1, 1.2, 1.5, 1.7, 2.0)
NARROWEST = (10, 8, 6, 4, 2)
LENET, NARROW = (120, 84, 10), (50, 50, 10)
HEADS = (
    LENET,
    (120, 50, 10),
    (120, 20, 10),
    (70, 50, 10),
    (70, 20, 10),
    NARROW,
    (50, 20, 10),
    (50, 10, 10),
)
WIDTHS = {"small": (50, 10, 10), "raj": (1024, 20, 20, 20, 10)}
ON_CUBE = TrainSpec(epochs=8000, batch_size=64, optimiser=AdamW(), learning_rate=1e-4)
ON_IMAGES = TrainSpec(epochs=300, batch_size=128, optimiser=AdamW(), learning_rate=1e-4)
SEEDS_PER_PROGRAM = (
    18  # the 33 networks of a group by decay and its 3 untrained ones fill two blocks
)
UNTRAINED = 1e-30  # a learning rate too small to move a weight: only the running statistics settle
MATCHED = tuple(range(16))  # the seeds of settings that are compared seed by seed


def setting(
    group: str, data: DataSpec, model: MeasuredModel, decay: float | None = None
) -> Experiment:
    """One of the 125, named after its group, its widths where they set it apart, and its weight
    decay."""
    widths = "-".join(map(str, model.widths))
    last = f"wd-{decay:g}".replace(".", "_") if decay is not None else widths
    cube = isinstance(data, Szt)
    return Experiment(
        name=f"nothnagel2026/{group}-{last}",
        data=data,
        model=model,
        train=dataclasses.replace(ON_CUBE if cube else ON_IMAGES, decay=decay or 0.0),
        probes=(Probe(sample="all" if cube else "train"), Probe("test", sample="test")),
        seeds=(0, 1, 2),
        seeds_per_program=3 if decay is None else SEEDS_PER_PROGRAM,
    )


def by_decay(group: str, data: DataSpec, model: MeasuredModel) -> tuple[Experiment, ...]:
    """A network under each weight decay."""
    return tuple(setting(group, data, model, decay) for decay in DECAYS)


def by_widths(
    group: str, data: DataSpec, models: Iterable[MeasuredModel]
) -> tuple[Experiment, ...]:
    """Networks of several widths, without weight decay."""
    return tuple(setting(group, data, model) for model in models)


def digits_or_clothes(name: str, data: DataSpec) -> dict[str, tuple[Experiment, ...]]:
    """The five groups, 43 settings, of MNIST or Fashion-MNIST."""
    dense = {
        f"{name}-{kind}": by_decay(f"{name}-{kind}", data, MLP(widths, 10))
        for kind, widths in WIDTHS.items()
    }
    bottleneck, hourglass = (
        [MLP((1024, 20, 10, k, *end), 10) for k in NARROWEST] for end in ((10,), ())
    )
    return dense | {
        f"{name}-bottleneck": by_widths(f"{name}-bottleneck", data, bottleneck),
        f"{name}-hourglass": by_widths(f"{name}-hourglass", data, hourglass),
        f"{name}-lenet": by_decay(f"{name}-lenet", data, ConvNet(LENET)),
    }


def colours() -> dict[str, tuple[Experiment, ...]]:
    """The 28 settings of CIFAR-10; two of the eight heads are already there, without weight
    decay."""
    heads = [ConvNet(head) for head in HEADS if head not in (LENET, NARROW)]
    return {
        "cifar10-lenet": by_decay("cifar10-lenet", Cifar10(), ConvNet(LENET)),
        "cifar10-heads": by_widths("cifar10-heads", Cifar10(), heads),
        "cifar10-narrow": by_decay("cifar10-narrow", Cifar10(), ConvNet(NARROW)),
    }


GRID = {
    "szt": by_decay("szt", Szt(), MLP((10, 8, 6, 4, 2), 2)),
    **digits_or_clothes("mnist", Mnist()),
    **digits_or_clothes("fashion", FashionMnist()),
    **colours(),
}


def changed(
    base: Experiment,
    name: str,
    n_seeds: int = SEEDS_PER_PROGRAM,
    data: DataSpec | None = None,
    **train,
) -> Experiment:
    """A setting like another, under a name of its own, on other data or trained otherwise."""
    spec = dataclasses.replace(base.train, **train)
    return dataclasses.replace(
        base, name=name, data=data or base.data, train=spec, seeds_per_program=n_seeds
    )


def controls(groups: Iterable[str]) -> tuple[Experiment, ...]:
    """Of each group its setting without decay, left untrained, and trained on shuffled labels."""
    bases = {group: GRID[group][0] for group in groups}
    untrained = (changed(e, f"{e.name}-untrained", learning_rate=UNTRAINED) for e in bases.values())
    noise = {group: dataclasses.replace(e.data, label_seed=0) for group, e in bases.items()}
    shuffled = (changed(e, f"{e.name}-shuffled", 3, noise[group]) for group, e in bases.items())
    return (*untrained, *shuffled)


def causes() -> tuple[Experiment, ...]:
    """SZT with the same seeds under other decays, widths, or shares of labels dealt anew: one thing
    at a time."""
    base = dataclasses.replace(
        GRID["szt"][0], name="nothnagel2026/szt-base", seeds=MATCHED, seeds_per_program=len(MATCHED)
    )
    named = partial(changed, base, n_seeds=base.seeds_per_program)
    widths = [tuple(round(times * width) for width in base.model.widths) for times in (1.5, 2)]
    wider = [(w, named(f"nothnagel2026/szt-width-{'-'.join(map(str, w))}")) for w in widths]
    noisy = [(n, Szt(label_seed=0, label_noise=n)) for n in (0.1, 0.2, 0.4)]
    return (
        base,
        *(
            named(f"nothnagel2026/szt-decay-{decay:g}".replace(".", "_"), decay=decay)
            for decay in (0.5, 1.0, 2.0)
        ),
        *(
            dataclasses.replace(e, model=dataclasses.replace(base.model, widths=w))
            for w, e in wider
        ),
        *(
            named(f"nothnagel2026/szt-noise-{n:g}".replace(".", "_"), data=data)
            for n, data in noisy
        ),
    )


BEYOND = {
    "szt-controls": controls(["szt"]),
    "szt-causes": causes(),
    **{
        f"{name}-controls": controls(f"{name}-{kind}" for kind in (*WIDTHS, "lenet"))
        for name in ("mnist", "fashion")
    },
    "cifar10-controls": controls(["cifar10-lenet", "cifar10-narrow"]),
}


def report() -> Report:
    """Its claims, tables and figures."""
    from jaxbnn.studies.nothnagel_2026.figures import REPORT

    return REPORT


NOTHNAGEL_2026 = Study(
    cite="Nothnagel & Geiger 2026, Information Plane Analysis of Binary Neural Networks (arXiv 2605.03636)",
    experiments=(),
    assumptions=(
        "Widths are hidden widths and an output of 10 (2 on SZT) follows; in the other reading a last 10 is the output "
        "itself: --set model.widths=50,10, say.",
        "The decay is AdamW's: each step multiplies kernels and latent weights by 1 - rate x decay, before the latent "
        "clip to [-1, 1]; biases do not decay.",
        "The learning rate is 1e-4 everywhere (theirs on SZT); batches of 64 and 8000 epochs on SZT, 128 and 300 on "
        "images.",
        "All weights and hidden activations are binary, first and last layer included, with the straight-through "
        "estimator for both signs; sign(0) is -1; BatchNorm without scale, momentum 0.99, also before the softmax.",
        "LeNet-5 has 5 x 5 convolutions of 6 and 16 channels without padding, each pooled 2 x 2 before its BatchNorm "
        "and sign.",
        "SZT is measured on the whole cube, images on the training set; the probe named test on the test set.",
        "Pixels are in [-1, 1]. Without a decay in its name a network has none.",
        "Of images, training and test parts are the published ones; of SZT 80 % train, the same for all seeds.",
        "Ours are the settings named untrained (a learning rate of 1e-30), shuffled (training labels dealt anew) and "
        "those of szt-causes: 16 matched seeds, one thing changed at a time.",
    ),
    name="nothnagel2026",
    report=report,
    grid=GRID | BEYOND,
)
