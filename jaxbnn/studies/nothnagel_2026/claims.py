"""The seven claims of Nothnagel & Geiger 2026, each with what is computed of finished runs and when
it holds."""

from jaxbnn.analysis.compression import MIN_FALL
from jaxbnn.info.reliability import TOLERANCE
from jaxbnn.studies.nothnagel_2026.findings import (
    MIN_SETTINGS,
    compresses,
    depends,
    errs,
    generalises,
    has_regime,
    saturates,
    traits_predict,
)
from jaxbnn.studies.study import Claim

CLAIMS = (
    Claim(
        "S0-1",
        "outside the regime estimates saturate at log2 N",
        "The exact expected plug-in entropy of 40 independent fair units over log2 N, N from "
        "1000 to 60000; holds where all are above 0.99.",
        saturates,
    ),
    Claim(
        "S0-2",
        "there are reliable (N, D) regimes",
        "The largest D whose expected plug-in entropy (fair units, the worst case) lacks at most "
        f"{TOLERANCE} bit.",
        has_regime,
    ),
    Claim(
        "S0-3",
        "late-stage compression is frequent",
        "The share of runs, of the study's own length, whose last hidden layer's fall is above "
        f"{MIN_FALL} bit and above all falls of the group's untrained networks (a group without "
        "them is left out); frequent: the 95 % bootstrap interval over settings lies above one "
        "half.",
        compresses,
    ),
    Claim(
        "S0-4",
        "compressed layers do not consistently generalise better",
        "Pooled rank correlation of the last hidden layer's compression factor with test "
        f"accuracy, of each group of {MIN_SETTINGS} settings or more. Confirmed where a group's "
        "interval lies below 0; contradicted where all of two groups or more are positive by "
        "interval and by p < 0.05 after Holm.",
        generalises,
    ),
    Claim(
        "S0-5",
        "the link depends on task, architecture, regularisation",
        "Of task and architecture, groups being these: the same correlations, confirmed where "
        "the intervals of two groups do not meet, at 95 % for all pairs together (Bonferroni).",
        depends,
    ),
    Claim(
        "S0-6",
        "trajectories say more about performance than compression alone",
        "Partial rank correlation of four traits of the path with test accuracy, given the "
        "factor, one value a setting; confirmed where one has p < 0.05 after Holm.",
        traits_predict,
    ),
    Claim(
        "S0-7",
        "the plug-in errs at high D",
        "What the exact expected plug-in entropy lacks of the truth at D = 4, 10, 20 units, N = "
        "1000; holds where it rises with D to more than 1 bit for each p.",
        errs,
    ),
)
