"""All tests run on two virtual CPU devices; arrays of different rank never combine silently.

What one test has compiled another does not compile again: a cache that lasts for one call of
pytest, its workers and the programs they start. What they share lies in one folder.
"""

import atexit
import dataclasses
import fcntl
import gc
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

if "JAXBNN_TESTS" not in os.environ:
    os.environ["JAXBNN_TESTS"] = tempfile.mkdtemp(prefix="jaxbnn-tests-")
    atexit.register(shutil.rmtree, os.environ["JAXBNN_TESTS"], ignore_errors=True)

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = os.path.join(os.environ["JAXBNN_TESTS"], "programs")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

# Compiling is what most tests wait for. These flags make it shorter and keep all that is promised
# of bits. A version of JAX that does not know a flag would end the program.
if "XLA_FLAGS" not in os.environ:
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    if metadata.version("jaxlib").startswith("0.10."):
        os.environ["XLA_FLAGS"] += (
            " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
        )

import jax
import pytest

from jaxbnn.engine.devices import use_cores

os.environ.pop("PJRT_NPROC", None)
use_cores(2)
jax.config.update("jax_numpy_rank_promotion", "raise")


SHARED = Path(os.environ["JAXBNN_TESTS"])
MANY_MAPS = 40000

# Tracing makes many objects that stay: looking through all of them again and again takes long.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="module", autouse=True)
def programs_are_given_back():
    """Compiled programs go before they are too many: each takes hundreds of memory maps, and Linux
    lets a process have 65530."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MANY_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def tiny():
    """A small experiment with three probes: five seeds in blocks of two, twelve epochs."""
    from jaxbnn import data, info, nn, observe, train
    from jaxbnn.config.experiment import Experiment

    return Experiment(
        name="tiny",
        data=data.Szt(),
        model=nn.MLP((6, 4), 2),
        train=train.TrainSpec(epochs=12, batch_size=256, learning_rate=0.01),
        schedule=observe.Schedule(every=5, first_epochs=2, last_epochs=1),
        probes=(
            observe.Probe(sample="all"),
            observe.Probe("test", sample="test", estimator=info.Exact("miller_madow")),
            observe.Probe(
                "before",
                layers=("dense_1", "hidden_1"),
                estimator=info.FixedBins(-13, 13, 26),
            ),
        ),
        seeds=(0, 1, 2, 3, 4),
        seeds_per_program=2,
    )


@pytest.fixture(scope="session")
def plain(tiny):
    """The tiny experiment with its main probe alone: one program for all tests that need no
    more."""
    return dataclasses.replace(tiny, probes=tiny.probes[:1])


@pytest.fixture(scope="session")
def finished(tiny):
    """The folder of the finished tiny experiment, which the first worker that needs it runs. Not to
    be changed."""
    from jaxbnn import run

    with open(SHARED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run(tiny, SHARED / "runs")


LONGEST = (
    "test_runner",
    "test_cli",
    "test_studies",
    "test_report",
    "test_counting_algorithms",
    "test_processes",
    "test_faults",
    "test_together",
    "test_block_store",
    "test_seeds_last",
    "test_program",
    "test_resume",
    "test_record",
    "test_notebooks",
    "test_readme",
    "test_trainer",
    "test_contract",
)


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist would begin with the files of most tests


def pytest_collection_modifyitems(items):
    """The longest files first: the workers end at about the same time."""
    order = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
