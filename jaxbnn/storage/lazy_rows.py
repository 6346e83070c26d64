"""The seeds of several blocks as one array, of which nothing is read until it is indexed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from jaxbnn.files.limits import memory
from jaxbnn.storage.array_store import naming


class SeedRows(BackendArray):
    """One variable of a result: rows of the blocks' arrays, seed by seed.

    Args:
        parts: each block's Zarr array, [S, ...].
        places: of each seed, its block and its row there.
        column: which column of the stored array the variable is; None takes all of it.
        axis: of the columns.
        dtype: of the variable; counts are stored as float32 and shown as whole numbers.
    """

    def __init__(
        self,
        parts: Sequence[Any],
        places: Sequence[tuple[int, int]],
        column: int | slice | None = None,
        axis: int = -1,
        dtype: np.dtype | None = None,
    ):
        self._parts = parts
        self._blocks = np.array([block for block, _ in places])
        self._rows = np.array([row for _, row in places])
        self._column = column
        self._axis = axis % parts[0].ndim
        self.dtype = parts[0].dtype if dtype is None else dtype
        sizes = list(parts[0].shape)
        if isinstance(column, slice):
            sizes[self._axis] = len(range(*column.indices(sizes[self._axis])))
        elif column is not None:
            del sizes[self._axis]
        self.shape = (len(places), *sizes[1:])

    def lazy(self) -> Any:
        """The array as xarray holds it: read once, when it is asked for."""
        indexed = indexing.LazilyIndexedArray(self)
        # xarray itself wraps such arrays, whatever it declares.
        lazy = indexing.CopyOnWriteArray(indexed)  # pyright: ignore[reportArgumentType]
        return indexing.MemoryCachedArray(lazy)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        """An outer selection: each entry is a whole number, a slice or an array of places."""
        seeds = np.atleast_1d(np.arange(self.shape[0])[key[0]])
        taken = [_ascending(place, n) for place, n in zip(key[1:], self.shape[1:], strict=True)]
        if isinstance(self._column, slice):
            columns = np.arange(self._parts[0].shape[self._axis])[self._column]
            taken[self._axis - 1] = columns[taken[self._axis - 1]]
        elif self._column is not None:
            taken.insert(self._axis - 1, slice(self._column, self._column + 1))
        values = self._gathered(seeds, tuple(taken))
        if _is_number(self._column):
            values = values.take(0, axis=self._axis)
        dropped = [axis for axis, place in enumerate(key) if _is_number(place)]
        return self._cast(np.squeeze(values, axis=tuple(dropped)))

    def _cast(self, values: np.ndarray) -> np.ndarray:
        """Values of the variable's dtype; ValueError where a stored count is no whole number."""
        try:
            with np.errstate(invalid="raise"):
                return values.astype(self.dtype, copy=False)
        except FloatingPointError:
            path = self._parts[0].store_path
            raise ValueError(
                f"expected numbers that fit {self.dtype} in {path}, got others"
            ) from None

    def _gathered(self, seeds: np.ndarray, taken: tuple[Any, ...]) -> np.ndarray:
        """The rows of these seeds, in their order."""
        self._check_size(seeds, taken)
        blocks = self._blocks[seeds]
        values: np.ndarray | None = None
        for block in np.unique(blocks):
            mine = np.flatnonzero(blocks == block)
            rows = self._rows[seeds[mine]]
            part = self._selected(block, (rows, *taken))
            if values is None:
                values = np.empty((len(seeds), *part.shape[1:]), part.dtype)
            values[mine] = part
        if values is None:  # no seed is asked for
            return self._selected(0, (np.arange(0), *taken))
        return values

    def _check_size(self, seeds: np.ndarray, taken: tuple[Any, ...]) -> None:
        """ValueError for a selection that does not fit into memory."""
        size = 2 * len(seeds) * self._parts[0].dtype.itemsize  # a block's rows and the whole
        for place, n in zip(taken, self._parts[0].shape[1:], strict=True):
            size *= len(range(*place.indices(n))) if isinstance(place, slice) else len(place)
        if size > memory():
            raise ValueError(
                f"expected a selection that fits into memory, got {size / 2**30:.0f} GiB: select "
                "seeds or epochs first"
            )

    def _selected(self, block: int, selection: tuple[Any, ...]) -> np.ndarray:
        array = self._parts[block]
        with naming(str(array.store_path).removeprefix("file://")):
            return np.asarray(array.oindex[selection])


def _is_number(place: Any) -> bool:
    return isinstance(place, int | np.integer)


def _ascending(place: Any, n: int) -> Any:
    """An entry of a selection as Zarr takes it: no lone number, no slice that runs backwards."""
    if _is_number(place):
        return slice(place, place + 1)
    if isinstance(place, slice) and (place.step or 1) < 0:
        return np.arange(n)[place]
    return place
