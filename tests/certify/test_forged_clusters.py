"""Facts and leaves of clusters that are not what a bounder says, and false claims."""

import copy

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.clusters import star_facts
from deuterium.certify.checker.clusters.same_elements import SameElements
from deuterium.certify.checker.clusters.star_structure import StarStructure
from deuterium.certify.checker.exceptions import NoBound, NoPoint
from deuterium.certify.checker.lagrangian import separable_maximum
from deuterium.certify.checker.tree_walk import UNREADABLE
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.traverse import topological
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from tests.amounts import draws, seeds, some
from tests.certify.cluster_cases import KINDS, Case, case_of, checker, data, graph
from tests.certify.forging import certified, cut, leaf
from tests.certify.mutants import ODD, places

WORDS = ["atom", "free", "spokes", "input", "sum", "product"]
REFUSED = (NoBound, CertificateError, *UNREADABLE)


@pytest.fixture(autouse=True)
def precision(rough_multipliers):
    with ctx.workprec(96):
        yield


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(separable_maximum, "MOST", 60)


# -- facts -----------------------------------------------------------------------------


def changed(facts, rng):
    """Return facts changed in one place or a few."""
    facts = copy.deepcopy(facts)
    for _ in range(int(rng.choice([1, 1, 2]))):
        paths = places(facts)
        path = paths[int(rng.integers(len(paths)))]
        above = facts
        for key in path[:-1]:
            above = above[key]
        way, key = int(rng.integers(6)), path[-1]
        old = above[key]
        if way == 0 and isinstance(above, list):
            above.insert(key, copy.deepcopy(old))
        elif way == 1:
            del above[key]
        elif way == 2 and isinstance(above, list):
            other = int(rng.integers(len(above)))
            above[key], above[other] = above[other], above[key]
        elif way == 3:
            above[key] = ODD[int(rng.integers(len(ODD)))]
        elif type(old) is int:
            above[key] = old + int(rng.choice([-2, -1, 1, 2, 5]))
        elif type(old) is float:
            above[key] = old + float(rng.normal())
        elif isinstance(old, str):
            above[key] = str(rng.choice(WORDS))
    return facts


@pytest.mark.drawn
@pytest.mark.parametrize("seed", seeds(1, 15))
@pytest.mark.parametrize("kind", KINDS)
def test_changed_facts_are_refused_or_prove_nothing_false(kind, seed, few):
    rng = np.random.default_rng([seed, 3])
    case = case_of(kind, seed)
    facts = case.bounder.facts()
    points = [case.point(rng) for _ in range(12)]
    values = [case.values(x)[0].lower() for x in points]
    top = max(values, key=lambda x: x.mid())
    for _ in range(draws(12, 100)):
        untrue = changed(facts, rng)
        if untrue == facts:
            continue
        try:
            other = case.against(untrue)
            for wild in (1, 2):
                told = data(other, rng, wild)
                count = sum(len(m.definitions) for m in other.clusters.defining)
                told["p"] = np.resize(told["p"] or [0.0], count).tolist()
                assert top <= other.clusters.bound(case.whole(), told, top).upper()
        except REFUSED:
            continue


def layers():
    """Return a network's case: hubs, spokes and shared steps are all there."""
    return case_of("shapes", 1), case_of("network", 4)


def told_of(name):
    found = []
    for case in layers():
        facts = copy.deepcopy(case.bounder.facts())
        if len(facts[name]) > 2:
            found.append((case, facts))
    assert found
    return found


def is_refused(case, facts):
    try:
        checker(case.problem, facts)
    except REFUSED:
        return True
    return False


@pytest.mark.parametrize("name", ["groups", "products", "steps"])
@pytest.mark.parametrize("value", [None, {}, [], "", 3, [[]], [[0, 0]], [[0, 0, 0]]])
def test_facts_of_another_form_are_refused(name, value):
    for case, facts in told_of(name):
        assert is_refused(case, {**facts, name: value})
        rest = {k: x for k, x in facts.items() if k != name}
        assert is_refused(case, rest)


