import dataclasses
import functools

import numpy as np
import pytest

from jaxbnn import config, data, nn, run, studies
from jaxbnn.storage import results
from jaxbnn.studies.known_truth import runner

EVERY = [experiment for study in studies.STUDIES for experiment in study.experiments]
ALL = [experiment for experiment in EVERY if isinstance(experiment, config.Experiment)]


def test_names_are_unique_and_every_study_declares_its_assumptions():
    assert len({e.name for e in EVERY}) == len(EVERY) >= 7
    assert all(study.assumptions and study.cite for study in studies.STUDIES)


def test_raj_2020_is_what_the_paper_says():
    ste, tanh, images = (
        studies.find(f"raj2020/{name}")[0] for name in ("szt-ste", "szt-tanh", "mnist-swish")
    )
    assert (
        ste.model.widths == (10, 8, 6, 4, 2)
        and ste.train.epochs == 8000
        and ste.train.learning_rate == 1e-4
    )
    assert (
        ste.model.kernel_surrogate == ste.model.activation.surrogate == nn.STE()
        and len(ste.seeds) == 50
    )
    assert tanh.model.kernel_surrogate is None and tanh.train.learning_rate == 4e-4
    assert (
        images.model.widths == (1024, 20, 20, 20)
        and images.train.batch_size == 128
        and images.train.epochs == 5000
    )
    assert images.model.kernel_surrogate == nn.SwishSign(5.0) and images.data.value_range == (
        -1.0,
        1.0,
    )
    assert studies.find("raj2020/random-ste")[0].data.label_seed is not None
    brief = studies.find("raj2020/szt-ste-short")[0]
    assert (
        dataclasses.replace(
            brief,
            name=ste.name,
            train=ste.train,
            seeds=ste.seeds,
            seeds_per_program=ste.seeds_per_program,
        )
        == ste
    )


def test_the_demo_is_what_it_says():
    demo, _ = studies.find("demo")
    assert (
        demo.model.widths == (10, 8, 6, 4, 2)
        and len(demo.seeds) == 10
        and demo.train.epochs == 1000
    )
    assert type(demo.model.kernel_surrogate).__name__ == "STE" and type(demo.data).__name__ == "Szt"


LIKE_ANOTHER = (
    "raj2020/szt-approx",
    "raj2020/szt-swish",
    "raj2020/tictactoe",
)  # the same probes as raj2020/szt-ste


def shrunk(experiment):
    """One seed, one epoch, the first layer of at most 50 units, all probes only where one sample
    has several."""
    if len({probe.sample for probe in experiment.probes}) == len(experiment.probes):
        experiment = dataclasses.replace(experiment, probes=experiment.probes[:1])
    if experiment.name in LIKE_ANOTHER:
        experiment = dataclasses.replace(experiment, probes=experiment.probes[:1])
    there = [
        tuple(name for name in probe.layers if name[-1] not in "2345")
        for probe in experiment.probes
    ]
    probes = [
        dataclasses.replace(p, layers=names)
        for p, names in zip(experiment.probes, there, strict=True)
    ]
    model = dataclasses.replace(
        experiment.model, widths=tuple(min(w, 50) for w in experiment.model.widths[:1])
    )
    spec = dataclasses.replace(experiment.train, epochs=1)
    return dataclasses.replace(
        experiment, probes=tuple(probes), model=model, train=spec, seeds=(0,), seeds_per_program=1
    )


LONG = [e for e in ALL if not e.name.endswith("-short")]  # shrunk, the short ones are the same
REPORTED = (
    "raj2020/szt-ste",
    "raj2020/szt-tanh",
)  # tests/test_report.py runs them with all their probes
VALUES = (
    "ste",
    "zero",
    "clip",
    "input",
    "momentum",
    "swish",
    "beta-1",
    "beta-10",
)  # variations of a number alone
LONG = [
    e
    for e in LONG
    if e.name not in [f"raj2020/vary-{name}" for name in VALUES] and e.name not in REPORTED
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "experiment", [e for e in LONG if not isinstance(e.data, data.Mnist)], ids=lambda e: e.name
)
def test_every_experiment_runs_shrunk(experiment, tmp_path):
    short = shrunk(experiment)
    folder = run(short, tmp_path)
    check(short, folder)


@pytest.mark.slow
def test_experiments_on_mnist_run_shrunk_on_images_in_its_own_format(tmp_path, monkeypatch):
    """Their models and probes on a few made images, read from IDX files whose checksums are put
    into the table."""
    import gzip
    import hashlib

    from jaxbnn.data import mnist, published

    rng, files = np.random.default_rng(0), []
    for part, n in (("train", 600), ("t10k", 100)):
        for kind, shape in (("images-idx3-ubyte", (n, 28, 28)), ("labels-idx1-ubyte", (n,))):
            top = 256 if len(shape) == 3 else 10
            head = bytes([0, 0, 8, len(shape)]) + b"".join(s.to_bytes(4, "big") for s in shape)
            content = head + rng.integers(0, top, shape, dtype=np.uint8).tobytes()
            (tmp_path / f"{part}-{kind}.gz").write_bytes(gzip.compress(content))
            files.append(
                published.File(f"{part}-{kind}", hashlib.md5(content).hexdigest(), len(content))
            )
    made = published.MNIST._replace(files=tuple(files))
    monkeypatch.setattr(
        "jaxbnn.data.load_mnist", functools.partial(mnist.load_mnist, collection=made)
    )
    for name in (
        "mnist-small",
        "raj2020/random-tanh",
    ):  # the others differ by a slope, a width or a seed
        short = shrunk(studies.find(name)[0])
        check(short, run(short, tmp_path / "runs", data_root=tmp_path))

    study, _ = studies.find("regime-mnist")
    check_study(study, tmp_path / "runs", tmp_path)


def test_regime_szt_runs_shrunk(tmp_path):
    check_study(studies.find("regime-szt")[0], tmp_path)


def check_study(study, out, root=None):
    short = dataclasses.replace(
        study, experiment=shrunk(study.experiment), n=(50, 200), repetitions=2
    )
    found = results.open_result(runner.run_known_truth(short, out, root))
    assert dict(found.sizes) == {
        "layer": 2,
        "n": 2,
        "repetition": 2,
        "estimator": 5,
    }  # 2 epochs, 1 layer
    assert np.isfinite(found.estimate).all() and set(np.unique(found.verdict)) <= {1, 2, 3}


def check(experiment, folder):
    result = results.open_result(folder)
    hidden = result.isel(layer=slice(0, -1))
    assert (
        bool(hidden.certified.all())
        and np.isfinite(result.i_xt).all()
        and np.isfinite(result.train_loss).all()
    )
    assert result.attrs["digest"] == config.digest(experiment)
    for probe in experiment.probes[1:]:
        assert np.isfinite(results.open_result(folder, probe.name).i_ty).all()


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ValueError, match="unknown experiment 'tictacto': expected tictactoe"):
        studies.find("tictacto")
    with pytest.raises(ValueError, match="expected demo or szt or tictactoe or mnist-small"):
        studies.find("qqqqqqqq")
