"""What is held against the exact values, one check for each thing that is certified."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

import deuterium as dt
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.testing.definitions import UNKNOWN
from deuterium.testing.removable import limit

from . import values
from .case import Case, at_point, exact_values
from .regions import ORDERS, as_fraction, in_ball

Found = Iterator["Failure"]
LIMITS = 4  # singularities of one case of which it is asked whether they are removable
AROUND, STEP = 16, 2.0**-30  # points around a pole, and how far away
FAR = 10**100  # beyond it, no limits are asked for
COUNTS: Counter[str] = Counter()  # what was done, for the closing report


@dataclass
class Failure:
    """Something certified that is not so."""

    kind: str
    text: str


def enclosure(case: Case) -> Found:
    """Every value lies inside; where one is undefined, the upper end is infinite."""
    found = dt.enclose(case.v, case.domain)
    low, high = np.asarray(found.lower), np.asarray(found.upper)
    shape = (*case.batch, *case.v.shape) if _has_batch(case) else case.v.shape
    if not (low.shape == high.shape == shape and low.dtype == high.dtype == np.float64):
        yield Failure("form", f"ends {low.dtype}{low.shape}, {high.dtype}{high.shape}")
        return
    if not np.all(low <= high):
        yield Failure("form", f"ends reversed or NaN: {low.tolist()} {high.tolist()}")
        return
    low = np.broadcast_to(low, (*case.batch, *case.v.shape))
    high = np.broadcast_to(high, low.shape)
    boxes = list(np.ndindex(case.batch))
    COUNTS["enclosures"] += 1
    COUNTS["finite enclosures"] += bool(
        np.isfinite(low).all() & np.isfinite(high).all()
    )
    for points, b in zip(case.points(), boxes, strict=True):
        yield from between(case.v, points, low[b], high[b], "enclose")


def _has_batch(case: Case) -> bool:
    return any(r.kind == "box" for r in case.regions.values())


def between(
    v: Any, points: Any, low: Any, high: Any, kind: str, *, poles: str = ""
) -> Found:
    """Hold values at points against two ends, element by element.

    With ``poles``, ends are of the points that have a value: at a pole, such as that of
    ``log(x)`` at 0, they are held against values ``"around"`` it, or, where there are
    none, such as for ``log(relu(x))`` below 0, or at a ``"single"`` point of the
    domain, against what IEEE arithmetic makes of it.
    """
    ends = {at: (end(low[at]), end(high[at])) for at in np.ndindex(v.shape)}

    def doubt(at: Any, x: Any) -> bool:
        a, b = ends[at]
        if x.is_nan():
            return False
        inside = (a is None or x >= a) and (b is None or x <= b)
        return not inside and not _outside(x, a, b)

    exact, limits = exact_values(v, points, doubt), LIMITS
    for i in range(len(exact)):
        for at, (a, b) in ends.items():
            x = exact[(i, *at)]
            COUNTS["values"] += 1
            if x.is_nan():
                COUNTS["values undefined"] += 1
                if b is None or not limits:
                    continue
                y, limits = filled(v, points, i, at), limits - 1
                if y.is_nan():  # a choice among limits has none, but numbers choose
                    held = _held_around if poles == "around" else _held_in_doubles
                    wrong = not held(v, points, i, at, (a, b))
                    if not poles and not np.isfinite(_number_at(v, points, i, at)):
                        wrong = True
                else:
                    wrong = _outside(y, a, b)
            elif not x.is_finite():
                COUNTS["values unknown"] += 1
                continue
            else:
                wrong = _outside(x, a, b)
            if wrong:
                yield Failure(
                    kind + (" undefined" if x.is_nan() else ""),
                    f"value {x.str(20)} at {at} outside [{low[at]}, {high[at]}], "
                    f"point {at_point(points, i)}",
                )
                return


def _held_around(v: Any, points: Any, i: int, at: Any, ends: Any) -> bool:
    """Return whether values around a point, or its own, lie between the ends."""
    rng, met = np.random.default_rng(0), False
    for _ in range(AROUND):
        near = {}
        for name, p in points.items():
            x = as_double(p[i : i + 1])
            if x is None:
                return True
            near[name] = x + STEP * rng.uniform(-1, 1, x.shape) * (1 + np.abs(x))
        value = exact_values(v, near)[(0, *at)]
        met = met or value.is_finite()
        if value.is_finite() and _outside(value, *ends):
            return False
    return met or _held_in_doubles(v, points, i, at, ends)


def _held_in_doubles(v: Any, points: Any, i: int, at: Any, ends: Any) -> bool:
    """Return whether IEEE arithmetic gives something between the ends, and not NaN."""
    got = _number_at(v, points, i, at)
    room = 1e-9 * max(1.0, abs(got)) if np.isfinite(got) else 0.0
    low, high = (end if end is None else float(end) for end in ends)
    return (low is None or got >= low - room) and (high is None or got <= high + room)


def _number_at(v: Any, points: Any, i: int, at: Any) -> float:
    """Return the value of an element by IEEE arithmetic."""
    point = {name: as_double(p[i : i + 1]) for name, p in points.items()}
    found = v.evaluate({n: x.reshape(x.shape[1:]) for n, x in point.items()})
    return float(np.broadcast_to(found, v.shape)[at])


def in_doubles(v: Any, points: Any, i: int, at: Any) -> Any:
    """Return the value at the doubles nearest to a point, where limits are asked for.

    None where one is too large.
    """
    point = {name: as_double(p[i : i + 1]) for name, p in points.items()}
    if any(x is None for x in point.values()):
        return None
    return exact_values(v, point)[(0, *at)]


def filled(v: Any, points: Any, i: int, at: Any) -> Any:
    """Return the limit at a point where a removable singularity has it; else NaN.

    Taken at the doubles that are nearest to the point.
    """
    point = {name: as_double(p[i : i + 1]) for name, p in points.items()}
    if any(x is None for x in point.values()):
        return UNKNOWN
    plain = {name: x.reshape(x.shape[1:]) for name, x in point.items()}
    found = limit(v, None, plain, at, values.MORE_BITS)
    if found.is_nan():  # of numbers next to it more is known than of any
        here = dt.Box({name: (x, x) for name, x in plain.items()})
        found = limit(v, here, plain, at, values.MORE_BITS)
    return found


def as_double(x: Any) -> Any:
    """Return the nearest doubles; None where one is too large for steps to show."""
    numbers = [as_fraction(e) for e in x.ravel()]
    if any(abs(e) > FAR for e in numbers):
        return None
    return np.array([float(e) for e in numbers]).reshape(x.shape)


def end(x: Any) -> Any:
    """Return an end as a ball; None for none."""
    return arb(float(x)) if np.isfinite(x) else None


def _outside(x: Any, low: Any, high: Any) -> bool:
    return bool((low is not None and x < low) or (high is not None and x > high))


# -- other forms of the graph --------------------------------------------------------


def simpler(case: Case) -> Found:
    """Other forms have the same values, wherever there are any."""
    forms: dict[str, Callable[[], Any]] = {
        "simplify": lambda: dt.simplify(case.v),
        "vectorize": lambda: dt.vectorize(case.v),
        "loads": lambda: dt.loads(dt.dumps([case.v]))[0],
    }
    if not case.batch:
        forms["simplify over the domain"] = lambda: dt.simplify(case.v, case.domain)
    (points, *_) = case.points()
    exact = None
    for kind, make in forms.items():
        w = make()
        if w is case.v:
            continue
        if exact is None:
            exact = exact_values(case.v, points)
        yield from _same(case.v, w, points, exact, kind)


def _same(v: Any, w: Any, points: Any, exact: Any, kind: str) -> Found:
    if w.shape != v.shape:
        yield Failure(kind, f"shape {w.shape} for {v.shape}")
        return
    other = exact_values(w, points)
    COUNTS["forms compared"] += 1
    limits = LIMITS
    for i in range(len(exact)):
        for at in np.ndindex(v.shape):
            a, b = exact[(i, *at)], other[(i, *at)]
            known = a.is_finite() or a.is_nan()
            if not known or not (b.is_finite() or b.is_nan()):
                continue
            if a.is_nan() and not b.is_nan():
                if not limits:
                    continue  # each takes the whole graph at many points around
                limits -= 1
                y, b = filled(v, points, i, at), in_doubles(w, points, i, at)
                if not y.is_nan() and (b is None or y.overlaps(b)):
                    continue
                yield Failure(kind + " hides undefined", at_point(points, i))
                return
            if not a.is_nan() and (b.is_nan() or not a.overlaps(b)):
                text = f"{a.str(20)} became {b.str(20)} at {at_point(points, i)}"
                yield Failure(kind, text)
                return


def evaluated(case: Case) -> Found:
    """Numbers computed agree with the values up to what doubles may lose."""
    (points, *_) = case.points()
    rows = _in_doubles(points)
    if not rows and case.regions:
        return
    some = {n: p[rows] for n, p in points.items()}
    given = {n: p.astype(float) for n, p in some.items()}
    count = len(rows) if case.regions else 1
    exact = exact_values(case.v, some)
    fine, loose = _loose(case.v, some)
    fn = dt.compile(dt.graph.free_symbols([case.v]), [case.v])
    args = [given[s.name] for s in fn.inputs]
    results = {
        "evaluate": np.broadcast_to(case.v.evaluate(given), (count, *case.v.shape)),
        "compile": np.broadcast_to(fn(*args)[0], (count, *case.v.shape)),
    }
    order = dt.graph.topological([case.v])
    if any(n.op is not None and n.op.spelled_out for n in order):
        del results["compile"]  # slopes are spelled out there, and may cancel
    COUNTS["evaluations"] += count
    for kind, got in results.items():
        for i in range(count):
            for at in np.ndindex(case.v.shape) if fine[i] else ():
                x, ball, y = float(got[(i, *at)]), loose[(i, *at)], exact[(i, *at)]
                if not y.is_finite() or not ball.is_finite():
                    continue
                room = arb(ball.rad()) * 2 + abs(ball.mid()) * arb((1, -30)) + 1e-280
                if not (np.isfinite(x) and abs(arb(x) - y) <= room):
                    yield Failure(
                        kind,
                        f"{x!r} for {y.str(20)} at {at_point(some, i)}",
                    )
                    return


def _in_doubles(points: Any) -> list[int]:
    count = max((len(p) for p in points.values()), default=0)
    return [
        i
        for i in range(count)
        if all(
            isinstance(x, (float, int)) and np.isfinite(x)
            for p in points.values()
            for x in p[i : i + 1].ravel()
        )
    ]


def _loose(v: Any, points: Any) -> tuple[Any, Any]:
    """Return where nothing over- or underflows, and values with wide rounding errors.

    Balls of 36 bits lose 2**17 times what doubles lose in the same operations.
    """
    from .values import evaluate

    count = max((len(p) for p in points.values()), default=1)
    order = dt.graph.topological([v])
    fine = np.ones(count, dtype=bool)
    for node in order:
        exact = evaluate(dt.graph.topological([node]), points, 64)
        spread = np.broadcast_to(exact, (count, *node.shape))
        for at in np.ndindex(spread.shape):
            x = spread[at]
            usual = x.is_zero() or 1e-150 < abs(x) < 1e150
            fine[at[0]] &= bool(x.is_finite() and usual)
    loose = np.broadcast_to(evaluate(order, points, 36), (count, *v.shape))
    return fine, loose


# -- bounds of numbers ---------------------------------------------------------------


def subdivided(case: Case) -> Found:
    """The range of a number, cut into parts, holds the values."""
    found = enclose_subdivided(case.v, case.domain, boxes=24)
    (points,) = case.points()
    COUNTS["subdivided"] += 1
    yield from between(case.v, points, found.lower, found.upper, "subdivide")


def bracketed(case: Case) -> Found:
    """A supremum lies between its ends, the witness reaches one, the proof holds."""
    rng = np.random.default_rng([case.seed, 3])
    up = bool(rng.integers(2))
    run = dt.maximize if up else dt.minimize
    found = run(
        case.v, case.domain, max_regions=int(rng.choice((1, 6, 20))), time_limit=2
    )
    COUNTS["brackets"] += 1
    COUNTS[f"status {found.status}"] += 1
    if not found.lower <= found.upper:
        yield Failure("bracket", f"reversed: {found}")
        return
    (points,) = case.points()
    low, high = (-np.inf, found.upper) if up else (found.lower, np.inf)
    ends = np.float64(low), np.float64(high)
    # around single points there is none of the domain
    single = any(r.kind in ("onehot", "choice") for r in case.regions.values())
    yield from between(
        case.v, points, *ends, "bracket", poles="single" if single else "around"
    )
    yield from _witnessed(case, found, up)
    yield from _proved(case, found)
    yield from _no_looser(case, found, up)


def _no_looser(case: Case, found: Any, up: bool) -> Found:
    iv = dt.enclose(case.v, case.domain)
    if iv.cause is not None and iv.cause.kind == "undefined":
        return  # nothing is claimed where there may be no value
    plain, got = (iv.upper, found.upper) if up else (-iv.lower, -found.lower)
    if got > plain and not np.isclose(got, plain, rtol=1e-9):
        yield Failure("looser than enclose", f"{got!r} where enclose says {plain!r}")


def _witnessed(case: Case, found: Any, up: bool) -> Found:
    reached = found.lower if up else found.upper
    if not found.witness or not np.isfinite(reached):
        return
    points = {n: np.asarray(x, dtype=object)[None] for n, x in found.witness.items()}
    points = {n: p for n, p in points.items() if n in case.regions}
    if points.keys() < case.regions.keys():  # of what only conditions are about
        return
    for name, p in points.items():
        if not case.domain.contains(
            dt.symbol(name, p.shape[1:]), np.asarray(p[0], dtype=float)
        ):
            COUNTS["witnesses not surely inside"] += 1
        if not holds(case.regions[name], p[0]):
            yield Failure("witness", f"{name} outside its domain: {p.tolist()}")
    for c in case.conditions:
        if any(x <= 0 for x in exact_values(c, points).ravel()):  # certainly
            yield Failure("witness", f"{c} does not hold: {found.witness}"[:400])
    low, high = (reached, np.inf) if up else (-np.inf, reached)
    yield from between(case.v, points, np.float64(low), np.float64(high), "witness")


def holds(region: Any, value: Any) -> bool:
    """Return whether numbers lie in a region, exactly."""
    value = np.asarray(value, dtype=object)
    flat = [as_fraction(x) for x in value.ravel().tolist()]
    if region.kind == "box":
        low = np.broadcast_to(region.lower, region.shape).ravel().tolist()
        high = np.broadcast_to(region.upper, region.shape).ravel().tolist()
        return all(a <= x <= b for a, x, b in zip(low, flat, high, strict=True))
    if region.kind == "choice":
        rows = [np.broadcast_to(r, region.shape) for r in region.values]
        return any(np.array_equal(r, value.astype(float)) for r in rows)
    if region.kind == "onehot":
        return bool(np.all(np.sort(value.astype(float), axis=-1)[..., :-1] == 0)
                    and np.all(value.astype(float).max(axis=-1) == 1))  # fmt: skip
    if region.kind == "simplex":
        return min(flat) >= 0 and abs(sum(flat) - 1) <= Fraction(1e-12)
    center = np.broadcast_to(region.lower, region.shape).ravel().tolist()
    away = [x - as_fraction(c) for x, c in zip(flat, center, strict=True)]
    return in_ball(away, as_fraction(float(region.upper)), ORDERS[region.kind])


def _proved(case: Case, found: Any) -> Found:
    """A proof that is right is not refused."""
    proof = found.certificate
    if proof is None:
        return
    try:
        proof.verify(case.v, case.domain)
        COUNTS["proofs verified"] += 1
    except dt.DeuteriumError as error:
        (points,) = case.points()
        exact = exact_values(case.v, points)
        if "random points" in str(error) and not any(x.is_finite() for x in exact.flat):
            return  # the graph as it is written has no value, or none that balls know
        yield Failure("proof refused", str(error)[:200])


def derivative(case: Case) -> Found:
    """A gradient is the limit of differences, where there is one."""
    from .slopes import disagreement

    COUNTS["slopes compared"] += 1
    text = disagreement(case)
    if text:
        yield Failure("derivative", text)


ANY = {"enclose": enclosure, "forms": simpler, "numbers": evaluated}
NUMBERS = {"subdivide": subdivided, "bracket": bracketed, "slopes": derivative}


def run(check: Callable[[Case], Found], case: Case) -> list[Failure]:
    """Return what fails; another exception than the package's own fails, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return list(check(case))
        except dt.DeuteriumError as error:
            COUNTS[f"refused: {type(error).__name__}"] += 1
            if isinstance(error, dt.errors.SoundnessError):
                return [Failure("soundness", str(error)[:300])]
            return []
        except Exception as error:
            return [Failure(*where(error))]


def where(error: Exception) -> tuple[str, str]:
    """Return the kind and the text of a foreign exception, by where it came from."""
    trace, at = error.__traceback__, "?"
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/src/deuterium/" in code.co_filename:
            at = f"{code.co_filename.split('/src/deuterium/')[-1]}:{trace.tb_lineno}"
        elif at.startswith(("?", "adversary:")):
            at = f"adversary:{code.co_filename.split('/')[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"exception {type(error).__name__} at {at}", str(error)[:200]