def test_what_is_named_twice_or_does_not_exist_is_refused():
    for case, facts in told_of("groups"):
        count = len(case.bounder.program.relaxed.nodes)
        for bad in (-1, count, True, 1.0, "1", 10**30):
            for k in range(1, len(facts["groups"])):
                other = copy.deepcopy(facts)
                other["groups"][k][1][0] = bad
                assert is_refused(case, other)
        for name in ("groups", "products", "steps"):
            assert is_refused(case, {**facts, name: [*facts[name], facts[name][-1]]})
            assert is_refused(case, {**facts, name: facts[name][:-1]})
        assert is_refused(case, {**facts, "log": 1})
        assert is_refused(case, {**facts, "log": None})


def test_steps_out_of_order_are_refused():
    refusals = 0
    for case, facts in told_of("steps"):
        for k in range(len(facts["steps"]) - 1):
            other = copy.deepcopy(facts)
            steps = other["steps"]
            steps[k], steps[k + 1] = steps[k + 1], steps[k]
            for p in other["products"]:
                p[2] = {k: k + 1, k + 1: k}.get(p[2], p[2])
            refusals += is_refused(case, other)
        other = copy.deepcopy(facts)
        other["steps"] = other["steps"][::-1]
        for p in other["products"]:
            p[2] = len(other["steps"]) - 1 - p[2]
        assert is_refused(case, other)
    assert refusals


def test_hubs_on_the_wrong_side_are_refused_or_others():
    """Of ``tanh(z) * e`` the second factor is no function of hubs."""
    x = dt.symbol("x", (2,))
    w = dt.constant([[1.0, 2.0], [0.5, -1.0]])
    case = Case.of(
        np.sum(np.tanh(x @ w) * (x @ (2 * w) + np.sin(x))), dt.Box({x: (-1, 1)})
    )
    facts = case.bounder.facts()
    (product,) = facts["products"]
    assert is_refused(
        case, {**facts, "products": [[product[0], 1 - product[1], product[2]]]}
    )


def two_products():
    """Return a case in which two products have the hubs, and not the spokes, alike."""
    x = dt.symbol("x", (2,))
    z = np.tanh(x @ dt.constant([[1.0, 2.0], [0.5, -1.0]]))
    e = [
        x @ dt.constant(c) + np.sin(x) for c in ([[1.0, 0], [0, 1]], [[1.0, 0], [0, 2]])
    ]
    return Case.of(np.sum(z * e[0]) + np.sum(np.square(z) * e[1]), dt.Box({x: (-1, 1)}))


def test_products_of_other_numbers_may_not_share_a_step():
    case = two_products()
    facts = case.bounder.facts()
    assert len(facts["products"]) == 2
    one, two = facts["products"]
    steps = [s for k, s in enumerate(facts["steps"]) if k != two[2]]
    shared = [[p[0], p[1], one[2]] for p in (one, two)]
    assert is_refused(case, {**facts, "products": shared, "steps": steps})


def products_of(v, x):
    """Return a case, its facts, and its products by the steps that they name."""
    case = Case.of(v, dt.Box({x: (-1, 1)}))
    facts = case.bounder.facts()
    return case, facts, {p[2]: p for p in facts["products"]}


def test_products_of_other_hubs_may_not_share_a_step():
    x = dt.symbol("x", (2,))
    e = x @ dt.constant([[1.0, 3.0], [2.0, 1.0]]) + np.sin(x)
    y, z = (x @ dt.constant(c) for c in ([[1.0, 2.0], [0.5, -1]], [[1.0, 0], [4, 2]]))
    v = np.sum(np.square(np.tanh(y) * e)) + np.sum(np.tanh(z) * e)
    case, facts, by_step = products_of(v, x)
    first, last = sorted(by_step)
    steps = [s for k, s in enumerate(facts["steps"]) if k != last]
    shared = [[p[0], p[1], first] for p in facts["products"]]
    order = [s for s in steps if s[0] == "atom"] + [s for s in steps if s[0] != "atom"]
    at = order.index(steps[first])
    shared = [[node, side, at] for node, side, _ in shared]
    assert is_refused(case, {**facts, "products": shared, "steps": order})


