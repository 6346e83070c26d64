"""Stores of made results: the arrays that a block writes, small and without a network."""

import numpy as np

from jaxbnn.storage import array_store, results, run_folder, schema
from jaxbnn.storage.array_store import ArraySpec

EPOCHS = (0, 1, 5)
LAYERS = ("hidden_1", "logits")
N_LABELS = 2
N_ENTRIES = 4
COLUMNS = ("seed", "epoch", "layer", "quantity")
SHA = "d" * 64


def specs(n_seeds, probes=("main", "test")):
    """The arrays of a block of so many seeds."""
    plane = (n_seeds, len(EPOCHS), len(LAYERS))
    made = {}
    for probe in probes:
        made |= {
            f"{probe}/points": ArraySpec((*plane, 7), "float32", COLUMNS),
            f"{probe}/spectra": ArraySpec((*plane, 4, N_ENTRIES), "int32", (*COLUMNS, "entry")),
            f"{probe}/trust": ArraySpec((*plane, 14), "float64", COLUMNS),
            f"{probe}/needed": ArraySpec(
                (n_seeds, len(LAYERS), 3), "float64", ("seed", "layer", "quantity")
            ),
            f"{probe}/sample": ArraySpec((n_seeds, 2 + N_LABELS), "float64", ("seed", "quantity")),
        }
    made[f"{probes[0]}/series"] = ArraySpec(
        (n_seeds, len(EPOCHS), 6), "float32", ("seed", "epoch", "quantity")
    )
    made[f"{probes[0]}_unit_counts/count_hidden_1"] = ArraySpec(
        (n_seeds, 1, 5), "int32", ("seed", "epoch", "unit"), {"long_name": "examples"}
    )
    return made


def values(seeds, probes=("main", "test")):
    """Arrays that say whose they are: an entry is its seed times 100 and where it stands."""
    made = {}
    for name, spec in specs(len(seeds), probes).items():
        rest = np.arange(np.prod(spec.shape[1:])).reshape(spec.shape[1:]) % 97
        seed = np.reshape(seeds, (-1, *[1] * rest.ndim))
        made[name] = (100 * seed + rest).astype(spec.dtype)
    return made


def attributes(probes=("main", "test")):
    coordinates = {"epoch": list(EPOCHS), "layer": list(LAYERS)}
    groups = {}
    for probe in probes:
        about = {"experiment": "made", "probe": probe, results.DATA: SHA}
        groups[probe] = {"coordinates": coordinates, "attributes": about}
    groups[f"{probes[0]}_unit_counts"] = {
        "coordinates": {"epoch": [5]},
        "attributes": {"probe": probes[0]},
    }
    return groups


def facts(seeds, sha=SHA):
    return {
        "version": results.VERSION,
        "main": "main",
        "seeds": list(seeds),
        "digest": "0" * 16,
        results.DATA: sha,
    }


def begin_block(folder, seeds, probes=("main", "test")):
    """A block with all its rows, of a run's folder, that is not finished yet."""
    block = run_folder.make_block_folder(folder, seeds)
    array_store.create(block, specs(len(seeds), probes), attributes(probes))
    array_store.write_whole(block, values(seeds, probes))
    return block


def write_block(folder, seeds, sha=SHA, probes=("main", "test")):
    """A finished block of a run's folder."""
    block = begin_block(folder, seeds, probes)
    array_store.finish(block, facts(seeds, sha))
    return block


def chunk_files(block):
    """The files of a store that hold values."""
    paths = (block / array_store.ARRAYS).rglob("*")
    return sorted(path for path in paths if path.is_file() and path.name != "zarr.json")


def flip_bit(path, bit=0):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(content)


def column(name):
    """(stored array, where the variable stands among its columns)."""
    for variable in schema.VARIABLES:
        if variable.name == name:
            return variable.array, schema.columns(variable.array).index(variable)
    raise KeyError(name)
