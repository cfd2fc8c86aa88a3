"""Right certificates of every kind of leaf and step, and what is true of each."""

import json
import math
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import scipy.special

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.domain.constraints import OneOf, Range, Within
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import free_symbols
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from deuterium.testing.oracle import evaluate_exactly
from tests.certify.forging import (
    certified,
    cut,
    face,
    forged,
    leaf,
    place_below,
    tighten,
)
from tests.certify.test_certificate import CASES as BY_HAND
from tests.certify.test_certificate import unpack

BY_SLOPES = ["mean", "stationary", "curved", "concave"]
KINDS = {
    "leaf": [*BY_SLOPES, "empty", "interval", "norms", "clusters"],
    "steps": ["tighten", "face", "conditions"],
    "ends": ["convex", "convex label"],
    "cut": [""],
}


@dataclass
class Seed:
    """A right certificate, and a number that the supremum is proved not to be below.

    ``sign`` is 1 of a maximum, and -1 of a minimum, where all is of minus the graph.
    """

    name: str
    v: object
    domain: object
    body: dict
    sign: int = 1
    reached: float = field(init=False)

    def __post_init__(self):
        self.body = json.loads(json.dumps(dict(self.body)))
        self.sign = 1 if self.body["sense"] == "maximize" else -1
        v = self.v if self.sign > 0 else -self.v
        point = self.body["witness"]
        point = point or dt.search(v, self.domain, seed=0, starts=8).witness
        assert self.holds(point)
        self.reached = float(self.value(point).lower())
        self.reached = math.nextafter(self.reached, -math.inf)

    @property
    def claim(self):
        """Which field says what is proved."""
        return "upper" if self.sign > 0 else "lower"

    @property
    def other(self):
        return "lower" if self.sign > 0 else "upper"

    def value(self, point):
        """Return the value at a point (of minus the graph), as a ball."""
        x = evaluate_exactly(self.v, {k: np.asarray(p) for k, p in point.items()})
        return (
            x if np.ndim(x) == 0 and not isinstance(x, np.ndarray) else x.item()
        ) * (self.sign)

    def holds(self, point):
        """Return whether a point lies in the domain, exactly."""
        for s in free_symbols([self.v]):
            row = np.broadcast_to(np.asarray(point[s.name], float), s.shape).ravel()
            for c in self.domain.constraints[s.name]:
                if not _holds(c, row, s.shape):
                    return False
        given = {k: np.asarray(p) for k, p in point.items()}
        found = [evaluate_exactly(c, given) for c in self.domain.conditions]
        return all(bool(e == 1) for x in found for e in np.ravel(x))

    def is_false(self, body):
        """Return what is false of a certificate that was believed, or nothing."""
        sign = self.sign
        claim, lower = float(body[self.claim]) * sign, float(body[self.other]) * sign
        if claim < self.reached:
            return f"claims {claim!r}, though {self.reached!r} is reached"
        if lower == -math.inf:
            return ""
        if not self.holds(body["witness"]):
            return "the witness is not in the domain"
        if not float(self.value(body["witness"]).upper()) >= lower:
            return "the witness does not reach what is claimed"
        return ""


def _holds(c, row, shape):
    if isinstance(c, Range):
        ends = (np.broadcast_to(e, shape).ravel() for e in (c.lower, c.upper))
        return all(a <= x <= b for x, a, b in zip(row, *ends, strict=True))
    if isinstance(c, OneOf):
        return any(
            np.array_equal(np.broadcast_to(v, shape).ravel(), row) for v in c.values
        )
    if isinstance(c, Within):
        centre = np.broadcast_to(c.center, shape).ravel()
        away = [Fraction(x) - Fraction(m) for x, m in zip(row, centre, strict=True)]
        if c.order == 2:
            return sum(d * d for d in away) <= Fraction(c.radius) ** 2
        return all(abs(d) <= Fraction(c.radius) for d in away)
    units = row.reshape(-1, shape[-1])
    return bool(np.all((units == 0) | (units == 1)) and np.all(units.sum(axis=1) == 1))


# -- right certificates ----------------------------------------------------------------

x, y = dt.symbol("x"), dt.symbol("y")


def _network(units, activation, loss, seed=1):
    rng = np.random.default_rng(seed)
    p = dt.symbol("p", (1, units[0]))
    h, parameters = p, []
    for m, n in pairwise(units):
        w = dt.constant(2 * rng.normal(size=(m, n)) / np.sqrt(m))
        b = dt.constant(rng.normal(size=n))
        parameters += [w, b]
        h = h @ w + b
        h = activation(h) if len(parameters) < 2 * len(units) - 2 else h
    return dt.norm(dt.grad(loss(h), parameters)), dt.Box({p: (-1, 1)})


def _logistic(h):
    return -scipy.special.log_expit(h)[0, 0]


