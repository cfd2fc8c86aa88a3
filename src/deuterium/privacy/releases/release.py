"""A query on data, released: bound, noise and value made from one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Unpack

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError, did_you_mean
from deuterium.interval.environment import standard_only
from deuterium.optimize.maximize_options import MaximizeOptions
from deuterium.optional import require
from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.mechanisms.discrete_gaussian import discrete_gaussian
from deuterium.privacy.mechanisms.gaussian import gaussian
from deuterium.privacy.mechanisms.geometric import geometric
from deuterium.privacy.mechanisms.laplace import laplace
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.sensitivity.exact_value import require_outside
from deuterium.privacy.sensitivity.quantities import contribution, diameter
from deuterium.privacy.sensitivity.relations import Relation, require_relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity

__all__ = ["MECHANISMS", "Release", "release"]

MECHANISMS: Mapping[str, tuple[Callable[..., Noise], int]] = MappingProxyType(
    {
        "gaussian": (gaussian, 2),
        "laplace": (laplace, 1),
        "discrete_gaussian": (discrete_gaussian, 2),
        "geometric": (geometric, 1),
    }
)
"""The laws of noise by name, and the norm in which each needs its sensitivity."""

SUMS = ("add_or_remove_one", "replace_special")


@dataclass(frozen=True, eq=False, repr=False)
class Release:
    """A released value and everything its promise rests on; all may be published.

    Attributes
    ----------
    value : float, ndarray, list or dict
        With noise, of the shape of the query.
    noise : Noise
        What was added, and what it promises.
    sensitivity : Sensitivity
        What was certified.
    statement : str
        What was released and promised, in plain English.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> x = dt.symbol("x")
    >>> out = privacy.release(
    ...     x, {"x": [1, 5]}, dt.Box({x: (0, 9)}), relation="replace_one", epsilon=1.0,
    ...     delta=1e-6, insecure_rng=0,
    ... )
    >>> out.statement.splitlines()[0][:34]
    'A sum over all records was release'
    """

    value: Any
    noise: Noise
    sensitivity: Sensitivity
    statement: str = field(default="")

    def __repr__(self) -> str:
        return f"<Release {self.value!r}\n{self.statement}>"

    def to_frame(self) -> Any:
        """Return the released numbers as a pandas DataFrame, the statement with it.

        One row a number, by its name and place; what was promised is in
        ``frame.attrs["statement"]``.
        """
        pandas = require("pandas", "pandas", "Release.to_frame")
        value = self.value
        named = value if isinstance(value, dict) else {"value": value}
        rows = [
            {"released": name + (str(list(at)) if at else ""), "value": float(x)}
            for name, values in named.items()
            for at, x in np.ndenumerate(np.asarray(values, dtype=float))
        ]
        frame = pandas.DataFrame(rows)
        frame.attrs["statement"] = self.statement
        return frame


@standard_only
def release(
    query: Any,
    data: Any,
    domain: Domain,
    *,
    relation: Relation | None = None,
    mechanism: str = "gaussian",
    whole: bool = False,
    outside: str = "clip",
    accountant: Accountant | None = None,
    insecure_rng: Any = None,
    epsilon: float | None = None,
    delta: float | None = None,
    promise: Mapping[str, float] | None = None,
    group: int = 1,
    **maximize_options: Unpack[MaximizeOptions],
) -> Release:
    """Bound a query over a domain, evaluate it on data, and release it with noise.

    Parameters
    ----------
    query : Variable, list or dict of Variable
        What one record adds to a sum; with ``whole``, a function of all the data.
    data : mapping or DataFrame
        The values of every symbol: records along the first axis; with ``whole``, each
        symbol of its own shape.  Other columns of a table are left alone.
    domain : Domain
        Every record that may come, by public bounds.
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours; it has to be given.
    mechanism : {"gaussian", "laplace", "discrete_gaussian", "geometric"}
        The law of the noise.
    whole : bool
        The query is no sum; under ``replace_one`` only.
    outside : {"clip", "refuse"}
        Records outside the domain are moved into it, or refused.
    accountant : Accountant, optional
        Charged for this release, before it is made; one with a budget refuses what
        would pass it.
    insecure_rng : numpy.random.Generator or int, optional
        NumPy's noise instead of secure noise, for experiments only.
    epsilon, delta : float, optional
        What the release is to promise.
    promise : mapping, optional
        Another promise, by the mechanism's own names: ``{"rho": 0.1}``.
    group : int
        How many records may change at once.
    **maximize_options
        Of `deuterium.maximize`, for the bound.

    Returns
    -------
    Release
        Its value has the query's shape: a list for a list, a dict for a dict.

    Raises
    ------
    InvalidInputError
        Names, shapes or values do not fit; there is no finite bound.
    BudgetError
        The accountant's budget would be passed; nothing was released.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> age = dt.symbol("age")
    >>> out = privacy.release(
    ...     age, {"age": [31, 45, 150]}, dt.Box({age: (18, 100)}),
    ...     relation="add_or_remove_one", epsilon=1.0, delta=1e-6, insecure_rng=0,
    ... )
    >>> out.noise.sensitivity
    100.0
    """
    relation = require_relation("release", relation)
    outside = require_outside("release", outside)
    make, norm = _mechanism(mechanism)
    names, parts = _named(query)
    if whole and relation != "replace_one":
        raise UnsupportedError(
            "release: a function of the whole data has a sensitivity under "
            f"replace_one only, not {relation}: a record that is absent has no value"
        )
    s = _certified(parts, domain, relation, norm, whole, maximize_options)
    promises = {"epsilon": epsilon, "delta": delta, **(promise or {})}
    asked = {name: x for name, x in promises.items() if x is not None}
    noise = make(s, relation=relation, group=group, **asked)
    exact = s.value(data, outside=outside)  # before anything is charged for
    if accountant is not None:
        accountant.compose(noise)
    value = noise.release(exact, insecure_rng=insecure_rng)
    told = _statement(s, noise, whole, outside, insecure_rng is not None)
    value = value if names is None else dict(zip(names, value, strict=True))
    return Release(value, noise, s, told)


def _mechanism(name: Any) -> tuple[Callable[..., Noise], int]:
    if not isinstance(name, str) or name not in MECHANISMS:
        raise InvalidInputError(
            f"release: `mechanism` must be one of {', '.join(MECHANISMS)}; got "
            f"{name!r:.80}.{did_you_mean(str(name)[:80], MECHANISMS)}"
        )
    return MECHANISMS[name]


def _named(query: Any) -> tuple[list[str] | None, Any]:
    if not isinstance(query, Mapping):
        return None, query
    return [str(name) for name in query], list(query.values())


def _certified(
    parts: Any,
    domain: Domain,
    relation: Relation,
    norm: float,
    whole: bool,
    options: Any,
) -> Sensitivity:
    """Return the sensitivity that a relation needs."""
    if whole:
        return diameter(parts, domain, norm, **options)
    s = contribution(parts, domain, norm, **options)
    if relation in SUMS or s.diameter is not None:
        return s
    return s.with_diameter(diameter(parts, domain, norm, **options))


def _statement(
    s: Sensitivity, noise: Noise, whole: bool, outside: str, insecure: bool
) -> str:
    """Return in words what was released, and what that promises."""
    what = "A function of the whole data" if whole else "A sum over all records"
    size = "" if s.size in (None, 1) else f" of {s.size} numbers"
    moved = {
        "clip": "Records outside the domain were moved into it.",
        "refuse": "Records outside the domain would have been refused.",
    }[outside]
    lines = [
        f"{what}{size} was released with {noise.law.replace('_', ' ')} noise of scale "
        f"{noise.scale:.6g} on each number.",  # type: ignore[attr-defined]
        f"Between neighbouring data sets ({noise.protects}) it moves by at most "
        f"{noise.sensitivity:.6g} in L{noise.norm} norm; that is certified "
        f"({s.status}).",
        moved,
        _promised(noise),
    ]
    if insecure:
        lines.append("The noise is NumPy's, which is INSECURE: for experiments only.")
    return "\n".join(lines)


def _promised(noise: Noise) -> str:
    if noise.epsilon is None:
        return f"It satisfies rho = {noise.rho:.6g} zero-concentrated privacy."
    delta = f", delta = {noise.delta:.3g}" if noise.delta else ""
    return f"It satisfies epsilon = {noise.epsilon:.6g}{delta} differential privacy."
