import gzip
import hashlib

import numpy as np
import pytest
from made import idx, small_mnist

from jaxbnn.data import FashionMnist, Mnist, load
from jaxbnn.data.mnist import check_equal_classes, load_mnist
from jaxbnn.data.published import FASHION_MNIST, MNIST

PIXELS = np.arange(3 * 784, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
DIGITS = np.array([5, 0, 9], np.uint8)


def test_mnist_maps_pixels_onto_the_value_range(tmp_path):
    collection = small_mnist(tmp_path, PIXELS, DIGITS, PIXELS[:2], DIGITS[:2])
    split = load_mnist(Mnist(), tmp_path, collection)
    assert split.train.x.shape == (3, 28, 28)
    assert split.train.x.dtype == np.float32 and split.train.y.dtype == np.int32
    assert split.test.y.tolist() == [5, 0]
    assert (split.n_classes, split.population) == (10, False)
    assert split.train.x.ravel()[[0, 51, 255]].tolist() == [-1.0, np.float32(-0.6), 1.0]
    assert np.array_equal(split.train.x, np.float32(2 * (PIXELS / 255) - 1))
    unit = load_mnist(Mnist(value_range=(0.0, 1.0)), tmp_path, collection)
    assert np.array_equal(unit.test.x, np.float32(PIXELS[:2] / 255))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (PIXELS, DIGITS[:2], r"expected train labels of shape \[3\], one an image, got \[2\]"),
        (
            PIXELS,
            DIGITS[:, None],
            r"expected train labels of shape \[3\], one an image, got \[3, 1\]",
        ),
        (
            PIXELS[:, :, :27],
            DIGITS,
            r"expected train images of shape \[N, 28, 28\], got \[3, 28, 27\]",
        ),
        (PIXELS, DIGITS + 1, "expected train labels from 0 to 9, got 10"),
        (DIGITS, PIXELS, r"expected train images of shape \[N, 28, 28\], got \[3\]"),
    ],
)
def test_mnist_refuses_images_and_labels_that_do_not_go_together(tmp_path, images, labels, message):
    collection = small_mnist(tmp_path, images, labels, PIXELS, DIGITS)
    with pytest.raises(ValueError, match=message):
        load_mnist(Mnist(), tmp_path, collection)


def test_mnist_knows_the_published_files():
    assert [file.size for file in MNIST.files] == [47040016, 60008, 7840016, 10008]
    assert len({file.md5 for file in MNIST.files}) == 4
    assert len(MNIST.mirrors) >= 3
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in MNIST.mirrors)


def test_mnist_spec_refuses_a_bad_value_range():
    with pytest.raises(
        TypeError, match=r"expected value_range as a tuple of two numbers, got 1\.0"
    ):
        Mnist(value_range=1.0)


def test_fashion_mnist_is_read_as_mnist_from_its_own_files(tmp_path):
    small = small_mnist(tmp_path, PIXELS, DIGITS, PIXELS[:2], DIGITS[:2])
    split = load_mnist(FashionMnist(value_range=(0.0, 1.0)), tmp_path, small)
    np.testing.assert_array_equal(split.train.x, np.float32(PIXELS / 255))
    # Left to itself it wants its own files, though MNIST's have the same names.
    with pytest.raises(
        ValueError, match="the file as published, with md5 8d4fb7e6c68d591d4c3dfef9ec88bf0d"
    ):
        load(FashionMnist(), tmp_path)
    assert [file.size for file in FASHION_MNIST.files] == [file.size for file in MNIST.files]


LAYOUTS = {
    "torchvision": "MNIST/raw/{name}",
    "torchvision, packed": "MNIST/raw/{name}.gz",
    "TensorFlow's tutorial": "{name}.gz",
    "Kaggle": "{dotted}",
    "Kaggle, folders": "{name}/{name}",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mnist_is_found_in_the_layouts_of_others(tmp_path, layout):
    made = tmp_path / "made"
    made.mkdir()
    collection = small_mnist(made, PIXELS, DIGITS, PIXELS[:2], DIGITS[:2])
    for file in collection.files:
        name = LAYOUTS[layout].format(name=file.name, dotted=file.name.replace("-idx", ".idx"))
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        payload = (made / file.name).read_bytes()
        path.write_bytes(gzip.compress(payload) if name.endswith(".gz") else payload)
    split = load_mnist(Mnist(value_range=(0.0, 255.0)), tmp_path / "root", collection)
    np.testing.assert_array_equal(split.train.x, np.float32(PIXELS))
    assert split.test.y.tolist() == [5, 0]


def keras_archive(path, **changed):
    arrays = {"x_train": PIXELS, "y_train": DIGITS, "x_test": PIXELS[:2], "y_test": DIGITS[:2]}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays | changed)


