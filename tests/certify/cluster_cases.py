"""Graphs in clusters, regions around points, and data of leaves, drawn at random."""

from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
import scipy.special
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.ball_program import PointProgram
from deuterium.certify.checker.clusters.cluster_leaf import StarClusters
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.proof_region import Region
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of

KINDS = [
    "network", "kinked", "products", "quotients", "squares", "deep", "shapes",
    "softmax", "matrices", "attention",
]  # fmt: skip


@cache
def graph(kind, seed):
    """Return a graph and its domain; what is known of it is kept with it."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    return globals()[f"_{kind}"](rng)


def _normal(rng, *shape):
    return dt.constant(np.round(rng.normal(size=shape), 2))


def _network(rng, activations=(np.tanh, scipy.special.expit, scipy.special.log_expit)):
    units = [int(rng.integers(1, 4)) for _ in range(int(rng.integers(3, 5)))]
    activation = activations[rng.integers(len(activations))]
    p = dt.symbol("p", (1, units[0]))
    h, parameters = p, []
    for m, n in pairwise(units):
        w, b = _normal(rng, m, n), _normal(rng, n)
        if rng.random() < 0.3:
            b = dt.constant(np.zeros(n))  # so that kinks are met exactly
        parameters += [w, b]
        h = h @ w + b
        h = activation(h) if len(parameters) < 2 * len(units) - 2 else h
    loss = (
        np.sum(np.square(h))
        if rng.random() < 0.5
        else np.sum(-scipy.special.log_expit(-h))
    )
    return dt.norm(dt.grad(loss, parameters)), dt.Box({p: (-1, 1)})


def _kinked(rng):
    return _network(rng, (dt.relu, np.abs))


def _products(rng):
    x = dt.symbol("x", (3,))
    z, e = x @ _normal(rng, 3, 2), x @ _normal(rng, 3, 2)
    f = [np.tanh, dt.relu, np.sin, scipy.special.expit][rng.integers(4)]
    v = np.sum(f(z) * e) + np.sum(_normal(rng, 2) * np.square(np.tanh(z) * e))
    if rng.random() < 0.5:
        v = v + np.sum(np.tanh(np.tanh(z) * e + z))
    return v, dt.Box({x: (-1, 2)})


def _quotients(rng):
    x = dt.symbol("x", (3,))
    z, e = x @ _normal(rng, 3, 2), x @ _normal(rng, 3, 2)
    below = 1.0 + np.square(z)
    v = np.sum(e / below) + np.sum(np.tanh(z) / (2.0 + np.sin(e)))
    return v, dt.Box({x: (-1, 1)})


def _squares(rng):
    x = dt.symbol("x", (2,))
    z = np.tanh(x @ _normal(rng, 2, 3) + _normal(rng, 3))
    u = z @ _normal(rng, 3, 3)
    v = np.sum(np.square(u * z)) + np.sum(dt.relu(u) * u) - np.sum(np.abs(z))
    return v if rng.random() < 0.5 else np.sqrt(1.0 + np.square(v)), dt.Box(
        {x: (-1, 1)}
    )


def _deep(rng):
    """Functions of functions, and a maximum of two hubs, of which ranges are known."""
    x = dt.symbol("x", (3,))
    a, b = x @ _normal(rng, 3, 2), np.tanh(x) @ _normal(rng, 3, 2)
    top = np.maximum(a, b) if rng.random() < 0.5 else np.maximum(np.abs(a) * a, b)
    v = np.sum(top * np.tanh(a)) + np.sum(np.exp(-np.square(top)) * b)
    return v + dt.relu(np.sum(a * a)), dt.Box({x: (-1, 1)})


def _shapes(rng):
    """One sum in two shapes, products of matrices, both factors of one group."""
    x = dt.symbol("x", (1, 2))
    w = _normal(rng, 2, 2)
    z = x @ w
    f, g = np.tanh(z), scipy.special.expit((x @ w).reshape(2))
    outer = f.reshape(2, 1) @ z.reshape(1, 2)
    v = np.sum(np.square(outer)) + np.sum(g * f.reshape(2)) + np.sum(outer @ w)
    return v, dt.Box({x: (-1, 1)})


def _softmax(rng):
    """Sums of a softmax of one row alone, and of two rows; and of two softmaxes."""
    rows = (1,) * int(rng.integers(2)) if rng.random() < 0.7 else (2,)
    x = dt.symbol("x", (*rows, 3))
    classes = int(rng.integers(2, 5))
    p = dt.softmax(x @ _normal(rng, 3, classes), axis=-1)
    if rng.random() < 0.3:
        p = p + dt.softmax(np.tanh(x) @ _normal(rng, 3, classes), axis=-1)
    e = p @ _normal(rng, classes, 2) - _normal(rng, 2)
    u = p @ _normal(rng, classes, 3)
    v = np.sum(np.tanh(x @ _normal(rng, 3, 2)) * e) + np.sum(np.tanh(u))
    return v - np.sum(np.square(np.log(p))), dt.Box({x: (-1, 1)})


def _matrices(rng):
    """Products of matrices that vary, near numbers or around zero."""
    x = dt.symbol("x", (2, 3))
    a = x if rng.random() < 0.3 else np.tanh(x)
    b = x.T @ _normal(rng, 2, 3) if rng.random() < 0.5 else x.T @ x
    c = a @ b
    d = c @ np.sin(b) if rng.random() < 0.5 else c
    low = float(rng.choice([-1.0, 0.5]))
    return np.sum(np.tanh(d)) + np.sum(np.square(c)), dt.Box({x: (low, 1)})


def _attention(rng):
    x = dt.symbol("x", (3, 2))
    q, k, v = (x @ _normal(rng, 2, 3) for _ in range(3))
    p = dt.softmax(q @ k.T, axis=-1)
    loss = np.sum(np.square(p @ v @ _normal(rng, 3, 1)))
    if rng.random() < 0.5:
        loss = np.sqrt(0.01 + loss)  # of a finite logarithm
    return loss, dt.Box({x: (float(rng.choice([-1.0, 0.5])), 1)})


# -- one case --------------------------------------------------------------------------


@dataclass
class Case:
    """A graph, the bounder's view of it, and the checker's."""

    problem: Problem
    bounder: object
    atoms: list
    clusters: StarClusters

    @classmethod
    def of(cls, v, domain, extra=()):
        """Return a case; None where the bounder has no use for the graph."""
        problem = Problem(v, domain)
        bounder = cluster_bounder_of(problem)
        if bounder is None:
            return None
        atoms = [*bounder.places, *extra(problem)] if extra else list(bounder.places)
        return cls(problem, bounder, atoms, checker(problem, bounder.facts(), atoms))

    def against(self, facts):
        """Return the case with the checker's view for other facts."""
        other = replace(self, clusters=checker(self.problem, facts, self.atoms))
        other.told = self.told
        return other

    @cached_property
    def told(self):
        """The bounder's data for the whole domain."""
        (proof,) = self.bounder.bound(self.bounder.root(), -np.inf).proofs
        return proof[1]

    @property
    def size(self):
        return self.problem.size

    @property
    def starts(self):
        return {s.name: self.problem.slices[s.name].start for s in self.problem.symbols}

    def free_signs(self):
        """Return which multipliers may be negative."""
        made = self.clusters.defining
        return np.array(
            [
                not getattr(m, "is_inequality", False)
                for m in made
                for _ in m.definitions
            ],
            dtype=bool,
        )

    def point(self, rng):
        """Return a point of the box around the domain; now and then at 0 exactly."""
        x = rng.uniform(self.problem.lower, self.problem.upper)
        near = rng.choice([0.0, np.nan, 0.5], size=x.shape, p=[0.2, 0.7, 0.1])
        if rng.random() < 0.2:
            near[:] = 0.0
        x = np.where(np.isnan(near), x, near)
        return np.clip(x, self.problem.lower, self.problem.upper)

    def values(self, x):
        """Return the objective and the atoms at a point."""
        nodes = [n for n, _ in self.atoms]
        with ctx.workprec(300):
            row = [arb(float(c)) for c in x]
            program = PointProgram([self.problem.objective], self.starts, self.size)
            (top,) = program(row)
            by_node = {
                n: PointProgram([n], self.starts, self.size)(row) for n in {*nodes}
            }
            return top, [by_node[n][i] for n, i in self.atoms]

    def region(self, rng, x, cuts):
        """Return a region of random cuts that holds a point."""
        region = self.whole()
        _, atoms = self.values(x)
        row = [arb(float(c)) for c in x] + atoms
        for _ in range(cuts):
            j = int(rng.integers(len(row)))
            at = float(row[j].mid()) + float(rng.normal()) * float(
                rng.choice([0.0, 1e-3, 0.1, 1.0])
            )
            at = 0.0 if rng.random() < 0.3 else at
            if row[j] <= at:
                region.below(j, arb(at))
            elif row[j] > at:
                region.above(j, arb(at))
        return region

    def whole(self):
        k, far = len(self.atoms), arb("inf")
        low = [arb(float(c)) for c in self.problem.lower] + [-far] * k
        high = [arb(float(c)) for c in self.problem.upper] + [far] * k
        return Region(low, high, [False] * len(low))


