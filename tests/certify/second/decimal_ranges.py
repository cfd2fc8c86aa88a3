"""Ranges of a graph's elements over a box, in decimals, by the operators' names."""

from deuterium import ops
from deuterium.graph.traverse import topological
from tests.certify.second.decimal_intervals import (
    FUNCTIONS,
    HALF,
    INFINITY,
    ONE,
    TWO,
    ZERO,
    Decimal,
    NoPoint,
    Refused,
    Unsupported,
)  # fmt: skip


class Interval:
    """Two ends, of which the lower one may be left out."""

    __slots__ = ("high", "low", "open")

    def __init__(self, low, high=None, is_open=False):
        high = low if high is None else high
        self.low = -INFINITY if low.is_nan() else low
        self.high = INFINITY if high.is_nan() else high
        self.open = is_open

    @property
    def sizes(self):
        """The least and the largest absolute value."""
        p, q = self.low.copy_abs(), self.high.copy_abs()
        return (ZERO if self.low <= 0 <= self.high else min(p, q)), max(p, q)

    def cut_down(self, to):
        """Be no wider than another interval."""
        if to.low > self.high or to.high < self.low:
            raise NoPoint
        self.open = to.open if to.low >= self.low else self.open
        self.low, self.high = max(to.low, self.low), min(to.high, self.high)


NAMES = {ops.step.name: "step"}
HILLS = {"expit_slope", "tanh_slope"}  # even, and falling away from zero
DOMAINS = {"sqrt": (ZERO, True), "log": (ZERO, False), "log1p": (-ONE, False)}


class Ranges:
    """Ranges by the rules of one arithmetic; with both slopes at kinks if asked."""

    def __init__(self, arithmetic, slopes=False):
        self.a, self.slopes = arithmetic, slopes

    def __call__(self, outputs, inputs, atoms=()):
        """Return the intervals of some nodes, given those of all symbols by name.

        ``atoms`` are pairs of a node and what it is cut down to where it is met.
        """
        found = {}
        for node in topological([*outputs, *(v for v, _ in atoms)]):
            if node.shape:
                raise Unsupported("arrays")
            args = [found[x] for x in node.args]
            if node.op is not None:
                found[node] = self.of(node.op.name, *args, **node.attrs)
            elif node.is_symbol:
                found[node] = inputs[node.name]
            else:
                x = node.value if type(node.value) is int else float(node.value)
                found[node] = Interval(Decimal(x))
            for _, to in (a for a in atoms if a[0] is node):
                found[node].cut_down(to)
        return [found[v] for v in outputs], [found[v] for v, _ in atoms]

    def dot(self, row, column):
        """Return a sum of products."""
        total = Interval(ZERO)
        for x, y in zip(row, column, strict=False):
            total = self.of("add", total, self.of("multiply", x, y))
        return total

    def of(self, name, *args, **attrs):
        """Return the interval of an operator on elements."""
        rule = getattr(self, "_" + NAMES.get(name, name), None)
        if rule is None and name not in FUNCTIONS:
            raise Unsupported(name)
        found = rule(*args, **attrs) if rule else self._function(name, *args)
        return Interval(*found)

    def _function(self, name, x):
        ends = x.sizes[::-1] if name in HILLS else (x.low, x.high)
        if name in DOMAINS:
            least, closed = DOMAINS[name]
            if not (x.low >= least if closed else x.low > least):
                raise Refused(f"{name} of what may be {least}")
        return self.a.value(name, ends[0], False), self.a.value(name, ends[1], True)

    def _negative(self, x):
        return x.high.copy_negate(), x.low.copy_negate()

    def _add(self, x, y):
        down, up = self.a.sides
        return down.add(x.low, y.low), up.add(x.high, y.high)

    def _subtract(self, x, y):
        return self._add(x, Interval(*self._negative(y)))

    def _multiply(self, x, y):
        if x is y:
            return self._square(x)
        pairs = [(p, q) for p in (x.low, x.high) for q in (y.low, y.high)]
        low = min(self.a.times(*pair, up=False) for pair in pairs)
        return low, max(self.a.times(*pair, up=True) for pair in pairs)

    def _square(self, x):
        return self._integer_power(x, 2)

    def _reciprocal(self, x):
        return self._divide(Interval(ONE), x)

    def _divide(self, x, y):
        if y.low <= 0 <= y.high:
            raise Refused("division by what may be zero")
        pairs = [(p, q) for p in (x.low, x.high) for q in (y.low, y.high)]
        if not all(e.is_finite() for pair in pairs for e in pair):
            raise Unsupported("a quotient of infinities")
        down, up = self.a.sides
        return min(down.divide(*p) for p in pairs), max(up.divide(*p) for p in pairs)

    def _integer_power(self, x, n):
        if n < 0:
            return self._reciprocal(Interval(*self._integer_power(x, -n)))
        if n % 2 == 0:
            p, q = x.sizes
            return self.a.power(p, n, False), self.a.power(q, n, True)
        return tuple(
            self.a.power(e.copy_abs(), n, up == (e > 0)).copy_sign(e)
            for e, up in ((x.low, False), (x.high, True))
        )

    def _relu(self, x):
        return max(x.low, ZERO), max(x.high, ZERO)

    def _step(self, x):
        """Return the slope of relu: as a value, or as a slope with both at its kink."""
        above = x.low > 0 or (x.open and x.low >= 0 and not self.slopes)
        below = x.high < 0 if self.slopes else x.high <= 0
        return ONE if above else ZERO, ZERO if below else ONE

    def _sin(self, x, quarter=0):
        """Return the range of what is largest at ``(1/2 - quarter/2 + 2 k) pi``."""
        ends, top = (x.low, x.high), HALF * (1 - quarter)
        low = min(self.a.sine(e, quarter, False) for e in ends)
        high = max(self.a.sine(e, quarter, True) for e in ends)
        low = -ONE if self._may_hold(x, top + 1) else low
        return low, ONE if self._may_hold(x, top) else high

    def _cos(self, x):
        return self._sin(x, 1)

    def _may_hold(self, x, at):
        """Return whether some ``(at + 2 k) pi`` may lie in an interval."""
        if not x.sizes[1] < 10**12:
            return True
        ends = [self.a.near.divide(e, self.a.pi) for e in (x.low, x.high)]
        first, last = ((e - at) / TWO for e in ends)
        room = Decimal("1e-14")  # of 28 digits, 12 before the point
        return (first - room).to_integral_value("ROUND_CEILING") <= last + room