@pytest.mark.parametrize("place", ["mnist.npz", "mnist/mnist.npz"])
def test_mnist_is_read_from_keras_archive(tmp_path, place):
    made = tmp_path / "made"
    made.mkdir()
    collection = small_mnist(made, PIXELS, DIGITS, PIXELS[:2], DIGITS[:2])
    collection = collection._replace(also=("mnist.npz",))
    keras_archive(tmp_path / "root" / place)
    split = load_mnist(Mnist(), tmp_path / "root", collection)
    again = load_mnist(Mnist(), made, collection)
    for got, expected in zip((*split.train, *split.test), (*again.train, *again.test), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"y_train": DIGITS + 1},
            "expected the values of train-labels-idx1-ubyte .* as y_train of",
        ),
        ({"x_test": PIXELS}, r"as x_test of .*mnist.npz, got others, of shape \[3, 28, 28\]"),
        ({"x_train": PIXELS / 255}, "expected unsigned bytes as x_train of .*, got dtype float64"),
    ],
)
def test_a_keras_archive_of_other_values_is_refused(tmp_path, changed, message):
    made = tmp_path / "made"
    made.mkdir()
    collection = small_mnist(made, PIXELS, DIGITS, PIXELS[:2], DIGITS[:2])
    collection = collection._replace(also=("mnist.npz",))
    keras_archive(tmp_path / "mnist.npz", **changed)
    with pytest.raises(ValueError, match=message) as caught:
        load_mnist(Mnist(), tmp_path, collection)
    assert "\n" not in str(caught.value)


def test_a_keras_archive_that_lacks_an_array_is_refused(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=PIXELS)
    with pytest.raises(ValueError, match="expected plain arrays in .*mnist.npz"):
        load(Mnist(), tmp_path)


def test_a_missing_mnist_names_all_its_forms(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte .*, or mnist.npz in "):
        load(Mnist(), tmp_path)


def fashion_collection(folder, labels):
    """Fashion-MNIST's table for made files: the packed checksums, and MNIST's to tell them from."""
    arrays = (PIXELS, labels, PIXELS[:2], labels[:2])
    files = []
    for file, array in zip(FASHION_MNIST.files, arrays, strict=True):
        payload = idx(array)
        packed = gzip.compress(payload)
        (folder / file.name).write_bytes(payload)
        md5 = hashlib.md5(packed).hexdigest()
        files.append(file._replace(md5=md5, size=len(payload)))
    return FASHION_MNIST._replace(files=tuple(files), mirrors=())


def test_unpacked_fashion_mnist_is_read_as_torchvision_leaves_it(tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    collection = fashion_collection(raw, DIGITS)
    split = load_mnist(FashionMnist(value_range=(0.0, 255.0)), tmp_path, collection)
    np.testing.assert_array_equal(split.train.x, np.float32(PIXELS))
    (raw / "t10k-labels-idx1-ubyte").write_bytes(idx(DIGITS))
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte: expected the file as published"):
        load_mnist(FashionMnist(), tmp_path, collection)


def test_mnist_is_not_taken_for_fashion_mnist(tmp_path):
    collection = fashion_collection(tmp_path, DIGITS)
    digits = hashlib.md5((tmp_path / "train-images-idx3-ubyte").read_bytes()).hexdigest()
    first = collection.files[0]._replace(unlike=digits)
    with pytest.raises(ValueError, match="of this data set, got MNIST's file of that name"):
        load_mnist(
            FashionMnist(), tmp_path, collection._replace(files=(first, *collection.files[1:]))
        )
    unequal = fashion_collection(tmp_path, np.array([1, 1, 0], np.uint8))
    with pytest.raises(ValueError, match="each class equally often, got between 1 and 2 of a"):
        load_mnist(FashionMnist(), tmp_path, unequal)


def test_classes_that_occur_must_be_of_one_size():
    check_equal_classes("train", np.array([0, 9, 9, 0]))
    with pytest.raises(ValueError, match="expected test labels of Fashion-MNIST"):
        check_equal_classes("test", np.array([0, 9, 9]))


def test_fashion_mnist_knows_which_files_it_is_not():
    assert [file.unlike for file in FASHION_MNIST.files] == [file.md5 for file in MNIST.files]
    assert all(file.packed for file in FASHION_MNIST.files)
