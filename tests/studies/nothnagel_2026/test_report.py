"""The report of Nothnagel & Geiger 2026 on runs made by hand, whose falls and correlations are
known."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import xarray

from jaxbnn import config, data, studies
from jaxbnn.analysis import networks
from jaxbnn.cli.main import main
from jaxbnn.info.reliability import VERDICTS
from jaxbnn.storage import results
from jaxbnn.studies import report
from jaxbnn.studies.nothnagel_2026 import figures, findings, layers, unit_tables
from jaxbnn.studies.nothnagel_2026.cause_tables import cause_table
from jaxbnn.studies.nothnagel_2026.compression_tables import compression_table
from jaxbnn.studies.nothnagel_2026.correlation_tables import correlation_table, trait_table
from jaxbnn.studies.nothnagel_2026.estimator_tables import estimator_table
from jaxbnn.studies.nothnagel_2026.experiments import BEYOND, GRID, NOTHNAGEL_2026
from jaxbnn.studies.nothnagel_2026.run_values import end_i_xt, factor
from jaxbnn.studies.study import Run

EPOCH = np.arange(0, 201)
REPORT = NOTHNAGEL_2026.report()
NEVER = partial(pytest.fail, "no network is looked at")


def made(experiment, end, accuracy, verdict="reliable", label=""):
    """A run whose hidden layers rise to 2 bits until epoch 100 and then fall to `end` [S], at this
    test accuracy."""
    end, accuracy = np.asarray(end, float), np.asarray(accuracy, float)
    n, layers = len(end), [*experiment.model.layer_names, "output"]
    after = 2 + (end[:, None] - 2) * np.clip((EPOCH - 100) / 40, 0, 1)
    curve = np.where(EPOCH <= 100, np.minimum(2, EPOCH / 50), after)
    i_xt = np.repeat(curve[..., None], len(layers), axis=2)
    plane, seed = ("seed", "epoch", "layer"), ("seed",)
    code = np.full(i_xt.shape, VERDICTS.index(verdict), np.int8)
    curves = {
        "test_accuracy": np.repeat(accuracy[:, None], len(EPOCH), 1),
        "test_loss": np.ones((n, len(EPOCH))),
    }
    spectrum = {
        "t_multiplicity": np.full((*i_xt.shape, 1), 2),
        "t_number": np.full((*i_xt.shape, 1), 2),
    }
    result = xarray.Dataset(
        {
            **{name: (plane, i_xt / (2 if name == "i_ty" else 1)) for name in ("i_xt", "i_ty")},
            **dict.fromkeys(("verdict_xt", "verdict_ty"), (plane, code)),
            "n_patterns": (plane, np.ones(i_xt.shape, int)),
            "null_ty": (plane, np.zeros(i_xt.shape)),
            **{name: (("seed", "epoch"), values) for name, values in curves.items()},
            **{name: (seed, np.full(n, bits)) for name, bits in (("h_x", 12.0), ("h_y", 1.0))},
            "class_size": (("seed", "label"), np.full((n, 2), 2)),
            **{f"{key}_size": (plane, np.ones(i_xt.shape, int)) for key in ("t", "ty")},
            **{
                name.replace("t_", f"{k}_"): ((*plane, f"{k}_entry"), v)
                for k in ("t", "ty")
                for name, v in spectrum.items()
            },
        },
        {"seed": np.arange(n), "epoch": EPOCH, "layer": layers},
        {
            "population": 0,
            "example_shape": "12",
            "digest": config.digest(experiment),
            "labels_sha256": "0" * 64,
        },
    )
    return Run(experiment, label, {"": result}, NEVER, NEVER)


@pytest.fixture
def cubes():
    """SZT under each decay: three runs a setting, the more they fall the better they are, the
    second setting apart."""
    settings = GRID["szt"]
    ends = {e.name: 1.9 - 0.1 * i - 0.01 * np.arange(3) for i, e in enumerate(settings)}
    runs = {e.name: made(e, ends[e.name], 1 - ends[e.name] / 4, "population") for e in settings}
    control = BEYOND["szt-controls"][0]
    return runs | {control.name: made(control, [1.95, 1.95, 1.95], [0.5, 0.5, 0.5], "population")}


def column(table, name):
    return [row[table.rows[0].index(name)] for row in table.rows[1:]]


def test_factor_and_fall_of_known_curves(cubes):
    hidden = layers.group_layers(cubes, "szt")
    assert len(hidden) == 11 * 5 and [layer.depth for layer in hidden[:5]] == [-5, -4, -3, -2, -1]
    np.testing.assert_allclose(hidden[4].factor, [0.05, 0.055, 0.06], atol=1e-9)
    found = compression_table(cubes)
    assert column(found, "layer") == ["hidden_5 (-1)", "hidden_4 (-2)"] and column(
        found, "runs"
    ) == ["33", "33"]
    # the largest mean of 50 epochs is of epochs 76 .. 125, a little below 2
    assert column(found, "compresses") == ["yes", "yes"] and column(found, "of the untrained") == [
        "0.025",
        "0.025",
    ]
    assert (
        column(found, "of shuffled labels") == ["-", "-"]
        and column(found, "I(X;T) trusted") == ["33 of 33"] * 2
    )


def test_correlations_of_known_runs(cubes):
    found = correlation_table("name", "heading", end_i_xt, cubes)
    assert [value[:5] for value in column(found, "pooled")] == ["-1.00"] * 5
    assert [value[:5] for value in column(found, "within settings")] == ["-1.00"] * 5
    factors = correlation_table("name", "heading", factor, cubes)
    assert column(factors, "pooled")[0].startswith("1.00")
    assert findings.generalises(cubes).number.startswith("szt +1.00")
    assert trait_table(cubes).rows[1][:4] == ["szt", "hidden_5 (-1)", "end of I(T;Y)", "11"]


def test_what_is_undefined_too_few_lost_or_doubtful_is_said_so(cubes):
    few = {e.name: made(e, [1.5], [0.7]) for e in GRID["mnist-small"][:3]}
    level = {e.name: made(e, [1.5, 1.4, 1.3], [0.7] * 3) for e in GRID["mnist-raj"][:2]}
    lost = {
        e.name: made(e, [1.0 + 0.1 * i, np.nan, 1.5], [0.6 + 0.1 * i, 0.5, 0.7])
        for i, e in enumerate(GRID["mnist-lenet"][:4])
    }
    doubtful = {
        e.name: made(
            e, [1.0 + 0.1 * i, 1.5], [0.6 + 0.1 * i, 0.7], "saturated" if i else "reliable"
        )
        for i, e in enumerate(GRID["fashion-small"][:4])
    }
    found = correlation_table("name", "heading", end_i_xt, few | level | lost | doubtful)
    cells = {
        row[0]: dict(zip(found.rows[0], row, strict=True))
        for row in found.rows[1:]
        if "(-1)" in row[1]
    }
    assert (cells["mnist-small"]["pooled"], cells["mnist-small"]["runs"]) == ("undefined", "3 of 3")
    assert cells["mnist-raj"]["pooled"] == "undefined" and cells["mnist-lenet"]["runs"] == "8 of 12"
    assert cells["fashion-small"]["trusted runs"] == "2 of 8"
    assert cells["fashion-small"]["pooled over them"] == "undefined"
    p_values = [
        i for i, heading in enumerate(found.rows[0]) if heading.startswith("p,") or heading == "p"
    ]
    row = next(row for row in found.rows if row[0] == "mnist-small")
    assert len(p_values) == 6 and {row[i] for i in p_values} == {"-"}


def test_one_cause_at_a_time():
    base, *others = BEYOND["szt-causes"]
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.normal(size=(2, 16))
    start = made(base, np.full(16, 1.5), np.full(16, 0.7))
    better = made(others[0], 1.2 + noise[0], 0.8 + noise[1])  # falls more, is more accurate
    worse = made(others[1], 1.2 + noise[0], 0.6 + noise[1])
    same = made(others[2], 1.2 + noise[0], 0.7 + noise[1] - noise[1].mean())
    runs = {run.experiment.name: run for run in (start, better, worse, same)}
    found = cause_table(runs)
    assert column(found, "changed") == ["decay-0_5", "decay-1", "decay-2"]
    assert (
        column(found, "both go") == ["together", "apart", "unsure"]
        and column(found, "seeds") == ["16"] * 3
    )
    assert column(found, "test accuracy")[0].startswith("+0.10")
    assert cause_table({}).rows[1:] == []
    later = better.results[""].assign_coords(seed=np.arange(8, 24))  # eight seeds are in both
    shifted = {**runs, better.experiment.name: better._replace(results={"": later})}
    assert column(cause_table(shifted), "seeds") == ["8", "16", "16"]
    short = {**runs, better.experiment.name: better._replace(label="train.epochs=200 (not 8000)")}
    assert column(cause_table(short), "changed") == ["decay-1", "decay-2"]
    figures.causes(runs)


def test_estimators_are_asked_of_samples_alone(cubes):
    e, *_ = GRID["szt"]
    found = estimator_table({e.name: made(e, [1.5] * 4, [0.5, 0.6, 0.7, 0.8])})
    assert found.rows[0][3:5] == ["plugin", "miller_madow"] and len(found.rows) == 6
    # two patterns, each seen twice: one bit, and (2 - 1)/(2 x 4 ln 2) more by Miller and Madow; the
    # same in all runs
    assert found.rows[1][3:5] == ["1.00; undefined; -", "1.18; undefined; -"]
    exact = made(e, [1.5] * 4, [0.5, 0.6, 0.7, 0.8])
    exact.results[""].attrs["population"] = 1
    assert set(estimator_table({e.name: exact}).rows[1][4:]) == {"-"}


def test_every_claim_has_a_finding(cubes):
    found = {claim.id: claim.judge(cubes) for claim in REPORT.claims}
    assert list(found) == [f"S0-{i}" for i in range(1, 8)]
    assert {found[name].verdict for name in ("S0-1", "S0-2", "S0-3", "S0-7")} == {"confirmed"}
    assert (
        found["S0-5"].verdict == "too weak to say"
        and "falls of the untrained up to" in found["S0-3"].number
    )
    short = {name: run._replace(label="train.epochs=200 (not 8000)") for name, run in cubes.items()}
    for claim in REPORT.claims[2:6]:
        told = claim.judge(short)
        assert told.verdict == "too weak to say" and (
            "shortened" in told.number or "no group" in told.number
        )
    assert all(
        claim.judge({}).verdict in ("confirmed", "too weak to say") for claim in REPORT.claims
    )


def test_more_that_is_known_of_claims(cubes):
    other = {
        e.name: made(e, 1.9 - 0.1 * i - 0.01 * np.arange(3), 0.5 + 0.02 * i + 0.001 * np.arange(3))
        for i, e in enumerate(GRID["mnist-small"])
    }
    assert findings.generalises(cubes | other).verdict == "contradicted"
    assert findings.depends(cubes | other).verdict == "too weak to say"
    told = findings.compresses(cubes | other)
    assert (
        "33" not in told.number
        and "left out, for no untrained network has a run: mnist-small" in told.number
    )
    # the end of I(T;Y) says more than the factor where accuracy follows it and the factor is noise
    rng, settings = np.random.default_rng(0), GRID["szt"]
    runs = {}
    for i, e in enumerate(settings):
        runs[e.name] = made(e, 1.0 + 0.5 * rng.random(3), np.full(3, 0.5 + 0.01 * i))
        runs[e.name].results[""]["i_ty"][:] = 0.1 + 0.05 * i
    found = findings.traits_predict(runs)
    assert found.verdict == "confirmed" and found.number.startswith("szt, end of I(T;Y): +1.00")


def test_a_run_whose_networks_cannot_be_seen_is_told(cubes):
    def gone():
        raise ValueError("expected the last checkpoints of all seeds, without 0, 1, 2")

    split = partial(data.load, data.Szt())
    runs = {name: run._replace(split=split, networks=gone) for name, run in cubes.items()}
    (row,) = unit_tables.unit_table(runs).rows[1:]
    assert row[0] == "szt-wd-0" and row[1].startswith("not seen: expected the last checkpoints")
    assert len(unit_tables.unit_figure(runs).axes) == 1


def test_two_groups_that_differ_confirm_that_the_link_depends(cubes):
    worse = {
        e.name: made(e, 1.9 - 0.1 * i - 0.01 * np.arange(3), 0.5 - 0.02 * i - 0.001 * np.arange(3))
        for i, e in enumerate(GRID["mnist-small"])
    }
    assert findings.depends(cubes | worse).verdict == "confirmed"
    assert findings.generalises(cubes | worse).verdict == "confirmed"
    assert findings.generalises(cubes).verdict == "too weak to say"


@pytest.mark.slow
def test_an_incomplete_grid_is_drawn_and_what_is_missing_is_listed(cubes, tmp_path, monkeypatch):
    runs = {name: run for i, (name, run) in enumerate(cubes.items()) if i != 3}
    runs |= {e.name: made(e, [1.5, 1.2], [0.7, 0.8], "biased") for e in GRID["mnist-small"][:2]}
    monkeypatch.setattr(unit_tables, "first_settings", lambda runs: {})
    study = NOTHNAGEL_2026._replace(report=None)
    path = report.write(study, REPORT, runs, tmp_path)
    text = path.read_text()
    assert "| szt | 10 of 11 | 30 of 33 | szt-wd-0_5 | no |" in text
    assert "| fashion-small | 0 of 11 | 0 of 33 | all | no |" in text
    pictures = {p.stem for p in tmp_path.glob("*.png")}
    assert {
        "regime",
        "planes_szt",
        "planes_szt_seeds",
        "planes_mnist-small",
        "swarm",
        "swarm_as_drawn",
    } < pictures
    assert "planes_fashion-small" not in pictures and "causes" not in pictures
    assert {p.stem for p in tmp_path.glob("*.tex")} == {p.stem for p in tmp_path.glob("*.csv")}
    assert (tmp_path / "compression.csv").read_text().startswith("group,layer,runs")
    assert "## One cause" not in text and "planes_szt_seeds.pdf" in {
        p.name for p in tmp_path.iterdir()
    }


def test_the_authors_figure_leaves_settings_out(cubes):
    drawn = [
        layer
        for layer in layers.group_layers(cubes, "szt")
        if figures.in_authors_swarm(layer) and layer.depth == layers.LAST
    ]
    assert sorted(layer.decay for layer in drawn) == [0.2, 0.5, 0.7, 1.1, 1.2, 1.5, 1.7, 2.0]


def test_units_of_trained_networks(tiny, finished):
    probe, split = tiny.probes[0], partial(data.load, tiny.data)
    result = results.open_result(finished)
    run = Run(tiny, "", {"": result}, partial(networks.load_networks, finished), split)
    found = unit_tables.dependences(run)
    assert probe.sample == "all" and list(found) == ["hidden_1", "hidden_2"]
    last = result.isel(epoch=-1)
    for name, of in found.items():
        np.testing.assert_allclose([d.h_t for d in of], last.i_xt.sel(layer=name), atol=1e-5)
        assert all(d.h_t <= d.h_units + 1e-6 for d in of)


def test_no_run_at_all_is_refused_with_the_command(tmp_path, capsys):
    command = ["report", "nothnagel2026", "--runs", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(command) == 2 and not (tmp_path / "out").exists()
    assert "expected finished runs of nothnagel2026 in" in capsys.readouterr().err


def test_what_a_report_takes_is_what_can_be_run():
    named = [e.name for e in studies.settings("nothnagel2026")]
    assert sorted(REPORT.takes) == sorted(named) and not REPORT.needs
    wide = dataclasses.replace(GRID["mnist-bottleneck"][0], seeds=(0, 1))
    figures.planes("mnist-bottleneck", slice(None), {wide.name: made(wide, [1.5, 1.4], [0.7, 0.8])})
