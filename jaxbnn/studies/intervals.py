"""What a claim is judged by: intervals over seeds, verdicts."""

import numpy as np
from scipy import stats

from jaxbnn.info.plane import bands
from jaxbnn.info.reliability import VERDICTS
from jaxbnn.studies.study import Verdict

TRUSTED = (VERDICTS.index("population"), VERDICTS.index("reliable"))
WEAK: Verdict = "too weak to say"


def interval(values) -> tuple[float, float, float]:
    """(mean, low, high) of the mean over seeds, t, 95 %."""
    band = bands(np.asarray(values, np.float64))
    return float(band.mean), float(band.low), float(band.high)


def words(values, digits: int = 2) -> str:
    """ "-3.78 [-4.01, -3.55]" """
    mean, low, high = interval(values)
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def welch(a, b) -> tuple[float, float, float]:
    """(mean, low, high) of mean a - mean b: Welch, 95 %."""
    found = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return float(np.mean(a) - np.mean(b)), float(found.low), float(found.high)


def judged(holds: list[tuple[float, float, float]], below: float) -> Verdict:
    """Confirmed where every interval lies below, contradicted where one lies above, otherwise too
    weak to say."""
    if all(high < below for _, _, high in holds):
        return "confirmed"
    return "contradicted" if any(low > below for _, low, _ in holds) else WEAK
