"""Right certificates of every kind of leaf and step, and changed ones made of them."""

import copy
import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import scipy.special
from forging import cut, face, forged, leaf, place_below, tighten
from test_certificate import CASES as BY_HAND
from test_certificate import unpack

import deuterium as dt
from deuterium.bound.certificate import Certificate
from deuterium.bound.check.record import sealed
from deuterium.bound.domain import OneOf, Range, Within
from deuterium.graph.traverse import free_symbols
from deuterium.testing.oracle import evaluate_exactly

BY_SLOPES = ["mean", "stationary", "curved", "concave"]
KINDS = {
    "leaf": [*BY_SLOPES, "empty", "interval", "relax", "norms"],
    "steps": ["tighten", "face"],
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
        return True

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
        leaf("relax", p=[0.0]),
        leaf(steps=[tighten([1], [-0.67], [0.67])]),
    ]
    made = forged(v, domain, nodes, 4.0, facts={"log": False}, labels=["y"])
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
    box = dt.Box({x: (-1, 1), y: (0, 1)})
    nodes = [cut(2, 0.25), leaf("relax", p=[0.0]), leaf("relax", p=[0.5])]
    nodes += [cut(2, 9.0), *nodes, leaf("relax", empty=True)]
    atoms = place_below(v, box, "tanh")
    made = forged(v, box, nodes[3:], 30.0, facts={"log": log}, places=atoms)
    return made, v, box


def _least():
    v = np.cosh(x - 0.25) + np.abs(y) - 0.5 * y
    box = dt.Box({x: (-1, 1), y: (-1, 1)})
    return dt.minimize(v, box, rtol=1e-3, time_limit=None, max_regions=50), v, box


def _far():
    """No ends, and functions that are flat there."""
    v = np.tanh(x) + scipy.special.expit(y) - dt.relu(y - 1)
    box = dt.Box({x: (-np.inf, np.inf), y: (-np.inf, 3)})
    return forged(v, box, [cut(0, 0.0), leaf(), leaf()], 2.0), v, box


def _searched(v, domain, **options):
    options = {"time_limit": None, "max_regions": 30, "rtol": 0.02} | options
    return dt.maximize(v, domain, **options), v, domain


