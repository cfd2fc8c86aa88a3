"""Every vector of the IEEE 1788 test suite (libieeep1788) for the operators we have."""

import math
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium.graph import OPERATORS
from deuterium.interval import Interval, interval_arithmetic, scalar

FILE = Path(__file__).parents[1] / "data" / "itf1788" / "libieeep1788_elem.itl"

INF = np.inf
ENTIRE = (-INF, INF)
NAMES = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide",
    "neg": "negative", "recip": "reciprocal", "sqr": "square", "sqrt": "sqrt",
    "pow": "power", "pown": "integer_power", "exp": "exp", "exp2": "exp2", "log": "log",
    "log2": "log2", "log10": "log10", "sin": "sin", "cos": "cos", "tan": "tan",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "sign": "sign", "abs": "absolute", "min": "minimum",
    "max": "maximum",
}  # fmt: skip
CORRECTLY_ROUNDED = {
    "neg", "add", "sub", "mul", "div", "recip", "sqr", "sqrt", "abs", "min", "max",
}  # fmt: skip
# how many vectors with ordinary inputs there are at least, by name
FLOORS = {
    "pos": 9, "neg": 10, "add": 25, "sub": 25, "mul": 100, "div": 250, "recip": 18,
    "sqr": 11, "sqrt": 9, "pown": 150, "pow": 1200, "exp": 15, "exp2": 14, "log": 13,
    "log2": 13, "log10": 13, "sin": 50, "cos": 50, "tan": 60, "asin": 15, "acos": 15,
    "atan": 11, "sinh": 11, "cosh": 11, "tanh": 11, "asinh": 11, "acosh": 13,
    "atanh": 17, "sign": 10, "abs": 12, "min": 11, "max": 11,
}  # fmt: skip


class Vector:
    """One line: the operator, inputs (pairs, or an exponent), the tightest result."""

    def __init__(self, name, inputs, result, decoration):
        self.name, self.inputs, self.result = name, inputs, result
        self.decoration = decoration

    def __repr__(self):
        return f"{self.name} {self.inputs} = {self.result}_{self.decoration}"


def _number(text):
    text = text.strip().lower()
    if text.lstrip("+-") in ("infinity", "inf"):
        return -INF if text.startswith("-") else INF
    return float.fromhex(text) if "0x" in text else float(text)


def _interval(text):
    """Return a pair of ends, "empty" or "nai"."""
    inside = text[1 : text.index("]")].strip().lower()
    if inside in ("empty", "nai"):
        return inside
    if inside == "entire":
        return ENTIRE
    ends = [_number(t) for t in inside.split(",")]
    return ends[0], ends[-1]


_TOKEN = re.compile(r"\[[^\]]*\](?:_[a-z]+)?|[-+]?\d+")


