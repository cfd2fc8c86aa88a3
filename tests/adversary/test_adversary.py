"""The adversary, for a few seconds by default and for long where asked."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops
from deuterium.graph.operator import OPERATORS
from deuterium.testing.removable import limit
from tests.amounts import draws, is_many, seeds

from . import case, checks, command, foreign, regions, run, shrink, values
from .regions import Region

KNOWN = ("looser than enclose", "slow")  # no false number, but one that could be better


def _held(report):
    told = [f"{f['kind']}: {f['text']}\n{json.dumps(f)}" for f in report.failures]
    bad = {k: n for k, n in report.kinds.items() if k not in KNOWN}
    assert not bad, "\n".join(told)


@pytest.mark.drawn
def test_a_few_cases_in_every_way():
    _held(run.run(iter(range(draws(3, 5))), known=KNOWN, heavy=1.0))


@pytest.mark.drawn
def test_enclosures_of_many_cases():
    count = draws(18, 200)
    report = run.run(iter(range(500, 500 + count)), known=KNOWN, heavy=0.0)
    _held(report)
    assert checks.COUNTS["values"] > 30 * count


@pytest.mark.parametrize("block", seeds(0, 20))
def test_for_long(block):
    first = 10**6 + 100 * block
    _held(run.run(iter(range(first, first + 15)), known=KNOWN))


def with_rare_operators(numbers, times):
    """Yield the seeds of graphs with an operator that few graphs before them had."""
    met = Counter()
    for seed in numbers:
        try:
            graph = case.draw(seed).v
        except dt.DeuteriumError:
            continue
        names = {n.op.name for n in dt.graph.topological([graph]) if n.op}
        if any(met[name] < times for name in names):
            met.update(names)
            yield seed


@pytest.mark.long
def test_every_part_is_covered():
    rare = with_rare_operators(range(10**6, 10**6 + 6000), 4)
    report = run.run(rare, known=KNOWN, heavy=0.0)
    print(*report.lines(), *report.coverage(), sep="\n")
    assert not report.missing()


@pytest.mark.long  # of what draws, not of what it is for
def test_every_operator_meets_every_kind_of_domain():
    drawn = set()
    for seed in range(5000):
        rng = np.random.default_rng([seed, 1])
        v = case.graphs.draw(rng)
        labels = {regions.draw(rng, s.shape).label for s in dt.graph.free_symbols([v])}
        names = {n.op.name for n in dt.graph.topological([v]) if n.op}
        drawn |= set(itertools.product(names, labels))
    assert {name for name, _ in drawn} == set(OPERATORS)
    rare = {"onehot", "choice", "simplex", *regions.ORDERS}
    missing = set(itertools.product(OPERATORS, regions.LABELS)) - drawn
    many = len([m for m in missing if m[1] not in rare])
    assert many <= 0.06 * len(OPERATORS) * len(regions.LABELS), sorted(missing)


def test_every_operator_has_a_definition():
    assert {*values._plain, *values._ON_ARRAYS} == set(OPERATORS)


def test_definitions_agree_with_numpy():
    rng = np.random.default_rng(0)
    for name, op in OPERATORS.items():
        if not op.elementwise or name in ("integer_power", "pi", "jump_slope"):
            continue
        x = rng.uniform(0.05, 0.95, size=(op.arity, 9))
        x = x + 1 if name == "arccosh" else x
        args = [values.constants(row)[0] for row in x]
        attrs = ATTRIBUTES.get(name, {})
        found = values.rule(name)(*args, **attrs)
        want = op.value(*x, **attrs)
        assert np.allclose(found.astype(float), want, rtol=1e-13), name


ATTRIBUTES = {"narrowed": {"upward": True, "holds": True}}
POINTS = {"xs": np.array([0.1, 0.3, 0.8]), "ys": np.array([2.0, -1.0, 0.5])}
ATTRIBUTES |= {"polygamma": {"n": 2}, "bessel_i": {"n": 3}}
ATTRIBUTES |= {"power_log": {"n": 2}, "sinc": {"n": 3}}
ATTRIBUTES["on_domain"] = {"of": "log1p"}
ATTRIBUTES |= {key: {"m": 2, "n": 1} for key in ("exp_difference", "log_difference")}
ATTRIBUTES |= dict.fromkeys(("interp", "interp'", "interp''"), POINTS)


# -- an error that is planted is found -----------------------------------------------


@pytest.fixture
def narrowed(monkeypatch):
    """Make every enclosure too narrow by one part in 10**14 at its upper end.

    What fails is made smaller in so many tries, however long they take.
    """
    monkeypatch.setattr(shrink, "SECONDS", np.inf)
    true = dt.enclose

    def wrong(v, domain):
        found = true(v, domain)
        lower = found.upper - 1e-14 * np.abs(found.upper)
        upper = np.where(np.isfinite(found.upper), lower, found.upper)
        return dt.Interval.unchecked(np.minimum(found.lower, upper), upper)

    monkeypatch.setattr(dt, "enclose", wrong)


def test_a_false_end_is_found_and_made_small(narrowed, capsys):
    report = run.run(iter(range(25)), heavy=0.0)
    assert report.kinds["enclose"] > 1
    told = next(f for f in report.failures if f["kind"] == "enclose")
    again = run.repeat(json.dumps(told))
    assert again
    assert again[0].kind == "enclose"
    assert len(told["case"]["graph"]["nodes"]) <= 6
    assert "FAILED enclose" in capsys.readouterr().out


def test_a_hidden_pole_is_found(monkeypatch):
    x = dt.symbol("x")
    c = case.Case(np.log(x), {"x": Region("box", (), np.float64(0), np.float64(1))})
    hidden = dt.Interval.unchecked(np.float64(-np.inf), np.float64(0))
    monkeypatch.setattr(dt, "enclose", lambda v, d: hidden)
    (found,) = checks.run(checks.enclosure, c)
    assert found.kind == "enclose undefined"


def test_a_bracket_below_a_value_is_found(monkeypatch):
    x = dt.symbol("x")
    c = case.Case(np.sin(x), {"x": Region("box", (), np.float64(0), np.float64(1))})
    low = dt.Bracket(0.0, 0.5, {}, "optimal")
    monkeypatch.setattr(dt, "maximize", lambda *a, **k: low)
    monkeypatch.setattr(dt, "minimize", lambda *a, **k: dt.Bracket(0.5, 0.6, {}, ""))
    assert {f.kind for f in checks.run(checks.bracketed, c)} == {"bracket"}


def test_a_wrong_gradient_is_found(monkeypatch):
    x = dt.symbol("x")
    c = case.Case(np.sin(x), {"x": Region("box", (), np.float64(0), np.float64(1))})
    assert not checks.run(checks.derivative, c)
    monkeypatch.setattr(dt, "grad", lambda v, s: np.cos(s) * (1 + 1e-15))
    assert [f.kind for f in checks.run(checks.derivative, c)] == ["derivative"]


def test_a_slope_at_a_tie_is_that_of_an_element_which_ties(monkeypatch):
    x = dt.symbol("x", (3,))
    at = Region("box", (3,), np.full(3, -1.0), np.full(3, -1.0))
    cases = [case.Case(np.sort(x)[1], {"x": at}, seed) for seed in range(3)]
    assert not [f for c in cases for f in checks.run(checks.derivative, c)]
    monkeypatch.setattr(dt, "grad", lambda v, s: v + np.full(3, 2.25))  # 1.25
    assert all(checks.run(checks.derivative, c) for c in cases)


def test_a_form_that_differs_is_found(monkeypatch):
    x = dt.symbol("x")
    c = case.Case(x / x, {"x": Region("box", (), np.float64(0), np.float64(1))})
    monkeypatch.setattr(dt, "simplify", lambda v, *_: dt.constant(1.0))
    kinds = {f.kind for f in checks.run(checks.simpler, c)}
    assert "simplify hides undefined" in kinds
    monkeypatch.setattr(dt, "simplify", lambda v, *_: dt.constant(1 + 2.0**-50))
    assert any(f.kind == "simplify" for f in checks.run(checks.simpler, c))


ZERO, X = dt.constant(0.0), dt.symbol("x")
FLOOR, SAME = np.floor(X), np.where(X > 1, 3.0, X)
ONLY = -np.max(-X.reshape((1,)))  # X itself
JUMP = np.tanh(np.sign(np.abs(X)))  # 0 at 0 alone
NO_LIMIT = [
    (X - X) / (X - X), 1 / (X - X), ZERO / ZERO, np.log(ZERO), np.sqrt(ZERO) / ZERO,
    np.sin(ZERO) / np.square(ZERO), np.sin(X) / (X - X), FLOOR / (2 * FLOOR - FLOOR),
    1 / JUMP, JUMP / (2 * JUMP - JUMP), np.sin(JUMP) / np.square(JUMP),
]  # fmt: skip
LIMITS = [
    (np.sin(X) / X, 1), (np.log1p(ZERO) / ZERO, 1), (np.expm1(FLOOR) / FLOOR, 1),
    (np.abs(X - X) * np.log(np.abs(X - X)), 0),
    ((np.exp(SAME) - np.exp(X)) / (SAME - X), 1), (np.sin(JUMP) / JUMP, 1),
    ((np.exp(X) - np.exp(ONLY)) / (X - ONLY), 1), (np.expm1(X) / X > 1, 0),
    (np.where(np.sin(X) / X < 1, X + 2, np.floor(X)), 0),
]  # fmt: skip


def test_only_limits_are_filled():
    points = {"x": values.filled((1,), [0.0])}
    for v in NO_LIMIT:
        assert checks.filled(v, points, 0, ()).is_nan(), v
    for v, value in LIMITS:
        assert _is_ball_of(value, checks.filled(v, points, 0, ())), v


def _is_ball_of(value, ball):
    return ball.is_finite() and ball.contains(value)  # as NaN holds everything


def test_points_of_which_balls_tell_nothing_refute_no_limit():
    """``log_difference(w, w)`` has a ball without end wherever w is not exact."""
    w = X**-2
    still = ops.off_cut(X, ops.log_difference(w, w, m=2, n=3))  # 0 everywhere
    v = np.abs(still) * np.log(np.abs(still))
    found = checks.filled(v, {"x": values.filled((1,), [1.0])}, 0, ())
    assert not found.is_nan()


def test_a_root_of_what_is_zero_everywhere_has_its_limit():
    x = dt.symbol("x", (2, 1))
    once = np.minimum(dt.relu(dt.relu(x @ np.array([[-1.0, -0.5]]))), 1)
    root = (once.reshape((4, 1)) * x.reshape((1, 2))) ** 0.3
    v = np.sum(np.abs(root) * np.log(np.abs(root)))
    found = limit(v, None, {"x": np.zeros((2, 1))}, (), 200)
    assert found.is_finite() and found.contains(0)


def test_brackets_are_of_the_points_that_have_a_value():
    points = {"x": values.filled((2,), [0.0, 0.5])}
    kept = {"low": np.float64(-np.inf), "kind": "bracket", "poles": True}
    inside = checks.between(np.log(X), points, high=np.float64(0.0), **kept)
    assert not list(inside)
    assert list(checks.between(np.log(X), points, high=np.float64(-30.0), **kept))
    flat = dt.relu(X - 1) ** -1.5  # infinite wherever it is looked at
    capped = np.minimum(flat, 0)
    assert not list(checks.between(capped, points, high=np.float64(0.0), **kept))
    assert list(checks.between(flat, points, high=np.float64(7.0), **kept))
    nowhere = np.sqrt(-1 - X * X)
    assert list(checks.between(nowhere, points, high=np.float64(0.0), **kept))


def test_limits_of_one_element_are_no_matter_of_the_others():
    points = {"x": values.filled((1,), [0.0])}
    c = dt.constant(np.array([0.0, 1.0]))  # whose logarithm is 0 at the other
    v = np.abs(c) * np.log(np.abs(c))
    assert _is_ball_of(0, checks.filled(v, points, 0, (0,)))
    assert checks.filled(v / (c - c), points, 0, (0,)).is_nan()


def test_limits_of_what_changes_fast():
    x, at = dt.symbol("x", (4,)), [0.0, 1e16, -1.0, 700.0]
    total = np.sum(np.abs(x) * np.log(np.abs(x)))  # 4e17, times what is near 0
    v = np.broadcast_to(total, (2,)) * dt.constant(np.zeros(2))
    points = {"x": values.filled((1, 4), at)}
    assert _is_ball_of(0, checks.filled(v, points, 0, (0,)))


def test_forms_are_compared_where_doubles_are():
    x = dt.symbol("x", (2,))
    total = np.sum(np.log1p(x) / x)
    points = {"x": values.filled((1, 2), [0.0, (808157264211293235, -60)])}
    exact = case.exact_values(total, points)
    assert exact[0].is_nan()
    assert not list(checks._same(total, dt.simplify(total), points, exact, "simplify"))


def test_a_saw_finer_than_a_step_is_no_wrong_slope():
    v = np.remainder(X, 1 / (1 + np.exp(-X)))
    region = Region("box", (), np.float64(-1e308), np.float64(-1e300))
    assert not checks.run(checks.derivative, case.Case(v, {"x": region}))


def test_conditions_hold_at_the_points():
    met = 0
    for seed in range(200):
        c = case.draw(seed)
        for condition in c.conditions:
            met += 1
            again = case.Case.from_json(json.loads(json.dumps(c.to_json())))
            (points,) = again.points()
            exact = case.exact_values(condition, points)
            assert all(x > 0 for x in exact.ravel())
    assert met > 5


def test_points_lie_in_their_domain():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        region = regions.draw(rng, ((), (2,), (2, 3))[seed % 3])
        if region.kind == "onehot":
            continue
        for point in region.points(rng, 6):
            value = np.asarray(point, dtype=object)
            if value.shape != region.shape:  # a pair looks like an array
                value = values.filled((), [point])
            assert checks.holds(region, value), region


def test_a_smaller_case_still_fails(narrowed):
    c = case.draw(3)
    small = shrink.smallest(checks.enclosure, c, "enclose", checks.run)
    order = len(dt.graph.topological([small.v]))
    assert order <= len(dt.graph.topological([c.v]))


# -- what leaves ---------------------------------------------------------------------


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 6))
def test_only_our_own_errors_leave(seed, work_clock):
    work_clock.tick = (2e-2, 1e-3)[seed % 2]  # half of them, where time is soon over
    slow = () if is_many() else ("features", "slopes")
    assert foreign.failures(seed, frozenset(slow)) == []


@pytest.mark.drawn
def test_the_command_line_shows_no_traceback(tmp_path):
    shown = (command.failures(seed, tmp_path) for seed in range(draws(6, 300)))
    assert [f for found in shown for f in found] == []
