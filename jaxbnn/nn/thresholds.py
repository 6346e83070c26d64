"""BatchNorm and sign of whole numbers as one comparison.

A binary layer whose inputs are -1 and +1 has whole pre-activations. BatchNorm without scale never
falls, and no rounding of it does, so that its sign is +1 from some whole number on.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

REACH = 2  # whole numbers tried on either side of where the change is expected


def whole_threshold(
    activate: Callable[[jax.Array], jax.Array], guess: jax.Array, limit: int
) -> jax.Array:
    """The largest whole number at which a unit is not yet +1.

    Args:
        activate: whole numbers [K, F, ...] -> their activations, each unit's never falling.
        guess: where each unit changes, [F, ...], off by less than REACH.
        limit: no number is larger in size.

    Returns:
        [F, ...]: a unit is +1 where its whole number is above its threshold. NaN where the guess
        is.
    """
    middle = jnp.floor(jnp.clip(guess, -limit - 1, limit + 1))
    steps = jnp.arange(-REACH, REACH + 1, dtype=guess.dtype)
    tried = middle[None] + steps.reshape(-1, *[1] * guess.ndim)
    off = jnp.sum(~(activate(tried) > 0), axis=0).astype(guess.dtype)
    return middle - REACH - 1 + off


def sign_above(x: jax.Array, threshold: jax.Array) -> jax.Array:
    """+1 where x is above its threshold, else -1.

    Args:
        x: whole numbers [B, F, ...].
        threshold: as `whole_threshold` gives it, [F, ...].

    Returns:
        [B, F, ...] of -1 and +1; NaN where x or the threshold is.
    """
    signs = jnp.where(x > threshold[None], 1, -1).astype(x.dtype)
    return jnp.where(jnp.isnan(x) | jnp.isnan(threshold)[None], jnp.nan, signs)
