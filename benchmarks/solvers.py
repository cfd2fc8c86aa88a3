"""Other global optimisers, where they are installed, on the same problems.

SciPy's methods run through `dt.search`; they give a value and no bound.  SCIP and
Gurobi get networks of one hidden layer written out by hand, one variable a neuron; they
prove bounds within tolerances, not under rounding.  SCIP also gets closed forms of
functions that it knows.  Everything returns (value, bound or NaN, seconds).
"""

from __future__ import annotations

import importlib.util
import time

import numpy as np

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.errors import InvalidInputError

SCIPY = ("shgo", "direct", "dual_annealing", "differential_evolution")
EXACT = {"SCIP": "pyscipopt", "Gurobi": "gurobipy"}

Answer = tuple[float, float, float]
NOTHING: Answer = (np.nan, np.nan, np.nan)


def installed(names=EXACT) -> list[str]:
    """Return the exact solvers that can be imported."""
    return [n for n in names if importlib.util.find_spec(EXACT[n])]


def by_scipy(case, method: str, seconds: float, maximize: bool = True) -> Answer:
    """Return what one of SciPy's optimisers finds."""
    start = time.perf_counter()
    try:
        found = dt.search(
            case.graph,
            case.domain,
            method=method,
            maximize=maximize,
            time_limit=seconds,
        )
    except InvalidInputError:  # too many inputs for it
        return NOTHING
    return found.value, np.nan, time.perf_counter() - start


def by_solver(case, name: str, seconds: float) -> Answer:
    """Return what an exact solver finds and proves of a network's gradient norm."""
    layers, activation = case.network
    if len(layers) != 2:
        return NOTHING
    run = {"SCIP": by_scip, "Gurobi": by_gurobi}[name]
    start = time.perf_counter()
    value, upper = run(layers, activation, seconds, case.name.startswith("S1"))
    return value, upper, time.perf_counter() - start


def ranges(layers, seeded: bool):
    """Return the ends of the hidden pre-activations over the box [-1, 1]^n."""
    w, b = layers[0]
    middle, radius = (0.0 if seeded else b), np.abs(w).sum(axis=0)
    return middle - radius, middle + radius


# -- SCIP ------------------------------------------------------------------------------


def by_scip(layers, activation: str, seconds: float, seeded: bool):
    from pyscipopt import Model, quicksum

    model = Model()
    model.hideOutput()
    model.setParam("limits/time", seconds)
    model.setParam("limits/gap", 1e-6)
    goal = _written_out(_Scip(model), layers, activation, seeded, quicksum)
    model.setObjective(goal, "maximize")
    model.optimize()
    upper = max(model.getDualbound(), 0.0)
    value = model.getObjVal() if model.getNSols() else np.nan
    return np.sqrt(value), np.sqrt(upper) if upper < 1e19 else np.nan


class _Scip:
    """What a network needs of SCIP's modelling layer."""

    def __init__(self, model) -> None:
        self.model = model

    def variable(self, low, high, binary=False):
        kind = "B" if binary else "C"
        return self.model.addVar(lb=float(low), ub=float(high), vtype=kind)

    def require(self, constraint) -> None:
        self.model.addCons(constraint)

    def equal(self, expression, low, high):
        """Return a variable equal to an expression."""
        v = self.variable(low, high)
        self.require(v == expression)
        return v

    def logistic(self, z, low, high):
        """Return 1 / (1 + exp(-z))."""
        from pyscipopt import exp

        s = self.variable(*_logistic(np.array([low, high])))
        self.model.addCons(s * (1 + exp(-z)) == 1)
        return s


