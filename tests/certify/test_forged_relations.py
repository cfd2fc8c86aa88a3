"""Sums of softmax, squares of columns, corners: what is checked, and what refused."""

import copy
from functools import cache

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.ball_program import PointProgram
from deuterium.certify.checker.clusters.rewritten_graph import RewrittenGraph
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian import separable_maximum
from deuterium.certify.checker.tree_walk import UNREADABLE
from deuterium.errors import CertificateError
from deuterium.graph.traverse import topological
from tests.amounts import draws, seeds
from tests.certify.cluster_cases import Case, case_of, checker, corners, data

REFUSED = (NoBound, CertificateError, *UNREADABLE)
REWRITTEN = ["softmax", "matrices", "attention"]


@pytest.fixture(autouse=True)
def precision(rough_multipliers):
    with ctx.workprec(96):
        yield


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(separable_maximum, "MOST", 60)


def refuses(case, facts):
    with pytest.raises(REFUSED) as found:
        checker(case.problem, facts)
    return str(found.value)


def with_steps(facts, kind):
    """Return copies of facts, and the place of each step of a kind in them."""
    at = [k for k, s in enumerate(facts["steps"]) if s[0] == kind]
    assert at
    return [(copy.deepcopy(facts), k) for k in at]


# -- rewriting -------------------------------------------------------------------------


def written_out(order):
    """Return what tells a sorted graph from others."""
    place = {n: k for k, n in enumerate(order)}
    return [
        (n.op, n.shape, [place[a] for a in n.args], np.asarray(n.value).tolist())
        if n.is_constant
        else (n.op, n.shape, [place[a] for a in n.args], n.name)
        for n in order
    ]


@pytest.mark.parametrize("seed", seeds(2, 15))
@pytest.mark.parametrize("kind", REWRITTEN)
def test_both_sides_number_the_same_nodes_and_no_value_changes(kind, seed):
    case = case_of(kind, seed)
    found = case.clusters.structure.rewritten
    assert written_out(found.order) == written_out(case.bounder.program.relaxed.nodes)
    before = topological([case.clusters.root.graph])
    rng = np.random.default_rng(seed)
    for _ in range(3):
        x = [arb(float(c)) for c in case.point(rng)]
        for n in before:
            both = [PointProgram([v], case.starts, case.size)(x) for v in
                    (n, found.made[n])]  # fmt: skip
            assert all(a.overlaps(b) for a, b in zip(*both, strict=True))


@cache
def matrices():
    """Return a case of one product of matrices, which has centres."""
    x = dt.symbol("x", (3, 3))
    w = dt.constant(np.arange(9.0).reshape(3, 3) / 8)
    case = Case.of(np.sum(np.tanh(np.tanh(x) @ (x @ w))), dt.Box({x: (0.5, 1)}))
    (row,) = case.bounder.facts()["centres"]
    assert np.any(row[1]) and np.any(row[2])
    return case, case.bounder.facts(), row


NUMBERS = [float("nan"), float("inf"), -float("inf"), "1", None, True, [1.0], 2**60]


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize("bad", NUMBERS)
def test_centres_that_are_no_numbers_are_refused(bad, side):
    case, facts, row = matrices()
    for i, j in np.ndindex(3, 3):
        other = copy.deepcopy(row)
        other[side][i][j] = bad
        assert "number" in refuses(case, {**facts, "centres": [other]})


@pytest.mark.parametrize("side", [1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda m: m[:-1],
        lambda m: [*m, m[0]],
        lambda m: [r[:-1] for r in m],
        lambda m: [[*r, 0.0] for r in m],
        lambda m: [*m[:-1], m[-1][:-1]],
        lambda m: [x for r in m for x in r],
        lambda m: [m],
        lambda m: m[0],
        lambda m: m[0][0],
        lambda m: [],
        lambda m: None,
        lambda m: {str(k): r for k, r in enumerate(m)},
    ],
)
def test_centres_of_another_shape_are_refused(change, side):
    case, facts, row = matrices()
    other = [*row]
    other[side] = change(row[side])
    assert "wanted" in refuses(case, {**facts, "centres": [other]})


