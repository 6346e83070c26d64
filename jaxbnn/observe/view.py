"""What the probes see of a network over a whole data set."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
from flax import linen

from jaxbnn.data import Split
from jaxbnn.nn import InputMoments
from jaxbnn.nn.models import steps_of
from jaxbnn.observe.forward import forward_of
from jaxbnn.observe.layout import ONE_SEED
from jaxbnn.observe.look import Plan, Seen, finished, look, planned
from jaxbnn.observe.normalisation import has_batch_norm, input_moments, normaliser_of
from jaxbnn.observe.passing import Passing
from jaxbnn.observe.probe import PARTS, Normalisation, Part, Probe
from jaxbnn.observe.wanted import View, Wanted, Ways
from jaxbnn.train.batches import LIMIT, in_batches


def viewer(
    model: linen.Module,
    probes: Sequence[Probe],
    logits: Sequence[Part] = (),
    passing: Passing | None = None,
    classes: int | None = None,
) -> Callable[..., View]:
    """What applies a network to a split.

    There is one forward pass an example for each kind of moments that BatchNorm has, however many
    probes measure it; and none through the layers that are measured by tables of counts.

    Args:
        model: any Linen module that returns (logits, hidden).
        probes: what is measured.
        logits: the parts, "train" or "test", whose logits are wanted.
        passing: where gradients pass, of a model with `steps`.
        classes: all labels are below it; None: unknown, and nothing is measured by tables.

    Returns:
        A pure function (Split, variables, InputMoments) -> View; without the last, which
        `input_moments` gives, they are made anew.

    Raises:
        ValueError: when traced, for a layer that the model has not, or running statistics that are
            not a Flax BatchNorm's.
    """
    wanted = Wanted(model, tuple(probes), tuple(logits), passing)
    limit = getattr(model, "rows_at_once", LIMIT)
    layout = ONE_SEED._replace(limit=limit, pattern_limit=limit)
    ways = Ways(
        forward_of(model, probes), normaliser_of(model, layout), steps_of(model), layout, classes
    )
    look = view_of(wanted, ways)

    def view(split: Split, variables: Any, inputs: InputMoments | None = None) -> View:
        if inputs is None:
            inputs = input_moments(model, split)
        return look(split, variables, inputs)

    return view


def view_of(wanted: Wanted, ways: Ways) -> Callable[[Split, Any, InputMoments | None], View]:
    """A viewer of any layout.

    Args:
        wanted: what is looked at.
        ways: how.

    Returns:
        A pure function (Split, variables, InputMoments) -> View.
    """

    def view(split: Split, variables: Any, inputs: InputMoments | None) -> View:
        plans = {}
        networks = {}
        for kind, part_of in wanted.by_normalisation(has_batch_norm(variables)).items():
            plans[kind] = planned(part_of, ways, split)
            networks[kind] = variables
            if kind == "training_set":
                networks[kind] = ways.normalise(split, variables, inputs)
        seen = _seen_by_all(plans, networks, split)
        views = []
        for kind, plan in plans.items():
            views.append(finished(plan, networks[kind], split, seen[kind]))
        return _joined(views)

    return view


def _seen_by_all(
    plans: dict[Normalisation, Plan], networks: dict[Normalisation, Any], split: Split
) -> dict[Normalisation, dict[str, Seen]]:
    """What examples show with each kind of moments, by part of the data; in one pass, so that
    XLA makes a product once that all of them need."""
    seen: dict[Normalisation, dict[str, Seen]] = {kind: {} for kind in plans}
    for part in PARTS:
        looks = {}
        limits = []
        for kind, plan in plans.items():
            if part in plan.wanted.parts:
                looks[kind] = partial(look, plan, networks[kind], part)
                limits.append(plan.limit)
        if not looks:
            continue
        of_part = in_batches(partial(_each, looks), getattr(split, part).x, min(limits))
        for kind, one in of_part.items():
            seen[kind][part] = one
    return seen


def _each(functions: dict[Any, Callable], x: Any) -> dict[Any, Any]:
    """What each function gives at x."""
    return {name: f(x) for name, f in functions.items()}


def _joined(views: Sequence[View]) -> View:
    """One view of what several show of different things."""
    codes = {}
    logits = {}
    n_passing: tuple[jax.Array, ...] = ()
    for view in views:
        codes |= view.codes
        logits |= view.logits
        n_passing = n_passing or view.n_passing
    return View(codes, logits, n_passing)
