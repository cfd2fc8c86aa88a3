"""Labels put in as numbers."""

import importlib

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import budget
from deuterium.budget import Spent
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders import select
from deuterium.optimize.bounders.choice_options import BEGINNING_SHARE
from deuterium.optimize.bounders.convex_cuts import ConvexCuts
from deuterium.optimize.bounders.label_enumeration import (
    LabelEnumeration,
    convex_labels,
)
from deuterium.optimize.bounders.select import select_bounder
from tests.amounts import seeds, some

x = dt.symbol("x", shape=(1, 2))
y = dt.symbol("y", shape=(1, 1))
BOX = dt.Box({x: (-1, 1)})


def network(seed, loss):
    rng = np.random.default_rng(seed)
    w1, b1 = dt.constant(rng.normal(size=(2, 3))), dt.constant(rng.normal(size=3))
    w2, b2 = dt.constant(rng.normal(size=(3, 1))), dt.constant(rng.normal(size=1))
    t = np.tanh(x @ w1 + b1) @ w2 + b2
    return dt.norm(dt.grad(loss(t), [w1, b1, w2, b2]))


def cross_entropy(t):
    return -np.mean(y * log_expit(t) + (1 - y) * log_expit(-t))


def squared(t):
    return np.mean((t - y) ** 2)


def largest(v, labels):
    """Return the largest value on a grid of inputs and some labels."""
    at = np.linspace(-1, 1, 41)
    grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 1, 2)
    fn = dt.compile([x, y], [v])
    return max(fn(grid, np.full((len(grid), 1, 1), c))[0].max() for c in labels)


@pytest.mark.parametrize("loss", [cross_entropy, squared])
@pytest.mark.parametrize("seed", seeds(1, 3))
def test_of_a_label_that_enters_linearly_only_the_ends_count(loss, seed):
    v = network(seed, loss)
    problem = Problem(v, BOX & dt.Box({y: (0, 1)}))
    assert convex_labels(problem) == [2]
    bounder = select_bounder(problem)
    assert isinstance(bounder, LabelEnumeration)
    assert sorted(f.values.tolist() for f in bounder.forms) == [[0.0], [1.0]]
    e = dt.maximize(v, problem.domain, rtol=1e-4, time_limit=None)
    assert e.status == "optimal"
    assert e.upper >= largest(v, np.linspace(0, 1, 5))
    assert e.lower == pytest.approx(largest(v, [0, 1]), rel=1e-2)
    assert e.witness["y"] in (0, 1)


@pytest.mark.parametrize("labels", some([[-1, 0.5, 2], [0, 1]], 1))
def test_listed_labels_are_put_in_one_by_one(labels):
    v = network(3, cross_entropy)
    e = dt.maximize(v, BOX & dt.Choice(y, labels), rtol=1e-4, time_limit=None)
    assert e.status == "optimal"
    assert e.upper >= largest(v, labels)
    assert e.lower == pytest.approx(largest(v, labels), rel=1e-2)


def test_one_hot_labels_are_put_in_one_by_one():
    rng = np.random.default_rng(0)
    label = dt.symbol("label", shape=(1, 3))
    w = dt.constant(rng.normal(size=(2, 3)))
    loss = -np.sum(label * dt.log_softmax(x @ w))
    v = dt.norm(dt.grad(loss, [w]))
    domain = BOX & dt.OneHot(label)
    e = dt.maximize(v, domain, rtol=1e-2, time_limit=None)
    assert e.status == "optimal"
    values = [
        dt.maximize(v.subs({"label": row[None]}), BOX, rtol=1e-2) for row in np.eye(3)
    ]
    assert e.upper >= max(s.lower for s in values)
    assert e.lower <= max(s.upper for s in values)


def test_a_label_that_enters_otherwise_stays_an_input():
    concave = np.sqrt(expit(x[0, 0]) + y[0, 0])
    problem = Problem(concave, BOX & dt.Box({y: (0, 1)}))
    assert convex_labels(problem) == []
    e = dt.maximize(concave * (2 - y[0, 0]), problem.domain, rtol=1e-4)
    value = np.sqrt(expit(1.0) + np.linspace(0, 1, 99)) * (2 - np.linspace(0, 1, 99))
    assert e.upper >= value.max()
    assert e.lower == pytest.approx(value.max(), rel=1e-3)


@pytest.mark.parametrize("late", [0, 1])
def test_what_is_left_when_time_is_short_gets_plain_intervals(late, monkeypatch):
    asked = iter([False] * late + [True] * 9)

    def in_time(until, make, otherwise):
        return otherwise if next(asked) else make()

    monkeypatch.setattr(select, "in_time", in_time)
    v = network(3, cross_entropy)
    domain = BOX & dt.Choice(y, [0, 1])
    e = dt.maximize(v, domain, max_regions=60, rtol=1e-4)
    assert e.upper >= largest(v, [0, 1])
    methods = {n["leaf"][0] for n in e.certificate.body["proof"] if "leaf" in n}
    assert "interval" in methods
    e.certificate.verify(v, domain)


