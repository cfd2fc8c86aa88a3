"""A second checker of certificates, for functions of single numbers over boxes.

It shares the graph, its derivative and simplification with the first, which are
trusted, and nothing else: not the arithmetic, a rule of it, or the walk.
"""

from functools import partial

from deuterium import ops
from deuterium.domain.constraints import Range
from deuterium.graph.traverse import Graph, free_symbols, topological
from deuterium.optimize.bounders.derivative.monotone_outer import core_of
from deuterium.transform.differentiate import slopes_of
from deuterium.transform.pipeline import dense_over, objective_of
from deuterium.transform.simplify.simplify import simplify
from tests.certify.second.decimal_intervals import (
    INFINITY,
    Arithmetic,
    Decimal,
    Refused,
    require,
)  # fmt: skip
from tests.certify.second.decimal_ranges import Interval, NoPoint, Ranges, Unsupported

AFFINE = {ops.negative, ops.add, ops.subtract, ops.multiply, ops.divide, None}


supported = partial(require, kind=Unsupported)


def number(x):
    return {"inf": INFINITY, "-inf": -INFINITY}[x] if type(x) is str else Decimal(x)


def points(values):
    return [Interval(Decimal(x)) for x in values]


def copied(region):
    return [Interval(x.low, x.high, x.open) for x in region]


def all_within(row, region):
    """Return whether points are those of a region, one for each input or more."""
    return all(map(lambda x, w: w.low <= x.low <= w.high, row, region))


def common(x, y):
    return Interval(max(x.low, y.low), min(x.high, y.high))


