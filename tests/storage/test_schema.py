"""Every variable is described once, and the page of a result is made from it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxbnn.info.plane import Point
from jaxbnn.observe.diagnostics import Diagnostics
from jaxbnn.observe.record import SPECTRA, Series
from jaxbnn.storage import schema

PAGE = Path(__file__).parents[2] / "docs" / "result.md"
NAMES = {"xt": "i_xt", "ty": "i_ty"}  # a point's fields that a result names otherwise
ARRAYS = dict.fromkeys(variable.array for variable in schema.VARIABLES)


@pytest.mark.parametrize(
    ("array", "names"),
    [
        (schema.POINTS, tuple(NAMES.get(name, name) for name in Point._fields)),
        (schema.SERIES, Series._fields),
        (schema.DIAGNOSTICS, Diagnostics._fields),
        (schema.SPECTRA, SPECTRA),
    ],
)
def test_columns_stand_in_the_order_in_which_they_are_recorded(array, names):
    assert tuple(variable.name for variable in schema.columns(array)) == tuple(names)


def test_each_name_is_given_once():
    names = [variable.name for variable in (*schema.VARIABLES, schema.CLASS_SIZE)]
    assert len(names) == len(set(names)) == 43
    assert not set(names) & set(schema.COORDINATES)


@pytest.mark.parametrize("variable", schema.VARIABLES, ids=lambda variable: variable.name)
def test_each_variable_is_described(variable):
    assert np.dtype(variable.dtype).kind in "fib"
    assert variable.unit in ("", "bit", "nat") and variable.meaning
    assert set(variable.dims) <= set(schema.COORDINATES)
    assert schema.attributes(variable)["long_name"] == variable.meaning
    assert schema.attributes(variable).get("units", "") == variable.unit


def test_columns_of_one_array_have_its_dimensions():
    for array in ARRAYS:
        assert len({variable.dims for variable in schema.columns(array)}) == 1


def test_arrays_are_shown_in_the_order_of_the_table():
    assert [schema.position(array) for array in ARRAYS] == list(range(7))
    assert schema.position("count_hidden_1") == 7 and schema.columns("count_hidden_1") == ()


def test_verdicts_say_what_their_numbers_mean():
    for name in ("verdict_xt", "verdict_ty"):
        (variable,) = (each for each in schema.VARIABLES if each.name == name)
        about = schema.attributes(variable)
        assert len(about["flag_values"]) == len(about["flag_meanings"].split())
        assert about["flag_meanings"].split()[0] == "unjudged" and about["flag_values"][0] == -1


@pytest.mark.parametrize(
    "name", ["i_xt", "class_size", "epoch", "seed", "test_unit_counts", "main_activations"]
)
def test_a_probe_may_not_have_the_name_of_a_variable(name):
    schema.check_probe_names(["main", "test", "unit_counts_of_mine"])
    with pytest.raises(ValueError, match=f"expected a probe's name .* got '{name}'"):
        schema.check_probe_names(["main", name])


def test_the_page_of_a_result_has_the_table_that_is_made_here():
    table = schema.markdown()
    assert table.startswith("| variable | dimensions | dtype | unit | meaning |\n| --- ")
    assert table.count("\n") == 2 + 43
    assert "| `i_ty` | seed, epoch, layer | float32 | bit | I(T;Y) |" in table
    assert table in PAGE.read_text()


@pytest.mark.slow
def test_the_table_is_printed_by_its_module():
    command = [sys.executable, "-m", "jaxbnn.storage.schema"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == schema.markdown()
