import numpy as np
import pytest

from jaxbnn.data import Cifar10, FashionMnist, Mnist
from jaxbnn.data.images import pixel_values


def test_pixel_values_are_evenly_spaced_over_the_range():
    values = pixel_values((-1.0, 1.0))
    assert values.dtype == np.float32 and values.shape == (256,)
    assert values[[0, 51, 255]].tolist() == [-1.0, np.float32(-0.6), 1.0]
    assert np.array_equal(pixel_values((0.0, 255.0)), np.arange(256, dtype=np.float32))


@pytest.mark.parametrize("kind", [Mnist, FashionMnist, Cifar10])
@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"value_range": 1.0}, TypeError, r"value_range as a tuple of two numbers, got 1\.0"),
        ({"max_examples": 0}, ValueError, "max_examples as a whole number of at least 1 or none"),
        ({"max_examples": True}, ValueError, "max_examples as a whole number .*, got True"),
        ({"label_noise": 0.5}, ValueError, "expected a label_seed with label_noise, got 0.5"),
    ],
)
def test_specs_of_images_refuse_bad_fields(kind, fields, error, message):
    with pytest.raises(error, match=message):
        kind(**fields)
