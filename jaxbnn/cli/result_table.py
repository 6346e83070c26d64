"""What `run` prints of a result: a table of its last epoch, or a line for each setting."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.table import Table

from jaxbnn.analysis.divergence import diverged
from jaxbnn.cli.table_cells import NONE, needed_words, spread, verdicts
from jaxbnn.info.plane import bands

SETTING_WIDTH = 22  # columns, so that "train.decay=0.5" stays on one line
LEFT = ("layer", "trust")  # the columns of words
RESULT = ("layer", r"I(X;T) \[bit]", "trust", r"I(T;Y) \[bit]", "null", "trust", "N needed")
GRID = ("setting", "test accuracy", "layer", RESULT[1], "trust", RESULT[3], "trust")


def result_table(result: Any) -> Table:
    """Per layer the last epoch's I(X;T) and I(T;Y): mean -+ 95 % interval over seeds, and how far
    to trust them."""
    last = result.isel(epoch=-1)
    xt = bands(last.i_xt.values)
    ty = bands(last.i_ty.values)
    table = Table(title=f"{result.attrs['experiment']}, epoch {int(last.epoch)}")
    for heading in RESULT:
        table.add_column(heading, justify="left" if heading in LEFT else "right")
    for i, layer in enumerate(last.layer.values):
        table.add_row(
            str(layer),
            spread(xt, i),
            verdicts(*_columns(last, i, "verdict_xt", "bias_xt", "se_xt")),
            spread(ty, i),
            _mean(last.null_ty.values[:, i]),
            verdicts(*_columns(last, i, "verdict_ty", "bias_ty", "se_ty")),
            needed_words(*_columns(last, i, "n_needed", "verdict_xt")),
        )
    return table


def grid_table(results: Iterable[tuple[str, Any]]) -> Table:
    """A line for each (label, result): test accuracy and the last hidden layer's I(X;T) and I(T;Y),
    and their trust."""
    table = Table()
    for heading in GRID:
        width = SETTING_WIDTH if heading == "setting" else None
        table.add_column(heading, overflow="fold", min_width=width)
    for name, result in results:
        last = result.isel(epoch=-1)
        i = _last_hidden([str(layer) for layer in last.layer.values])
        table.add_row(
            name,
            spread(bands(last.test_accuracy.values[:, None]), 0),
            str(last.layer.values[i]),
            spread(bands(last.i_xt.values), i),
            verdicts(last.verdict_xt.values[:, i]),
            spread(bands(last.i_ty.values), i),
            verdicts(last.verdict_ty.values[:, i]),
        )
    return table


def result_words(result: Any) -> str:
    """What the table's numbers were measured over, and how many seeds diverged."""
    last = result.isel(epoch=-1)
    attributes = result.attrs
    lost = diverged(result)
    kind = "population" if attributes["population"] else "sample"
    if attributes["declared"]:
        kind = "declared the population, judged as a sample"
    measured = (
        f"{result.sizes['seed']} seeds ({int(lost.sum())} diverged), {attributes['sample']} "
        f"{attributes['n_examples']} examples ({kind}), H(X) {float(result.h_x[0]):.4f}, "
        f"H(Y) {float(result.h_y[0]):.4f} bit, test accuracy {float(last.test_accuracy.mean()):.3f}"
    )
    words = [*_uncounted_words(last, ~lost), *constant_words(last), *guess_words(last), measured]
    return "\n".join(words)


def _uncounted_words(last: Any, kept: np.ndarray) -> list[str]:
    """A line of the layers that have no value; none where all have one."""
    values = last.i_xt.values[kept]
    uncounted = []
    for i, name in enumerate(last.layer.values):
        if np.isnan(values[:, i]).any():
            uncounted.append(str(name))
    if not uncounted:
        return []
    return [
        f"{', '.join(uncounted)}: not counted, for the values are not -1 and +1; "
        "--set probes.0.estimator=FixedBins does"
    ]


def constant_words(last: Any) -> list[str]:
    """A line of the layers with units that say one sign for every example; none where none has."""
    if "constant" not in last:
        return []
    constant = []
    for name in last.layer.values:
        numbers = last.constant.sel(layer=name).values
        counted = numbers[numbers >= 0]
        if counted.any():
            constant.append(f"{name} {counted.mean():.1f}")
    if not constant:
        return []
    return [f"units with one sign for every example, mean over seeds: {', '.join(constant)}"]


def guess_words(last: Any) -> list[str]:
    """A line of the guesses of N where that is more than there are, the largest over the seeds;
    none where none is."""
    guesses = []
    for name in last.layer.values:
        one = last.sel(layer=name)
        by_patterns = _largest(one.guess_chao1.values)
        if by_patterns != NONE:
            guesses.append(f"{name} {by_patterns}, {_largest(one.guess_units.values)}")
    if not guesses:
        return []
    by_chao1 = f"(Chao1 - 1)/({2 * last.attrs['tolerance']:g} ln 2)"
    formulas = f"{by_chao1} and (k/log2 k)^2, k patterns possible"
    return [f"N needed, more than there are; guesses by {formulas}: {'; '.join(guesses)}"]


def _columns(last: Any, i: int, *names: str) -> list[np.ndarray]:
    """One layer's values of all seeds, of each variable."""
    return [last[name].values[:, i] for name in names]


def _mean(values: np.ndarray) -> str:
    mean = bands(values[:, None]).mean[0]
    return NONE if math.isnan(mean) else f"{mean:.4f}"


def _last_hidden(layers: list[str]) -> int:
    """The place of the last layer that is not the output; of the output where it is alone."""
    hidden = [i for i, layer in enumerate(layers) if layer != "output"]
    return hidden[-1] if hidden else 0


def _largest(guesses: np.ndarray) -> str:
    known = guesses[~np.isnan(guesses)]
    return f"{known.max():.1g}" if known.size else NONE
