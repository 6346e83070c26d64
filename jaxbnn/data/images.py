"""What the published sets of images have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jaxbnn.data.fields import check_max_examples, check_relabelled, check_value_range


@dataclass(frozen=True)
class Images:
    """A published set of images of bytes.

    Args:
        value_range: what the pixels 0 and 255 become.
        label_seed, label_noise: shuffled training labels; see `relabelled`.
        max_examples: at most so many of either part, the first ones; None for all.
    """

    value_range: tuple[float, float] = (-1.0, 1.0)
    label_seed: int | None = None
    label_noise: float = 1.0
    max_examples: int | None = None

    def __post_init__(self) -> None:
        check_value_range(self.value_range)
        check_relabelled(self)
        check_max_examples(self.max_examples)


def pixel_values(value_range: tuple[float, float]) -> np.ndarray:
    """What the pixels 0 .. 255 become: evenly spaced over the value_range, float32 [256]."""
    low, high = value_range
    return (low + (high - low) * np.arange(256) / 255).astype(np.float32)
