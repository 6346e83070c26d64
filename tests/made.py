"""Files of published data sets, made: small, random, in the published formats."""

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np

from jaxbnn.data.cifar_batches import ROW
from jaxbnn.data.published import CIFAR10, MNIST, Collection, File

RNG = np.random.default_rng(0)


def idx(array):
    """The IDX file of an array of unsigned bytes, its header written out with struct."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def small_mnist(folder, images, labels, test_images, test_labels):
    """A folder with the four files under their own names, and the collection that knows their
    checksums."""
    files = []
    for file, array in zip(MNIST.files, (images, labels, test_images, test_labels), strict=True):
        payload = idx(array)
        (folder / file.name).write_bytes(payload)
        files.append(File(file.name, hashlib.md5(payload).hexdigest(), len(payload)))
    return Collection(tuple(files), (), MNIST.folders)


def rows(n):
    """n examples as the files hold them: a label, then the red, green and blue plane."""
    made = RNG.integers(0, 256, (n, ROW), dtype=np.uint8)
    made[:, 0] %= 10
    return made


def archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, payload in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    return buffer.getvalue()


def made_collection(folder, batches):
    """A folder that holds the packed archive, and the collection that knows its checksum."""
    packed = gzip.compress(archive({name: batch.tobytes() for name, batch in batches.items()}))
    (folder / "cifar-10-binary.tar.gz").write_bytes(packed)
    file = File("cifar-10-binary.tar", hashlib.md5(packed).hexdigest(), 10**6, packed=True)
    return Collection((file,), (), CIFAR10.folders)
