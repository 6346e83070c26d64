"""The published data sets' files: names, checksums, sizes, mirrors, and the folders they lie in."""

from __future__ import annotations

from typing import NamedTuple


class File(NamedTuple):
    """One file of a data set, known by its unpacked bytes or, where `packed`, as it was published.

    An archive that somebody packs again has other bytes and the same contents. So the checksum is
    that of the contents wherever it is known.
    """

    name: str  # without the suffix of any compression
    md5: str  # hex; of the unpacked bytes, or of the published file if `packed`
    size: int  # unpacked, bytes; of an archive (.tar) the most there may be
    packed: bool = False
    aliases: tuple[str, ...] = ()  # other names that loaders give it
    # md5 of another set's file of this name and size. Where it is given, a user's unpacked copy, of
    # which no checksum is published, is taken by its size unless it is that file.
    unlike: str | None = None


class Collection(NamedTuple):
    """The files of one data set and where they may be."""

    files: tuple[File, ...]
    mirrors: tuple[str, ...]  # addresses that end in "/", tried in turn; each holds `<name>.gz`
    folders: tuple[str, ...]  # below the folder a user names; the first is the cache's too
    also: tuple[str, ...] = ()  # other forms that a user's folder may have, named in messages


IMAGES = (16 + 60000 * 28 * 28, 16 + 10000 * 28 * 28)  # bytes of the train and test file
LABELS = (8 + 60000, 8 + 10000)

MNIST = Collection(
    files=(
        File("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", IMAGES[0]),
        File("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", LABELS[0]),
        File("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", IMAGES[1]),
        File("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", LABELS[1]),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    folders=("mnist", "MNIST/raw"),
    also=("mnist.npz",),
)

PUBLISHED_FASHION = (  # md5 of the packed files; the unpacked ones' are not published
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)

FASHION_MNIST = Collection(
    files=tuple(
        File(digits.name, md5, digits.size, packed=True, unlike=digits.md5)
        for digits, md5 in zip(MNIST.files, PUBLISHED_FASHION, strict=True)
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    folders=("fashion-mnist", "FashionMNIST/raw"),
)

ARCHIVE_LIMIT = 200_000_000  # bytes; CIFAR-10 has 184 million
CIFAR10_BINARY = File(
    "cifar-10-binary.tar", "c32a1d4ab5d03f1284b67883e8d87530", ARCHIVE_LIMIT, packed=True
)
CIFAR10_PICKLED = File(
    "cifar-10-python.tar",
    "c58f30108f718f92721af3b95e74349a",
    ARCHIVE_LIMIT,
    packed=True,
    aliases=("cifar-10-batches-py.tar", "cifar-10-batches-py-target_archive"),  # Keras 2 and 3
)
CIFAR10 = Collection(
    files=(CIFAR10_BINARY,),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    folders=("cifar10", "cifar-10"),
    also=("cifar-10-python.tar.gz", "cifar-10-batches-bin", "cifar-10-batches-py"),
)
CIFAR10_PYTHON = Collection(  # the same images in the same order
    files=(CIFAR10_PICKLED,),
    mirrors=("https://dataset.bj.bcebos.com/cifar/", "https://www.cs.toronto.edu/~kriz/"),
    folders=CIFAR10.folders,
)
