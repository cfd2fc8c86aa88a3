"""How large the gradient of a formula can be over a box."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.errors import (
    FormulaError,
    MissingSymbolError,
    UnknownSymbolError,
    did_you_mean,
)
from deuterium.frontends.formula import lift
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Cause, Interval
from deuterium.search import search
from deuterium.search.search import Estimate, enclose_at
from deuterium.search.search_options import ENDLESS_VALUE
from deuterium.transform import grad
from deuterium.transform.meeting import rounding_forgiven

__all__ = ["QueryResult", "run_query"]


@dataclass(frozen=True)
class QueryResult:
    """The gradient of a formula in closed form, and how large it can be.

    Attributes
    ----------
    formula : str
        The formula in closed form.
    gradient : dict from str to str
        Its derivative by each symbol, in closed form.
    bounds : dict from str to (float, float)
        The box.
    lower, upper : float
        Certified range of the gradient's L2 norm over the box.
    status : {"certified", "undefined", "overflow", "unbounded"}
        Whether the range is finite, and if not, why.
    cause : Cause or None
        What makes it infinite; the source reads ``formula:<column>``.
    found : Estimate
        The largest norm that a search found, and where.
    reached : float
        Certified: the norm at the witness is at least this, so the supremum is too.
    gap : float
        ``(upper - reached) / reached``: how far the two certified numbers lie apart.
    """

    formula: str
    gradient: dict[str, str]
    bounds: dict[str, tuple[float, float]]
    lower: float
    upper: float
    status: str
    cause: Cause | None
    found: Estimate
    reached: float
    gap: float


def run_query(
    text: str,
    bounds: Mapping[str, tuple[float, float]],
    *,
    boxes: int = 4096,
    seed: int = 0,
) -> QueryResult:
    """Bound the norm of a formula's gradient over a box, by all of its symbols.

    Parameters
    ----------
    text : str
        The formula; see `deuterium.frontends.formula.lift`.
    bounds : mapping
        From every symbol's name to ``(lower, upper)``.
    boxes : int
        At most so many parts are told apart; more give a tighter range.
    seed : int
        Of the search for a large value.

    Raises
    ------
    FormulaError, MissingSymbolError, UnknownSymbolError, BoundsError
        The formula or the bounds cannot be read, or do not fit together.
    """
    v = lift(text)
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    require_bounds(symbols, bounds)
    with rounding_forgiven():
        gradient = grad(v, symbols)
    norm = norm_of_all(gradient)
    domain = Box({symbol(name): ends for name, ends in bounds.items()})
    found = _completed(search(norm, domain, seed=seed), symbols, domain)
    found = _defined(v, found, symbols)
    reached = _reached(norm, found, symbols)
    # parts cannot bound what has no end
    certified = _range(v, norm, domain, 1 if reached >= ENDLESS_VALUE else boxes)
    upper = float(certified.upper)
    return QueryResult(
        formula=repr(v),
        gradient={s.name: repr(g) for s, g in zip(symbols, gradient, strict=True)},
        bounds=dict(bounds),
        lower=float(certified.lower),
        upper=upper,
        status="certified" if certified.cause is None else certified.cause.kind,
        cause=certified.cause,
        found=found,
        reached=reached,
        gap=_gap(upper, reached),
    )


def require_bounds(symbols: list[Variable], bounds: Mapping[str, object]) -> None:
    """Raise unless every symbol of a formula has bounds, and no other."""
    names = [s.name for s in symbols]
    if not names:
        raise FormulaError("the formula has no symbols: it is one number")
    for name in bounds:
        if name not in names:
            raise UnknownSymbolError(
                f"bounds of {name!r}: the formula has no such symbol."
                f"{did_you_mean(name, names)} Its symbols are {', '.join(names)}"
            )
    missing = [n for n in names if n not in bounds]
    if missing:
        raise MissingSymbolError(
            f"no bounds for {', '.join(map(repr, missing))}: every symbol of the "
            f"formula needs some; add --bound {missing[0]}=LOWER:UPPER"
        )


def _range(v: Variable, norm: Variable, domain: Domain, boxes: int) -> Interval:
    """Return the range of the norm, infinite where the formula itself is undefined.

    The derivative of ``log(a)`` is ``1/a``, which has values where ``log(a)`` has none.
    """
    own = enclose_subdivided(v, domain, boxes=boxes)
    if own.cause is None or own.cause.kind != "undefined":
        return enclose_subdivided(norm, domain, boxes=boxes)
    nothing_known = Interval(0.0, math.inf)
    nothing_known.cause = own.cause
    return nothing_known


def _completed(found: Estimate, symbols: list[Variable], domain: Domain) -> Estimate:
    """Give symbols that the gradient does not depend on a value in the witness."""
    if found.status != "found":
        return found
    witness = {
        s.name: found.witness.get(s.name, domain.hull(s).midpoint) for s in symbols
    }
    return replace(found, witness=witness)


def _defined(v: Variable, found: Estimate, symbols: list[Variable]) -> Estimate:
    """Return what was found, unless the formula itself has no value there."""
    if found.status == "found":
        cause = enclose_at(v, {s: found.witness[s.name] for s in symbols}).cause
        if cause is not None and cause.kind == "undefined":
            return replace(found, value=math.nan, witness={}, status="nothing found")
    return found


def _reached(norm: Variable, found: Estimate, symbols: list[Variable]) -> float:
    """Return what the norm certainly reaches: its enclosure at the witness."""
    if found.status != "found":
        return 0.0
    at = enclose_at(norm, {s: found.witness[s.name] for s in symbols})
    return max(float(at.lower), 0.0)


def _gap(upper: float, reached: float) -> float:
    if upper == reached:
        return 0.0
    return (upper - reached) / reached if reached > 0 else math.inf
