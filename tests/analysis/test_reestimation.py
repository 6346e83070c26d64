import dataclasses

import numpy as np
import pytest

from jaxbnn import observe
from jaxbnn.analysis import reestimation
from jaxbnn.analysis.spectra import spectra
from jaxbnn.info import corrected_entropy
from jaxbnn.info.spectrum import Spectrum
from jaxbnn.storage import results


def test_the_plug_in_of_the_spectra_is_what_the_program_said(tiny, finished):
    for probe, name in ((tiny.probes[0], None), (tiny.probes[2], "before")):
        found = results.open_result(finished, name)
        again = reestimation.reestimate(found, "plugin")
        counted = found.n_patterns.values > 0
        assert counted[..., :-1].all()
        for key in ("i_xt", "i_ty"):
            np.testing.assert_allclose(
                again[key].values[counted], found[key].values[counted], atol=1e-5
            )
            assert np.isnan(again[key].values[~counted]).all()
        assert again.attrs["estimator"] == "plugin" and again.attrs["probe"] == probe.name


def test_other_estimators_are_those_of_corrected_entropy_point_by_point(tiny, finished):
    found = results.open_result(finished, "test")
    corrected = reestimation.reestimate(found, "miller_madow")
    hidden = found.n_patterns.values > 0
    for key in ("i_xt", "i_ty"):  # this probe corrects in the program too
        np.testing.assert_allclose(
            corrected[key].values[hidden], found[key].values[hidden], atol=1e-5
        )
    alphabets = observe.alphabets_of(tiny.model, tiny.probes[1], (12,))
    assert alphabets == {"hidden_1": 2**6, "hidden_2": 2**4}
    bayes = reestimation.reestimate(found.copy(), "nsb", alphabets)
    one = Spectrum(*(leaf[1, 2, 0] for leaf in spectra(found)))
    assert bayes.i_xt.values[1, 2, 0] == pytest.approx(
        corrected_entropy.nsb(one, 64).mean, abs=1e-12
    )


def test_alphabets_are_known_of_layers_that_are_counted(tiny):
    assert observe.alphabets_of(tiny.model, tiny.probes[2], (12,)) == {"hidden_1": 26**6}
    assert (
        observe.alphabets_of(
            tiny.model, dataclasses.replace(tiny.probes[1], layers=("dense_1",)), (12,)
        )
        == {}
    )


def test_what_cannot_be_estimated_is_refused(finished):
    found = results.open_result(finished)
    with pytest.raises(
        ValueError, match="expected an estimator among plugin, miller_madow, .*, got 'best'"
    ):
        reestimation.reestimate(found, "best")
    with pytest.raises(ValueError, match="nsb needs the number of patterns possible"):
        reestimation.reestimate(found, "nsb")
