"""The Coq file of a certificate: definitions, derivatives, regions, and the theorem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from deuterium.certify.coq.coq_operators import elements
from deuterium.certify.coq.coq_prelude import PRELUDE
from deuterium.certify.coq.coq_regions import (
    MeanStep,
    PlannedRegion,
    Planner,
    Sides,
    children_first,
)
from deuterium.certify.coq.coq_terms import RealTerm, below, minus, written
from deuterium.certify.coq.coq_words import Ends, Vocabulary, double, lemma, sentences
from deuterium.certify.format import SENSES
from deuterium.domain.constraints import Range
from deuterium.domain.domain import Domain
from deuterium.errors import UnsupportedError
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable

MOST_INPUTS = 6  # halving more takes too many regions
MOST_TERMS = 2000  # parts of one function: Coq takes a minute to derive so many


def coq_text(body: Mapping[str, Any], v: Variable, domain: Domain) -> str:
    """Return the file that states a certificate's bound over the reals and proves it.

    Parameters
    ----------
    body : mapping
        The contents of the certificate.
    v : Variable
        The graph that it is about, a scalar.
    domain : Domain
        Its domain: a box.

    Raises
    ------
    UnsupportedError
        Coq has no rule for it; the message says for what.
    """
    names, meant, sides = _inputs(v, domain)
    term = elements(v, names).item()
    if len(below(term)) > MOST_TERMS:
        raise UnsupportedError(
            f"the function has {len(below(term))} parts; Coq files are written for at "
            f"most {MOST_TERMS}"
        )
    maximizes = body["sense"] == SENSES[0]
    claim = float(body["upper"] if maximizes else body["lower"])
    goals, closing = _goals(term, Fraction(claim), maximizes)
    slopes: dict[str, dict[RealTerm, RealTerm | None]] = {x: {} for x in meant}
    planners = [Planner(goal, _below(most), slopes) for goal, most in goals]
    plans = [planner.planned(sides, body["proof"]) for planner in planners]
    box = dict(zip(meant, sides, strict=True))
    derived = _derived(planners, plans)
    words = Vocabulary(box, [term, *(t for t, _ in goals)], derived, slopes)
    parts = [*words.definitions(), *words.derivatives()]
    roots = {term, *(t for t, _ in goals)}
    named = [name for t, name in reversed(words.names.items()) if t in roots]
    closing = f"unfold {', '.join(named)} in *; {closing}"
    for label, planner, plan, (_, most) in zip(
        "GH", planners, plans, goals, strict=False
    ):
        parts += Bounded(planner, words, most, label).lemmas(plan)
        given = f"{' '.join(box)} {' '.join(f'H{x}' for x in box)}"
        closing = f"assert (B{label} := {label} {given}).\n{closing}"
    bound, value = double(claim), words.said(term)
    says = f"{value} <= {bound}" if maximizes else f"{bound} <= {value}"
    parts.append(lemma("Theorem", "bound", box, says, closing))
    head = _head(body, meant, claim)
    return "\n".join([head, PRELUDE, *parts, "Print Assumptions bound.\n"])


def _derived(
    planners: Sequence[Planner], plans: Sequence[PlannedRegion]
) -> list[tuple[RealTerm, str]]:
    """Return the functions that the plans derive, and by which inputs."""
    found: dict[tuple[RealTerm, str], None] = {}
    for planner, plan in zip(planners, plans, strict=True):
        for region in children_first(plan):
            for step in region.steps:
                found[planner.term, planner.names[step.at]] = None
            if region.split and region.split[0] == "convex":
                x, slope = (
                    planner.names[region.split[1]],
                    planner.slopes[region.split[1]],
                )
                assert slope is not None
                found |= {(planner.term, x): None, (slope, x): None}
    return list(found)


def _inputs(
    v: Variable, domain: Domain
) -> tuple[dict[tuple[str, int], str], dict[str, str], Sides]:
    """Return how the file calls each input, what these names mean, and the ends."""
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    size = sum(s.size for s in symbols)
    if v.shape or size > MOST_INPUTS:
        raise UnsupportedError(
            f"Coq files are written for scalar functions of at most {MOST_INPUTS} "
            f"inputs; this one has shape {v.shape} and {size} inputs"
        )
    names: dict[tuple[str, int], str] = {}
    meant: dict[str, str] = {}
    sides: list[tuple[float, float]] = []
    for s in symbols:
        rules = domain.constraints.get(s.name, ())
        if domain.conditions or len(rules) != 1 or not isinstance(rules[0], Range):
            raise UnsupportedError(
                f"the domain of {s.name!r} is not a box, as Coq files need it"
            )
        ends = [
            np.ravel(np.broadcast_to(e, s.shape))
            for e in (rules[0].lower, rules[0].upper)
        ]
        for k, place in enumerate(np.ndindex(s.shape)):
            names[s.name, k] = f"x{len(names)}"
            meant[names[s.name, k]] = f"{s.name}{list(place) if place else ''}"
            sides.append((float(ends[0][k]), float(ends[1][k])))
    if not np.isfinite(sides).all():
        raise UnsupportedError("Coq files are written for boxes with finite ends")
    return names, meant, tuple(sides)


def _goals(
    term: RealTerm, claim: Fraction, maximizes: bool
) -> tuple[list[tuple[RealTerm, Fraction]], str]:
    """Return what is to be proved of which functions, and how the theorem follows."""
    if maximizes and term.kind == "sqrt" and claim >= 0:
        closing = "apply root_below; lra."
        return [(term.args[0], claim**2)], closing
    if maximizes and term.kind == "Rabs":
        inner = term.args[0]
        closing = "apply absolute_below; lra."
        return [(inner, claim), (minus(inner), claim)], closing
    if maximizes:
        return [(term, claim)], "lra."
    return [(minus(term), -claim)], "lra."


def _head(body: Mapping[str, Any], meant: Mapping[str, str], claim: float) -> str:
    sort = "largest" if body["sense"] == SENSES[0] else "least"
    said = ", ".join(f"{name} is {what}" for name, what in meant.items())
    return (
        f"(* The {sort} value of a function over a box: {claim!r}.\n"
        f"   Written by deuterium {body['deuterium']} from the certificate of graph\n"
        f"   {body['graph']}.\n"
        f"   {said}. Every number is exactly the double that the graph has.\n"
        "   Coq proves the theorem with Coquelicot and coq-interval; that its\n"
        "   function is the graph is to be read. *)\n"
    )


class Bounded:
    """The lemmas that lead to: a function is at most a number, over the whole box.

    Parameters
    ----------
    planner : Planner
        The function, and how its regions are bounded.
    words : Vocabulary
        The names of the function and its derivatives.
    most : Fraction
        The number.
    label : str
        What the lemmas' names begin with.
    """

    def __init__(
        self, planner: Planner, words: Vocabulary, most: Fraction, label: str
    ) -> None:
        self.planner, self.words, self.label = planner, words, label
        self.most = written(most)
        self.inputs = list(planner.names)

    def lemmas(self, plan: PlannedRegion) -> Iterator[str]:
        """Yield a lemma for each region, the whole box last."""
        called: dict[int, str] = {}
        for k, region in enumerate(children_first(plan), 1):
            called[id(region)] = f"{self.label}_region_{k}"
            parts = [called[id(part)] for part in region.children]
            yield self._region(called[id(region)], region, parts)
        says = f"{self._value({})} <= {self.most}"
        closing = f"now apply {called[id(plan)]}."
        yield lemma("Lemma", self.label, self._box(plan.sides), says, closing)

    def _box(self, sides: Sides) -> dict[str, tuple[float, float]]:
        return dict(zip(self.inputs, sides, strict=True))

    def _value(self, at: Mapping[str, str]) -> str:
        return self.words.said(self.planner.term, at)

    def _region(self, name: str, region: PlannedRegion, parts: Sequence[str]) -> str:
        if region.split is None:
            proof = self._by_range(region)
        elif region.split[0] == "cut":
            _, j, s = region.split
            proof = (
                f"destruct (Rle_lt_dec {self.inputs[j]} {double(s)});\n"
                f"[apply {parts[0]} | apply {parts[1]}]; lra."
            )
        else:
            proof = self._by_convexity(region, parts)
        says = f"{self._value({})} <= {self.most}"
        return lemma("Lemma", name, self._box(region.sides), says, proof)

    def _by_range(self, region: PlannedRegion) -> str:
        """Return the proof that moves some inputs and takes the range of the rest."""
        at: dict[str, str] = {}
        box = self._box(region.sides)
        lines, paid = [], ""
        for k, step in enumerate(region.steps):
            x = self.inputs[step.at]
            rule, before = self._moved(at, box, step), self._value(at)
            at[x], box[x] = double(step.centre), (step.centre, step.centre)
            cost = f" + {double(step.most)}" if step.most else ""
            lines.append(
                f"assert (M{k} : {before} <= {self._value(at)}{cost}).\n{{ {rule} }}"
            )
            paid += cost
        term = self.planner.term
        ranged = self.words.ranged(term, box, at)
        opened = sentences([*ranged, f"{self.words.opened(term, box)}; range"])
        lines.append(f"assert (V : {self._value(at)}{paid} <= {self.most}).")
        return "\n".join([*lines, f"{{ {opened} }}", "lra."])

    def _moved(self, at: Mapping[str, str], box: Ends, step: MeanStep) -> str:
        """Return the proof that moving one input costs at most so much."""
        x = self.inputs[step.at]
        slope = self.planner.slopes[step.at]
        assert slope is not None
        a, b = map(double, box[x])
        functions = (
            f"{self._function(self.planner.term, at, x)} {self._function(slope, at, x)}"
        )
        known, ranged = (
            self._known(self.planner.term, at, x),
            self._ranged(slope, box, at, x),
        )
        if not step.most:
            rule = "rising" if step.slopes[0] >= 0 else "falling"
            return f"apply ({rule} {functions} {a} {b});\n[{known}\n| {ranged} | lra]."
        numbers = " ".join(map(double, (step.centre, *step.slopes, step.most)))
        return (
            f"apply (mean_value {functions} {a} {b} {numbers});\n"
            f"[lra | {known}\n| {ranged} | lra | lra | lra | lra]."
        )

    def _by_convexity(self, region: PlannedRegion, parts: Sequence[str]) -> str:
        assert region.split is not None
        j = region.split[1]
        x, box = self.inputs[j], self._box(region.sides)
        term, slope, bend = (
            self.planner.term,
            self.planner.slopes[j],
            self.planner.bends[j],
        )
        assert slope is not None and bend is not None
        functions = " ".join(self._function(t, {}, x) for t in (term, slope, bend))
        a, b = map(double, region.sides[j])
        return (
            f"apply (convex_ends {functions} {a} {b});\n[{self._known(term, {}, x)}\n"
            f"| {self._known(slope, {}, x)}\n| {self._ranged(bend, box, {}, x)}\n"
            f"| apply {parts[0]}; lra | apply {parts[1]}; lra | lra]."
        )

    def _function(self, t: RealTerm, at: Mapping[str, str], x: str) -> str:
        return f"(fun t => {self.words.said(t, {**at, x: 't'})})"

    def _known(self, t: RealTerm, at: Mapping[str, str], x: str) -> str:
        """Return the tactic for: this is the derivative by x, between the sides."""
        if x not in self.words.inputs[t]:
            return "intros t Ht; auto_derive; [exact I | ring]"
        put = " ".join({**at, x: "t"}.get(y, y) for y in self.words.inputs[t])
        return f"intros t Ht; apply ({self.words.names[t]}_{x} {put}); lra"

    def _ranged(self, t: RealTerm, box: Ends, at: Mapping[str, str], x: str) -> str:
        """Return the tactic for: the derivative by x is in its range."""
        facts = self.words.ranged(t, box, {**at, x: "t"})
        return ";\n  ".join(["intros t Ht", *facts, self.words.opened(t, box), "range"])


def _below(x: Fraction) -> float:
    near = float(x)
    return near if Fraction(near) <= x else float(np.nextafter(near, -np.inf))
