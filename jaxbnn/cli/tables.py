"""What the command line says of results, in tables and words."""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
from rich.markup import escape
from rich.table import Table

from jaxbnn.analysis.comparison import Comparison
from jaxbnn.info import Measurement
from jaxbnn.info.plane import bands
from jaxbnn.info.reliability import VERDICTS

SYMBOLS = {"i_xt": "I(X;T)", "i_ty": "I(T;Y)"}


def result_table(result) -> Table:
    """Per layer the last epoch's I(X;T) and I(T;Y): mean -+ 95 % interval over seeds, and how far
    to trust them."""
    last = result.isel(epoch=-1)
    xt, ty = bands(last.i_xt.values), bands(last.i_ty.values)
    table = Table(title=f"{result.attrs['experiment']}, epoch {int(last.epoch)}")
    for heading in (
        "layer",
        r"I(X;T) \[bit]",
        "trust",
        r"I(T;Y) \[bit]",
        "null",
        "trust",
        "N needed",
    ):
        table.add_column(heading, justify="left" if heading in ("layer", "trust") else "right")
    for i, layer in enumerate(last.layer.values):
        null = bands(last.null_ty.values[:, i : i + 1]).mean[0]
        trust_xt = verdicts(
            *(last[name].values[:, i] for name in ("verdict_xt", "bias_xt", "se_xt"))
        )
        trust_ty = verdicts(
            *(last[name].values[:, i] for name in ("verdict_ty", "null_ty", "se_ty"))
        )
        null = "-" if math.isnan(null) else f"{null:.4f}"
        needed = needed_words(last.n_needed.values[:, i], last.verdict_xt.values[:, i])
        table.add_row(layer, spread(xt, i), trust_xt, spread(ty, i), null, trust_ty, needed)
    return table


def grid_table(results) -> Table:
    """A line for each (label, result): test accuracy and the last hidden layer's I(X;T) and I(T;Y),
    and their trust."""
    table = Table()
    for heading in (
        "setting",
        "test accuracy",
        "layer",
        r"I(X;T) \[bit]",
        "trust",
        r"I(T;Y) \[bit]",
        "trust",
    ):
        table.add_column(heading, overflow="fold")
    for name, result in results:
        last = result.isel(epoch=-1)
        i = max(
            i
            for i, layer in enumerate(last.layer.values)
            if layer != "output" or len(last.layer) == 1
        )
        accuracy = spread(bands(last.test_accuracy.values[:, None]), 0)
        xt, ty = (spread(bands(last[key].values), i) for key in ("i_xt", "i_ty"))
        trust_xt, trust_ty = (
            verdicts(last[key].values[:, i]) for key in ("verdict_xt", "verdict_ty")
        )
        table.add_row(name, accuracy, str(last.layer.values[i]), xt, trust_xt, ty, trust_ty)
    return table


def spread(of, i: int) -> str:
    """One layer's mean over seeds and half its 95 % interval; the mean alone for one seed, "-" for
    none."""
    if of.n_seeds[i] < 1:
        return "-"
    return (
        f"{of.mean[i]:.4f} ± {of.high[i] - of.mean[i]:.4f}"
        if of.n_seeds[i] > 1
        else f"{of.mean[i]:.4f}"
    )


def verdicts(codes, bias=None, error=None) -> str:
    """The seeds' verdicts in a word, or how many have which: "reliable", "6 reliable, 2 biased
    (bias)".

    Of a biased seed the larger of bias and standard error is named, where they are given.
    """
    names = [("-", *VERDICTS)[code + 1] for code in codes]
    if bias is not None:
        causes = np.where(bias >= error, "bias", "se")
        pairs = zip(names, causes, strict=True)
        names = [f"{name} ({cause})" if name == "biased" else name for name, cause in pairs]
    counted = Counter(names)
    return (
        names[0]
        if len(counted) == 1
        else ", ".join(f"{n} {name}" for name, n in counted.most_common())
    )


def needed_words(needed, codes) -> str:
    """The most examples that any judged seed needs for H(T), "more" where they are too few, "all"
    of a population."""
    there = codes >= 0
    if not there.any():
        return "-"
    if (codes[there] == VERDICTS.index("population")).all():
        return "all"
    return "more" if (needed[there] < 0).any() else str(needed[there].max())


