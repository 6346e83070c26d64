"""The 25 claims of Raj et al. 2020, each with what is computed of finished runs and when it holds."""

import itertools
import math

import jax
import numpy as np
from scipy import stats

from jaxbnn import comparison, data, phases
from jaxbnn.info.plane import bands
from jaxbnn.info.reliability import VERDICTS
from jaxbnn.studies.study import Claim, Finding, Run, Runs, Verdict

BNN = {"STE": "raj2020/szt-ste", "approx-sign": "raj2020/szt-approx", "swish-sign": "raj2020/szt-swish"}
DNN = {"tanh": "raj2020/szt-tanh", "hard-tanh": "raj2020/szt-hard-tanh", "sign-swish": "raj2020/szt-sign-swish"}
BOARDS, MNIST = "raj2020/tictactoe", "raj2020/mnist-ste"
RANDOM_BNN, RANDOM_DNN = "raj2020/random-ste", "raj2020/random-tanh"
FALL = 0.1  # bits: a mean that falls by less has not fallen
SETTLED = 10  # epochs after which running statistics no longer follow the untrained network
LOSS = 0.01  # nats: a mean that rises by less has not risen
MARGIN = 0.02  # nats: a loss this far below H(Y) has left the plateau of a network that knows the classes' sizes alone
HIDDEN = slice(0, -1)  # of a plane's layers: all but the output
TRUSTED = (VERDICTS.index("exact"), VERDICTS.index("reliable"))
WEAK: Verdict = "too weak to say"


def interval(values) -> tuple[float, float, float]:
    """(mean, low, high) of the mean over seeds, t, 95 %."""
    band = bands(np.asarray(values, np.float64))
    return float(band.mean), float(band.low), float(band.high)


def words(values, digits: int = 2) -> str:
    """ "-3.78 [-4.01, -3.55]" """
    mean, low, high = interval(values)
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def falls(run: Run, quantity: str = "i_xt", group: str = "") -> list[phases.Change]:
    """Of each layer."""
    result = run.results[group]
    return [phases.fall(result.epoch, result[quantity][..., i]) for i in range(result.sizes["layer"])]


def trusted(run: Run, quantity: str = "xt", layers=HIDDEN, group: str = "") -> bool:
    """Whether the verdicts allow every seed's value of these layers at the last epoch and at every tenth before it."""
    verdict = run.results[group][f"verdict_{quantity}"][:, ::-10, layers]
    return bool(verdict.isin(TRUSTED).all())


def judged(holds: list[tuple[float, float, float]], below: float) -> Verdict:
    """Confirmed where every interval lies below, contradicted where one lies above, otherwise too weak to say."""
    if all(high < below for _, _, high in holds):
        return "confirmed"
    return "contradicted" if any(low > below for _, low, _ in holds) else WEAK


def after_fitting(run: Run) -> str:
    """How far I(X;T) of each hidden layer falls once the seed mean of its I(T;Y) has 90 % of its gain."""
    result, said = run.results[""], []
    for i, layer in enumerate(result.layer.values[HIDDEN]):
        gain = phases.smooth(result.epoch, result.i_ty[..., i])
        gain = np.nanmean(gain, axis=0)
        late = int(np.argmax(gain >= gain[0] + 0.9 * (gain.max() - gain[0])))
        i_xt = phases.smooth(result.epoch, result.i_xt[..., i])
        said.append(f"{layer} {words(i_xt[:, -1] - i_xt[:, late])} (from epoch {int(result.epoch[late])})")
    return ", ".join(said)


def per_layer(changes, names) -> str:
    """Each layer's change, in words."""
    return ", ".join(f"{name} {words(c.change)} (from epoch {c.epoch})" for name, c in zip(names, changes, strict=True))


