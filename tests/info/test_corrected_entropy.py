import math
from decimal import Decimal, localcontext
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from jaxbnn.info import Counts, corrected_entropy, dirichlet_posterior
from jaxbnn.info.spectrum import Spectrum

HISTOGRAM = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]
KNOWN = {
    "plugin": 2.839775539646,
    "miller_madow": 3.105535152441,
    "grassberger": 3.094041851687,
    "chao_shen": 3.175569580333,
    "chao_wang_jost": 3.169768413748,
    "jackknife": 3.219048387931,
}
EVERY = {
    **corrected_entropy.ESTIMATORS,
    **{name: lambda of, f=f: f(of, 2**20) for name, f in corrected_entropy.WITH_ALPHABET.items()},
}
CASES = [[1], [7], [1, 1], [2, 1], [5, 3], [1] * 9, HISTOGRAM, [100, 1, 1, 2], [30, 30, 30]]

every_estimator = pytest.mark.parametrize("estimate", EVERY.values(), ids=EVERY)
histograms = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any)


def entropy_of(p):
    return stats.entropy(np.asarray(p)[np.asarray(p) > 0], base=2)


def padded(histograms, size):
    """Spectra side by side, [points, size]; None is a point that was not measured."""
    both = np.zeros((2, len(histograms), size), np.int32)
    for i, histogram in enumerate(histograms):
        spectrum = Spectrum.from_histogram(histogram) if histogram is not None else ([], [])
        both[:, i, : len(spectrum[0])] = spectrum
    return Spectrum(*both)


# --- known answers and slow oracles


@pytest.mark.parametrize("name", KNOWN)
def test_known_answers(name):
    assert corrected_entropy.ESTIMATORS[name](Counts.from_histogram(HISTOGRAM)) == pytest.approx(
        KNOWN[name], abs=1e-11
    )


def test_known_answers_given_an_alphabet():
    counts = Counts.from_histogram(HISTOGRAM)
    assert corrected_entropy.james_stein(counts, 11) == pytest.approx(3.433041296349, abs=1e-11)
    assert corrected_entropy.nsb(counts, 11) == pytest.approx((3.15629137, 0.20326497), abs=1e-8)
    assert (
        corrected_entropy.WITH_ALPHABET["nsb"](counts, 11) == corrected_entropy.nsb(counts, 11).mean
    )


@given(histograms)
@settings(max_examples=40, deadline=None)
def test_plugin_agrees_with_scipy_and_lies_within_its_bounds(histogram):
    h, seen = (
        corrected_entropy.plugin(Counts.from_histogram(histogram)),
        np.count_nonzero(histogram),
    )
    assert h == pytest.approx(entropy_of(np.array(histogram) / sum(histogram)), abs=1e-12)
    assert 0 <= h <= math.log2(min(seen, sum(histogram))) + 1e-12


def test_plugin_information_agrees_with_scikit_learn():
    from sklearn import metrics

    t, y = np.random.default_rng(0).integers(0, 12, (2, 200)) // [[1], [4]]
    pairs = np.unique(np.stack([t, y]), axis=1, return_counts=True)[1]
    h_t, h_y, h_ty = (
        corrected_entropy.plugin(Spectrum.from_histogram(h))
        for h in (np.bincount(t), np.bincount(y), pairs)
    )
    assert h_t + h_y - h_ty == pytest.approx(
        metrics.mutual_info_score(t, y) / math.log(2), abs=1e-12
    )


@pytest.mark.parametrize("histogram", CASES, ids=str)
def test_corrections_by_hand(histogram):
    counts, p = (
        Counts.from_histogram(histogram),
        np.array(histogram)[np.array(histogram) > 0] / sum(histogram),
    )
    n, first = sum(histogram), (len(p) - 1) / (2 * sum(histogram) * math.log(2))
    assert corrected_entropy.miller_madow(counts) == pytest.approx(entropy_of(p) + first, abs=1e-12)
    second = (1 - np.sum(1 / p)) / (12 * n**2 * math.log(2))
    assert corrected_entropy.harris(counts) == pytest.approx(
        entropy_of(p) + first - second, abs=1e-12
    )
    g = [-np.euler_gamma - math.log(2)] * 2
    while len(g) <= max(histogram):
        g += [g[-1] + (2 if len(g) == 2 else 2 / (len(g) - 1))] * 2
    grassberger = math.log2(n) - sum(c * g[c] for c in histogram) / (n * math.log(2))
    assert corrected_entropy.grassberger(counts) == pytest.approx(grassberger, abs=1e-12)
    once = histogram.count(1)
    q = (1 - (n - 1 if once == n else once) / n) * p
    assert corrected_entropy.chao_shen(counts) == pytest.approx(
        -np.sum(q * np.log2(q) / (1 - (1 - q) ** n)), abs=1e-11
    )