def guess_words(last) -> list[str]:
    """A line of the guesses of N where that is more than there are, the largest over the seeds;
    none where none is."""
    pairs = [(name, *_largest(last.sel(layer=name))) for name in last.layer.values]
    found = [
        f"{name} {by_patterns}, {by_units}"
        for name, by_patterns, by_units in pairs
        if by_patterns != "-"
    ]
    what = (
        f"(Chao1 - 1)/({2 * last.attrs['tolerance']:g} ln 2) and (k/log2 k)^2, k patterns possible"
    )
    return (
        [f"N needed, more than there are; guesses by {what}: {'; '.join(found)}"] if found else []
    )


def _largest(of):
    known = [guess[~np.isnan(guess)] for guess in (of.guess_chao1.values, of.guess_units.values)]
    return [f"{guess.max():.1g}" if guess.size else "-" for guess in known]


def result_words(result) -> str:
    """What the table's numbers were measured over, and how many seeds diverged."""
    attributes, last = result.attrs, result.isel(epoch=-1)
    lost = int(np.isnan(last.train_loss.values).sum())
    kind = "population" if attributes["population"] else "sample"
    kept = last.i_xt.values[~np.isnan(last.train_loss.values)]
    unknown = [
        str(name)
        for name, column in zip(last.layer.values, kept.T, strict=True)
        if np.isnan(column).any()
    ]
    why = f"{', '.join(unknown)}: not counted, for the values are not -1 and +1; --set probes.0.estimator=FixedBins does"
    measured = (
        f"{result.sizes['seed']} seeds ({lost} diverged), {attributes['sample']} {attributes['n_examples']} examples "
        f"({kind}), H(X) {float(result.h_x[0]):.4f}, H(Y) {float(result.h_y[0]):.4f} bit, "
        f"test accuracy {float(last.test_accuracy.mean()):.3f}"
    )
    return "\n".join([*([why] if unknown else []), *guess_words(last), measured])


def estimate_table(last, title: str) -> Table:
    """One epoch of a run by another estimator: mean -+ 95 % interval over seeds, and how far to
    trust the plug-in."""
    table = Table(title=title)
    width = ("sd",) if "sd_xt" in last else ()
    for heading in ("layer", r"I(X;T) \[bit]", *width, "trust", r"I(T;Y) \[bit]", "null", "trust"):
        table.add_column(heading, justify="left" if heading in ("layer", "trust") else "right")
    xt, ty = bands(last.i_xt.values), bands(last.i_ty.values)
    for i, layer in enumerate(last.layer.values):
        sd = [f"{last.sd_xt.values[:, i].mean():.4f}"] if width else []
        trust_xt, trust_ty = (
            verdicts(last[name].values[:, i]) for name in ("verdict_xt", "verdict_ty")
        )
        table.add_row(
            layer,
            spread(xt, i),
            *sd,
            trust_xt,
            spread(ty, i),
            f"{last.null_ty.values[:, i].mean():.4f}",
            trust_ty,
        )
    return table


def score_table(scores) -> Table:
    """How right the verdicts were, with what is asked of them."""
    table = Table(
        title="of the samples called reliable (r), within 0.05 bit (w), without a repeated pattern (u)"
    )
    asked = (
        "r: off > 0.1 bit",
        "r: worst [bit]",
        "r: interval holds",
        "w: called r",
        "u: saturated",
        "r / samples",
    )
    for heading in ("samples", *(heading.replace("[", r"\[") for heading in asked)):
        table.add_column(heading, justify="left" if heading == "samples" else "right")
    table.add_row("asked", "<= 2 %, 4 % a p", "<= 0.5", "90 to 99 %", ">= 80 %", "100 %", "")
    for name, of in scores.items():
        rates = (of.wrong, of.covered, of.found, of.unseen)
        shares = ["-" if math.isnan(rate) else f"{100 * rate:.1f} %" for rate in rates]
        worst, counted = f"{of.worst:.3f}", f"{of.n_reliable} / {of.n_samples}"
        table.add_row(name, shares[0], worst, *shares[1:], counted)
    return table


def comparison_table(found: Mapping[str, Comparison], a: str, b: str) -> Table:
    """Per layer A minus B at the last shared epoch, with its band, and where A and B differ
    most."""
    table = Table(title=f"A {a}, minus B {b}, epoch {next(iter(found.values())).epoch[-1]}")
    table.add_column("layer")
    for name in found:
        table.add_column(rf"{SYMBOLS[name]} \[bit]", justify="right")
        table.add_column("largest, at epoch", justify="right")
    for layer in next(iter(found.values())).layer:
        cells = [cell for each in found.values() for cell in _compared(each, layer)]
        table.add_row(layer, *cells)
    return table