def no_compression(names: dict[str, str]):
    """No hidden layer's I(X;T) falls."""

    def judge(runs: Runs) -> Finding:
        found = {label: falls(runs[name])[HIDDEN] for label, name in names.items()}
        verdict = judged([interval(-c.change) for changes in found.values() for c in changes], FALL)
        layers = runs[next(iter(names.values()))].results[""].layer.values[HIDDEN]
        said = [f"{label}: {per_layer(c, layers)}" for label, c in found.items()]
        late = [f"{label}: {after_fitting(runs[name])}" for label, name in names.items()]
        return Finding(verdict, f"{'; '.join(said)} bit. Of it after fitting: {'; '.join(late)}")

    return judge


def starts_low(names: dict[str, str]):
    """The untrained I(X;T) of each hidden layer is less than half of its largest seed mean."""

    def judge(runs: Runs) -> Finding:
        shares, said = [], []
        for label, name in names.items():
            start = runs[name].results[""].i_xt.values[:, 0, HIDDEN]
            peaks = [float(np.mean(c.at)) for c in falls(runs[name])[HIDDEN]]
            of_layers = [interval(start[:, i] / peak) for i, peak in enumerate(peaks)]
            shares += of_layers
            said.append(f"{label}: {', '.join(f'{mean:.2f} [{low:.2f}, {high:.2f}]' for mean, low, high in of_layers)}")
        return Finding(judged(shares, 0.5), "; ".join(said) + " of the largest, hidden_1 to the last")

    return judge


def left_plateau(run: Run):
    """[S] epochs."""
    result = run.results[""]
    return phases.reached(result.epoch, result.train_loss, math.log(2) * float(result.h_y.mean()) - MARGIN)


def plateau(runs: Runs) -> Finding:
    said, medians = [], []
    for label, name in BNN.items():
        left = np.sort(left_plateau(runs[name]))
        low, high = stats.binom.interval(0.95, len(left), 0.5)
        ends = left[max(int(low) - 1, 0)], left[min(int(high), len(left) - 1)]
        medians.append((float(np.median(left)), float(ends[0]), float(ends[1])))
        never = np.isinf(left).mean()
        quarters = np.quantile(left, [0.25, 0.75], method="nearest")
        said.append(
            f"{label}: median {medians[-1][0]:.0f} [{ends[0]:.0f}, {ends[1]:.0f}] epochs, quartiles {quarters[0]:.0f} "
            f"and {quarters[1]:.0f}, {100 * never:.0f} % of the seeds never leave it"
        )
    verdict: Verdict = "confirmed" if all(low >= 20 for _, low, _ in medians) else WEAK
    return Finding("contradicted" if any(high < 20 for *_, high in medians) else verdict, "; ".join(said))


def spread_on_plateau(runs: Runs) -> Finding:
    rng, ratios, said = np.random.default_rng(0), [], []
    for label, name in BNN.items():
        result, left = runs[name].results[""], left_plateau(runs[name])
        early = result.epoch.values < np.median(left)
        late = ~early
        early &= result.epoch.values >= SETTLED
        if early.all() or early.sum() < 2:
            gone = int(np.isfinite(left).sum())
            return Finding(
                WEAK, f"{label}: {gone} of {len(left)} seeds leave the plateau, half of them at once or never"
            )
        draws = rng.integers(len(left), size=(1000, len(left)))
        logs = [_log_spread(result.train_loss.values, early, late, draw) for draw in (np.arange(len(left)), *draws)]
        low, high = np.quantile(logs[1:], [0.025, 0.975])
        ratios.append((-logs[0], -high, -low))
        said.append(f"{label}: {np.exp(logs[0]):.2f} [{np.exp(low):.2f}, {np.exp(high):.2f}] x")
    return Finding(judged(ratios, 0.0), "; ".join(said))


def _log_spread(loss, early, late, seeds):
    deviation = loss[seeds].std(axis=0, ddof=1)
    return np.log(deviation[early].max() / deviation[late].max())


