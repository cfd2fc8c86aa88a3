"""How far one person can move a result on these very data, and on data near them.

References: K. Nissim, S. Raskhodnikova and A. Smith, "Smooth sensitivity and sampling
in private data analysis", STOC 2007: definition 2.1 (smooth bounds), claim 3.2 (the
largest local sensitivity within k changes) and section 3.1 (the median).
"""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from deuterium import ops
from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.enclose import enclose
from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.substitute import substitute
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.interval.rounding import EPS
from deuterium.optimize import maximize
from deuterium.optimize.maximize_options import MaximizeOptions
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.privacy.directed_rounding import product_up, require_positive
from deuterium.privacy.sensitivity.bound_sources import largest
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = ["local_sensitivity", "smooth_sensitivity"]

ROUNDED = 1 + 64 * EPS  # more than the weights of order statistics lose
LEAST = 5e-324  # the smallest double above 0


@standard_only
def local_sensitivity(
    f: Any, data: Any, domain: Domain, **options: Unpack[MaximizeOptions]
) -> Internal:
    """Bound how far replacing one person can move a result on given data.

    Parameters
    ----------
    f : Variable
        A function of whole data sets: symbols with one leading axis of people.
    data : mapping or DataFrame
        The values of every symbol, moved into the domain.
    domain : Domain
        Where everybody's values lie; of each symbol the box around it counts.
    **options
        Of `deuterium.maximize`, for each person.

    Returns
    -------
    Internal
        An upper bound, certified, in L2 norm.  It depends on the data: noise of that
        scale protects nobody; see `smooth_sensitivity`.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", (5,))
    >>> people, box = {"x": [1, 2, 4, 7, 9]}, dt.Box({x: (0, 10)})
    >>> found = privacy.local_sensitivity(np.median(x), people, box)
    >>> 3 <= float(found.values) < 3.001
    True
    """
    rows, people = _people(f, data, domain)
    most = 0.0
    apart = [_moved(f, rows, domain, i) for i in range(people)]
    first = [float(enclose(v, box).upper) for v, box in apart]
    for i in np.argsort(first)[::-1]:
        if first[i] > most:
            v, box = apart[i]
            most = max(most, min(first[i], maximize(v, box, **options).upper))
    return Internal(_frozen(max(most, 0.0)), "local sensitivity")


@standard_only
def smooth_sensitivity(
    f: Any,
    data: Any,
    domain: Domain,
    *,
    beta: float,
    diameter: Sensitivity | None = None,
    **options: Unpack[MaximizeOptions],
) -> Internal:
    """Bound the smooth sensitivity: it falls by at most ``exp(-beta)`` a person.

    Parameters
    ----------
    f, data, domain
        As of `local_sensitivity`.
    beta : float
        The decay.  Noise ``2 * S / epsilon * Laplace(1)`` on one number needs ``beta =
        epsilon / (2 log(2 / delta))`` for (epsilon, delta) under ``replace_one``, for
        epsilon up to 4 (Nissim and others, 2007, corollary 2.4).
    diameter : Sensitivity, optional
        The certified diameter of ``f`` by any one person, all others shared; needed
        where ``f`` is no combination of order statistics of one symbol.
    **options
        As of `local_sensitivity`.

    Returns
    -------
    Internal
        An upper bound S with ``S(x) <= exp(beta) S(x')`` for all neighbours x and x'
        in the domain.  It depends on the data: use it as the scale of noise, and never
        publish it.

    Notes
    -----
    Of combinations of order statistics (a median, quantiles, the maximum), S is the
    largest ``exp(-beta k) A_k``, where A_k adds up the weights times Nissim's formula
    for one order statistic.  Of anything else it is the larger of the local sensitivity
    and ``exp(-beta)`` times the diameter, which has the decay as well.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x = dt.symbol("x", (5,))
    >>> people, box = {"x": [1, 2, 4, 7, 9]}, dt.Box({x: (0, 10)})
    >>> found = privacy.smooth_sensitivity(np.median(x), people, box, beta=0.1)
    >>> 3 <= float(found.values) <= 10
    True
    """
    decay = require_positive("smooth_sensitivity", "beta", beta)
    rows, _ = _people(f, data, domain)
    weights = _order_weights(f)
    if weights is not None:
        ((name, x),) = rows.items()
        hull = domain.hull(symbol(name, shape=x.shape))
        ends = float(np.min(hull.lower)), float(np.max(hull.upper))
        return Internal(
            _frozen(_smooth(x, weights, *ends, decay)), "smooth sensitivity"
        )
    if diameter is None:
        raise UnsupportedError(
            "smooth_sensitivity: this is no combination of order statistics of one "
            "symbol, so give the `diameter` of f by one person (privacy.diameter with "
            "all others shared)"
        )
    local = float(local_sensitivity(f, data, domain, **options).values)
    whole = diameter.sensitivity("replace_one")
    return Internal(
        _frozen(max(local, product_up(_decayed(decay, 1), whole))), "smooth sensitivity"
    )


