"""The data of a run: loaded, checked against the experiment, hashed."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jaxbnn import data
from jaxbnn.config.experiment import Experiment
from jaxbnn.data import Split, coded_inputs
from jaxbnn.nn import Pixels

MANY_BYTES = 2**24  # of float32 inputs


class _Memory:
    """What is loaded so far, while a command runs, and who hears of its downloads."""

    def __init__(self) -> None:
        self.kept: dict[Hashable, Any] | None = None
        self.report: Callable[[Any], None] | None = None


_MEMORY = _Memory()


@contextmanager
def data_loaded_once(report: Callable[[Any], None] | None = None) -> Iterator[None]:
    """Within it a data set is read and hashed once, however many plans are made of it.

    It is for a command, whose files do not change while it runs, in all of its threads.

    Args:
        report: gets the progress of a download, see `data.load`; what it raises ends the download.
    """
    _MEMORY.kept = {}
    _MEMORY.report = report
    try:
        yield
    finally:
        _MEMORY.kept = None
        _MEMORY.report = None


def load_split(experiment: Experiment, data_root: str | Path | None, seed: int) -> Split:
    """The split of a seed; ValueError where data and experiment do not go together."""
    split = _loaded(experiment, data_root, seed)
    n = len(split.train.y)
    size = experiment.train.batch_size
    if size is not None and size > n:
        raise ValueError(
            f"expected train.batch_size of at most {n} (the training examples), got {size}"
        )
    n_classes = experiment.model.n_classes
    if n_classes < split.n_classes:
        raise ValueError(
            f"expected model.n_classes >= {split.n_classes} (the data's), got {n_classes}"
        )
    for probe in experiment.probes:
        correction = getattr(probe.estimator, "correction", "none")
        if (probe.population or probe.is_population(split)) and correction != "none":
            raise ValueError(
                f"expected no correction in probe {probe.name!r}: its sample is the population"
            )
    return split


def checksum_of(experiment: Experiment, data_root: str | Path | None, split: Split) -> str:
    """The SHA-256 of an experiment's split."""
    return _once(("checksum", experiment.data, str(data_root)), partial(data.checksum, split))


def split_for_devices(experiment: Experiment, data_root: str | Path | None, split: Split) -> Split:
    """The split with its inputs as `nn.Pixels`, a quarter of the memory, where they are bytes and
    the model takes them so or they are many."""
    takes_pixels = getattr(experiment.model, "takes_pixels", False)
    if not takes_pixels and split.train.x.nbytes < MANY_BYTES:
        return split
    return _once(("bytes", experiment.data, str(data_root)), partial(with_bytes, split))


def with_bytes(split: Split) -> Split:
    """The split with its inputs as `nn.Pixels`; itself where they are not at most 256 evenly spaced
    numbers."""
    coded = coded_inputs(split)
    if coded is None:
        return split
    train = split.train._replace(x=Pixels(coded.train, coded.values))
    test = split.test._replace(x=Pixels(coded.test, coded.values))
    return split._replace(train=train, test=test)


def _loaded(experiment: Experiment, data_root: str | Path | None, seed: int) -> Split:
    """The split as the data set gives it."""
    own = seed if data.is_per_seed(experiment.data) else None
    load = partial(data.load, experiment.data, data_root, own, _MEMORY.report)
    return _once(("split", experiment.data, str(data_root), own), load)


def _once(key: Hashable, make: Callable[[], Any]) -> Any:
    """What `make` gives; within `data_loaded_once` it is called once for each key."""
    if _MEMORY.kept is None:
        return make()
    if key not in _MEMORY.kept:
        _MEMORY.kept[key] = make()
    return _MEMORY.kept[key]