def no_overfitting(runs: Runs) -> Finding:
    gaps = {label: _gap(runs[name]) for label, name in BNN.items()}
    losses = {label: phases.rise(*_curve(runs[name], "test_loss")) for label, name in BNN.items()}
    said = [f"{k}: {words(g, 3)} nat, test loss {words(losses[k].change, 3)} since its lowest" for k, g in gaps.items()]
    return Finding(judged([interval(gap) for gap in gaps.values()], LOSS), "; ".join(said))


def _gap(run):
    """[S] how far the test loss lies above the training loss at the end, nats."""
    result = run.results[""]
    return phases.smooth(result.epoch, result.test_loss - result.train_loss)[:, -1]


def _curve(run, name):
    result = run.results[""]
    return result.epoch.values, result[name].values


def overfitting(runs: Runs) -> Finding:
    verdicts, said = [], []
    for label in ("tanh", "hard-tanh"):
        run = runs[DNN[label]]
        loss = phases.rise(*_curve(run, "test_loss"))
        lost = falls(run, "i_ty", "test")[-2]
        up, down = interval(loss.change), interval(lost.change)
        near = 300 <= loss.epoch <= 3000
        verdicts.append(
            "confirmed" if up[1] > LOSS and down[2] < -LOSS and near else "contradicted" if up[2] < LOSS else WEAK
        )
        said.append(
            f"{label}: test loss {words(loss.change, 3)} nat since epoch {loss.epoch}, I(T;Y) of the last hidden layer "
            f"on test data {words(lost.change, 3)} bit since epoch {lost.epoch}"
        )
    verdict = verdicts[0] if len(set(verdicts)) == 1 else "contradicted" if "contradicted" in verdicts else WEAK
    return Finding(verdict, "; ".join(said))


def less_overfitting(runs: Runs) -> Finding:
    rises = {label: phases.rise(*_curve(runs[name], "test_loss")).change for label, name in DNN.items()}
    number = "; ".join(f"{label} {words(rise, 3)} nat" for label, rise in rises.items())
    differences = [_difference(rises["sign-swish"], rises[other]) for other in ("tanh", "hard-tanh")]
    return Finding(judged(differences, 0.0), number)


def _difference(a, b):
    """(mean, low, high) of mean a - mean b: Welch, 95 %."""
    found = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return float(np.mean(a) - np.mean(b)), float(found.low), float(found.high)


def _decades(run, name):
    """log10 of a curve that starts with the first epoch."""
    epoch, values = _curve(run, name)
    return epoch[1:], np.log10(np.maximum(values[:, 1:], 1e-30))


def late_noise(runs: Runs) -> Finding:
    rises = {label: phases.rise(*_decades(runs[name], "gradient_norm_variance")) for label, name in DNN.items()}
    number = "; ".join(f"{k}: {words(c.change)} decades since epoch {c.epoch}" for k, c in rises.items())
    return Finding(judged([interval(-c.change) for c in rises.values()], -math.log10(2)), number)


def one_scale(runs: Runs) -> Finding:
    spans, said = [], []
    for label, name in BNN.items():
        for of in ("mean", "variance"):
            epoch, values = _decades(runs[name], f"gradient_norm_{of}")
            smoothed = phases.smooth(epoch, values)
            spans.append(interval(np.ptp(smoothed, axis=1)))
            said.append(f"{label}, {of}: {spans[-1][0]:.2f} [{spans[-1][1]:.2f}, {spans[-1][2]:.2f}]")
    return Finding(judged(spans, 1.0), "; ".join(said) + " decades")


def mnist_gradients(runs: Runs) -> Finding:
    run = runs[MNIST]
    found = {of: phases.fall(*_decades(run, f"gradient_norm_{of}")) for of in ("mean", "variance")}
    number = "; ".join(f"{of}: {words(c.change)} decades since epoch {c.epoch}" for of, c in found.items())
    return Finding(judged([interval(c.change) for c in found.values()], -math.log10(2)), number)


