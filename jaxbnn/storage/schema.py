"""Every variable of a result, described once: name, dimensions, dtype, unit, meaning, and where it
is stored.

A block stores few arrays, whose last axis but that of the spectra holds several variables; a result
shows each by its name. The table in docs/result.md is made from here (`python -m
jaxbnn.storage.schema`).
"""

from typing import Any, NamedTuple

from jaxbnn.info.reliability import UNJUDGED, VERDICTS

SEED = ("seed",)
CURVE = ("seed", "epoch")
PLANE = ("seed", "epoch", "layer")
LAST = ("seed", "layer")
SPECTRUM = ("seed", "epoch", "layer", "entry")

# The stored arrays.
POINTS = "points"
SPECTRA = "spectra"
TRUST = "trust"
NEEDED = "needed"
SAMPLE = "sample"
SERIES = "series"
DIAGNOSTICS = "diagnostics"


class Variable(NamedTuple):
    """One variable of a result."""

    name: str
    array: str  # the stored array that holds it
    dims: tuple[str, ...]
    dtype: str
    unit: str  # "" where it has none
    meaning: str


def _rows(array: str, dims: tuple[str, ...], *rows: tuple[str, str, str, str]) -> list[Variable]:
    """Variables of one array, in the order of its columns, from (name, dtype, unit, meaning)."""
    return [
        Variable(name, array, dims, dtype, unit, meaning) for name, dtype, unit, meaning in rows
    ]


VARIABLES: tuple[Variable, ...] = (
    *_rows(
        POINTS,
        PLANE,
        ("i_xt", "float32", "bit", "I(X;T); NaN where the seed has diverged or nothing is counted"),
        ("i_ty", "float32", "bit", "I(T;Y)"),
        ("h_t", "float32", "bit", "H(T), equal to I(X;T) for a deterministic layer"),
        ("se_ty", "float32", "bit", "standard error of the plug-in I(T;Y)"),
        ("n_patterns", "int32", "", "patterns seen; -1: not counted"),
        ("n_singletons", "int32", "", "patterns seen exactly once; -1: not counted"),
        ("certified", "bool", "", "the counts are certified: rows were compared in full"),
    ),
    *_rows(
        SPECTRA,
        SPECTRUM,
        (
            "t_multiplicity",
            "int32",
            "",
            "spectrum of T: how often patterns were seen, rising; 0: padding",
        ),
        ("t_number", "int32", "", "spectrum of T: how many patterns were seen so often"),
        ("ty_multiplicity", "int32", "", "spectrum of (T, Y): how often pairs were seen, rising"),
        ("ty_number", "int32", "", "spectrum of (T, Y): how many pairs were seen so often"),
    ),
    *_rows(
        TRUST,
        PLANE,
        ("n_doubletons", "int64", "", "patterns seen twice; -1: not counted"),
        ("coverage", "float64", "", "probability of the patterns seen, Good-Turing"),
        ("coverage_chao_jost", "float64", "", "probability of the patterns seen, Chao and Jost"),
        ("se_xt", "float64", "bit", "standard error of the plug-in I(X;T)"),
        ("bias_xt", "float64", "bit", "what the plug-in I(X;T) lacks at most, by the sample"),
        ("unseen_xt", "float64", "bit", "what of it patterns that were not seen may hold"),
        ("low_xt", "float64", "bit", "lower end of the 95 % interval of I(X;T)"),
        ("high_xt", "float64", "bit", "upper end of the 95 % interval of I(X;T)"),
        ("gap_x", "float32", "bit", "H(X) - I(X;T)"),
        ("verdict_xt", "int8", "", "how far the plug-in I(X;T) can be trusted"),
        ("null_ty", "float64", "bit", "I(T;Y) expected if the labels were permuted"),
        ("bias_ty", "float64", "bit", "what the plug-in I(T;Y) exceeds I(T;Y) by at most"),
        ("gap_y", "float32", "bit", "H(Y) - I(T;Y)"),
        ("verdict_ty", "int8", "", "how far the plug-in I(T;Y) can be trusted"),
    ),
    *_rows(
        NEEDED,
        LAST,
        (
            "n_needed",
            "int64",
            "",
            "examples at which the expected plug-in H(T) of the last epoch is within the tolerance"
            "; -1: more than there are, or not counted",
        ),
        (
            "guess_chao1",
            "float64",
            "",
            "a guess of that number where it is -1: (Chao1 - 1)/(2 tolerance ln 2)",
        ),
        (
            "guess_units",
            "float64",
            "",
            "another: (k / log2 k)^2, k the patterns possible, 2^D of D signs",
        ),
    ),
    *_rows(
        SAMPLE,
        SEED,
        ("h_x", "float32", "bit", "H(X) of the measured sample"),
        ("h_y", "float32", "bit", "H(Y) of the measured sample"),
    ),
    *_rows(
        SERIES,
        CURVE,
        ("train_loss", "float32", "nat", "cross-entropy, with BatchNorm's running statistics"),
        ("test_loss", "float32", "nat", "cross-entropy, with BatchNorm's running statistics"),
        ("train_accuracy", "float32", "", "share of examples classified right"),
        ("test_accuracy", "float32", "", "share of examples classified right"),
        ("gradient_norm_mean", "float32", "", "over the steps of the epoch; NaN at epoch 0"),
        ("gradient_norm_variance", "float32", "", "over the steps of the epoch; NaN at epoch 0"),
    ),
    *_rows(
        DIAGNOSTICS,
        PLANE,
        (
            "flips",
            "float32",
            "",
            "share of the binary weights into the layer whose sign changed in the epoch",
        ),
        (
            "saturated",
            "float32",
            "",
            "share of the latent weights into the layer at the limit of their clip",
        ),
        (
            "dead",
            "int32",
            "",
            "units through which no gradient passes, for any example; -1: not counted",
        ),
        ("constant", "int32", "", "units with one sign for every example; -1: not counted"),
        (
            "duplicate",
            "int32",
            "",
            "further units that equal an earlier one on every example; -1: not counted",
        ),
        (
            "complementary",
            "int32",
            "",
            "further units opposite to an earlier one on every example; -1: not counted",
        ),
    ),
)
CLASS_SIZE = Variable(
    "class_size", SAMPLE, ("seed", "label"), "int64", "", "examples of each label in the sample"
)
COORDINATES = ("seed", "epoch", "layer", "label", "entry")
KEPT = ("unit_counts", "activations")  # what a probe may keep at named epochs
FLAGS = {
    "flag_values": list(range(UNJUDGED, len(VERDICTS))),
    "flag_meanings": " ".join(("unjudged", *VERDICTS)),
}


