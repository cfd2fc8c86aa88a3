"""The lower side: good points found by search.

What is found here is an `Estimate` and never a bound: the true supremum may lie above
it.  It is a different type from anything certified, so that the two cannot be mixed
up.  Only `enclose_at`, the enclosure at one point, turns a point found into a certified
statement: the supremum is at least the lower end there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from deuterium.bound.domain import Box, Domain
from deuterium.bound.enclose import enclose
from deuterium.bound.feasible import Feasible
from deuterium.errors import InvalidInputError, ShapeError
from deuterium.evaluate import compile
from deuterium.evaluate.values import require_all, require_known
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable, as_variable
from deuterium.interval import Interval
from deuterium.transform import grad

__all__ = ["Estimate", "enclose_at", "search"]

POOL = 32  # candidates tried for every start that is followed
STEPS = 200  # of the ascent
POLISHED = 3  # best points handed to L-BFGS-B

Points = dict[str, Any]  # from name to values, one row each


@dataclass(frozen=True)
class Estimate:
    """The best value that a search found.  It is NOT a bound.

    Attributes
    ----------
    value : float
        The largest (or smallest) value found, in plain floating point; NaN if none.
    witness : dict from str to ndarray
        A point of the domain where it was found; empty if none.
    evaluations : int
        Points at which the function was evaluated.
    status : {"found", "nothing found"}
        Whether any point of finite value was met.
    """

    value: float
    witness: dict[str, Any]
    evaluations: int
    status: str


def search(
    v: Variable,
    domain: Domain,
    *,
    starts: int = 32,
    seed: int = 0,
    points: Mapping[Any, Any] | None = None,
    maximize: bool = True,
) -> Estimate:
    """Look for a large (or small) value of a scalar over a domain.

    Random points, corners and the given points are ranked; projected gradient ascent
    follows the best of them, all at once, and L-BFGS-B polishes the last ones.

    Parameters
    ----------
    v : Variable
        A scalar.
    domain : Domain
        Bounds for every symbol of ``v``, without batch axes.
    starts : int
        How many points to follow.
    seed : int
        The same seed gives the same answer.
    points : mapping, optional
        Rows to try as well, such as a data set: from symbol to an array with one
        leading axis.  They are moved into the domain where they lie outside.
    maximize : bool
        False looks for a small value.

    Returns
    -------
    Estimate
        What was found, which is not a bound: see `deuterium.enclose` for one.
    """
    v = as_variable(v)
    if v.shape:
        raise ShapeError(
            f"search: only a scalar can be searched, this has shape {v.shape}; search "
            "its norm, its sum or one element"
        )
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise InvalidInputError(f"search: `starts` must be >= 1, got {starts!r}")
    objective = v if maximize else -v
    place = _feasible(objective, domain)
    if not place.symbols:
        return Estimate(float(v.evaluate()), {}, 1, "found")
    with np.errstate(all="ignore"):  # points of a pole are met and passed over
        looking = _Search(objective, place, np.random.default_rng(seed))
        best = looking.run(starts, points)
    if maximize or best.status != "found":
        return best
    return Estimate(-best.value, best.witness, best.evaluations, best.status)


def enclose_at(v: Variable, point: Mapping[Any, Any]) -> Interval:
    """Return a certified range of ``v`` at one point.

    Parameters
    ----------
    v : Variable
        A scalar or an array.
    point : mapping
        From every symbol to its value, such as an Estimate's witness.

    Returns
    -------
    Interval
        Its lower end is a certified lower bound of the supremum over any domain that
        holds the point.
    """
    return enclose(v, Box({key: (value, value) for key, value in point.items()}))


def _feasible(v: Variable, domain: Domain) -> Feasible:
    if not isinstance(domain, Domain):
        raise InvalidInputError(
            "search: `domain` must be a deuterium.Box, Ball, Choice or OneHot (or "
            f"several joined with &), got {type(domain).__name__}"
        )
    symbols = {s.name: s for s in free_symbols([v])}
    strangers = [n for n in domain.names if n not in domain.shapes]
    require_known(strangers, symbols, "search")
    require_all(domain.names, symbols, "search", "bounds")
    return Feasible(list(symbols.values()), domain)


class _Search:
    """One search: the compiled function, where it may go, and what it has spent."""

    def __init__(self, v: Variable, place: Feasible, random: Any) -> None:
        self.place, self.random, self.evaluations = place, random, 0
        self.symbols = place.symbols
        self.free = [s for s in self.symbols if s.name not in place.tables]
        self.value_of = compile(self.symbols, [v])
        if self.free:
            self.slopes_of = compile(self.symbols, grad(v, self.free))

    def run(self, starts: int, given: Mapping[Any, Any] | None) -> Estimate:
        points = self.place.random(POOL * starts, self.random)
        if given:
            points = self.place.join(points, self.place.nearest(given))
        points, values = self.best(points, self.values(points), starts)
        points, values = self.climb(points, values)
        points, values = self.swap(points, values)
        points, values = self.best(points, values, POLISHED)
        points, values = self.polish(points, values)
        held = [self.place.contains(points, row) for row in range(len(values))]
        values = np.where(held, values, -np.inf)
        top = int(np.argmax(values))
        if not np.isfinite(values[top]):
            return Estimate(np.nan, {}, self.evaluations, "nothing found")
        witness = {name: np.array(x[top]) for name, x in points.items()}
        return Estimate(float(values[top]), witness, self.evaluations, "found")

    def values(self, points: Points) -> Any:
        """Return the value at every point, minus infinity where it is not finite."""
        (values,) = self.value_of(*self.arguments(points))
        self.evaluations += len(values)
        return np.where(np.isfinite(values), values, -np.inf)

    def slopes(self, points: Points) -> Points:
        """Return the gradient at every point, zero where it is not finite."""
        found = self.slopes_of(*self.arguments(points))
        return {
            s.name: np.where(np.isfinite(g), g, 0.0)
            for s, g in zip(self.free, found, strict=True)
        }

    def arguments(self, points: Points) -> list[Any]:
        return [points[s.name] for s in self.symbols]

    def best(self, points: Points, values: Any, count: int) -> tuple[Points, Any]:
        order = np.argsort(-values, kind="stable")[:count]
        return {n: x[order] for n, x in points.items()}, values[order]

    def climb(self, points: Points, values: Any) -> tuple[Points, Any]:
        """Follow the gradient from every point, each with a step of its own."""
        step = np.full(len(values), 0.25)
        for _ in range(STEPS if self.free else 0):
            moved = self.place.project(self.moved(points, step))
            found = self.values(moved)
            better = found > values
            points = {n: _where(better, moved[n], x) for n, x in points.items()}
            values = np.where(better, found, values)
            step = np.where(better, np.minimum(2 * step, 1.0), 0.25 * step)
            if step.max() < 1e-12:
                break
        return points, values

    def moved(self, points: Points, step: Any) -> Points:
        """Return the points moved uphill by a share of the domain's width."""
        slopes, widths = self.slopes(points), self.place.widths
        scaled = {n: g * widths[n] for n, g in slopes.items()}
        largest = np.zeros(len(step))
        for g in scaled.values():
            largest = np.maximum(largest, np.abs(g).reshape(len(step), -1).max(axis=1))
        largest = np.where(largest > 0, largest, 1.0)
        return points | {
            n: points[n] + _rows(step, g) * (g / _rows(largest, g)) * widths[n]
            for n, g in scaled.items()
        }

    def swap(self, points: Points, values: Any) -> tuple[Points, Any]:
        """Try every other value of each finite symbol, climbing again from better."""
        for name, table in self.place.tables.items():
            improved = False
            for row in table:
                other = points | {name: np.broadcast_to(row, points[name].shape)}
                found = self.values(other)
                better = found > values
                improved = improved or bool(better.any())
                points = points | {name: _where(better, other[name], points[name])}
                values = np.where(better, found, values)
            if improved:
                points, values = self.climb(points, values)
        return points, values

    def polish(self, points: Points, values: Any) -> tuple[Points, Any]:
        """Finish each point with L-BFGS-B over the box around the domain."""
        for i in range(len(values) if self.free else 0):
            if not np.isfinite(values[i]):
                continue
            moved = self.place.project(self.finished(points, i))
            found = self.values(moved)
            if found[0] > values[i]:
                values[i] = found[0]
                for name, x in moved.items():
                    points[name][i] = x[0]
        return points, values

    def finished(self, points: Points, i: int) -> Points:
        """Return one row, moved to where L-BFGS-B ends."""
        row = {n: x[i : i + 1].copy() for n, x in points.items()}
        shapes = [(s.name, row[s.name].shape) for s in self.free]

        def unpack(flat: Any) -> Points:
            cuts = np.cumsum([int(np.prod(shape)) for _, shape in shapes])[:-1]
            parts = np.split(flat, cuts)
            return row | {
                n: p.reshape(shape) for (n, shape), p in zip(shapes, parts, strict=True)
            }

        def down(flat: Any) -> tuple[float, Any]:
            at = unpack(flat)
            value = self.values(at)[0]
            slopes = self.slopes(at)
            flat_slopes = np.concatenate([slopes[n].ravel() for n, _ in shapes])
            return (-value if np.isfinite(value) else 1e300), -flat_slopes

        start = np.concatenate([row[n].ravel() for n, _ in shapes])
        low, high = self.place.flat_ends([n for n, _ in shapes])
        end = scipy.optimize.minimize(
            down,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=scipy.optimize.Bounds(low, high),
            options={"maxiter": 100},
        )
        return unpack(end.x)


def _rows(x: Any, like: Any) -> Any:
    """Return one number per row, shaped to multiply rows of ``like``."""
    return np.reshape(x, (len(x),) + (1,) * (like.ndim - 1))


def _where(rows: Any, a: Any, b: Any) -> Any:
    return np.where(_rows(rows, b), a, b)
