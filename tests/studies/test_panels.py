"""Panels of a report's figures."""

import pytest

from jaxbnn.studies.panels import panel_grid


@pytest.mark.parametrize(
    ("n", "shape", "size"),
    [(0, 1, (2, 1)), (1, 1, (2, 1)), (3, 3, (6, 1)), (4, 6, (6, 2)), (7, 9, (6, 3))],
)
def test_panels_stand_three_a_row_and_those_left_over_are_not_seen(n, shape, size):
    figure, panels = panel_grid(n, 2, 1)
    assert len(panels) == shape and tuple(figure.get_size_inches()) == size
    assert [ax.axison for ax in panels] == [i < n for i in range(shape)]
