import dataclasses

import numpy as np
import pytest

from jaxbnn.storage import results
from jaxbnn import data, run
from jaxbnn.engine import verdicts
from jaxbnn.info import corrected_entropy, reliability
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.storage import run_folder


def one(spectra, *place):
    return Spectrum(*(leaf[place] for leaf in spectra))


def test_the_trust_of_a_sample_is_that_of_its_spectra(finished):
    found = results.open_result(finished, "test")
    t, sizes = verdicts.spectra(found), np.bincount(data.load(data.Szt()).test.y)
    assert found.class_size.values[0].tolist() == sizes.tolist()
    for seed, epoch, layer in ((0, 0, 0), (3, 2, 1), (4, 5, 0)):
        spectrum, at = one(t, seed, epoch, layer), {"seed": seed, "epoch": epoch, "layer": layer}
        trust, point = reliability.judge(spectrum), found.isel(at)
        assert int(point.verdict_xt) == int(trust.verdict) and int(point.n_doubletons) == int(
            trust.n_doubletons
        )
        named = {
            "bias_xt": trust.bias,
            "se_xt": trust.standard_error,
            "low_xt": trust.low,
            "high_xt": trust.high,
        }
        named |= {"coverage": trust.coverage, "coverage_chao_jost": trust.coverage_chao_jost}
        named |= {"null_ty": reliability.null_information(spectrum, sizes)}
        named |= {"gap_x": point.h_x - point.i_xt, "gap_y": point.h_y - point.i_ty}
        for name, value in named.items():
            assert float(point[name]) == pytest.approx(float(value), abs=1e-6), name
        verdict_ty = reliability.judge_label(
            float(point.null_ty), float(point.se_ty), float(point.h_y)
        )
        assert int(point.verdict_ty) == int(verdict_ty)
        assert corrected_entropy.miller_madow(spectrum) == pytest.approx(
            float(point.i_xt), abs=1e-5
        )  # the probe's correction
    needed = reliability.needed(one(t, 1, -1, 1), reliability.judge(one(t, 1, -1, 1)))
    assert int(found.n_needed[1, 1]) == int(needed)
    for seed, layer in ((1, 0), (1, 1)):
        spectrum, d = one(t, seed, -1, layer), (6, 4)[layer]
        expected = (
            reliability.guesses(spectrum, d)
            if found.n_needed[seed, layer] < 0
            else (np.nan, np.nan)
        )
        guessed = float(found.guess_chao1[seed, layer]), float(found.guess_units[seed, layer])
        np.testing.assert_allclose(guessed, [float(guess) for guess in expected])


def test_a_population_is_exact_and_what_is_not_counted_is_unjudged(finished):
    main, test = results.open_result(finished), results.open_result(finished, "test")
    assert (main.verdict_xt == 0).all() and (main.verdict_ty == 0).all()
    output = test.sel(layer="output")
    assert (
        (output.verdict_xt == -1).all()
        and np.isnan(output.null_ty).all()
        and (output.n_doubletons == -1).all()
    )
    assert main.verdict_xt.attrs["flag_meanings"].split() == [
        "unjudged",
        "certified",
        "saturated",
        "reliable",
        "biased",
    ]


def test_a_stricter_tolerance_asks_for_more_examples(tiny, finished, tmp_path):
    strict = [dataclasses.replace(probe, tolerance=1e-3) for probe in tiny.probes[1:]]
    folder = run(dataclasses.replace(tiny, probes=(tiny.probes[0], *strict), seeds=(0,)), tmp_path)
    usual, found = results.open_result(finished, "test"), results.open_result(folder, "test")
    counted = {"layer": slice(0, 2)}
    assert (usual.isel(counted).verdict_xt == 2).any() and not (
        found.isel(counted).verdict_xt == 2
    ).any()
    assert (found.isel(counted).n_needed == -1).all() and (
        found.isel(counted).guess_chao1 > 0
    ).all()
    assert found.attrs["tolerance"] == 1e-3
    binned, k = (
        results.open_result(folder, "before").isel(seed=0),
        26**6,
    )  # the patterns that 6 units in 26 bins can show
    assert float(binned.guess_units.sel(layer="hidden_1")) == pytest.approx((k / np.log2(k)) ** 2)
    assert np.isnan(binned.guess_units.sel(layer="dense_1")) and (binned.guess_chao1 > 0).all()


def test_one_epoch_has_its_spectra(finished):
    whole = results.open_result(finished)
    last = verdicts.at_epochs(whole, [-1])
    np.testing.assert_array_equal(last.epoch.values, whole.epoch.values[-1:])
    expected, found = verdicts.spectra(whole), verdicts.spectra(last)
    width = found.number.shape[-1]
    np.testing.assert_array_equal(found.number[:, 0], expected.number[:, -1, :, :width])
    with pytest.raises(ValueError, match="expected the whole result"):
        verdicts.spectra(whole.isel(epoch=[0]))
