import dataclasses
import math

import numpy as np
import pytest

from jaxbnn import data, run
from jaxbnn.analysis.spectra import spectra
from jaxbnn.engine.verdicts import Rules, Sample, needed_columns, row_bits, trust_columns
from jaxbnn.info import corrected_entropy, reliability, sample_size
from jaxbnn.info.plane import Point
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.storage import results, schema


def one(whole, *place):
    return Spectrum(*(leaf[place] for leaf in whole))


def test_the_trust_of_a_sample_is_that_of_its_spectra(finished):
    found = results.open_result(finished, "test")
    t = spectra(found)
    sizes = np.bincount(data.load(data.Szt()).test.y)
    assert found.class_size.values[0].tolist() == sizes.tolist()
    for seed, epoch, layer in ((0, 0, 0), (3, 2, 1), (4, 5, 0)):
        spectrum = one(t, seed, epoch, layer)
        trust = reliability.judge(spectrum, log2_patterns=(6, 4, math.nan)[layer])
        point = found.isel(seed=seed, epoch=epoch, layer=layer)
        assert int(point.verdict_xt) == int(trust.verdict) and int(point.n_doubletons) == int(
            trust.n_doubletons
        )
        named = {
            "bias_xt": trust.bias,
            "unseen_xt": trust.unseen,
            "se_xt": trust.standard_error,
            "low_xt": trust.low,
            "high_xt": trust.high,
        }
        named |= {"coverage": trust.coverage, "coverage_chao_jost": trust.coverage_chao_jost}
        named |= {"null_ty": reliability.null_information(spectrum, sizes)}
        named |= {"bias_ty": reliability.label_bias(spectrum, sizes)}
        named |= {"gap_x": point.h_x - point.i_xt, "gap_y": point.h_y - point.i_ty}
        for name, value in named.items():
            assert float(point[name]) == pytest.approx(float(value), abs=1e-6), name
        verdict_ty = reliability.judge_label(
            float(point.null_ty), float(point.bias_ty), float(point.se_ty), float(point.h_y)
        )
        assert int(point.verdict_ty) == int(verdict_ty)
        assert corrected_entropy.miller_madow(spectrum) == pytest.approx(
            float(point.i_xt), abs=1e-5
        )  # the probe's correction
    last = one(t, 1, -1, 1)
    needed = sample_size.needed(last, reliability.judge(last, log2_patterns=4))
    assert int(found.n_needed[1, 1]) == int(needed)
    for seed, layer in ((1, 0), (1, 1)):
        spectrum, d = one(t, seed, -1, layer), (6, 4)[layer]
        expected = (
            sample_size.guesses(spectrum, d)
            if found.n_needed[seed, layer] < 0
            else (np.nan, np.nan)
        )
        guessed = float(found.guess_chao1[seed, layer]), float(found.guess_units[seed, layer])
        np.testing.assert_allclose(guessed, [float(guess) for guess in expected])


def test_a_population_is_certain_and_what_is_not_counted_is_unjudged(finished):
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
        "population",
        "saturated",
        "reliable",
        "biased",
        "conditional",
    ]


@pytest.mark.slow
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


def test_spectra_of_a_selection_are_those_of_the_whole(finished):
    whole = results.open_result(finished)
    expected = spectra(whole, "ty")
    found = spectra(whole.isel(epoch=-1, seed=[3, 0]), "ty")
    for part, all_of_it in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part, all_of_it[[3, 0], -1])


def spectrum_of(*counts):
    """The spectra [E, L, M] of layers at one epoch, of patterns seen so often."""
    multiplicity = np.zeros((1, len(counts), 5), np.int32)
    number = np.zeros((1, len(counts), 5), np.int32)
    for layer, seen in enumerate(counts):
        values, times = np.unique(seen, return_counts=True)
        multiplicity[0, layer, : len(values)] = values
        number[0, layer, : len(values)] = times
    return Spectrum(multiplicity, number)


def points_of(xt, ty):
    known = np.full((1, len(xt)), 0.01, np.float32)
    whole = np.zeros((1, len(xt)), np.int32)
    return Point(np.array([xt]), np.array([ty]), np.array([xt]), known, whole, whole, known > 0)


def judged(xt, ty, t, population=False, units=None):
    sample = Sample(np.array([6, 6]), np.float64(math.log2(12)), np.float64(1.0))
    units = np.array([3.0] * len(xt)) if units is None else units
    rules = Rules(population, 0.1, units)
    trust = trust_columns(points_of(xt, ty), t, sample, rules)
    names = [variable.name for variable in schema.columns(schema.TRUST)]
    last = Spectrum(t.multiplicity[-1], t.number[-1])
    needed = needed_columns(last, units, rules)
    return dict(zip(names, np.moveaxis(trust, -1, 0), strict=True)), needed


def test_a_seed_is_judged_from_its_points_and_spectra_alone():
    """12 examples: a layer of 12 patterns, one of 2 with 6 each, and one that has diverged."""
    t = spectrum_of([1] * 12, [6, 6], [])
    trust, needed = judged([math.log2(12), 1.0, np.nan], [1.0, 0.5, np.nan], t)
    assert reliability.VERDICTS[int(trust["verdict_xt"][0, 0])] == "saturated"
    assert trust["verdict_xt"][0, 2] == trust["verdict_ty"][0, 2] == reliability.UNJUDGED
    np.testing.assert_allclose(trust["gap_x"][0, :2], [0, math.log2(12) - 1])
    np.testing.assert_allclose(trust["gap_y"][0, :2], [0, 0.5])
    assert trust["n_doubletons"][0].tolist() == [0, 0, -1]
    assert needed.shape == (3, 3) and needed[0, 0] == -1
    declared, _ = judged([math.log2(12), 1.0, np.nan], [1.0, 0.5, np.nan], t, population=True)
    assert declared["verdict_xt"][0].tolist() == [0, 0, reliability.UNJUDGED]


def test_a_guess_is_given_where_the_number_is_not_known():
    trust, needed = judged([math.log2(12)], [1.0], spectrum_of([1] * 12), units=np.array([np.nan]))
    assert needed[0, 0] == -1 and needed[0, 1] > 12 and np.isnan(needed[0, 2])


def test_bits_of_a_row_are_those_of_its_alphabet():
    np.testing.assert_array_equal(row_bits({"a": 2**9, "b": 3}, ("b", "a")), [math.log2(3), 9.0])
    assert np.isnan(row_bits({}, ("output",))).all()
