"""The bounder of low-dimensional problems: values, slopes and curvatures over boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deuterium.bound.bounders.box import definite, taylor
from deuterium.bound.bounders.box.cuts import Cutter
from deuterium.bound.bounders.box.forms import Forms
from deuterium.bound.problem import Problem
from deuterium.bound.region import Proof, Regions, Step, Verdicts, whole

Array = Any
Around = dict[str, Any]  # {"around": points} around which slopes were refined

INTERVAL: Proof = ("interval", {})
ROUNDS = 4  # of shrinking a region to a face and looking again
ASCENT = 5  # Newton steps towards the maximum of a concave region
CANDIDATES = 8  # points of a batch worth evaluating
TRIED = 64  # regions of one size whose curvatures are looked at in any case
WORTH = 0.04  # of them, so many must be settled that it goes on


class BoxBounder:
    """Bounds an objective over boxes of its inputs.

    Parameters
    ----------
    problem : Problem
        What is maximised.
    """

    atoms = 0
    places = ()
    batch = 256

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.forms = Forms(problem)
        self.cutter = Cutter(problem)
        self._tries: dict[int, list[int]] = {}

    def root(self) -> Regions:
        """Return the box around the domain."""
        return whole(self.problem.lower, self.problem.upper)

    def bound(self, regions: Regions, incumbent: float) -> Verdicts:
        """Return certified bounds by the cheapest method that does, and where to cut."""
        with np.errstate(all="ignore"):
            return _Work(self, regions, incumbent).run()

    def worthwhile(self, level: Array) -> Array:
        """Return which regions are small enough for curvatures to settle them."""
        levels, place = np.unique(level, return_inverse=True)
        worth = []
        for key in levels.tolist():
            tries, wins = self._tries.get(key, (0, 0))
            worth.append(tries < TRIED or wins > WORTH * tries)
        return np.array(worth, dtype=bool)[place]

    def remember(self, level: Array, settled: Array) -> None:
        """Take in at which sizes curvatures settled regions."""
        for key in np.unique(level).tolist():
            here = level == key
            record = self._tries.setdefault(key, [0, 0])
            record[0] += int(here.sum())
            record[1] += int(settled[here].sum())


class _Work:
    """One batch on its way."""

    def __init__(self, bounder: BoxBounder, regions: Regions, incumbent: float) -> None:
        self.bounder, self.incumbent = bounder, incumbent
        self.forms, self.problem = bounder.forms, bounder.problem
        self.low, self.high = regions.low.copy(), regions.high.copy()
        self.open, self.state = regions.open, regions.state
        count = len(regions)
        self.upper = np.full(count, np.inf)
        self.proofs: list[Proof] = [INTERVAL] * count
        self.steps: list[list[Step]] = [[] for _ in range(count)]
        self.ends: list[Proof | None] = [None] * count
        self.cut = np.full(count, -1)
        self.slopes = np.full((2, *self.low.shape), np.nan)
        self.points: list[Array] = []
        self.movable = self.problem.movable

    def run(self) -> Verdicts:
        """Return the verdicts."""
        rows = np.arange(len(self.upper))
        rows = self._open(rows, self._interval(rows))
        rows = self._by_slopes(rows)
        rows = self._mean_value(rows)
        rows = self._by_curvatures(rows)
        cut, at = self.bounder.cutter.cuts(self.low, self.high, self.slopes)
        convex = self.cut >= 0
        n = self.low.shape[1]
        return Verdicts(
            upper=self.upper,
            proofs=self.proofs,
            low=self.low,
            high=self.high,
            open=self.open,
            cut=np.where(convex, self.cut, cut),
            at=at,
            points=np.concatenate([np.empty((0, n)), *self.points]),
            state=self.state,
            steps=self.steps,
            ends=self.ends,
        )

    # -- bookkeeping -------------------------------------------------------------------

    def _open(self, rows: Array, defined: Array) -> Array:
        """Return the rows that are defined and not below the incumbent yet."""
        return rows[defined & (self.upper[rows] > self.incumbent)]

    def _lower(self, rows: Array, bound: Array, proof: Any) -> Array:
        """Enter bounds where they are better; return where."""
        better = bound < self.upper[rows]
        for k in np.flatnonzero(better).tolist():
            self.upper[rows[k]] = bound[k]
            self.proofs[rows[k]] = proof(k)
        return better

    def _exclude(self, rows: Array, proof: Any) -> None:
        self._lower(rows, np.full(len(rows), -np.inf), proof)

    # -- values ------------------------------------------------------------------------

    def _interval(self, rows: Array) -> Array:
        """Enclose the objective; return where it is defined."""
        f, _ = self.forms.values(self.low[rows], self.high[rows])
        known = ~np.isnan(f[1])
        self._lower(rows, np.where(known, f[1], np.inf), lambda k: INTERVAL)
        return known

    # -- slopes ------------------------------------------------------------------------

    def _by_slopes(self, rows: Array) -> Array:
        """Leave out what holds no maximiser; shrink the rest to faces."""
        todo = rows
        for _ in range(ROUNDS):
            if not len(todo):
                break
            _, g = self.forms.slopes(self.low[todo], self.high[todo])
            self.slopes[:, todo] = g
            todo = todo[~self._stationary(todo, g)]
            todo = self._faces(todo)
            defined = self._interval(todo)
            todo = self._open(todo, defined)
        return rows[self.upper[rows] > self.incumbent]

    def _stationary(self, rows: Array, g: Array, around: Around | None = None) -> Array:
        """Leave out regions from which one can always rise without leaving the domain."""
        low, high = self.low[rows], self.high[rows]
        bounded = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
        rises = (g[0] > 0) & (high < self.problem.upper)
        falls = (g[1] < 0) & (low > self.problem.lower)
        out = (rises | falls) & self.movable & bounded[:, None]
        gone = out.any(axis=1)
        at = np.argmax(out, axis=1)
        where = np.flatnonzero(gone)
        self._exclude(
            rows[gone],
            lambda k: (
                "stationary",
                {"at": int(at[where[k]]), **_at(around, where[k])},
            ),
        )
        return gone

    def _faces(self, rows: Array, around: Around | None = None) -> Array:
        """Fix monotone inputs to their face; return the rows that changed."""
        g = self.slopes[:, rows]
        low, high = self.low[rows], self.high[rows]
        free = self.movable & (low < high)
        falls = free & (g[1] <= 0) & np.isfinite(low)
        rises = free & (g[0] >= 0) & np.isfinite(high) & ~falls
        changed = (rises | falls).any(axis=1)
        for k in np.flatnonzero(changed).tolist():
            at = np.flatnonzero(rises[k] | falls[k])
            side = rises[k][at].astype(int)
            data = {"at": at.tolist(), "side": side.tolist(), "by": "monotone"}
            data |= _at(around, k)
            self.steps[rows[k]].append(("face", data))
        self.low[rows] = np.where(rises, high, low)
        self.high[rows] = np.where(falls, low, high)
        return rows[changed]

    def _mean_value(self, rows: Array, around: Around | None = None) -> Array:
        """Bound by the mean value form around the best centre."""
        if not len(rows):
            return rows
        g, low, high = self.slopes[:, rows], self.low[rows], self.high[rows]
        center = taylor.best_center(low, high, g)
        _, s = self.forms.values(center, center)
        bound = self.forms.outer(taylor.linear(s[1], g, low, high, center))
        self._lower(
            rows,
            bound,
            lambda k: ("mean", {"center": center[k].tolist(), **_at(around, k)}),
        )
        self._candidates(center, s[0])
        return rows[self.upper[rows] > self.incumbent]

    def _candidates(self, points: Array, values: Array) -> None:
        values = np.where(np.isfinite(values), values, -np.inf)
        best = np.argsort(-values, kind="stable")[:CANDIDATES]
        self.points.append(points[best])

    # -- curvatures --------------------------------------------------------------------

    def _by_curvatures(self, rows: Array) -> Array:
        if not len(rows) or not self.forms.has_curvatures:
            return rows
        level = self.bounder.cutter.level(self.low[rows], self.high[rows])
        worth = self.bounder.worthwhile(level)
        rows, level = rows[worth], level[worth]
        if not len(rows):
            return rows
        before = rows
        h = self.forms.curvatures(self.low[rows], self.high[rows])
        self._convex(rows, h)
        rows, h = self._still(rows, h)
        self._refined(rows, h)
        self._with_definite(*self._still(rows, h))
        settled = (self.upper[before] <= self.incumbent) | (self.cut[before] >= 0)
        self.bounder.remember(level, settled)
        return before[~settled]

    def _convex(self, rows: Array, h: Array) -> None:
        """Look for inputs in which the core is convex: only their ends matter."""
        n = self.low.shape[1]
        low, high = self.low[rows], self.high[rows]
        curve = h[0][:, range(n), range(n)]
        free = self.movable & (low < high) & np.isfinite(low) & np.isfinite(high)
        inside = free & self._known(rows) & (low > self.problem.lower) & (high < self.problem.upper)
        gone = (inside & (curve > 0)).any(axis=1)
        at = np.argmax(inside & (curve > 0), axis=1)
        unit = np.eye(n)[at[gone]]
        self._exclude(rows[gone], lambda k: ("curved", {"along": unit[k].tolist()}))
        ends = free & ~inside & (curve >= 0) & ~gone[:, None]
        for k in np.flatnonzero(ends.any(axis=1)).tolist():
            j = int(np.argmax(ends[k] * (high[k] - low[k])))
            self.cut[rows[k]] = j
            self.ends[rows[k]] = ("convex", {})

    def _still(self, rows: Array, h: Array) -> tuple[Array, Array]:
        """Return the regions that are not settled yet."""
        left = (self.upper[rows] > self.incumbent) & (self.cut[rows] < 0)
        return rows[left], h[:, left]

    def _refined(self, rows: Array, h: Array) -> None:
        """Look again with the slopes that curvatures around a point imply."""
        if not len(rows):
            return
        low, high = self.low[rows], self.high[rows]
        c = low + 0.5 * (high - low)
        s, g = self.forms.slopes(c, c)
        better = taylor.refined(self.slopes[:, rows], g, h, low, high, c)
        self.slopes[:, rows] = better
        around = {"around": c}
        gone = self._stationary(rows, better, around)
        gone |= self._turning(rows, g, h, c)
        if gone.all():
            return
        rows, around = rows[~gone], {"around": c[~gone]}
        changed = self._faces(rows, around)
        self._interval(changed)
        self._mean_value(rows, around)

    def _turning(self, rows: Array, g: Array, h: Array, c: Array) -> Array:
        """Leave out regions in which some direction only rises: no slope turns there.

        The directions are those in which Newton's method would leave the region.
        """
        low, high = self.low[rows], self.high[rows]
        known = np.isfinite(h).all(axis=(0, 2, 3)) & np.isfinite(g).all(axis=(0, 2))
        known &= self._known(rows)[:, 0] & (self.upper[rows] > -np.inf)
        inside = self.movable & (low < high) & (low > self.problem.lower)
        inside &= (high < self.problem.upper) & known[:, None]
        width = np.where(inside, high - low, 1.0)
        scale = width[:, :, None] * width[:, None, :]
        centre = np.where(known[:, None, None], 0.5 * (h[0] + h[1]) * scale, 0.0)
        centre, _ = _masked(centre, np.zeros_like(centre), inside)
        slope = np.where(inside, np.nan_to_num(0.5 * (g[0] + g[1])) * width, 0.0)
        try:
            inverse = np.linalg.inv(centre)
        except np.linalg.LinAlgError:
            return np.zeros(len(rows), dtype=bool)
        step = np.einsum("bij,bj->bi", inverse, slope)
        k = np.argmax(np.abs(step), axis=1)
        b = np.arange(len(rows))
        p = np.where(inside, inverse[b, k] * width, 0.0)
        p *= np.sign(step[b, k])[:, None]
        least = taylor.least_along(p, g, h, low, high, c)
        gone = known & (least > 0)
        along, at = p[gone], c[gone]
        self._exclude(
            rows[gone],
            lambda k: (
                "stationary",
                {"along": along[k].tolist(), "around": at[k].tolist()},
            ),
        )
        return gone

    def _known(self, rows: Array) -> Array:
        """Return where a region is bounded and has slopes, as a column."""
        ends = np.concatenate([self.low[rows], self.high[rows]], axis=1)
        known = np.isfinite(ends).all(axis=1)
        known &= np.isfinite(self.slopes[:, rows]).all(axis=(0, 2))
        return known[:, None]

    def _with_definite(self, rows: Array, h: Array) -> None:
        """Leave out saddles; bound concave regions by a tangent plane."""
        known = np.isfinite(h).all(axis=(0, 2, 3)) & (self.upper[rows] > -np.inf)
        known &= self._known(rows)[:, 0]
        rows, h = rows[known], h[:, known]
        if not len(rows):
            return
        low, high = self.low[rows], self.high[rows]
        width = high - low
        centre, radius = definite.centred(h)
        scale = width[:, :, None] * width[:, None, :]
        centre, radius = centre * scale, radius * scale
        self._saddles(rows, centre, radius, width)
        left = self.upper[rows] > -np.inf
        rows, centre, radius = rows[left], centre[left], radius[left]
        if not len(rows):
            return
        centre, radius = _masked(centre, radius, width[left] > 0)
        sure, basis = definite.negative_basis(centre, radius)
        self._concave(rows[sure], centre[sure], basis[sure], width[left][sure])

    def _saddles(
        self, rows: Array, centre: Array, radius: Array, width: Array
    ) -> None:
        low, high = self.low[rows], self.high[rows]
        inside = self.movable & (low > self.problem.lower)
        inside &= (high < self.problem.upper) & (width > 0)
        c, r = _masked(centre, radius, inside)
        gone, v = definite.rising_direction(c, r)
        along = np.where(inside, v * width, 0.0)[gone]
        self._exclude(rows[gone], lambda k: ("curved", {"along": along[k].tolist()}))

    def _concave(
        self, rows: Array, centre: Array, basis: Array, width: Array
    ) -> None:
        """Climb to the maximum over each concave region and take the tangent there."""
        if not len(rows):
            return
        low, high = self.low[rows], self.high[rows]
        x = taylor.best_center(low, high, self.slopes[:, rows])
        for _ in range(ASCENT):
            s, g = self.forms.slopes(x, x)
            bound = self.forms.outer(taylor.linear(s[1], g, low, high, x))
            better = self._lower(rows, bound, _concave_proof(x, width, basis))
            self.points.append(x[better & (s[0] > self.incumbent)])
            x = _newton(x, g, centre, width, low, high)


def _at(around: Around | None, k: int) -> dict[str, Any]:
    return {} if around is None else {"around": around["around"][k].tolist()}


def _concave_proof(x: Array, width: Array, basis: Array) -> Callable[[int], Proof]:
    def proof(k: int) -> Proof:
        j = np.flatnonzero(width[k] > 0)
        scaled = width[k, j, None] * basis[k][np.ix_(j, j)]
        return "concave", {"center": x[k].tolist(), "basis": scaled.tolist()}

    return proof


def _masked(centre: Array, radius: Array, keep: Array) -> tuple[Array, Array]:
    """Return matrices with the rows and columns not kept made those of minus one."""
    both = keep[:, :, None] & keep[:, None, :]
    largest = np.abs(centre).max(axis=(1, 2))[:, None]
    n = centre.shape[1]
    centre, radius = np.where(both, centre, 0.0), np.where(both, radius, 0.0)
    diagonal = centre[:, range(n), range(n)]
    centre[:, range(n), range(n)] = np.where(keep, diagonal, -1.0 - largest)
    return centre, radius


def _newton(
    x: Array, g: Array, centre: Array, width: Array, low: Array, high: Array
) -> Array:
    """Return the next point of Newton's method, projected on the box."""
    slope = np.nan_to_num(0.5 * (g[0] + g[1])) * width  # in units of the box
    stuck = (width == 0) | ((x <= low) & (slope < 0)) | ((x >= high) & (slope > 0))
    matrix, _ = _masked(centre, np.zeros_like(centre), ~stuck)
    move = np.linalg.solve(matrix, np.where(stuck, 0.0, slope)[..., None])[..., 0]
    return np.clip(x - move * width, low, high)
