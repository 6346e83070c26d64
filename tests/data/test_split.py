import dataclasses
import json
import subprocess
import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbnn.data import (
    Cifar10,
    Dataset,
    Mnist,
    Npz,
    Split,
    Szt,
    TicTacToe,
    checksum,
    is_per_seed,
    load,
    stratified,
)
from jaxbnn.data.split import quotas

SPECS = [
    Szt(),
    TicTacToe(train_fraction=0.5, split_seed=3),
    Mnist(),
    Npz("a.npz", value_range=(0.0, 1.0)),
    Npz("b.npz"),
    Npz("c.npz", standardise=True),
]


def slow_quotas(sizes, percent):
    """Largest remainders one example at a time, in whole hundredths."""
    given = [percent * size // 100 for size in sizes]
    rest = [percent * size % 100 for size in sizes]
    while sum(given) < percent * sum(sizes) // 100:
        c = max(range(len(sizes)), key=lambda c: (rest[c], -c))
        given[c] += 1
        rest[c] = -1
    return given


@pytest.mark.parametrize(
    ("sizes", "train_fraction", "expected"),
    [
        ([1978, 2118], 0.8, [1582, 1694]),  # 1582.4 and 1694.4 of 3276.8
        ([332, 626], 0.8, [265, 501]),  # 265.6 and 500.8 of 766.4
        ([3, 3, 3], 0.5, [2, 1, 1]),  # equal remainders: the smaller label first
        ([1, 1, 8], 0.5, [1, 0, 4]),
        ([100], 0.29, [29]),  # 28.999... in floats
        ([10, 0], 0.7, [7, 0]),
    ],
)
def test_quotas_are_the_largest_remainders(sizes, train_fraction, expected):
    assert quotas(sizes, train_fraction) == expected


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 99))
def test_quotas_agree_with_the_slow_way(sizes, percent):
    found = quotas(sizes, percent / 100)
    assert found == slow_quotas(sizes, percent)
    assert sum(found) == percent * sum(sizes) // 100
    assert all(
        abs(n - Fraction(percent, 100) * size) < 1 for n, size in zip(found, sizes, strict=True)
    )


@given(st.lists(st.integers(0, 4), min_size=2, max_size=80), st.integers(0, 5))
def test_stratified_parts_are_disjoint_sorted_and_complete(labels, seed):
    y = np.array(labels, np.int32)
    train, test = stratified(y, 0.5, np.random.default_rng([seed]))
    assert sorted([*train, *test]) == list(range(len(y)))
    assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
    classes, sizes = np.unique(y, return_counts=True)
    assert [int((y[train] == c).sum()) for c in classes] == quotas(sizes.tolist(), 0.5)


def test_stratified_draws_each_member_equally_often():
    y = np.array([0] * 4 + [1] * 8)
    rng = np.random.default_rng(0)
    hits = sum(np.bincount(stratified(y, 0.5, rng)[0], minlength=12) for _ in range(2000))
    assert np.abs(hits / 2000 - 0.5).max() < 0.05  # four and a half standard errors


def test_stratified_does_not_ask_what_the_labels_are_called():
    y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 1, 2])
    once = stratified(y, 0.4, np.random.default_rng(1))
    renamed = stratified(10 * y + 7, 0.4, np.random.default_rng(1))
    assert all(np.array_equal(a, b) for a, b in zip(once, renamed, strict=True))


@pytest.mark.parametrize(
    ("y", "train_fraction", "message"),
    [
        (
            np.zeros(3, int),
            0.1,
            "expected train_fraction to leave an example on each side of 3, got 0.1",
        ),
        (np.zeros(0, int), 0.5, "on each side of 0"),
        (np.zeros(1, int), 0.99, "on each side of 1"),
        (np.zeros((4, 1), int), 0.5, r"expected labels of shape \[N\], got \[4, 1\]"),
        (np.zeros(4, int), 0.0, "expected train_fraction between 0 and 1"),
        (np.zeros(4, int), -0.5, "expected train_fraction between 0 and 1"),
    ],
)
def test_stratified_refuses_what_cannot_be_split(y, train_fraction, message):
    with pytest.raises(ValueError, match=message):
        stratified(y, train_fraction, np.random.default_rng(0))


def test_one_split_for_all_seeds_unless_each_has_its_own():
    assert checksum(load(Szt(), seed=1)) == checksum(load(Szt(), seed=2)) == checksum(load(Szt()))
    own = Szt(split_per_seed=True)
    sums = [checksum(load(own, seed=seed)) for seed in range(5)]
    assert len(set(sums)) == 5
    assert sums == [checksum(load(own, seed=seed)) for seed in range(5)]
    assert sums[0] == checksum(load(Szt()))
    assert checksum(load(Szt(split_seed=1))) != checksum(load(Szt()))


