"""What sets the settings of a grid apart, in words."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxbnn.config.experiment import Experiment


class SettingLabels(NamedTuple):
    """The words for several settings."""

    own: list[str]  # of each: its name without its study, and the changes that not all share
    shared: str  # the changes of all, "" for none


def setting_labels(
    experiments: Sequence[Experiment], changes: Sequence[Sequence[str]]
) -> SettingLabels:
    """What sets each setting apart, and what is changed in all.

    Args:
        experiments: one or more.
        changes: of each, as `studies.all_changes` gives them.
    """
    in_all = set(changes[0]).intersection(*changes)
    shared = [change for change in changes[0] if change in in_all]
    own = []
    for experiment, changed in zip(experiments, changes, strict=True):
        name = experiment.name.rpartition("/")[2]
        apart = [change for change in changed if change not in shared]
        own.append(" ".join([name, *apart]))
    return SettingLabels(own, ", ".join(shared))