@given(histograms)
@settings(max_examples=40, deadline=None)
@example([1])
@example([1] * 9)
def test_jackknife_leaves_out_one_by_one(histogram):
    rows = np.repeat(np.arange(len(histogram)), histogram).tolist()
    without = [oracles.entropy(rows[:i] + rows[i + 1 :]) for i in range(len(rows))]
    direct = len(rows) * oracles.entropy(rows) - (len(rows) - 1) * np.mean(without)
    assert corrected_entropy.jackknife(Counts.from_histogram(histogram)) == pytest.approx(
        direct, abs=1e-9
    )


def chao_wang_jost_in_decimals(histogram, digits):
    """The published formula, cancellation and all, with as many digits as it takes."""
    n, once, twice = sum(histogram), histogram.count(1), histogram.count(2)
    with localcontext() as context:
        context.prec = digits
        a = (
            Decimal(2 * twice) / ((n - 1) * once + 2 * twice)
            if twice
            else Decimal(2) / ((n - 1) * (once - 1) + 2)
        )
        a = a if once else Decimal(1)
        harmonic, head, power, at = Decimal(0), Decimal(0), Decimal(1), {1: Decimal(0)}
        for r in range(1, n):
            power *= 1 - a
            head += power / r
            harmonic += 1 / Decimal(r)
            at[r + 1] = harmonic
        nats = sum(Decimal(c) / n * (harmonic - at[c]) for c in histogram if c)
        if a < 1:
            nats += Decimal(once) / n * (1 - a) ** (1 - n) * (-a.ln() - head)
        return float(nats / Decimal(2).ln())


@pytest.mark.parametrize(
    "histogram",
    [*CASES, [1] * 1000, [1] * 1000 + [3] * 5, [1] + [2] * 60, [1] * 10 + [10**5], [99_998, 2, 1]],
    ids=len,
)
def test_chao_wang_jost_is_the_published_sum(histogram):
    direct = chao_wang_jost_in_decimals(histogram, 100)
    assert corrected_entropy.chao_wang_jost(Counts.from_histogram(histogram)) == pytest.approx(
        direct, abs=1e-13, rel=1e-13
    )


def test_chao_wang_jost_of_a_million_patterns_seen_once():
    direct = chao_wang_jost_in_decimals([1] * 10**6, 40)
    assert corrected_entropy.chao_wang_jost(
        Spectrum(np.array([1]), np.array([10**6]))
    ) == pytest.approx(direct, rel=1e-13)


def james_stein_over_all_cells(histogram, m):
    p = np.zeros(m)
    p[: len(histogram)] = np.array(histogram) / sum(histogram)
    rest = (sum(histogram) - 1) * np.sum((1 / m - p) ** 2)
    lam = min(1, (1 - np.sum(p**2)) / rest) if rest > 0 else 1
    return entropy_of(lam / m + (1 - lam) * p)


@pytest.mark.parametrize("m", [11, 100, 2**20])
@pytest.mark.parametrize("histogram", CASES, ids=str)
def test_james_stein_is_the_sum_over_all_cells(histogram, m):
    direct = james_stein_over_all_cells(histogram, m)
    assert corrected_entropy.james_stein(Counts.from_histogram(histogram), m) == pytest.approx(
        direct, abs=1e-10
    )


def test_james_stein_of_the_whole_alphabet_seen_alike_is_uniform():
    assert corrected_entropy.james_stein(Counts.from_histogram([30, 30, 30]), 3) == pytest.approx(
        math.log2(3), abs=1e-12
    )
    assert corrected_entropy.james_stein(Counts.from_histogram([5]), 1) == 0


