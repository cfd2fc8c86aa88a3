"""An array searched element by element: one compiled function for all of them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from deuterium import budget
from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.evaluate import CompiledFunction, compile
from deuterium.graph.constructors import symbol
from deuterium.graph.variable import Variable
from deuterium.search import search_options as options
from deuterium.search.population.compiled_objective import CompiledObjective
from deuterium.search.population.gradient_ascent import climb
from deuterium.transform import grad
from deuterium.transform.pipeline import vectorized_if_large
from deuterium.transform.simplify.simplify import simplify

WEIGHTS = "which element"


class OutputElements:
    """All elements of an array, as functions of rows of inputs.

    Attributes
    ----------
    problem : Problem
        That of their sum, for how the inputs are laid out.
    """

    def __init__(self, v: Variable, domain: Domain, maximize: bool) -> None:
        self.problem = Problem(v.sum(), domain, maximize=maximize, caller="search")
        (dense,) = vectorized_if_large([v if maximize else -v])
        self.array, self.shape = simplify(dense, domain), v.shape
        self._weights = symbol(self._free_name(), shape=v.shape)
        self._sum = (self._weights * self.array).sum()

    def _free_name(self) -> str:
        name = WEIGHTS
        while name in self.problem.slices:
            name += "'"
        return name

    @cached_property
    def _values(self) -> CompiledFunction:
        return compile(self.problem.symbols, [self.array])

    def values(self, rows: Array) -> Array:
        """Return all elements at every row, (rows, elements); -inf if not finite."""
        (values,) = self._values(*self.problem.arrays(rows).values())
        values = np.broadcast_to(values, (len(rows), *self.shape))
        values = values.reshape(len(rows), -1)
        return np.where(np.isfinite(values), values, -np.inf)

    def weighted(self, moving: list[Variable]) -> CompiledFunction:
        """Return the weighted sum and its slopes, as a function of the weights too."""
        inputs = [*self.problem.symbols, self._weights]
        return compile(inputs, [self._sum, *grad(self._sum, moving)])


class OutputElement(CompiledObjective):
    """One element of an array.

    Parameters
    ----------
    elements : OutputElements
        The array.
    which : int
        The element, counted in C order.
    shared : OutputElement, optional
        Another one, whose compiled function this one uses.
    """

    def __init__(
        self, elements: OutputElements, which: int, shared: OutputElement | None = None
    ) -> None:
        super().__init__(elements.problem)
        self.elements, self.which = elements, which
        self._weighted: CompiledFunction = (
            elements.weighted(self.free_symbols) if shared is None else shared._weighted
        )
        weights = np.zeros(int(np.prod(elements.shape)))
        weights[which] = 1.0
        self._weights = weights.reshape(elements.shape)

    def values(self, rows: Array) -> Array:
        """Return the element at every row, minus infinity where it is not finite."""
        self.evaluations += len(rows)
        return self.elements.values(rows)[:, self.which]

    def both(self, rows: Array) -> tuple[Array, Array]:
        """Return values and slopes; a slope is zero where it is not finite."""
        found = self._weighted(*self.problem.arrays(rows).values(), self._weights)
        slopes = self.flat(found[1:], len(rows))
        values = np.broadcast_to(found[0], len(rows))
        self.evaluations += len(rows)
        return np.where(np.isfinite(values), values, -np.inf), slopes


class SharedPoints:
    """Points that all elements of an array share, and the best of each element.

    Elements of one gradient are often largest at the same points: what is found for one
    is tried for all.

    Attributes
    ----------
    values : ndarray of shape (elements,)
        The largest value of each element so far; minus infinity if none.
    rows : ndarray of shape (elements, n)
        Where it was found.
    feasible : Feasible
        The points of the domain.
    """

    def __init__(self, elements: OutputElements) -> None:
        self.elements = elements
        self._first = OutputElement(elements, 0)
        self.feasible, size = self._first.feasible, int(np.prod(elements.shape))
        self.values = np.full(size, -np.inf)
        self.rows = np.zeros((size, elements.problem.size))
        self._tried: list[Array] = []
        self._found: list[Array] = []
        self._own: list[OutputElement] = []

    @property
    def evaluations(self) -> int:
        """Rows evaluated so far, for one element or for all."""
        return sum(len(t) for t in self._tried) + sum(e.evaluations for e in self._own)

    def add(self, rows: Array) -> None:
        """Try some rows for every element."""
        rows = rows[[self.elements.problem.contains(row) for row in rows]]
        if not len(rows):
            return
        with np.errstate(all="ignore"):
            found = self.elements.values(rows)
        top = found.argmax(axis=0)
        best = found[top, np.arange(len(top))]
        better = best > self.values
        self.values[better], self.rows[better] = best[better], rows[top[better]]
        self._tried.append(rows)
        self._found.append(found)

    def element(self, which: int) -> OutputElement:
        """Return one element as a target."""
        element = OutputElement(self.elements, which, self._first)
        self._own.append(element)
        return element

    def best(self, which: int, count: int = options.KEPT_POINTS) -> Array:
        """Return the rows where one element was largest."""
        if not self._tried:
            return np.empty((0, self.elements.problem.size))
        found = np.concatenate([f[:, which] for f in self._found])
        return np.concatenate(self._tried)[np.argsort(-found, kind="stable")[:count]]

    def climb(self, deadline: float, random: np.random.Generator) -> None:
        """Climb for one element after the other, and try for all what that finds."""
        left = options.ELEMENT_CLIMBS if np.isinf(deadline) else -1
        while left != 0 and budget.now() < deadline:
            which = int(random.integers(len(self.values)))
            element = self.element(which)
            element.deadline = deadline
            with np.errstate(all="ignore"):
                rows, values = climb(
                    element,
                    self.best(which, options.ELEMENT_POINTS),
                    options.ELEMENT_STEPS,
                )
            self.add(rows[[int(np.argmax(values))]])
            left -= 1
