"""The words of a Coq file: definitions of terms, their derivatives, their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from deuterium.certify.coq.coq_ranges import ranges
from deuterium.certify.coq.coq_terms import (
    RealTerm,
    below,
    made,
    shared,
    text,
    written,
)

Ends = Mapping[str, tuple[float, float]]  # of each input
Slopes = Mapping[str, Mapping[RealTerm, RealTerm | None]]  # by input, of each term
PARTIAL = {
    "/": ("nonzero", "{} <> 0"),
    "ln": ("range", "0 < {}"),
    "sqrt": ("range", "0 < {}"),
    "tan": ("nonzero", "cos {} <> 0"),
}
"""What operations that are not defined everywhere, or have no slope there, need."""


def double(x: float) -> str:
    """Return a double as Coq reads it, exactly."""
    return written(Fraction(x))


def lemma(kind: str, name: str, box: Ends, says: str, proof: str) -> str:
    """Return a statement about the points of a region, and its proof.

    Parameters
    ----------
    kind, name : str
        ``"Lemma"`` or ``"Theorem"``, and what it is called.
    box : mapping
        The ends of each input.
    says, proof : str
        The statement, and the tactics; the hypothesis of an input x is ``Hx``.
    """
    every = " ".join(box)
    given = " ".join(f"H{x}" for x in box)
    within = "".join(
        f"  {double(a)} <= {x} <= {double(b)} ->\n" for x, (a, b) in box.items()
    )
    return (
        f"{kind} {name} : forall {every} : R,\n{within}  {says}.\n"
        f"Proof.\nintros {every} {given}.\n{proof}\nQed.\n"
    )


def sentences(tactics: Sequence[str]) -> str:
    """Return tactics that are done one after the other, each with its full stop."""
    return "".join(f"{line}.\n" for line in tactics).rstrip()


class Vocabulary:
    """The terms that a file has names for: what is asked for, and what is shared.

    What occurs more than once is defined once, and bounded once a region.

    Parameters
    ----------
    box : mapping
        The ends of each input.
    terms : sequence of RealTerm
        What is to have a name.
    derived : sequence of pairs
        Which terms are derived, and by which input.
    slopes : mapping
        The derivatives by each input, of all parts of these terms.
    """

    def __init__(
        self,
        box: Ends,
        terms: Sequence[RealTerm],
        derived: Sequence[tuple[RealTerm, str]],
        slopes: Slopes,
    ) -> None:
        self.box, self.derived, self.slopes = box, derived, slopes
        self.inputs: dict[RealTerm, list[str]] = {}
        self.names: dict[RealTerm, str] = {}
        for t in self._worth_a_name(terms):
            found = {u.datum for u in below(t) if u.kind == "input"}
            self.inputs[t] = [x for x in box if x in found]
            self.names[t] = f"f{len(self.names)}"

    def _worth_a_name(self, terms: Sequence[RealTerm]) -> list[RealTerm]:
        """Return what is shared by the terms and by the derivatives that they need."""
        wanted = dict.fromkeys(terms)
        while True:
            named = dict.fromkeys(shared(list(wanted)))
            known = len(wanted)
            for t, x in self.derived:
                parts = [self.slopes[x][u] for u in below(t) if u in named]
                wanted |= dict.fromkeys(d for d in parts if d is not None and d.args)
            if len(wanted) == known:
                return list(named)

    # -- words -----------------------------------------------------------------------

    def said(self, t: RealTerm, at: Mapping[str, str] | None = None) -> str:
        """Return a term where inputs have these values: its name, if it has one."""
        put = at or {}
        words = {
            u: f"({name} {' '.join(put.get(x, x) for x in self.inputs[u])})"
            for u, name in self.names.items()
        }
        if t in words:
            return words[t]
        return text(t, {**words, **{made("input", datum=x): v for x, v in put.items()}})

    def definitions(self) -> Iterator[str]:
        """Yield the definition of each name."""
        words = {u: f"({n} {' '.join(self.inputs[u])})" for u, n in self.names.items()}
        for t, name in self.names.items():
            inputs = " ".join(self.inputs[t])
            yield f"Definition {name} ({inputs} : R) : R :=\n  {text(t, words)}.\n"

    # -- ranges ----------------------------------------------------------------------

    def ranged(
        self, t: RealTerm, box: Ends, at: Mapping[str, str] | None = None
    ) -> list[str]:
        """Return tactics, without full stops, that state the ranges of named parts.

        At a point there are none: what is to be worked out there has all its digits.
        """
        if all(low == high for low, high in box.values()):
            return []
        order = below(t)
        found = ranges(order, box)
        lines = []
        for u in order:
            if u is t or u not in self.names:
                continue
            low, high = found[u]
            if np.isfinite([low, high]).all():
                name = self.names[u]
                says = f"{double(low)} <= {self.said(u, at)} <= {double(high)}"
                lines.append(f"assert (R{name} : {says}) by (unfold {name}; range)")
        return lines

    # -- derivatives -----------------------------------------------------------------

    def derivatives(self) -> Iterator[str]:
        """Yield the lemmas that terms and their named parts have these derivatives."""
        pairs = ((u, x) for t, x in self.derived for u in below(t) if u in self.names)
        for u, x in dict.fromkeys(pairs):
            if x in self.inputs[u]:
                yield self._derivative(u, x)

    def _derivative(self, t: RealTerm, x: str) -> str:
        slope = self.slopes[x][t]
        assert slope is not None
        inner = [u for u in below(t, stop=self.names) if u in self.names and u is not t]
        box = {y: self.box[y] for y in self.inputs[t]}
        partial = self._partial(t)
        lines = [*self.ranged(t, box), *partial] if partial else []
        known = [u for u in inner if x in self.inputs[u]]
        for u in known:
            name = self.names[u]
            inputs = self.inputs[u]
            given = " ".join([f"{name}_{x}", *inputs, *(f"H{y}" for y in inputs)])
            function = f"(fun {x} => {self.said(u)})"
            du = self.slopes[x][u]
            assert du is not None
            lines.append(
                f"assert (D{name} := ex_intro _ _ ({given}) : ex_derive {function} {x})"
            )
            lines.append(
                f"assert (E{name} : Derive {function} {x} = {self.said(du)}) "
                f"by (apply is_derive_unique; exact ({given}))"
            )
        opened = self._opened(slope, {*inner, *(self.slopes[x][u] for u in known)})
        own = self.names[t]
        unfolded = ", ".join([*(name for name in opened if name != own), own])
        equal = "".join(f"rewrite ?E{self.names[u]}; " for u in known)
        lines.append(
            f"unfold {unfolded}; auto_derive;\n[repeat split; side | {equal}equal]"
        )
        says = f"is_derive (fun {x} => {self.said(t)}) {x} {self.said(slope)}"
        return lemma("Lemma", f"{self.names[t]}_{x}", box, says, sentences(lines))

    def _opened(self, t: RealTerm, stop: set[RealTerm | None]) -> list[str]:
        """Return the names in a term that are made of what is in ``stop``."""
        if t in stop:
            return []
        order = below(t, stop={u for u in stop if u is not None})
        return [
            self.names[u] for u in reversed(order) if u in self.names and u not in stop
        ]

    def opened(self, t: RealTerm, box: Ends) -> str:
        """Return the tactic that opens a term: its own name, or at a point all."""
        at_point = all(low == high for low, high in box.values())
        order = reversed(below(t)) if at_point else [t]
        names = [self.names[u] for u in order if u in self.names]
        return f"unfold {', '.join(names)}" if names else "idtac"

    def _partial(self, t: RealTerm) -> list[str]:
        """Return tactics that state where the parts of a term are defined."""
        lines = []
        for u in below(t, stop=self.names):
            if u.kind in PARTIAL and (u is t or u not in self.names):
                tactic, says = PARTIAL[u.kind]
                inner = self.said(u.args[0])
                lines.append(f"assert ({says.format(inner)}) by {tactic}")
        return list(dict.fromkeys(lines))