@pytest.mark.parametrize(
    ("outer", "is_term"),
    [
        (lambda z, e, u: np.sin(z) * e * np.cos(z), True),
        (lambda z, e, u: np.square(np.sin(z) * e), True),
        (lambda z, e, u: np.sin(z) * e * np.tanh(u), False),  # of another hub
        (lambda z, e, u: np.sin(z) * e * (np.sin(z) * u), False),  # of another spoke
        (lambda z, e, u: np.square(np.sin(z) * e) * (np.sin(z) * e), False),  # e**3
        (lambda z, e, u: (np.sin(z) * e + 1.0) * np.cos(z), False),
        (lambda z, e, u: np.square(np.sin(z) * e + np.sin(z)), False),
        (lambda z, e, u: np.sin(z) * e * e, False),
    ],
)
def test_products_that_are_not_listed_are_terms_only_of_one_hub_and_spoke(
    outer, is_term
):
    x = dt.symbol("x", (2,))
    z, e, u = (
        x @ dt.constant(c)
        for c in ([[1.0, 2], [0.5, -1]], [[1, 0], [4, 2]], np.ones((2, 2)))
    )
    v = np.sum(outer(z, e, u))
    order = topological([v])
    inner = [n for n in order if n.op and n.op.name == "multiply"]
    inner = [n for n in inner if n.args[0].op and n.args[0].op.name == "sin"]
    atoms = [n for n in (z, u) if n in order]
    products = [[order.index(n), 0, len(atoms) + k] for k, n in enumerate(inner)]
    facts = {
        "log": False,
        "centres": [],
        "groups": [["input", []], *[["atom", [order.index(n)]] for n in atoms]],
        "products": products,
        "steps": [*[["atom", 1 + k] for k in range(len(atoms))],
                  *[["spokes", k] for k in range(len(products))]],
    }  # fmt: skip
    if is_term:
        assert StarStructure(v, {"x": 0}, 2, facts).stars
        return
    with pytest.raises(NoBound, match="do not say what"):
        StarStructure(v, {"x": 0}, 2, facts)


def test_elements_are_the_same_only_if_they_are_written_alike():
    x = dt.symbol("x", (2,))
    a, b = x[0], x[1]
    w, turned = dt.constant([[1.0], [3.0]]), dt.constant([[3.0], [1.0]])
    other = dt.constant([[3.0, 1.0]])
    same = SameElements({"x": 0}, 2)
    for one, two, is_same in (
        (a + b, b + a, True),
        (a * b, b * a, True),
        (a - b, b - a, False),
        (a / b, b / a, False),
        (a + b, a * b, False),
        ((x @ w)[0], (x.reshape(1, 2) @ w)[0, 0], True),
        ((x @ w)[0], (x[::-1] @ turned)[0], True),
        ((x @ w)[0], (other @ x[::-1])[0], True),
        ((x @ w)[0], (x @ turned)[0], False),
        (np.sum(x), np.sum(x[::-1]), True),
        (np.sum(x), np.sum(2 * x), False),
        (a * 0.5, a * dt.constant(1.0) / 2.0, False),
        (np.tanh(a), np.tanh(a * 1.0), False),
        (a**3, a**3, True),
        (a**3, a**5, False),
    ):
        assert same((one, 0), (two, 0)) is is_same


