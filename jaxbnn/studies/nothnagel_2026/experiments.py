"""The 375 networks of Nothnagel & Geiger 2026, 125 settings in fourteen groups, three seeds each;
and ours beside them.

Ours are controls (untrained networks, shuffled labels) and causes: decay, width or label noise
varied alone.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from jaxbnn.config.experiment import Experiment
from jaxbnn.config.grid import independent
from jaxbnn.data import Cifar10, DataSpec, FashionMnist, Mnist, Szt
from jaxbnn.nn import MLP, ConvNet, MeasuredModel
from jaxbnn.observe.probe import Probe
from jaxbnn.studies.study import Report, Study
from jaxbnn.train.spec import AdamW, TrainSpec

DECAYS = (0.0, 0.1, 0.2, 0.5, 0.7, 1.0, 1.1, 1.2, 1.5, 1.7, 2.0)
NARROWEST = (10, 8, 6, 4, 2)
LENET = (120, 84, 10)
NARROW = (50, 50, 10)
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
# The 33 networks of a group by decay and its 3 untrained ones fill two blocks.
SEEDS_PER_PROGRAM = 18
UNTRAINED = 1e-30  # a learning rate too small to move a weight: only the running statistics settle
MATCHED = tuple(range(16))  # the seeds of settings that are compared seed by seed
CAUSE_DECAYS = (0.5, 1.0, 2.0)
CAUSE_WIDTHS = (1.5, 2)  # times the base's
CAUSE_NOISES = (0.1, 0.2, 0.4)  # shares of shuffled labels


def dotless(name: str) -> str:
    """A name without points, which folders and groups do not have."""
    return name.replace(".", "_")


def widths_of(model: Any) -> tuple[int, ...]:
    """The widths of one of our networks."""
    return model.widths


def _changed(spec: Any, **values: Any) -> Any:
    """A data set or a network with values changed: its protocol says nothing of its fields."""
    return dataclasses.replace(spec, **values)


def joined(widths: Iterable[int]) -> str:
    """Widths in a name: "120-84-10"."""
    return "-".join(str(width) for width in widths)


def setting(
    group: str, data: DataSpec, model: MeasuredModel, decay: float | None = None
) -> Experiment:
    """One of the 125, named after its group, its widths where they set it apart, and its weight
    decay."""
    own_name = joined(widths_of(model)) if decay is None else dotless(f"wd-{decay:g}")
    is_cube = isinstance(data, Szt)
    spec = ON_CUBE if is_cube else ON_IMAGES
    experiment = Experiment(
        name=f"nothnagel2026/{group}-{own_name}",
        data=data,
        model=model,
        train=dataclasses.replace(spec, decay=decay or 0.0),
        probes=(Probe(sample="all" if is_cube else "train"), Probe("test", sample="test")),
        seeds=(0, 1, 2),
        seeds_per_program=3 if decay is None else SEEDS_PER_PROGRAM,
    )
    return independent([experiment])[0]


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
    groups = {}
    for kind, widths in WIDTHS.items():
        group = f"{name}-{kind}"
        groups[group] = by_decay(group, data, MLP(widths, 10))
    bottleneck = [MLP((1024, 20, 10, width, 10), 10) for width in NARROWEST]
    hourglass = [MLP((1024, 20, 10, width), 10) for width in NARROWEST]
    groups[f"{name}-bottleneck"] = by_widths(f"{name}-bottleneck", data, bottleneck)
    groups[f"{name}-hourglass"] = by_widths(f"{name}-hourglass", data, hourglass)
    groups[f"{name}-lenet"] = by_decay(f"{name}-lenet", data, ConvNet(LENET))
    return groups


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


def untrained(base: Experiment) -> Experiment:
    """A setting that learns nothing."""
    return dataclasses.replace(
        base,
        name=f"{base.name}-untrained",
        train=dataclasses.replace(base.train, learning_rate=UNTRAINED),
        seeds_per_program=SEEDS_PER_PROGRAM,
    )


def shuffled(base: Experiment) -> Experiment:
    """A setting with shuffled training labels."""
    return dataclasses.replace(
        base,
        name=f"{base.name}-shuffled",
        data=_changed(base.data, label_seed=0),
        seeds_per_program=3,
    )


def controls(*groups: str) -> tuple[Experiment, ...]:
    """Of each group its setting without decay, left untrained, and trained on shuffled labels."""
    bases = [GRID[group][0] for group in groups]
    return *(untrained(base) for base in bases), *(shuffled(base) for base in bases)


def causes() -> tuple[Experiment, ...]:
    """SZT with the same seeds under other decays, widths, or shares of shuffled labels: one thing
    at a time."""
    base = dataclasses.replace(
        GRID["szt"][0], name="nothnagel2026/szt-base", seeds=MATCHED, seeds_per_program=len(MATCHED)
    )
    experiments = [base]
    for decay in CAUSE_DECAYS:
        spec = dataclasses.replace(base.train, decay=decay)
        name = dotless(f"nothnagel2026/szt-decay-{decay:g}")
        experiments.append(dataclasses.replace(base, name=name, train=spec))
    for times in CAUSE_WIDTHS:
        widths = tuple(round(times * width) for width in widths_of(base.model))
        model = _changed(base.model, widths=widths)
        name = f"nothnagel2026/szt-width-{joined(widths)}"
        experiments.append(dataclasses.replace(base, name=name, model=model))
    for noise in CAUSE_NOISES:
        data = Szt(label_seed=0, label_noise=noise)
        name = dotless(f"nothnagel2026/szt-noise-{noise:g}")
        experiments.append(dataclasses.replace(base, name=name, data=data))
    return tuple(experiments)


BEYOND = {
    "szt-controls": controls("szt"),
    "szt-causes": causes(),
    "mnist-controls": controls("mnist-small", "mnist-raj", "mnist-lenet"),
    "fashion-controls": controls("fashion-small", "fashion-raj", "fashion-lenet"),
    "cifar10-controls": controls("cifar10-lenet", "cifar10-narrow"),
}


def make_report() -> Report:
    """Its claims, tables and figures."""
    from jaxbnn.studies.nothnagel_2026.report import REPORT

    return REPORT


NOTHNAGEL_2026 = Study(
    cite="Nothnagel & Geiger 2026, Information Plane Analysis of Binary Neural Networks "
    "(arXiv 2605.03636)",
    experiments=(),
    assumptions=(
        "Widths are hidden widths and an output of 10 (2 on SZT) follows; in the other reading a "
        "last 10 is the output itself: --set model.widths=50,10, say.",
        "The decay is AdamW's: each step multiplies kernels and latent weights by 1 - rate x "
        "decay, before the latent clip to [-1, 1]; biases do not decay.",
        "The learning rate is 1e-4 everywhere (theirs on SZT); batches of 64 and 8000 epochs on "
        "SZT, 128 and 300 on images.",
        "All weights and hidden activations are binary, first and last layer included, with the "
        "straight-through estimator for both signs; sign(0) is -1; BatchNorm without scale, "
        "momentum 0.99, also before the softmax.",
        "LeNet-5 has 5 x 5 convolutions of 6 and 16 channels without padding, each pooled 2 x 2 "
        "before its BatchNorm and sign.",
        "SZT is measured on the whole cube, images on the training set; the probe named test on "
        "the test set.",
        "Pixels are in [-1, 1]. Without a decay in its name a network has none.",
        "Of images, training and test parts are the published ones; of SZT 80 % train, the same "
        "for all seeds.",
        "Every setting has seeds of its own (its root seed comes from its digest): the paper says "
        "three networks a setting, and not that settings share first weights.",
        "Ours are the settings named untrained (a learning rate of 1e-30), shuffled (training "
        "labels dealt anew) and those of szt-causes: 16 matched seeds, one thing changed at a "
        "time.",
    ),
    name="nothnagel2026",
    report=make_report,
    grid=GRID | BEYOND,
)
