"""Which points of a result can be trusted, by their verdicts."""

from typing import Any

from numpy.typing import NDArray

from jaxbnn.info.reliability import UNJUDGED, VERDICTS

TRUSTED = (VERDICTS.index("population"), VERDICTS.index("reliable"))


def trusted_points(result: Any, quantity: str) -> NDArray:
    """Where I(X;T) or I(T;Y) of a result can be trusted: its verdict is population or reliable.

    A layer whose patterns were not counted has no verdict that could doubt it.

    Args:
        result: an xarray.Dataset of a finished run.
        quantity: "xt" for I(X;T), "ty" for I(T;Y).

    Returns:
        bool [S, E, L].
    """
    verdict = result[f"verdict_{quantity}"]
    not_counted = (verdict == UNJUDGED) & (result.n_patterns < 0)
    return (verdict.isin(TRUSTED) | not_counted).values


def uncounted_layers(result: Any) -> NDArray:
    """Which layers have no count and no verdict at any seed and epoch.

    Args:
        result: an xarray.Dataset of a finished run.

    Returns:
        bool [L].
    """
    not_counted = (result.n_patterns < 0) & (result.verdict_xt == UNJUDGED)
    return not_counted.all(("seed", "epoch")).values