@pytest.mark.parametrize("bad", [None, {}, "", 3, [3], [[]], [[0, 0]], [[0, 0, 0]]])
def test_centres_of_another_form_are_refused(bad):
    case, facts, row = matrices()
    refuses(case, {**facts, "centres": bad})
    refuses(case, {k: x for k, x in facts.items() if k != "centres"})
    refuses(case, {**facts, "centres": []})
    refuses(case, {**facts, "centres": [row, row]})
    refuses(case, {**facts, "centres": [row[:2]]})
    refuses(case, {**facts, "centres": [[*row, row[2]]]})


def test_only_products_of_two_matrices_that_vary_have_centres():
    case, facts, row = matrices()
    order = topological([case.clusters.root.graph])
    for k, n in enumerate(order):
        if k != row[0]:
            zeros = [np.zeros(a.shape).tolist() for a in n.args][:2]
            zeros += [[[0.0]]] * (2 - len(zeros))
            refuses(case, {**facts, "centres": [[k, *zeros]]})
            assert "no product" in str(refused_centre(order[-1], [k, *zeros]))
    for bad in (-1, len(order), True, 1.0, "1", None, 10**30):
        assert "no node" in str(refused_centre(order[-1], [bad, *row[1:]]))
    x, y = dt.symbol("x", (2, 3, 3)), dt.symbol("y", (3, 3))
    v = np.sum(x @ y)
    order = topological([v])
    at = next(k for k, n in enumerate(order) if n.op and n.op.name == "matmul")
    told = [at, np.zeros((2, 3, 3)).tolist(), np.zeros((3, 3)).tolist()]
    assert "not of matrices" in str(refused_centre(v, told))


def refused_centre(root, told):
    with pytest.raises(NoBound) as found:
        RewrittenGraph(root, [told])
    return found.value


@pytest.mark.parametrize("seed", seeds(2, 15))
@pytest.mark.parametrize("kind", ["matrices", "attention"])
def test_any_centres_prove_nothing_false(kind, seed, few):
    rng = np.random.default_rng([seed, 4])
    case = case_of(kind, seed)
    facts = copy.deepcopy(case.bounder.facts())
    assert facts["centres"]
    values = [case.values(case.point(rng))[0].lower() for _ in range(12)]
    top = max(values, key=lambda x: x.mid())
    for _ in range(draws(2, 10)):
        for row in facts["centres"]:
            row[1:] = [(np.array(m) + rng.normal(size=np.shape(m))).tolist()
                       for m in row[1:]]  # fmt: skip
        try:
            other = case.against(facts)
            told = data(other, rng, int(rng.integers(1, 3)))
            assert top <= other.clusters.bound(case.whole(), told, top).upper()
        except NoBound:  # zeros were left out: the nodes are others
            continue


# -- sums and columns ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["softmax", "attention"])
def test_a_sum_is_of_the_exponentials_of_a_softmax_and_of_nothing_else(kind):
    for seed in (0, 2):
        case = case_of(kind, seed)
        rewritten = case.clusters.structure.rewritten
        right = {k for k, n in enumerate(rewritten.order) if n in rewritten.softmax}
        for facts, at in with_steps(case.bounder.facts(), "sum"):
            others = {*range(len(rewritten.order))} - right
            for bad in [*others, -1, 10**30, True, 1.0, "1", None, []]:
                facts["steps"][at][1] = bad
                refuses(case, facts)


