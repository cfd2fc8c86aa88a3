"""Everything that can be called, on everything that can be built.

Only the package's own errors may leave.  Nothing here looks at the numbers.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import deuterium as dt
from deuterium import privacy
from deuterium.enclose.subdivide import enclose_subdivided

from . import case as cases
from .case import Case
from .checks import where

LIMITS = {"max_regions": 3, "time_limit": 1.0}
DTYPES = (
    np.float64, np.float32, np.float16, np.longdouble, np.int8, np.int64, np.uint64,
    np.bool_, np.complex128, object, "U3", "M8[s]", "m8[s]", "S2",
)  # fmt: skip


def actions(case: Case) -> Mapping[str, Callable[[], Any]]:
    """Return calls by name."""
    v, domain = case.v, case.domain
    rng = np.random.default_rng([case.seed, 8])
    symbols = dt.graph.free_symbols([v])
    x: Any = symbols[rng.integers(len(symbols))] if symbols else dt.symbol("x")
    number = cases.scalar(case)
    f = v if number is None else number.v
    given = {s.name: _data(rng, s.shape) for s in symbols}
    return {
        "enclose": lambda: str(dt.enclose(v, domain)),
        "maximize": lambda: _proved(dt.maximize, f, domain),
        "minimize": lambda: _proved(dt.minimize, f, domain),
        "by box": lambda: dt.maximize(f, domain, method="box", **LIMITS),
        "by norms": lambda: dt.maximize(f, domain, method="norms", **LIMITS),
        "by clusters": lambda: dt.maximize(f, domain, method="clusters", **LIMITS),
        "search": lambda: dt.search(f, domain, time_limit=0.2, starts=4),
        "subdivide": lambda: enclose_subdivided(f, domain, boxes=8),
        "evaluate": lambda: v.evaluate(given),
        "compile": lambda: dt.compile(symbols, [v])(*given.values()),
        "simplify": lambda: dt.simplify(v, domain),
        "vectorize": lambda: dt.vectorize([v, f]),
        "grad": lambda: dt.grad(dt.grad(f, x).sum(), x),
        "loads": lambda: dt.loads(dt.dumps([v])),
        "repr": lambda: repr(v) + str(v)[:1000],
        "sympy": lambda: f.to_sympy() if _size(f) < 12 else None,
        "subs": lambda: v.subs({s.name: given[s.name] for s in symbols[:1]}),
        "backward": f.backward,
        "contribution": lambda: _noise(privacy.contribution(v, domain, **LIMITS)),
        "one norm": lambda: privacy.contribution(v, domain, norm=1, **LIMITS),
        "lipschitz": lambda: privacy.lipschitz(f, x, domain, **LIMITS),
        "diameter": lambda: privacy.diameter(v, domain, **LIMITS),
        "features": lambda: privacy.feature_sensitivity(v, x, domain, time_limit=2),
        "partial": lambda: privacy.partial(f, x),
        "slopes": lambda: privacy.norm_slopes([v], x, domain),
        "gaussian": lambda: privacy.gaussian(
            dt.enclose(f, domain), epsilon=1, delta=1e-5, relation="replace_one"
        ),
    }


def _size(v: Any) -> int:
    return len(dt.graph.topological([v]))


def _proved(run: Any, f: Any, domain: Any) -> Any:
    found = run(f, domain, **LIMITS)
    return found.certificate and found.certificate.verify(f, domain)


def _noise(s: Any) -> Any:
    return privacy.gaussian(s, epsilon=1, delta=1e-5, relation="add_or_remove_one")


def _data(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return data for a symbol, now and then of another shape, type or size."""
    p = rng.random()
    if p < 0.1:
        shape = (3, *shape)
    elif p < 0.15:
        shape = (*shape, 2)
    return odd_array(rng, shape) if rng.random() < 0.3 else rng.normal(size=shape)


