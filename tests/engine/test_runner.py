import dataclasses
import shutil

import jax
import numpy as np
import pytest
from bitwise import check_same, check_same_runs, stopping_after
from oracles import informations, is_union

from jaxbnn import config, data, info, nn, observe, run, studies, train
from jaxbnn.analysis.networks import load_networks
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import override
from jaxbnn.engine import block_runner, program, provenance, settings, shared_inputs
from jaxbnn.engine.devices import count_cores
from jaxbnn.engine.run_plan import (
    blocks_of,
    initial_block,
    inputs_of,
    keys_of,
    make_run_plan,
    of_first,
    shapes_of,
)
from jaxbnn.nn import MLP
from jaxbnn.storage import array_store, checkpoints, results, run_folder, schema
from jaxbnn.train.trainer import batches_of

ONE = jax.devices()[:1]
FURTHER = ("test", "before")  # the tiny experiment's probes beside the main one


def test_a_finished_run_has_its_files_and_variables(tiny, finished):
    assert {path.name for path in finished.iterdir()} == {"config.json", "blocks"}
    assert finished.parent.name == "tiny" and finished.name == config.digest(tiny)
    assert {path.name for path in (finished / "blocks").iterdir()} == {"0-1", "2-3", "4"}
    files = {path.name for path in (finished / "blocks" / "4").iterdir()}
    assert files >= {"seeds.json", "manifest.json", "arrays.zarr", "00000013"} and len(files) <= 5
    main = results.open_result(finished)
    assert dict(main.sizes) == {
        "seed": 5,
        "epoch": 6,
        "layer": 3,
        "label": 2,
        "entry": main.sizes["entry"],
    }
    assert main.layer.values.tolist() == ["hidden_1", "hidden_2", "output"]
    assert main.epoch.values.tolist() == list(tiny.epochs) == [0, 1, 2, 5, 10, 12]
    assert main.seed.values.tolist() == [0, 1, 2, 3, 4]
    assert results.open_result(finished, "before").layer.values.tolist() == ["dense_1", "hidden_1"]


def test_variables_are_those_of_the_schema(finished):
    main = results.open_result(finished)
    test = results.open_result(finished, "test")
    everything = {variable.name for variable in schema.VARIABLES} | {"class_size"}
    of_training = {
        variable.name
        for variable in schema.VARIABLES
        if variable.array in (schema.SERIES, schema.DIAGNOSTICS)
    }
    assert set(main.data_vars) == everything and set(test.data_vars) == everything - of_training
    for variable in schema.VARIABLES:
        assert (main[variable.name].dims, str(main[variable.name].dtype)) == (
            variable.dims,
            variable.dtype,
        )
        assert main[variable.name].attrs.get("units", "") == variable.unit
    assert (main.attrs["population"], test.attrs["population"]) == (1, 0)
    assert test.attrs["n_examples"] == 820


def test_every_number_is_there_and_within_its_bounds(finished):
    main = results.open_result(finished)
    for name in ("i_xt", "i_ty", "h_t", "train_loss", "test_accuracy"):
        assert np.isfinite(main[name]).all()
    assert np.isnan(main.gradient_norm_mean.sel(epoch=0)).all()
    assert (main.gradient_norm_mean.sel(epoch=slice(1, None)) > 0).all()
    assert (main.h_x == 12.0).all() and np.allclose(main.h_y, 0.9991571208502711, atol=1e-6)
    assert (main.i_xt >= 0).all() and (main.i_xt <= 12 + 1e-5).all()
    assert (main.i_ty >= -1e-5).all() and (main.i_ty <= main.h_y + 1e-5).all()
    assert (main.i_xt.sel(layer="hidden_1") > 0.5).any()
    hidden = main.sel(layer=["hidden_1", "hidden_2"])
    assert hidden.certified.all() and (hidden.n_patterns >= 1).all()
    np.testing.assert_array_equal(hidden.h_t.values, hidden.i_xt.values)
    assert len(np.unique(main.i_xt.values[:, -1, 0])) > 1  # seeds differ