def _first(h):
    return -dt.log_softmax(h)[0, 0]


def _around():
    """Slopes sharpened around a point: of a face, of a mean value, along a vector."""
    v = x + 0.2 * np.sin(x) * np.cos(y)
    box = dt.Box({x: (-1, 1), y: (-1, 1)})
    nodes = [
        cut(0, 0.5),
        leaf("stationary", along=[1.0, 0.0], around=[0.0, 0.0]),
        cut(0, 0.75),
        leaf("stationary", at=0, around=[0.6, 0.0]),
        cut(1, 0.5),
        leaf("mean", center=[1.0, 0.0], around=[1.0, 0.0]),
        leaf("mean", [("face", {"at": [0], "side": [1], "by": "monotone",
             "around": [0.9, 0.75]})], center=[1.0, 0.75]),
    ]  # fmt: skip
    return forged(v, box, nodes, 1.5), v, box


def _ball_and_table():
    """Labels and a ball: each with what it leaves of a region."""
    p = dt.symbol("p", (2,))
    v = np.tanh(p[0] - p[1]) * y + p[0]
    domain = dt.Ball(p, [0.5, 0.0], 1.0) & dt.Choice(y, [-1, 0.25, 2])
    nodes = [
        cut(2, 0.5),
        leaf(steps=[tighten([2], [-1.0], [0.25])]),
        cut(0, 1.25, [tighten([2], [2.0], [2.0])]),
        leaf(),
        leaf(steps=[tighten([1], [-0.67], [0.67])]),
    ]
    made = forged(v, domain, nodes, 4.0, labels=["y"])
    return made, v, domain


def _falling():
    """One leaf, whose centre may not leave the region."""
    v, box = -np.exp(x) - x, dt.Box({x: (0, 1)})
    return forged(v, box, [leaf("mean", center=[0.5])], -0.25), v, box


def _climbing():
    v, box = x + 0.2 * np.sin(3 * x), dt.Box({x: (0, 1)})
    return forged(v, box, [leaf(steps=[face([0], [1])])], 1.03), v, box


def _parabola():
    """One leaf, where no other would be right."""
    v, box = x * x, dt.Box({x: (-1, 2)})
    return forged(v, box, [leaf()], 4.0), v, box


def _dome():
    v, box = np.cos(x), dt.Box({x: (-1, 1.2)})
    return forged(v, box, [leaf("concave", center=[0.0], basis=[[1.0]])], 1.0), v, box


def _dip():
    v, box = np.cos(x), dt.Box({x: (-1, 4)})
    nodes = [cut(0, 2.0), leaf(), cut(0, 3.5), leaf("curved", along=[1.0]), leaf()]
    return forged(v, box, nodes, 1.0), v, box


def _kink():
    """A slope at the kink of what never goes below it."""
    c = dt.constant(0.0)
    v = 10 * (1 - dt.grad(dt.relu(dt.relu(x) + c), c)) + x
    box = dt.Box({x: (-1, 1)})
    nodes = [cut(1, 0.0), leaf("interval", [tighten([1], [0.0], [0.0])]), leaf()]
    return forged(v, box, nodes, 12.0, places=place_below(v, box, "relu'")), v, box


def _relaxed(log):
    v = np.exp(np.tanh(x + 2 * y)) * (1 + x * x) if log else np.tanh(x + y) + np.sin(x)
    bounder = cluster_bounder_of(Problem(v, dt.Box({x: (-1, 1), y: (0, 1)})))
    assert bounder.logarithm == log

    def half(p):
        told = dict.fromkeys(
            ("energies", "corners"), [None] * len(bounder.layout.rules)
        )
        return leaf("clusters", p=[p] * bounder.layout.multipliers, **told)

    nodes = [
        cut(2, 9.0),
        cut(2, 0.25),
        half(0.0),
        half(0.5),
        leaf("clusters", empty=True),
    ]
    return certified(bounder, nodes, 30.0), v, bounder.problem.domain


def _clustered():
    """Hubs, spokes, energies, and a cut of an atom with a part that is empty."""
    v, domain = _network([2, 3, 1], np.tanh, _logistic)
    bounder = cluster_bounder_of(Problem(v, domain))
    found = bounder.bound(bounder.root(), -np.inf)
    ((method, data),), j = found.proofs, bounder.problem.size
    nodes = [cut(j, 9.0), leaf(method, **data), leaf(method, empty=True)]
    return certified(bounder, nodes, float(found.upper[0])), v, domain


def _least():
    v = np.cosh(x - 0.25) + np.abs(y) - 0.5 * y
    box = dt.Box({x: (-1, 1), y: (-1, 1)})
    return dt.minimize(v, box, rtol=1e-3, time_limit=None, max_regions=50), v, box