def _logistic(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def _written_out(solver, layers, activation: str, seeded: bool, total):
    """Return the squared norm as a variable; nothing is more than quadratic."""
    (w, b), (w2, b2) = layers
    low, high = ranges(layers, seeded)
    x = [solver.variable(-1, 1) for _ in range(len(w))]
    acts, slopes = [], []
    for j in range(w.shape[1]):
        shift = 0.0 if seeded else float(b[j])
        dot = total(float(w[i, j]) * x[i] for i in range(len(x))) + shift
        z = solver.equal(dot, low[j], high[j])
        a, d = _neuron(solver, z, low[j], high[j], activation)
        most = max(1.0, abs(low[j]), abs(high[j])) + 10
        acts.append(solver.equal(a + (float(b[j]) if seeded else 0), -most, most))
        slopes.append(solver.equal(d, 0, 1))
    v = [float(e) for e in w2[:, 0]]
    reach = float(np.abs(w2[:, 0]) @ (np.maximum(np.abs(low), np.abs(high)) + 10))
    bias = 0.0 if seeded else float(b2[0])
    t = solver.equal(
        total(e * a for e, a in zip(v, acts, strict=True)) + bias, -reach, reach
    )
    delta = solver.equal(1 - solver.logistic(t, -reach, reach), 0, 1)
    own = sum(e**2 for e in v)
    size = solver.equal(total(xi * xi for xi in x) + (not seeded), 0, len(x) + 1)
    back = total(e**2 * d * d for e, d in zip(v, slopes, strict=True))
    back = solver.equal(back, 0, own)
    ahead = total(a * a for a in acts) + (own if seeded else 1.0)
    q = solver.equal(back * size + ahead, 0, 1e7)
    share = solver.equal(delta * delta, 0, 1)
    return solver.equal(share * q, 0, 1e7)


def _neuron(solver, z, low: float, high: float, activation: str):
    """Return a neuron's activation and its slope."""
    if activation == "sigmoid":
        s = solver.logistic(z, low, high)
        return s, s - s * s
    if activation == "tanh":
        double = solver.variable(2 * low, 2 * high)
        solver.require(double == 2 * z)
        a = 2 * solver.logistic(double, 2 * low, 2 * high) - 1
        return a, 1 - a * a
    on = solver.variable(0, 1, binary=True)
    a = solver.variable(0, max(high, 0))
    solver.require(a >= z)
    solver.require(a <= z - float(low) * (1 - on))
    solver.require(a <= float(max(high, 0)) * on)
    return a, on


def scip_closed_form(case, seconds: float) -> Answer:
    """Return what SCIP finds and proves of a minimum; NaN if it lacks a function."""
    import sympy
    from pyscipopt import Model, cos, exp, log, sin, sqrt

    start = time.perf_counter()
    model = Model()
    model.hideOutput()
    model.setParam("limits/time", seconds)
    model.setParam("limits/gap", 1e-6)
    model.setParam("limits/absgap", 1e-6)
    known = {"exp": exp, "log": log, "sin": sin, "cos": cos, "sqrt": sqrt}
    try:
        form = case.graph.to_sympy()
        symbols = sorted(form.free_symbols, key=lambda s: s.name)
        ends = _ends_by_symbol(case)
        places = {}
        for s in symbols:
            low, high = ends[s.name]
            places[s.name] = model.addVar(lb=low, ub=high)
        run = sympy.lambdify(symbols, form, modules=[known | {"Abs": abs}, "math"])
        goal = model.addVar(lb=None, ub=None)
        model.addCons(goal >= run(*(places[s.name] for s in symbols)))
        model.setObjective(goal, "minimize")
        model.optimize()
        value = model.getObjVal() if model.getNSols() else np.nan
        return value, model.getDualbound(), time.perf_counter() - start
    except Exception:  # a function it does not know, or a form it cannot take
        return NOTHING


def _ends_by_symbol(case) -> dict[str, tuple[float, float]]:
    """Return the ends of every scalar of the closed form, by its name there."""
    problem = Problem(case.graph, case.domain)
    ends = {}
    for s in problem.symbols:
        hull = case.domain.hull(s)
        for i in np.ndindex(s.shape):
            name = "_".join([s.name, *map(str, i)])
            ends[name] = float(hull.lower[i]), float(hull.upper[i])
    return ends


# -- Gurobi ----------------------------------------------------------------------------


def by_gurobi(layers, activation: str, seconds: float, seeded: bool):
    import gurobipy as gp

    with gp.Env(params={"OutputFlag": 0}) as env, gp.Model(env=env) as model:
        model.Params.TimeLimit, model.Params.MIPGap = seconds, 1e-6
        model.Params.NonConvex, model.Params.Threads = 2, 1
        try:
            goal = _written_out(_Gurobi(model), layers, activation, seeded, gp.quicksum)
            model.setObjective(goal, gp.GRB.MAXIMIZE)
            model.optimize()
            value = model.ObjVal if model.SolCount else np.nan
            return np.sqrt(value), np.sqrt(model.ObjBound)
        except gp.GurobiError:  # the licence it comes with allows small models only
            return np.nan, np.nan


class _Gurobi:
    """What a network needs of Gurobi's modelling layer."""

    def __init__(self, model) -> None:
        self.model = model

    def variable(self, low, high, binary=False):
        kind = "B" if binary else "C"
        return self.model.addVar(lb=float(low), ub=float(high), vtype=kind)

    def require(self, constraint) -> None:
        self.model.addConstr(constraint)

    def equal(self, expression, low, high):
        """Return a variable equal to an expression."""
        v = self.variable(low, high)
        self.require(v == expression)
        return v

    def logistic(self, z, low, high):
        """Return 1 / (1 + exp(-z))."""
        from gurobipy import nlfunc

        s = self.variable(*_logistic(np.array([low, high])))
        self.model.addGenConstrNL(s, nlfunc.logistic(z))
        return s
