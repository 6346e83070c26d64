"""Runs of a study of estimators where the truth is known: samples drawn, judged, and put into a
folder."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxbnn.config import codec
from jaxbnn.config.experiment import Resampled
from jaxbnn.config.registry import Sampled
from jaxbnn.engine.runner import run
from jaxbnn.files import npz
from jaxbnn.info.known_truth import (
    ESTIMATORS,
    Bernoulli,
    LongTails,
    evaluate,
    sampled,
    truth,
    variance,
)
from jaxbnn.storage import results, run_folder, schema
from jaxbnn.studies.known_truth import tails
from jaxbnn.studies.known_truth.pieces import Arrays, Piece, Variables, stacked
from jaxbnn.studies.known_truth.resampling import all_sizes

Say = Callable[[str], None]

BIT = {"units": "bit"}
FIRST_ORDER = {
    "units": "bit2",
    "long_name": "(sum p log2**2 p - H**2)/N, the plug-in's variance to first order",
}
JUDGED = ("verdict", "bias", "standard_error", "low", "high", "n_patterns", "n_singletons")
OF_LABELS = ("i_ty", "null_ty", "bias_ty", "se_ty")


def run_known_truth(
    study: Sampled,
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    say: Say = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Draws and judges all samples of a study.

    Args:
        study: what is sampled.
        out: where run folders are.
        data_root: where data files are.
        say: gets a line for each piece.
        stop: where it says True the folder is left without a result; what is made is kept, and the
            same call goes on.

    Returns:
        The study's folder, OUT/<name>/<digest>.
    """
    study = codec.normal(study)
    folder = run_folder.folder_of(out, study)
    results.refuse_old(folder)
    if results.is_finished_study(folder):
        say("finished already: nothing to do")
        return folder
    run_folder.check_libraries()
    run_folder.make_folder(folder)
    with run_folder.locked(folder):
        run_folder.write_config(folder, study)
        if isinstance(study, Bernoulli):
            pieces = _make_pieces(_bernoulli_pieces(study, folder), say, stop)
        elif isinstance(study, LongTails):
            pieces = _make_pieces(tails.pieces(study, folder), say, stop)
        else:
            train = partial(run, study.experiment, out, data_root, stop=stop)
            pieces = _make_pieces(_resampled_pieces(study, folder, train, stop), say, stop)
        if not stop():
            _write_result(folder, study, pieces)
    return folder


def _write_result(folder: Path, study: Sampled, pieces: list[Arrays]) -> None:
    variables: Variables
    coordinates: Mapping[str, list[Any]]
    if isinstance(study, Bernoulli):
        variables, coordinates = _bernoulli_result(study, pieces)
    elif isinstance(study, LongTails):
        variables, coordinates = tails.result(study, pieces)
    else:
        variables, coordinates = _resampled_result(study, pieces)
    about = {"study": study.name, "digest": codec.digest(study)}
    results.write_study(folder, variables, coordinates, about)


def _make_pieces(pieces: Iterator[Piece], say: Say, stop: Callable[[], bool]) -> list[Arrays]:
    """The arrays of the pieces, each made and written first where it is not there."""
    made = []
    for piece in pieces:
        if stop():
            break
        began = time.monotonic()
        if not piece.path.is_file():
            npz.write(piece.path, piece.make())
        made.append(read_piece(piece.path))
        say(f"{piece.name}: {time.monotonic() - began:.1f} s")
    return made


