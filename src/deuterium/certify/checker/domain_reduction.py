"""Check of domain reductions: steps that lose no supremum, derived again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import ctx

from deuterium.certify.checker.ball_functions import ZERO, Ball, larger, smaller
from deuterium.certify.checker.derivative_forms import DerivativeForms
from deuterium.certify.checker.exact_data import end
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.leaf_rules import Data, input_of
from deuterium.certify.checker.outer_slopes import box_of, slope, slopes
from deuterium.certify.checker.proof_domain import Part
from deuterium.certify.checker.proof_region import Region, number

Range = tuple[Ball, Ball]
FINE = 256  # bits, where a claim is all but what is known


def face(forms: DerivativeForms, region: Region, data: Data) -> None:
    """Move to the faces where the core is largest, being monotone in some inputs."""
    at = [input_of(j, forms) for j in data["at"]]
    if data.get("by") != "monotone" or len(data["side"]) != len(at):
        raise NoBound("a face is a list of inputs, as many sides, and by 'monotone'")
    found = _slopes(forms, region, at, data)
    if forms.finite is not None:
        forms.finite.require_face(region, at, data["side"])
    for j, side in zip(at, data["side"], strict=True):
        least, most = found[j]
        require_movable(forms, j)
        if not (side == 1 and least >= ZERO) and not (side == 0 and most <= ZERO):
            raise NoBound(
                f"the objective is not proved largest at side {side!r:.20} of input "
                f"{j}: its slope is between {least.str(8)} and {most.str(8)}"
            )
    for j, side in zip(at, data["side"], strict=True):
        region.move(j, side)
    forms.release(region, at)


def _slopes(
    forms: DerivativeForms, region: Region, at: list[int], data: Data
) -> Mapping[int, Range]:
    """Return the ranges of some slopes; others need not be defined."""
    if len(at) > 1:
        try:
            return dict(enumerate(slopes(forms, region, data)))
        except NoBound:
            pass
    return {j: slope(forms, region, j, data) for j in at}


def require_movable(forms: DerivativeForms, j: Any) -> None:
    """Raise NoBound unless an input may take all its values, whatever the others."""
    if not forms.inputs.movable[input_of(j, forms)]:
        raise NoBound(f"input {j} cannot be moved alone")


def ends(forms: DerivativeForms, region: Region, j: int, method: str) -> None:
    """Prove that of one input only the two ends matter."""
    if method != "convex":
        raise NoBound(f"there is no reason {method!r:.60} for ends")
    require_movable(forms, j)
    if forms.finite is not None and forms.finite.keeps(j):
        raise NoBound(f"input {j} has values of its own, or a place in an order")
    least = forms.curvature(j)(*box_of(forms, region))[0][0]
    if not least >= ZERO:
        raise NoBound(
            f"the core is not proved convex in input {j}: its second derivative may be "
            f"{least.str(8)}"
        )


def tighten(forms: DerivativeForms, region: Region, data: Data) -> None:
    """Leave out what the other coordinates, finite sets or balls rule out."""
    claims = list(zip(data["at"], data["lower"], data["upper"], strict=True))
    derived: dict[int, Range] = {}
    if any(type(j) is int and j >= forms.size for j, _, _ in claims):
        found = forms.value.atoms(region.low, region.high, region.open)
        derived = dict(enumerate(zip(*found, strict=True), forms.size))
    for j, lower, upper in claims:
        if type(j) is not int or not 0 <= j < len(region.low):
            raise NoBound(f"there is no coordinate {j!r:.40}")
        low, high = end(lower), end(upper)
        if not _is_ruled(region, j, low, high, derived.get(j)):
            known = _of_input(forms, region, j) if j < forms.size else derived[j]
            if not _is_ruled(region, j, low, high, known):
                raise NoBound(
                    f"coordinate {j} is not proved between {lower!r:.30} and "
                    f"{upper!r:.30}, but {known[0].str(17)} and {known[1].str(17)}"
                )
        region.narrow(j, low, high)


def hold(forms: DerivativeForms, region: Region, data: Data) -> None:
    """Leave out points at which conditions of the domain certainly do not hold."""
    conditions = forms.inputs.conditions
    if conditions is None:
        raise NoBound("the domain has no conditions, or the claim is below all values")
    claims = [
        (input_of(j, forms), end(a), end(b))
        for j, a, b in zip(data["at"], data["lower"], data["upper"], strict=True)
    ]
    least, most = conditions.within(region)
    if not all(_is_ruled(region, j, a, b, (least[j], most[j])) for j, a, b in claims):
        with ctx.workprec(FINE):
            least, most = conditions.within(region)
    for j, low, high in claims:
        if not _is_ruled(region, j, low, high, (least[j], most[j])):
            raise NoBound(
                f"by the conditions, input {j} is not proved between {low.str(17)} and "
                f"{high.str(17)}, but {least[j].str(17)} and {most[j].str(17)}"
            )
        region.narrow(j, low, high)


def _is_ruled(
    region: Region, j: int, low: Ball, high: Ball, known: Range | None
) -> bool:
    below = low <= region.low[j] or (known is not None and low <= known[0])
    above = high >= region.high[j] or (known is not None and high >= known[1])
    return bool(below and above)


def _of_input(forms: DerivativeForms, region: Region, j: int) -> Range:
    """Return what is known of an input, given the rest of the region."""
    low, high = forms.inputs.least[j], forms.inputs.most[j]
    for part in forms.inputs.parts:
        if not part.start <= j < part.start + part.size:
            continue
        if part.table is not None:
            a, b = _of_table(forms, part, region, j)
            low, high = larger(low, a), smaller(high, b)
        for ball in part.balls:
            a, b = forms.inputs.chord(part, ball, region, j)
            low, high = larger(low, a), smaller(high, b)
    return (
        (low, high) if forms.finite is None else forms.finite.of(region, j, low, high)
    )


def _of_table(forms: DerivativeForms, part: Part, region: Region, j: int) -> Range:
    rows = forms.inputs.rows_in(part, region)
    if not rows:
        raise NoPoint
    values = [row[j - part.start] for row in rows]
    return number(min(values)), number(max(values))


STEPS: Mapping[str, Callable[[DerivativeForms, Region, Data], None]] = {
    "face": face,
    "tighten": tighten,
    "conditions": hold,
}


def take(forms: DerivativeForms, region: Region, step: Any) -> None:
    """Take one step, or raise NoBound where it is not justified."""
    name, data = step
    if name not in STEPS:
        raise NoBound(f"there is no step {name!r:.60}")
    STEPS[name](forms, region, data)