def if_trusted(run, verdict, number, quantities, layers=HIDDEN, group="") -> Finding:
    """The finding, too weak to say where a value it rests on cannot be trusted."""
    if all(trusted(run, quantity, layers, group) for quantity in quantities):
        return Finding(verdict, number)
    return Finding(WEAK, f"{number} — not all values can be trusted (saturated or biased)")


def mnist_compression(runs: Runs) -> Finding:
    run = runs[MNIST]
    changes = falls(run)[HIDDEN]
    verdict = judged([interval(c.change) for c in changes], -FALL)
    number = per_layer(changes, run.results[""].layer.values[HIDDEN]) + " bit"
    return if_trusted(run, verdict, number, ("xt",))


def more_than_on_szt(runs: Runs) -> Finding:
    mnist, szt = runs[MNIST], runs[BNN["STE"]]
    most = [min(falls(run)[HIDDEN], key=lambda c: c.change.mean()).change for run in (mnist, szt)]
    number = f"the layer that falls most: MNIST {words(most[0])}, SZT {words(most[1])} bit"
    return if_trusted(mnist, judged([_difference(*most)], 0.0), number, ("xt",))


def softmax_stays(runs: Runs) -> Finding:
    run = runs[MNIST]
    change = falls(run)[-1]
    number = f"{words(change.change)} bit since epoch {change.epoch}"
    return Finding(judged([interval(-change.change)], FALL), number)


PROBES = {
    "the dense layer, exact": ("first_dense", "dense_1"),
    "after BatchNorm, exact": ("first_norm", "norm_1"),
    "after BatchNorm, 30 bins on its own range": ("first_norm_range", "norm_1"),
    "after BatchNorm, 30 bins on [-1, 1]": ("norms", "norm_1"),
    "after the sign, exact": ("", "hidden_1"),
}


def around_the_norm(run: Run, i: int) -> dict[str, np.ndarray]:
    """I(T;Y) of the first layer seen in five ways at measured epoch number i: [S] each, bits."""
    return {name: run.results[group].i_ty.sel(layer=layer).values[:, i] for name, (group, layer) in PROBES.items()}


def batch_norm_loses(runs: Runs) -> Finding:
    run = runs[BNN["STE"]]
    said = []
    for i, when in ((0, "untrained"), (-1, "trained")):
        found = {name: interval(values)[0] for name, values in around_the_norm(run, i).items()}
        said.append(f"{when}: " + ", ".join(f"{name} {mean:.3f}" for name, mean in found.items()))
    dense, norm, *_ = around_the_norm(run, -1).values()
    return Finding(judged([interval(norm - dense)], -1e-4), "; ".join(said) + " bit")


def difference(one: Run, other: Run) -> tuple[tuple[float, float], str]:
    """How far I(X;T) differs at least, and at most, at some epoch and layer by its simultaneous band; and the words.

    The words name the place where the band is farthest from 0, or the largest difference where it always holds 0.
    """
    found = comparison.compare(one.results[""], other.results[""], "i_xt")
    least = np.maximum(np.maximum(found.low, -found.high), 0)
    most = np.maximum(np.abs(found.low), np.abs(found.high))
    farthest = least if least.any() else np.abs(found.difference)
    e, layer = np.unravel_index(farthest.argmax(), farthest.shape)
    band = f"{found.difference[e, layer]:+.2f} [{found.low[e, layer]:+.2f}, {found.high[e, layer]:+.2f}] bit"
    said = f"{band} ({found.layer[layer]}, epoch {found.epoch[e]}), p {found.p:.4f}"
    return (float(least.max()), float(most.max())), said


def same_surrogates(runs: Runs) -> Finding:
    pairs = {(a, b): difference(runs[BNN[a]], runs[BNN[b]]) for a, b in itertools.combinations(BNN, 2)}
    apart = [(most, least, most) for (least, most), _ in pairs.values()]  # judged by the ends of the bands
    number = "; ".join(f"{a} - {b}: {said}" for (a, b), (_, said) in pairs.items())
    return Finding(judged(apart, FALL), number)