def test_what_a_run_recorded_is_what_its_last_networks_give(tiny, finished):
    """The trained weights of the last checkpoints, applied and counted by brute force."""
    main = results.open_result(finished)
    split = data.load(tiny.data)
    x = np.r_[split.train.x, split.test.x]
    y = np.r_[split.train.y, split.test.y]
    networks = load_networks(finished)
    assert tuple(networks) == tiny.seeds
    for seed, variables in networks.items():
        logits, _ = tiny.model.apply(variables, x, train=False)
        settled = observe.with_training_moments(tiny.model, split, variables)
        _, hidden = tiny.model.apply(settled, x, train=False)
        last = main.sel(seed=seed).isel(epoch=-1)
        for t, layer in zip(hidden, ("hidden_1", "hidden_2"), strict=True):
            measured = (float(last.i_xt.sel(layer=layer)), float(last.i_ty.sel(layer=layer)))
            assert measured == pytest.approx(informations(t, y), abs=1e-5)
        hits = np.asarray(logits).argmax(1) == y
        assert float(last.train_accuracy) == pytest.approx(hits[:3276].mean(), abs=1e-6)
        assert float(last.test_accuracy) == pytest.approx(hits[3276:].mean(), abs=1e-6)


@pytest.mark.slow
def test_deeper_patterns_are_unions_of_shallower_ones_at_every_measured_epoch_and_seed(tiny):
    """On integers, from the program itself: a block advanced from one measured epoch to the
    next."""
    split = data.load(tiny.data)
    x = np.r_[split.train.x, split.test.x]
    plan = make_run_plan([tiny], [], None, jax.devices())
    look = jax.jit(lambda variables: tiny.model.apply(variables, x, train=False)[1])
    n = 0
    for seeds in blocks_of([tiny.seeds], tiny.seeds_per_program):
        inputs = inputs_of(plan, seeds, ONE[0])
        block = initial_block(plan, seeds, inputs, ONE[0])
        for epoch in tiny.epochs:
            block, rows = program.advance(plan.program, block, np.int32(epoch + 1), inputs)
            for place in range(len(seeds[0].seeds)):
                variables = jax.tree.map(lambda leaf, i=place: leaf[i], block.state.variables)
                first, second = look(variables)
                assert is_union(x, first) and is_union(first, second)
                n += 1
            points = rows.planes[0].points
            assert (points.n_patterns[:, 0, 0] >= points.n_patterns[:, 0, 1]).all()
            assert (points.h_t[:, 0, 1] <= points.h_t[:, 0, 0] + 4e-6).all()
    assert n == len(tiny.seeds) * len(tiny.epochs)


@pytest.mark.parametrize(
    ("seeds", "n_devices"),
    [
        ((3, 4), 2),
        ((4, 0, 2), 1),
        pytest.param((0, 1, 2, 3, 4), 1, marks=pytest.mark.slow),
    ],
)
def test_a_seeds_bits_depend_on_neither_the_other_seeds_nor_the_devices(
    tiny, finished, tmp_path, seeds, n_devices
):
    chosen = dataclasses.replace(tiny, seeds=seeds)
    folder = run(chosen, tmp_path, devices=jax.devices()[:n_devices])
    check_same_runs(folder, finished, FURTHER)


def test_two_workers_of_one_device_share_its_inputs_and_change_no_bit(
    tiny, finished, tmp_path, monkeypatch
):
    made = []
    inputs_of = shared_inputs.inputs_of
    monkeypatch.setattr(shared_inputs, "inputs_of", lambda *a: made.append(a[-1]) or inputs_of(*a))
    folder = run(tiny, tmp_path, devices=2 * ONE)
    assert made == ONE
    check_same_runs(folder, finished, FURTHER)


