import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import entropy, informations
from scipy.stats import binom, hypergeom

from jaxbnn.info import corrected_entropy, expectation, sample_size
from jaxbnn.info import reliability as r
from jaxbnn.info.spectrum import Spectrum

HISTOGRAM = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]  # N = 19, K = 8, f1 = 2, f2 = 3
HISTOGRAMS = [HISTOGRAM, [1], [2], [1, 1, 1], [9], [50, 30, 20, 1], [7, 7, 1], [1] * 6 + [40]]
histograms = st.lists(st.integers(0, 12), min_size=1, max_size=8).filter(any)


def batch(spectra, room):
    """Spectra in one, [S, M], padded to M = room."""
    padded = [[np.pad(leaf, (0, room - len(leaf))) for leaf in spectrum] for spectrum in spectra]
    return Spectrum(*(np.stack(leaves) for leaves in zip(*padded, strict=True)))


def of(*histograms, room=12):
    """The spectra of histograms in one; an empty histogram gives zeros, "not counted"."""
    nothing = Spectrum(np.zeros(0, int), np.zeros(0, int))
    return batch([Spectrum.from_histogram(h) if h else nothing for h in histograms], room)


def examples(histogram):
    return np.repeat(np.arange(len(histogram)), histogram)


def bernoulli(rng, n, d, p):
    """A drawn sample of d independent units: its spectrum."""
    rows = (rng.random((n, d)) < p) @ (1 << np.arange(d))
    return Spectrum.from_histogram(np.unique(rows, return_counts=True)[1])


def verdict(histogram, log2_patterns=2.0, **options):
    t = Spectrum.from_histogram(histogram)
    found = int(r.judge(t, log2_patterns=log2_patterns, **options).verdict)
    return "unjudged" if found == r.UNJUDGED else r.VERDICTS[found]


def test_counts_and_coverages_by_hand():
    t = r.judge(Spectrum.from_histogram(HISTOGRAM))
    assert (t.n, t.n_patterns, t.n_singletons, t.n_doubletons) == (19, 8, 2, 3)
    assert t.coverage == pytest.approx(17 / 19)
    assert t.coverage_chao_jost == pytest.approx(1 - (2 / 19) * (18 * 2) / (18 * 2 + 2 * 3))
    no_doubletons, no_singletons = (
        r.judge(Spectrum.from_histogram([3, 1, 1])),
        r.judge(Spectrum.from_histogram([3, 2])),
    )
    assert no_doubletons.coverage_chao_jost == pytest.approx(1 - (2 / 5) * (4 * 1) / (4 * 1 + 2))
    assert no_singletons.coverage == no_singletons.coverage_chao_jost == 1


def test_bias_error_and_interval_by_hand():
    t = r.judge(Spectrum.from_histogram(HISTOGRAM))
    plugin, corrected = 2.839775539646, 3.169768413748
    p = np.array([c for c in HISTOGRAM if c]) / 19
    error = math.sqrt((np.sum(p * np.log2(p) ** 2) - plugin**2) / 19)
    assert t.bias == pytest.approx(
        corrected - plugin, abs=1e-9
    )  # Miller-Madow's correction is 0.266
    assert t.standard_error == pytest.approx(error, abs=1e-9)
    assert (t.low, t.high) == pytest.approx(
        (corrected - 1.96 * error, corrected + 1.96 * error), abs=1e-9
    )
    few = r.judge(Spectrum.from_histogram([500, 300, 200]))
    assert few.bias == pytest.approx(2 / (2000 * math.log(2)), rel=1e-2)  # and here the larger


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        ([1], "saturated"),
        ([1] * 50, "saturated"),
        ([1] * 51 + [49], "saturated"),  # coverage 0.49
        ([1] * 50 + [50], "biased"),  # coverage 0.5
        ([2], "conditional"),  # two examples exclude nothing
        ([10**6], "reliable"),
        ([500_000, 300_000, 200_000], "reliable"),
        (HISTOGRAM, "biased"),
        ([2] * 500, "biased"),
    ],
)
def test_verdicts(histogram, expected):
    assert verdict(histogram) == expected
    assert verdict(histogram, population=True) == "population"