# -- one person ------------------------------------------------------------------------


def _people(f: Any, data: Any, domain: Domain) -> tuple[dict[str, Array], int]:
    """Return the values of a function's symbols, and how many people there are."""
    if not isinstance(f, Variable):
        raise InvalidInputError(
            f"local_sensitivity: `f` must be a Variable, got {f!r:.80}"
        )
    symbols = {s.name: s for s in free_symbols([f])}
    values = domain.restricted(list(symbols)).clip(data)
    rows = {n: np.asarray(values[n], dtype=float) for n in symbols}
    wrong = [n for n, s in symbols.items() if rows[n].shape != s.shape or not s.shape]
    counts = {len(x) for x in rows.values() if x.ndim}
    if wrong or len(counts) != 1 or not counts.copy().pop():
        raise ShapeError(
            "local_sensitivity: every symbol needs one leading axis of people, the "
            f"same for all, and data of its shape; not so: {', '.join(wrong) or counts}"
        )
    return rows, counts.pop()


def _moved(
    f: Variable, rows: dict[str, Array], domain: Domain, i: int
) -> tuple[Variable, Domain]:
    """Return how far f moves when one person's values do, and where these lie."""
    here, there = {}, {}
    ends: dict[Any, Any] = {}
    for s in free_symbols([f]):
        x = rows[s.name]
        mine = symbol(f"{s.name} of one", shape=x.shape[1:])
        parts = [constant(x[:i]), mine.reshape((1, *mine.shape)), constant(x[i + 1 :])]
        there[s.name] = np.concatenate([p for p in parts if p.shape[0]])
        here[s.name] = constant(x)
        hull = domain.hull(s)
        ends[mine] = (hull.lower[i], hull.upper[i])
    moved = norm_of_all([substitute(f, there) - substitute(f, here)])
    return moved, Box(ends)


def _frozen(number: float) -> Array:
    found = np.array(number)
    found.flags.writeable = False
    return found


# -- order statistics ------------------------------------------------------------------


def _order_weights(f: Variable) -> Array | None:
    """Return the most that each order statistic weighs, (n,), if f adds them up."""
    symbols = list(free_symbols([f]))
    if len(symbols) != 1 or len(symbols[0].shape) != 1 or f.size != 1:
        return None
    (v,) = symbols
    nodes = topological([f])
    signs = {v: 1, **{n: -1 for n in nodes if n.op is ops.negative and v in n.args}}
    total = np.zeros(v.size)
    for node in nodes:
        based = [a for a in node.args if a in signs]
        if not based or node in signs:
            continue
        if node.op not in (ops.sort_last, ops.maximum_reduce) or node.size not in (
            1,
            v.size,
        ):
            return None
        (slope,) = simplify([grad(f.reshape(()), node)])
        if free_symbols([slope]):
            return None  # not one weight for all data
        sizes = np.zeros(v.size)
        known = largest(enclose(slope, Domain({}, {})))
        sizes[slice(None) if node.op is ops.sort_last else slice(-1, None)] = known
        total += sizes[:: signs[based[0]]]
    return total * ROUNDED


def _smooth(x: Array, weights: Array, low: float, high: float, beta: float) -> float:
    """Return the largest ``exp(-beta k) A_k``, rounded up.

    Shapes: ``x`` and ``weights`` (n,).
    """
    n, most = len(x), 0.0
    # beyond the data are the ends of the box, as often as needed
    line = np.concatenate([np.full(n + 1, low), np.sort(x), np.full(n + 1, high)])
    whole = float(weights.sum()) * (high - low)
    used = np.flatnonzero(weights) + n + 1  # places in the line
    for k in range(n + 1):
        shrunk = _decayed(beta, k)
        if product_up(shrunk, whole) <= most:
            break
        total = 0.0
        for j in used:
            right = np.minimum(np.arange(j, j + k + 2), len(line) - 1)
            left = np.maximum(np.arange(j - k - 1, j + 1), 0)
            total += weights[j - n - 1] * float(np.max(line[right] - line[left]))
        most = max(most, product_up(shrunk, total))
    return product_up(most, ROUNDED + n * EPS)


def _decayed(beta: float, k: int) -> float:
    """Return ``exp(-beta k)``, rounded up: never 0, as noise is made of it."""
    decay = beta * k
    return max(math.exp(-decay) * (1 + (decay + 4) * EPS), LEAST)
