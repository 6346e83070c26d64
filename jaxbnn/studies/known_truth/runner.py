"""Runs of a study of estimators where the truth is known: samples drawn, judged, and put into a
folder."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxbnn import config
from jaxbnn.config.experiment import Resampled
from jaxbnn.engine.runner import run
from jaxbnn.engine.verdicts import BIT, FLAGS
from jaxbnn.files import npz
from jaxbnn.info import reliability
from jaxbnn.info.counting import count
from jaxbnn.info.entropy import information_error, plugin
from jaxbnn.info.known_truth import (
    ESTIMATORS,
    Bernoulli,
    Judged,
    Score,
    evaluate,
    sampled,
    score,
    truth,
    variance,
)
from jaxbnn.info.measurement import measure
from jaxbnn.info.spectrum import Spectrum, spectrum
from jaxbnn.storage import run_folder
from jaxbnn.storage.run_folder import Group, Variable

FIRST_ORDER = {
    "units": "bit2",
    "long_name": "(sum p log2**2 p - H**2)/N, the plug-in's variance to first order",
}
SAID = ("verdict", "bias", "standard_error", "low", "high", "n_patterns", "n_singletons")

Say = Callable[[str], None]


def calibrate(
    study: Bernoulli | Resampled,
    out: str | Path = "runs",
    data_root: str | Path | None = None,
    say: Say = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Draws and judges all samples of the study; returns its folder, OUT/<name>/<digest>, with
    result.nc.

    What is finished is kept in blocks/: where `stop` says True the folder is left without
    result.nc, and the same call goes on.
    """
    study = config.normal(study)
    folder = run_folder.folder_of(out, study)
    if (folder / run_folder.RESULT).is_file():
        say("finished already: nothing to do")
        return folder
    run_folder.check_libraries()
    run_folder.make_folder(folder)
    with run_folder.locked(folder):
        run_folder.write_config(folder, study)
        if isinstance(study, Bernoulli):
            pieces = _bernoulli(study, folder)
        else:
            pieces = _resampled(
                study, folder, partial(run, study.experiment, out, data_root, stop=stop), stop
            )
        found = list(_until(stop, say, pieces))
        if not stop():
            group = (
                _bernoulli_group(study, found)
                if isinstance(study, Bernoulli)
                else _resampled_group(study, found)
            )
            run_folder.write_groups(folder / run_folder.RESULT, {"": group})
    return folder


def _until(stop, say, pieces) -> Iterator:
    """The pieces, made one by one until `stop` says True; `say` gets a line for each."""
    for name, make in pieces:
        if stop():
            return
        began = time.monotonic()
        piece = make()
        say(f"{name}: {time.monotonic() - began:.1f} s")
        yield piece


