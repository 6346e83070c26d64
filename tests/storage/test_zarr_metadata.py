"""Metadata that no run writes are refused before Zarr opens the store."""

import json
import shutil

import numpy as np
import pytest

from jaxbnn.storage import array_store, zarr_metadata
from jaxbnn.storage.array_store import ArraySpec
from jaxbnn.storage.zarr_metadata import ArrayMetadata

SPECS = {
    "main/points": ArraySpec((2, 6, 3), "float32", ("seed", "epoch", "layer")),
    "main/flag": ArraySpec((2,), "bool", ("seed",)),
}


@pytest.fixture
def store(tmp_path):
    array_store.create(tmp_path, SPECS, {"main": {"a": [1, "b"]}})
    array_store.write_whole(
        tmp_path, {"main/points": np.ones((2, 6, 3), np.float32), "main/flag": np.ones(2, bool)}
    )
    return tmp_path / array_store.ARRAYS


def test_every_array_is_described(store):
    assert zarr_metadata.read_arrays(store) == {
        "main/flag": ArrayMetadata((2,), "bool", (2,)),
        "main/points": ArrayMetadata((2, 6, 3), "float32", (2, 6, 3)),
    }
    assert zarr_metadata.read_attributes(store / "main") == {"a": [1, "b"]}


def test_bytes_and_chunks_are_counted():
    metadata = ArrayMetadata((5, 7, 0), "float64", (2, 7, 1))
    assert (metadata.n_bytes(), metadata.grid()) == (0, (3, 1, 0))
    assert ArrayMetadata((5, 7), "int8", (2, 7)).n_bytes() == 35
    assert ArrayMetadata((), "int8", ()).grid() == ()


def changed(store, node="main/points", **values):
    path = store / node / zarr_metadata.FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


CODECS = [
    {"name": "bytes", "configuration": {"endian": "little"}},
    {"name": "zstd", "configuration": {"level": 3, "checksum": False}},
    {"name": "crc32c"},
]
GZIP = {"name": "gzip", "configuration": {"level": 5}}
PICKLE = {"name": "numcodecs.pickle", "configuration": {}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"codecs": [CODECS[0], GZIP, CODECS[2]]}, "expected the codecs bytes, zstd, crc32c"),
        ({"codecs": [CODECS[0], PICKLE, CODECS[2]]}, "expected the codecs"),
        ({"codecs": [{"name": "sharding_indexed", "configuration": {}}]}, "expected the codecs"),
        ({"codecs": CODECS[:2]}, "expected the codecs"),
        ({"codecs": []}, "expected the codecs"),
        ({"codecs": "bytes"}, "expected the codecs"),
        ({"codecs": ["bytes", "zstd", "crc32c"]}, "expected the codecs"),
        ({"storage_transformers": [{"name": "x"}]}, "expected the codecs"),
        ({"data_type": "string"}, "expected numbers in .*, got string"),
        ({"data_type": {"name": "fixed_length_utf32"}}, "expected numbers"),
        ({"data_type": None}, "expected numbers"),
        ({"shape": [2, -6, 3]}, "expected a shape"),
        ({"shape": [2, 6.0, 3]}, "expected a shape"),
        ({"shape": [True, 6, 3]}, "expected a shape"),
        ({"shape": "236"}, "expected a shape"),
        ({"chunk_grid": None}, "expected a regular grid"),
        ({"chunk_grid": {"name": "regular"}}, "expected a regular grid"),
        ({"chunk_grid": {"configuration": 3}}, "expected a regular grid"),
        ({"chunk_grid": {"configuration": {"chunk_shape": [2, 6]}}}, "expected a regular grid"),
        ({"chunk_grid": {"configuration": {"chunk_shape": [2, 0, 3]}}}, "expected a regular grid"),
        ({"chunk_grid": {"configuration": {"chunk_shape": [2, 2**50, 3]}}}, "got larger ones"),
        ({"node_type": "group"}, "expected a Zarr 3 array"),
        ({"zarr_format": 2}, "expected a Zarr 3 array"),
    ],
)
def test_an_array_that_no_run_writes_is_refused(store, values, message):
    changed(store, **values)
    with pytest.raises(ValueError, match=message) as caught:
        zarr_metadata.read_arrays(store)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    with pytest.raises(ValueError, match=message):
        array_store.arrays(store.parent)