@pytest.mark.slow
def test_seeds_4_to_7_of_szt_alone_are_those_among_8(tmp_path):
    szt = studies.find("szt")[0]
    short = override(dataclasses.replace(szt, probes=szt.probes[:1]), "train.epochs=2")
    short = override(short, "train.learning_rate=0.01")
    whole = run(dataclasses.replace(short, seeds=range(8)), tmp_path / "8", devices=ONE)
    alone = run(dataclasses.replace(short, seeds=range(4, 8)), tmp_path / "4", devices=ONE)
    check_same_runs(alone, whole)


def wide(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (300, 784), dtype=np.uint8)
    y = rng.integers(0, 10, 300)
    np.savez(tmp_path / "wide.npz", x=x, y=y)
    return Experiment(
        name="wide",
        data=data.Npz(str(tmp_path / "wide.npz"), value_range=(-1.0, 1.0)),
        model=MLP((1024,), 10),
        train=train.TrainSpec(epochs=2, batch_size=128, learning_rate=0.01),
        seeds=tuple(range(8)),
        seeds_per_program=3,
    )


@pytest.mark.slow
def test_seeds_4_to_7_of_a_784_1024_network_alone_are_those_among_8(tmp_path):
    experiment = wide(tmp_path)
    whole = run(experiment, tmp_path / "whole")
    some = dataclasses.replace(experiment, seeds=(4, 5, 6, 7))
    check_same_runs(run(some, tmp_path / "alone", devices=ONE), whole)


def test_more_seeds_are_added_to_a_finished_run_without_repeating_any(tiny, finished, tmp_path):
    folder = run(dataclasses.replace(tiny, seeds=(1, 2)), tmp_path)
    done = []
    again = run(tiny, tmp_path, report=lambda p: done.append(p.epochs_total))
    assert again == folder and set(done) == {3 * tiny.train.epochs}
    assert run_folder.read_config(folder).seeds == (0, 1, 2, 3, 4)
    check_same_runs(folder, finished, FURTHER)


def test_a_reader_beside_a_run_sees_the_finished_blocks_alone(tiny, finished, tmp_path):
    """A result that is open does not change when more seeds come."""
    folder = run_folder.folder_of(tmp_path, tiny)
    seen = []
    opened = []

    def read(_):
        seeds = results.finished_seeds(folder)
        if seeds and seeds not in seen:
            opened.append(results.open_result(folder))
        seen.append(seeds)

    run(tiny, tmp_path, devices=ONE, report=read)
    assert seen == sorted(seen, key=len) and () in seen
    assert [found.seed.values.tolist() for found in opened[:2]] == [[0, 1], [0, 1, 2, 3]]
    for found in opened:
        check_same(found, results.open_result(finished))


def test_a_finished_run_says_so_and_does_nothing(tiny, finished):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    said = []
    assert run(tiny, finished.parent.parent, report=said.append) == finished
    assert [p.message for p in said] == ["finished already: nothing to do"]
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before


def test_a_stopped_run_goes_on_and_ends_with_the_same_bits(tiny, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)  # chunks of one epoch
    two_blocks = dataclasses.replace(tiny, seeds=(0, 1, 2))
    folder = run_folder.folder_of(tmp_path, tiny)
    messages = []
    n = 0
    while results.finished_seeds(folder) != (0, 1, 2):
        run(
            two_blocks,
            tmp_path,
            stop=stopping_after(9),
            report=lambda p: messages.append(p.message),
        )
        n += 1
        assert n < 50
    assert n >= 3 and any("go on from epoch" in m for m in messages)
    check_same_runs(folder, finished, FURTHER)