def test_saturated_is_within_one_percent_of_log2_n():
    assert verdict([1] * 4 + [2] * 4998) == "biased"  # 0.925 log2 n
    assert verdict([1] * 7000 + [2] * 1500) == "saturated"
    assert verdict([2**20] * 2, tolerance=0.1) == "reliable"


def test_reliable_is_within_the_tolerance():
    t = Spectrum.from_histogram([50, 30, 20, 10])
    trust = r.judge(t, log2_patterns=2)
    edge = float(trust.bias + 2 * trust.standard_error)
    assert r.judge(t, tolerance=edge * 1.001, log2_patterns=2).verdict == r.RELIABLE
    assert r.judge(t, tolerance=edge * 0.999, log2_patterns=2).verdict == r.BIASED


def test_what_patterns_not_seen_may_hold_by_hand():
    histogram = [500, 300, 190] + [1] * 10
    t = Spectrum.from_histogram(histogram)
    mass = (10 + 1.645 * math.sqrt(11) + 1.35) / 1000
    others = entropy_of([500 / 990, 300 / 990, 190 / 990])
    now = entropy_of([0.01, 0.99]) + 0.01 * math.log2(10) + 0.99 * others
    rare = entropy_of([mass, 1 - mass]) + mass * math.log2(2**20 - 3)
    expected = rare + (1 - mass) * others - now
    trust = r.judge(t, log2_patterns=20)
    assert trust.unseen == trust.bias == pytest.approx(expected, rel=1e-9)
    unaware = r.judge(t)
    assert unaware.unseen == 0 and unaware.bias < trust.bias
    assert trust.high - unaware.high == pytest.approx(expected)
    far = expected + mass * (1000 - math.log2(2**20 - 3))
    assert r.judge(t, log2_patterns=1000).unseen == pytest.approx(far)
    all_once = r.judge(Spectrum.from_histogram([1, 1, 1]), log2_patterns=2)
    assert all_once.unseen == pytest.approx(2 - math.log2(3))  # and no more than is possible
    seen = r.judge(Spectrum.from_histogram([500, 300, 150, 50]), log2_patterns=2)
    assert seen.unseen == 0  # all four were seen


def test_a_verdict_says_what_it_cannot_know():
    common = [25000, 20000, 14000, 1000]
    assert verdict(common, log2_patterns=10) == "reliable"
    assert verdict(common, log2_patterns=math.nan) == "conditional"  # how many there are
    assert verdict(common, log2_patterns=4000) == "conditional"  # 60000 cannot exclude 2^4000
    assert verdict(common, log2_patterns=900) == "reliable"
    rare = [59000] + [1] * 1000  # a tail that is seen: no assumption is needed
    assert verdict(rare, log2_patterns=40) == "biased"
    assert r.cause(r.judge(Spectrum.from_histogram(common))) == ""


def test_a_saturated_point_has_bounds_and_no_interval():
    t = Spectrum.from_histogram([1] * 60000)
    trust = r.judge(t, log2_patterns=40)
    reach = math.log2(60000) * math.sqrt(2 * math.log(40) / 60000)
    assert trust.low == pytest.approx(math.log2(60000) - reach) and trust.high == 40
    assert r.judge(t).high == math.inf


def test_drawn_bernoulli_samples():
    rng = np.random.default_rng(0)
    assert r.judge(bernoulli(rng, 60000, 12, 0.1), log2_patterns=12).verdict == r.RELIABLE
    assert r.judge(bernoulli(rng, 2000, 12, 0.2)).verdict == r.BIASED
    assert r.judge(bernoulli(rng, 2000, 40, 0.5)).verdict == r.SATURATED


def test_a_population_is_its_own_answer():
    t = r.judge(of(HISTOGRAM, [1, 1]), population=[True, False])
    assert t.verdict.tolist() == [r.POPULATION, r.SATURATED] and t.verdict.dtype == np.int8
    assert t.bias[0] == t.unseen[0] == t.standard_error[0] == 0
    assert t.low[0] == t.high[0] == pytest.approx(2.839775539646)


