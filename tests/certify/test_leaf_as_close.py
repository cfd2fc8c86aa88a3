"""Wherever `enclose` has an end, the checker's leaf has one as close: zero tolerance.

A proof that only says what the enclosure says may not be refused, however far out,
small or close to what is reached.
"""

import numpy as np
import pytest
from flint import arb, ctx
from scipy import special

import deuterium as dt
from deuterium.certify.checker import proof_objective
from deuterium.certify.checker.enclosure_leaf import GivenGraph
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.verify import BITS
from deuterium.enclose.enclose import enclose, enumerated
from deuterium.errors import DeuteriumError
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.graph.traverse import free_symbols
from deuterium.ops import logic
from tests.adversary.test_adversary import ATTRIBUTES
from tests.amounts import draws
from tests.enclose import array_problems

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def refused(v, domain):
    """Return the ends of an enclosure that the checker's leaf does not prove."""
    iv = enclose(v, domain)
    if iv.cause is not None and iv.cause.kind == "undefined":
        return []
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    found = []
    with ctx.workprec(BITS):
        inputs = ProofInputs(symbols, domain)
        for rises in (True, False):
            claim = float(iv.upper) if rises else -float(iv.lower)
            if np.isfinite(claim) and not _is_proved(v, inputs, rises, arb(claim)):
                found.append(claim)
    return found


def _is_proved(v, inputs, rises, claim):
    objective = proof_objective.derived(v, inputs, rises)
    given = GivenGraph(v, objective, inputs, rises)
    region = Region(list(inputs.least), list(inputs.most), [False] * len(inputs.least))
    try:
        return given.bound(
            region, enumerated(inputs.symbols, inputs.domain), claim
        ) <= (claim)
    except NoBound:
        return False


A, B, ROW = dt.symbol("a"), dt.symbol("b"), dt.symbol("row", shape=(4,))
WIDE_ROW = dt.symbol("wide", shape=(30,))
POSITIVE = np.abs(np.random.default_rng(1).normal(size=(4, 5)))
MANY = np.abs(np.random.default_rng(2).normal(size=(30, 25)))
POWER_LOG = OPERATORS["power_log"]
GRID, COSINE = dt.symbol("grid", shape=(4, 5)), OPERATORS["direction_cosine"]
INF = np.inf
AS_CLOSE = {
    "a sign that a fast step keeps": (
        np.sum(np.tanh(np.sin(GRID) + 2 * COSINE(dt.relu(GRID), np.square(GRID)) - 1)),
        {GRID: (-1, 2)},
    ),
    "a softmax far out": (dt.softmax(1e155 * ROW)[0] + 1, {ROW: (np.arange(4.0),) * 2}),
    "a softmax of many far out": (
        np.max(dt.softmax(1e155 * WIDE_ROW)[1:]), {WIDE_ROW: (-np.arange(30.0),) * 2},
    ),
    "a softmax of one": (np.sum(dt.softmax(A.reshape((1,)))), {A: (1, 2)}),
    "a product without an end": (
        np.sum(np.sqrt(np.abs(ROW) @ POSITIVE)), {ROW: (0, INF)},
    ),
    "a large product's sign": (
        np.sum(np.sqrt(dt.relu(WIDE_ROW) @ MANY)), {WIDE_ROW: (-1, 1)},
    ),
    "a power that overflows": (1 / np.power(1e300 * A, 1e300 * A), {A: (1, 2)}),
    "a Bessel function": (np.arctan(np.i0(A)), {A: (-INF, -1e300)}),
    "a curvature": (OPERATORS["expit''"](np.cosh(A)), {A: (1e3, 1e100)}),
    "curve and curvature": (
        OPERATORS["tanh''"](1e160 * A) + OPERATORS["tanh"](1e160 * A), {A: (1, 2)},
    ),
    "a tail's slope": (dt.grad(special.log_ndtr(A), A), {A: (-1e160, -1e5)}),
    "one over one and less than any ball": (1 / (1 + A**4), {A: (5e-324, 1)}),
    "an exponential all but one": (np.exp(-special.expit(A)), {A: (-1e4, -1e3)}),
    "a remainder far out": (
        np.exp(-np.remainder(A, B)), {A: (-1, -1), B: (1e300, INF)},
    ),
    "an angle far out": (np.arctan2(A, B), {A: (-1e160, -1e160), B: (-INF, -1e300)}),
    "a whole number": (np.floor(A), {A: (1e100, 1.0000000000000012e100)}),
    "a quotient of exponentials": (
        1 / OPERATORS["exp_difference"](A, B, m=2, n=1), {A: (1e300,) * 2, B: (-9, 1)},
    ),
    "a power without end": (
        np.sqrt(POWER_LOG(A, B, n=2)), {A: (1e-300, 1e160), B: (0.3, INF)},
    ),
    "a falling power without end": (
        np.sqrt(POWER_LOG(A, B, n=2)), {A: (1e8, 1e160), B: (-INF, -3)},
    ),
    "an exponent next to nothing": (
        np.arctan(POWER_LOG(A, B, n=2)), {A: (1e160, 1e160), B: (-5e-324, -5e-324)},
    ),
    "a quotient of logarithms without end": (
        np.arctan(OPERATORS["log_difference"](A, B, m=2, n=2)),
        {A: (0.3, 1e20), B: (1e8, INF)},
    ),
    "a softmax beside one without end": (
        dt.softmax(1e160 * ROW - 0.3)[1],
        {ROW: ([1.3e20, 1e20, 1.7e20, 0], [INF, 1e20, 1.7e20, 0])},
    ),
    "an entropy next to nothing": (
        special.entr(special.entr(1 + 1e-160 * A)), {A: (-1, 0)},
    ),
    "one less next to nothing": (1 / (1 - A), {A: (5e-324, 1e-300)}),
    "a negation next to nothing": (1 / logic.logical_not(A), {A: (5e-324, 1e-300)}),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_CLOSE)
