"""The report of Raj et al. 2020 on shrunk runs: one binary and one real network stand for all of
their kind."""

import dataclasses
import shutil
from functools import partial

import jax
import numpy as np
import pytest

from jaxbnn import config, data, run, studies
from jaxbnn.analysis import networks
from jaxbnn.cli.main import main
from jaxbnn.storage import results, run_folder
from jaxbnn.studies import report
from jaxbnn.studies.finished_runs import find_runs
from jaxbnn.studies.raj_2020 import flips, information, learning
from jaxbnn.studies.raj_2020.experiments import RAJ_2020
from jaxbnn.studies.raj_2020.runs import BNN, DNN, MNIST, RANDOM_DNN
from jaxbnn.studies.study import Run

pytestmark = pytest.mark.slow  # its runs compile two networks


def shrunk(name):
    """Four seeds, six epochs, two hidden layers."""
    experiment, _ = studies.find(name)
    model = dataclasses.replace(experiment.model, widths=(4, 3))
    probes = [
        dataclasses.replace(
            probe, layers=tuple(layer for layer in probe.layers if layer[-1] not in "345")
        )
        for probe in experiment.probes
    ]
    spec = dataclasses.replace(experiment.train, epochs=6, batch_size=512, learning_rate=0.02)
    changed = {
        "model": model,
        "probes": tuple(probes),
        "train": spec,
        "seeds": (0, 1, 2, 3),
        "seeds_per_program": 4,
    }
    return dataclasses.replace(experiment, **changed)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("raj")
    one = jax.devices()[:1]  # each device compiles for itself
    return {kind: run(shrunk(f"raj2020/szt-{kind}"), out, devices=one) for kind in ("ste", "tanh")}


@pytest.fixture(scope="module")
def runs(folders):
    """All runs the report needs: a real network's for the real ones, a binary one's for all
    others."""
    read = {}
    for kind, folder in folders.items():
        experiment = run_folder.read_config(folder)
        found = {
            p.name: results.open_result(folder, p.name if i else None)
            for i, p in enumerate(experiment.probes)
        }
        split = partial(data.load, experiment.data)
        read[kind] = Run(
            experiment,
            "",
            found | {"": found["main"]},
            partial(networks.load_networks, folder),
            split,
        )
    real = (*DNN.values(), RANDOM_DNN)
    return {name: read["tanh" if name in real else "ste"] for name in RAJ_2020.report().needs}


def test_every_claim_has_a_finding_with_numbers(runs):
    made = RAJ_2020.report()
    assert [claim.id for claim in made.claims] == [f"S4-{i}" for i in range(1, 26)]
    for claim in made.claims:
        found = claim.judge(runs)
        assert found.verdict in ("confirmed", "contradicted", "too weak to say", "not attempted")
        assert found.verdict == "not attempted" or any(
            character.isdigit() for character in found.number
        )
    # BatchNorm loses nothing that exact counting could see.
    assert information.batch_norm_loses(runs).verdict == "contradicted"


def test_bins_say_what_exact_counts_say_and_a_batch_norm_loses_nothing(folders):
    """On layers of -1 and +1 thirty bins say what exact counts say; a BatchNorm loses nothing, but
    to fixed bins."""
    folder = folders["ste"]
    found = {
        name: results.open_result(folder, name) for name in (None, "bins", "test", "test_bins")
    }
    for exact, binned in ((None, "bins"), ("test", "test_bins")):
        one, other = (found[name].sel(layer=["hidden_1", "hidden_2"]) for name in (exact, binned))
        np.testing.assert_array_equal(one.n_patterns, other.n_patterns)
        np.testing.assert_allclose(one.i_xt, other.i_xt, atol=4e-6)
        np.testing.assert_allclose(one.i_ty, other.i_ty, atol=8e-6)
    dense, norm = (results.open_result(folder, f"first_{name}") for name in ("dense", "norm"))
    np.testing.assert_array_equal(dense.n_patterns, norm.n_patterns)
    bins = results.open_result(folder, "norms").sel(layer="norm_1")
    assert (bins.i_ty.values < norm.i_ty.values[..., 0]).all()
    assert (
        found[None].i_ty.values[..., 0] < norm.i_ty.values[..., 0]
    ).all()  # the sign is what loses