def test_what_was_not_counted_is_not_judged():
    t = r.judge(of(HISTOGRAM, []))
    assert t.verdict.tolist() == [r.BIASED, r.UNJUDGED]
    for name, leaf in t._asdict().items():
        assert leaf[1] == -1 if leaf.dtype.kind == "i" else np.isnan(leaf[1]), name
    assert r.cause(t)[1] == ""
    whole = r.judge(of([]), population=True)
    assert whole.verdict == r.POPULATION and np.isnan([whole.low, whole.bias, whole.coverage]).all()
    assert sample_size.needed(of([]), whole) == -1


def test_cause_names_the_larger():
    t = r.judge(of([1] * 50 + [50], [40, 10, 2], [10**6], [1], room=3), log2_patterns=1.6)
    assert r.cause(t).tolist() == ["bias", "standard error", "", ""]


@pytest.mark.parametrize("i", range(len(HISTOGRAMS)))
def test_a_batch_is_its_points_one_by_one_and_padding_changes_nothing(i):
    together = of(*HISTOGRAMS)
    trusts, one = r.judge(together), Spectrum.from_histogram(HISTOGRAMS[i])
    trust = r.judge(one)
    for name, a, b in zip(trust._fields, trusts, trust, strict=True):
        np.testing.assert_allclose(a[i], b, rtol=1e-12, atol=1e-12, err_msg=name)
    assert sample_size.needed(together, trusts)[i] == sample_size.needed(one, trust)
    np.testing.assert_allclose(
        sample_size.guesses(together, 5).chao1[i], sample_size.guesses(one, 5).chao1
    )
    squared = Spectrum(*(leaf.reshape(2, 4, -1) for leaf in together))
    np.testing.assert_array_equal(r.judge(squared).low.ravel(), trusts.low)


def test_intervals_of_reliable_draws_cover():
    rng = np.random.default_rng(7)
    d, p, n = 8, 0.15, 6000
    draws = [bernoulli(rng, n, d, p) for _ in range(400)]
    t = r.judge(batch(draws, 120), log2_patterns=d)
    reliable, h = t.verdict == r.RELIABLE, d * entropy_of([p, 1 - p])
    covers = ((t.low <= h) & (h <= t.high))[reliable]
    assert reliable.mean() > 0.9 and 0.9 <= covers.mean() <= 0.99


def entropy_of(p):
    return -sum(q * math.log2(q) for q in p)


def test_verdicts_on_the_label():
    null, error, h_y = (
        [0.6, 0.05, 0.05, 0.0, np.nan, 0.1],
        [0.0, 0.02, 0.03, 0.0, 0.0, 0.0],
        [1, 1, 1, 0, 1, 3.3],
    )
    expected = ["saturated", "reliable", "biased", "reliable", "unjudged", "reliable"]
    found = r.judge_label(null, null, error, np.array(h_y))
    assert [*r.VERDICTS, "unjudged"][found[0]] == "saturated" and found.dtype == np.int8
    assert [[*r.VERDICTS, "unjudged"][v] for v in found] == expected
    everything = r.judge_label(null, null, error, np.array(h_y), population=True)
    assert (everything == r.POPULATION).all()
    assert r.judge_label(0.1, 0.2, 0.04, 3.3, tolerance=0.3) == r.RELIABLE
    assert r.judge_label(0.01, 0.2, 0.04, 3.3) == r.BIASED


