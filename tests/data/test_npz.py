import io
import struct
import zipfile

import ml_dtypes
import numpy as np
import pytest

from jaxbnn.data import Npz, load

X = np.array([[0, 10], [5, 5], [10, 0], [5, 0]], np.uint8)
Y = np.array([0, 1, 0, 1], np.uint8)
FOUR = {"x_train": X, "y_train": Y, "x_test": X[:2] + 10, "y_test": np.array([2, 1])}


def saved(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return str(folder / "a.npz")


def test_npz_takes_the_files_own_split(tmp_path):
    split = load(Npz(saved(tmp_path, **FOUR, x=X, y=Y, note=np.array("free"))))
    assert split.train.x.tolist() == X.tolist()
    assert split.test.y.tolist() == [2, 1]
    assert (split.n_classes, split.population) == (3, False)
    assert split.train.x.dtype == np.float32 and split.train.y.dtype == np.int32


def test_npz_splits_x_and_y_by_the_train_fraction(tmp_path):
    path = saved(tmp_path, x=np.arange(40.0).reshape(10, 2, 2), y=np.arange(10) % 2.0)
    split = load(Npz(path, train_fraction=0.6))
    assert split.train.x.shape == (6, 2, 2) and split.test.x.shape == (4, 2, 2)
    assert split.train.y.sum() == 3
    assert sorted(np.concatenate([split.train.x, split.test.x])[:, 0, 0].tolist()) == list(
        range(0, 40, 4)
    )
    assert split.population is False
    own = Npz(path, train_fraction=0.6, split_per_seed=True)
    assert len({load(own, seed=seed).train.x.tobytes() for seed in range(8)}) > 1


def test_npz_value_range_is_that_of_the_train_inputs(tmp_path):
    split = load(Npz(saved(tmp_path, **FOUR), value_range=(-1.0, 1.0)))
    assert split.train.x.tolist() == [[-1, 1], [0, 0], [1, -1], [0, -1]]
    assert split.test.x.tolist() == [[1, 3], [2, 2]]


def test_npz_value_range_of_a_random_split_knows_the_train_part_only(tmp_path):
    split = load(
        Npz(
            saved(tmp_path, x=np.arange(20.0).reshape(10, 2) ** 2, y=np.zeros(10)),
            0.5,
            value_range=(0.0, 1.0),
        )
    )
    assert (split.train.x.min(), split.train.x.max()) == (0.0, 1.0)


def test_npz_value_range_survives_tiny_ranges(tmp_path):
    x = np.array([[0.0], [5e-324]])
    split = load(
        Npz(
            saved(tmp_path, x_train=x, y_train=[0, 1], x_test=x, y_test=[0, 1]),
            value_range=(-1.0, 1.0),
        )
    )
    assert split.test.x.tolist() == [[-1], [1]]


def test_npz_is_found_below_the_root(tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    (tmp_path / "here").mkdir()
    saved(tmp_path / "root", **FOUR)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("JAXBNN_DATA", str(tmp_path / "root"))
    assert len(load(Npz("a.npz")).train.y) == 4
    monkeypatch.delenv("JAXBNN_DATA")
    assert len(load(Npz("a.npz"), root=tmp_path / "root").train.y) == 4
    saved(tmp_path / "here", x=X, y=Y)
    assert len(load(Npz("a.npz"), root=tmp_path / "root").train.y) == 3
    with pytest.raises(
        FileNotFoundError, match=r"expected an .npz file at b.npz or .*root.b.npz, found none"
    ):
        load(Npz("b.npz"), root=tmp_path / "root")
    with pytest.raises(FileNotFoundError, match=r"expected an .npz file at b.npz, found none"):
        load(Npz("b.npz"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, "got y_train, x_test, y_test: x_train missing"),
        ({"x_train": None, "x_test": None, "y_test": None}, "got y_train: "),
        ({"x": X, "x_test": None, "y_test": None}, "got x_train, y_train, x: y missing"),
        (dict.fromkeys(FOUR), "or x and y in .*a.npz, got none: x, y missing"),
        (
            {"x_train": X[:3]},
            "expected as many labels as inputs in .*a.npz, got 3 x_train and 4 y_train",
        ),
        ({"y_test": Y}, "got 2 x_test and 4 y_test"),
        ({"x_test": X[:2, :1]}, r"examples of one shape, got \(2,\) and \(1,\)"),
        ({"y_train": Y - 0.5}, "expected whole numbers as y_train in .*, got -0.5"),
        ({"y_train": Y * np.nan}, "expected whole numbers as y_train in .*, got nan"),
        (
            {"y_train": Y + np.inf},
            r"expected labels from 0 to 2\*\*31 - 2, or .*, as y_train in .*, got inf to inf",
        ),
        (
            {"y_train": Y.astype(int) - 1},
            "expected labels from 0 .*, or -1 and .1 alone, as y_train in .*, got -1 to 2",
        ),
        ({"y_train": Y.astype(np.uint64) + 2**63}, "expected labels from 0 "),
        (
            {"y_train": Y[:, None, None]},
            r"expected y_train in .* of shape \[N\], \[N, 1\] or one-hot .*, got \[4, 1, 1\]",
        ),
        ({"y_train": Y[:0]}, r"expected y_train in .* and not empty, got \[0\]"),
        (
            {"y_train": np.array(list("abcd"))},
            "expected real numbers as y_train in .*, got dtype <U1",
        ),
        (
            {"x_train": X[:0]},
            r"expected x_train in .* of shape \[N, ...\] and not empty, got \[0, 2\]",
        ),
        (
            {"x_train": X[:, 0]},
            r"expected x_train in .* of shape \[N, ...\] and not empty, got \[4\]",
        ),
        (
            {"x_train": np.array(1.0)},
            r"expected x_train in .* of shape \[N, ...\] and not empty, got \[\]",
        ),
        ({"x_train": X * 1j}, "expected real numbers as x_train in .*, got dtype complex128"),
        (
            {"x_train": X.astype("M8[s]")},
            "expected real numbers as x_train in .*, got dtype datetime64",
        ),
        ({"x_test": X[:2] * np.nan}, "expected finite float32 values as x_test in .*, got nan"),
        ({"x_train": X * -1e300}, r"expected finite float32 values as x_train in .*, got -1e\+301"),
        (
            {"x_train": X.astype(object)},
            "expected plain numeric arrays in .*a.npz, got pickled objects",
        ),
    ],
)
def test_npz_refuses_arrays_that_cannot_be_a_data_set(tmp_path, change, message):
    arrays = {name: array for name, array in {**FOUR, **change}.items() if array is not None}
    path = saved(tmp_path, **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        load(Npz(path))
    assert "\n" not in str(caught.value)


def test_npz_never_runs_a_pickle(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = saved(tmp_path, x=np.array([[Bomb()]]), y=Y[:1])
    with pytest.raises(ValueError, match="got pickled objects, which are never loaded"):
        load(Npz(path))
    assert not (tmp_path / "ran").exists()


def test_npz_refuses_a_constant_where_a_value_range_is_asked(tmp_path):
    path = saved(tmp_path, **FOUR | {"x_train": np.full((4, 2), 7)})
    with pytest.raises(
        ValueError,
        match=r"expected train inputs that vary, to be mapped onto \(0.0, 1.0\), got 7.0",
    ):
        load(Npz(path, value_range=(0.0, 1.0)))
    assert load(Npz(path)).train.x.max() == 7


def test_npz_refuses_test_inputs_thrown_out_of_float32(tmp_path):
    path = saved(tmp_path, **FOUR | {"x_train": X * 1e-300, "x_test": np.full((2, 2), 1e38)})
    with pytest.raises(
        ValueError, match="expected test inputs that float32 can hold once scaled, got inf"
    ):
        load(Npz(path, value_range=(0.0, 1.0)))


def test_npz_refuses_a_split_per_seed_of_a_file_already_split(tmp_path):
    with pytest.raises(ValueError, match=r"expected x and y in .*, got a file already split"):
        load(Npz(saved(tmp_path, **FOUR), split_per_seed=True), seed=0)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04 and no more", npy(X), b"\x80\x04N."])
def test_npz_refuses_a_file_that_is_none(tmp_path, payload):
    (tmp_path / "a.npz").write_bytes(payload)
    with pytest.raises(
        ValueError, match=r"expected an .npz archive \(a zip file\), got .*a.npz, which is none"
    ):
        load(Npz(str(tmp_path / "a.npz")))


@pytest.mark.parametrize(
    "broken", ["cut array", "flipped bits", "huge claim", "no npy", "zip after npy", "two disks"]
)
def test_npz_refuses_a_broken_archive_in_one_line(tmp_path, broken):
    path = tmp_path / "a.npz"
    claim = b"(4, 1000000000000000), }"
    member = {
        "cut array": npy(X)[:-3],
        "no npy": b"text",
        "huge claim": npy(X).replace(b"(4, 2), }".ljust(len(claim)), claim),
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.get(broken, npy(X)))
        archive.writestr("y.npy", npy(Y))
    content = path.read_bytes()
    if broken == "flipped bits":
        path.write_bytes(content.replace(X.tobytes(), bytes(8)))
    if broken == "two disks":
        end = content.rindex(b"PK\5\6")
        path.write_bytes(content[:end] + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2) + content[end:])
    if broken == "zip after npy":
        path.write_bytes(npy(X) + content)
    with pytest.raises(
        ValueError, match=r"expected (plain numeric arrays|real numbers) .*a.npz, got ."
    ) as caught:
        load(Npz(str(path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"path": ""}, ValueError, "expected path to name an .npz file, got ''"),
        ({"path": 3}, TypeError, "expected path as a string, got 3"),
        (
            {"path": "a", "train_fraction": 2.0},
            ValueError,
            "expected train_fraction between 0 and 1",
        ),
        ({"path": "a", "value_range": (1.0, 0.0)}, ValueError, "with low < high"),
    ],
)
def test_npz_spec_refuses_bad_fields(fields, error, message):
    with pytest.raises(error, match=message):
        Npz(**fields)


def test_npz_takes_labels_as_loaders_give_them(tmp_path):
    plain = load(Npz(saved(tmp_path, **FOUR | {"y_test": Y[:2]})))
    one_hot = np.eye(2)[Y]
    for train, test in (
        (Y[:, None], Y[:2]),
        (one_hot, one_hot[:2]),
        (one_hot.astype(bool), Y[:2].astype(bool)),
        (2.0 * Y - 1, np.array([-1, 1])),
        (Y.astype(np.float16), Y[:2].astype(np.longdouble)),
    ):
        split = load(Npz(saved(tmp_path, **FOUR | {"y_train": train, "y_test": test})))
        assert split.train.y.tolist() == plain.train.y.tolist() == [0, 1, 0, 1]
        assert split.test.y.tolist() == [0, 1] and split.n_classes == 2
    whole = load(Npz(saved(tmp_path, x=X, y=2.0 * Y[:, None] - 1), 0.5))
    assert sorted([*whole.train.y, *whole.test.y]) == [0, 0, 1, 1]


def test_npz_reads_the_labels_of_both_parts_together(tmp_path):
    signs = {"y_train": 2.0 * Y - 1, "y_test": np.array([-1, -1])}
    assert load(Npz(saved(tmp_path, **FOUR | signs))).test.y.tolist() == [0, 0]
    with pytest.raises(ValueError, match="as y_train in .* and y_test in .*, got -1 to 2"):
        load(Npz(saved(tmp_path, **FOUR | {"y_test": np.array([-1, 2])})))
    columns = {"y_train": np.eye(3)[Y], "y_test": np.eye(2)[Y[:2]]}
    with pytest.raises(ValueError, match=r"with as many columns, got \[4, 3\] and \[2, 2\]"):
        load(Npz(saved(tmp_path, **FOUR | columns)))


def test_npz_standardises_each_input_by_the_training_examples(tmp_path):
    x = np.array([[300.0, 7, 0], [302, 7, 1], [304, 7, 1], [306, 7, 0]])
    test = np.array([[303.0, 8, 0.5], [300, 7, 1]])
    path = saved(tmp_path, x_train=x, y_train=Y, x_test=test, y_test=Y[:2])
    split = load(Npz(path, standardise=True))
    assert split.train.x.dtype == split.test.x.dtype == np.float32
    sd = np.sqrt(5.0)
    np.testing.assert_array_equal(
        split.train.x[:, 0], np.float32([-3 / sd, -1 / sd, 1 / sd, 3 / sd])
    )
    assert split.train.x[:, 2].tolist() == [-1, 1, 1, -1]
    assert split.train.x[:, 1].tolist() == [0] * 4 and split.test.x[:, 1].tolist() == [0, 0]
    assert split.test.x[:, 0].tolist() == [0, np.float32(-3 / sd)]
    assert split.test.x[:, 2].tolist() == [0, 1]


def test_npz_standardises_the_training_part_of_a_random_split(tmp_path):
    rng = np.random.default_rng(0)
    path = saved(tmp_path, x=rng.uniform(200, 300, (100, 2, 3)), y=np.arange(100) % 2)
    train = load(Npz(path, standardise=True)).train.x.astype(np.float64)
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-6)


