"""Removable singularities: where a graph as written is undefined and its limit is not.

`simplify` gives ``sin(x) / x`` the value 1 at 0.  Whether a value that a graph has not
got, but its simpler form has, is such a limit, is asked of points around.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.graph.constructors import symbol
from deuterium.graph.hashcons import rebuilt, share_equal
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.testing.balls import flint
from deuterium.testing.oracle import evaluate_exactly, meanings
from deuterium.transform.simplify.simplify import simplify

Index = tuple[int, ...]
AROUND = 24  # points, of which some at least must be where the graph is defined
STEP = 2.0**-30
NEAR = 2.0**-10  # how much the value may change over such a step


def loosened(
    v: Variable, point: Mapping[str, Any], bits: int
) -> tuple[Variable, dict[str, Any]]:
    """Return ``v`` with what is 0 at a point and around, or to a side, made to move.

    ``sin(t) / t`` has the value 1 where t is 0, also where t is so at points near:
    a constant, ``x - x``, a floor, a slope that is flat.  Returns the symbols
    that are added to such nodes, too, by name, and their values, 0.
    """
    rng = np.random.default_rng(1)
    places: list[Any] = [point, *[_near(point, rng) for _ in range(6)]]
    moved: dict[str, Any] = {}
    done: dict[Variable, Variable] = {}
    known: list[dict[Variable, Any]] = [{} for _ in places]
    for n in topological(share_equal([v])):
        new = done[n] = rebuilt(n, tuple(done[a] for a in n.args))
        for values, p in zip(known, places, strict=True):
            values[new] = meanings([new], p, bits, values)[new]
        here, *around = [values[new] for values in known]
        flat = _is_zero(here) & np.any([_is_zero(x) for x in around], axis=0)
        if n.is_symbol or not np.any(flat):
            continue
        name = f"around {len(moved)}"
        moved[name] = np.zeros(n.shape)
        places = [p | _near({name: moved[name]}, rng) for p in places]
        places[0][name] = moved[name]
        done[n] = new + flat * symbol(name, n.shape)
    return done[n], moved


_is_zero = np.frompyfunc(lambda x: bool(x.is_zero()), 1, 1)


def _near(point: Mapping[str, Any], rng: Any) -> dict[str, Any]:
    return {
        name: x + STEP * rng.uniform(-1, 1, np.shape(x)) * (1e-9 + np.abs(x))
        for name, x in point.items()
    }


def limit(
    v: Variable,
    domain: Domain | None,
    point: Mapping[str, Any],
    index: Index,
    bits: int,
) -> Any:
    """Return the value of the simpler form where that is a limit, else NaN."""
    v, moved = loosened(v, point, bits)
    point = {**point, **moved}
    if domain is not None:
        domain = domain & Box({s: (x, x) for s, x in moved.items()})
    simpler = simplify(v, domain)
    for names in (point, moved) if moved else (point,):
        if is_limit(v, simpler, point, index, bits, names):
            return _element(simpler, point, index, bits)
    return flint().arb("nan")


def is_limit(
    v: Variable,
    simpler: Variable,
    point: Mapping[str, Any],
    index: Index,
    bits: int,
    names: Collection[str] | None = None,
) -> bool:
    """Return whether the simpler form has the limit of an element of ``v`` at a point.

    Around it, where the symbols of some names move (all, unless it is said), both must
    agree wherever ``v`` is defined, which must be somewhere, and lie near the value at
    the point.
    """
    rng = np.random.default_rng(0)
    value = _element(simpler, point, index, bits)
    if not value.is_finite():
        return False
    met = 0
    for _ in range(AROUND):
        near = _near(point, rng)
        moved = {
            n: x if names is None or n in names else point[n] for n, x in near.items()
        }
        one = _element(v, moved, index, bits)
        if not one.is_finite():
            continue
        other, met = _element(simpler, moved, index, bits), met + 1
        if not one.overlaps(other) or abs(other - value) > NEAR * (1 + abs(value)):
            return False
    return met > 0


def _element(v: Variable, point: Mapping[str, Any], index: Index, bits: int) -> Any:
    return np.asarray(evaluate_exactly(v, point, bits), dtype=object)[index]