def test_the_bias_of_the_label_information_is_bounded_whatever_the_classes():
    """90 % of the examples have one pattern and class 0; the rest patterns of their own, or one in
    three, and any class."""
    rng = np.random.default_rng(5)
    n = 20000
    for repeated in (1, 3):
        rare = rng.random(n) < 0.1
        t = np.where(rare, 1 + rng.integers(0, n // 10 // repeated, n), 0)
        y = np.where(rare, rng.integers(0, 10, n), 0)
        sizes = np.bincount(y)
        spectrum = Spectrum.from_histogram(np.bincount(t)[np.bincount(t) > 0])
        share = np.array([0.91] + [0.01] * 9)
        true = entropy_of(share) - 0.1 * math.log2(10)
        error = informations(t[:, None], y)[1] - true
        null = r.null_information(spectrum, sizes)
        bias = r.label_bias(spectrum, sizes)
        assert null < error < bias + 0.02
        assert r.judge_label(null, bias, 0.005, entropy_of(share)) != r.RELIABLE
    by_hand = 2 / 7 * math.log2(10) + 5 / 7 * math.log2(1 + 9 / 5)
    assert r.label_bias(Spectrum.from_histogram([1, 1, 5]), [1] * 10) == pytest.approx(by_hand)
    assert r.label_bias(Spectrum.from_histogram([4]), [4, 0]) == 0
    assert np.isnan(r.label_bias(of([]), [4, 1])).all()


def test_the_null_when_every_pattern_is_seen_once_is_the_label_entropy():
    assert r.null_information(Spectrum.from_histogram([1] * 10000), [1000] * 10) == pytest.approx(
        math.log2(10), abs=1e-12
    )
    assert r.null_information(Spectrum.from_histogram([1] * 6), [1, 2, 3]) == pytest.approx(
        entropy_of([1 / 6, 1 / 3, 1 / 2])
    )


def test_the_null_of_a_drawn_uniform_sample():
    rng = np.random.default_rng(3)
    t, y = rng.integers(0, 2**16, 10000), rng.integers(0, 10, 10000)
    null = r.null_information(Spectrum.from_histogram(np.bincount(t)), np.bincount(y))
    assert null == pytest.approx(3.1835, abs=0.01)
    assert null == pytest.approx(informations(t[:, None], y)[1], abs=0.01)
    assert r.judge_label(null, null, 0.0, math.log2(10)) == r.SATURATED


@pytest.mark.parametrize("n", [5, 60, 1000])
def test_the_null_is_that_of_scikit_learn(n):
    from sklearn.metrics import cluster

    rng = np.random.default_rng(n)
    for n_patterns, n_classes in ((1, 3), (4, 1), (5, 3), (40, 7), (400, 10)):
        t, y = rng.integers(0, n_patterns, n) * rng.integers(0, 2, n), rng.integers(0, n_classes, n)
        table = cluster.contingency_matrix(t, y, sparse=True).astype(np.int64)
        theirs = cluster.expected_mutual_information(table, n) / math.log(2)
        ours = r.null_information(
            Spectrum.from_histogram(np.bincount(t)), np.bincount(y, minlength=12)
        )
        assert ours == pytest.approx(max(0, theirs), abs=1e-9)


def test_the_null_is_the_mean_over_permuted_labels():
    rng = np.random.default_rng(1)
    t, y = examples(HISTOGRAM), examples([8, 4, 7])
    drawn = [informations(t[:, None], rng.permutation(y))[1] for _ in range(2000)]
    null = r.null_information(Spectrum.from_histogram(HISTOGRAM), [8, 0, 4, 7])
    assert null == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / math.sqrt(2000))


def test_the_null_of_large_samples_by_scipy():
    n, a, b = 10**6, 30_000, 200_000
    k = np.arange(5000, 7200)
    one = np.sum(hypergeom.pmf(k, n, a, b) * k / n * np.log2(n * k / (a * b)))
    rest = np.sum(
        hypergeom.pmf(a - k, n, a, n - b) * (a - k) / n * np.log2(n * (a - k) / (a * (n - b)))
    )
    other = r.null_information(Spectrum.from_histogram([n - a, a]), [b, n - b])
    k, c = b - k, n - a  # the other pattern's share of each class
    by_scipy = one + rest
    by_scipy += np.sum(hypergeom.pmf(b - k, n, a, b) * k / n * np.log2(n * k / (c * b)))
    by_scipy += np.sum(
        hypergeom.pmf(b - k, n, a, b) * (c - k) / n * np.log2(n * (c - k) / (c * (n - b)))
    )
    assert other == pytest.approx(by_scipy, abs=1e-11)
    assert other == pytest.approx(
        1 / (2 * n * math.log(2)), rel=1e-3
    )  # (K_T - 1)(K_Y - 1)/(2 N ln 2), Miller 1955


def test_the_null_of_a_batch():
    t = of([3, 3], [1] * 6, [], [6])
    null = r.null_information(t, [4, 2])
    assert (
        np.isnan(null[2]) and null[3] == 0 and null[1] == pytest.approx(entropy_of([2 / 3, 1 / 3]))
    )
    assert null[0] == r.null_information(Spectrum.from_histogram([3, 3]), [2, 4])
    assert (r.null_information(of([3, 3], [1] * 6), [6]) == 0).all()  # one class
    assert np.isnan(r.null_information(of([]), [])).all()


@pytest.mark.parametrize("histogram", [[1], [3, 2], [1, 1, 4], [2, 2, 2, 1], [5, 1, 1, 1]])
def test_rarefaction_is_the_mean_over_all_subsets(histogram):
    t, sizes = examples(histogram).tolist(), range(1, sum(histogram) + 1)
    brute = [np.mean([entropy(subset) for subset in itertools.combinations(t, n)]) for n in sizes]
    np.testing.assert_allclose(
        expectation.rarefaction(Spectrum.from_histogram(histogram), sizes), brute, atol=1e-12
    )


def test_rarefaction_is_the_mean_over_subsamples():
    rng, histogram = np.random.default_rng(5), [300, 200, *[20] * 10, *[1] * 100]
    drawn = [
        entropy(rng.choice(examples(histogram), 150, replace=False).tolist()) for _ in range(400)
    ]
    expected = expectation.rarefaction(Spectrum.from_histogram(histogram), [150])[0]
    assert expected == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 20)


