"""Samples of distributions with rare patterns: drawn, judged, and their result."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.info import corrected_entropy, reliability
from jaxbnn.info.known_truth import LongTails
from jaxbnn.info.long_tails import LARGE
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.storage import run_folder, schema
from jaxbnn.studies.known_truth.pieces import Arrays, Piece, Variables, stacked
from jaxbnn.studies.known_truth.tail_cells import Cell, cells, label_cells

ALPHABETS = ("known", "2^64")  # what the rule is told of the number of possible patterns
BIT = {"units": "bit"}
JUDGED = ("verdict", "low", "high")


def pieces(study: LongTails, folder: Path) -> Iterator[Piece]:
    """All samples of one distribution, piece by piece; those with labels last."""
    for kind, members, judged in (
        ("patterns", cells(study.kept_aside), _patterns_judged),
        ("labels", label_cells(study.kept_aside), _labels_judged),
    ):
        for i, cell in enumerate(members):
            path = folder / run_folder.BLOCKS / f"{kind}-{i}.npz"
            yield Piece(f"{cell.distribution}", path, partial(judged, study, cell, i))


def result(study: LongTails, made: list[Arrays]) -> tuple[Variables, Mapping[str, list[Any]]]:
    """The variables and coordinates of all pieces."""
    of_patterns = cells(study.kept_aside)
    of_labels = label_cells(study.kept_aside)
    variables: Variables = {}
    dims: dict[str, tuple[str, ...]] = {}
    for name in ("plugin", "coverage"):
        dims[name] = ("cell", "n", "repetition")
    for name in ("verdict", "low", "high"):
        dims[name] = ("cell", "n", "alphabet", "repetition")
    for name, values in stacked(made[: len(of_patterns)]).items():
        about = schema.FLAGS if name == "verdict" else {} if name == "coverage" else BIT
        variables[name] = (dims[name], values, about)
    for name, values in stacked(made[len(of_patterns) :]).items():
        about = schema.FLAGS if name == "verdict_ty" else BIT
        variables[name] = (("label_cell", "n", "repetition"), values, about)
    entropies = np.array([cell.distribution.entropy for cell in of_patterns])
    bits = np.array([cell.distribution.log2_patterns for cell in of_patterns])
    informations = np.array([cell.distribution.information for cell in of_labels])
    variables["truth"] = (("cell",), entropies, BIT)
    variables["log2_patterns"] = (("cell",), bits, {})
    variables["truth_ty"] = (("label_cell",), informations, BIT)
    coordinates = {
        "cell": _names(of_patterns),
        "label_cell": _names(of_labels),
        "n": list(study.n),
        "alphabet": list(ALPHABETS),
    }
    return variables, coordinates


def _names(members: list[Cell]) -> list[str]:
    return [f"{cell.family}: {cell.distribution}" for cell in members]


def family_of(name: str) -> str:
    """The family in a cell's name."""
    return name.partition(":")[0]


def _patterns_judged(study: LongTails, cell: Cell, number: int) -> Arrays:
    """What is said of the samples of a distribution: [N, R], [N, alphabets, R]."""
    by_size = []
    for n in study.n:
        histograms = []
        for repetition in range(study.repetitions):
            rng = np.random.default_rng([study.root_seed, number, n, repetition])
            histograms.append(cell.distribution.histogram(rng, n))
        t = spectra_of(histograms)
        trusts = []
        for bits in (cell.distribution.log2_patterns, LARGE):
            trusts.append(reliability.judge(t, log2_patterns=bits)._asdict())
        said = {name: values for name, values in stacked(trusts).items() if name in JUDGED}
        said["plugin"] = np.asarray(corrected_entropy.plugin(t))
        said["coverage"] = trusts[0]["coverage"]
        by_size.append(said)
    return stacked(by_size)


def _labels_judged(study: LongTails, cell: Cell, number: int) -> Arrays:
    """What is said of I(T;Y) of the samples of a distribution with labels: [N, R]."""
    by_size = []
    for n in study.n:
        said = []
        for repetition in range(study.repetitions):
            rng = np.random.default_rng([study.root_seed, 2**16 + number, n, repetition])
            said.append(label_verdict(cell.distribution.table(rng, n)))
        by_size.append(stacked(said))
    return stacked(by_size)


def label_verdict(table: np.ndarray) -> Arrays:
    """What is said of I(T;Y) of a table of patterns by labels [K, C]: arrays []."""
    of_t = table.sum(axis=1)
    of_y = table.sum(axis=0)
    n = of_t.sum()
    t = Spectrum.from_histogram(of_t)
    pattern, label = np.nonzero(table)
    times = table[pattern, label]
    share = times / n
    log_ratio = np.log2(n * times / (of_t[pattern] * of_y[label]))
    information = np.sum(share * log_ratio)
    error = np.sqrt(max(0.0, np.sum(share * log_ratio**2) - information**2) / n)
    p_y = of_y[of_y > 0] / n
    null = reliability.null_information(t, of_y)
    bias = reliability.label_bias(t, of_y)
    verdict = reliability.judge_label(null, bias, error, -np.sum(p_y * np.log2(p_y)))
    return {
        "i_ty": np.asarray(information),
        "se_ty": np.asarray(error),
        "null_ty": np.asarray(null),
        "bias_ty": np.asarray(bias),
        "verdict_ty": np.asarray(verdict, np.int8),
    }


def spectra_of(histograms: list[np.ndarray]) -> Spectrum:
    """The spectra of several histograms, filled up to one length, leaves [R, M]."""
    one_by_one = [Spectrum.from_histogram(histogram) for histogram in histograms]
    room = max(len(spectrum.number) for spectrum in one_by_one)
    filled = []
    for spectrum in one_by_one:
        pad = (0, room - len(spectrum.number))
        filled.append((np.pad(spectrum.multiplicity, pad), np.pad(spectrum.number, pad)))
    multiplicity, number = zip(*filled, strict=True)
    return Spectrum(np.stack(multiplicity), np.stack(number))
