"""Figures of what is bounded: each takes ``ax=`` and returns the Axes it drew on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError
from deuterium.graph.constructors import as_variable
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.privacy.sensitivity.feature_table import FeatureSensitivities
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.report.canvas import CERTIFIED, FOUND, REST, axes, unit_text

__all__ = [
    "bounds_over_time",
    "feature_bars",
    "feature_image",
    "norms_against_bound",
    "surface",
]

GRID, LINE = 101, 401  # points of a surface along each axis, and of a curve


# -- what is bounded -------------------------------------------------------------------


def surface(
    v: Variable,
    domain: Domain,
    along: Any,
    *,
    bracket: Bracket | Sensitivity | None = None,
    at: Mapping[Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
    ax: Any = None,
) -> Any:
    """Draw a function along one input, or over two, with its witness and its bound.

    Parameters
    ----------
    v : Variable
        A scalar, such as a gradient's norm.
    domain : Domain
        Where its inputs lie.
    along : symbol, (symbol, index), or a list of two of these
        The inputs that move.
    bracket : Bracket or Sensitivity, optional
        Of the function: its upper end and witness are drawn.
    at : mapping, optional
        Where the other inputs are: by default at the witness, or amid their bounds.
    units : mapping from str to str, optional
        By symbol name; ``"result"`` is that of the function.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import report
    >>> a = dt.symbol("a")
    >>> ax = report.surface(a**2, dt.Box({a: (-1, 2)}), a)
    >>> ax.get_xlabel()
    'a'
    """
    moved = along if isinstance(along, list) else [along]
    if len(moved) not in (1, 2):
        raise InvalidInputError(f"surface: give one input or two, got {len(moved)}")
    places = [_place(p) for p in moved]
    point = _point(as_variable(v), domain, bracket, at)
    count = LINE if len(places) == 1 else GRID
    lines = [_span(domain, *p, count) for p in places]
    values = _values(v, point, places, lines)
    told = units or {}
    names = [_label(s, index) + unit_text(told.get(s.name)) for s, index in places]
    what = "value" + unit_text(told.get("result"))
    mark = [float(np.asarray(point[s.name])[index]) for s, index in places]
    if len(places) == 1:
        ax = axes(ax, "Along one input", names[0], what)
        ax.plot(lines[0], values, color=REST)
        if bracket is not None:
            label = f"certified: at most {bracket.upper:.6g}"
            ax.axhline(bracket.upper, color=CERTIFIED, ls="--", label=label)
            label = f"reached: {bracket.lower:.6g}"
            ax.plot(mark[0], bracket.lower, "o", color=FOUND, label=label)
            ax.legend(frameon=False)
        return ax
    ax = axes(ax, "Over two inputs", *names)
    drawn = ax.pcolormesh(*lines, values.T, cmap="cividis", shading="nearest")
    ax.figure.colorbar(drawn, ax=ax, label=what)
    if bracket is not None:
        look = {"mec": "white", "ms": 11, "clip_on": False, "zorder": 5}
        label = f"reached: {bracket.lower:.6g}; certified: at most {bracket.upper:.6g}"
        ax.plot(*mark, "X", color=FOUND, **look)
        ax.set_title(label, fontsize="medium")
    return ax


Place = tuple[Variable, tuple[int, ...]]


def _place(p: Any) -> Place:
    """Return a symbol and the index of one of its elements."""
    s, index = p if isinstance(p, tuple) else (p, ())
    index = index if isinstance(index, tuple) else (index,)
    if not isinstance(s, Variable) or not s.is_symbol or len(index) != s.ndim:
        raise InvalidInputError(
            "surface: `along` must be scalar symbols, or pairs (symbol, index) of one "
            f"element; got {p!r:.80}"
        )
    return s, index


def _label(s: Variable, index: tuple[int, ...]) -> str:
    return f"{s.name}[{', '.join(map(str, index))}]" if index else s.name


def _point(v: Variable, domain: Domain, bracket: Any, at: Any) -> dict[str, Any]:
    witness = {} if bracket is None else bracket.witness
    given = {getattr(k, "name", k): x for k, x in (at or {}).items()}
    symbols = free_symbols([v])
    middle = {s.name: domain.hull(s).midpoint for s in symbols if s.name not in witness}
    return {**middle, **witness, **given}


def _span(domain: Domain, s: Variable, index: tuple[int, ...], count: int) -> Any:
    hull = domain.hull(s)
    low, high = (float(np.asarray(e)[index]) for e in (hull.lower, hull.upper))
    if not np.isfinite([low, high]).all():
        raise InvalidInputError(f"surface: {s.name!r} has no finite bounds to draw to")
    return np.linspace(low, high, count)


def _values(v: Variable, point: Any, places: list[Place], lines: list[Any]) -> Any:
    grid = np.meshgrid(*lines, indexing="ij")
    rows: dict[str, Any] = {
        s.name: np.broadcast_to(
            np.asarray(point[s.name], dtype=float), (grid[0].size, *s.shape)
        ).copy()
        for s in free_symbols([v])
    }
    for (s, index), along in zip(places, grid, strict=True):
        if s.name in rows:
            rows[s.name][(slice(None), *index)] = along.ravel()
    with np.errstate(all="ignore"):
        found = v.evaluate(rows)
    return np.broadcast_to(found, grid[0].size).reshape(grid[0].shape)


def bounds_over_time(
    bracket: Bracket, *, unit: str | None = None, ax: Any = None
) -> Any:
    """Draw how both certified sides of a supremum or infimum closed in.

    Parameters
    ----------
    bracket : Bracket
        What `deuterium.maximize` or `minimize` returned.
    unit : str, optional
        Of the function.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import report
    >>> x = dt.symbol("x")
    >>> ax = report.bounds_over_time(dt.maximize(x - x**2, dt.Box({x: (0, 1)})))
    >>> ax.get_xlabel()
    'time [s]'
    """
    ax = axes(ax, "Certified bounds over time", "time [s]", "value" + unit_text(unit))
    sides = np.array(
        [*bracket.history, (bracket.seconds, bracket.lower, bracket.upper)]
    )
    seconds, low, high = (np.where(np.isfinite(x), x, np.nan) for x in sides.T)
    look = {"where": "post", "lw": 2}
    ax.step(seconds, high, color=CERTIFIED, label="upper bound", **look)
    ax.step(seconds, low, color=FOUND, ls="--", label="lower bound", **look)
    ax.fill_between(seconds, low, high, step="post", color=CERTIFIED, alpha=0.12)
    ax.legend(frameon=False)
    return ax


def norms_against_bound(
    norms: Any, bound: Sensitivity | Bracket | float, *, unit: str | None = None,
    ax: Any = None,
) -> Any:  # fmt: skip
    """Draw the norms observed on data beside the certified bound.

    Parameters
    ----------
    norms : array_like
        One for each record.
    bound : Sensitivity, Bracket or float
        What no record exceeds.
    unit : str, optional
        Of the norm.
    ax : Axes, optional
        Where to draw.

    Notes
    -----
    The picture depends on the data: keep it to yourself.

    Examples
    --------
    >>> from deuterium import report
    >>> report.norms_against_bound([0.5, 0.9], 1.0).get_xlabel()
    'norm'
    """
    upper = float(bound if isinstance(bound, int | float) else bound.upper)
    seen = np.ravel(np.asarray(norms, dtype=float))
    title = "Observed norms (not to be released)"
    ax = axes(ax, title, "norm" + unit_text(unit), "records")
    ax.hist(
        seen,
        bins=40,
        color=REST,
        label=f"{seen.size} observed: at most {seen.max():.6g}",
    )
    label = f"certified for all records: {upper:.6g}"
    ax.axvline(upper, color=CERTIFIED, lw=2, ls="--", label=label)
    ax.margins(y=0.25)  # room for the legend
    ax.legend(frameon=False)
    return ax


# -- features --------------------------------------------------------------------------


def feature_bars(
    values: FeatureSensitivities | Mapping[str, float], *, label: str | None = None,
    ax: Any = None,
) -> Any:  # fmt: skip
    """Draw one bar a feature, the largest on top.

    Parameters
    ----------
    values : FeatureSensitivities or mapping from str to float
        How far each feature alone can move the result; or any number for each, such as
        its share.
    label : str, optional
        What the numbers are, with their unit.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import report
    >>> report.feature_bars({"age": 0.2, "job": 0.8}, label="share").get_xlabel()
    'share'
    """
    certified = isinstance(values, FeatureSensitivities)
    if isinstance(values, FeatureSensitivities):
        pairs = dict(zip(values.names, values.upper.tolist(), strict=True))
    else:
        pairs = {str(k): float(x) for k, x in values.items()}
    ordered = sorted(pairs, key=lambda n: pairs[n])
    told = label or ("certified: at most [norm]" if certified else "value")
    ax = axes(ax, "Each feature alone", told, "")
    bars = ax.barh(ordered, [pairs[n] for n in ordered], color=CERTIFIED)
    ax.bar_label(bars, fmt="%.3g", padding=3, fontsize="small")
    ax.margins(x=0.12)
    return ax


def feature_image(
    values: Any, shape: Sequence[int] | None = None, *, label: str = "value",
    ax: Any = None,
) -> Any:  # fmt: skip
    """Draw one number a pixel as a heat map.

    Parameters
    ----------
    values : array_like or FeatureSensitivities
        Of the image's shape, or with as many numbers.
    shape : sequence of int, optional
        The image's: height and width.
    label : str
        What the numbers are, with their unit.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import report
    >>> report.feature_image(range(6), (2, 3)).get_ylabel()
    'row'
    """
    numbers = getattr(values, "upper", values)
    image = np.asarray(numbers, dtype=float)
    image = image.reshape(tuple(shape)) if shape is not None else np.squeeze(image)
    if image.ndim != 2:
        raise InvalidInputError(
            f"feature_image: an image has height and width, got shape {image.shape}; "
            "give `shape`"
        )
    ax = axes(ax, "Each pixel", "column", "row")
    drawn = ax.imshow(image, cmap="cividis")
    ax.figure.colorbar(drawn, ax=ax, label=label)
    return ax