def columns(array: str) -> tuple[Variable, ...]:
    """The variables that a stored array holds, in the order of its columns."""
    return tuple(variable for variable in VARIABLES if variable.array == array)


def position(array: str) -> int:
    """Where a stored array stands among those that a result shows."""
    order = list(dict.fromkeys(variable.array for variable in VARIABLES))
    return order.index(array) if array in order else len(order)


def attributes(variable: Variable) -> dict[str, Any]:
    """What a result says of a variable: its meaning, its unit, the meanings of its flags."""
    said: dict[str, Any] = {"long_name": variable.meaning}
    if variable.unit:
        said["units"] = variable.unit
    if variable.name.startswith("verdict_"):
        said |= FLAGS
    return said


def check_probe_names(names: list[str]) -> None:
    """ValueError where a probe's name, which is to name a group, already names a variable or a
    dimension."""
    reserved = {variable.name for variable in (*VARIABLES, CLASS_SIZE)} | set(COORDINATES)
    for name in names:
        if name in reserved or name.endswith(tuple(f"_{kind}" for kind in KEPT)):
            raise ValueError(
                f"expected a probe's name that is no variable of a result, got {name!r}"
            )


def markdown() -> str:
    """The table of variables, as docs/result.md has it."""
    lines = [
        "| variable | dimensions | dtype | unit | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for variable in (*VARIABLES, CLASS_SIZE):
        dims = ", ".join(variable.dims)
        cells = (f"`{variable.name}`", dims, variable.dtype, variable.unit or "-", variable.meaning)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