class SecondChecker:
    """What one certificate speaks of; a region is a list of intervals."""

    def __init__(self, body, v, domain):
        self.symbols = sorted(free_symbols([v]), key=lambda s: s.name)
        kinds = [c for s in self.symbols for c in domain.constraints[s.name]]
        about = [body["labels"], body["forms"][0]["facts"], domain.conditions]
        about += [s.shape for s in self.symbols]
        plain = all(isinstance(c, Range) for c in kinds) and not any(about)
        supported(plain, "arrays, labels, facts, or a domain that is no box")
        self.body, self.v, self.domain = body, v, domain
        self.rises = body["sense"] == "maximize"
        given = Graph([v if self.rises else -v])
        self.objective = objective_of(dense_over(given, domain), domain)
        order = topological([self.objective])
        self.atoms = [order[i] for i, _ in body["forms"][0]["atoms"]]
        outer = core_of(self.objective, domain).outer
        self.is_core = {x.op for x in topological([outer])} <= AFFINE
        hulls = [domain.hull(s) for s in self.symbols]
        ends = [map(float, (h.lower, h.upper)) for h in hulls]
        self.whole = [Interval(*map(Decimal, pair)) for pair in ends]
        self.size = len(self.whole)
        self.values = Ranges(Arithmetic())
        self.clarke = Ranges(self.values.a, slopes=True)
        self.gradient = self._derivatives([self.objective])
        self._hessian = []

    def _derivatives(self, graphs):
        slopes = [slope for g in graphs for slope in slopes_of(g, self.symbols)]
        return list(simplify(slopes, self.domain))

    def of(self, graphs, region, rules=None, atoms=()):
        """Return the intervals of graphs, and of atoms, all being defined."""
        inputs = dict(zip([s.name for s in self.symbols], copied(region), strict=False))
        return (rules or self.values)(graphs, inputs, atoms)

    def over(self, region):
        """Return the objective's range, and those of the atoms."""
        atoms = [*zip(self.atoms, region[self.size :], strict=True)]
        found = self.of([self.objective], region, atoms=atoms)
        return found[0][0], found[1]

    def derived(self, graphs, region):
        """Return ranges of derivatives; where these have values, F may have none."""
        supported(self.is_core, "a function around a core")
        self.of([self.objective], region)
        return self.of(graphs, region, self.clarke)[0]

    def slopes(self, region, data, at=None):
        """Return slopes over a region, by curvatures around a point if it is given."""
        at = range(self.size) if at is None else at
        plain = self.derived([self.gradient[j] for j in at], region)
        if "around" not in data:
            return plain
        centre = points(data["around"])
        require(all_within(centre, self.whole), "a point outside")
        pairs = zip(region, centre, strict=False)
        hull = [Interval(min(x.low, c.low), max(x.high, c.low)) for x, c in pairs]
        there = self.of(self.gradient, centre, self.clarke)[0]
        bend, sides = self.hessian(hull), self._sides(region, centre)
        change = [self.values.dot(bend[j], sides) for j in at]
        around = map(partial(self.values.of, "add"), [there[j] for j in at], change)
        return [*map(common, plain, around)]

    def _sides(self, region, centre):
        return [*map(partial(self.values.of, "subtract"), region, centre)]

    def hessian(self, region):
        """Return second derivatives: what (i, j) and (j, i) have in common."""
        self._hessian = self._hessian or self._derivatives(self.gradient)
        h, n = self.derived(self._hessian, region), self.size
        rows = [h[i : i + n] for i in range(0, n * n, n)]
        columns = [h[i::n] for i in range(n)]
        return [[*map(common, *pair)] for pair in zip(rows, columns, strict=True)]

    def check(self):
        """Raise Refused unless the proof shows what is claimed."""
        up, down = number(self.body["upper"]), number(self.body["lower"]).copy_negate()
        self.claim = up if self.rises else down
        self._witness()
        root = [[number(x) for x in self.body["root"][e]] for e in ("lower", "upper")]
        ends = [[x.low for x in self.whole], [x.high for x in self.whole]]
        require(root == ends, "the root is not the domain")
        waiting = [self.whole + [Interval(-INFINITY, INFINITY) for _ in self.atoms]]
        for node in self.body["proof"]:
            require(waiting, "nodes after the end")
            region = waiting.pop()
            try:
                waiting += self._visit(node, region and copied(region))[::-1]
            except NoPoint:
                waiting += [] if "leaf" in node else [None, None]
        require(not waiting, "regions left")

    def _witness(self):
        reached = number(self.body["lower" if self.rises else "upper"])
        if not reached.is_finite() and (reached < 0) == self.rises:
            return
        row = points(float(self.body["witness"][s.name]) for s in self.symbols)
        require(all_within(row, self.whole), "a witness outside")
        graphs = [self.v, self.objective if self.rises else -self.objective]
        for rules in (self.values, Ranges(Arithmetic(400))):
            for x in self.of(graphs, row, rules)[0]:
                if x.low >= reached if self.rises else x.high <= reached:
                    return
        raise Refused("the witness does not reach what is claimed")

    def _visit(self, node, region):
        """Check a node; return its children's regions."""
        if region is None:
            raise NoPoint
        some = all(x.low <= x.high for x in region)
        supported(some or node == {"leaf": ["empty", {}]}, "what all is true of")
        for name, data in node.get("steps", ()):
            supported(name in ("face", "tighten"), name)
            getattr(self, "_" + name)(region, data)
        if "leaf" in node:
            rule = getattr(self, f"_leaf_{node['leaf'][0]}", None)
            supported(rule is not None, "a leaf")
            require(rule(node["leaf"][1], region) <= self.claim, "above the claim")
            return []
        other = copied(region)
        if "ends" in node:
            j, (reason, _) = node["ends"]
            supported(reason == "convex", reason)
            require(self.hessian(region)[self._input(j)][j].low >= 0, "not convex")
            self._move(region, j, 0)
            self._move(other, j, 1)
            return [region, other]
        j, at = node["cut"]
        require(type(j) is int and 0 <= j < len(region), "no such coordinate")
        region[j].high = min(number(at), region[j].high)
        if number(at) >= other[j].low:
            other[j].low, other[j].open = number(at), True
        return [region, other]

    def _input(self, j):
        require(type(j) is int and 0 <= j < self.size, "no such input")
        return j

    def _move(self, region, j, side):
        end = region[j].high if side else region[j].low
        require(end.is_finite(), "a face at infinity")
        region[j] = Interval(end)
        for i, atom in enumerate(self.atoms, self.size):
            if self.symbols[j].name in {s.name for s in free_symbols([atom])}:
                region[i] = Interval(-INFINITY, INFINITY)

    def _face(self, region, data):
        at, sides = [self._input(j) for j in data["at"]], data["side"]
        require(data["by"] == "monotone" and len(at) == len(sides), "no face")
        for x, side in zip(self.slopes(region, data, at), sides, strict=True):
            require({1: x.low >= 0, 0: x.high <= 0}.get(side), "not monotone")
        for j, side in zip(at, sides, strict=True):
            self._move(region, j, side)

    def _tighten(self, region, data):
        known = [*self.whole, *(self.over(region)[1] if self.atoms else ())]
        for j, *ends in zip(data["at"], data["lower"], data["upper"], strict=True):
            (low, high), x = map(number, ends), region[j]
            require(low <= max(known[j].low, x.low), "not proved from below")
            require(high >= min(known[j].high, x.high), "not proved from above")
            x.cut_down(Interval(low, high, x.open and low <= x.low))

    def _leaf_interval(self, data, region):
        return self.over(region)[0].high

    def _leaf_enclosure(self, data, region):
        require(data["labels"] == [], "labels")
        graphs = [g if self.rises else -g for g in (self.v, simplify(self.v))]
        graphs.append(self.objective)
        return min(x.high for x in self.of(graphs, region)[0])

    def _leaf_empty(self, data, region):
        if not any(x.low > x.high or (x.open and x.low >= x.high) for x in region):
            self.over(region)
            raise Refused("there may be points")
        return -INFINITY

    def _leaf_mean(self, data, region):
        return self._plane(self.slopes(region, data), region, points(data["center"]))

    def _plane(self, slopes, region, centre):
        """Return what the objective is at most below planes through its value."""
        require(all_within(centre, region) and len(centre) == self.size, "centre")
        (value,), _ = self.of([self.objective], centre)
        change = self.values.dot(slopes, self._sides(region, centre))
        return self.values.of("add", value, change).high

    def _require_ways(self, region, ways):
        """Refuse where an input cannot be moved on, in the domain."""
        ends = [e for x in region[: self.size] for e in (x.low, x.high)]
        require(all(e.is_finite() for e in ends), "not bounded")
        for j, way in ways:
            x, w = region[j], self.whole[j]
            require(x.high < w.high if way > 0 else x.low > w.low, "no way there")

    def _leaf_stationary(self, data, region):
        if "along" in data:
            along = points(data["along"])
            total = self.values.dot(along, self.slopes(region, data))
            require(total.low > 0, "no way to rise")
            ways = [(j, p.low) for j, p in enumerate(along) if p.low]
        else:
            (x,) = self.slopes(region, data, [self._input(data["at"])])
            require(x.low > 0 or x.high < 0, "no way to rise")
            ways = [(data["at"], x.low)]
        self._require_ways(region, ways)
        return -INFINITY

    def _leaf_curved(self, data, region):
        along = points(data["along"])
        active = [j for j, p in enumerate(along) if p.low]
        self._require_ways(region, [(j, way) for j in active for way in (1, -1)])
        bent = [self.values.dot(row, along) for row in self.hessian(region)]
        require(self.values.dot(along, bent).low > 0, "not curved")
        return -INFINITY

    def _leaf_concave(self, data, region):
        h, dot = self.hessian(region), self.values.dot
        free = [j for j in range(self.size) if region[j].low < region[j].high]
        columns = [points(row) for row in zip(*data["basis"], strict=True)]
        require({len(c) for c in [columns, *columns]} <= {len(free)}, "a basis")
        for k, c in enumerate(columns):
            bent = [dot([h[i][j] for j in free], c) for i in free]
            row = [dot(other, bent) for other in columns]
            rest = sum(x.sizes[1] for x in row[:k] + row[k + 1 :])
            require(row[k].high < -rest * Decimal("1.000001"), "not concave")
        slopes = self.of(self.gradient, points(data["center"]))[0]
        return self._plane(slopes, region, points(data["center"]))