def test_james_stein_shrinks_patterns_seen_once_to_the_alphabet_of_any_size():
    for m in (2**20, 2**64, 2**3136):
        assert corrected_entropy.james_stein(Counts.from_histogram([1] * 9), m) == pytest.approx(
            math.log2(m), rel=1e-12
        )


# --- NSB


def nsb_by_quadrature(histogram, m):
    """Posterior mean and sd: sequential predictive probabilities of every example, cell by cell,
    and scipy's quad."""
    c, n = np.zeros(m), sum(histogram)
    c[: len(histogram)] = histogram

    def log_weight(log_b):
        b = math.exp(log_b)
        seen = math.fsum(math.log(b + j) for x in histogram for j in range(x))
        slope = m * b * special.polygamma(1, m * b + 1) - b * special.polygamma(1, b + 1)
        return seen - math.fsum(math.log(m * b + j) for j in range(n)) + math.log(slope)

    def moments(log_b):
        a, total = c + math.exp(log_b), n + m * math.exp(log_b)
        u = special.psi(a + 1) - special.psi(total + 2)
        v = (special.psi(a + 2) - special.psi(total + 2)) ** 2 + special.polygamma(1, a + 2)
        last = special.polygamma(1, total + 2)
        unlike = np.sum(a * u) ** 2 - np.sum((a * u) ** 2) - last * (total**2 - np.sum(a**2))
        second = (unlike + np.sum(a * (a + 1) * (v - last))) / (total * (total + 1))
        return special.psi(total + 1) - np.sum(a * special.psi(a + 1)) / total, second

    grid = np.linspace(-math.log(m) - 14, 14, 60)
    peak = grid[np.argmax([log_weight(x) for x in grid])]
    top = log_weight(peak)

    def integral(f):
        edges = [-math.log(m) - 28, peak - 3, peak, peak + 3, 28]
        weighted = lambda x: math.exp(log_weight(x) - top) * f(x)  # noqa: E731
        return sum(
            integrate.quad(weighted, *part, epsabs=1e-11, epsrel=1e-11, limit=200)[0]
            for part in pairwise(edges)
        )

    mass = integral(lambda x: 1)
    mean, second = (integral(lambda x, i=i: moments(x)[i]) / mass for i in (0, 1))
    return mean / math.log(2), math.sqrt(second - mean**2) / math.log(2)


@pytest.mark.parametrize(
    "histogram, m",
    [
        (HISTOGRAM, 11),
        ([1], 2),
        ([5], 2),
        ([2, 1], 50),
        ([1] * 9, 9),
        ([1] * 9, 100),
        ([9, 8, 10], 3),
    ],
)
def test_nsb_is_the_integral_over_b(histogram, m):
    assert corrected_entropy.nsb(Counts.from_histogram(histogram), m) == pytest.approx(
        nsb_by_quadrature(histogram, m), abs=2e-7
    )


def explicit_nsb(histogram, m, n_nodes=200):
    """Every one of m cells in turn, on a plain grid wide enough for an informative sample."""
    c = np.zeros(m)
    c[: len(histogram)] = histogram
    log_b = np.linspace(-math.log(m) - 6, -math.log(m) + 12, n_nodes)
    log_weight, mean = np.empty((2, n_nodes))
    for i, b in enumerate(np.exp(log_b)):
        a, total = c + b, c.sum() + m * b
        likelihood = (
            np.sum(special.gammaln(a) - special.gammaln(b))
            + special.gammaln(m * b)
            - special.gammaln(total)
        )
        slope = m * b * special.polygamma(1, m * b + 1) - b * special.polygamma(1, b + 1)
        log_weight[i] = likelihood + math.log(slope)
        mean[i] = special.psi(total + 1) - np.sum(a * special.psi(a + 1)) / total
    weight = special.softmax(log_weight)
    return np.array([weight @ mean, math.sqrt(weight @ (mean - weight @ mean) ** 2)]) / math.log(2)


def test_nsb_of_many_cells_is_the_sum_over_each():
    histogram = [50, 40, 30, 20, 10, 5, 3, 1, 1]
    mean, sd_of_mean = explicit_nsb(histogram, 2**13)
    posterior = corrected_entropy.nsb(Counts.from_histogram(histogram), 2**13)
    assert posterior.mean == pytest.approx(mean, abs=1e-6)
    assert posterior.sd > sd_of_mean