def test_another_rate_other_seeds_and_another_chunk_length_compile_nothing(
    plain, tmp_path, monkeypatch
):
    changed = dataclasses.replace(override(plain, "train.learning_rate=0.02"), seeds=(7, 8, 9))
    run(dataclasses.replace(plain, seeds=(0, 1)), tmp_path / "a", devices=ONE)
    compiled = [f._cache_size() for f in (program.advance, program.start, program.prepare)]
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    run(changed, tmp_path / "b", devices=ONE)
    assert [f._cache_size() for f in (program.advance, program.start, program.prepare)] == compiled


@pytest.mark.slow
def test_each_seed_can_have_its_own_split(tmp_path, plain):
    own = override(plain, "data.split_per_seed=true")
    folder = run(dataclasses.replace(own, seeds=(0, 1, 2)), tmp_path, devices=ONE)
    whole = results.open_result(folder)
    assert (whole.h_x == 12.0).all() and not np.array_equal(*whole.i_xt.values[1:, -1])
    alone = run(dataclasses.replace(own, seeds=(2,)), tmp_path / "alone", devices=ONE)
    check_same_runs(alone, folder)


def test_a_diverged_seed_is_nan_from_then_on_and_the_others_go_on(tmp_path, tiny):
    relu = nn.MLP((6, 4), 2, activation=nn.Relu(), kernel_surrogate=None, normalise=False)
    spec = dataclasses.replace(
        tiny.train, learning_rate=1e8, optimiser=train.Sgd(0.9), latent_clip=None
    )
    probes = (observe.Probe(estimator=info.FixedBins()),)
    wild = dataclasses.replace(tiny, model=relu, train=spec, probes=probes, seeds=(0, 1, 2, 3))
    main = results.open_result(run(wild, tmp_path, devices=ONE))
    lost = np.isnan(main.train_loss.values)
    assert lost[:, -1].any() and not lost[:, -1].all() and not lost[:, 0].any()
    assert (np.diff(lost.astype(int), axis=1) >= 0).all()  # once NaN, always NaN
    for name in ("i_xt", "i_ty", "h_t"):
        assert np.isnan(main[name].values[lost]).all()
    assert (main.n_patterns.values[lost] == -1).all() and not main.certified.values[lost].any()
    assert (np.isfinite(main.i_ty.sel(layer="output").values) == ~lost).all()


def test_provenance_says_where_each_blocks_results_come_from(finished, tiny):
    blocks = results.finished_blocks(finished)
    assert len(blocks) == 3
    for block in blocks:
        assert block.facts["data_sha256"] == data.checksum(data.load(tiny.data))
        facts = block.facts["provenance"]
        assert facts["thread_pool"] == str(max(2, count_cores()))
        assert len(facts["devices"]) == 2 and facts["versions"]["jax"] == jax.__version__
        assert facts["precision"] == {"enable_x64": False, "default_matmul_precision": None}
        assert facts["processes"] == 1 and "on any devices and processes" in facts["promise"]
        assert facts["began"] <= facts["finished"] and "commit" in facts


