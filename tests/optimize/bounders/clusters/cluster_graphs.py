"""Random scalar graphs that star clusters take apart, and odd ones beside them."""

import numpy as np
from scipy.special import erf, expit, log_expit

import deuterium as dt

ACTIVATIONS = [
    np.tanh,
    expit,
    dt.relu,
    lambda x: np.logaddexp(0.0, x),
    lambda x: x * expit(x),
    lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2.0))),
    np.square,
    np.absolute,
]
CURVES = [
    *ACTIVATIONS,
    lambda x: np.exp(-np.square(x)),
    lambda x: np.exp(0.3 * x),
    lambda x: np.log(1.5 + np.square(x)),
    lambda x: np.sqrt(0.1 + np.square(x)),
    lambda x: np.reciprocal(1 + np.square(x)),
    lambda x: np.tanh(x) * expit(x),
    np.sin,
    np.negative,
    np.arctan,
]
LARGEST = 24  # elements
EXTREMES = [1e8, 1e80, 1e160, 1e-8, 1e-160, 1e-310]


def draw(rng):
    """Return a scalar graph and its domain."""
    makers = (network, network, soup, soup, soup, special, special)
    return makers[rng.integers(len(makers))](rng)


def constant(rng, *shape):
    """Return numbers, some of them zeros, ones, few or huge."""
    kind = rng.integers(10) if rng.random() < 0.9 else 10
    scale = (1.0, 1.0, 0.3, 3.0, 1.0, 1.0, 10.0, 0.01, 0.5, 1.5, 1.0)[kind]
    value = scale * rng.normal(size=shape)
    if kind == 4:
        value = np.where(rng.random(shape) < 0.5, 0.0, value)
    elif kind == 5:
        value = np.rint(value)
    elif kind == 10:  # huge and tiny ones
        value = value * float(rng.choice(EXTREMES))
    return dt.constant(value)


def box(rng, shape):
    """Return ends around zero or beside it, some of them a point, tiny or wide."""
    kind = rng.integers(9) if rng.random() < 0.95 else 9
    if kind == 9:
        r = float(rng.choice(EXTREMES))
        return np.full(shape, -r), np.full(shape, r)
    if kind < 3:
        r = float((1.0, 0.5, 2.0)[kind])
        return np.full(shape, -r), np.full(shape, r)
    if kind == 3:
        return np.zeros(shape), np.ones(shape)
    centre = rng.normal(size=shape)
    sizes = ([0.0, 1e-9, 0.1, 1.0], [1e-3], [1e-300, 1e-12, 1e-5], [4.0, 1.0], [0.5])
    width = rng.choice(sizes[kind - 4], size=shape)
    if rng.random() < 0.3:
        return np.minimum(centre, 0.0), np.minimum(centre, 0.0) + width
    return centre - width, centre + width


# -- networks ------------------------------------------------------------------------


def _head(rng, h):
    if h.size == 1:
        return -log_expit(np.reshape(h, ()))
    kind = rng.integers(3)
    if kind == 0:
        return ((h - 0.5) ** 2).sum()
    h = h if h.ndim == 2 else np.reshape(h, (1, h.size))
    loss = -dt.log_softmax(h)
    return loss[0, 0] if kind == 1 else loss[:, -1].sum()


def _normalised(h):
    middle = h - h.mean(axis=-1, keepdims=True)
    return middle / np.sqrt(0.1 + np.square(middle).mean(axis=-1, keepdims=True))


def _attention(rng, h, parameters):
    n = h.shape[-1]
    q, k, v = (constant(rng, n, n) for _ in range(3))
    parameters += [q, k, v]
    scores = (h @ q) @ np.swapaxes(h @ k, -1, -2)
    return dt.softmax(scores) @ (h @ v)


def _convolved(rng, h, parameters):
    """A convolution along the last axis: gathered patches times a filter."""
    n = h.shape[-1]
    w = constant(rng, 2)
    parameters.append(w)
    patches = h[..., np.arange(n - 1)[:, None] + np.arange(2)]
    return (patches * w).sum(axis=-1)


def network(rng):
    """Return the norm, or else, of a gradient of a small network's loss."""
    rows, n = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    x = dt.symbol("x", (rows, n))
    h, parameters = x, []
    for _ in range(int(rng.integers(1, 3))):
        kind = rng.integers(9)
        if kind == 0 and h.shape[-1] > 1:
            h = _convolved(rng, h, parameters)
        elif kind == 1:
            h = _normalised(h)
        elif kind == 2:
            h = _attention(rng, h, parameters)
        else:
            m = h.shape[-1] if kind == 3 else int(rng.integers(1, 4))
            w, b = constant(rng, h.shape[-1], m), constant(rng, m)
            parameters += [w, b]
            y = ACTIVATIONS[rng.integers(len(ACTIVATIONS))](h @ w + b)
            h = h + y if kind == 3 else y
    w = constant(rng, h.shape[-1], int(rng.integers(1, 4)))
    parameters.append(w)
    loss = _head(rng, h @ w)
    if rng.random() < 0.2:
        gradient = dt.grad(loss, [x])
    else:
        kept = rng.random(len(parameters)) < 0.7
        kept[rng.integers(len(kept))] = True
        gradient = dt.grad(
            loss, [p for p, k in zip(parameters, kept, strict=True) if k]
        )
    one_hot = n > 1 and rng.random() < 0.15
    return _measure(rng, gradient), (
        dt.OneHot(x) if one_hot else dt.Box({x: box(rng, x.shape)})
    )


