"""Graphs of scalars to vectorise, and what is true of them by other means."""

from __future__ import annotations

import flint
import numpy as np

import deuterium as dt
from deuterium import to_vec
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological

FLINT = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1 / a,
    "integer_power": lambda a, n: a**n,
    "sqrt": lambda a: a.sqrt(),
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
    "tanh": lambda a: a.tanh(),
    "sin": lambda a: a.sin(),
    "cos": lambda a: a.cos(),
    "absolute": abs,
    "maximum": lambda a, b: a.max(b),
}


def exact(outputs, values):
    """Return the values of a scalar graph in ball arithmetic of 300 bits."""

    def leaf(v):
        return flint.arb(values[v.name] if v.is_symbol else v.value)

    with flint.ctx.workprec(300):
        meaning = interpret(topological(outputs), leaf, lambda op: FLINT[op.name])
        return [meaning[v] for v in outputs]


def scalars(prefix, *shape):
    """Return an object array of scalar symbols."""
    names = [f"{prefix}_{i}" for i in range(int(np.prod(shape)))]
    return to_vec(np.array([dt.symbol(n) for n in names], dtype=object)).reshape(shape)


def numbers(rng, *shape):
    """Return an object array of scalar constants."""
    return to_vec(rng.normal(size=shape))


def operations(v):
    """Return the nodes of a graph but its leaves and what stacks the symbols."""
    outputs = v if isinstance(v, list) else [v]
    return [
        n
        for n in topological(outputs)
        if n.op is not None and not (n.op.name == "reshape" and n.args[0].is_symbol)
    ]


def names(v):
    return [n.op.name for n in operations(v)]


def random_graph(seed, size=400):
    """Return outputs of a random graph of scalars: shared nodes, sums of every form."""
    rng = np.random.default_rng(seed)
    pool = list(scalars("x", 6)) + [dt.constant(float(c)) for c in rng.normal(size=4)]

    def some(count):
        return [pool[i] for i in rng.integers(len(pool), size=count)]

    def total(terms):
        terms = [t if rng.random() < 0.8 else -t for t in terms]
        while len(terms) > 1:
            i = int(rng.integers(len(terms) - 1))
            b, a = terms.pop(i + 1), terms.pop(i)
            terms.insert(i, a - b if rng.random() < 0.3 else a + b)
        return terms[0] / 16

    one = (np.tanh, np.sin, np.cos, np.abs, lambda x: np.exp(np.sin(x)))
    positive = (np.log, np.sqrt, np.reciprocal, lambda x: x**-3)
    for _ in range(size // 20):
        kind = rng.integers(7)
        width, terms = int(rng.integers(1, 40)), int(rng.integers(2, 12))
        function = one[rng.integers(len(one))]
        if kind == 0:
            new = [function(x) for x in some(width)]
        elif kind == 1:
            inner = positive[rng.integers(len(positive))]
            new = [inner(1.5 + x * x) for x in some(width)]
        elif kind == 2:
            new = [
                np.tanh(a) * b for a, b in zip(some(width), some(width), strict=True)
            ]
        elif kind == 3:
            new = [np.maximum(a, b) for a, b in zip(some(3), some(3), strict=True)]
        elif kind == 4:
            new = [total(some(terms)) for _ in range(width)]
        elif kind == 5:
            inputs = some(terms)
            weights = rng.normal(size=(width, terms))
            new = [
                total([x * w for x, w in zip(inputs, row, strict=True)] + some(1))
                for row in weights
            ]
        else:
            new = [np.prod([np.sin(a) for a in some(terms + 4)]) for _ in range(width)]
        pool.extend(new)
    return [v for v in pool[-60::7] if v.op is not None]


def network(inputs, hidden, *, sigmoid, seed=0):
    """Return the gradient norm of a seed notebook's network, and its inputs."""
    rng = np.random.RandomState(seed)
    x = scalars("x", 1, inputs)
    w1 = numbers(rng, inputs, hidden)
    b = numbers(rng, 1, hidden)
    w2 = numbers(rng, hidden, 1)
    act = (lambda z: 1 / (1 + np.exp(-z))) if sigmoid else (lambda z: z)
    y = act(act(x @ w1 + b) @ w2)
    loss = -np.mean(np.multiply(1, np.log(y)) + np.multiply(0, np.log(1 - y)))
    loss.backward()
    parameters = [*w1.ravel(), *b.ravel(), *w2.ravel()]
    gradient = to_vec(np.array([p.grad for p in parameters]))
    return np.linalg.norm(gradient, ord=2), x.ravel()


def box(values, radius):
    """Return bounds by Variables: those of symbols that do not occur are harmless."""
    return dt.Box({dt.symbol(n): (v - radius, v + radius) for n, v in values.items()})


def plain(v, domain):
    """Return what interval arithmetic alone gives, rule by rule."""

    def leaf(n):
        if n.is_symbol:
            return domain.hull(n)
        value = np.asarray(n.value, dtype=float)
        return dt.Interval.unchecked(value, value)

    with np.errstate(all="ignore"):
        return interpret(topological([v]), leaf, lambda op: op.enclosure)[v]