def test_a_finished_block_of_a_stopped_run_says_where_it_comes_from(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    folder = run(tiny, tmp_path, devices=ONE, stop=stopping_after(20))
    (block,) = results.finished_blocks(folder)
    assert block.facts["provenance"]["versions"]["jax"] == jax.__version__


def test_a_finished_block_gets_back_a_lost_list_of_its_seeds(finished, tiny, tmp_path):
    folder = run_folder.folder_of(tmp_path, tiny)
    shutil.copytree(finished, folder)
    (folder / "blocks" / "4" / "seeds.json").unlink()
    assert run(tiny, tmp_path, devices=ONE) == folder
    assert results.finished_seeds(folder) == (0, 1, 2, 3, 4)
    check_same_runs(folder, finished)


@pytest.mark.slow
def test_the_precision_of_products_holds_in_the_devices_threads(tiny, tmp_path, monkeypatch):
    """A setting made with a context manager holds in one thread of Python."""
    seen = []
    take = block_runner.advance
    monkeypatch.setattr(
        block_runner,
        "advance",
        lambda *given: seen.append(settings.matmul_precision()) or take(*given),
    )
    with jax.default_matmul_precision("float32"):
        folder = run(dataclasses.replace(tiny, seeds=(0,)), tmp_path, devices=ONE)
    assert set(seen) == {"float32"}
    (block,) = results.finished_blocks(folder)
    assert block.facts["settings"]["default_matmul_precision"] == "float32"
    with pytest.raises(ValueError, match="default_matmul_precision 'float32', now 'None'"):
        run(tiny, tmp_path, devices=ONE)


def test_progress_rises_to_the_end(plain, tmp_path):
    said = []
    run(dataclasses.replace(plain, seeds=(0, 1, 2)), tmp_path, report=said.append)
    done = [p.epochs_done for p in said]
    assert done == sorted(done) and done[-1] == said[-1].epochs_total == 3 * plain.train.epochs
    assert (
        said[-1].seconds_left == 0
        and said[-1].epochs_per_second > 0
        and 0 < said[-1].test_accuracy <= 1
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["train.batch_size=4000"], "train.batch_size of at most 3276"),
        (["model.n_classes=1"], r"model.n_classes >= 2 \(the data's\), got 1"),
        (
            ["probes.0.estimator.correction=miller_madow"],
            "no correction in probe 'main': its sample is the population",
        ),
        (["probes.2.layers=hidden_7"], "among hidden_1, hidden_2, output, .*got 'hidden_7'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(tiny, tmp_path, changes, message):
    for change in changes:
        tiny = override(tiny, change)
    with pytest.raises(ValueError, match=message) as caught:
        run(tiny, tmp_path)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_an_error_in_one_block_ends_the_run_and_keeps_what_was_there(plain, tmp_path):
    folder = run(dataclasses.replace(plain, seeds=(0, 1)), tmp_path, devices=ONE)
    before = contents(folder / "blocks" / "0-1")
    block = run_folder.make_block_folder(folder, (2, 3))
    (block / "00000004").mkdir()
    with pytest.raises(ValueError, match="blocks/2-3/00000004 is damaged") as caught:
        run(plain, tmp_path, devices=ONE)
    assert "\n" not in str(caught.value)
    assert contents(folder / "blocks" / "0-1") == before


def contents(folder):
    """Path -> bytes of every file."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def npz(tmp_path, n):
    rng = np.random.default_rng(n)
    np.savez(
        tmp_path / "mine.npz",
        x=rng.integers(0, 2, (n, 5)).astype(np.float32),
        y=rng.integers(0, 2, n),
    )
    return Experiment(
        name="mine",
        data=data.Npz(str(tmp_path / "mine.npz")),
        model=MLP((3,), 2),
        train=train.TrainSpec(epochs=1, batch_size=20),
        seeds=(0, 1),
        seeds_per_program=2,
    )


def test_a_folder_is_not_given_results_of_other_data(tmp_path):
    folder = run(npz(tmp_path, 100), tmp_path / "out")
    before = contents(folder)
    changed = npz(tmp_path, 120)
    for seeds in ((0, 1), (0, 1, 2, 3)):
        with pytest.raises(ValueError, match="holds results of other data"):
            run(dataclasses.replace(changed, seeds=seeds), tmp_path / "out")
    assert contents(folder) == before


def test_a_second_run_into_a_folder_says_so_and_stops(tiny, tmp_path):
    folder = run_folder.folder_of(tmp_path, config.normal(tiny))
    run_folder.make_folder(folder)
    with run_folder.locked(folder), pytest.raises(ValueError, match="another run is working in"):
        run(tiny, tmp_path)
    assert [p.name for p in folder.iterdir()] == ["blocks"]


def test_a_probe_named_like_a_variable_of_the_result_is_refused(tiny, tmp_path):
    for name in ("seed", "i_xt", "train_loss"):
        probes = (tiny.probes[0], dataclasses.replace(tiny.probes[1], name=name))
        with pytest.raises(ValueError, match=f"no variable of a result, got '{name}'"):
            run(dataclasses.replace(tiny, probes=probes), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_seed_whose_last_step_ruins_it_is_unset_in_that_row_and_stays_so(tiny):
    """Full batch and a huge rate: the gradient of the first step is finite, the network after it is
    not."""
    relu = nn.MLP((6, 4), 2, activation=nn.Relu(), kernel_surrogate=None, normalise=False)
    spec = train.TrainSpec(
        epochs=6, batch_size=None, optimiser=train.Sgd(), learning_rate=1e36, latent_clip=None
    )
    probes = (observe.Probe(estimator=info.FixedBins()),)
    wild = dataclasses.replace(
        tiny, model=relu, train=spec, probes=probes, schedule=observe.Schedule(every=1)
    )
    plan = make_run_plan([wild], [], None, jax.devices())
    inputs = inputs_of(plan, of_first((0, 1)), ONE[0])
    block = initial_block(plan, of_first((0, 1)), inputs, ONE[0])
    _, rows = program.advance(plan.program, block, np.int32(7), inputs)
    series = observe.Series(*np.moveaxis(rows.series[:, :7], -1, 0))
    lost = np.isnan(series.train_loss)
    assert lost[:, 1:].all() and not lost[:, 0].any() and not np.isinf(series.train_loss).any()
    assert np.isnan(series.gradient_norm_mean[:, 1:]).all()
    points = rows.planes[0].points
    assert np.isnan(points.xt[:, 1:]).all() and (points.n_patterns[:, 1:7] == -1).all()
    assert not points.certified[:, 1:7].any() and not rows.spectra[0][:, 1:].any()


def test_a_users_settings_of_jax_do_not_change_a_seeds_bits(tiny):
    plan = make_run_plan([tiny], [], None, jax.devices())
    keys = keys_of(plan, of_first([0, 1]))
    usual = program.start(plan.program, keys, plan.split).state.variables
    with jax.threefry_partitionable(False):
        other = program.start(plan.program, keys, plan.split).state.variables
    jax.tree.map(np.testing.assert_array_equal, usual, other)
    with jax.enable_x64(True):
        wide_indices = batches_of(jax.random.key(0), 50, 10)
    np.testing.assert_array_equal(wide_indices, batches_of(jax.random.key(0), 50, 10))


def test_a_checkpoint_knows_the_layout_of_its_leaves(plain):
    """Checkpoints of another version whose state has other leaves are refused by name."""
    plan = make_run_plan([plain], [], None, jax.devices())
    keys = keys_of(plan, of_first([0]))
    shapes = program.start.eval_shape(plan.program, keys, plan.split)
    before = block_runner.identity_of(plan, 0, shapes)
    renamed = shapes._replace(state=shapes.state._asdict())
    after = block_runner.identity_of(plan, 0, renamed)
    assert [name for name in before if before[name] != after[name]] == ["layout"]


def test_a_machine_without_git_has_no_commit(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert provenance.commit() is None


def test_a_removed_block_or_manifest_is_made_again_with_the_same_bits(plain, tmp_path):
    two = dataclasses.replace(plain, seeds=(0, 1))
    folder = run(two, tmp_path / "run", devices=ONE)
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    block = folder / "blocks" / "0-1"
    (block / array_store.MANIFEST).unlink()
    assert results.finished_seeds(folder) == ()
    messages = []
    run(two, tmp_path / "run", devices=ONE, report=lambda p: messages.append(p.message))
    assert messages == ["seeds 0 to 1 go on from epoch 12"]  # nothing is trained twice
    check_same_runs(folder, before)
    shutil.rmtree(block)
    run(two, tmp_path / "run", devices=ONE)
    check_same_runs(folder, before)


def test_rows_are_written_before_they_are_too_many(plain, tmp_path, monkeypatch):
    """With room for few rows a run checkpoints often, and ends with the same bits."""
    one = dataclasses.replace(plain, seeds=(0, 1), schedule=observe.Schedule(every=1))
    whole = run(one, tmp_path / "whole", devices=ONE)
    rows, saved = [], []
    save = block_runner._save

    def save_and_count(plan, parts, block, shapes, pending):
        rows.append(sum(len(chunk["main/series"][0]) for chunk in pending.rows))
        saved.append(int(block.step))
        save(plan, parts, block, shapes, pending)

    monkeypatch.setattr(block_runner, "_save", save_and_count)
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(block_runner, "MAX_PENDING", 2 * bytes_of_a_row(one))
    folder = run(one, tmp_path / "often", devices=ONE)
    assert sum(rows) == len(one.epochs) == 13 and max(rows) == 3
    assert saved == [3, 6, 9, 12, 13]
    check_same_runs(folder, whole)


def bytes_of_a_row(experiment):
    """Of all seeds of a block, as the program returns it."""
    plan = make_run_plan([experiment], [], None, jax.devices())
    shapes = rows_of(plan)
    leaves = [*[one.values for one in shapes.planes], *shapes.spectra, shapes.series]
    leaves.append(shapes.diagnostics)
    sizes = [leaf.size * leaf.dtype.itemsize for leaf in leaves]
    return sum(sizes) // plan.program.rows_per_chunk


def rows_of(plan):
    """The shapes of what a chunk records."""
    inputs = inputs_of(plan, of_first([0]), ONE[0])
    block = shapes_of(plan, inputs)
    return jax.eval_shape(lambda b, i: program.advance(plan.program, b, 1, i), block, inputs)[1]


def test_neither_memory_nor_checkpoints_grow_with_the_number_of_epochs(plain):
    shapes = []
    for epochs in (10, 100, 10_000):
        longer = override(plain, f"train.epochs={epochs}")
        plan = make_run_plan([longer], [], None, jax.devices())
        inputs = inputs_of(plan, of_first([0]), ONE[0])
        shapes.append((shapes_of(plan, inputs), rows_of(plan)))
    assert shapes[0] == shapes[1] == shapes[2]


def test_a_checkpoint_is_as_large_at_the_last_epoch_as_at_the_first(finished, tiny):
    """Its leaves are those of the state; the rows are in the store."""
    leaves = checkpoints.load(finished / "blocks" / "0-1")
    plan = make_run_plan([tiny], [], None, jax.devices())
    shapes = program.start.eval_shape(plan.program, keys_of(plan, of_first([0])), plan.split)
    expected = block_runner._leaves_by_name(shapes)
    assert set(leaves) == set(expected) and leaves["step"] == 13
    for name, leaf in leaves.items():
        key = name == "key"
        assert leaf.shape == ((2, 2) if key else expected[name].shape), name


def test_a_store_that_lacks_rows_is_refused_in_one_line(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    two = dataclasses.replace(plain, seeds=(0, 1))
    folder = run(two, tmp_path, devices=ONE, stop=stopping_after(6))
    store = folder / "blocks" / "0-1" / "arrays.zarr" / "main"
    for name in ("points", "spectra", "series", "diagnostics"):
        (chunk,) = [path for path in (store / name / "c").rglob("*") if path.is_file()]
        content = chunk.read_bytes()
        chunk.unlink()
        with pytest.raises(
            ValueError, match=f"{name} lacks rows: remove .*0-1 to start this block again"
        ) as caught:
            run(two, tmp_path, devices=ONE)
        assert "\n" not in str(caught.value)
        chunk.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(
            ValueError, match=f"{name} is damaged .*: remove .*0-1 to start"
        ) as caught:
            run(two, tmp_path, devices=ONE)
        assert "\n" not in str(caught.value)
        chunk.write_bytes(content)
    run(two, tmp_path, devices=ONE)
    assert results.finished_seeds(folder) == (0, 1)