def on_boards(runs: Runs) -> Finding:
    both = [make({"STE": BOARDS})(runs) for make in (no_compression, starts_low)]
    szt = [make({"STE": BNN["STE"]})(runs) for make in (no_compression, starts_low)]
    same = all(a.verdict == b.verdict for a, b in zip(both, szt, strict=True))
    weak = any(each.verdict == WEAK for each in (*both, *szt))
    number = "; ".join(
        f"{what}: {each.verdict} ({each.number})" for what, each in zip(("S4-1", "S4-2"), both, strict=True)
    )
    return Finding(WEAK if weak else "confirmed" if same else "contradicted", number)


def random_accuracy(runs: Runs) -> Finding:
    gains = {name: phases.rise(*_curve(runs[name], "train_accuracy")) for name in (RANDOM_DNN, RANDOM_BNN)}
    number = "; ".join(f"{name}: {words(c.change, 3)}" for name, c in gains.items())
    real, binary = (interval(c.change) for c in gains.values())
    verdict: Verdict = "confirmed" if real[1] > 0.01 and binary[2] < 0.01 else WEAK
    verdict = "contradicted" if real[2] < 0.01 or binary[1] > 0.01 else verdict
    return Finding(verdict, number)


def changes_of(name: str, quantity: str, sign: int, layers: slice = HIDDEN, group: str = ""):
    """Every one of these layers' quantity rises (sign 1) or falls (-1) from its extreme by FALL or more."""

    def judge(runs: Runs) -> Finding:
        result = runs[name].results[group]
        move = phases.rise if sign > 0 else phases.fall
        found = {
            str(result.layer.values[i]): move(result.epoch, result[quantity][..., i])
            for i in range(result.sizes["layer"])[layers]
        }
        verdict = judged([interval(-sign * c.change) for c in found.values()], -FALL)
        number = ", ".join(f"{k} {words(c.change)} bit since epoch {c.epoch}" for k, c in found.items())
        return if_trusted(runs[name], verdict, number, (quantity[2:],), layers, group)

    return judge


def real_gradients_noisy(runs: Runs) -> Finding:
    change = phases.rise(*_decades(runs[RANDOM_DNN], "gradient_norm_variance"))
    number = f"gradient variance {words(change.change)} decades since epoch {change.epoch}"
    return Finding(judged([interval(-change.change)], -math.log10(2)), number)


def last_layer_falls(runs: Runs) -> Finding:
    result = runs[RANDOM_BNN].results[""]
    found = {q: phases.fall(result.epoch, result[q][..., -2]) for q in ("i_xt", "i_ty")}
    number = "; ".join(f"{q}: {words(c.change)} bit since epoch {c.epoch}" for q, c in found.items())
    verdict = judged([interval(c.change) for c in found.values()], -FALL)
    return if_trusted(runs[RANDOM_BNN], verdict, number, ("xt", "ty"), slice(-2, -1))


def others_return(runs: Runs) -> Finding:
    result = runs[RANDOM_BNN].results[""]
    names = result.layer.values[:-2]
    taken = {n: phases.paths(result.epoch, result.i_xt[..., i], FALL) for i, n in enumerate(names)}
    counts = {n: f"{sum(p == 'rises, falls' for p in each)} of {len(each)} seeds" for n, each in taken.items()}
    holds = all(p == "rises, falls" for each in taken.values() for p in each)
    number = "rise and return in " + ", ".join(f"{n}: {c}" for n, c in counts.items())
    return if_trusted(runs[RANDOM_BNN], "confirmed" if holds else "contradicted", number, ("xt",), slice(0, -2))