def test_npz_refuses_what_numpy_saves_of_narrow_types(tmp_path):
    narrow = X.astype(ml_dtypes.bfloat16)
    with pytest.raises(ValueError, match=r"expected real numbers as x in .*, got raw bytes .*\|V2"):
        load(Npz(saved(tmp_path, x=narrow, y=Y)))
    with pytest.raises(ValueError, match=r"as y in .*, got raw bytes .*\|V1"):
        load(Npz(saved(tmp_path, x=X, y=Y.astype(ml_dtypes.int4))))
    path = saved(tmp_path, x=X.astype(ml_dtypes.float8_e5m2), y=Y)
    with pytest.raises(ValueError, match="expected plain numeric arrays in .*, got ") as caught:
        load(Npz(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.bool_, np.int8, np.uint64, ">f8"])
def test_npz_takes_inputs_of_any_real_type(tmp_path, dtype):
    x = (X > 0).astype(dtype)
    split = load(Npz(saved(tmp_path, x_train=x, y_train=Y, x_test=x, y_test=Y)))
    assert split.train.x.dtype == np.float32 and split.train.x.tolist() == (X > 0).tolist()


def test_npz_refuses_an_input_that_float32_loses_and_rounds_the_rest_to_0(tmp_path):
    x = np.array([[1.0, 1e-40], [1e-40, 2e-40], [1.0, 0.0], [-1e-45, 3e-40]])
    parts = {"y_train": Y, "x_test": x, "y_test": Y}
    with pytest.raises(
        ValueError, match=r"at least 1.2e-38 or 0, got input 1 of at most 3.0e-40, which is 0"
    ):
        load(Npz(saved(tmp_path, x_train=x, **parts)))
    assert load(Npz(saved(tmp_path, x_train=x, **parts), standardise=True)).train.x[3, 1] > 1
    x[0, 1] = 1.0
    split = load(Npz(saved(tmp_path, x_train=x, **parts)))
    assert split.train.x.tolist() == [[1, 1], [0, 0], [1, 0], [0, 0]]


def test_standardise_and_value_range_exclude_each_other():
    with pytest.raises(ValueError, match=r"expected value_range or standardise, got both \(\(0.0"):
        Npz("a.npz", value_range=(0.0, 1.0), standardise=True)
    with pytest.raises(TypeError, match="expected standardise to be True or False, got 1"):
        Npz("a.npz", standardise=1)