def _measure(rng, gradient):
    kind = rng.integers(5)
    if kind < 2:
        return dt.norm(gradient)
    if kind == 2:
        return sum(np.square(g).sum() for g in gradient)
    if kind == 3:
        return sum((g * constant(rng, *g.shape)).sum() for g in gradient)
    return dt.norm(gradient) / (1 + np.square(gradient[0]).sum())


# -- any graph -----------------------------------------------------------------------


def soup(rng):
    """Return a scalar of random functions, products and moves."""
    shape = [(2,), (3,), (4,), (2, 2), (1, 3), (2, 3)][rng.integers(6)]
    x = dt.symbol("x", shape)
    pool = [x]
    for _ in range(int(rng.integers(2, 9))):
        y = pool[-1] if rng.random() < 0.6 else pool[rng.integers(len(pool))]
        z = pool[rng.integers(len(pool))]
        made = _step(rng, y, z)
        if made is not None and 0 < made.size <= LARGEST and made.ndim < 4:
            pool.append(made)
    v = pool[-1]
    if v.size > 1 and rng.random() < 0.3:
        v = dt.norm([v, pool[rng.integers(len(pool))]])
    elif rng.random() < 0.3:
        total = np.square(v).sum()
        if rng.random() < 0.4:
            total = np.sum(dt.grad(total, x) * constant(rng, *shape))
        v = total
    else:
        v = (v * constant(rng, *v.shape)).sum() if rng.random() < 0.6 else v.sum()
    return v, dt.Box({x: box(rng, shape)})


def _step(rng, y, z):
    kind = rng.integers(12)
    if kind < 3:
        return CURVES[rng.integers(len(CURVES))](y)
    if kind == 3 and y.ndim:
        return y @ constant(rng, y.shape[-1], int(rng.integers(1, 4)))
    if kind == 4:
        return y * constant(rng, *y.shape) + constant(rng, *y.shape)
    if kind == 5:
        return y * constant(rng, 2, *y.shape) if y.ndim < 2 else y + constant(rng)
    if kind in (6, 7):
        try:
            np.broadcast_shapes(y.shape, z.shape)
        except ValueError:
            return y * np.sum(z) if rng.random() < 0.3 else None
        ways = (
            lambda: y * z,
            lambda: y * np.tanh(z),
            lambda: y - z,
            lambda: y + z,
            lambda: y / (1 + np.square(z)),
            lambda: np.square(y * expit(z)),
        )
        return ways[rng.integers(len(ways))]()
    if kind == 8 and y.ndim:
        return dt.softmax(y)
    if kind == 9 and y.ndim:
        return np.sum(y, axis=int(rng.integers(y.ndim)))
    return _moved(rng, y, z)


def _moved(rng, y, z):
    flat = np.ravel(y)
    mask = rng.random(y.shape) < 0.5
    other = CURVES[rng.integers(len(CURVES))](y)
    put = np.zeros((y.size, y.size + 1))
    put[np.arange(y.size), rng.permutation(y.size + 1)[: y.size]] = 1.0
    ways = [
        lambda: np.transpose(y),
        lambda: np.reshape(y, (y.size,)),
        lambda: flat[rng.integers(0, y.size, size=3)],
        lambda: flat[rng.permutation(y.size)],
        lambda: np.concatenate([flat, np.ravel(z)]),
        lambda: np.concatenate([flat[:1], np.ravel(other)[1:]]),
        lambda: np.concatenate([flat, np.zeros(2)]),
        lambda: np.where(mask, y, other),
        lambda: np.where(mask, y, 0.0),
        lambda: np.where(mask, y, 0.0) + np.where(mask, 0.0, other),
        lambda: flat @ dt.constant(put),
        lambda: y + np.zeros(y.shape),
        lambda: np.broadcast_to(y, (2, *y.shape)),
        lambda: np.flip(flat),
    ]
    return ways[rng.integers(len(ways))]()


# -- what once was wrong, and its like -----------------------------------------------


def special(rng):
    """Return a graph of a few hubs, near what the layout tells apart by content."""
    n = int(rng.integers(1, 5))
    x = dt.symbol("x", (n,))
    domain = dt.Box({x: box(rng, (n,))})
    f, g = (CURVES[rng.integers(len(CURVES))] for _ in range(2))
    mask = rng.random(n) < 0.5
    w = constant(rng, n, n)
    u = x @ w if rng.random() < 0.6 else x
    tiny = float(rng.choice([1e-20, 1e-16, 3e-16, 1e-10]))
    ways = (
        lambda: f(np.where(mask, g(u), np.exp(-np.square(u)))),
        lambda: f(np.concatenate([g(u)[:1], u[1:]])) * (x @ constant(rng, n, n)),
        lambda: f(u * np.exp(dt.constant(tiny))) - f(u * np.exp(dt.constant(2 * tiny))),
        lambda: f(u) * f(u[::-1]) - np.tanh(x * u),
        lambda: np.square(f(u) * (x @ w)) - f(u) * (x @ w) * g(u),
        lambda: dt.softmax(np.reshape(np.concatenate([u, f(u)]), (2, n))) @ w,
        lambda: dt.softmax(f(u) @ w) @ w,
        lambda: f(u) / (0.5 + expit(x @ w)) * (g(x) @ w),
        lambda: np.outer(f(u), x) @ g(u),
        lambda: dt.relu(u) * (dt.relu(x) @ w) * dt.relu(u),
    )
    v = ways[rng.integers(len(ways))]()
    if rng.random() < 0.5:
        return v.sum(), domain
    if rng.random() < 0.5:
        return (v * constant(rng, *v.shape)).sum(), domain
    return dt.norm([v]), domain
