import dataclasses

import numpy as np
import pytest

from jaxbnn import calibration, config, run, store, studies
from jaxbnn.config import override

EVERY = [experiment for study in studies.STUDIES for experiment in study.experiments]
ALL = [experiment for experiment in EVERY if isinstance(experiment, config.Experiment)]


def test_names_are_unique_and_every_study_declares_its_assumptions():
    assert len({e.name for e in EVERY}) == len(EVERY) >= 7
    assert all(study.assumptions and study.cite for study in studies.STUDIES)


def test_the_demo_is_what_it_says():
    demo, _ = studies.find("demo")
    assert demo.model.widths == (10, 8, 6, 4, 2) and len(demo.seeds) == 10 and demo.train.epochs == 1000
    assert type(demo.model.kernel_slope).__name__ == "Ste" and type(demo.data).__name__ == "Szt"


def shrunk(experiment):
    """One seed, one epoch, the first two layers, all probes only where one sample has several."""
    if len({probe.sample for probe in experiment.probes}) == len(experiment.probes):
        experiment = dataclasses.replace(experiment, probes=experiment.probes[:1])
    for change in ("train.epochs=1", "lanes=1", f"model.widths={list(experiment.model.widths[:2])}"):
        experiment = override(experiment, change)
    return dataclasses.replace(experiment, seeds=(0,))


@pytest.mark.parametrize("experiment", [e for e in ALL if e.name != "mnist-small"], ids=lambda e: e.name)
def test_every_experiment_runs_shrunk(experiment, tmp_path):
    short = shrunk(experiment)
    check(short, run(short, tmp_path))


def test_mnist_small_runs_shrunk_on_images_in_its_own_format(tmp_path, monkeypatch):
    """Its model and probes on a few made images, read from IDX files whose checksums are put into the table."""
    import gzip
    import hashlib

    from jaxbnn.data import fetch, images

    rng, files = np.random.default_rng(0), []
    for part, n in (("train", 600), ("t10k", 100)):
        for kind, shape in (("images-idx3-ubyte", (n, 28, 28)), ("labels-idx1-ubyte", (n,))):
            top = 256 if len(shape) == 3 else 10
            head = bytes([0, 0, 8, len(shape)]) + b"".join(s.to_bytes(4, "big") for s in shape)
            content = head + rng.integers(0, top, shape, dtype=np.uint8).tobytes()
            (tmp_path / f"{part}-{kind}.gz").write_bytes(gzip.compress(content))
            files.append(fetch.File(f"{part}-{kind}", hashlib.md5(content).hexdigest(), len(content)))
    made = fetch.MNIST._replace(files=tuple(files))
    monkeypatch.setattr("jaxbnn.data.load_mnist", lambda spec, root: images.load_mnist(spec, root, made))
    experiment, _ = studies.find("mnist-small")
    short = shrunk(experiment)
    check(short, run(short, tmp_path / "runs", data_root=tmp_path))

    study, _ = studies.find("regime-mnist")
    check_study(study, tmp_path / "runs", tmp_path)


def test_regime_szt_runs_shrunk(tmp_path):
    check_study(studies.find("regime-szt")[0], tmp_path)


def check_study(study, out, root=None):
    short = dataclasses.replace(study, experiment=shrunk(study.experiment), n=(50, 200), repetitions=2)
    found = store.read_result(calibration.calibrate(short, out, root))
    assert dict(found.sizes) == {"layer": 4, "n": 2, "repetition": 2, "estimator": 5}  # 2 epochs, 2 layers
    assert np.isfinite(found.estimate).all() and set(np.unique(found.verdict)) <= {1, 2, 3}


def check(experiment, folder):
    result = store.read_result(folder)
    hidden = result.isel(layer=slice(0, -1))
    assert bool(hidden.exact.all()) and np.isfinite(result.i_xt).all() and np.isfinite(result.train_loss).all()
    assert result.attrs["digest"] == config.digest(experiment)
    for probe in experiment.probes[1:]:
        assert np.isfinite(store.read_result(folder, probe.name).i_ty).all()


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ValueError, match="unknown experiment 'tictacto': expected tictactoe"):
        studies.find("tictacto")
    with pytest.raises(ValueError, match="expected demo or szt or tictactoe or mnist-small"):
        studies.find("qqqqqqqq")
