import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest

from jaxbnn import info, studies
from jaxbnn.analysis import comparison
from jaxbnn.cli import report, run, selection, startup
from jaxbnn.cli.argument_types import seeds
from jaxbnn.cli.arguments import parser
from jaxbnn.cli.main import main
from jaxbnn.cli.measure import plain
from jaxbnn.engine import cost
from jaxbnn.engine.devices import count_cores
from jaxbnn.storage import results, run_folder


def sets(*changes):
    """The options that make these changes."""
    return [word for change in changes for word in ("--set", change)]


SMALL = sets("model.widths=4,3", "seeds_per_program=3")
SHORT = [*SMALL, *sets("train.epochs=3")]


@pytest.fixture(autouse=True)
def signals_are_python_s_own(monkeypatch):
    """Under nohup, and in the background of a script, SIGINT and SIGHUP are ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def cores_are_in_use(monkeypatch):
    """JAX has started in the tests, so the command line must not start it."""
    for commands in (report, startup):
        monkeypatch.setattr(commands, "use_cores", lambda n=None: None)


def n_finished(root):
    """How many runs below a folder have finished seeds."""
    folders = [path.parent for path in root.rglob("config.json")]
    return sum(bool(results.finished_seeds(folder)) for folder in folders)


def said(capsys, *arguments, code=0):
    assert main(list(arguments)) == code
    return capsys.readouterr()


def refused(capsys, *arguments):
    """The one line that bad input gets."""
    try:
        code = main(list(arguments))
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1 and err.startswith("jaxbnn: error: "), (
        code,
        out,
        err,
    )
    return err


def test_list_names_every_experiment(capsys):
    out = said(capsys, "list").out
    for name in ("demo", "szt", "tictactoe", "mnist-small"):
        assert re.search(rf"^{name} ", out, re.M)
    assert re.search(r"^nothnagel2026 +mnist-lenet +Mnist +11 +300 +3", out, re.M)


def test_show_prints_config_and_assumptions_and_starts_nothing(capsys, monkeypatch):
    monkeypatch.setattr(startup, "start", lambda options: pytest.fail("JAX was started"))
    monkeypatch.setattr(cost, "estimate", lambda *_, **__: pytest.fail("a cost was estimated"))
    out = said(capsys, "show", "demo", "--seeds", "2", *SHORT, "--seeds-per-program", "2").out
    shown = json.loads(out[: out.index("\n}\n") + 2])
    assert shown["train"]["epochs"] == 3 and shown["seeds_per_program"] == 2
    for assumption in studies.find("demo")[1].assumptions:
        assert assumption in out
    assert "On this machine" not in out


def test_show_says_what_a_run_costs_when_it_is_asked(capsys, monkeypatch):
    monkeypatch.setattr(cost, "TIMED_SECONDS", 0.1)
    chosen = "jaxbnn.engine.cost.choose_seeds_per_program"
    monkeypatch.setattr(chosen, lambda experiment, out, root, say, devices: 3)
    command = ("show", "demo", "--cost", "--seeds", "2", *SHORT, "--seeds-per-program", "auto")
    out = said(capsys, *command).out
    assert json.loads(out[: out.index("\n}\n") + 2])["seeds_per_program"] == 3
    assert re.search(r"On this machine: about \d+ s \(\d+ s of it compiling\), \d+ MiB", out)


@pytest.mark.slow
def test_several_values_are_run_one_after_another_and_end_in_one_table(capsys, tmp_path):
    changes = sets(
        "model.widths=4,3",
        "seeds_per_program=4",
        "train.optimiser=AdamW",
        "train.decay=0,0.5",
        "train.epochs=2",
    )
    command = ("run", "demo", "--seeds", "2", "--out", str(tmp_path), *changes)
    first = said(capsys, *command)
    assert "2 settings, 2 to run, 1 programs: about" in first.err
    assert re.search(r"\[2/2\] demo .*train.decay=0.5 \(not 0.0\)", first.err)
    assert n_finished(tmp_path) == 2 and first.out.count("hidden_2") == 2
    table = re.sub(r"[│\s]+", "", first.out)
    assert (
        "train.decay=0.5" in table
        and "changed:model.widths=[4,3](not[10,8,6,4,2]),train.epochs=2" in table
    )
    again = said(capsys, *command)
    assert "2 settings, 0 to run, 1 programs: nothing to do" in again.err and again.out == first.out


@pytest.mark.slow
def test_a_grid_is_run_by_groups_and_made_smaller(capsys, tmp_path, monkeypatch):
    cubes = studies.settings("nothnagel2026", "szt")[-2:]
    one_probe = tuple(dataclasses.replace(each, probes=each.probes[:1]) for each in cubes)
    monkeypatch.setitem(studies.NOTHNAGEL_2026.grid, "szt", one_probe)
    monkeypatch.setattr(cost, "estimate", lambda *_, **__: cost.Cost(1.0, 60.0, 1))
    shape = (*SMALL, "--seeds", "1")
    out = said(
        capsys,
        "run",
        "nothnagel2026",
        "--only",
        "szt",
        "--scale",
        "0.0002",
        "--out",
        str(tmp_path),
        *shape,
    )
    assert "2 settings, 2 to run, 1 programs: about 1 min 0 s" in out.err
    assert "[1/2] nothnagel2026/szt-wd-1_7" in out.err and "[2/2] nothnagel2026/szt-wd-2" in out.err
    assert "train.epochs=2 (not 8000)" in out.err and n_finished(tmp_path) == 2
    assert "expected a group of nothnagel2026" in refused(
        capsys, "run", "nothnagel2026", "--only", "mnist"
    )
    assert "--only with a grid" in refused(capsys, "run", "szt", "--only", "szt")
    assert "scale above 0 and at most 1, got 0.0" in refused(
        capsys, "run", "nothnagel2026", "--scale", "0"
    )
    assert "scale above 0 and at most 1, got 2.0" in refused(
        capsys, "run", "nothnagel2026", "--scale", "2"
    )


def test_a_signal_between_two_programs_ends_the_grid(capsys, tmp_path, monkeypatch):
    def finished(experiments, out, data_root, devices, report, stop):
        stop.__self__._ask(None, None)  # as the last chunk ends
        done.extend(experiments)

    done = []
    monkeypatch.setattr(run, "unfinished", lambda experiment, options: experiment not in done)

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(run, "run_together", finished)
    monkeypatch.setattr(cost, "estimate", lambda *_, **__: cost.Cost(1.0, 60.0, 1))
    command = ("run", "nothnagel2026", "--only", "szt,szt-controls", "--out", str(tmp_path))
    err = said(capsys, *command, code=run.STOPPED).err
    assert "[12/13]" in err and "[13/13]" not in err and "stopped: the same command goes on" in err


def test_a_signal_while_the_time_is_estimated_ends_before_the_run(capsys, tmp_path, monkeypatch):
    def asked(*_, **__):
        signal.raise_signal(signal.SIGINT)
        return cost.Cost(1.0, 60.0, 1)

    monkeypatch.setattr(cost, "estimate", asked)
    err = said(capsys, "run", "demo", "--out", str(tmp_path), code=run.STOPPED).err
    assert "stopped: the same command begins" in err and list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_command_says_so_in_one_line(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "open_result", interrupted)
    assert said(capsys, "plot", "somewhere", code=130).err == "jaxbnn: interrupted\n"


def test_seeds_per_program_are_a_number_or_auto(capsys):
    for wrong in ("0", "-1", "many", "1.5", "65537"):
        assert "expected auto or a number from 1 to 65536" in refused(
            capsys, "show", "demo", "--seeds-per-program", wrong
        )
    options = parser().parse_args(["run", "demo", "--seeds-per-program", "4"])
    assert (
        selection.with_seeds_per_program(studies.find("demo")[0], options, []).seeds_per_program
        == 4
    )


@pytest.mark.slow
def test_a_long_run_says_what_it_takes_and_one_that_does_not_fit_is_refused(
    capsys, monkeypatch, tmp_path
):
    estimate, largest = cost.estimate, cost.largest_seeds_per_program
    monkeypatch.setattr(run, "run", lambda *_, **__: (_ for _ in ()).throw(ValueError("ran")))
    monkeypatch.setattr(cost, "estimate", lambda *_, **__: cost.Cost(2.0, 60.0, 2**20))
    assert main(["run", "demo", "--out", str(tmp_path)]) == 2
    assert (
        "demo: about 1 min 2 s (2 s of it compiling), 1 MiB in the programs\n"
        in capsys.readouterr().err
    )
    monkeypatch.setattr("jaxbnn.engine.cost.room", lambda devices: 2**14)
    monkeypatch.setattr(cost, "estimate", estimate)
    monkeypatch.setattr(cost, "largest_seeds_per_program", lambda *_, **__: 5)
    assert (
        "fewer seeds a program take less, --seeds-per-program 5 is the largest number that fits\n"
        in refused(capsys, "run", "demo", "--seeds", "8", *SHORT, "--out", str(tmp_path))
    )
    monkeypatch.setattr(cost, "largest_seeds_per_program", largest)
    assert "fewer seeds a program take less, not even one fits" in refused(
        capsys, "run", "demo", "--seeds", "2", *SHORT, "--out", str(tmp_path)
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A finished short demo of three seeds: (what was printed, folder)."""
    out = tmp_path_factory.mktemp("cli")
    command = [
        sys.executable,
        "-m",
        "jaxbnn",
        "run",
        "demo",
        "--seeds",
        "3",
        *SHORT,
        "--out",
        str(out),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done, run_folder.Path(done.stdout.splitlines()[-1])


def test_run_ends_with_a_table_and_the_folder_and_is_quiet_when_not_a_terminal(demo):
    done, folder = demo
    assert done.stderr == "" and results.finished_seeds(folder) == (0, 1, 2)
    table = done.stdout
    for word in (
        "demo, epoch 3",
        "hidden_1",
        "hidden_2",
        "output",
        "I(X;T) [bit]",
        "I(T;Y) [bit]",
        "3 seeds (0 diverged)",
    ):
        assert word in table
    result = results.open_result(folder)
    assert result.seed.values.tolist() == [0, 1, 2]
    assert f"{float(result.i_xt.isel(epoch=-1).sel(layer='hidden_1').mean()):.4f}" in table
    (block,) = results.finished_blocks(folder)
    assert block.facts["provenance"]["thread_pool"] == str(max(2, count_cores()))
    assert (
        "\nchanged: model.widths=[4, 3] (not [10, 8, 6, 4, 2]), train.epochs=3 (not "
        "1000), seeds_per_program=3 (not " in table
    )


def test_run_again_says_so_and_more_seeds_are_added(demo, capsys):
    _, folder = demo
    out = str(folder.parent.parent)
    again = said(capsys, "run", "demo", "--seeds", "3", *SHORT, "--out", out)
    assert "finished already: nothing to do" in again.err and again.out.splitlines()[-1] == str(
        folder
    )
    said(capsys, "run", "demo", "--seeds", "2:5", *SHORT, "--out", out)
    assert results.open_result(folder).seed.values.tolist() == [0, 1, 2, 3, 4]


def test_plot_writes_plane_and_curves_into_the_folder(demo, capsys):
    _, folder = demo
    out = said(capsys, "plot", str(folder)).out
    for name in ("plane.png", "curves.png", "plane.pdf", "curves.pdf"):
        assert str(folder / name) in out and (folder / name).stat().st_size > 5_000
    assert (folder / "plane.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_measure_prints_a_table_or_json(tmp_path, capsys):
    path = tmp_path / "a.npz"
    np.savez(path, t=[[1, -1], [1, 1], [1, 1], [-1, 1]], y=[0, 1, 1, 1])
    found = json.loads(said(capsys, "measure", str(path), "--json").out)
    assert list(found) == ["xt", "ty", "counts", "h_y", "population", "tolerance"]
    counts = found["counts"]
    assert (counts["n"], counts["d"], counts["n_patterns"], counts["n_singletons"]) == (4, 2, 3, 2)
    assert found["xt"]["value"] == 1.5 and found["ty"]["value"] == pytest.approx(0.811278124459)
    assert counts["certified"] and not found["population"]
    out = said(capsys, "measure", str(path)).out
    assert (
        "1.500000 bit (at most log2 N = 2.000000)" in out
        and "0.811278 bit (at most H(Y) = 0.811278)" in out
    )
    assert json.loads(said(capsys, "measure", str(path), "--json", "--population").out)[
        "population"
    ]


def test_measure_says_how_far_to_trust_a_sample(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    for d, verdict, needed in (
        (4, "reliable", "of the 2000 suffice"),
        (64, "saturated", "more than 2000; guesses: 1.4e+07"),
    ):
        np.savez(tmp_path / "a.npz", t=rng.choice([-1, 1], (2000, d)), y=y)
        out = said(capsys, "measure", str(tmp_path / "a.npz")).out
        assert (
            verdict in out
            and needed in out
            and ("bit at least, 64 at most" in out) == (verdict == "saturated")
        )
        found = json.loads(said(capsys, "measure", str(tmp_path / "a.npz"), "--json").out)
        assert found["xt"]["verdict"] == verdict
        assert (found["xt"]["n_needed"] is None) == (d == 64)
    assert found["ty"]["verdict"] == "saturated"
    assert found["ty"]["null"] == pytest.approx(found["h_y"], abs=0.01)
    assert (
        "reliable"
        not in said(capsys, "measure", str(tmp_path / "a.npz"), "--tolerance", "0.01").out
    )


def test_measure_takes_packed_words_and_refuses_padding_that_is_not_0(tmp_path, capsys):
    words = np.array([[1], [3], [3], [2]], np.uint32)
    np.savez(tmp_path / "a.npz", words=words, bits=2, y=[0, 1, 1, 1])
    found = json.loads(said(capsys, "measure", str(tmp_path / "a.npz"), "--json").out)
    assert found["xt"]["value"] == 1.5
    np.savez(tmp_path / "a.npz", words=words + 4, bits=2, y=[0, 1, 1, 1])
    assert "expected words with no bit at or above 2 (padding is 0)" in refused(
        capsys, "measure", str(tmp_path / "a.npz")
    )


def test_measure_gives_a_line_for_each_layer_of_a_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    layers = {"t_10": 2 * y[:, None] - 1, "t_2": rng.integers(0, 3, (40, 2, 2)), "t": y[:, None]}
    np.savez(tmp_path / "a.npz", **layers, y=y[:, None])
    found = json.loads(said(capsys, "measure", str(tmp_path / "a.npz"), "--json").out)
    assert list(found) == ["t_10", "t_2", "t"]  # as they stand in the file
    for name, t in layers.items():
        assert found[name] == json.loads(json.dumps(plain(info.measure(t, y))))
    out = said(capsys, "measure", str(tmp_path / "a.npz")).out
    rows = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert [name for name in rows if name] == ["t_10", "t_2", "t"]
    assert "N = 40 examples, H(Y) = 1.000000 bit, tolerance 0.1 bit" in out


def test_measure_gives_a_line_for_each_epoch_of_an_array(tmp_path, capsys):
    y = np.arange(40) % 2
    epochs = np.random.default_rng(0).choice([-1, 1], (3, 40, 5))
    np.savez(tmp_path / "a.npz", t=epochs, y=y)
    found = json.loads(said(capsys, "measure", str(tmp_path / "a.npz"), "--json").out)
    assert list(found) == ["t[0]", "t[1]", "t[2]"]
    for epoch, t in enumerate(epochs):
        assert found[f"t[{epoch}]"] == json.loads(json.dumps(plain(info.measure(t, y))))
    np.savez(tmp_path / "a.npz", t=epochs.transpose(1, 0, 2), y=y)  # [N, ...]: one layer
    found = json.loads(said(capsys, "measure", str(tmp_path / "a.npz"), "--json").out)
    assert found["counts"]["d"] == 15


def test_an_array_that_could_be_epochs_or_examples_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", t=np.ones((4, 4, 2)), y=np.arange(4))
    message = refused(capsys, "measure", str(tmp_path / "a.npz"))
    assert "expected t [N, D] or [E, N, D], got [4, 4, 2] with 4 labels, which is both" in message


def test_a_bad_layer_of_a_file_is_named(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", t_1=np.ones((4, 2)), t_2=np.ones((3, 2)), y=np.arange(4))
    message = refused(capsys, "measure", str(tmp_path / "a.npz"))
    assert "t_2: expected t and y of one length, got (3, 2) and (4,)" in message


def test_bfloat16_without_its_type_is_refused_with_what_to_do(tmp_path, capsys):
    t = np.ones((4, 2), ml_dtypes.bfloat16)
    np.savez(tmp_path / "a.npz", t=t, y=np.arange(4))
    assert "lose their type in .npz: save them as float32" in refused(
        capsys, "measure", str(tmp_path / "a.npz")
    )


def test_measure_estimates_a_finished_run_anew(demo, capsys):
    _, folder = demo
    result = results.open_result(folder)
    for arguments in ((), ("--estimator", "nsb")):
        out = said(capsys, "measure", str(folder), *arguments).out
        assert "hidden_1" in out and "a population: its plug-in values are exact" in out
    found = json.loads(said(capsys, "measure", str(folder), "--estimator", "plugin", "--json").out)[
        "main"
    ]
    assert found["layer"] == ["hidden_1", "hidden_2", "output"] and found["i_xt"][0][2] is None
    assert found["i_xt"][0][0] == pytest.approx(float(result.i_xt.values[0, -1, 0]), abs=1e-5)
    assert "expected an estimator among plugin" in refused(
        capsys, "measure", str(folder), "--estimator", "best"
    )
    assert "expected --population and --tolerance with an .npz" in refused(
        capsys, "measure", str(folder), "--population"
    )


@pytest.mark.slow
def test_a_study_of_estimators_runs_and_is_drawn_again(tmp_path, capsys):
    short = (*sets("p=0.5,0.9", "n=100", "d=2,40", "repetitions=2"), "--out", str(tmp_path))
    done = said(capsys, "run", "regime", *short)
    folder = run_folder.Path(done.out.splitlines()[-1])
    assert "p 0.9, N 100:" in done.err and "p = 0.9" in done.out and "100.0 %" in done.out
    drawn = {
        f"{name}.{kind}"
        for name in ("errors", "variances", "verdicts", "rightness")
        for kind in ("png", "pdf")
    }
    assert drawn <= {path.name for path in folder.iterdir()}
    assert str(folder / "verdicts.png") in said(capsys, "plot", str(folder)).out
    assert "finished already" in said(capsys, "run", "regime", *short).err
    assert '"repetitions": 20' in said(capsys, "show", "regime").out
    assert "expected no --seeds with regime" in refused(capsys, "run", "regime", "--seeds", "3")


def test_two_runs_are_compared(demo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(comparison, "MIN_SEEDS", 3)
    folder = str(demo[1])
    n = results.open_result(folder).sizes["seed"]
    out = said(capsys, "compare", folder, folder).out
    assert (
        "A demo, minus B demo, epoch 3" in out
        and f"{n} and {n} seeds, 4 shared epochs" in out
        and "hidden_2" in out
    )
    assert "\nA changed: model.widths=[4, 3]" in out and "\nB changed: model.widths=[4, 3]" in out
    assert "I(X;T) p = 1.0000, I(T;Y) p = 1.0000" in out and "+0.0000 ±" in out
    assert "finished run's folder" in refused(capsys, "compare", folder, str(tmp_path))
    monkeypatch.setattr(comparison, "MIN_SEEDS", 99)
    assert "expected 99 or more seeds in each run" in refused(capsys, "compare", folder, folder)


def test_numbers_of_seeds():
    assert seeds("3") == (0, 1, 2) and seeds("4:8") == (4, 5, 6, 7)


def test_a_layer_that_cannot_be_counted_is_explained(capsys, tmp_path):
    real = sets("model.activation=Tanh", "seeds_per_program=1")
    out = said(capsys, "run", "demo", "--seeds", "1", *SHORT, *real, "--out", str(tmp_path)).out
    assert "hidden_1, hidden_2: not counted" in out and "probes.0.estimator=FixedBins" in out


@pytest.mark.parametrize("text", ["4294967296:4294967297", "99999999999"])
def test_monstrous_numbers_of_seeds_are_refused(text, capsys):
    assert "expected " in refused(capsys, "run", "demo", "--seeds", text)


@pytest.mark.parametrize("text", ["0", "-1", "x", "4:4", "8:4", "-2:3", "1:2:3", ""])
def test_bad_numbers_of_seeds_are_refused(text, capsys):
    assert "expected N (1 or more) or A:B (0 <= A < B <= 2**32)" in refused(
        capsys, "run", "demo", f"--seeds={text}"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dmeo"], "unknown experiment 'dmeo': expected demo"),
        (["show", "mnist"], "expected mnist-small"),
        (["run", "demo", "--set", "train.epoch=3"], "unknown key 'train.epoch'"),
        (["run", "demo", "--set", "train.epochs=many"], "train.epochs: expected int, got 'many'"),
        (["run", "demo", "--set", "train.epochs=0"], "train.epochs from 1 to 100000000, got 0"),
        (
            ["run", "demo", "--set", "seeds_per_program=0"],
            "seeds_per_program from 1 to 65536, got 0",
        ),
        (["run", "demo", "--set", "model.widths=0"], "widths of 1 to 1000000 units"),
        (["run", "demo", "--set", "train.batch_size=0"], "train.batch_size >= 1"),
        (["run", "demo", "--set", "train.batch_size=5000"], "train.batch_size of at most 3276"),
        (["plot", "nowhere"], "finished run's folder, got nowhere"),
        (["measure", "nowhere.npz"], "nowhere.npz"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "COMMAND"),
        (["run"], "name"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_missing_data_says_where_it_looked(capsys, tmp_path):
    message = refused(
        capsys, "run", "mnist-small", "--data-root", str(tmp_path), "--out", str(tmp_path / "runs")
    )
    assert (
        "train-images-idx3-ubyte" in message
        and str(tmp_path) in message
        and not (tmp_path / "runs").exists()
    )


def test_an_output_that_cannot_be_written_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file")
    assert "output folder that can be written" in refused(
        capsys, "run", "demo", "--seeds", "2", *SHORT, "--out", out
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"t": np.ones((2, 2))}, "expected the arrays t and y in"),
        ({"t": np.array([[None]]), "y": np.zeros(1)}, "pickled objects, which are never loaded"),
        ({"t": np.ones((2, 2)), "y": np.zeros(3)}, "one length"),
        ({"t": np.ones((2, 2)), "y": np.array([0.5, 1])}, "whole labels"),
        ({"t": np.array([[np.nan]]), "y": np.zeros(1)}, "without NaN"),
        ({"t": np.zeros((0, 3)), "y": np.zeros(0)}, "N >= 1"),
    ],
)
def test_bad_files_to_measure_are_refused(arrays, message, tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **arrays)
    assert message in refused(capsys, "measure", str(tmp_path / "a.npz"))


def test_a_file_that_is_no_npz_is_refused(tmp_path, capsys):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 not a zip")
    assert "an .npz archive (a zip file)" in refused(capsys, "measure", str(tmp_path / "a.npz"))


PATCHED = """
import signal, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
from jaxbnn.engine import block_runner, cost
block_runner.CHECKPOINT_SECONDS = 0.2
if {compiles}:
    cost.estimate = lambda *_, **__: open({mark!r}, "w").close() or time.sleep(100)
from jaxbnn.cli.main import command_line
command_line()
"""


def begun(tmp_path, *arguments, compiles=False):
    """A program that runs the command; its estimate takes 100 s where it `compiles`."""
    code = PATCHED.format(compiles=compiles, mark=str(tmp_path / "compiles"))
    command = [sys.executable, "-c", code, *arguments, "--out", str(tmp_path / "runs")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process, folder, pattern):
    while not list(folder.rglob(pattern)):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)]
)
def test_a_signal_stops_at_a_checkpoint_and_the_same_command_goes_on(tmp_path, number):
    rare = ("schedule.every=1000", "schedule.last_epochs=2")
    longer = sets("train.epochs=1e5", "model.widths=4", "seeds_per_program=1", *rare)
    process = begun(tmp_path, "run", "demo", "--seeds", "1", *longer)
    wait_for(process, tmp_path / "runs", "00*/manifest.json")
    process.send_signal(number)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 75 and out == "" and "the same command goes on from" in err
    folder = next(tmp_path.rglob("config.json")).parent
    assert n_finished(tmp_path) == 0 and str(folder) in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_does_not_wait_for_what_is_compiled(tmp_path, number):
    process = begun(tmp_path, "run", "demo", compiles=True)
    wait_for(process, tmp_path, "compiles")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (75, "") and not (tmp_path / "runs").exists()
    assert err == ("stopping; once more stops at once\nstopped: the same command begins the run\n")


def everything(terminal):
    """What is shown on a terminal until its other end is closed."""
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    return shown.decode()


def test_the_progress_bar_shows_speed_time_left_and_accuracy_on_a_terminal(tmp_path, monkeypatch):
    import pty

    master, slave = pty.openpty()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with ThreadPoolExecutor() as pool:
        shown = pool.submit(everything, master)
        with os.fdopen(slave, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            assert main(["run", "demo", "--seeds", "2", *SHORT, "--out", str(tmp_path)]) == 0
        text = shown.result()
    os.close(master)
    assert (
        "network epochs/s" in text
        and "left" in text
        and "test accuracy 0." in text
        and "100 %" in text
    )


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    out = capsys.readouterr().out
    assert all(command in out for command in ("list", "show", "run", "plot", "measure"))
