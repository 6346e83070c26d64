import dataclasses
import json
from functools import partial

import jax
import numpy as np
import pytest
from oracles import is_union

from jaxbnn.storage import results
from jaxbnn import config, data, info, nn, observe, run, studies, train
from jaxbnn.config.experiment import Experiment
from jaxbnn.config.overrides import override
from jaxbnn.engine import block_runner, program, verdicts
from jaxbnn.engine import run_plan as jobs
from jaxbnn.engine.devices import count_cores
from jaxbnn.nn import MLP
from jaxbnn.storage import checkpoints, run_folder


def same(one, other):
    """Every variable of a result equal bit for bit to that of its seeds in another, NaN equal to
    NaN."""
    assert set(one.variables) == set(other.variables)
    seeds = np.isin(other.seed.values, one.seed.values)
    for key in ("t", "ty"):
        alone, whole = verdicts.spectra(one, key), verdicts.spectra(other, key)
        for a, b in zip(alone, whole, strict=True):
            np.testing.assert_array_equal(a, b[seeds][..., : a.shape[-1]])
            assert not b[seeds][..., a.shape[-1] :].any()
    one, other = (each.drop_dims(["t_entry", "ty_entry"]) for each in (one, other))
    for name in one.variables:
        expected = other[name].values[seeds] if "seed" in one[name].dims else other[name].values
        np.testing.assert_array_equal(one[name].values, expected, err_msg=name)


def all_groups(folder, experiment):
    return [results.open_result(folder)] + [
        results.open_result(folder, p.name) for p in experiment.probes[1:]
    ]


def test_a_finished_run_has_its_files_and_variables(tiny, finished):
    assert {p.name for p in finished.iterdir()} == {
        "config.json",
        "result.nc",
        "provenance.json",
        "blocks",
    }
    assert finished.parent.name == "tiny" and finished.name == config.digest(tiny)
    main, test, before = all_groups(finished, tiny)
    sizes = {name: main.sizes[name] for name in ("seed", "epoch", "layer")}
    assert sizes == {"seed": 5, "epoch": len(tiny.epochs), "layer": 3}
    assert main.layer.values.tolist() == ["hidden_1", "hidden_2", "output"]
    assert before.layer.values.tolist() == ["dense_1", "hidden_1"]
    spectra = {f"{key}_{of}" for key in ("t", "ty") for of in ("size", "multiplicity", "number")}
    planes = {*verdicts.PLANE, *verdicts.TRUST, *spectra}
    curves = {f"{part}_{of}" for part in ("train", "test") for of in ("loss", "accuracy")}
    curves |= {"gradient_norm_mean", "gradient_norm_variance", *verdicts.HEALTH}
    assert set(main.data_vars) == planes | curves and set(test.data_vars) == planes
    assert main.i_xt.attrs["units"] == main.i_ty.attrs["units"] == main.h_t.attrs["units"] == "bit"
    assert main.epoch.values.tolist() == list(tiny.epochs) and main.seed.values.tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert (main.attrs["population"], test.attrs["population"], test.attrs["n_examples"]) == (
        1,
        0,
        820,
    )


def test_every_number_is_there_and_within_its_bounds(tiny, finished):
    main = results.open_result(finished)
    assert np.isfinite(
        main[["i_xt", "i_ty", "h_t", "train_loss", "test_accuracy"]].to_array()
    ).all()
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
    """The trained weights of a block's last checkpoint, applied anew and counted by brute force."""
    main = results.open_result(finished)
    split = data.load(tiny.data)
    x, y = np.r_[split.train.x, split.test.x], np.r_[split.train.y, split.test.y]
    for variables, seed in trained(tiny, finished):
        from oracles import informations

        logits, hidden = tiny.model.apply(variables, x, train=False)
        last = main.sel(seed=seed).isel(epoch=-1)
        for t, layer in zip(hidden, ("hidden_1", "hidden_2"), strict=True):
            expected = informations(t, y)
            assert (
                float(last.i_xt.sel(layer=layer)),
                float(last.i_ty.sel(layer=layer)),
            ) == pytest.approx(expected, abs=1e-5)
        hits = np.asarray(logits).argmax(1) == y
        assert float(last.train_accuracy) == pytest.approx(hits[:3276].mean(), abs=1e-6)
        assert float(last.test_accuracy) == pytest.approx(hits[3276:].mean(), abs=1e-6)