@given(histograms)
@settings(max_examples=40, deadline=None)
def test_rarefaction_rises_and_ends_at_the_plugin(histogram):
    t = Spectrum.from_histogram(histogram)
    curve = expectation.rarefaction(t, range(1, sum(histogram) + 1))
    assert curve[-1] == pytest.approx(float(corrected_entropy.plugin(t)), abs=1e-12)
    assert curve[0] == 0 and (np.diff(curve) >= -1e-12).all()


def test_rarefaction_of_a_batch():
    curve = expectation.rarefaction(of([3, 2], [], [60, 40]), [1, 5])
    assert curve.shape == (3, 2) and np.isnan(curve[1]).all()
    np.testing.assert_allclose(
        curve[2], expectation.rarefaction(Spectrum.from_histogram([60, 40]), [1, 5])
    )
    assert expectation.rarefaction(of([3, 2]), []).shape == (1, 0)


@given(histograms, st.sampled_from([0.0, 0.01, 0.1, 0.5]))
@settings(max_examples=40, deadline=None)
def test_needed_is_the_first_size_within_the_tolerance(histogram, tolerance):
    t = Spectrum.from_histogram(histogram)
    curve = expectation.rarefaction(t, range(1, sum(histogram) + 1))
    first = 1 + int(np.argmax(curve >= curve[-1] - tolerance - 1e-12))
    assert sample_size.needed(t, r.judge(t, population=True), tolerance) == first


def test_needed_is_for_reliable_points():
    t = of([10**6], [5000, 3000, 2000], HISTOGRAM, [1] * 5, [])
    found = sample_size.needed(t, r.judge(t, log2_patterns=2))
    assert found[0] == 1 and 10 < found[1] < 100 and found[2:].tolist() == [-1, -1, -1]
    assert sample_size.needed(t, r.judge(t, log2_patterns=2), 0.01)[1] > found[1]


def test_guesses_by_hand():
    g = sample_size.guesses(of(HISTOGRAM, [3, 1, 1], []), [10, 0, 4])
    assert g.chao1[0] == pytest.approx((8 + 4 / 6 - 1) / (0.2 * math.log(2)))
    assert g.chao1[1] == pytest.approx((3 + 1 - 1) / (0.2 * math.log(2)))
    assert g.units[:2] == pytest.approx([102.4**2, 1]) and np.isnan([g.chao1[2], g.units[2]]).all()
    assert sample_size.guesses(Spectrum.from_histogram(HISTOGRAM), 4096).units == np.inf
    half = sample_size.guesses(Spectrum.from_histogram(HISTOGRAM), 1, tolerance=0.05)
    assert half.chao1 == pytest.approx(2 * g.chao1[0]) and half.units == pytest.approx(4)


@pytest.mark.parametrize(
    ("d", "n", "expected"),
    [
        (10, 1000, 9.1552),
        (10, 4096, 9.8082),
        (10, 10000, 9.9248),
        (10, 60000, 9.9877),
        (16, 1000, 9.9506),
        (16, 10000, 13.1398),
        (16, 60000, 15.1041),
    ],
)
def test_expected_plugin_of_uniform_patterns(d, n, expected):
    assert expectation.expected_plugin([2.0**-d], n, [2**d]) == pytest.approx(expected, abs=5e-5)