def test_the_report_has_the_ledger_tables_and_pictures(runs, tmp_path, monkeypatch):
    coarse = lambda folder, name, figure: figure.savefig(folder / f"{name}.png", dpi=30)  # noqa: E731
    monkeypatch.setattr(report, "save_figure", coarse)
    path = report.write(RAJ_2020, RAJ_2020.report(), runs, tmp_path / "report")
    text = path.read_text()
    assert (
        "25 claims:" in text
        and "S4-25" in text
        and "| STE | hidden_1 |" in text
        and "Assumptions varied" in text
    )
    for picture in RAJ_2020.report().pictures:
        assert f"]({picture.name}.png)" in text
        assert (path.parent / f"{picture.name}.png").stat().st_size > 1000


def test_a_changed_run_cannot_settle_a_claim(runs):
    made = {claim.id: claim for claim in RAJ_2020.report().claims}
    changed = {
        **runs,
        BNN["STE"]: runs[BNN["STE"]]._replace(label="train.epochs=6 (not 8000)"),
    }
    for name in ("S4-1", "S4-12", "S4-14", "S4-25"):
        found = report.finding(made[name], changed)
        assert (
            found.verdict == "too weak to say"
            and "raj2020/szt-ste train.epochs=6 (not 8000)" in found.number
        )
    assert report.finding(made["S4-14"], runs).verdict == "contradicted"
    assert report.finding(made["S4-8"], changed) == made["S4-8"].judge(runs)


def synthetic(run, **curves):
    """The run with some of its curves replaced: values [E] for all seeds and layers, with a little
    noise over seeds."""
    result = run.results[""].copy(deep=True)
    for name, values in curves.items():
        shape = result[name].shape
        noise = 1e-3 * np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        result[name][:] = np.reshape(values, (1, -1, *[1] * (len(shape) - 2))) + noise
    return run._replace(results={**run.results, "": result})


@pytest.mark.parametrize(("end", "verdict"), [(1.0, "contradicted"), (3.0, "confirmed")])
def test_a_known_fall_is_told(runs, end, verdict):
    n = runs[BNN["STE"]].results[""].sizes["epoch"]
    epochs = np.linspace(0, 1, n)
    # The epochs of a short run all lie in one window of 50: set apart, so that each stands for
    # itself.
    of = synthetic(
        runs[BNN["STE"]],
        i_xt=np.where(epochs < 0.5, 1 + 4 * epochs, 3 + (end - 3) * (2 * epochs - 1)),
    )
    of.results[""]["epoch"] = 100 * np.arange(n)
    found = information.no_compression({"STE": BNN["STE"]})({BNN["STE"]: of})
    assert found.verdict == verdict


@pytest.mark.parametrize(("rise", "verdict"), [(0.0, "confirmed"), (0.5, "contradicted")])
def test_a_test_loss_above_the_training_loss_is_told(runs, rise, verdict):
    n = runs[BNN["STE"]].results[""].sizes["epoch"]
    of = synthetic(
        runs[BNN["STE"]],
        train_loss=np.full(n, 0.5),
        test_loss=0.5 + rise * np.linspace(0, 1, n),
    )
    of.results[""]["epoch"] = 100 * np.arange(n)
    assert learning.no_overfitting(dict.fromkeys(BNN.values(), of)).verdict == verdict


def test_values_that_cannot_be_trusted_are_too_weak(runs):
    result = runs[MNIST].results[""].copy(deep=True)
    result.verdict_xt[:] = 1
    doubtful = {**runs, MNIST: runs[MNIST]._replace(results={"": result})}
    found = information.mnist_compression(doubtful)
    assert found.verdict == "too weak to say" and "saturated, biased or conditional" in found.number


def test_flipped_outputs_by_brute_force(runs):
    from jaxbnn import data

    ste = runs[BNN["STE"]]
    split = data.load(ste.experiment.data)
    x = np.concatenate([split.train.x, split.test.x])
    variables = ste.networks()[2]
    answers = {tuple(row): int(c) for row, c in zip(x, classes(ste, variables, x), strict=True)}
    pairs = ((row, np.where(np.arange(12) == d, 1 - row, row)) for row in x for d in range(12))
    expected = np.mean([answers[tuple(row)] != answers[tuple(other)] for row, other in pairs])
    assert flips.flipped_outputs(ste._replace(networks=lambda: {2: variables})) == pytest.approx(
        [expected], abs=1e-9
    )