def flipped_outputs(run: Run) -> np.ndarray:
    """[S] the share of the inputs and of their 12 bits whose flip changes the predicted class, over all inputs."""
    split, model = data.load(run.experiment.data), run.experiment.model
    x = np.concatenate([split.train.x, split.test.x])
    low, high = x.min(), x.max()

    @jax.jit
    def classes(variables, x):
        logits, _ = model.apply(variables, x, train=False)
        return logits.argmax(axis=1)

    shares = []
    for variables in run.networks().values():
        before = np.asarray(classes(variables, x))
        flipped = (np.where(np.arange(x.shape[1]) == d, low + high - x, x) for d in range(x.shape[1]))
        shares.append(np.mean([np.asarray(classes(variables, each)) != before for each in flipped]))
    return np.asarray(shares)


def resists_flips(runs: Runs) -> Finding:
    said, found = [], []
    for label, name in BNN.items():
        shares, cube = flipped_outputs(runs[name]), runs[name].results["cube"]
        for layer in ("hidden_1", str(cube.layer.values[-2])):
            h_t = cube.h_t.sel(layer=layer).values[:, -1]
            rho = max(-1 + 1e-9, min(1 - 1e-9, float(stats.spearmanr(shares, h_t)[0])))
            reach = 1.96 / math.sqrt(max(len(shares) - 3, 1))
            low, high = (math.tanh(math.atanh(rho) + s * reach) for s in (-1, 1))
            found.append((-rho, -high, -low))
            said.append(f"{label}, {layer}: rank correlation {rho:+.2f} [{low:+.2f}, {high:+.2f}]")
        said[-1] += f" ({100 * shares.mean():.1f} % of the outputs change)"
    return Finding(judged(found, 0.0), "; ".join(said))


def not_attempted(why: str):
    """For what no run here measures."""
    return lambda runs: Finding("not attempted", why)