def test_an_exponential_that_is_written_by_hand_has_no_sum():
    """Even where it is that of a softmax."""
    x = dt.symbol("x", (3,))
    t = x @ dt.constant(np.eye(3) + 0.5)
    by_hand = np.exp(t - np.log(np.sum(np.exp(t))))
    v = np.sum(np.tanh(by_hand @ dt.constant(np.eye(3))))
    case = Case.of(v, dt.Box({x: (-1, 1)}))
    facts = case.bounder.facts()
    exponentials = [k for k, n in enumerate(case.bounder.program.relaxed.nodes)
                    if n.op is not None and n.op.name == "exp"]  # fmt: skip
    assert exponentials
    for k in exponentials:
        other = {**facts, "steps": [*facts["steps"], ["sum", k]]}
        assert "not the exponential" in refuses(case, other)


def test_columns_are_of_centres_that_are_there():
    case, facts, _ = matrices()
    for other, at in with_steps(facts, "product"):
        for bad in (1, -1, True, 0.0, "0", None):
            other["steps"][at][1] = bad
            refuses(case, other)
    refuses(case, {**facts, "steps": [*facts["steps"], ["product", 0]]})


@pytest.mark.parametrize("kind", ["matrices", "attention"])
def test_a_negative_multiplier_of_columns_is_refused(kind):
    case = case_of(kind, 1)
    told = data(case, np.random.default_rng(1), 0)
    bound = case.clusters.bound
    assert bound(case.whole(), told, arb(1e9)) < 1e9
    some = np.flatnonzero(~case.free_signs())
    assert some.size
    for k in some:
        p = [*told["p"][:k], -1e-9, *told["p"][k + 1 :]]
        with pytest.raises(NoBound, match="negative"):
            bound(case.whole(), {**told, "p": p}, arb(1e9))


# -- corners ---------------------------------------------------------------------------


def with_corners():
    """Return cases with corners, and the numbers of the steps that have them."""
    cases = [case_of("softmax", seed) for seed in (0, 1, 3)]
    found = [(c, [k for k, s in enumerate(c.clusters.corners) if s]) for c in cases]
    assert all(some for _, some in found)
    return found


def test_what_corners_add_is_never_negative_on_the_simplex():
    rng = np.random.default_rng(6)
    for case, some in with_corners():
        for k in some:
            step, made = case.clusters.corners[k], case.clusters.defining[k]
            n = len(step._terms)
            for trial in range(40):
                kappa = corners(step, rng)
                if kappa is None:
                    continue
                is_corner = trial % 2 == 0
                p = np.eye(n)[trial % n] if is_corner else rng.dirichlet(np.ones(n))
                p = [arb(float(c)) for c in p]
                p = [c / sum(p, arb(0)) for c in p]
                at = dict(zip(step._terms, p, strict=True))
                for square, d in zip(step.squares, made.definitions, strict=True):
                    u = sum([c * at[t] for t, c in d.parts.items()], d.constant)
                    at[square] = u * u
                total = sum([c * at[t] for t, c in step.added(kappa)], arb(0))
                assert total.upper() >= 0
                assert not is_corner or total.contains(0)


def test_weights_of_corners_are_numbers_and_not_negative():
    case, some = with_corners()[0]
    told = data(case, np.random.default_rng(1), 0)
    for k in some:
        kappa = [0.5] * len(case.clusters.corners[k].squares)
        bad = [[*kappa[:-1], x] for x in (-1e-9, *NUMBERS)]
        bad += [kappa[:-1], [*kappa, 0.5], [], {}, 0.5, tuple(kappa), [kappa]]
        for x in [kappa, *bad]:
            changed = [*told["corners"]]
            changed[k] = x
            leaf = {**told, "corners": changed}
            if x is kappa:
                assert case.clusters.bound(case.whole(), leaf, arb(1e9)) < 1e9
                continue
            with pytest.raises(NoBound):
                case.clusters.bound(case.whole(), leaf, arb(1e9))


