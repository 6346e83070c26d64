"""Cells of tables: what a reader sees of layers, numbers and p-values."""

from types import SimpleNamespace

import numpy as np
import pytest

from jaxbnn.analysis.correlation import RankCorrelation
from jaxbnn.studies.nothnagel_2026 import cells

NAN = float("nan")


def layer(name="hidden_5", depth=-1, epochs=300, changed=""):
    return SimpleNamespace(name=name, depth=depth, epochs=epochs, changed=changed)


def test_a_layer_is_named_where_all_settings_call_it_the_same():
    assert cells.layer_cell([layer(), layer()]) == "hidden_5 (-1)"
    assert cells.layer_cell([layer(), layer("hidden_3")]) == "hidden (-1)"


def test_settings_are_counted_and_their_lengths_listed():
    layers = [layer(epochs=300), layer(epochs=20, changed="train.epochs=20"), layer(epochs=300)]
    assert cells.changed_cell(layers) == "1 of 3"
    assert cells.epochs_cell(layers) == "20, 300"


@pytest.mark.parametrize(
    ("chosen", "cell"),
    [([True, False, True], "2 of 3"), ([1.0, 0.0, NAN], "1 of 2"), ([NAN], "0 of 0")],
)
def test_runs_without_an_answer_are_not_counted(chosen, cell):
    assert cells.count_cell(np.array(chosen)) == cell


def test_numbers_with_and_without_an_interval():
    assert cells.interval_cell(0.301, 0.2, 0.4) == "0.30 [0.20, 0.40]"
    assert cells.interval_cell(-1.0, NAN, NAN) == "-1.00"
    assert cells.correlation_cell(RankCorrelation(-0.5, 0.1, -0.9, 0.1, 9)) == "-0.50 [-0.90, 0.10]"
    assert cells.correlation_cell(RankCorrelation(NAN, NAN, NAN, NAN, 2)) == "undefined"
    assert (cells.number_cell(0.125), cells.number_cell(NAN)) == ("0.12", "undefined")


@pytest.mark.parametrize(
    ("p", "cell"),
    [(1.0, "1.000"), (0.0123, "0.012"), (0.001, "0.001"), (3e-5, "3e-05"), (NAN, "-")],
)
def test_small_p_values_keep_one_digit(p, cell):
    assert cells.p_cell(p) == cell