def _kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays in the file, made and written first where there is none."""
    if not path.is_file():
        npz.write(path, make())
    return run_folder.read_arrays(path)


def _bernoulli(study, folder):
    """(name, function) of each piece: all depths of one p and one n."""
    for i, p in enumerate(study.p):
        for n in study.n:
            path = folder / run_folder.BLOCKS / f"p{i}-n{n}.npz"
            yield f"p {p}, N {n}", partial(_kept, path, partial(_all_depths, study, p, n))


def _all_depths(study, p, n):
    found = []
    for d in study.d:
        spectra = sampled(study, p, d, n)
        found.append(evaluate(spectra, 2**d)._asdict())
    return {name: np.stack([each[name] for each in found]) for name in found[0]}


def _bernoulli_group(study, pieces) -> Group:
    shape = len(study.p), len(study.n)
    whole = {}
    for name in pieces[0]:
        stacked = np.stack([piece[name] for piece in pieces]).reshape(
            *shape, *pieces[0][name].shape
        )
        whole[name] = np.moveaxis(stacked, 1, 2)
    dims = ("p", "d", "n", "repetition")
    d, n = np.asarray(study.d), np.asarray(study.n)
    variables = _said(whole, dims) | {
        "truth": Variable(("p", "d"), np.stack([truth(p, d) for p in study.p]), BIT),
        "variance": Variable(
            ("p", "d", "n"), np.stack([variance(p, d[:, None], n) for p in study.p]), FIRST_ORDER
        ),
    }
    coordinates = {
        "p": np.asarray(study.p),
        "d": d,
        "n": n,
        "estimator": np.asarray(list(ESTIMATORS), dtype=object),
    }
    return Group(coordinates, variables, {"study": study.name, "digest": config.digest(study)})


def _said(whole, dims):
    """The variables that both kinds of study have."""
    return {"estimate": Variable((*dims, "estimator"), whole["estimate"], BIT)} | {
        name: Variable(
            dims, whole[name], {"verdict": FLAGS}.get(name, {} if name.startswith("n_") else BIT)
        )
        for name in SAID
    }


def _resampled(study, folder, train, stop):
    """(name, function) of each piece: all samples of one kept layer of one seed at one epoch."""
    trained = train()
    if stop():
        return
    probe = study.experiment.probes[0]
    kept = run_folder.read_result(trained, f"{probe.name}_keep").sel(
        seed=sorted(study.experiment.seeds)
    )
    layers = [
        str(name).removeprefix("words_")
        for name in kept.data_vars
        if str(name).startswith("words_")
    ]
    for seed in study.experiment.seeds:
        for e, epoch in enumerate(kept.epoch.values):
            for i, layer in enumerate(layers):
                one = kept.sel(seed=seed, epoch=epoch)
                if not one[f"valid_{layer}"]:
                    raise ValueError(
                        f"expected activations of -1 and +1 to draw from, got none: seed {seed}, {layer}"
                    )
                words, bits = one[f"words_{layer}"].values, int(one[f"bits_{layer}"])
                make = partial(
                    _all_sizes, study, words, one.y.values, bits, [study.root_seed, seed, e, i]
                )
                path = folder / run_folder.BLOCKS / f"seed{seed}-epoch{e}-layer{i}.npz"
                yield f"seed {seed}, epoch {epoch}, {layer}", partial(_kept, path, make)


def _all_sizes(study, words, y, bits, seed):
    """What is said of all samples of one layer, leaves [N sizes, repetitions, ...], and the
    truth."""
    true = measure(words, y, population=True, bits=bits)
    classes = int(y.max()) + 1
    found = []
    for n in study.n:
        drawn = [
            _drawn(np.random.default_rng([*seed, n, r]), words, y, n, bits, classes)
            for r in range(study.repetitions)
        ]
        t, sizes, h, error = (list(each) for each in zip(*drawn, strict=True))
        spectra = Spectrum(*(np.stack(leaves) for leaves in zip(*t, strict=True)))
        evaluated = evaluate(spectra, 2**bits)
        h_t, h_ty, h_y = np.asarray(h).T
        null = np.asarray(
            [reliability.null_information(of, s) for of, s in zip(t, sizes, strict=True)]
        )
        verdict_ty = reliability.judge_label(null, np.asarray(error), h_y)
        of_labels = {
            "i_ty": h_t + h_y - h_ty,
            "null_ty": null,
            "se_ty": np.asarray(error),
            "verdict_ty": verdict_ty,
        }
        found.append(evaluated._asdict() | of_labels)
    whole = {name: np.stack([each[name] for each in found]) for name in found[0]}
    return whole | {
        "truth": np.float64(true.xt.value),
        "truth_ty": np.float64(true.ty.value),
        "bits": np.int64(bits),
    }


def _drawn(key, words, y, n, bits, classes):
    """A sample with replacement: T's spectrum, class sizes, (H(T), H(T,Y), H(Y)), standard error of
    I(T;Y)."""
    chosen = key.integers(0, len(y), n)
    counted = COUNTED(
        jnp.asarray(words[chosen]), jnp.asarray(y[chosen]), bits=bits, classes=classes
    )
    t, h_t, h_ty, error = jax.device_get(counted)
    sizes = np.bincount(y[chosen], minlength=classes)
    share = sizes[sizes > 0] / n
    return t, sizes, (h_t, h_ty, -np.sum(share * np.log2(share))), error


def _counted(words, y, bits, classes):
    t, ty = count(words, y, bits=bits, classes=classes)
    return spectrum(t, words.shape[0]), plugin(t), plugin(ty), information_error(t, ty)


COUNTED = jax.jit(_counted, static_argnames=("bits", "classes"))


def _resampled_group(study, pieces) -> Group:
    whole = {name: np.stack([piece[name] for piece in pieces]) for name in pieces[0]}
    dims = ("layer", "n", "repetition")
    variables = _said(whole, dims) | {
        "truth": Variable(("layer",), whole["truth"], BIT),
        "truth_ty": Variable(("layer",), whole["truth_ty"], BIT),
        "bits": Variable(("layer",), whole["bits"], {"long_name": "units of the layer"}),
        "verdict_ty": Variable(dims, whole["verdict_ty"], FLAGS),
    }
    variables |= {name: Variable(dims, whole[name], BIT) for name in ("i_ty", "null_ty", "se_ty")}
    coordinates = {
        "n": np.asarray(study.n),
        "estimator": np.asarray(list(ESTIMATORS), dtype=object),
    }
    return Group(coordinates, variables, {"study": study.name, "digest": config.digest(study)})


def scores(result) -> dict[str, Score]:
    """How right the verdicts were: over all samples and for each p; or, of trained layers, on
    I(X;T) and on I(T;Y)."""
    if "p" not in result.dims:
        return {"I(X;T)": _score(result), "I(T;Y)": _score_of_labels(result)}
    return {"all": _score(result)} | {
        f"p = {float(p):g}": _score(result.sel(p=[p])) for p in result.p.values
    }


def _score(part):
    plug = part.estimate.sel(estimator="plugin")
    return _scored(
        plug,
        plug - part.truth,
        *(part[name] for name in ("verdict", "low", "high", "truth", "n_patterns", "n")),
    )


def _score_of_labels(part):
    """I(T;Y) has no interval, and nothing is asked of samples without a repeated pattern."""
    error, nothing = part.i_ty - part.truth_ty, part.i_ty * np.nan
    scored = _scored(
        part.i_ty, error, part.verdict_ty, nothing, nothing, nothing, part.n_patterns, part.n
    )
    return scored._replace(covered=float("nan"), unseen=float("nan"))


def _scored(like, *arrays):
    shaped = [array.broadcast_like(like).transpose(*like.dims).values for array in arrays]
    return score(Judged(*shaped))
