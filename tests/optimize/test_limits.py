"""Limits hold: the enclosure comes first, and whatever takes long can be stopped.

The clock of these tests is counted work: every time somebody asks whether there is any
time left, some more of it is gone (`work_clock`).
"""

import itertools
from functools import partial

import numpy as np
import pytest

import deuterium as dt
from deuterium import budget
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import is_larger, topological
from deuterium.optimize import root_enclosure
from deuterium.optimize.branch_and_bound import loop_options
from deuterium.transform.pipeline import MANY
from tests.amounts import some


def network(sizes, seed=0, act=np.tanh, classes=0):
    """The gradient norm of a network, and the domain of a record."""
    random = np.random.default_rng(seed)
    x = dt.symbol("x", shape=(sizes[0],))
    parameters, a = [], x
    for m, n in itertools.pairwise(sizes):
        parameters.append(dt.constant(random.normal(size=(m, n)) / np.sqrt(m)))
        a = a @ parameters[-1]
        a = act(a) if len(parameters) < len(sizes) - 1 else a
    if classes:
        y = dt.symbol("y", shape=(classes,))
        loss, labels = -(y * dt.log_softmax(a)).sum(), dt.OneHot(y)
    else:
        y = dt.symbol("y")
        loss, labels = np.logaddexp(0, a[0]) - y * a[0], dt.Choice(y, [0, 1])
    return dt.norm(dt.grad(loss, parameters)), dt.Box({x: (-1, 1)}) & labels


def convolution(seed=0):
    """The same of a small network with a convolution, a pool and several classes."""
    random = np.random.default_rng(seed)
    x, y = dt.symbol("x", shape=(8, 8)), dt.symbol("y", shape=(4,))
    kernel = dt.constant(random.normal(size=(9, 3)) / 3)
    last = dt.constant(random.normal(size=(27, 4)) / 5)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3)).reshape(36, 9)
    h = np.tanh(windows @ kernel).reshape(3, 2, 3, 2, 3).mean(axis=(1, 3))
    scores = (h.reshape(1, 27) @ last)[0]
    loss = -(y * dt.log_softmax(scores)).sum()
    norm = dt.norm(dt.grad(loss, [kernel, last]))
    return norm, dt.Box({x: (0, 1)}) & dt.OneHot(y)


def by_elements(n=12):
    """A gradient norm whose network is written element by element."""
    random = np.random.default_rng(0)
    xs = [dt.symbol(f"x{i}") for i in range(n)]
    weights = np.array(
        [[dt.constant(w) for w in r] for r in random.normal(size=(n, n))]
    )
    hidden = np.tanh(np.array(xs) @ weights)
    loss = np.logaddexp(0, sum(hidden))
    slopes = dt.grad(loss, list(weights.ravel()))
    return np.sqrt(sum(g * g for g in slopes)), dt.Box(dict.fromkeys(xs, (-1, 1)))


def chain(n=100):
    """A long chain of scalars, which no rewriting makes shorter."""
    x = dt.symbol("x")
    v = x
    for _ in range(n):
        v = np.sin(v) * 1.0001
    return v, dt.Box({x: (-1, 1)})


def cubes(n=30):
    """A polynomial."""
    random, x = np.random.default_rng(1), dt.symbol("x", shape=(n,))
    matrix = random.normal(size=(n, n))
    return np.sum((x @ matrix) * x) + np.sum(x**3), dt.Box({x: (-1, 1)})


def peaks():
    x, y = dt.symbol("a"), dt.symbol("b")
    return np.sin(9 * x) * np.cos(7 * y) + x * y, dt.Box({x: (-2, 2), y: (-2, 2)})


def capped():
    s, y = dt.symbol("s"), dt.symbol("y")
    return np.maximum(np.sin(s), np.minimum(3.0, y)), dt.Box({s: (1, 2), y: (1, 3)})