MADE = {
    "around": _around,
    "ball and table": _ball_and_table,
    "falling": _falling,
    "climbing": _climbing,
    "parabola": _parabola,
    "dome": _dome,
    "dip": _dip,
    "kink": _kink,
    "logarithm": lambda: _relaxed(True),
    "plain relaxation": lambda: _relaxed(False),
    "least": _least,
    "far": _far,
    "relaxed net": lambda: _searched(
        *_network([3, 4, 1], scipy.special.expit, _logistic), method="relax"
    ),
    "kinked net": lambda: _searched(
        *_network([2, 3, 1], dt.relu, _logistic), method="relax"
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


# -- changes ---------------------------------------------------------------------------

FIELDS = ["proof"] * 8 + [
    "upper", "lower", "witness", "forms", "labels", "root", "root", "root", "domain",
    "sense", "graph", "objective",
]  # fmt: skip
ODD = [
    0, 0.0, -0.0, 1, -1, 0.5, 1e-300, -1e-300, 5e-324, 1e300, 2**53 + 1, 10**20, "inf",
    "-inf", "1", None, True, False, [], {}, [0.0], "empty",
]  # fmt: skip
BARE = [
    ["interval", {}],
    ["empty", {}],
    ["relax", {"p": []}],
    ["relax", {"empty": True}],
]


def places(x, path=()):
    """Return the paths to everything in some contents."""
    found = [path] if path else []
    pairs = x.items() if isinstance(x, dict) else ()
    pairs = enumerate(x) if isinstance(x, list) else pairs
    for key, e in pairs:
        found += places(e, (*path, key))
    return found


def _at(x, path):
    for key in path:
        x = x[key]
    return x


class Mutator:
    """Draws changes of a certificate."""

    def __init__(self, rng, donors):
        self.rng, self.donors = rng, donors

    def choose(self, things):
        return things[int(self.rng.integers(len(things)))]

    def __call__(self, seed):
        """Return contents changed in a few places; often claiming too little."""
        body = copy.deepcopy(seed.body)
        kind = self.rng.random()
        if kind < 0.6:
            self._less(seed, body)
        elif kind < 0.75:
            self._more(seed, body)
        for _ in range(int(self.rng.choice([1, 1, 1, 2, 3, 6]))):
            ways = [self._field, self._tune, self._tune, self._node, self._tree]
            change = self.choose(ways)
            with suppress(AttributeError, IndexError, KeyError, TypeError, ValueError):
                change(body)  # what the last one broke may not be there
        return body

    def _less(self, seed, body):
        """Claim less than what is reached: by an ulp, by a little or by much."""
        size = max(abs(seed.reached), 1.0)
        less = self.choose([0.0, 1e-12, 1e-6, 1e-3, 0.1, 1.0]) * size
        below = math.nextafter(seed.reached - less, -math.inf)
        body[seed.claim] = below * seed.sign
        body[seed.other] = "-inf" if seed.sign > 0 else "inf"

    def _more(self, seed, body):
        """Claim that more is reached, at another point."""
        ends = body["root"]["lower"], body["root"]["upper"]
        far = [float(self.choose(e)) for e in zip(*ends, strict=True)]
        far = [math.nextafter(e, self.choose([-9.0, 9.0, e])) for e in far]
        far = [e + self.choose([0.0, 0.0, 1e-6, 0.5]) for e in far]
        start, point = 0, {}
        for s in sorted(free_symbols([seed.v]), key=lambda s: s.name):
            row = far[start : start + s.size]
            point[s.name] = np.reshape(row, s.shape).tolist()
            start += s.size
        if np.isfinite(far).all():
            value = seed.value(point)
            if value.is_finite():
                less = self.choose([0.0, 1e-9])
                body[seed.other] = (float(value.lower()) - less) * seed.sign
            body["witness"] = point

    def _field(self, body):
        name = self.choose(FIELDS)
        paths = places(body[name]) or [()]
        # deep ones as often as those above them
        path = (name, *self.choose(paths))
        place = body
        for key in path[:-1]:
            place = place[key]
        key = path[-1]
        kinds = [self._number, self._odd, self._other]
        kinds += (
            [self._drop, self._double, self._swap] if isinstance(place, list) else []
        )
        self.choose(kinds)(place, key)

    def _tune(self, body):
        """Change a few numbers of one node, as a forger looks for those that pass."""
        node = self.choose(body["proof"])
        paths = [p for p in places(node) if isinstance(_at(node, p), (int, float))]
        for _ in range(int(self.rng.integers(1, 4))):
            path = self.choose(paths)
            place, e = _at(node, path[:-1]), _at(node, path)
            if isinstance(e, int):
                place[path[-1]] = int(self.rng.integers(3))
            else:
                by = float(self.rng.normal()) * 10.0 ** self.rng.integers(-3, 2)
                place[path[-1]] = self.choose([e + by, e * (1 + by), -e, by])

    def _number(self, place, key):
        e = place[key]
        if isinstance(e, bool) or not isinstance(e, (int, float)):
            self._odd(place, key)
        elif isinstance(e, int) and self.rng.random() < 0.7:
            place[key] = e + self.choose([-1, 1, 2, -2])
        else:
            ulp = math.nextafter(e, self.choose([-math.inf, math.inf]))
            by = self.choose([-1.0, 2.0, 0.5, 0.999, 1.001, 1e6, 1e-6, 0.0])
            place[key] = self.choose([ulp, e * by, e * by, e + by, round(float(e), 1)])

    def _odd(self, place, key):
        place[key] = copy.deepcopy(self.choose(ODD))

    def _other(self, place, key):
        """Put in what stands elsewhere in its place."""
        donor = self.choose(self.donors).body["proof"]
        path = self.choose(places(donor))
        for k in path:
            donor = donor[k]
        place[key] = copy.deepcopy(donor)

    def _drop(self, place, key):
        del place[key]

    def _double(self, place, key):
        place.insert(key, copy.deepcopy(place[key]))

    def _swap(self, place, key):
        other = int(self.rng.integers(len(place)))
        place[key], place[other] = place[other], place[key]

    def _node(self, body):
        """Give a node another leaf, or other steps."""
        node = self.choose(body["proof"] or [{}])
        donor = self._donor(body)
        if self.rng.random() < 0.4 and isinstance(node, dict):
            steps = donor.get("steps", []) if isinstance(donor, dict) else []
            node["steps"] = copy.deepcopy(self.choose([steps, [], steps + steps]))
        elif isinstance(node, dict) and "leaf" in node:
            node["leaf"] = self._leaf(body)

    def _donor(self, body):
        """Return another node: of this proof, or of any."""
        own = body["proof"] if self.rng.random() < 0.5 else []
        return self.choose(own or self.choose(self.donors).body["proof"])

    def _leaf(self, body):
        donor = self._donor(body)
        bare = self.rng.random() < 0.4 or "leaf" not in donor
        return copy.deepcopy(self.choose(BARE) if bare else donor["leaf"])

    def _tree(self, body):
        """Cut a leaf in two, close a subtree, or move a cut to where it matters."""
        proof = body["proof"]
        if not proof or not all(isinstance(n, dict) for n in proof):
            return
        i = int(self.rng.integers(len(proof)))
        if "leaf" in proof[i]:
            n = len(body["root"]["lower"]) + len(body["forms"][0]["atoms"])
            j = int(self.rng.integers(n + 1))
            at = self.choose(
                [0.0, -0.0, -5.0, 5.0, 0.5, 1e-300, float(self.rng.normal())]
            )
            halves = [copy.deepcopy(proof[i]), copy.deepcopy(proof[i])]
            if self.rng.random() < 0.7:
                hidden = self.choose(halves)
                hidden["leaf"] = self._leaf(body)
            reason = [self.choose(KINDS["ends"]), {}]
            parts = (
                {"cut": [j, at]} if self.rng.random() < 0.7 else {"ends": [j, reason]}
            )
            proof[i : i + 1] = [parts, *halves]
        elif self.rng.random() < 0.5:
            open_, k = 1, i
            while open_ and k < len(proof):
                open_ += -1 if "leaf" in proof[k] else 1
                k += 1
            proof[i:k] = [{"leaf": self._leaf(body)}]
        elif "cut" in proof[i]:
            proof[i]["cut"] = [proof[i]["cut"][0], self.choose([0.0, -0.0, -9.0, 9.0])]