def trained(experiment, folder):
    """(variables, seed) of every network in the folder, from the last checkpoints."""
    job = jobs.make_job([experiment], [folder], None, "cpu")
    device = jax.devices()[0]
    for pieces in jobs.blocks_of([experiment.seeds], experiment.seeds_per_program):
        inputs, seeds = jobs.inputs_of(job, pieces, device), pieces[0].seeds
        place = run_folder.block_folder(folder, seeds)
        like = jax.eval_shape(jobs.starter(job), jobs.keys_of(job, jobs.alone([0])), inputs.split)
        last = block_runner.restore(
            [checkpoints.load(place, block_runner.identity_of(job, 0, like))], like, device
        )
        for lane, seed in enumerate(seeds):
            yield jax.tree.map(lambda leaf, lane=lane: leaf[lane], last.state.variables), seed


def test_deeper_patterns_are_unions_of_shallower_ones_at_every_measured_epoch_and_seed(tiny):
    """On integers, from the program itself: a block advanced from one measured epoch to the
    next."""
    split = data.load(tiny.data)
    x = np.r_[split.train.x, split.test.x]
    job = jobs.make_job([tiny], [], None, "cpu")
    device, n = jax.devices()[0], 0
    for pieces in jobs.blocks_of([tiny.seeds], tiny.lanes):
        inputs = jobs.inputs_of(job, pieces, device)
        state = jobs.beginning(job, pieces, inputs, device)
        for epoch in tiny.epochs:
            state, _ = program.advance(job.plan, state, np.int32(epoch + 1), inputs)
            for lane in range(len(pieces[0].seeds)):
                variables = jax.tree.map(lambda leaf, lane=lane: leaf[lane], state.state.variables)
                _, (first, second) = tiny.model.apply(variables, x, train=False)
                assert is_union(x, first) and is_union(first, second)
                n += 1
        points = program.record_of(job.plan, state.rows).points[0]
        patterns = points.n_patterns[:, :, :2]
        assert (patterns[:, :, 0] >= patterns[:, :, 1]).all()
        entropies = points.h_t[:, :, :2]
        assert (entropies[:, :, 1] <= entropies[:, :, 0] + 4e-6).all()
    assert n == len(tiny.seeds) * len(tiny.epochs)


@pytest.mark.parametrize(
    ("seeds", "n_devices"), [((3, 4), 2), ((4, 0, 2), 1), ((0, 1, 2, 3, 4), 1)]
)
def test_a_seeds_bits_depend_on_neither_the_other_seeds_nor_the_devices(
    tiny, finished, tmp_path, seeds, n_devices
):
    folder = run(
        dataclasses.replace(tiny, seeds=seeds), tmp_path, devices=jax.devices()[:n_devices]
    )
    for one, whole in zip(all_groups(folder, tiny), all_groups(finished, tiny), strict=True):
        same(one, whole)


def test_seeds_4_to_7_of_szt_alone_are_those_among_8(tmp_path):
    szt, one = studies.find("szt")[0], jax.devices()[:1]
    short = override(dataclasses.replace(szt, probes=szt.probes[:1]), "train.epochs=2")
    short = override(short, "train.learning_rate=0.01")
    folders = [
        run(dataclasses.replace(short, seeds=s), tmp_path / f"{len(s)}", devices=one)
        for s in (range(8), range(4, 8))
    ]
    whole, alone = (results.open_result(f) for f in folders)
    same(alone, whole)


def wide(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (300, 784), dtype=np.uint8), rng.integers(0, 10, 300)
    np.savez(tmp_path / "wide.npz", x=x, y=y)
    return Experiment(
        name="wide",
        data=data.Npz(str(tmp_path / "wide.npz"), value_range=(-1.0, 1.0)),
        model=MLP((1024,), 10),
        train=train.TrainSpec(epochs=2, batch_size=128, learning_rate=0.01),
        seeds=tuple(range(8)),
        seeds_per_program=3,
    )


def test_seeds_4_to_7_of_a_784_1024_network_alone_are_those_among_8(tmp_path):
    experiment = wide(tmp_path)
    whole = results.open_result(run(experiment, tmp_path / "whole"))
    alone = results.open_result(
        run(
            dataclasses.replace(experiment, seeds=(4, 5, 6, 7)),
            tmp_path / "alone",
            devices=jax.devices()[:1],
        )
    )
    same(alone, whole)


