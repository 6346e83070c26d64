import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxbnn.info import mask_indices

FORMS = {
    form: jax.jit(getattr(mask_indices, form), static_argnums=(1, 2))
    for form in ("written_indices", "searched_indices")
}


@pytest.mark.parametrize("form", FORMS)
@given(st.lists(st.booleans(), min_size=70, max_size=70), st.sampled_from([0, 5, 70]))
@settings(max_examples=30, deadline=None)
def test_the_places_come_in_order_and_what_has_no_room_is_dropped(form, mask, space):
    places = np.flatnonzero(mask)[:space]
    found = FORMS[form](jnp.asarray(mask), space, -7)
    np.testing.assert_array_equal(found, [*places, *[-7] * (space - len(places))])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 31, 32, 33, 5000])
@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_masks_of_any_length_and_density(form, n, share):
    mask = np.random.default_rng(n).random(n) < share
    for space in (n, n // 7):
        places = np.flatnonzero(mask)[:space]
        found = FORMS[form](jnp.asarray(mask), space, n)
        np.testing.assert_array_equal(found, [*places, *[n] * (space - len(places))])