def test_corners_of_other_steps_are_refused():
    refused = set()
    for kind, seed in (("softmax", 0), ("softmax", 2), ("softmax", 4), ("matrices", 1)):
        case = case_of(kind, seed)
        told = data(case, np.random.default_rng(1), 0)
        for k, made in enumerate(case.clusters.defining):
            if case.clusters.corners[k] is None:
                changed = [None] * len(told["corners"])
                changed[k] = [0.0] * len(made.definitions)
                leaf = {**told, "corners": changed}
                with pytest.raises(NoBound, match="no corners"):
                    case.clusters.bound(case.whole(), leaf, arb(1e9))
                refused.add(type(made).__name__)
    assert refused == {"Coordinates", "SpokeStep", "StepRelation"}
    for told in (None, [], {}, [None]):
        with pytest.raises(NoBound, match="are wanted"):
            nothing = [None] * len(case.clusters.defining)
            p = [0.0] * len(case.free_signs())
            leaf = {"p": p, "energies": nothing, "corners": told}
            case.clusters.bound(case.whole(), leaf, arb(1e9))


X = dt.symbol("x", (3,))
A, B = np.eye(3) + 0.5, np.eye(3) - 0.25


@pytest.mark.parametrize(
    ("summed", "has_corners"),
    [
        (lambda p, q, x: p, True),
        (lambda p, q, x: p - 2.0, True),
        (lambda p, q, x: p * dt.constant([1.0, 2.0, 3.0]), True),
        (lambda p, q, x: p[::-1] + p, True),
        (lambda p, q, x: p + q, False),
        (lambda p, q, x: np.concatenate([p[:2], q[2:]]), False),
        (lambda p, q, x: p + np.tanh(x), False),
        (lambda p, q, x: p * dt.constant([1.0, 0.0, 3.0]), False),
        (lambda p, q, x: np.square(p), False),
        (lambda p, q, x: np.log(p), False),
    ],
)
def test_corners_are_of_all_elements_of_one_softmax(summed, has_corners):
    p, q = dt.softmax(X @ dt.constant(A)), dt.softmax(X @ dt.constant(B))
    u = summed(p, q, X) @ dt.constant(A)
    case = Case.of(np.sum(np.sin(u)), dt.Box({X: (-1, 1)}))
    assert any(c is not None for c in case.clusters.corners) is has_corners


def test_corners_are_of_a_softmax_of_one_row():
    x = dt.symbol("x", (2, 3))
    u = np.sum(dt.softmax(x @ dt.constant(A), axis=-1) @ dt.constant(B), axis=0)
    case = Case.of(np.sum(np.tanh(u)), dt.Box({x: (-1, 1)}))
    assert case.clusters.corners == [None] * len(case.clusters.defining)
    assert not case.clusters.structure.simplices


# -- ranges ----------------------------------------------------------------------------


def test_logarithms_of_a_softmax_lie_within_those_of_its_ranges():
    case = Case.of(np.sum(np.tanh(dt.softmax(X @ dt.constant(A)) @ dt.constant(B))),
                   dt.Box({X: (-1, 1)}))  # fmt: skip
    s = case.clusters.structure
    (first,) = s.shares
    block = next(b for b in s.blocks if b.slots and b.slots[0] == first)
    state = case.clusters.state(case.whole())
    end = 2.5  # of t: the sum of the sizes of a column of A
    least = -np.log1p(2 * np.exp(2 * end))
    most = -np.log1p(2 * np.exp(-2 * end))
    for slot in block.slots:
        assert float(state.low[slot]) == pytest.approx(least, rel=1e-12)
        assert float(state.high[slot]) == pytest.approx(most, rel=1e-12)


def test_ranges_come_from_sums_where_their_hubs_are_made_later():
    """The maximum is known before the function that makes its argument hubs."""
    t = X @ dt.constant(A)
    top = np.maximum(t, X @ dt.constant(B))
    case = Case.of(np.sum(np.sin(top) * np.tanh(t)), dt.Box({X: (-1, 1)}))
    steps = [s[0] for s in case.bounder.facts()["steps"]]
    assert steps.index("free") < steps.index("atom")
    state = case.clusters.state(case.whole())
    free = next(b for b in case.clusters.structure.blocks if b.kind == "free")
    for slot in free.slots:
        assert float(state.high[slot]) == 2.5 and float(state.low[slot]) == -1.25