def test_moments_at_one_b_are_those_of_draws_from_the_dirichlet():
    c, k, b, m = np.array([4.0, 2, 1]), np.array([2.0, 3, 2]), 0.3, 20
    mean, variance = dirichlet_posterior._dirichlet_moments(np.log([b]), c, k, m)
    cells = np.append(np.repeat(c, k.astype(int)), np.zeros(m - 7)) + b
    draws = stats.entropy(np.random.default_rng(0).dirichlet(cells, 100_000), axis=1)
    assert draws.mean() == pytest.approx(mean[0], abs=5 * math.sqrt(variance[0] / draws.size))
    assert draws.var() == pytest.approx(variance[0], rel=0.03)


def nsb_without_end(histogram):
    """The limit m -> infinity when the sample is informative: Gamma(a)/Gamma(N+a) a^K, a = m b,
    prior psi1(a+1) da."""
    c, n, seen = np.array(histogram), sum(histogram), len(histogram)
    log_a = np.linspace(-60, 16, 4001)
    a = np.exp(log_a)
    log_weight = (
        seen * log_a
        - sum(np.log(a + j) for j in range(n))
        + np.log(a * special.polygamma(1, a + 1))
    )
    weight = special.softmax(log_weight)
    mean = special.psi(n + a + 1) - (np.sum(c * special.psi(c + 1)) + a * special.psi(1)) / (n + a)
    return weight @ mean / math.log(2)


@pytest.mark.parametrize("m", [2**64, 2**3136], ids=["64", "3136"])
def test_nsb_of_a_huge_alphabet_is_the_limit(m):
    histogram = [300, 200, 200, 100, 90, 50, 20, 3, 2, 1, 1]
    assert corrected_entropy.nsb(Counts.from_histogram(histogram), m).mean == pytest.approx(
        nsb_without_end(histogram), rel=1e-9
    )


def test_nsb_of_a_million_examples_is_sharp_and_the_alphabet_hardly_matters():
    h = np.repeat([1, 2, 3, 50, 900], [3000, 800, 200, 100, 500])
    h = Spectrum.from_histogram(np.append(h, 10**6 - h.sum()))
    narrow, wide = corrected_entropy.nsb(h, 2**30), corrected_entropy.nsb(h, 2**64)
    assert wide.mean == pytest.approx(narrow.mean, abs=1e-7) and wide.sd == pytest.approx(
        narrow.sd, rel=1e-6
    )
    assert abs(wide.mean - corrected_entropy.chao_wang_jost(h)) < 5 * wide.sd < 0.05


@pytest.mark.parametrize("n", [1, 10, 10**6])
@pytest.mark.parametrize("m", [2**20, 2**64, 2**3136], ids=["20", "64", "3136"])
def test_nsb_of_patterns_seen_once_is_wide_and_above_the_plugin(n, m):
    once = Spectrum(np.array([1]), np.array([n]))
    mean, sd = corrected_entropy.nsb(once, m)
    assert corrected_entropy.plugin(once) < mean < math.log2(m) and 0 < sd < math.log2(m)
    if (
        n == 1
    ):  # one example tells nothing: the prior, flat from 0 to log2 m but for the width at one b
        assert mean == pytest.approx(math.log2(m) / 2, rel=1e-9) and sd >= math.log2(m) / math.sqrt(
            12
        )


def test_nsb_of_one_pattern_is_near_0_and_of_one_cell_is_0():
    assert corrected_entropy.nsb(Counts.from_histogram([1000]), 1) == (0, 0)
    mean, sd = corrected_entropy.nsb(Counts.from_histogram([1000]), 2**64)
    assert 0 < mean < 0.01 and 0 < sd < 0.02