def _compared(found, layer):
    if layer not in found.layer:
        return "-", "-"
    i = found.layer.index(layer)
    most = int(np.abs(found.difference[:, i]).argmax())
    half = found.high[-1, i] - found.difference[-1, i]
    return (
        f"{found.difference[-1, i]:+.4f} ± {half:.4f}",
        f"{found.difference[most, i]:+.4f}, {found.epoch[most]}",
    )


def comparison_words(found: Mapping[str, Comparison]) -> str:
    """Over how many seeds, and whether the planes differ."""
    (n_a, n_b), n_epochs = next(iter(found.values())).n_seeds, len(next(iter(found.values())).epoch)
    of_each = ", ".join(f"{SYMBOLS[name]} p = {each.p:.4f}" for name, each in found.items())
    bands = "bands: 95 %, at all shared epochs and layers at once; p: of the largest difference, seeds dealt anew"
    return f"{n_a} and {n_b} seeds, {n_epochs} shared epochs: {of_each}\n{bands}"


def measured_rows(found: Measurement) -> list[tuple[str, str]]:
    """The rows of the table that `measure` prints of one layer: a label and a value each."""
    rows = _input_rows(found) + _label_rows(found)
    if not found.population:
        rows += [
            ("I(X;T), Miller-Madow", f"{found.xt.corrected:.6f} bit"),
            ("I(T;Y), Miller-Madow", f"{found.ty.corrected:.6f} bit"),
        ]
    return rows + _count_rows(found)


def _input_rows(found: Measurement) -> list[tuple[str, str]]:
    xt = found.xt
    trust = f"{xt.verdict} ({xt.cause})" if xt.cause else xt.verdict
    most = math.log2(found.counts.n)
    rows = [
        ("I(X;T)", f"{xt.value:.6f} bit (at most log2 N = {most:.6f})"),
        ("  trust", trust),
    ]
    if found.population:
        return rows
    interval = "none" if xt.verdict == "saturated" else f"{xt.low:.4f} .. {xt.high:.4f} bit"
    return [
        *rows,
        ("  95 % interval", interval),
        ("  bias, standard error", f"{xt.bias:.4f}, {xt.standard_error:.4f} bit"),
        ("  N needed", needed_line(found)),
    ]


def _label_rows(found: Measurement) -> list[tuple[str, str]]:
    ty = found.ty
    null = f"{ty.null:.4f}, {ty.standard_error:.4f} bit (null: with permuted labels)"
    return [
        ("I(T;Y)", f"{ty.value:.6f} bit (at most H(Y) = {found.h_y:.6f})"),
        ("  trust", ty.verdict),
        ("  null, standard error", null),
    ]


def _count_rows(found: Measurement) -> list[tuple[str, str]]:
    counts = found.counts
    seen = f"{counts.n_patterns}, {counts.n_singletons}, {counts.n_doubletons}"
    good_turing, chao_jost = f"{counts.coverage:.4f}", f"{counts.coverage_chao_jost:.4f}"
    return [
        ("examples N, units D", f"{counts.n}, {counts.d}"),
        ("patterns seen, once, twice", seen),
        ("coverage", f"{good_turing} (Good-Turing), {chao_jost} (Chao-Jost)"),
        ("counts certified", "yes" if counts.certified else "no"),
    ]


def needed_line(found: Measurement) -> str:
    """How many examples the plug-in I(X;T) takes."""
    n = found.counts.n
    if found.xt.n_guesses is None:
        return f"{found.xt.n_needed} of the {n} suffice for {found.tolerance:g} bit"
    by_patterns, by_units = found.xt.n_guesses
    return (
        f"more than {n}; guesses: {by_patterns:.2g} (Chao1's patterns), "
        f"{by_units:.2g} ((m/log2 m)^2, m patterns of the values seen)"
    )


def layers_table(measured: Mapping[str, Measurement]) -> Table:
    """A line for each layer or epoch of a file: both informations, how far to trust them, the
    counts."""
    table = Table()
    headings = ("", "D", r"I(X;T) \[bit]", "trust", "N needed")
    headings += (r"I(T;Y) \[bit]", "null", "trust", "patterns", "certified")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "trust") else "right")
    for name, found in measured.items():
        xt, ty, counts = found.xt, found.ty, found.counts
        needed = f"> {counts.n}" if xt.n_needed is None else str(xt.n_needed)
        informations = (f"{xt.value:.6f}", xt.verdict, needed)
        informations += (f"{ty.value:.6f}", f"{ty.null:.4f}", ty.verdict)
        certified = "yes" if counts.certified else "no"
        table.add_row(escape(name), str(counts.d), *informations, str(counts.n_patterns), certified)
    return table