def test_more_seeds_are_added_to_a_finished_run_without_repeating_any(tiny, finished, tmp_path):
    folder = run(dataclasses.replace(tiny, seeds=(1, 2)), tmp_path)
    done = []
    again = run(tiny, tmp_path, report=lambda p: done.append(p.epochs_total))
    assert again == folder and set(done) == {3 * tiny.train.epochs}
    assert run_folder.read_config(folder).seeds == (0, 1, 2, 3, 4)
    assert [
        r["seeds"]
        for r in (
            run_folder.read_provenance(folder),
            *run_folder.read_provenance(folder)["earlier"],
        )
    ] == [
        [0, 3, 4],
        [1, 2],
    ]
    for one, whole in zip(all_groups(folder, tiny), all_groups(finished, tiny), strict=True):
        same(one, whole)


def test_a_finished_run_says_so_and_does_nothing(tiny, finished):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    said = []
    assert run(tiny, finished.parent.parent, report=said.append) == finished
    assert [p.message for p in said] == ["finished already: nothing to do"]
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before


def test_a_stopped_run_goes_on_and_ends_with_the_same_bits(tiny, finished, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)  # chunks of one epoch
    two_blocks, messages, n = dataclasses.replace(tiny, seeds=(0, 1, 2)), [], 0
    while not (run_folder.folder_of(tmp_path, tiny) / "result.nc").exists():
        turns = []
        stop = partial(lambda turns: turns.append(0) or len(turns) > 9, turns)
        folder = run(two_blocks, tmp_path, stop=stop, report=lambda p: messages.append(p.message))
        n += 1
        assert n < 50
    assert n >= 3 and any("go on from epoch" in m for m in messages)
    for one, whole in zip(all_groups(folder, tiny), all_groups(finished, tiny), strict=True):
        same(one, whole)


def test_another_rate_other_seeds_and_another_chunk_length_compile_nothing(
    plain, tmp_path, monkeypatch
):
    changed = dataclasses.replace(override(plain, "train.learning_rate=0.02"), seeds=(7, 8, 9))
    run(dataclasses.replace(plain, seeds=(0, 1)), tmp_path / "a", devices=jax.devices()[:1])
    compiled = [f._cache_size() for f in (program.advance, program.start, program.prepare)]
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    run(changed, tmp_path / "b", devices=jax.devices()[:1])
    assert [f._cache_size() for f in (program.advance, program.start, program.prepare)] == compiled


def test_each_seed_can_have_its_own_split(tmp_path, plain):
    own = override(plain, "data.split_per_seed=true")
    one = jax.devices()[:1]
    folder = run(dataclasses.replace(own, seeds=(0, 1, 2)), tmp_path, devices=one)
    whole = results.open_result(folder)
    assert (whole.h_x == 12.0).all() and not np.array_equal(*whole.i_xt.values[1:, -1])
    alone = results.open_result(
        run(dataclasses.replace(own, seeds=(2,)), tmp_path / "alone", devices=one)
    )
    same(alone, whole)


def test_a_diverged_seed_is_nan_from_then_on_and_the_others_go_on(tmp_path, tiny):
    relu = nn.MLP((6, 4), 2, activation=nn.Relu(), kernel_surrogate=None, normalise=False)
    spec = dataclasses.replace(
        tiny.train, learning_rate=1e8, optimiser=train.Sgd(0.9), latent_clip=None
    )
    probes = (observe.Probe(estimator=info.FixedBins()),)
    wild = dataclasses.replace(tiny, model=relu, train=spec, probes=probes, seeds=(0, 1, 2, 3))
    main = results.open_result(run(wild, tmp_path, devices=jax.devices()[:1]))
    lost = np.isnan(main.train_loss.values)
    assert lost[:, -1].any() and not lost[:, -1].all() and not lost[:, 0].any()
    assert (np.diff(lost.astype(int), axis=1) >= 0).all()  # once NaN, always NaN
    for name in ("i_xt", "i_ty", "h_t"):
        assert np.isnan(main[name].values[lost]).all()
    assert (main.n_patterns.values[lost] == -1).all() and not main.certified.values[lost].any()
    assert (np.isfinite(main.i_ty.sel(layer="output").values) == ~lost).all()