def test_constant_information_has_no_correlation_with_flips(runs, monkeypatch):
    """A layer whose H(T) is the same in all seeds says nothing of the hypothesis."""
    level = {name: run._replace(results={**run.results}) for name, run in runs.items()}
    for name in BNN.values():
        cube = level[name].results["cube"].copy(deep=True)
        cube["h_t"][:] = 1.0
        level[name].results["cube"] = cube
    monkeypatch.setattr(flips, "flipped_outputs", lambda run: np.array([0.1, 0.2, 0.3, 0.4]))
    found = flips.resists_flips(level)
    assert found.verdict == "too weak to say" and found.number.count("undefined") == 6


def test_information_that_rises_with_flips_confirms_the_hypothesis(runs, monkeypatch):
    rising = {name: run._replace(results={**run.results}) for name, run in runs.items()}
    for name in BNN.values():
        cube = rising[name].results["cube"].copy(deep=True)
        cube["h_t"][:] = np.arange(4.0).reshape(4, 1, 1)
        rising[name].results["cube"] = cube
    monkeypatch.setattr(flips, "flipped_outputs", lambda run: np.array([0.1, 0.2, 0.3, 0.4]))
    found = flips.resists_flips(rising)
    assert found.verdict == "confirmed" and "rank correlation +1.00" in found.number


def classes(of, variables, x):
    return of.experiment.model.apply(variables, x, train=False)[0].argmax(axis=1)


def test_trained_networks_are_those_that_were_measured(runs):
    """Their accuracy on the test set is the one recorded last."""
    from jaxbnn import data

    ste = runs[BNN["STE"]]
    split, found = data.load(ste.experiment.data), ste.networks()
    assert list(found) == [0, 1, 2, 3]
    accuracy = [
        np.mean(classes(ste, variables, split.test.x) == split.test.y)
        for variables in found.values()
    ]
    np.testing.assert_allclose(accuracy, ste.results[""].test_accuracy[:, -1], atol=2e-3)


def test_networks_whose_checkpoints_are_gone(folders, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folders["ste"], copy)
    for step in (copy / "blocks" / "0-3").glob("0*"):
        shutil.rmtree(step)
    with pytest.raises(ValueError, match="expected a checkpoint in .*0-3, got none: run it again"):
        networks.load_networks(copy)


def test_runs_are_found_and_what_sets_them_apart_is_said(folders, tmp_path, capsys):
    needs = ("raj2020/szt-ste", "raj2020/szt-tanh")
    with pytest.raises(
        ValueError,
        match=r"none of 2: first jaxbnn run raj2020/szt-ste \(or raj2020/szt-ste-short\), jaxbnn",
    ):
        find_runs(RAJ_2020, needs, tmp_path)
    found = find_runs(RAJ_2020, needs, folders["ste"].parents[2])
    label = found["raj2020/szt-ste"].label
    assert (
        "train.epochs=6 (not 8000)" in label
        and "model.widths=[4, 3] (not [10, 8, 6, 4, 2])" in label
    )
    assert label.endswith("4 seeds")
    # A second changed run: which one is meant?
    copied = tmp_path / "raj2020" / "szt-tanh"
    for name in ("a", "b"):
        shutil.copytree(folders["tanh"], copied / name)
    with pytest.raises(
        ValueError, match="expected one changed run of raj2020/szt-tanh, got a, b in"
    ):
        find_runs(RAJ_2020, needs[1:], tmp_path)
    # The short form stands in for the long one, and says so.
    shutil.rmtree(copied / "b")
    copied.rename(tmp_path / "raj2020" / "szt-tanh-short")
    assert find_runs(RAJ_2020, needs[1:], tmp_path)[needs[1]].label.startswith("short form: ")
    assert main(["report", "raj2020", "--runs", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert (
        "jaxbnn run raj2020/szt-approx" in capsys.readouterr().err
        and not (tmp_path / "out").exists()
    )
    assert main(["report", "raj", "--out", str(tmp_path / "out")]) == 2
    assert "expected a study among raj2020, nothnagel2026, got 'raj'" in capsys.readouterr().err


def test_changes_are_told_value_by_value():
    base, _ = studies.find("raj2020/szt-ste")
    assert config.changes(dataclasses.replace(base, seeds=(0,), name="other"), base) == []
    changed = config.override(config.override(base, "train.epochs=10"), "train.optimiser=Sgd")
    assert config.changes(changed, base) == [
        "train.epochs=10 (not 8000)",
        "train.optimiser=Sgd (not Adam)",
    ]