def test_what_enclose_says_is_proved(name):
    v, box = AS_CLOSE[name]
    assert not refused(v, dt.Box(box))


FAR = [0.0, 5e-324, 1e-300, 1e-20, 0.3, 0.5, 1.0, 3.0, 700.0, 1e8, 1e20, 1e160, 1e300]
OUTSIDE = [
    lambda v: v, np.tanh, lambda v: 1 / (1 + np.square(v)), np.sqrt, np.log,
    lambda v: np.exp(-np.abs(v)), lambda v: v * 0.0 + np.arctan(v), lambda v: 1 / v,
]  # fmt: skip


def _ends(rng):
    a, b = rng.choice([-1, 1], 2) * rng.choice(FAR, 2)
    b = rng.choice([a, a * (1 + 1e-15), b, -INF, INF])
    return min(a, b), max(a, b)


def around(name, seed):
    """Return a function of an operator, over a box with ends of every size."""
    rng = np.random.default_rng([seed, *name.encode()])
    op = OPERATORS[name]
    attrs = ATTRIBUTES.get(name, {})
    attrs = {"n": int(rng.integers(-4, 6))} if name == "integer_power" else attrs
    names = "aaa" if rng.random() < 0.2 else "abc"
    inputs = [dt.symbol(n) for n in names[: op.arity]]
    v = OUTSIDE[rng.integers(len(OUTSIDE))](apply(op, tuple(inputs), attrs))
    return v, dt.Box({s: _ends(rng) for s in free_symbols([v])})


ALONE = [name for name, op in OPERATORS.items() if op.elementwise and op.arity]
ALONE.remove("on_domain")  # which is never met where it has no value


@pytest.mark.drawn
def test_what_enclose_says_of_every_operator_is_proved():
    for seed in range(draws(2, 60)):
        for name in ALONE:
            try:
                v, domain = around(name, seed)
            except DeuteriumError:  # folded to no number
                continue
            assert not free_symbols([v]) or not refused(v, domain), (name, seed)


@pytest.mark.drawn
def test_what_enclose_says_of_random_arrays_is_proved():
    for seed in range(draws(24, 2000)):
        v, s, (low, high) = array_problems.problem(seed)
        if free_symbols([v]):
            assert not refused(np.sum(v), dt.Box({s: (low, high)})), seed


def test_a_number_that_no_ball_tells_is_at_most_one():
    v, domain = special.expit(np.square(dt.constant(-1e308))), dt.Box({})
    for found in (dt.maximize(v, domain), dt.minimize(v, domain)):
        assert found.certificate.verify(v, domain)
