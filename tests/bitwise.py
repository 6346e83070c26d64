"""Results compared bit for bit, and runs that are stopped on the way."""

from collections.abc import Callable

import numpy as np

from jaxbnn.storage import results


def check_same(one, other):
    """Every variable of a result equal bit for bit to that of its seeds in another, NaN equal to
    NaN."""
    assert set(one.variables) == set(other.variables)
    part = other.sel(seed=one.seed.values)
    for name in one.variables:
        assert one[name].dtype == part[name].dtype, name
        np.testing.assert_array_equal(one[name].values, part[name].values, err_msg=name)


def check_same_runs(folder, other, probes=()):
    """As `check_same`, of the main probe and of these further ones."""
    for probe in (None, *probes):
        check_same(results.open_result(folder, probe), results.open_result(other, probe))


def stopping_after(chunks: int) -> Callable[[], bool]:
    """What says True once it was asked so often: a run asks before each chunk."""
    turns = []
    return lambda: turns.append(0) or len(turns) > chunks
