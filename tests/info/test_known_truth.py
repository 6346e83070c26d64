import jax
import numpy as np
import pytest

from jaxbnn.info import corrected_entropy, known_truth
from jaxbnn.info.known_truth import Bernoulli
from jaxbnn.info.spectrum import Spectrum


def test_truth_and_variance_are_those_of_all_patterns():
    p, d, n = 0.7, 5, 200
    of_pattern = np.array(
        [p**k * (1 - p) ** (d - k) for k in [bin(i).count("1") for i in range(2**d)]]
    )
    h = -np.sum(of_pattern * np.log2(of_pattern))
    assert known_truth.truth(p, d) == pytest.approx(h, abs=1e-12)
    assert known_truth.variance(p, d, n) == pytest.approx(
        (np.sum(of_pattern * np.log2(of_pattern) ** 2) - h**2) / n
    )
    assert known_truth.variance(0.5, d, n) == 0 and known_truth.truth(0.5, 3) == pytest.approx(3)


@pytest.mark.parametrize("d", [1, 20, 32, 64])
def test_drawn_units_are_independent_with_probability_p(d):
    words = known_truth.draw(np.random.default_rng(0), 0.9, d, 4000)
    assert words.shape == (4000, -(-d // 32)) and words.dtype == np.uint32
    bits = ((words[:, :, None] >> np.arange(32)) & 1).reshape(4000, -1)
    assert not bits[:, d:].any() and abs(bits[:, :d].mean(axis=0) - 0.9).max() < 0.03
    if d > 1:
        assert abs(np.corrcoef(bits[:, :d].T) - np.eye(d)).max() < 0.1


def test_spectra_are_those_of_the_drawn_rows_and_the_same_again():
    spec = Bernoulli(p=(0.5, 0.9), d=(6, 40), n=(300,), repetitions=2, root_seed=7)
    found = known_truth.sampled(spec, 0.9, 40, 300)
    words = known_truth.draw(np.random.default_rng([7, 1, 40, 300, 1]), 0.9, 40, 300)
    one = Spectrum.from_histogram(np.unique(words, axis=0, return_counts=True)[1])
    np.testing.assert_array_equal(found.multiplicity[1][found.number[1] > 0], one.multiplicity)
    np.testing.assert_array_equal(found.number[1][found.number[1] > 0], one.number)
    alone = known_truth.sampled(
        Bernoulli(p=(0.5, 0.9), d=(40,), n=(300, 500), repetitions=1, root_seed=7), 0.9, 40, 300
    )
    np.testing.assert_array_equal(alone.number[0], found.number[0])


def test_evaluate_gives_every_estimator_and_the_verdict():
    spec = Bernoulli(d=(4, 30), n=(500,), repetitions=3)
    few, many = (
        known_truth.evaluate(known_truth.sampled(spec, 0.5, d, 500), 2**d) for d in (4, 30)
    )
    assert few.estimate.shape == (3, len(known_truth.ESTIMATORS)) and few.verdict.tolist() == [
        2,
        2,
        2,
    ]
    assert many.verdict.tolist() == [1, 1, 1] and (few.low <= few.high).all()
    spectrum = known_truth.sampled(spec, 0.5, 4, 500)
    np.testing.assert_allclose(few.estimate[:, 0], corrected_entropy.plugin(spectrum), atol=1e-12)
    np.testing.assert_allclose(
        few.estimate[:, -1], corrected_entropy.nsb_mean(spectrum, 16), atol=1e-12
    )


def test_the_verdicts_of_a_small_study_are_as_right_as_is_asked():
    """A part of the whole study, with its statistics' bounds: 3 p, 10 depths, 2 sizes, 8
    repetitions."""
    spec = Bernoulli(d=(1, 2, 3, 4, 6, 8, 10, 12, 16, 64), n=(1000, 10000), repetitions=8)
    parts = []
    for p in spec.p:
        for d in spec.d:
            for n in spec.n:
                said, true = (
                    known_truth.evaluate(known_truth.sampled(spec, p, d, n), 2**d),
                    float(known_truth.truth(p, d)),
                )
                same = np.full(8, true), said.n_patterns, np.full(8, n)
                parts.append((said.estimate[:, 0] - true, said.verdict, said.low, said.high, *same))
    score = scored(parts)
    assert score.n_samples == 480 and score.n_reliable > 150 and score.unseen == 1
    for i in range(3):  # each p: its third of the parts
        assert scored(parts[20 * i : 20 * (i + 1)]).wrong <= 0.04
    assert score.wrong <= 0.02 and 0.9 <= score.covered <= 0.99 and score.found >= 0.8
    assert score.worst <= 0.5


def scored(parts):
    """The score of several groups of judged samples together."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return known_truth.score(known_truth.Judged(*columns))


def test_score_counts_by_hand():
    verdict = np.array([2, 2, 2, 3, 1, 1])
    error = np.array([0.0, -0.2, 0.01, -0.04, -3.0, -1.0])
    low, high = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0]), np.ones(6)
    true, n_patterns, n = np.full(6, 0.5), np.array([5, 5, 5, 5, 9, 5]), np.full(6, 9)
    judged = known_truth.Judged(error, verdict, low, high, true, n_patterns, n)
    found = known_truth.score(judged)
    assert (found.wrong, found.covered, found.found) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert (found.worst, found.unseen, found.n_reliable, found.n_samples) == (0.2, 1.0, 3, 6)
    last = jax.tree.map(lambda leaf: leaf[4:], judged)
    nothing = known_truth.score(last._replace(n_patterns=np.zeros(2)))
    assert (
        np.isnan([nothing.wrong, nothing.covered, nothing.found, nothing.unseen]).all()
        and nothing.worst == 0
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"p": (0.5, 1.0)}, "expected p between 0 and 1"),
        ({"d": (3, 2)}, "expected d from 1 to 64, rising"),
        ({"d": (65,)}, "expected d from 1 to 64"),
        ({"n": (0,)}, "expected n >= 1, rising"),
        ({"repetitions": 0}, "expected repetitions >= 1"),
    ],
)
def test_bad_studies_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Bernoulli(**values)
