"""What a step's program is made of: hubs, spokes, rules, and multiples of functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.graph.constructors import apply
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.optimize.bounders.lagrangian.factored_parts import KinkBranches
from deuterium.optimize.bounders.lagrangian.kink_sides import KinkSide
from deuterium.transform.simplify.simplify import simplify

__all__ = [
    "ONE",
    "Coefficient",
    "HubGroup",
    "Kind",
    "Multiple",
    "Sized",
    "SpokeSet",
    "StepRule",
    "StepTerm",
    "WeightSum",
    "rebuilt",
    "scaled",
    "told",
    "written",
]

ONE = -1  # as a function of a hub: the constant 1


@dataclass(frozen=True)
class Sized:
    """A number at a step, by its places on the tape.

    Attributes
    ----------
    value, size : int
        Arrays of shape (1 or rows, *shape).
    is_plain : bool
        Whether the size is but the absolute value.
    """

    value: int
    size: int
    is_plain: bool


@dataclass(frozen=True, eq=False)
class StepTerm:
    """Elements ``f(z)``, ``f(z) e`` or ``f(z) e**2``: see `step_program`.

    Attributes
    ----------
    group, function : int
        Of the hubs z, and which of the group's functions f is.
    hubs : ndarray of int, of shape (T,)
    spokes : int or None
        The number of the set that the spokes e are of.
    places : ndarray of int, of shape (T,)
        Which of them.
    power : int
        Of e: 0, 1 or 2.
    """

    group: int
    function: int
    hubs: Array
    spokes: int | None
    places: Array
    power: int

    @property
    def count(self) -> int:
        """The number of elements."""
        return len(self.hubs)


@dataclass(frozen=True)
class Coefficient:
    """The coefficients of a term in an array.

    ``number`` has the shape (1 or rows, T, *shape); or, if ``own``, (1 or rows,
    *shape), for elements of which each is a multiple of the term's of the same place.
    None is 1.
    """

    number: Sized | None
    own: bool


@dataclass(frozen=True, eq=False)
class WeightSum:
    """An array that is a sum of terms: ``shape`` is that of the array."""

    parts: Mapping[StepTerm, Coefficient]
    constant: Sized
    shape: tuple[int, ...]


def told(x: Any) -> Any:
    """Return what tells an attribute of an operator from others."""
    return (x.shape, x.tobytes()) if isinstance(x, np.ndarray) else x


@dataclass(eq=False)
class HubGroup:
    """Hubs of which all have the same functions.

    Attributes
    ----------
    size : int
    vector : Variable
        The symbol, of shape (1,), that functions are graphs of.
    functions : list of KinkBranches
        The identity, number 0, is the first.
    is_input : bool
        Whether they are a record's elements.
    """

    size: int
    vector: Variable
    functions: list[KinkBranches]
    is_input: bool
    numbers: dict[Any, int] = field(default_factory=dict)
    sides: tuple[KinkSide, KinkSide] | None = None

    def number(self, f: KinkBranches) -> int:
        """Return the number of a function, entered if it is new."""
        found = simplify(f.full)
        if found.is_constant and np.all(found.value == 1):
            return ONE
        key = written(found)
        if key not in self.numbers:
            self.numbers[key] = len(self.functions)
            self.functions.append(f if f.kinked else KinkBranches(found, found, found))
        return self.numbers[key]


@dataclass(eq=False)
class SpokeSet:
    """Spokes of one group's hubs: ``hub_of`` says of which, each."""

    group: int
    hub_of: Array


@dataclass(eq=False)
class StepRule:
    """Hubs of a group, or the spokes of a set, are what a sum says."""

    group: int
    spokes: int | None
    form: WeightSum


@dataclass(frozen=True, eq=False)
class Multiple:
    """An array of multiples of ``f(z) e**power``, element by element.

    Attributes
    ----------
    factor : Sized or None
        None is 1.
    group : int
    f : KinkBranches
        Of the group's vector.
    source : ndarray of int, of the array's shape
        Which hub.
    spokes : int or None
    places : ndarray of int, of the array's shape
        Which spoke.
    power : int
    is_hub : bool
        Whether f is the identity.
    """

    factor: Sized | None
    group: int
    f: KinkBranches
    source: Array
    spokes: int | None = None
    places: Any = None
    power: int = 0
    is_hub: bool = False
    root: Multiple | None = None  # of which it is the square

    @property
    def is_function(self) -> bool:
        """Whether it is a function of hubs and nothing else."""
        return self.factor is None and self.spokes is None


Kind = Sized | Multiple | WeightSum


def written(v: Variable) -> Any:
    """Return what tells how a graph is written."""
    order = topological([v])
    place = {n: i for i, n in enumerate(order)}
    return tuple(
        (
            n.name if n.is_symbol else n.op and n.op.name,
            tuple(place[a] for a in n.args),
            tuple((k, told(x)) for k, x in sorted(n.attrs.items())),
            told(np.asarray(n.value, dtype=float)) if n.is_constant else None,
        )
        for n in order
    )


def rebuilt(op: Operator) -> Any:
    """Return what makes a node of an operator and its arguments."""
    return lambda *args, **attrs: apply(op, args, attrs)


def scaled(k: Multiple, factor: Sized) -> Multiple:
    """Return an array with another factor."""
    return Multiple(
        factor, k.group, k.f, k.source, k.spokes, k.places, k.power, root=k.root
    )