@cache
def case_of(kind, seed, extra=()):
    """Return the case of a drawn graph, made once: it stays as it is."""
    with ctx.workprec(96):
        return Case.of(*graph(kind, seed), extra=extra)


def checker(problem, facts, atoms=()):
    """Return the checker's clusters for some facts."""
    starts = {s.name: problem.slices[s.name].start for s in problem.symbols}
    ends = ([arb(float(c)) for c in e] for e in (problem.lower, problem.upper))
    return StarClusters(problem.objective, starts, *ends, list(atoms), facts)


def others(problem):
    """Return elements of all nodes of the objective."""
    order = topological([problem.objective])
    return [(n, i) for n in order if n.op is not None and n.args for i in range(n.size)]


def holds(region, row):
    """Return whether a point's coordinates certainly lie in a region."""
    ends = zip(region.low, region.high, region.open, row, strict=True)
    return all((c > a if o else c >= a) and c <= b for a, b, o, c in ends)


# -- data of leaves --------------------------------------------------------------------


def data(case, rng, wild):
    """Return the bounder's data for the whole domain, disturbed."""
    found = case.told
    p = np.array(found["p"])
    p = p * rng.uniform(0.5, 1.5, p.shape) if wild < 2 else rng.normal(size=p.shape)
    if not wild:
        return dict(found)
    p[~case.free_signs()] = np.abs(p[~case.free_signs()])
    return {
        "p": p.tolist(),
        "energies": [energy(e, rng) for e in case.clusters.energies],
        "corners": [corners(c, rng) for c in case.clusters.corners],
    }


def corners(step, rng):
    """Return weights of what convex functions are at most on a simplex; or none."""
    if step is None or rng.random() < 0.3:
        return None
    return (np.exp(rng.normal(size=len(step.squares))) * (rng.random() < 0.9)).tolist()


def energy(step, rng, growth=1e-6):
    """Return an energy with random numbers, proved or not by so much; perhaps none."""
    if step is None or not step.terms or rng.random() < 0.3:
        return None
    nu = np.exp(rng.normal(size=len(step.made.slots))) * (rng.random() < 0.9)
    d = np.exp(rng.normal(size=len(step.terms)))
    matrix = np.array([[float(c) for c in row] for row in step._matrix])
    inner = matrix * np.sqrt(nu)[:, None] / np.sqrt(d)
    top = np.linalg.norm(inner, 2) ** 2
    above = d * (max(top, 1e-3) * (1 + growth))
    centres = rng.normal(size=len(step.terms))
    return [nu.tolist(), above.tolist(), centres.tolist()]


__all__ = [
    "KINDS", "Case", "NoBound", "case_of", "checker", "corners", "data", "energy",
    "graph", "holds",
]  # fmt: skip