@pytest.mark.parametrize("chunk", [(2, 2**47, 1), (2, 1, 1)], ids=["whole", "row"])
def test_a_chunk_that_claims_a_petabyte_is_refused(store, chunk):
    """Or chunks that together do, and that one row needs."""
    shape = [2, 2**47, 1] if chunk[1] > 1 else [2**48, 2, 1]
    changed(store, shape=shape, chunk_grid=grid(*chunk))
    with pytest.raises(ValueError, match="expected chunks that fit into memory .* 1048576 GiB"):
        array_store.arrays(store.parent)


def test_an_array_that_claims_a_petabyte_has_too_few_chunks(store):
    """It may be larger than memory: a part of it is read. Each chunk must be there."""
    changed(store, shape=[2, 2**47, 1], chunk_grid=grid(2, 1, 1))
    with pytest.raises(ValueError, match="points is damaged"):
        array_store.check_contents(store.parent)  # in no more time than it has chunks
    with pytest.raises(ValueError, match=f"expected {2**47} chunks of .*, got"):
        array_store.check_chunks(store.parent, ["arrays.zarr/main/flag/c/0"])


def grid(*sizes):
    return {"name": "regular", "configuration": {"chunk_shape": list(sizes)}}


@pytest.mark.parametrize(
    "values",
    [
        {"codecs": [CODECS[0], {"name": "zstd", "configuration": {"x": 1}}, CODECS[2]]},
        {"codecs": [CODECS[0], {"name": "zstd", "configuration": {"level": 99}}, CODECS[2]]},
        {"codecs": [{"name": "bytes", "configuration": {"endian": 3}}, *CODECS[1:]]},
        {"fill_value": "x"},
        {"fill_value": [1, 2]},
        {"chunk_key_encoding": {"name": "x"}},
        {"chunk_grid": {"name": "x", **grid(2, 6, 3)} | {"name": "x"}},
        {"must": {"must_understand": True}},
    ],
)
def test_what_zarr_does_not_read_is_refused_in_one_line(store, values):
    changed(store, **values)
    with pytest.raises(ValueError, match="expected Zarr arrays in .*, got ") as caught:
        array_store.arrays(store.parent)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("node", ["", "main", "main/points"])
@pytest.mark.parametrize("left", [0, 1, 20, None])
def test_truncated_metadata_are_refused(store, node, left):
    path = store / node / zarr_metadata.FILE
    if left is None:
        path.unlink()
    else:
        path.write_text(path.read_text()[:left])
    with pytest.raises(ValueError, match="the store is damaged") as caught:
        zarr_metadata.read_arrays(store)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"\xff\xfe", b"[]", b"3", b"null"])
def test_metadata_that_are_no_object_are_refused(store, text):
    (store / "main" / zarr_metadata.FILE).write_bytes(text)
    with pytest.raises(ValueError, match="the store is damaged"):
        zarr_metadata.read_arrays(store)
    with pytest.raises(ValueError, match="the store is damaged"):
        zarr_metadata.read_attributes(store / "main")


def test_metadata_of_many_bytes_are_not_read(store, monkeypatch):
    monkeypatch.setattr(zarr_metadata, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="which is missing or too large"):
        zarr_metadata.read_arrays(store)


def test_attributes_that_are_no_object_are_refused(store):
    changed(store, "main", attributes=[1])
    with pytest.raises(ValueError, match="expected attributes in .*, got list"):
        zarr_metadata.read_attributes(store / "main")


@pytest.mark.parametrize("node", ["main", "main/points"])
def test_links_are_refused(store, node):
    moved = store.parent / "moved"
    (store / node).rename(moved)
    (store / node).symlink_to(moved)
    with pytest.raises(ValueError, match="expected no links in "):
        zarr_metadata.read_arrays(store)


def test_deeper_groups_are_refused(store):
    shutil.copytree(store / "main", store / "main" / "inner")
    with pytest.raises(ValueError, match="expected a Zarr 3 array in .*inner/zarr.json"):
        zarr_metadata.read_arrays(store)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is missing"):
        zarr_metadata.read_arrays(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is missing"):
        zarr_metadata.read_arrays(tmp_path / "file")
