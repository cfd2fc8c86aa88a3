"""Removable singularities: where a graph as written is undefined and its limit is not.

`simplify` gives ``sin(x) / x`` the value 1 at 0.  Whether a value that a graph has not
got, but its simpler form has, is such a limit, is asked of points around.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from deuterium import ops
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
STEP = 2.0**-30  # relative: how far a point is moved to look around it
MOST_ALONE = 12  # nodes that are moved one by one
NEAR = 2.0**-10  # how much the value may change over such a step
ZERO = 1e-9  # the size that is taken for a number that is 0, when it is moved
CLOSE = 1e-130  # the same, where the value changes fast; squares of it are doubles


def loosened(
    v: Variable,
    point: Mapping[str, Any],
    bits: int,
    *,
    arguments: bool,
    only: int | None = None,
) -> tuple[Variable, dict[str, Any]]:
    """Return ``v`` with what is 0 at a point, and not just passes it, made to move.

    ``sin(t) / t`` has the value 1 where t is 0, also where t is so at points near (a
    constant, ``x - x``, a floor, a slope that is flat) or jumps there (a sign).  Of
    ``(exp(a) - exp(b)) / (a - b)`` it is an argument that has to move, everywhere, and
    not the differences.  With ``only``, one node moves alone, by its number: another
    element of an array may be 0 in a node where this one is not.
    Returns the symbols that are added to such nodes, too, by name, and their values, 0.
    """
    rng = np.random.default_rng(1)
    places: list[Any] = [point, *[_near(point, rng) for _ in range(6)]]
    order = topological(share_equal([v]))
    # not a symbol, with which all that is made of it would move
    of = {n.args[n.args[0].is_symbol]: n for n in order[::-1] if n.op is ops.subtract}
    moved: dict[str, Any] = {}
    count = 0
    done: dict[Variable, Variable] = {}
    known: list[dict[Variable, Any]] = [{} for _ in places]
    plain = [meanings(order[-1:], p, bits) for p in places] if arguments else []
    for n in order:
        new = done[n] = rebuilt(n, tuple(done[a] for a in n.args))
        if arguments and n not in of:
            continue
        if arguments:
            here, *around = [values[of[n]] for values in plain]
        else:
            for values, p in zip(known, places, strict=True):
                values[new] = meanings([new], p, bits, values)[new]
            here, *around = [values[new] for values in known]
        stays = np.any([_is_zero(x) for x in around], axis=0)
        stops = np.any([_is_nan(x) for x in around], axis=0)  # a root of what is 0
        jumps = np.all([_is_far(x) for x in around], axis=0)
        flat = _is_zero(here) & (stays | stops | jumps)
        if (n.is_symbol and not arguments) or not np.any(flat):
            continue
        count += 1
        if only not in (None, count - 1):
            continue
        name = f"around {len(moved)}"
        moved[name] = np.zeros(n.shape)
        places = [p | _near({name: moved[name]}, rng) for p in places]
        places[0][name] = moved[name]
        done[n] = new + flat * symbol(name, n.shape)
    return done[n], moved


def _ways_to_move(
    v: Variable, point: Mapping[str, Any], bits: int
) -> Iterator[tuple[Variable, dict[str, Any]]]:
    """Yield graphs in which what is 0 moves: all, arguments, or one node alone."""
    whole, moved = loosened(v, point, bits, arguments=False)
    yield whole, moved
    by_arguments = loosened(v, point, bits, arguments=True)
    if by_arguments[1]:
        yield by_arguments
    # a node that did not move with all may do so by itself: it followed another
    for i in range(MOST_ALONE if moved else 0):
        alone = loosened(v, point, bits, arguments=False, only=i)
        if not alone[1]:
            return
        yield alone


_is_zero = np.frompyfunc(lambda x: bool(x.is_zero()), 1, 1)
_is_nan = np.frompyfunc(lambda x: bool(x.is_nan()), 1, 1)
_is_far = np.frompyfunc(lambda x: bool(abs(x) > NEAR), 1, 1)


def _near(point: Mapping[str, Any], rng: Any, zero: float = ZERO) -> dict[str, Any]:
    most = np.finfo(float).max * (1 - 2 * STEP)
    return {
        name: np.clip(x, -most, most)
        + STEP * rng.uniform(-1, 1, np.shape(x)) * (zero + np.abs(x))
        for name, x in point.items()
    }


def limit(
    v: Variable,
    domain: Domain | None,
    point: Mapping[str, Any],
    index: Index,
    bits: int,
) -> Any:
    """Return the value of the simpler form where that is a limit, else NaN.

    A ball without end where so many bits tell nothing.
    """
    value = flint().arb("nan")
    for looser, moved in _ways_to_move(v, point, bits):
        at, box = {**point, **moved}, domain
        if box is not None:
            box = box & Box({s: (x, x) for s, x in moved.items()})
        simpler = simplify(looser, box)
        found = _element(simpler, at, index, bits)
        if not (found.is_finite() or found.is_nan()):
            value = found
        for names in (at, moved) if moved else (at,):
            agrees = is_limit(looser, simpler, at, index, bits, names)
            if agrees:
                return found
            if agrees is None:
                value = flint().arb("0 +/- inf")
    return (
        _with_holes_filled(v, domain, point, index, bits) if value.is_nan() else value
    )


def _with_holes_filled(
    v: Variable,
    domain: Domain | None,
    point: Mapping[str, Any],
    index: Index,
    bits: int,
) -> Any:
    """Return the value where what is below ``v`` has its limits; NaN without them.

    ``expm1(x) / x > 1`` jumps at 0, and so has no limit, but a value there.
    """
    values = meanings([v], point, bits)
    for n in topological([v]):
        if n is v or n.is_symbol or not np.any(_is_nan(values[n])):
            continue
        given: dict[Variable, Any] = {a: values[a] for a in n.args}
        found = meanings([n], point, bits, given)[n].copy()
        for at in np.argwhere(_is_nan(found)).tolist():
            found[tuple(at)] = limit(n, domain, point, tuple(at), bits)
        values[n] = found
        if np.any(_is_nan(found)):
            return flint().arb("nan")
    given = {a: values[a] for a in v.args}
    return meanings([v], point, bits, given)[v][index]


def is_limit(
    v: Variable,
    simpler: Variable,
    point: Mapping[str, Any],
    index: Index,
    bits: int,
    names: Collection[str] | None = None,
) -> bool | None:
    """Return whether the simpler form has the limit of an element of ``v`` at a point.

    Around it, where the symbols of some names move (all, unless it is said), both must
    agree wherever ``v`` is defined, which must be somewhere, and lie near the value at
    the point, at least where what is 0 there hardly moves.  None: so many bits tell
    nothing of the points around.
    """
    rng = np.random.default_rng(0)
    value = _element(simpler, point, index, bits)
    if not value.is_finite():
        return False
    met, dark, room = 0, False, NEAR * (1 + abs(value))

    def drawn(zero: float = ZERO) -> dict[str, Any]:
        near = _near(point, rng, zero)
        return {n: x if n in (names or near) else point[n] for n, x in near.items()}

    for _ in range(AROUND):
        moved = drawn()
        one = _element(v, moved, index, bits)
        if not one.is_finite():
            dark = dark or not one.is_nan()
            continue
        other, met = _element(simpler, moved, index, bits), met + 1
        if not one.overlaps(other):
            return False
        if abs(other - value) > room:
            closer = _element(simpler, drawn(CLOSE), index, bits)
            if not abs(closer - value) <= room:
                return False
    return None if dark and not met else met > 0


def _element(v: Variable, point: Mapping[str, Any], index: Index, bits: int) -> Any:
    return np.asarray(evaluate_exactly(v, point, bits), dtype=object)[index]
