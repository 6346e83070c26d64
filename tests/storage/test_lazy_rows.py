"""Rows of several blocks are one array, of which only what is asked for is read."""

import itertools

import numpy as np
import pytest
import stores
import xarray

from jaxbnn.storage import array_store, lazy_rows
from jaxbnn.storage.array_store import ArraySpec
from jaxbnn.storage.lazy_rows import SeedRows

RNG = np.random.default_rng(0)
BLOCKS = [RNG.normal(size=(n, 5, 3, 4)).astype(np.float32) for n in (2, 3)]
PLACES = [(0, 1), (1, 0), (1, 2), (0, 0), (1, 1)]
WHOLE = np.stack([BLOCKS[block][row] for block, row in PLACES])
DIMS = ("seed", "epoch", "layer", "quantity")
COLUMNS = {"all": None, "one": 2, "some": slice(1, 3), "from the end": slice(-1, None)}


class Counted:
    """A Zarr array that counts how often it is read."""

    def __init__(self, array):
        self._array = array
        self.reads = []

    def __getattr__(self, name):
        return getattr(self._array, name)

    @property
    def oindex(self):
        return self

    def __getitem__(self, selection):
        self.reads.append(selection)
        return self._array.oindex[selection]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blocks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_store, "CHUNK_BYTES", 200)  # two epochs of the first block to a chunk
        for i, values in enumerate(BLOCKS):
            specs = {"g/x": ArraySpec(values.shape, "float32", DIMS)}
            array_store.create(folder / str(i), specs, {})
            array_store.write_whole(folder / str(i), {"g/x": values})
    return folder


@pytest.fixture
def parts(folder):
    return [Counted(array_store.arrays(folder / str(i))["g/x"]) for i in range(2)]


def variable(parts, column=None, dtype=None):
    rows = SeedRows(parts, PLACES, column, -1, dtype)
    return xarray.Variable(DIMS[: len(rows.shape)], rows.lazy())


def reads(parts):
    return [len(part.reads) for part in parts]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_any_selection_is_that_of_the_whole_array(parts, column):
    whole = WHOLE if column is None else WHOLE[..., column]
    expected = xarray.Variable(DIMS[: whole.ndim], whole)
    seeds = [slice(None), 0, -1, slice(None, None, -1), slice(3, 0, -2), [1, 0, 3], [-1, 2], []]
    epochs = [slice(None), -2, slice(None, None, -2), [4, 0, 0], slice(2, 2)]
    layers = [slice(None), 1, [2, 0]]
    for seed, epoch, layer in itertools.product(seeds, epochs, layers):
        selection = {"seed": seed, "epoch": epoch, "layer": layer}
        values = variable(parts, column).isel(selection).values
        np.testing.assert_array_equal(values, expected.isel(selection).values, str(selection))
        assert values.dtype == np.float32


def test_a_selection_of_a_selection_is_read_once(parts):
    rows = variable(parts, 1)
    chosen = rows[1:, ::-1][:, 1:3][::2]
    assert reads(parts) == [0, 0]
    np.testing.assert_array_equal(chosen.values, WHOLE[1:, ::-1, :, 1][:, 1:3][::2])


def test_points_are_chosen_by_arrays_of_several_axes(parts):
    seed = xarray.Variable("point", [4, 0, 2])
    epoch = xarray.Variable("point", [0, 3, 1])
    values = variable(parts).isel(seed=seed, epoch=epoch).values
    np.testing.assert_array_equal(values, WHOLE[[4, 0, 2], [0, 3, 1]])


def test_nothing_is_read_until_it_is_asked_for(parts):
    rows = variable(parts, 2)
    assert rows.shape == (5, 5, 3) and rows.nbytes == 5 * 5 * 3 * 4
    chosen = rows[0]
    repr(chosen)
    assert reads(parts) == [0, 0]
    np.testing.assert_array_equal(chosen.values, WHOLE[0, :, :, 2])
    assert reads(parts) == [1, 0]  # seed 0 lies in the first block
    ((seeds, epochs, layers, columns),) = parts[0].reads
    assert (seeds.tolist(), columns) == ([1], slice(2, 3))


def test_a_selection_that_memory_cannot_hold_is_refused(parts, monkeypatch):
    """Of the whole, whose parts may fit, nothing is read."""
    monkeypatch.setattr(lazy_rows, "memory", lambda: 2 * (2 * 5 * 3 * 4))
    with pytest.raises(ValueError, match="that fits into memory, got 0 GiB: select seeds or"):
        _ = variable(parts, 2).values
    assert reads(parts) == [0, 0]
    np.testing.assert_array_equal(variable(parts, 2)[:2].values, WHOLE[:2, :, :, 2])


def test_what_was_read_is_kept(parts):
    rows = variable(parts)
    first = rows.values
    assert reads(parts) == [1, 1]
    np.testing.assert_array_equal(rows.values, first)
    assert reads(parts) == [1, 1]


def test_what_a_reader_changes_changes_no_store(parts):
    rows = variable(parts)
    rows[0] = 7
    assert (rows.values[0] == 7).all()
    np.testing.assert_array_equal(variable(parts).values, WHOLE)


def test_counts_are_shown_as_whole_numbers(folder):
    values = np.array([[[0.0, 3.0], [-1.0, 2.0**23]]], np.float32)
    store = folder / "counts"
    array_store.create(store, {"g/x": ArraySpec(values.shape, "float32", DIMS[:3])}, {})
    array_store.write_whole(store, {"g/x": values})
    rows = SeedRows([array_store.arrays(store)["g/x"]], [(0, 0)], 1, -1, np.dtype("int32"))
    shown = xarray.Variable(("seed", "epoch"), rows.lazy())
    assert shown.dtype == "int32" and shown.values.tolist() == [[3, 2**23]]


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.0**40])
def test_a_count_that_is_no_whole_number_is_refused(tmp_path, value):
    array_store.create(tmp_path, {"g/x": ArraySpec((1, 2), "float32", DIMS[:2])}, {})
    array_store.write_whole(tmp_path, {"g/x": np.array([[1, value]], np.float32)})
    rows = SeedRows([array_store.arrays(tmp_path)["g/x"]], [(0, 0)], None, -1, np.dtype("int32"))
    with pytest.raises(ValueError, match="expected numbers that fit int32 in .*g/x, got others"):
        xarray.Variable(DIMS[:2], rows.lazy()).values  # noqa: B018


def test_a_damaged_chunk_is_refused_when_it_is_read(folder, tmp_path):
    store = tmp_path / "store"
    array_store.create(store, {"g/x": ArraySpec(BLOCKS[0].shape, "float32", DIMS)}, {})
    array_store.write_whole(store, {"g/x": BLOCKS[0]})
    rows = SeedRows([array_store.arrays(store)["g/x"]], [(0, 0)])
    stores.flip_bit(stores.chunk_files(store)[0], 60)
    lazy = xarray.Variable(DIMS, rows.lazy())
    with pytest.raises(ValueError, match=r"store/arrays.zarr/g/x is damaged \(.*checksum"):
        lazy.values  # noqa: B018