def odd_array(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of any dtype, or what is barely an array."""
    kind = DTYPES[rng.integers(len(DTYPES))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.asarray(rng.integers(0, 3, size=shape)).astype(kind)
    p = rng.random()
    if p < 0.1:
        return np.ma.masked_array(array, mask=np.ones(shape, bool))
    if p < 0.2 and math.prod(shape):
        return array.tolist()
    if p < 0.3 and array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return array * np.inf
    return array


def building(seed: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield ways to build with odd numbers, shapes and arguments."""
    rng = np.random.default_rng([seed, 9])
    shapes = ((), (2,), (2, 1), (0,), (1, 2, 1), (2, 1, 2, 1, 1))
    s = dt.symbol("x", shapes[rng.integers(len(shapes))])
    a = odd_array(rng, s.shape if rng.random() < 0.8 else (3,))
    odd = ODD[rng.integers(len(ODD))]
    other = ODD[rng.integers(len(ODD))]
    yield "constant", lambda: dt.constant(a)
    yield "constant of", lambda: dt.constant(odd)
    for name, ufunc in UFUNCS.items():
        yield f"{name} of array", lambda u=ufunc: u(s, a)
        yield f"{name} of odd", lambda u=ufunc: u(s, odd)
        yield f"{name} of odd, turned", lambda u=ufunc: u(odd, s)
    yield "box", lambda: dt.enclose(s, dt.Box({s: (odd, other)}))
    yield "box of one", lambda: dt.Box({s: odd})
    yield "box by", lambda: dt.Box(odd)
    yield "box of arrays", lambda: dt.enclose(s, dt.Box({s: (a, a)}))
    yield "ball", lambda: dt.enclose(s, dt.Ball(s, odd, other))
    yield "ball of", lambda: dt.enclose(s, dt.Ball(s, a, 1.0, order=odd))
    yield "choice", lambda: dt.enclose(s, dt.Choice(s, odd))
    yield "choice of", lambda: dt.enclose(s, dt.Choice(s, [a, odd]))
    yield "one hot", lambda: dt.enclose(s, dt.OneHot(s))
    yield "one hot of", lambda: dt.enclose(s, dt.OneHot(odd))
    yield "symbol", lambda: dt.symbol(odd, other)
    yield "symbol of shape", lambda: dt.symbol("y", odd)
    yield "index", lambda: s[odd]
    yield "index by array", lambda: s[a]
    yield "evaluate", lambda: s.evaluate({s: odd})
    yield "evaluate by", lambda: s.evaluate(odd)
    yield "subs", lambda: s.subs({s: odd})
    yield "subs by", lambda: s.subs({odd: 1})
    yield "compile", lambda: dt.compile([s], [s * 2])(odd)
    yield "compile of", lambda: dt.compile([s], odd)
    yield "loads", lambda: dt.loads(odd)
    yield "dumps", lambda: dt.dumps(odd)
    yield "grad", lambda: dt.grad(np.sum(s), odd)
    yield "grad of", lambda: dt.grad(odd, s)
    yield "norm", lambda: dt.norm(odd)
    yield "enclose of", lambda: dt.enclose(odd, dt.Box({}))
    yield "enclose over", lambda: dt.enclose(s, odd)
    box, v = dt.Box({s: (-1, 1)}), np.sum(np.sin(s))
    for name in ("rtol", "atol", "time_limit", "memory_limit", "max_regions", "seed",
                 "points", "method", "executor", "checkpoint"):  # fmt: skip
        if name == "checkpoint" and isinstance(odd, (str, bytes, int)):
            continue  # a file of that name would be made
        more = {**LIMITS, name: odd}
        yield f"maximize {name}", lambda m=more: dt.maximize(v, box, **m)
    for name in ("method", "starts", "seed", "points", "maximize", "time_limit"):
        if (
            name in ("time_limit", "starts")
            and isinstance(odd, int | float | np.number)
            and odd > 9
        ):
            continue  # as long as asked for
        more = {"time_limit": 0.1, "starts": 2, name: odd}
        yield f"search {name}", lambda m=more: dt.search(v, box, **m)
    yield "search points", lambda: dt.search(v, box, points={s: a}, time_limit=0.1)
    yield "maximize points", lambda: dt.maximize(v, box, points={s: a}, **LIMITS)
    yield (
        "gaussian",
        lambda: privacy.gaussian(odd, epsilon=1, delta=1e-5, relation="replace_one"),
    )
    for name in ("epsilon", "delta", "relation", "scale", "mu", "rho"):
        more = {"epsilon": 1, "delta": 1e-5, "relation": "replace_one", name: odd}
        yield (
            f"gaussian {name}",
            lambda m=more: privacy.gaussian(dt.Interval(0, 1), **m),
        )
    yield "contribution norm", lambda: privacy.contribution(v, box, norm=odd, **LIMITS)
    yield "contribution of", lambda: privacy.contribution(odd, box, **LIMITS)


class Hostile:
    """An object that answers nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def _matrix() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy advises against them
        return np.matrix([[1.0, 2.0]])


ODD: tuple[Any, ...] = (
    None, True, "a", "", b"x", (), [], {}, {1: 2}, {"x": 1}, [1, 2], (0, 1),
    [[0, 1], [2, 3]], [[1], [2, 3]], 0, -1, 2, 10**400, -(10**400), 2**53 + 1, 2**63,
    1.5, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, 1j, np.float32(0.1),
    np.float16(3e4), np.int8(-3), np.uint64(2**64 - 1), np.longdouble("0.1"),
    np.longdouble("1e4000"), np.bool_(True), np.datetime64("2020"),
    np.timedelta64(3, "s"), np.array([]), np.array(3.0), np.array([1, np.nan]),
    np.array([1j]), np.array(["a"]), np.array([None, 1]), np.zeros((0, 3)),
    np.ones((2, 1)), np.ma.masked_array([1.0], mask=[True]), _matrix(),
    np.zeros(2, [("f", float)]), object(), object, len, lambda z: z, Ellipsis,
    slice(None), slice(None, None, 0), range(3), set(), Hostile(), dt.symbol("z"),
    dt.symbol("z", (2,)), dt.constant(2.0), dt.constant([1.0, 2]), dt.Box({}),
    dt.Interval(0, 1), float, NotImplemented, "inf", "nan", "1e999", "\x00",
)  # fmt: skip

UFUNCS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "maximum": np.maximum,
    "matmul": lambda a, b: a @ b,
    "xlogy": lambda a, b: dt.graph.operator.OPERATORS["xlogy"](a, b),
    "hypot": np.hypot,
    "where": lambda a, b: np.where(b, a, 1.0),
    "clip": lambda a, b: np.clip(a, b, 2),
    "concatenate": lambda a, b: np.concatenate([a, b]),
    "stack": lambda a, b: np.stack([a, b]),
    "sum": lambda a, b: np.sum(a, axis=b),
    "reshape": lambda a, b: np.reshape(a, b),
    "take": lambda a, b: np.take(a, b),
    "pad": lambda a, b: np.pad(a, b),
    "roll": lambda a, b: np.roll(a, b),
    "einsum": lambda a, b: np.einsum("i,i", a, b),
    "tensordot": lambda a, b: np.tensordot(a, b),
    "less": lambda a, b: a < b,
}


def failures(
    seed: int, skip: frozenset[str] = frozenset()
) -> list[tuple[str, str, str]]:
    """Return what left that should not: the call, the kind, the text."""
    found = []
    for name, call in building(seed):
        found += _tried(name, call)
    try:
        case = cases.draw(seed)
    except dt.DeuteriumError:
        return found
    for name, call in actions(case).items():
        if name not in skip:
            found += _tried(name, call)
    return found


CALLS: Counter[str] = Counter()


def _tried(name: str, call: Callable[[], Any]) -> list[tuple[str, str, str]]:
    CALLS["calls"] += 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except dt.DeuteriumError:
            CALLS["refused"] += 1
        except RecursionError as error:
            return [(name, "RecursionError", str(error)[:80])]
        except Exception as error:
            kind, text = where(error)
            # with an odd first argument, NumPy or Python itself may refuse
            return [] if "adversary:" in kind else [(name, kind, text)]
    return []
