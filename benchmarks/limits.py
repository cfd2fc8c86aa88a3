"""What is known after a time limit, and how long after: `python benchmarks/limits.py`.

For problems that take long to prepare, long to bound, or long to search: the seconds
taken (of the process, so that a busy machine does not matter, unless ``--wall``), the
upper end beside that of `enclose`, and the lower.  A limit missed by more than a
tenth and half a second is marked, and so is a bound looser than the enclosure.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise

import numpy as np

import deuterium as dt
from deuterium import budget

random = np.random.default_rng


def loss_norm(x, scores, parameters, domain):
    """The norm of a cross entropy's gradient, and its domain, the label included."""
    y = dt.symbol("y", shape=scores.shape)
    loss = -(y * dt.log_softmax(scores)).sum()
    return dt.norm(dt.grad(loss, parameters)), domain & dt.OneHot(y)


def drawn(rng, *shape):
    fan = int(np.prod(shape[:-1]))
    return dt.constant(rng.normal(size=shape) / np.sqrt(fan))


def wide(activation=np.tanh, units=(784, 100, 10)):
    x, rng = dt.symbol("x", shape=(units[0],)), random(0)
    layers = [drawn(rng, m, n) for m, n in pairwise(units)]
    h = x
    for w in layers[:-1]:
        h = activation(h @ w)
    return loss_norm(x, h @ layers[-1], layers, dt.Box({x: (-1, 1)}))


def convolve(x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijcf->hwf", windows, w)


def pool(x):
    h, w, c = x.shape
    return x.reshape(h // 2, 2, w // 2, 2, c).mean(axis=(1, 3))


def lenet(activation=np.tanh):
    x, rng = dt.symbol("x", shape=(28, 28, 1)), random(0)
    first, second = drawn(rng, 5, 5, 1, 6), drawn(rng, 5, 5, 6, 16)
    h = pool(activation(convolve(x, first)))
    h = pool(activation(convolve(h, second))).reshape(1, 256)
    layers = [drawn(rng, m, n) for m, n in pairwise((256, 120, 84, 10))]
    for w in layers[:-1]:
        h = activation(h @ w)
    scores = (h @ layers[-1])[0]
    return loss_norm(x, scores, [first, second, *layers], dt.Box({x: (0, 1)}))


def by_elements(n=40):
    """A network written element by element: some 20,000 scalar nodes."""
    rng = random(0)
    xs = [dt.symbol(f"x{i}") for i in range(n)]
    first, second = (
        np.array([[dt.constant(w) for w in row] for row in m / np.sqrt(n)])
        for m in rng.normal(size=(2, n, n))
    )
    h = np.tanh(np.tanh(np.array(xs) @ first) @ second)
    slopes = dt.grad(np.logaddexp(0, sum(h)), [*first.ravel(), *second.ravel()])
    return np.sqrt(sum(g * g for g in slopes)), dt.Box(dict.fromkeys(xs, (-1, 1)))


def chain(n=10_000):
    """20,000 scalar nodes that nothing makes fewer."""
    x = dt.symbol("x")
    v = x
    for _ in range(n):
        v = np.sin(v) * 1.0001
    return v, dt.Box({x: (-1, 1)})


def tangle(n=20_000, inputs=10):
    """Scalar nodes at random."""
    rng, nodes = random(0), [dt.symbol(f"x{i}") for i in range(inputs)]
    box = dt.Box(dict.fromkeys(nodes, (-1, 1)))
    ways = [
        lambda a, b: np.tanh(a + b),
        lambda a, b: 0.3 * a * b,
        lambda a, b: np.sin(a - b),
        lambda a, b: np.maximum(a, 0.5 * b),
    ]
    while len(nodes) < n // 2:
        i, j = rng.integers(max(0, len(nodes) - 50), len(nodes), 2)
        nodes.append(ways[rng.integers(len(ways))](nodes[i], nodes[j]))
    return sum(nodes[-5:]), box


def polynomial(terms=6000, inputs=20):
    """20,000 scalar nodes that become one matrix product."""
    rng = random(1)
    xs = [dt.symbol(f"x{i}") for i in range(inputs)]
    pairs = rng.integers(inputs, size=(terms, 2))
    total = sum(float(rng.normal()) * xs[i] * xs[j] for i, j in pairs)
    return total, dt.Box(dict.fromkeys(xs, (-1, 1)))


def waves():
    x, y = dt.symbol("x"), dt.symbol("y")
    v = np.sin(13 * x) * np.cos(17 * y) + np.sin(11 * x * y) / (2 + np.cos(x))
    return v, dt.Box({x: (-9, 9), y: (-9, 9)})


def relu(z):
    return np.maximum(z, 0)


PROBLEMS = {
    "784-100-10, tanh": wide,
    "784-100-10, relu": lambda: wide(relu),
    "100-100-100-5, tanh": lambda: wide(units=(100, 100, 100, 5)),
    "LeNet, tanh": lenet,
    "LeNet, relu": lambda: lenet(relu),
    "by elements": by_elements,
    "chain": chain,
    "tangle": tangle,
    "polynomial": polynomial,
    "waves": waves,
}
LIMITS = (0.1, 2.0)


def main(arguments):
    if "--wall" not in arguments:
        # every clock that a limit may be kept by
        time.monotonic = time.perf_counter = budget.now = time.process_time
    numbers = [a for a in arguments if a not in PROBLEMS and a != "--wall"]
    limits = [float(a) for a in numbers] or LIMITS
    names = [a for a in arguments if a in PROBLEMS] or list(PROBLEMS)
    print("| problem | enclose | limit | seconds | lower | upper | status |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        for limit in limits:
            v, domain = PROBLEMS[name]()  # anew: what is prepared for one graph is kept
            start = time.perf_counter()
            found = dt.maximize(v, domain, time_limit=limit, rtol=1e-6)
            seconds = time.perf_counter() - start
            whole = float(dt.enclose(v, domain).upper)
            late = "" if seconds <= 1.1 * limit + 0.5 else " LATE"
            loose = "" if found.upper <= whole else " LOOSE"
            print(
                f"| {name} | {whole:.6g} | {limit:g} | {seconds:.2f}{late} "
                f"| {found.lower:.6g} | {found.upper:.6g}{loose} | {found.status} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