def _far():
    """No ends, and functions that are flat there."""
    v = np.tanh(x) + scipy.special.expit(y) - dt.relu(y - 1)
    box = dt.Box({x: (-np.inf, np.inf), y: (-np.inf, 3)})
    return forged(v, box, [cut(0, 0.0), leaf(), leaf()], 2.0), v, box


def _people():
    """Corners, people in order, and an input that is not largest at its ends."""
    one, p, q = dt.symbol("one"), dt.symbol("p", 4), dt.symbol("q", 3)
    v = np.mean(p * np.exp(one)) - one**2 + np.median(q) - np.max(q) / 2
    box = dt.Box({one: (-1, 1), p: (-1, 1), q: (0, 2)})
    return _searched(v + np.prod(p), box, rtol=1e-4, max_regions=100)


def _in_order():
    """People of two numbers each, of whom all values matter: the first are in order."""
    p, q = dt.symbol("p", 3), dt.symbol("q", 3)
    v = np.sum(np.sin(3 * p) * q) / (1 + np.sum(p * p)) - np.max(q) ** 2 / 2
    return _searched(v, dt.Box({p: (0, 1), q: (-1, 1)}), rtol=1e-3)


def _bins():
    """Counts, of which only the places matter where they jump."""
    pair = dt.symbol("pair", 2)
    counts = np.bincount(np.digitize(pair, [0.25, 0.5]), minlength=3)
    v = np.sum(counts**2) * (2 - x**2) - counts[0]
    return _searched(v, dt.Box({pair: (0, 1), x: (-0.5, 0.5)}), rtol=1e-3)


def _limited():
    """Conditions that cut down the inputs, through several operators."""
    p, q = dt.symbol("p", 3), dt.symbol("q")
    domain = dt.Box({p: (0, 9), q: (-9, 9)}) & dt.Where(
        np.sum(p) <= 2, np.square(q) * 2 - p[0] <= 1, np.exp(q) - np.abs(p[1]) <= 9,
        np.maximum(p[2], 2 * p[1]) / (2 + q) <= 1, np.sqrt(p[0]) >= 0.25,
    )  # fmt: skip
    v = np.sum(p * p) - np.square(q - 0.25) * np.exp(q)
    return _searched(v, domain, rtol=0.3)


def _searched(v, domain, **options):
    options = {"time_limit": None, "max_regions": 30, "rtol": 0.02} | options
    return dt.maximize(v, domain, **options), v, domain


MADE = {
    "limited": _limited,
    "people": _people,
    "in order": _in_order,
    "bins": _bins,
    "around": _around,
    "ball and table": _ball_and_table,
    "falling": _falling,
    "climbing": _climbing,
    "parabola": _parabola,
    "dome": _dome,
    "dip": _dip,
    "kink": _kink,
    "logarithm": lambda: _relaxed(True),
    "clusters": _clustered,
    "plain relaxation": lambda: _relaxed(False),
    "least": _least,
    "far": _far,
    "relaxed net": lambda: _searched(
        *_network([3, 4, 1], scipy.special.expit, _logistic), method="clusters"
    ),
    "kinked net": lambda: _searched(
        *_network([2, 3, 1], dt.relu, _logistic), method="clusters"
    ),
    "net by lengths": lambda: _searched(
        *_network([8, 8, 8, 1], np.tanh, _logistic), method="norms", max_regions=3
    ),
    "net by corners": lambda: _searched(
        *_network([8, 8, 3], scipy.special.expit, _first), method="norms", max_regions=1
    ),
    "hessians": lambda: _searched(
        np.sin(3 * x) * np.cos(2 * y) - x * y,
        dt.Box({x: (-2, 2), y: (-2, 2)}),
        method="box", max_regions=200,
    ),
}  # fmt: skip


NAMES = [*[c.__name__ for c in BY_HAND], *MADE]


@cache
def named(name):
    """Return a right certificate."""
    by_hand = {c.__name__: c for c in BY_HAND}
    made, v, domain = unpack(by_hand[name]) if name in by_hand else MADE[name]()
    return Seed(name, v, domain, getattr(made, "certificate", made).body)


def seeds():
    """Return all of them."""
    return [named(name) for name in NAMES]


def used(body):
    """Return the kinds of leaves, steps and ends in a proof."""
    found = set()
    for node in body["proof"]:
        found |= {("steps", s[0]) for s in node.get("steps", ())}
        if "leaf" in node:
            found.add(("leaf", node["leaf"][0]))
        elif "ends" in node:
            found.add(("ends", node["ends"][1][0]))
        else:
            found.add(("cut", ""))
    return found


def sealed_again(body):
    """Return a certificate as a forger writes it; None where it cannot be written."""
    try:
        text = json.dumps({**body, "seal": sealed(body)}, allow_nan=False)
    except ValueError:
        return None
    return Certificate.loads(text)