PROBLEMS = {
    "one layer": lambda: network([20, 16, 1]),
    "relu": lambda: network([20, 16, 16, 1], act=lambda z: np.maximum(z, 0)),
    "three layers": lambda: network([12, 10, 10, 10, 1]),
    "classes": lambda: network([30, 20, 5], classes=5),
    "convolution": convolution,
    "by elements": by_elements,
    "chain": chain,
    "cubes": cubes,
    "peaks": peaks,
    "capped": capped,
}
SMALL_FIRST = sorted(PROBLEMS, key=("three layers", "convolution").__contains__)


def sides(found, enclosed, is_maximum):
    """The bound found by a search for an extremum, and that of the enclosure."""
    if is_maximum:
        return found.upper, float(enclosed.upper)
    return -found.lower, -float(enclosed.lower)


@pytest.mark.parametrize("is_maximum", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_with_next_to_no_time_there_is_the_enclosure(name, is_maximum, monkeypatch):
    v, domain = PROBLEMS[name]()
    find = dt.maximize if is_maximum else dt.minimize
    monkeypatch.setattr(loop_options, "LATEST_SECONDS", 0.0)
    monkeypatch.setattr(loop_options, "LAST_SECONDS", 1e9)  # however slow the machine
    found = find(v, domain, time_limit=1e-9)
    mine, whole = sides(found, dt.enclose(v, domain), is_maximum)
    assert mine <= whole < np.inf
    assert found.status in ("time_limit", "optimal")
    if found.certificate is not None:
        found.certificate.verify(v, domain)


@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize("is_maximum", some([True, False], 1))
@pytest.mark.parametrize("name", some(SMALL_FIRST, 8))
def test_no_bound_is_looser_than_the_enclosure(name, is_maximum):
    v, domain = PROBLEMS[name]()
    find = dt.maximize if is_maximum else dt.minimize
    found = find(v, domain, max_regions=3)
    mine, whole = sides(found, dt.enclose(v, domain), is_maximum)
    assert mine <= whole
    ends = [(-low if is_maximum else low) for _, low, _ in found.history]
    assert ends == sorted(ends, reverse=True) or not is_maximum


@pytest.mark.parametrize(("a_node", "ways"), [(1e-6, 1), (3e-5, 2), (1.0, 1)])
def test_the_graph_as_written_comes_first_where_there_is_time_for_both(
    a_node, ways, monkeypatch
):
    v, domain = by_elements()
    problem = Problem(v, domain)
    assert len(problem.order) > MANY
    calls = []

    def counted(of, *given):
        calls.append(of)
        return of(*given)

    for name in ("as_written", "enclose"):
        of = getattr(root_enclosure, name)
        monkeypatch.setattr(root_enclosure, name, partial(counted, of))
    monkeypatch.setattr(root_enclosure, "left", lambda: a_node * len(problem.order))
    found = root_enclosure.root_enclosure_of(problem)
    assert len(calls) == ways
    assert found.upper <= dt.enclose(v, domain).upper


def test_a_large_graph_is_told_without_looking_at_all_of_it():
    v, _ = chain(500)
    count = len(topological([v]))
    assert [is_larger([v], k) for k in (5, count - 1, count)] == [True, True, False]
    assert is_larger([v, v], count - 1)


@pytest.mark.parametrize("tick", some([3e-3, 5e-4], 1))
@pytest.mark.parametrize("name", PROBLEMS)
def test_nobody_goes_on_without_asking(name, tick, work_clock):
    v, domain = PROBLEMS[name]()
    whole = float(dt.enclose(v, domain).upper)  # what it prepares is kept
    begun, work_clock.tick = work_clock.looks, tick
    found = dt.maximize(v, domain, time_limit=1.0)
    assert found.upper <= whole
    # who asks when the time is over is told so, and soon nobody asks any more
    looks = work_clock.looks - begun
    assert (
        looks * tick
        < 1.0 + loop_options.LATE_SHARE + loop_options.LAST_SECONDS + 200 * tick
    )
    assert found.lower <= found.upper


@pytest.mark.parametrize("method", ["ascent", "direct", "dual_annealing"])
def test_a_search_stops_asking_too(method, work_clock):
    v, domain = network([20, 16, 1])
    domain = domain & dt.Box({"x": (-1, 1)})
    begun, work_clock.tick = work_clock.time, 1e-3
    found = dt.search(v, domain, method=method, time_limit=1.0)
    assert work_clock.time - begun < 1.6
    assert found.status in ("found", "nothing found")


def test_a_search_of_an_array_that_is_stopped_at_once_found_nothing(work_clock):
    x = dt.symbol("x", shape=(3,))
    work_clock.tick = 0.5
    found = dt.search(np.tanh(x), dt.Box({x: (-1, 1)}), time_limit=0.1)
    assert found.status == "nothing found"
    assert found.value.shape == (3,)


def test_the_reached_enclosure_is_enough():
    v, domain = capped()
    found = dt.maximize(v, domain)
    assert (found.lower, found.upper, found.status) == (3.0, 3.0, "optimal")
    assert found.regions == 0
    found.certificate.verify(v, domain)


def test_an_infinite_enclosure_says_why_at_once():
    x = dt.symbol("x")
    found = dt.maximize(-np.log(x), dt.Box({x: (0, 1)}), time_limit=1e-9)
    assert found.upper == np.inf
    assert found.cause.operator == "log"


def test_a_pole_is_none_where_the_enclosure_is_finite():
    x = dt.symbol("x")
    v, domain = np.tanh(x) / x, dt.Box({x: (1, 2)})
    found = dt.maximize(v, domain)
    assert found.status == "optimal"


# -- the budget itself ---------------------------------------------------------------


def test_a_budget_within_another_is_the_smaller(work_clock):
    work_clock.tick = 0.0
    now = budget.now()
    with budget.spending(now + 100.0), budget.spending(now + 1000.0):
        assert budget.left() <= 100.0
        assert budget.watch() is budget.check
        budget.check()
        with pytest.raises(budget.Spent, match="time_limit"):
            budget.check(seconds=200.0)
    assert budget.left() == np.inf
    assert budget.watch() is None
    budget.check(seconds=1e9, memory=1e30)


def test_what_is_late_gives_way_to_what_is_not(work_clock):
    work_clock.tick, work_clock.time = 1.0, 0.0

    def slow():
        while True:
            budget.check()

    assert budget.in_time(20.0, slow, "plain") == "plain"
    assert budget.in_time(np.inf, lambda: "good", "plain") == "good"


def test_memory_is_what_the_process_takes(monkeypatch):
    taken = iter([100.0, 160.0, 260.0])
    monkeypatch.setattr(budget, "resident", lambda: next(taken))
    monkeypatch.setattr(budget, "LOOKS", 0.0)
    memory = budget.Memory(120.0)
    with budget.spending(memory=memory):
        budget.check(memory=50.0)
        with pytest.raises(budget.Spent, match="memory_limit"):
            budget.check()


def test_a_process_that_grows_stops(monkeypatch):
    grown = itertools.count(0, 2**20)
    monkeypatch.setattr(budget, "resident", lambda: float(next(grown)))
    monkeypatch.setattr(budget, "LOOKS", 0.0)
    v, domain = network([20, 16, 1])
    found = dt.maximize(v, domain, memory_limit=64 * 2**20, rtol=1e-9)
    assert found.status == "memory_limit"
    assert found.upper <= dt.enclose(v, domain).upper


def test_memory_is_asked_for_before_it_is_taken():
    v, domain = network([200, 150, 1])
    found = dt.maximize(v, domain, memory_limit=2**20, time_limit=5)
    assert found.status in ("memory_limit", "optimal", "time_limit")
    assert found.upper <= dt.enclose(v, domain).upper


def test_the_objective_is_made_when_it_is_wanted():
    v, domain = chain(30)
    problem = Problem(v, domain)
    assert "objective" not in vars(problem)
    assert len(topological([problem.objective])) > 30