@pytest.mark.parametrize("m, n", [(50, 30), (2000, 100)])
def test_nsb_is_calibrated_under_its_own_prior(m, n):
    n_draws, rng = 150, np.random.default_rng(1)
    truth, samples = [], []
    for xi in rng.uniform(0, math.log(m), n_draws):

        def expected(log_b: float, xi: float = xi) -> float:
            b = math.exp(log_b)
            return special.psi(m * b + 1) - special.psi(b + 1) - xi

        p = rng.dirichlet(np.full(m, math.exp(optimize.brentq(expected, -40, 40))))
        truth.append(entropy_of(p))
        samples.append(rng.multinomial(n, p / p.sum()))
    mean, sd = corrected_entropy.nsb(padded(samples, n), m)
    error = (np.array(truth) - mean) / sd
    # Given the counts, error has mean 0 and variance 1; each bound is 3.3 standard deviations of
    # n_draws draws away.
    assert abs(error.mean()) < 3.3 / math.sqrt(n_draws)
    assert abs(np.mean(error**2) - 1) < 3.3 * math.sqrt(np.var(error**2) / n_draws)
    assert abs(np.mean(np.abs(error) < 1.96) - 0.95) < 3.3 * math.sqrt(0.95 * 0.05 / n_draws)


# --- what holds for every estimator


@every_estimator
@pytest.mark.parametrize("histogram", CASES, ids=str)
def test_counts_spectrum_and_padding_agree(estimate, histogram):
    counts, spectrum = Counts.from_histogram([0, *histogram, 0]), Spectrum.from_histogram(histogram)
    of_counts = estimate(counts)
    assert isinstance(of_counts, float) and math.isfinite(of_counts)
    assert estimate(spectrum) == estimate(Spectrum(*map(jnp.asarray, spectrum))) == of_counts
    assert estimate(Spectrum(*(np.append(leaf, [0, 0, 0]) for leaf in spectrum))) == pytest.approx(
        of_counts, abs=1e-12
    )


@every_estimator
def test_a_batch_is_its_points_one_by_one(estimate):
    batch = padded([*CASES, None], 8)
    one_by_one = np.array([estimate(Spectrum(c, k)) for c, k in zip(*batch, strict=True)])
    together = estimate(Spectrum(*(leaf.reshape(5, 2, 8) for leaf in batch)))
    assert together.shape == (5, 2) and together.dtype == np.float64
    np.testing.assert_allclose(together.ravel(), one_by_one, rtol=0, atol=1e-12)
    assert np.isnan(together[-1, -1]) and np.isfinite(together.ravel()[:-1]).all()


@every_estimator
def test_nothing_counted_or_not_exactly_is_nan(estimate):
    assert math.isnan(estimate(Counts.from_histogram([3, 1])._replace(certified=jnp.bool_(False))))
    for size in (0, 4):
        assert math.isnan(estimate(Spectrum(np.zeros(size, np.int32), np.zeros(size, np.int32))))
    assert np.isnan(estimate(padded([None, None], 3))).all()


@pytest.mark.parametrize(
    "name", ["plugin", "miller_madow", "harris", "chao_shen", "chao_wang_jost", "jackknife"]
)
@pytest.mark.parametrize("histogram", [[1], [7]], ids=str)
def test_one_pattern_has_no_entropy(name, histogram):
    assert corrected_entropy.ESTIMATORS[name](Counts.from_histogram(histogram)) == 0


@every_estimator
def test_a_large_sample_gives_the_truth(estimate):
    p = np.arange(1, 31) / np.arange(1, 31).sum()
    sample = np.random.default_rng(0).multinomial(10**6, p)
    assert estimate(Counts.from_histogram(sample)) == pytest.approx(entropy_of(p), abs=0.005)


@pytest.mark.parametrize(
    "estimate",
    [
        corrected_entropy.james_stein,
        corrected_entropy.nsb,
        *corrected_entropy.WITH_ALPHABET.values(),
    ],
)
def test_the_alphabet_must_hold_what_was_seen(estimate):
    with pytest.raises(
        ValueError, match="expected an alphabet of m >= 8 patterns, the number seen, got 7"
    ):
        estimate(Counts.from_histogram(HISTOGRAM), 7)
    with pytest.raises(ValueError, match="m >= 8 .*, got 3"):
        estimate(padded([[1], HISTOGRAM], 5), 3)
    with pytest.raises(ValueError, match="m >= 1 .*, got 0"):
        estimate(padded([None], 5), 0)
    with pytest.raises(TypeError, match="expected the alphabet size m as an int, got 8.0"):
        estimate(Counts.from_histogram(HISTOGRAM), 8.0)