@pytest.mark.parametrize("seed", seeds(1, 10))
def test_targets_of_several_outputs_are_cut_at_their_ends(seed):
    rng = np.random.default_rng(seed)
    z, target = dt.symbol("z", shape=(8,)), dt.symbol("target", shape=(5,))
    w1, w2 = (dt.constant(rng.normal(size=s)) for s in ((8, 6), (6, 5)))
    loss = np.sum(np.square(np.tanh(z @ w1) @ w2 - target)) / 2
    v = dt.norm(dt.grad(loss, [w1, w2]))
    domain = dt.Box({z: (-1, 1), target: (0, 1)})
    bounder = select_bounder(Problem(v, domain))
    assert isinstance(bounder, ConvexCuts) and len(bounder.convex) == 5
    e = dt.maximize(v, domain, max_regions=4, time_limit=None)
    cuts = [n for n in e.certificate.body["proof"] if "ends" in n]
    assert cuts and all(n["ends"][1][0] == "convex label" for n in cuts)
    assert e.certificate.verify(v, domain).leaves == e.certificate.leaves
    fn = dt.compile([z, target], [v])
    at = rng.uniform(-1, 1, (500, 8)), rng.uniform(0, 1, (500, 5))
    for rounded in (at, (np.sign(at[0]), np.rint(at[1]))):
        assert fn(*rounded)[0].max() <= e.upper


@pytest.mark.parametrize(
    "label", [dt.Box({y: (0.5, 0.5)}), dt.Choice(y, [0.5, 0.5, 1.0])]
)
def test_each_value_of_a_label_has_one_form(label):
    """What a certificate says of a value is said once, with its leaves' facts."""
    v, domain = network(0, squared), BOX & label
    found = dt.maximize(v, domain, max_regions=6)
    forms = found.certificate.body["forms"]
    assert len(forms) == len({str(f["values"]) for f in forms}) > 1
    assert found.certificate.verify(v, domain)


def classes(seed, k=4, inputs=8):
    """Return the gradient norm of a network with one hidden layer, and its domain."""
    rng = np.random.default_rng(seed)
    r, label = dt.symbol("r", shape=(1, inputs)), dt.symbol("label", shape=(1, k))
    w = [dt.constant(rng.normal(size=s)) for s in ((inputs, 8), (8, k))]
    loss = -np.sum(label * dt.log_softmax(np.tanh(r @ w[0]) @ w[1]))
    return dt.norm(dt.grad(loss, w)), dt.Box({r: (-1, 1)}) & dt.OneHot(label)


def test_all_labels_together_are_bounded_by_lengths():
    # a softmax and a unit vector are no further apart than the root of 2
    v, domain = classes(0)
    e = dt.maximize(v, domain, max_regions=1, rtol=1e-3, time_limit=None)
    assert e.lower <= e.upper < 0.8 * dt.enclose(v, domain).upper
    e.certificate.verify(v, domain)


def test_that_bound_is_there_before_any_label_is_prepared(monkeypatch):
    def late(*args):
        raise Spent("time_limit")

    monkeypatch.setattr(
        importlib.import_module("deuterium.optimize.maximize"), "select_bounder", late
    )
    v, domain = classes(0)
    e = dt.maximize(v, domain, rtol=1e-3, time_limit=None)
    assert e.status == "time_limit" and e.regions == 0
    assert e.lower <= e.upper < 0.8 * dt.enclose(v, domain).upper
    e.certificate.verify(v, domain)


def test_each_label_begins_with_its_own_start_and_an_equal_share():
    bounder = select_bounder(Problem(*classes(1, k=5)), "norms")
    root, seen = bounder.root(), []
    end = budget.now() + 5e6  # so that the ticks of the clock do not show

    def note(regions, incumbent):
        seen.append((regions.state, budget.left()))
        return regions  # which have a state to go on with

    for form in bounder.forms:
        form.bounder.bound = note
        with budget.spending(end):
            bounder._by_form(form, root, 0.0)
            planned = seen[-1][1] * BEGINNING_SHARE
        np.testing.assert_array_equal(seen[-1][0], form.bounder.root().state)
        assert planned == pytest.approx(BEGINNING_SHARE * 1e6, rel=1e-3)
        end -= planned  # which it takes
    with budget.spending(end):
        bounder._by_form(bounder.forms[0], root, 0.0)
    assert seen[-1][1] == pytest.approx(5e6 * (1 - BEGINNING_SHARE))
