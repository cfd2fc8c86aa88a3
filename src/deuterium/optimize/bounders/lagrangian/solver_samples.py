"""Where functions are sampled for the solver."""

from __future__ import annotations

import numpy as np

from deuterium.array_type import Array
from deuterium.optimize.bounders.lagrangian import lagrangian_options as options
from deuterium.optimize.bounders.lagrangian.univariate_functions import CellTable


def spaced(
    low: Array, high: Array, table: CellTable, kinked: bool, size: int
) -> tuple[Array, Array]:
    """Return sample places, of shape (B, m, S), and which are right of a kink."""
    smooth = len(table.coarse) <= (2 if kinked else 1)
    if not kinked:
        count = (
            3
            if smooth
            else options.LONE_SAMPLES
            if size == 1
            else options.SHARED_SAMPLES
        )
        z = between(low, high, table, count)
        return z, np.zeros(z.shape, dtype=bool)
    half = options.KINK_SAMPLES if smooth else options.SHARED_SAMPLES // 2 + 2
    none_left, none_right = low >= 0, high <= 0
    left = between(low, np.where(none_left, high, np.minimum(high, 0.0)), table, half)
    begin = np.where(none_right, low, np.maximum(low, 0.0))
    z = np.concatenate([left, between(begin, high, table, half)], axis=-1)
    right = np.zeros(z.shape, dtype=bool)
    right[..., half:] = ~none_right[..., None]
    right[..., :half] = (none_left & ~none_right)[..., None]
    return z, right


def between(low: Array, high: Array, table: CellTable, count: int) -> Array:
    """Return places from end to end, closer where the functions bend more.

    Shapes: ``low`` and ``high`` (B, m); places (B, m, count).
    """
    edges = np.append(table.coarse.low, table.coarse.high[-1])
    steps = np.linspace(0.0, 1.0, count)
    if len(edges) <= 3:
        return low[..., None] + (high - low)[..., None] * steps
    ranks = np.linspace(0.0, 1.0, len(edges))
    span = edges[-1] - edges[0]
    ranks = 0.7 * ranks + 0.3 * (edges - edges[0]) / span
    a, b = np.interp(low, edges, ranks), np.interp(high, edges, ranks)
    z = np.interp(a[..., None] + (b - a)[..., None] * steps, ranks, edges)
    return np.clip(z, low[..., None], high[..., None])


def peaks(z: Array, right: Array, values: Array) -> tuple[Array, Array]:
    """Return places around the largest values: tips of parabolas, and beside them.

    Shapes: all (B, m, S).
    """
    order = np.argsort(z + 1e-300 * right, axis=-1, kind="stable")
    z, right, values = (np.take_along_axis(a, order, -1) for a in (z, right, values))
    last = z.shape[-1] - 1
    before = np.concatenate([values[..., :1], values[..., :-1]], axis=-1)
    after = np.concatenate([values[..., 1:], values[..., -1:]], axis=-1)
    hill = np.where((values >= before) & (values >= after), values, -np.inf)
    found, sides = [], []
    for _ in range(options.REFINED_PEAKS):
        top = np.argmax(hill, axis=-1)[..., None]
        np.put_along_axis(hill, top, -np.inf, -1)
        middle = np.clip(top, 1, last - 1)
        at = [np.take_along_axis(z, middle + i, -1) for i in (-1, 0, 1)]
        f = [np.take_along_axis(values, middle + i, -1) for i in (-1, 0, 1)]
        peak = np.take_along_axis(z, top, -1)
        tip = _tip(at, f, peak)
        side = np.take_along_axis(right, top, -1)
        step = 0.125 * (at[2] - at[0])
        for place in (tip, tip - step, tip + step):
            place = np.clip(place, at[0], at[2])
            bad = np.where(side, place < 0, place > 0) & right.any(-1, keepdims=True)
            found.append(np.where(bad, peak, place))
            sides.append(side)
    return np.concatenate(found, axis=-1), np.concatenate(sides, axis=-1)


def _tip(at: list[Array], f: list[Array], peak: Array) -> Array:
    """Return where the parabola through three points is largest, between them."""
    with np.errstate(all="ignore"):
        left = (f[1] - f[0]) / (at[1] - at[0])
        rise = (f[2] - f[1]) / (at[2] - at[1])
        bend = (rise - left) / (at[2] - at[0])
        tip = 0.5 * (at[0] + at[1]) - left / (2 * bend)
    tip = np.where((bend < 0) & np.isfinite(tip), tip, peak)
    return np.clip(tip, at[0], at[2])
