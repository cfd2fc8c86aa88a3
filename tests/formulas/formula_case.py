"""A formula, where its inputs lie, and the right values of what is asked of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import deuterium as dt
from deuterium import privacy

Ends = tuple[float, float] | tuple[float, float, int]


@dataclass(frozen=True)
class Formula:
    """A function of numbers, or of Variables, and suprema of it.

    Attributes
    ----------
    function : callable
        As it would stand in a notebook.
    ends : tuple
        Of each argument: two ends, and its length where it is a vector.
    most, least, slope : float or None
        The supremum, the infimum, and the largest length of the gradient, to six
        digits: known exactly, or from thousands of points of the NumPy function, the
        best of them polished.
    """

    function: Callable[..., Any]
    ends: tuple[Ends, ...]
    most: float | None = None
    least: float | None = None
    slope: float | None = None

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.function.__name__

    def inputs(self) -> list[Any]:
        """Return a symbol for each argument."""
        names = inspect.signature(self.function).parameters
        return [
            dt.symbol(n, shape=(e[2],)) if len(e) == 3 else dt.symbol(n)
            for n, e in zip(names, self.ends, strict=True)
        ]

    def domain(self, inputs: list[Any]) -> Any:
        """Return where the inputs lie."""
        return dt.Box({s: e[:2] for s, e in zip(inputs, self.ends, strict=True)})

    def point(self, rng: Any) -> list[Any]:
        """Return random numbers for the arguments."""
        return [
            rng.uniform(e[0], e[1], size=e[2] if len(e) == 3 else None)
            for e in self.ends
        ]

    def questions(self) -> list[str]:
        """Return what there is a right value of."""
        return [q for q in ("most", "least", "slope") if getattr(self, q) is not None]

    def answer(self, question: str) -> Any:
        """Return the certified bracket of a value, upward: of minus the infimum."""
        inputs = self.inputs()
        domain, graph = self.domain(inputs), self.function(*inputs)
        if question == "most":
            return dt.maximize(graph, domain, rtol=1e-3)
        if question == "least":
            return dt.maximize(-graph, domain, rtol=1e-3)
        return privacy.lipschitz(graph, inputs, domain, rtol=1e-3)


def entering(formulas: list[Formula]) -> Callable[..., Any]:
    """Return a decorator that enters a function with its ends and right values."""

    def formula(*ends: Ends, **right: float) -> Any:
        def enter(function: Any) -> Any:
            formulas.append(Formula(function, ends, **right))
            return function

        return enter

    return formula


def bump(x: Any) -> Any:
    """Return the density of the normal distribution."""
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