@cache
def vectors():
    """Return the vectors with ordinary inputs by name, and a count of the skipped."""
    text = re.sub(r"/\*.*?\*/", "", FILE.read_text(), flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    kept, skipped = {}, Counter()
    for body in re.findall(r"testcase \w+ \{(.*?)\}", text, flags=re.S):
        for line in filter(None, map(str.strip, body.split(";"))):
            name, rest = line.split(None, 1)
            if name not in NAMES and name != "pos":
                continue
            left, right = rest.split("=")
            tokens = _TOKEN.findall(left)
            inputs = [_interval(t) if t[0] == "[" else int(t) for t in tokens]
            if any(isinstance(i, str) for i in inputs):
                skipped[name] += 1
                continue
            decoration = right.rpartition("_")[2].strip() if "_" in right else None
            vector = Vector(name, inputs, _interval(right.strip()), decoration)
            kept.setdefault(name, []).append(vector)
    return kept, skipped


def _arrays(pair):
    return Interval.unchecked(np.asarray(pair[0]), np.asarray(pair[1]))


def _apply(name, inputs, make):
    if name == "pos":
        return make(inputs[0])
    op = OPERATORS[NAMES[name]]
    with np.errstate(all="ignore"):
        if name == "pown":
            return op.enclosure(make(inputs[0]), n=inputs[1])
        return op.enclosure(*[make(i) for i in inputs])


def _leaves_domain(v):
    """Return whether some point of the input is outside the domain, or a pole."""
    a, *rest = v.inputs
    low, high = a
    if v.name == "div":
        return rest[0][0] <= 0 <= rest[0][1]
    if v.name == "recip":
        return low <= 0 <= high
    if v.name == "pown":
        return rest[0] < 0 and low <= 0 <= high
    if v.name == "pow":
        first, last = rest[0]
        if first == last and first.is_integer():  # as x**n, which knows 0**0 = 1
            return first < 0 and low <= 0 <= high
        return low < 0 or (low == 0 and first < 0)  # 0**0 is 1 to us, to them nothing
    if v.name == "tan":
        return _has_tangent_pole(low, high)
    start, end, closed = {
        "sqrt": (0, INF, True),
        "log": (0, INF, False),
        "log2": (0, INF, False),
        "log10": (0, INF, False),
        "asin": (-1, 1, True),
        "acos": (-1, 1, True),
        "acosh": (1, INF, True),
        "atanh": (-1, 1, False),
    }.get(v.name, (-INF, INF, True))
    if closed:
        return low < start or high > end
    return low <= start or (high >= end and end < INF)


def _has_tangent_pole(low, high):
    flint = pytest.importorskip("flint")
    if high - low >= 4:
        return True
    with flint.ctx.workprec(2000):
        half = flint.arb(1) / 2
        first, last = (
            (flint.arb(x) / flint.arb.pi() - half).floor() for x in (low, high)
        )
        assert first.is_exact() and last.is_exact()
        return first != last


def _check(v, low, high):
    undefined = np.isnan(low) or np.isnan(high)
    if undefined:
        assert np.isnan(low) and np.isnan(high), v
        assert _leaves_domain(v), f"{v}: undefined although all is well"
        assert v.decoration in (None, "trv"), v
        return
    assert not _leaves_domain(v), f"{v}: finite although the domain is left"
    if v.result == "empty":  # an integer power of what is not positive
        assert v.name == "pow" and v.inputs[1][0] == v.inputs[1][1], v
        return
    least, greatest = v.result
    assert low <= least, f"{v}: got lower {low!r}"
    assert high >= greatest, f"{v}: got upper {high!r}"
    if v.name in CORRECTLY_ROUNDED or v.name == "pos":
        assert low >= math.nextafter(least, -INF), f"{v}: got lower {low!r}"
        assert high <= math.nextafter(greatest, INF), f"{v}: got upper {high!r}"


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_array_rules(name):
    for v in vectors()[0][name]:
        result = _apply(name, v.inputs, _arrays)
        _check(v, float(result.lower), float(result.upper))


@pytest.mark.parametrize("name", sorted(set(FLOORS) - {"pos", "pown"}))
def test_one_batch(name):
    group = vectors()[0][name]
    columns = [np.array(c) for c in zip(*[v.inputs for v in group], strict=True)]
    args = [Interval.unchecked(c[:, 0], c[:, 1]) for c in columns]
    with np.errstate(all="ignore"):
        result = OPERATORS[NAMES[name]].enclosure(*args)
    for v, low, high in zip(group, result.lower, result.upper, strict=True):
        _check(v, low, high)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "sqr"])
def test_scalar_rules(name):
    rule = {
        "add": scalar.add,
        "sub": scalar.subtract,
        "mul": scalar.multiply,
        "sqr": scalar.square,
    }[name]
    assert rule is not getattr(interval_arithmetic, rule.__name__)
    for v in vectors()[0][name]:
        result = rule(*[Interval.unchecked(*i) for i in v.inputs])
        assert type(result.lower) is float and type(result.upper) is float
        _check(v, result.lower, result.upper)


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_enclose_of_one_node(name):
    x, y = dt.symbol("x"), dt.symbol("y")
    for v in vectors()[0][name]:
        node = _node(name, v.inputs, x, y)
        bounds = {
            s: i for s, i in zip((x, y), v.inputs, strict=False) if name != "pown"
        }
        if name == "pown":
            bounds = {x: v.inputs[0]}
            if v.inputs[1] == 0:  # the graph has folded it to 1
                assert node.is_constant and node.value == 1
                continue
        result = dt.enclose(node, dt.Box(bounds))
        low, high = float(result.lower), float(result.upper)
        if v.result != "empty":
            assert low <= v.result[0] and high >= v.result[1], f"{v}: {result}"
        if _leaves_domain(v):
            assert high == INF and result.cause.kind == "undefined", f"{v}: {result}"
            assert result.cause.operator == node.op.name
        elif not (low == -INF or high == INF):
            assert result.cause is None
        else:
            assert result.cause.kind != "undefined", f"{v}: {result}"


def _node(name, inputs, x, y):
    if name == "pos":
        return +x
    if name == "pown":
        return x ** inputs[1]
    return (
        OPERATORS[NAMES[name]](x, y) if len(inputs) == 2 else OPERATORS[NAMES[name]](x)
    )


def test_counts():
    kept, skipped = vectors()
    counts = {name: len(group) for name, group in kept.items()}
    report = ", ".join(f"{n} {c} (+{skipped[n]} skipped)" for n, c in counts.items())
    print(report)
    assert counts.keys() == FLOORS.keys()
    assert all(counts[name] >= floor for name, floor in FLOORS.items()), report
    assert sum(counts.values()) >= 2300, report