def test_is_per_seed_is_the_field_where_there_is_one():
    assert [is_per_seed(spec) for spec in SPECS] == [False] * 6
    assert is_per_seed(TicTacToe(split_per_seed=True))


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (None, ValueError, "expected a seed, for the spec has split_per_seed set, got None"),
        (-1, ValueError, "expected seed of at least 0, got -1"),
        (1.0, TypeError, "expected seed as a whole number, got 1.0"),
    ],
)
def test_a_split_per_seed_needs_a_seed(seed, error, message):
    with pytest.raises(error, match=message):
        load(TicTacToe(split_per_seed=True), seed=seed)


def test_load_refuses_what_is_no_spec():
    with pytest.raises(
        TypeError, match="expected Szt, TicTacToe, Mnist, FashionMnist, Cifar10 or Npz, got 'mnist'"
    ):
        load("mnist")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_specs_are_values_that_json_holds(spec):
    fields = json.loads(json.dumps(dataclasses.asdict(spec)))
    again = type(spec)(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    assert again == spec
    assert hash(again) == hash(spec)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.value_range = (0.0, 2.0)


def test_checksum_sees_values_shapes_dtypes_and_the_order_of_the_parts():
    def split(x, y):
        return Split(Dataset(x, y), Dataset(x[:1], y[:1]), 2, False)

    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0, 1, 1], np.int32)
    base = split(x, y)
    others = [
        split(x + 1, y),
        split(x.reshape(3, 2, 1), y),
        split(x.astype(np.float64), y),
        split(x, 1 - y),
        Split(base.test, base.train, 2, False),
    ]
    assert checksum(base) == checksum(split(np.asfortranarray(x), y))
    assert len({checksum(s) for s in [base, *others]}) == 6
    assert checksum(base) == "265c39b7f65e03efad8b126d8014564f3544564aa653ed48f54de50166ad0ba0"


def test_relabelled_training_labels_keep_their_sizes_and_lose_their_inputs():
    true, random = load(Szt()), load(Szt(label_seed=3))
    np.testing.assert_array_equal(random.train.x, true.train.x)
    np.testing.assert_array_equal(random.test.y, true.test.y)
    np.testing.assert_array_equal(np.bincount(random.train.y), np.bincount(true.train.y))
    assert (
        0.45 < (random.train.y == true.train.y).mean() < 0.55 and random.train.y.dtype == np.int32
    )
    np.testing.assert_array_equal(random.train.y, load(Szt(label_seed=3)).train.y)
    checksums = {checksum(load(Szt(label_seed=seed))) for seed in (None, 3, 4)}
    assert len(checksums) == 3


def test_label_noise_shuffles_a_share_of_the_labels():
    true, noisy = load(Szt()), load(Szt(label_seed=3, label_noise=0.2))
    np.testing.assert_array_equal(np.bincount(noisy.train.y), np.bincount(true.train.y))
    assert (
        0.08 < (noisy.train.y != true.train.y).mean() < 0.12
    )  # half of a fifth: two classes of one size
    with pytest.raises(ValueError, match="expected a label_seed with label_noise, got 0.2 without"):
        Szt(label_noise=0.2)
    shuffled = np.random.default_rng(3).permutation(true.train.y)
    np.testing.assert_array_equal(load(Szt(label_seed=3)).train.y, shuffled)


@pytest.mark.parametrize(
    ("noise", "error"), [(0, ValueError), (1.1, ValueError), ("1", TypeError), (True, TypeError)]
)
def test_bad_label_noise_is_refused(noise, error):
    with pytest.raises(error, match="expected label_noise"):
        Szt(label_noise=noise)


@pytest.mark.parametrize("make", [Szt, TicTacToe, Mnist, lambda **bad: Npz("a.npz", **bad)])
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), ("1", TypeError), (True, TypeError)])
def test_bad_label_seeds_are_refused(make, seed, error):
    with pytest.raises(error, match="expected label_seed"):
        make(label_seed=seed)


def test_checksum_copies_no_array():
    x = np.zeros((1000, 1000), np.float32)
    y = np.zeros(1000, np.int32)
    tracemalloc.start()
    checksum(Split(Dataset(x, y), Dataset(x, y), 1, False))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_importing_the_data_sets_imports_nothing_that_downloads():
    code = (
        "import sys, jaxbnn.data\n"
        "print(sorted({'pooch', 'requests', 'urllib3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_load_hands_the_report_to_the_download(tmp_path, monkeypatch):
    monkeypatch.delenv("JAXBNN_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)

    def download(url, file, path, timeout, report):
        report(url.rpartition("/")[2])

    def stop(name):
        raise KeyboardInterrupt(name)

    monkeypatch.setattr("jaxbnn.data.cache.download", download)
    for spec, name in (
        (Mnist(), "train-images-idx3-ubyte.gz"),
        (Cifar10(), "cifar-10-binary.tar.gz"),
    ):
        with pytest.raises(KeyboardInterrupt, match=f"^{name}$"):
            load(spec, report=stop)
