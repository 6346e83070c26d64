"""How right the verdicts of a study were."""

from typing import Any

import numpy as np

from jaxbnn.info.known_truth import Judged, Score, score


def scores(result: Any) -> dict[str, Score]:
    """How right the verdicts were: over all samples and for each p; or, of trained layers, on
    I(X;T) and on I(T;Y)."""
    if "p" not in result.dims:
        return {"I(X;T)": _score(result), "I(T;Y)": _score_of_labels(result)}
    return {"all": _score(result)} | {
        f"p = {float(p):g}": _score(result.sel(p=[p])) for p in result.p.values
    }


def _score(part: Any) -> Score:
    plug = part.estimate.sel(estimator="plugin")
    return _scored(
        plug,
        plug - part.truth,
        *(part[name] for name in ("verdict", "low", "high", "truth", "n_patterns", "n")),
    )


def _score_of_labels(part: Any) -> Score:
    """I(T;Y) has no interval, and nothing is asked of samples without a repeated pattern."""
    error, nothing = part.i_ty - part.truth_ty, part.i_ty * np.nan
    scored = _scored(
        part.i_ty, error, part.verdict_ty, nothing, nothing, nothing, part.n_patterns, part.n
    )
    return scored._replace(covered=float("nan"), unseen=float("nan"))


def _scored(like: Any, *arrays: Any) -> Score:
    shaped = [array.broadcast_like(like).transpose(*like.dims).values for array in arrays]
    return score(Judged(*shaped))
