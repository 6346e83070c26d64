import dataclasses

import numpy as np
import pytest

from jaxbnn import config, studies
from jaxbnn.cli import score_table
from jaxbnn.config.experiment import Resampled
from jaxbnn.config.overrides import override
from jaxbnn.files.figures import save_figure
from jaxbnn.info import measure
from jaxbnn.info.known_truth import Bernoulli, LongTails
from jaxbnn.info.long_tails import Mixture, RareDetector
from jaxbnn.plots import study_figures
from jaxbnn.storage import results, run_folder
from jaxbnn.studies.known_truth import (
    runner,
    tail_cells,
    tail_scores,
    tails,
    verdict_scores,
)
from jaxbnn.studies.known_truth.tail_cells import Cell

SMALL = Bernoulli(p=(0.5, 0.9), d=(2, 5, 40), n=(100, 400), repetitions=3)

MIXTURES = [
    Cell("mixture", Mixture(4, 0.001, 4)),
    Cell("mixture", Mixture(1, 0.02, 10**6)),
]
DETECTORS = [Cell("unequal classes", RareDetector(0.1, 10**5, 10))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return runner.run_known_truth(SMALL, tmp_path_factory.mktemp("runs"))


def test_a_study_of_units_has_its_variables_truth_and_scores(folder):
    found = results.open_result(folder)
    assert dict(found.sizes) == {"p": 2, "d": 3, "n": 2, "repetition": 3, "estimator": 5}
    np.testing.assert_allclose(found.truth.sel(p=0.5), [2, 5, 40])
    assert (found.verdict.sel(d=40) == 1).all() and (found.verdict.sel(p=0.5, d=2) == 2).all()
    error = found.estimate - found.truth
    assert float(abs(error.sel(d=2, n=400, estimator="plugin")).max()) < 0.2
    assert float(error.sel(d=40, estimator="plugin").max()) < -10
    scores = verdict_scores.scores(found)
    assert list(scores) == ["all", "p = 0.5", "p = 0.9"] and scores["all"].n_samples == 36
    assert scores["all"].n_reliable == sum(
        scores[name].n_reliable for name in ("p = 0.5", "p = 0.9")
    )


def test_what_is_finished_is_kept_and_a_stopped_study_goes_on(folder, tmp_path):
    said = []
    answers = iter([False, False, True])
    stopped = runner.run_known_truth(
        SMALL, tmp_path, say=said.append, stop=lambda: next(answers, True)
    )
    assert len(said) == 2 and not results.is_finished_study(stopped)
    pieces = {p: p.stat().st_mtime_ns for p in (stopped / run_folder.BLOCKS).iterdir()}
    assert len(pieces) == 2 and runner.run_known_truth(SMALL, tmp_path) == stopped
    assert all(p.stat().st_mtime_ns == made for p, made in pieces.items())
    assert results.open_result(stopped).identical(results.open_result(folder))
    runner.run_known_truth(SMALL, tmp_path, say=said.append)
    assert said[-1] == "finished already: nothing to do"


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    probe = dataclasses.replace(tiny.probes[0], activations_at=(0, -1))
    experiment = dataclasses.replace(tiny, probes=(probe,), seeds=(0, 1), seeds_per_program=2)
    study = Resampled("resampled", experiment, n=(50, 2000), repetitions=3)
    out = tmp_path_factory.mktemp("runs")
    return study, out, runner.run_known_truth(study, out)


def test_samples_of_trained_layers_are_judged_against_their_counted_values(trained):
    study, out, folder = trained
    found = results.open_result(folder)
    assert dict(found.sizes) == {
        "layer": 8,
        "n": 2,
        "repetition": 3,
        "estimator": 5,
    }  # 2 seeds, 2 epochs, 2 layers
    kept = results.open_result(run_folder.folder_of(out, study.experiment), "main_activations")
    true = measure(kept.words_hidden_2.values[1, 1], kept.y.values[1], population=True, bits=4)
    assert (float(found.truth[7]), float(found.truth_ty[7])) == pytest.approx(
        (true.xt.value, true.ty.value)
    )
    assert found.bits.values.tolist() == [6, 4] * 4
    error = abs(found.estimate.sel(estimator="plugin", n=2000) - found.truth)
    assert (
        float(error.max()) < 0.15
        and float(abs(found.i_ty.sel(n=2000) - found.truth_ty).max()) < 0.15
    )
    assert (found.null_ty >= 0).all() and set(np.unique(found.verdict_ty)) <= {1, 2, 3}
    scores = verdict_scores.scores(found)
    assert [scores[name].n_samples for name in ("I(X;T)", "I(T;Y)")] == [48, 48]
    assert scores["I(T;Y)"].n_reliable == (found.verdict_ty == 2).sum() and np.isnan(
        scores["I(T;Y)"].covered
    )


def test_a_study_of_rare_patterns_scores_each_family(tmp_path, monkeypatch):
    monkeypatch.setattr(tail_cells, "_tried", lambda: MIXTURES)
    monkeypatch.setattr(tail_cells, "label_cells", lambda kept_aside: DETECTORS)
    monkeypatch.setattr(tails, "label_cells", lambda kept_aside: DETECTORS)
    study = LongTails(n=(300, 3000), repetitions=3)
    found = results.open_result(runner.run_known_truth(study, tmp_path))
    assert dict(found.sizes) == {"cell": 2, "n": 2, "alphabet": 2, "repetition": 3, "label_cell": 1}
    np.testing.assert_allclose(found.truth, [cell.distribution.entropy for cell in MIXTURES])
    told = tail_scores.scores(found)
    assert [(one.family, one.alphabet, one.n) for one in told] == [
        ("mixture", "known", 300),
        ("mixture", "known", 3000),
        ("mixture", "2^64", 300),
        ("mixture", "2^64", 3000),
        ("unequal classes", "labels", 300),
        ("unequal classes", "labels", 3000),
    ]
    known = told[1]
    # The few patterns are reliable, the long tail is not.
    assert known.reliable == 0.5 and known.wrong == known.far == 0 and known.found == 1
    assert known.covered > 0.5 and known.width < 0.2 and told[2].reliable == 0
    assert told[5].reliable == 0 and np.isnan(told[5].wrong)
    text = str(score_table.tail_table(told).columns[0]._cells)
    assert "mixture" in text and "unequal classes" in text


def test_all_distributions_of_the_study_differ_and_none_is_in_both():
    for kind in (tail_cells.cells, tail_cells.label_cells):
        tried = kind(False)
        aside = kind(True)
        both = [*tried, *aside]
        assert len(set(both)) == len(both) and len(tried) > 30 and len(aside) > 8


@pytest.mark.slow
def test_figures_of_both_kinds_are_drawn(folder, trained, tmp_path):
    bernoulli, layers = (
        study_figures.plot_study(results.open_result(f)) for f in (folder, trained[2])
    )
    assert set(bernoulli) == set(layers) == {"errors", "variances", "verdicts", "rightness"}
    assert len(bernoulli["errors"].axes) == 4 and len(bernoulli["verdicts"].axes) == 2
    assert [ax.get_title() for ax in layers["errors"].axes] == ["4 units", "6 units"]
    for name, figure in {**bernoulli, **{f"layers-{k}": v for k, v in layers.items()}}.items():
        assert all(path.stat().st_size > 5000 for path in save_figure(tmp_path, name, figure))


def test_one_sample_alone_has_no_variance(trained):
    found = results.open_result(trained[2]).isel(repetition=[0])
    figure = study_figures.plot_study(found)["variances"]
    assert np.isnan(figure.axes[0].get_lines()[0].get_ydata()).all()


def test_studies_go_through_json_and_can_be_changed():
    for name in ("regime", "regime-szt", "regime-mnist"):
        study, _ = studies.find(name)
        assert config.from_json(config.to_json(study)) == config.normal(study)
    study, _ = studies.find("regime-szt")
    changed = override(override(study, "repetitions=3"), "experiment.train.epochs=7")
    assert (changed.repetitions, changed.experiment.train.epochs) == (3, 7)
    assert config.digest(changed) != config.digest(study)
    with pytest.raises(ValueError, match="expected n >= 1, rising, got"):
        override(study, "n=10,5")


def test_a_study_s_folder_is_no_run_of_networks(folder):
    with pytest.raises(
        ValueError, match="expected the folder of a run of networks, got that of regime"
    ):
        run_folder.read_config(folder)


def test_a_study_needs_kept_activations(tiny):
    with pytest.raises(ValueError, match="whose first probe keeps activations"):
        Resampled("none", tiny, n=(10,))
    kept = dataclasses.replace(
        tiny, probes=(dataclasses.replace(tiny.probes[0], activations_at=(0,)),)
    )
    with pytest.raises(ValueError, match="expected repetitions >= 1"):
        Resampled("none", kept, n=(10,), repetitions=0)
