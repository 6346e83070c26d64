"""How far the points of a finished seed can be trusted, as the columns that a block stores."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jaxbnn.info import reliability, sample_size
from jaxbnn.info.plane import Point
from jaxbnn.info.reliability import UNJUDGED
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.storage import schema


class Sample(NamedTuple):
    """What a probe measured one seed's network on."""

    class_sizes: np.ndarray  # [C] int, examples of each label
    h_x: np.ndarray  # [] bits
    h_y: np.ndarray  # [] bits


class Rules(NamedTuple):
    """How the points of a probe are judged."""

    population: bool  # whether the sample is all there is
    tolerance: float  # bits within which a value is called reliable
    log2_patterns: np.ndarray  # [L], of the patterns possible; NaN where they are unknown


def trust_columns(points: Point, t: Spectrum, sample: Sample, rules: Rules) -> np.ndarray:
    """The verdicts on epochs of one seed, in the columns of schema.TRUST.

    One seed at a time, so that its bits do not depend on the others through the order of sums.

    Args:
        points: the measured points, leaves [E, L].
        t: the spectra of T, leaves [E, L, M].
        sample: what they were measured on.
        rules: how they are judged.

    Returns:
        [E, L, 14] float64; UNJUDGED verdicts where the seed has diverged or nothing was counted.
    """
    population = rules.population
    tolerance = rules.tolerance
    trust = reliability.judge(t, population, tolerance, rules.log2_patterns)
    null = reliability.null_information(t, sample.class_sizes)
    bias_ty = reliability.label_bias(t, sample.class_sizes)
    verdict_ty = reliability.judge_label(
        null, bias_ty, points.se_ty, sample.h_y, population, tolerance
    )
    known = np.isfinite(points.xt) & np.isfinite(points.ty)
    variables = {
        "n_doubletons": trust.n_doubletons,
        "coverage": trust.coverage,
        "coverage_chao_jost": trust.coverage_chao_jost,
        "se_xt": trust.standard_error,
        "bias_xt": trust.bias,
        "unseen_xt": trust.unseen,
        "low_xt": trust.low,
        "high_xt": trust.high,
        "gap_x": sample.h_x - points.xt,
        "verdict_xt": np.where(known, trust.verdict, UNJUDGED),
        "null_ty": null,
        "bias_ty": np.where(population, 0.0, bias_ty),
        "gap_y": sample.h_y - points.ty,
        "verdict_ty": np.where(known, verdict_ty, UNJUDGED),
    }
    columns = [variables[variable.name] for variable in schema.columns(schema.TRUST)]
    return np.stack(columns, axis=-1).astype(np.float64)


def needed_columns(t: Spectrum, units: np.ndarray, rules: Rules) -> np.ndarray:
    """How many examples it takes at one epoch of one seed, in the columns of schema.NEEDED.

    Args:
        t: the spectra of T, leaves [L, M].
        units: [L], the bits of a row of each layer, NaN where its alphabet is unknown.
        rules: how the points are judged.

    Returns:
        [L, 3] float64.
    """
    tolerance = rules.tolerance
    trust = reliability.judge(t, rules.population, tolerance, rules.log2_patterns)
    needed = sample_size.needed(t, trust, tolerance)
    guesses = sample_size.guesses(t, units, tolerance)
    by_patterns = np.where(needed < 0, guesses.chao1, np.nan)
    by_units = np.where(needed < 0, guesses.units, np.nan)
    return np.stack([needed.astype(np.float64), by_patterns, by_units], axis=-1)


def row_bits(alphabets: Mapping[str, int], layers: tuple[str, ...]) -> np.ndarray:
    """[L] log2 of the patterns each layer can show, NaN where that is unknown."""
    bits = {name: math.log2(n_patterns) for name, n_patterns in alphabets.items()}
    return of_layers(bits, layers)


def of_layers(known: Mapping[str, float], layers: tuple[str, ...]) -> np.ndarray:
    """[L] each layer's number, NaN where it has none."""
    return np.array([known.get(name, math.nan) for name in layers])