def test_nodes_of_other_numbers_may_not_share_hubs():
    x = dt.symbol("x", (2,))
    w = np.array([[1.0, 2.0], [0.5, -1.0]])
    a, b = x @ dt.constant(w), x @ dt.constant(w + np.diag([0, 2**-50]))
    v = np.sum(np.tanh(a)) + np.sum(np.exp(-np.tanh(b)))
    case = Case.of(v, dt.Box({x: (-1, 1)}))
    facts = case.bounder.facts()
    nodes = [g[1] for g in facts["groups"][1:]]
    assert [len(n) for n in nodes] == [1, 1]
    merged = {**facts, "groups": [facts["groups"][0], ["atom", nodes[0] + nodes[1]]]}
    assert is_refused(case, {**merged, "steps": [["atom", 1]]})


def scaled(factor):
    """Return one sum in two shapes, of inexact coefficients; and another like it."""
    x = dt.symbol("x", (1, 2))
    w = dt.constant([[1.0, 2.0], [0.5, -1.0]])
    both = x / dt.constant([[3.0, 7.0]]), x * dt.constant([[1 / 3, 1 / 7]])
    a, b = both[0] @ w, (both[factor].reshape(2) @ w)
    return np.sum(np.tanh(a)) + np.sum(np.exp(-np.tanh(b))), a, b


def test_sums_are_one_where_rounding_hides_it_only_if_they_are_written_alike():
    for factor, is_same in ((0, True), (1, False)):
        v, a, b = scaled(factor)
        order = topological([v])
        nodes = [order.index(a), order.index(b)]
        facts = {"log": False, "centres": [],
                 "groups": [["input", []], ["atom", nodes]],
                 "products": [], "steps": [["atom", 1]]}  # fmt: skip
        if is_same:
            found = StarStructure(v, {"x": 0}, 2, facts).blocks[1].definitions
            assert not all(c.is_exact() for d in found for c in d.parts.values())
            continue
        with pytest.raises(NoBound, match="the same"):
            StarStructure(v, {"x": 0}, 2, facts)


def test_more_hubs_and_spokes_than_allowed_are_refused(monkeypatch):
    case, _ = layers()
    facts = case.bounder.facts()
    assert not is_refused(case, facts)
    monkeypatch.setattr(star_facts, "MOST", 5)
    assert is_refused(case, facts)


def test_a_product_of_large_matrices_takes_no_memory():
    x = dt.symbol("x", (400, 400))
    v = np.sum(np.tanh(x) @ np.sin(x))
    problem = Problem(v, dt.Box({x: (-1, 1)}))
    order = topological([problem.objective])
    at = next(k for k, n in enumerate(order) if n.op and n.op.name == "matmul")
    facts = {"log": False, "centres": [],
             "groups": [["input", []]], "products": [[at, 0, 0]],
             "steps": [["spokes", 0]]}  # fmt: skip
    with pytest.raises(NoBound, match="more than"):
        checker(problem, facts)


# -- leaves ----------------------------------------------------------------------------


BAD = [
    {},
    {"p": []},
    {"energies": [], "corners": []},
    {"empty": True},
    {"empty": False},
    {"empty": True, "p": [], "energies": [], "corners": []},
]


@pytest.mark.parametrize("told", BAD)
def test_leaves_without_data_are_refused(told):
    for case in layers():
        with pytest.raises(REFUSED):
            case.clusters.bound(case.whole(), told, arb(1e9))


@pytest.mark.drawn
def test_changed_leaves_are_refused_or_prove_nothing_false(few):
    rng = np.random.default_rng(8)
    for case in layers():
        points = [case.point(rng) for _ in range(30)]
        values = [case.values(x)[0].lower() for x in points]
        top = max(values, key=lambda x: x.mid())
        right = data(case, rng, 0)
        assert case.clusters.bound(case.whole(), right, arb(1e9)) < 1e9
        for _ in range(draws(18, 1000)):
            told = changed(right, rng)
            try:
                assert top <= case.clusters.bound(case.whole(), told, top).upper()
            except REFUSED:
                continue


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "1", None, True, [1.0]])
def test_multipliers_that_are_no_numbers_are_refused(bad):
    case, _ = layers()
    told = data(case, np.random.default_rng(1), 0)
    for k in range(len(told["p"])):
        p = [*told["p"][:k], bad, *told["p"][k + 1 :]]
        with pytest.raises(NoBound):
            case.clusters.bound(case.whole(), {**told, "p": p}, arb(1e9))
    for p in (told["p"][:-1], [*told["p"], 0.0], tuple(told["p"])):
        with pytest.raises(NoBound):
            case.clusters.bound(case.whole(), {**told, "p": p}, arb(1e9))


