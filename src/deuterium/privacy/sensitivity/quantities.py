"""The three quantities, certified: contribution, lipschitz, diameter.

In the field's words: the sensitivity for neighbours by adding or removing a record, the
largest slope, and the sensitivity for neighbours by replacing a record.

Of one number, both one-sided searches are run, so that its contribution and its
diameter come from the same two certificates.  Of a vector, several bounds are worked
out that are all sound, the cheap ones first, and the least counts.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Unpack

from deuterium.domain.domain import Domain
from deuterium.errors import ShapeError, UnsupportedError
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import next_down, next_up
from deuterium.optimize import maximize
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.optimize.branch_and_bound.stopping import Limits
from deuterium.optimize.maximize import minimize
from deuterium.optimize.maximize_options import MaximizeOptions, SearchLimits
from deuterium.privacy.mechanisms.release_shapes import Shape, shape_of
from deuterium.privacy.sensitivity.bound_sources import (
    BothSides,
    assumptions_in,
    of_bracket,
    require_points,
)
from deuterium.privacy.sensitivity.neighbours import Neighbours, own_parts
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.sensitivity.sensitivity_fields import require_norm
from deuterium.privacy.sensitivity.slope_norm import steepest_norm
from deuterium.privacy.sensitivity.vector_diameter import VectorDiameter
from deuterium.privacy.sensitivity.vector_norms import (
    as_parts,
    norm_graph,
    require_domain,
)
from deuterium.search import search as look_for

__all__ = ["contribution", "diameter", "lipschitz"]


@standard_only
def contribution(
    grads: Any,
    domain: Domain,
    norm: float = 2,
    **maximize_options: Unpack[MaximizeOptions],
) -> Sensitivity:
    """Certify how large the vector is that one record adds to a sum.

    It is the sum's sensitivity between data sets that differ by a record added or
    removed (*add-remove* sensitivity).

    Parameters
    ----------
    grads : Variable or sequence of Variable
        What one record contributes: the gradient of its loss by all parameters, as
        `deuterium.grad` returns it, or any other numbers.
    domain : Domain
        Every record that may come, by public bounds.
    norm : {1, 2, inf}
        Over all elements together.
    **maximize_options
        Of `deuterium.maximize`: ``rtol``, ``atol``, ``time_limit``, and ``arithmetic``:
        with ``"float32"`` the number covers the vector that float32 computes, too.

    Returns
    -------
    Sensitivity
        ``sup ||phi(x)||``.  Of a single number it carries the diameter, too, which
        ``replace_one`` needs; for that of a vector see `diameter` and
        `Sensitivity.with_diameter`.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> age = dt.symbol("age")
    >>> s = privacy.contribution(age, dt.Box({age: (18, 120)}))
    >>> [round(s.sensitivity(r), 9) for r in ("add_or_remove_one", "replace_one")]
    [120.0, 102.0]
    """
    parts = as_parts("contribution", grads, "grads")
    domain = require_domain("contribution", domain, parts)
    require_norm("contribution", norm)
    if sum(p.size for p in parts) == 1:
        return _of_number(parts[0], shape_of(grads), domain, norm, maximize_options)
    found = maximize(norm_graph(parts, norm), domain, **maximize_options)
    about = {"domain": domain, "shape": shape_of(grads), "vector": tuple(parts)}
    return Sensitivity(**of_bracket(found, "contribution", norm, about, is_norm=True))


@standard_only
def lipschitz(
    f: Any,
    wrt: Any,
    domain: Domain,
    norm: float = 2,
    **maximize_options: Unpack[MaximizeOptions],
) -> Sensitivity:
    """Certify the steepest slope of one number by some of its inputs.

    Parameters
    ----------
    f : Variable
        A number.
    wrt : Variable or sequence of Variable
        The inputs that move.
    domain : Domain
        Where they lie.
    norm : {1, 2, inf}
        Of the gradient; distances of inputs are then in the dual one (2 to 2, 1 to inf,
        inf to 1).
    **maximize_options
        Of `deuterium.maximize`.

    Returns
    -------
    Sensitivity
        ``sup ||df/dwrt||``: a slope, and no amount of noise until a distance is given.
        Where a `diameter` can be bounded, it is never the larger of the two.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> privacy.lipschitz(np.tanh(x), x, dt.Box({x: (-1, 1)})).upper >= 1
    True
    """
    (number, *more) = as_parts("lipschitz", f)
    domain = require_domain("lipschitz", domain, [number, *more])
    if more or number.size != 1:
        raise ShapeError(
            "lipschitz: `f` must be one number; of a vector take its norm or one "
            "element, or bound its diameter"
        )
    require_norm("lipschitz", norm)
    _require_real_numbers("lipschitz", maximize_options)
    inputs = as_parts("lipschitz", wrt, "wrt")
    slope, jump = steepest_norm(number, inputs, domain, norm)
    found = maximize(slope, domain, **maximize_options)
    names = {v.name for v in inputs}
    fixed = [s.name for s in free_symbols([number]) if s.name not in names]
    by = ", ".join(_named(v) for v in inputs)
    rounds = (
        f"where branches are written to meet and miss each other by rounding, values "
        f"may lie {jump:.1e} farther apart than the slope says; `jump` is added",
    )
    about = {
        "domain": domain,
        "shape": shape_of(f),
        "assumptions": (
            f"slopes are by {by}; everything else stays as it is",
            *(rounds if jump else ()),
        ),
        "jump": jump,
        "scope": f"{', '.join(sorted(fixed))} stay as they are" if fixed else None,
        "vector": (number,),
    }
    return Sensitivity(**of_bracket(found, "lipschitz", norm, about, is_norm=True))


@standard_only
def diameter(
    f: Any,
    domain: Domain,
    norm: float = 2,
    *,
    shared: Sequence[Any] = (),
    rtol: float = 1e-2,
    atol: float = 0.0,
    time_limit: float | None = 60.0,
    **maximize_options: Unpack[SearchLimits],
) -> Sensitivity:
    """Certify how far two records can move a result apart.

    It is the sensitivity between data sets in which one record is replaced by another
    (*replace-one* sensitivity), everything else being as it is.

    Parameters
    ----------
    f : Variable or sequence of Variable
        The result, or what one record contributes to it.
    domain : Domain
        Every record that may come.
    norm : {1, 2, inf}
        Over all elements together.
    shared : sequence of Variable or str
        Symbols that both records have in common.
    rtol, atol, time_limit, **maximize_options
        Of `deuterium.maximize`.

    Returns
    -------
    Sensitivity
        ``sup ||f(x) - f(x')||``; the witness names the second record's values with a
        prime.

    Notes
    -----
    Of a number without shared symbols it is the supremum less the infimum, each with a
    certificate of its own.  Of anything else it is the least of: the range of every
    element by itself; twice the contribution; and a maximisation over both records.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> privacy.diameter(x, dt.Box({x: (18, 120)})).upper
    102.0
    """
    parts = as_parts("diameter", f)
    require_domain("diameter", domain, parts)
    atol = atol or 0.0
    Limits(rtol, atol, time_limit).check("diameter")
    require_norm("diameter", norm)
    options = dict(maximize_options, rtol=rtol, atol=atol, time_limit=time_limit)
    neighbours = Neighbours(domain, free_symbols(parts), shared)
    used = {s.name for s in free_symbols(parts)}
    if not set(domain.names) <= used | set(neighbours.shared):
        domain = domain.restricted(used | set(neighbours.shared))
        neighbours = Neighbours(domain, free_symbols(parts), shared)
    if sum(p.size for p in parts) == 1 and not neighbours.shared:
        number = _of_number(parts[0], shape_of(f), domain, norm, options)
        return number.diameter or _never()
    _require_real_numbers("diameter", maximize_options)
    own, shape = own_parts(parts, neighbours), shape_of(f)
    alone = not {s.name for s in free_symbols(own)} & set(neighbours.shared)
    if sum(p.size for p in own) == 1 and alone and not domain.conditions:
        number = _of_number(own[0], shape, neighbours.domain, norm, options)
        found = number.diameter or _never()
        (witness,) = neighbours.records(found.witness)
        found = replace(found, witness=witness, scope=neighbours.scope)
    else:
        found = VectorDiameter(own, parts, shape, norm, neighbours, options).bounded()
    return replace(found, vector=tuple(parts))


def _require_real_numbers(caller: str, options: Mapping[str, Any]) -> None:
    """Raise if rounding errors are asked for where they are not counted."""
    if options.get("arithmetic") is not None:
        raise UnsupportedError(
            f"{caller}: `arithmetic` is for contributions, and for diameters of one "
            "number without shared symbols; of a vector, twice its contribution is a "
            "diameter"
        )


# -- one number ----------------------------------------------------------------------


def _of_number(
    f: Variable, shape: Shape, domain: Domain, norm: float, options: Any
) -> Sensitivity:
    """Return the contribution of a number, with its diameter."""
    number = f.reshape(()) if f.shape else f
    top, bottom = _extremes(number, domain, options)
    require_points(bottom)
    require_points(top, bottom.lower)
    high = max(abs(top.upper), abs(bottom.lower))
    reached = max(-math.inf, top.lower, -bottom.upper, 0.0)
    width = _difference_up(top.upper, bottom.lower)
    moved = max(0.0, _difference_down(top.lower, bottom.upper))
    both = BothSides(top, bottom)
    common: dict[str, Any] = {
        "norm": norm,
        "status": both.status,
        "proof": both,
        "cause": top.cause or bottom.cause,
        "domain": domain,
        "shape": shape,
        "vector": (f,),
        "arithmetic": both.arithmetic,
        "rounding": both.rounding,
    }
    assumptions = (
        *assumptions_in(both.arithmetic),
        "two certificates: of the supremum and the infimum",
    )
    apart = Sensitivity(
        quantity="diameter",
        upper=width,
        lower=moved,
        witness={**top.witness, **{f"{n}'": x for n, x in bottom.witness.items()}},
        assumptions=assumptions,
        **common,
    )
    side = top if top.lower >= -bottom.upper else bottom
    return Sensitivity(
        quantity="contribution",
        upper=high,
        lower=reached,
        witness=side.witness,
        assumptions=assumptions,
        diameter=apart,
        **common,
    )


def _extremes(
    f: Variable, domain: Domain, options: dict[str, Any]
) -> tuple[Bracket, Bracket]:
    """Return supremum and infimum, each to half of the gap asked of the difference."""
    limit = options.pop("time_limit", 60.0)
    rtol = options.pop("rtol", 1e-2)
    atol = options.pop("atol", None) or 0.0
    path = options.pop("checkpoint", None)
    seed, points = options.get("seed", 0), options.get("points")
    ends = [
        look_for(f, domain, starts=8, seed=seed, points=points, maximize=up).value
        for up in (True, False)
    ]
    width = ends[0] - ends[1]
    room = max(atol, rtol * width if math.isfinite(width) else 0.0) / 2
    half = None if limit is None else limit / 2
    brackets: list[Bracket] = []
    for side, run in (("max", maximize), ("min", minimize)):
        more: dict[str, Any] = {}
        if path is not None:
            more["checkpoint"] = f"{path}.{side}"
        if brackets and brackets[0].status == "interrupted":
            more["max_regions"] = 1  # a bound, and no more
        brackets.append(
            run(f, domain, rtol=0.0, atol=room, time_limit=half, **{**options, **more})
        )
    return brackets[0], brackets[1]


def _difference_up(a: float, b: float) -> float:
    if math.inf in (a, -b, a - b):
        return math.inf
    return a - b if _is_exact(a, b) else float(next_up(a - b))


def _difference_down(a: float, b: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0.0  # nothing was found
    if math.isinf(a - b):
        return sys.float_info.max
    return a - b if _is_exact(a, b) else float(next_down(a - b))


def _is_exact(a: float, b: float) -> bool:
    return bool(Fraction(a - b) == Fraction(a) - Fraction(b))


def _named(v: Variable) -> str:
    return v.name if v.is_symbol else repr(v)[:40]


def _never() -> Any:  # pragma: no cover
    raise AssertionError("a number has a diameter")
