import numpy as np
import xarray as xr

from jaxbnn.cli import result_table, table_cells
from jaxbnn.storage import results


def test_verdicts_of_several_seeds_in_words():
    assert (
        table_cells.verdicts([2, 2]) == "reliable"
        and table_cells.verdicts([2, 3, 2]) == "2 reliable, 1 biased"
    )
    assert table_cells.verdicts([-1]) == "-" and table_cells.verdicts([0, 0]) == "population"
    bias, error = np.array([0.2, 0.1, 0.1]), np.array([0.1, 0.2, 0.2])
    assert (
        table_cells.verdicts([3, 3, 1], bias, error)
        == "1 biased (bias), 1 biased (se), 1 saturated"
    )


def test_examples_needed_by_several_seeds_in_a_word():
    def words(needed, codes):
        return table_cells.needed_words(np.array(needed), np.array(codes))

    assert words([5, 9], [2, 2]) == "9" and words([5, -1], [2, 3]) == "more"
    assert words([-1], [-1]) == "-" and words([7, 7], [0, 0]) == "all"
    assert (
        words([5, -1], [2, -1]) == "5" and words([7, -1], [0, -1]) == "all"
    )  # a diverged seed has no say


def test_guesses_of_the_examples_needed_stand_below_the_table():
    nan = np.nan
    guesses = {
        "guess_chao1": [[nan, 31234.0, 2e4], [nan, nan, 1e4]],
        "guess_units": [[nan, 1.3e12, nan], [nan] * 3],
    }
    last = xr.Dataset(
        {k: (("seed", "layer"), v) for k, v in guesses.items()}, {"layer": ["a", "b", "c"]}
    )
    (line,) = result_table.guess_words(last.assign_attrs(tolerance=0.1))
    assert line.startswith(
        "N needed, more than there are; guesses by (Chao1 - 1)/(0.2 ln 2) and (k/log2 k)^2"
    )
    assert line.endswith(": b 3e+04, 1e+12; c 2e+04, -")
    assert result_table.guess_words(last.sel(layer=["a"]).assign_attrs(tolerance=0.1)) == []


def test_a_seed_whose_loss_is_huge_counts_as_diverged(finished):
    result = results.open_result(finished).load()
    n_seeds = result.sizes["seed"]
    assert f"{n_seeds} seeds (0 diverged)" in result_table.result_words(result)
    result.train_loss[0, -1] = 8e6
    assert f"{n_seeds} seeds (1 diverged)" in result_table.result_words(result)


def test_constant_units_stand_below_the_table():
    numbers = [[2, 0, -1, -1], [1, 0, 3, -1]]  # -1: a seed that has diverged
    names = ["a", "b", "c", "output"]
    last = xr.Dataset({"constant": (("seed", "layer"), numbers)}, {"layer": names})
    assert result_table.constant_words(last) == [
        "units with one sign for every example, mean over seeds: a 1.5, c 3.0"
    ]
    assert result_table.constant_words(last.sel(layer=["b", "output"])) == []
    assert result_table.constant_words(last.drop_vars("constant")) == []
