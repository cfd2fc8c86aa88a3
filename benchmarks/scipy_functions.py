"""SciPy's functions for global optimisers, taken as written, minimised with proof.

    python benchmarks/scipy_functions.py FOLDER [--limit 10] [--only NAME ...]

FOLDER is ``benchmarks/benchmarks/go_benchmark_functions`` of SciPy's source (it is not
in the wheels).  Every class there is built, and its ``fun`` called with a Variable.  Of
every function: is it traced, has the graph the function's own values at points drawn,
is the gap closed to 1e-3 (relative, or absolute), does the bracket hold.  The file's
``fglob`` is known to be wrong for some; the bracket is judged by values: of the file's
own ``global_optimum``, of points that SciPy's optimiser finds, and of the witness.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import sys
import time
import types
import warnings
from pathlib import Path

import numpy as np
import scipy.optimize

import deuterium as dt

PARENT = "scipys_benchmarks"
TOLERANCE = 1e-3
DRAWN = 20  # points at which the graph is compared with the function
MOST = 3000  # evaluations of the optimiser that looks for lower values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("folder", type=Path)
    add("--limit", type=float, default=10.0, help="seconds each")
    add("--only", nargs="+", help="names of classes")
    add("--trace", action="store_true", help="no minimising")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    counts: dict[str, list[str]] = {}
    for name, benchmark in classes(args.folder):
        if args.only and name not in args.only:
            continue
        verdict, line = judged(benchmark, None if args.trace else args.limit)
        counts.setdefault(verdict, []).append(name)
        if not (args.trace and verdict == "traced"):
            print(f"| {name} | {verdict} | {line} |", flush=True)
    for verdict, names in sorted(counts.items()):
        print(f"\n{verdict}: {len(names)}\n{' '.join(names)}")


def classes(folder: Path):
    """Return the classes of the folder's modules, by name."""
    parent = types.ModuleType(PARENT)
    parent.__path__ = [str(folder.parent)]
    common = types.ModuleType(f"{PARENT}.common")
    common.safe_import = contextlib.nullcontext
    sys.modules.update({PARENT: parent, common.__name__: common})
    base = importlib.import_module(f"{PARENT}.{folder.name}.go_benchmark").Benchmark
    found = {}
    for path in sorted(folder.glob("go_funcs_*.py")):
        module = importlib.import_module(f"{PARENT}.{folder.name}.{path.stem}")
        kinds = inspect.getmembers(module, inspect.isclass)
        found |= {n: k for n, k in kinds if issubclass(k, base) and k is not base}
    return sorted(found.items())


def judged(kind, limit: float | None) -> tuple[str, str]:
    """Return a verdict of one function, and what there is to say."""
    f = kind()
    low, high = np.array(f.bounds, dtype=float).T
    x = dt.symbol("x", shape=(f.N,))
    try:
        v = traced(f, x)
    except Exception as error:  # of any kind: this is what is counted
        return "not traced", f"{type(error).__name__}: {error}"[:300].replace("|", "/")
    if v is None:
        return "no formula", "random numbers"
    rng = np.random.default_rng(0)
    apart = [p for p in rng.uniform(low, high, (DRAWN, f.N)) if not agrees(f, v, p)]
    if apart:
        return "WRONG values", f"at {apart[0].tolist()}"
    if limit is None:
        return "traced", ""
    partial = ""
    start, box = time.perf_counter(), dt.Box({x: (low, high)})
    try:
        unsure = dt.enclose(v, box).cause
        unsure = unsure is not None and unsure.kind == "undefined"
        e = minimum(v, box, limit / 5 if unsure else limit)
        if unsure and not np.isfinite(e.lower):  # then where it has a value
            e = minimum(v, box & dt.Where(dt.defined(v)), 4 * limit / 5)
            partial = "where it has a value; "
    except Exception as error:
        return "ERROR", f"{type(error).__name__}: {error}"[:300].replace("|", "/")
    seconds = time.perf_counter() - start
    best = least(f, low, high, [] if e.witness is None else [e.witness["x"]])
    line = (
        f"{f.N} inputs; [{e.lower:.8g}, {e.upper:.8g}]; found {best:.8g}; "
        f"file {f.fglob:.8g}; {partial}{e.status}; {seconds:.1f} s; "
        f"{e.regions} regions; {e.cause or ''}"
    )
    slack = 1e-9 * max(1.0, abs(best))
    if e.lower > best + slack:
        return "WRONG bound", line
    if e.upper - e.lower <= max(TOLERANCE, TOLERANCE * abs(e.upper)):
        return "closed", line
    return "open", line


def traced(f, x):
    """Return the graph of a function: of an array, or of an object array of scalars.

    None if the function is another each time it is called.
    """
    point = np.full(f.N, 0.3)
    if not np.array_equal(f.fun(point), f.fun(point), equal_nan=True):
        return None
    try:
        v = dt.traced(f.fun)(x)
    except dt.DeuteriumError:
        try:
            v = dt.traced(f.fun)(np.array(list(x), dtype=object))
        except Exception:
            v = None
        if not isinstance(v, dt.Variable):
            raise
    return v.reshape(())


def minimum(v, domain, limit):
    return dt.minimize(v, domain, rtol=TOLERANCE, atol=TOLERANCE, time_limit=limit)


def agrees(f, v, point) -> bool:
    """Return whether graph and function have one value, or neither has any."""
    value, graph = float(np.squeeze(f.fun(point))), float(v.evaluate({"x": point}))
    if not np.isfinite(value):
        return not np.isfinite(graph)
    return abs(value - graph) <= 1e-9 * max(1.0, abs(value))


def least(f, low, high, points) -> float:
    """Return the least value found, by the file, by us, or by SciPy."""
    points = [*np.atleast_2d(np.array(f.global_optimum, dtype=float)), *points]
    points = [p for p in points if np.shape(p) == (f.N,)]
    inside = [p for p in points if np.all((p >= low) & (p <= high))]
    values = [float(np.squeeze(f.fun(np.array(p)))) for p in inside]
    search = scipy.optimize.dual_annealing(
        lambda p: finite(f.fun(p)),
        list(zip(low, high, strict=True)),
        maxfun=MOST,
        rng=0,
    )
    values.append(float(search.fun))
    return min(v for v in values if np.isfinite(v))


def finite(value) -> float:
    value = float(np.squeeze(value))
    return value if np.isfinite(value) else 1e300


if __name__ == "__main__":
    main()