def test_provenance_says_where_the_result_comes_from(finished, tiny):
    facts = run_folder.read_provenance(finished)
    assert facts["data_sha256"] == data.checksum(data.load(tiny.data)) and facts[
        "thread_pool"
    ] == str(max(2, count_cores()))
    assert (
        len(facts["devices"]) == 2
        and facts["wall_seconds"] > 0
        and facts["versions"]["jax"] == jax.__version__
    )
    assert (
        facts["precision"] == {"enable_x64": False, "default_matmul_precision": None}
        and "commit" in facts
    )
    assert facts["processes"] == 1 and "on any devices and processes" in facts["promise"]
    json.dumps(facts)


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
    folder = run(dataclasses.replace(plain, seeds=(0, 1)), tmp_path)
    verdicts = (folder / "result.nc").read_bytes()
    (folder / "blocks" / "2-3" / "00000004").mkdir(parents=True)
    with pytest.raises(ValueError, match="blocks/2-3/00000004 is damaged"):
        run(plain, tmp_path)
    assert (folder / "result.nc").read_bytes() == verdicts


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
    before = (folder / "result.nc").read_bytes()
    changed = npz(tmp_path, 120)
    for seeds in ((0, 1), (0, 1, 2, 3)):
        with pytest.raises(ValueError, match="holds results of other data"):
            run(dataclasses.replace(changed, seeds=seeds), tmp_path / "out")
    assert (folder / "result.nc").read_bytes() == before


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


def test_a_damaged_provenance_is_refused_before_training(tiny, tmp_path):
    folder = run_folder.folder_of(tmp_path, config.normal(tiny))
    run_folder.make_folder(folder)
    (folder / "provenance.json").write_text("")
    with pytest.raises(ValueError, match="provenance.json is damaged"):
        run(tiny, tmp_path, report=lambda p: pytest.fail("it trained"))


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
    job = jobs.make_job([wild], [], None, "cpu")
    inputs = jobs.inputs_of(job, jobs.alone((0, 1)), jax.devices()[0])
    begun = jobs.beginning(job, jobs.alone((0, 1)), inputs, jax.devices()[0])
    record = program.record_of(
        job.plan, program.advance(job.plan, begun, np.int32(7), inputs)[0].rows
    )
    lost = np.isnan(record.series.train_loss)
    assert (
        lost[:, 1:].all() and not lost[:, 0].any() and not np.isinf(record.series.train_loss).any()
    )
    assert (
        np.isnan(record.series.gradient_norm_mean[:, 1:]).all()
        and np.isnan(record.points[0].xt[:, 1:]).all()
    )


def test_a_users_settings_of_jax_do_not_change_a_seeds_bits(tiny):
    job = jobs.make_job([tiny], [], None, "cpu")
    keys = jobs.keys_of(job, jobs.alone([0, 1]))
    usual = jobs.starter(job)(keys, job.split).state.variables
    with jax.threefry_partitionable(False):
        other = jobs.starter(job)(keys, job.split).state.variables
    jax.tree.map(np.testing.assert_array_equal, usual, other)
    from jaxbnn.train.trainer import batches_of

    with jax.enable_x64(True):
        wide_indices = batches_of(jax.random.key(0), 50, 10)
    np.testing.assert_array_equal(wide_indices, batches_of(jax.random.key(0), 50, 10))


def test_a_checkpoint_knows_what_the_words_of_its_rows_are(plain, monkeypatch):
    job = jobs.make_job([plain], [], None, "cpu")
    like, unset = (
        jax.eval_shape(jobs.starter(job), jobs.keys_of(job, jobs.alone([0])), job.split),
        job.plan.unset,
    )
    before = block_runner.identity_of(job, 0, like)
    monkeypatch.setattr(
        program.Plan, "unset", unset._replace(series=unset.health, health=unset.series)
    )
    after = block_runner.identity_of(job, 0, like)
    assert [name for name in before if before[name] != after[name]] == ["layout"]


def test_a_machine_without_git_has_no_commit(monkeypatch):
    from jaxbnn.engine import provenance

    monkeypatch.setattr("shutil.which", lambda name: None)
    assert provenance.commit() is None


def test_a_removed_result_is_made_again_with_the_same_bits(plain, tmp_path):
    two = dataclasses.replace(plain, seeds=(0, 1))
    folder = run(two, tmp_path, devices=jax.devices()[:1])
    before = results.open_result(folder)
    (folder / "result.nc").unlink()
    same(results.open_result(run(two, tmp_path, devices=jax.devices()[:1])), before)