FELL = (
    "I(X;T), the mean of what was measured in 50 epochs (one value where the schedule is thinner), from where its seed "
    f"mean is largest to the end; fallen: by {FALL} bit or more"
)
SIGNS = tuple(BNN.values())
REAL = tuple(DNN.values())
STE, RANDOMS = (BNN["STE"],), (RANDOM_BNN, RANDOM_DNN)
CLAIMS = (
    Claim(
        "S4-1",
        "SZT: no separate compression phase",
        f"{FELL}; holds if no hidden layer falls",
        no_compression(BNN),
        SIGNS,
    ),
    Claim(
        "S4-2", "I(X;T) starts low", "untrained I(X;T) over the largest seed mean, below a half", starts_low(BNN), SIGNS
    ),
    Claim(
        "S4-3",
        "SZT: a plateau first",
        f"epochs until the training loss is {MARGIN} nat below H(Y); holds if the median [95 %] is 20 or more",
        plateau,
        SIGNS,
    ),
    Claim(
        "S4-4",
        "the spread of the loss over seeds is largest there",
        f"standard deviation, largest from epoch {SETTLED} to the median leaving over largest later; bootstrap",
        spread_on_plateau,
        SIGNS,
    ),
    Claim(
        "S4-5",
        "the BNN does not overfit",
        f"test loss minus training loss, mean of the last 50 epochs; holds if it is less than {LOSS} nat",
        no_overfitting,
        SIGNS,
    ),
    Claim(
        "S4-6",
        "tanh and hard-tanh networks overfit near epoch 1000",
        f"test loss rises by {LOSS} nat or more since an epoch from 300 to 3000, and I(T;Y) of the last hidden layer "
        f"on test data falls by {LOSS} bit or more",
        overfitting,
        REAL,
    ),
    Claim(
        "S4-7",
        "the sign-swish real network less",
        "its rise of the test loss is smaller; Welch",
        less_overfitting,
        REAL,
    ),
    Claim(
        "S4-8",
        "real networks' gradient variance rises late",
        "log10 of it since its smallest seed mean; by a factor of 2 or more",
        late_noise,
        REAL,
    ),
    Claim(
        "S4-9",
        "BNN on SZT: gradient mean and variance keep one scale",
        "range over epochs of their log10 a seed, averaged as for S4-1; less than one decade",
        one_scale,
        SIGNS,
    ),
    Claim(
        "S4-10",
        "BNN on MNIST: both fall",
        "log10 of both since the largest seed mean; by a factor of 2 or more",
        mnist_gradients,
        (MNIST,),
    ),
    Claim(
        "S4-11",
        "BNN on MNIST: only compression",
        "I(X;T) falls as for S4-1, every hidden layer",
        mnist_compression,
        (MNIST,),
    ),
    Claim(
        "S4-12",
        "more of it than on SZT",
        "the largest fall of a hidden layer in each; Welch",
        more_than_on_szt,
        (MNIST, *STE),
    ),
    Claim(
        "S4-13",
        "the softmax layer barely compresses (MNIST)",
        "I(X;T) of the output falls, as for S4-1, by less than 0.1 bit",
        softmax_stays,
        (MNIST,),
    ),
    Claim(
        "S4-14",
        "SZT: I(T;Y) falls at the first BatchNorm",
        "the first layer seen in five ways, STE, mean over seeds; holds if exact counting sees a fall when trained",
        batch_norm_loses,
        STE,
    ),
    Claim("S4-15", "not so on MNIST", "-", not_attempted("the runs on MNIST measure no BatchNorm layer")),
    Claim(
        "S4-16",
        "the same for the three surrogates",
        f"difference of I(X;T) where its simultaneous 95 % band is farthest from 0; the same: bands within {FALL} bit, "
        "not the same: one beyond",
        same_surrogates,
        SIGNS,
    ),
    Claim("S4-17", "the same on tic-tac-toe", "S4-1 and S4-2 have the verdicts of SZT, STE", on_boards, (BOARDS, *STE)),
    Claim(
        "S4-18",
        "random labels: the real network's train accuracy rises, the BNN's does not",
        "train accuracy since its smallest seed mean; by 0.01 or more",
        random_accuracy,
        RANDOMS,
    ),
    Claim(
        "S4-19",
        "its I(T;Y) rises in every layer",
        "every hidden layer, by 0.1 bit or more",
        changes_of(RANDOM_DNN, "i_ty", 1),
        RANDOMS[1:],
    ),
    Claim(
        "S4-20",
        "its I(X;T) rises after the first epochs, no compression",
        "I(X;T) of every hidden layer since its smallest seed mean, by 0.1 bit or more; no earlier fall is looked for",
        changes_of(RANDOM_DNN, "i_xt", 1),
        RANDOMS[1:],
    ),
    Claim(
        "S4-21",
        "its gradients turn noisy without compression",
        "the gradient's variance as for S4-8 (whether I(X;T) falls is S4-20's)",
        real_gradients_noisy,
        RANDOMS[1:],
    ),
    Claim(
        "S4-22",
        "on test data its last layer's I(T;Y) falls",
        "the last hidden layer, by 0.1 bit or more",
        changes_of(RANDOM_DNN, "i_ty", -1, slice(-2, -1), "test"),
        RANDOMS[1:],
    ),
    Claim(
        "S4-23",
        "the BNN's last layer: both fall",
        "I(X;T) and I(T;Y) of the last hidden layer, by 0.1 bit or more",
        last_layer_falls,
        RANDOMS[:1],
    ),
    Claim(
        "S4-24",
        "the BNN's other layers rise and return",
        "I(X;T): each seed's path is of two moves",
        others_return,
        RANDOMS[:1],
    ),
    Claim(
        "S4-25",
        "(a hypothesis) BNNs resist small input changes because I(X;T) is low",
        "over seeds: share of outputs that change when one of the 12 bits flips, all inputs, against H(T); Spearman",
        resists_flips,
        SIGNS,
    ),
)