def test_an_energy_for_a_step_that_has_none_is_refused():
    """Two functions of one hub in one sum: their order would not be known."""
    x = dt.symbol("x", (2,))
    w = dt.constant([[1.0, 2.0], [0.5, -1.0]])
    v = np.sum(np.tanh(np.tanh(x) @ w + np.sin(x) @ w))
    case = Case.of(v, dt.Box({x: (-1, 1)}))
    told = data(case, np.random.default_rng(1), 0)
    assert case.clusters.energies == [None]
    for e in ([[0.0] * 2, [1.0] * 4, [0.0] * 4], [[], [], []], []):
        with pytest.raises(NoBound):
            case.clusters.bound(case.whole(), {**told, "energies": [e]}, arb(1e9))


# -- regions ---------------------------------------------------------------------------


def test_a_region_that_leaves_out_a_kink_has_one_branch_only_if_it_is_open():
    x = dt.symbol("x", (2,))
    w = dt.constant([[1.0], [1.0]])
    slope = dt.grad(np.sum(dt.relu(x @ w)), x)
    case = Case.of(np.sum(slope * (x - 3.0)), dt.Box({x: (-1, 1)}))
    count = sum(len(m.slots) for m in case.clusters.defining)
    nothing = [None] * len(case.clusters.defining)
    told = {"p": [0.0] * count, "energies": nothing, "corners": nothing}
    for is_open, least in ((False, 0.0), (True, -4.1)):
        region = case.whole()
        region.put(2, arb(0), arb("inf"), is_open)
        bound = case.clusters.bound(region, told, arb(-4.0))
        assert least <= bound.upper()
        assert (bound <= 0.0) and (is_open == bool(bound < -1.0))
    region = case.whole()
    region.put(2, -arb("inf"), arb(0), False)
    assert abs(case.clusters.bound(region, told, arb(0))) <= 0


def test_a_contradiction_is_a_leaf_and_nothing_else_is():
    case = case_of("network", 4)
    assert case.atoms
    for k in range(len(case.atoms)):
        region = case.whole()
        region.put(case.size + k, arb(1e6), arb("inf"), False)
        with pytest.raises(NoPoint):
            case.clusters.bound(region, {"empty": True}, arb(0))
        region = case.whole()
        region.put(case.size + k, arb(-1e6), arb(1e6), True)
        with pytest.raises(NoBound, match="contradict"):
            case.clusters.bound(region, {"empty": True}, arb(0))


# -- certificates ----------------------------------------------------------------------


HALF = [*KINDS[::2], *KINDS[1::2]]


@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize(
    ("kind", "seed"), some([(k, s) for s in range(6) for k in HALF], 3)
)
def test_a_certificate_is_believed_for_what_it_proves_and_no_more(kind, seed):
    v, domain = graph(kind, seed)
    bounder = cluster_bounder_of(Problem(v, domain))
    found = bounder.bound(bounder.root(), -np.inf)
    (method, told), upper = found.proofs[0], float(found.upper[0])
    nodes, empty = [leaf(method, **told)], leaf("clusters", empty=True)
    certified(bounder, nodes, upper).verify(v, domain)
    below = np.nextafter(dt.search(v, domain, seed=0, starts=8).value, -np.inf)
    trees = [nodes]
    if bounder.places:
        j = bounder.problem.size
        trees += [[cut(j, 0.0), empty, empty], [cut(j, 1e9), *nodes, empty]]
        certified(bounder, trees[-1], upper).verify(v, domain)
    for tree in trees:
        with pytest.raises(CertificateError):
            certified(bounder, tree, below).verify(v, domain)