def test_expected_plugin_is_the_mean_over_all_samples():
    p, n = [0.5, 0.3, 0.2], 5
    brute = sum(
        math.prod(p[i] for i in s) * entropy(s) for s in itertools.product(range(3), repeat=n)
    )
    assert expectation.expected_plugin([*p, 0.0], n) == pytest.approx(brute, abs=1e-12)
    assert expectation.expected_plugin(p, 1) == pytest.approx(0, abs=1e-15)
    assert expectation.expected_plugin([1.0], 7) == expectation.expected_plugin([1.0, 0.0], 7) == 0


def test_expected_plugin_takes_equal_probabilities_together():
    d, p, n = 12, 0.2, 300
    ones = np.arange(d + 1)
    each, number = p**ones * (1 - p) ** (d - ones), [math.comb(d, k) for k in ones]
    k = np.arange(1, n + 1)
    by_scipy = sum(
        m * np.sum(binom.pmf(k, n, q) * -(k / n) * np.log2(k / n))
        for q, m in zip(each, number, strict=True)
    )
    assert expectation.expected_plugin(each, n, number) == pytest.approx(by_scipy, abs=1e-10)
    assert expectation.expected_plugin(np.repeat(each, number), n) == pytest.approx(
        by_scipy, abs=1e-10
    )
    wide = 0.5 ** np.full(1, 1000.0)
    assert expectation.expected_plugin(wide, 60000, 1 / wide) == pytest.approx(
        math.log2(60000), abs=1e-9
    )


def test_expected_plugin_is_the_mean_of_drawn_samples():
    rng = np.random.default_rng(2)
    drawn = [float(corrected_entropy.plugin(bernoulli(rng, 200, 6, 0.3))) for _ in range(400)]
    p = [0.3**k * 0.7 ** (6 - k) for k in range(7)]
    expected = expectation.expected_plugin(p, 200, [math.comb(6, k) for k in range(7)])
    assert expected == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 20)


def test_bad_input_is_refused():
    t, two = Spectrum.from_histogram([3, 2]), of([3, 2], [60, 40])
    refused = {
        r"whole numbers \[..., M\], got \(2,\) and \(3,\)": lambda: r.judge(
            Spectrum(np.ones(2, int), np.ones(3, int))
        ),
        r"whole numbers \[..., M\], got \(2,\) and \(2,\)": lambda: r.judge(
            Spectrum(np.ones(2), np.ones(2))
        ),
        r"sum\(class_sizes\) = 6 examples, got one of 5": lambda: r.null_information(t, [4, 2]),
        r"class_sizes \[C\] >= 0, got int64 \(2,\) from -1": lambda: r.null_information(t, [6, -1]),
        r"class_sizes \[C\] >= 0, got float64": lambda: r.null_information(t, [2.5, 2.5]),
        r"sizes of at most 5, the sample's, got 6": lambda: expectation.rarefaction(two, [1, 6]),
        r"sizes \[R\] >= 1, got int64 \(2,\) from 0": lambda: expectation.rarefaction(t, [0, 1]),
        r"a trust with leaves \(2,\), got \(\)": lambda: sample_size.needed(two, r.judge(t)),
        r"log2_patterns >= 0 and a tolerance > 0, got -1 and 0.1": lambda: sample_size.guesses(
            t, -1
        ),
        r"log2_patterns >= 0 and a tolerance > 0, got 3 and 0": lambda: sample_size.guesses(
            t, 3, 0
        ),
        r"sum\(number p\) = 1, got \(2,\) and \(2,\)": lambda: expectation.expected_plugin(
            [0.5, 0.6], 10
        ),
        r"sum\(number p\) = 1, got \(1,\) and \(2,\)": lambda: expectation.expected_plugin(
            [1.0], 10, [1, 1]
        ),
        r"n >= 1 draws, got 0": lambda: expectation.expected_plugin([1.0], 0),
        r"n >= 1 draws, got 2.5": lambda: expectation.expected_plugin([1.0], 2.5),
    }
    for message, call in refused.items():
        with pytest.raises(ValueError, match=message):
            call()