def read_piece(path: Path) -> Arrays:
    """The arrays of a piece; ValueError where the file is damaged."""
    try:
        return npz.read(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove it to make it again") from None


def _bernoulli_pieces(study: Bernoulli, folder: Path) -> Iterator[Piece]:
    """All depths of one p and one n, piece by piece."""
    for i, p in enumerate(study.p):
        for n in study.n:
            path = folder / run_folder.BLOCKS / f"p{i}-n{n}.npz"
            yield Piece(f"p {p}, N {n}", path, partial(_all_depths, study, p, n))


def _all_depths(study: Bernoulli, p: float, n: int) -> Arrays:
    """What is said of the samples of each depth, leaves [D, R, ...]."""
    return stacked([evaluate(sampled(study, p, d, n), 2**d)._asdict() for d in study.d])


def _bernoulli_result(
    study: Bernoulli, pieces: list[Arrays]
) -> tuple[Variables, dict[str, list[Any]]]:
    """The variables and coordinates of a study of independent units."""
    whole = {}
    for name, first in pieces[0].items():
        stacked = np.stack([piece[name] for piece in pieces])
        by_p_and_n = stacked.reshape(len(study.p), len(study.n), *first.shape)
        whole[name] = np.moveaxis(by_p_and_n, 1, 2)
    depths = np.asarray(study.d)
    sizes = np.asarray(study.n)
    variances = np.stack([variance(p, depths[:, None], sizes) for p in study.p])
    variables = _judged(whole, ("p", "d", "n", "repetition"))
    variables["truth"] = (("p", "d"), np.stack([truth(p, depths) for p in study.p]), BIT)
    variables["variance"] = (("p", "d", "n"), variances, FIRST_ORDER)
    coordinates = {
        "p": list(study.p),
        "d": list(study.d),
        "n": list(study.n),
        "estimator": list(ESTIMATORS),
    }
    return variables, coordinates


def _judged(whole: Arrays, dims: tuple[str, ...]) -> Variables:
    """The variables that both kinds of study have."""
    variables: Variables = {"estimate": ((*dims, "estimator"), whole["estimate"], BIT)}
    for name in JUDGED:
        about = {} if name.startswith("n_") else BIT
        variables[name] = (dims, whole[name], schema.FLAGS if name == "verdict" else about)
    return variables


def _resampled_pieces(
    study: Resampled, folder: Path, train: Callable[[], Path], stop: Callable[[], bool]
) -> Iterator[Piece]:
    """All samples of one kept layer of one seed at one epoch, piece by piece."""
    trained = train()
    if stop():
        return
    probe = study.experiment.probes[0]
    kept = results.open_result(trained, f"{probe.name}_activations")
    names = [str(name) for name in kept.data_vars]
    layers = [name.removeprefix("words_") for name in names if name.startswith("words_")]
    for seed in study.experiment.seeds:
        for e, epoch in enumerate(kept.epoch.values):
            activations = kept.sel(seed=seed, epoch=epoch)
            for i, layer in enumerate(layers):
                key = [study.root_seed, seed, e, i]
                path = folder / run_folder.BLOCKS / f"seed{seed}-epoch{e}-layer{i}.npz"
                make = partial(_all_sizes_of, study, activations, layer, key)
                yield Piece(f"seed {seed}, epoch {epoch}, {layer}", path, make)


def _all_sizes_of(study: Resampled, activations: Any, layer: str, key: list[int]) -> Arrays:
    """What is said of samples of a kept layer; ValueError where it is not of -1 and +1."""
    if not activations[f"valid_{layer}"]:
        raise ValueError(
            f"expected activations of -1 and +1 to draw from, got none: seed {key[1]}, {layer}"
        )
    words = activations[f"words_{layer}"].values
    bits = int(activations[f"bits_{layer}"])
    return all_sizes(study.n, study.repetitions, words, activations.y.values, bits, key)


def _resampled_result(
    study: Resampled, pieces: list[Arrays]
) -> tuple[Variables, dict[str, list[Any]]]:
    """The variables and coordinates of a study of kept layers."""
    whole = stacked(pieces)
    dims = ("layer", "n", "repetition")
    variables = _judged(whole, dims)
    variables["truth"] = (("layer",), whole["truth"], BIT)
    variables["truth_ty"] = (("layer",), whole["truth_ty"], BIT)
    variables["bits"] = (("layer",), whole["bits"], {"long_name": "units of the layer"})
    variables["verdict_ty"] = (dims, whole["verdict_ty"], schema.FLAGS)
    for name in OF_LABELS:
        variables[name] = (dims, whole[name], BIT)
    return variables, {"n": list(study.n), "estimator": list(ESTIMATORS)}
