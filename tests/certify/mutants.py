"""Changes of certificates: fields, numbers, nodes and claims, drawn at random."""

import copy
import math
from contextlib import suppress

import numpy as np

from deuterium.graph.traverse import free_symbols
from tests.certify.right_proofs import KINDS

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
    ["clusters", {"p": [], "energies": []}],
    ["clusters", {"empty": True}],
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
