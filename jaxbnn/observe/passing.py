"""The units of a hidden layer whose gradient passes for some example."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from jaxbnn.info.packing import pack_bits
from jaxbnn.nn import Surrogate
from jaxbnn.observe.probe import Normalisation, Sample


@dataclass(frozen=True)
class Passing:
    """What is asked for: units where the surrogate is not 0 for some example of a sample."""

    surrogate: Surrogate
    sample: Sample
    normalisation: Normalisation = "training_set"

    def words(self, preactivation: jax.Array) -> jax.Array:
        """Where gradients pass.

        Args:
            preactivation: [B, D], or [B, D, S] of many networks.

        Returns:
            A bit for each unit of each row, set where its gradient passes: uint32 [B, W] or
            [B, W, S], as `pack_bits` gives them.
        """
        return pack_bits(self.surrogate(preactivation) != 0)


def n_passing(words: jax.Array) -> jax.Array:
    """How many units have their bit set in some row; uint32 [N, W] -> int32 []."""
    some = jax.lax.reduce(words, jnp.uint32(0), jax.lax.bitwise_or, (0,))
    return jnp.sum(jax.lax.population_count(some), dtype=jnp.int32)
