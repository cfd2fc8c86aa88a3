"""Domains: the sets of inputs over which something is bounded.

A domain is a conjunction of constraints, each on one symbol, known by name.  The
constraints are made by `Box`, `Ball`, `Choice` and `OneHot` and joined with ``&``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from deuterium.domain import records
from deuterium.domain.constraints import (
    Constraint,
    OneOf,
    Range,
    Shape,
    UnitVectors,
    Within,
    restored,
)
from deuterium.errors import BoundsError, ShapeError
from deuterium.graph.saved import Saved, require_kinds
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Interval, interval_arithmetic
from deuterium.notebook import Shown, latex_number


class Domain(Saved, Shown):
    """A set of inputs: constraints by symbol name.

    Attributes
    ----------
    constraints : mapping from str to tuple
        The constraints on each symbol; all of them hold.
    conditions : tuple of Variable
        What several symbols satisfy together; all of them hold.

    Examples
    --------
    >>> import deuterium as dt
    >>> x, y = dt.symbol("x"), dt.symbol("y")
    >>> domain = dt.Box({x: (0, 1), y: (0, 1)}) & dt.Where(x + y <= 1)
    >>> domain.names, len(domain.conditions)
    (['x', 'y'], 1)
    """

    __slots__ = ("conditions", "constraints", "shapes")

    def __init__(
        self,
        constraints: Mapping[str, tuple[Constraint, ...]],
        shapes: Mapping[str, Shape],
        conditions: tuple[Variable, ...] = (),
    ) -> None:
        self.conditions = conditions
        self.constraints = dict(constraints)
        self.shapes = dict(shapes)  # of the symbols given as Variables

    def __and__(self, other: object) -> Domain:
        if not isinstance(other, Domain):
            return NotImplemented
        both = dict(self.constraints)
        for name, more in other.constraints.items():
            both[name] = both.get(name, ()) + more
        for name, shape in other.shapes.items():
            if self.shapes.get(name, shape) != shape:
                raise ShapeError(
                    f"domain: {name!r} has shape {self.shapes[name]} on one side of & "
                    f"and {shape} on the other; they are one symbol"
                )
        conditions = self.conditions + other.conditions
        return Domain(both, {**self.shapes, **other.shapes}, conditions)

    @property
    def plain(self) -> Domain:
        """The domain without its conditions, which holds it."""
        return Domain(self.constraints, self.shapes) if self.conditions else self

    @property
    def names(self) -> list[str]:
        """Names of the symbols that are constrained."""
        return list(self.constraints)

    @property
    def discrete(self) -> list[str]:
        """Names of the symbols that have separate values, with nothing between."""
        kinds = (OneOf, UnitVectors)
        held = self.constraints.items()
        return [n for n, cs in held if any(isinstance(c, kinds) for c in cs)]

    def hull(self, symbol: Variable) -> Interval:
        """Return a box that holds every value the symbol may take.

        Raises
        ------
        ShapeError
            Bounds do not broadcast to the symbol's shape.
        BoundsError
            The constraints exclude each other.
        """
        self._check_shape(symbol)
        box: Interval | None = None
        for constraint in self.constraints[symbol.name]:
            part = _fitted(constraint.hull(symbol.shape), symbol)
            box = part if box is None else interval_arithmetic.intersect(box, part)
        assert box is not None  # a name has at least one constraint
        if np.any(box.lower > box.upper):
            raise _exclusive(symbol)
        return box

    def _check_shape(self, symbol: Variable) -> None:
        shape = self.shapes.get(symbol.name, symbol.shape)
        if shape != symbol.shape:
            raise ShapeError(
                f"domain: {symbol.name!r} was given as a symbol of shape {shape}, but "
                f"has shape {symbol.shape} in the computation"
            )

    def table(self, symbol: Variable) -> Any | None:
        """Return the finitely many values of a symbol, or None if they are not.

        They are the values of one `Choice` or `OneHot` that satisfy all constraints, or
        may do so: what rounding leaves in doubt is kept, so that bounds hold.
        """
        self._check_shape(symbol)
        constraints = self.constraints[symbol.name]
        for constraint in constraints:
            if isinstance(constraint, (OneOf, UnitVectors)):
                rows = constraint.table(symbol.shape)
                if rows is not None and len(constraints) > 1:
                    rows = rows[[self._may_contain(symbol, row) for row in rows]]
                    if not len(rows):
                        raise _exclusive(symbol)
                return rows
        return None

    def contains(self, symbol: Variable, value: Any) -> bool:
        """Return whether a value of a symbol satisfies every constraint on it."""
        return all(np.all(c.holds(value)) for c in self.constraints[symbol.name])

    def restricted(self, names: Collection[str]) -> Domain:
        """Return the domain of some symbols alone, by name.

        Others stay only where a condition joins them to one of those.
        """
        kept, conditions = set(names), list(self.conditions)
        joined = [{s.name for s in free_symbols([c])} for c in conditions]
        while more := set().union(*(j for j in joined if j & kept)) - kept:
            kept |= more
        return Domain(
            {n: c for n, c in self.constraints.items() if n in kept},
            {n: s for n, s in self.shapes.items() if n in kept},
            tuple(c for c, j in zip(conditions, joined, strict=True) if j & kept),
        )

    def clip(self, data: Any) -> dict[str, Any]:
        """Return records moved into the domain: what is bounded over it then holds.

        Parameters
        ----------
        data : mapping or DataFrame
            The values of every symbol of the domain, by Variable or name: of shape
            ``(records, *shape)``, or ``shape`` for one point.  Other columns of a table
            are left out.

        Returns
        -------
        dict from str to ndarray
            In a box each element goes to the nearer end, in a ball a point goes towards
            the centre; values that are in already stay as they are.

        Raises
        ------
        BoundsError
            A value cannot be moved: it is none of a `Choice`, no unit vector of a
            `OneHot`, or fails a condition of a `Where`.
        InvalidInputError
            Names, shapes or types do not fit, or a value is missing (NaN).
        """
        given = records.values_of(data, self.constraints, self.shapes, "clip")
        rows = records.clipped(given, self.constraints, self.shapes)
        self._require_inside(rows, "clip")
        return rows

    def check(self, data: Any) -> dict[str, Any]:
        """Return records as arrays, by name, if all of them lie in the domain.

        Arguments and errors as of `clip`, which moves them instead.  Whether this
        raises depends on the data: that is a thing to keep to oneself.
        """
        rows = records.values_of(data, self.constraints, self.shapes, "check")
        self._require_inside(rows, "check")
        return rows

    def _require_inside(self, rows: Mapping[str, Any], who: str) -> None:
        records.require_inside(rows, self.constraints, self.shapes, who)
        records.require_conditions(self.conditions, rows, who)

    # -- files and notebooks -----------------------------------------------------------

    def _stored(self) -> Mapping[str, Any]:
        return {n: getattr(self, n) for n in ("constraints", "shapes", "conditions")}

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> Any:
        for name, constraints in given["constraints"].items():
            require_kinds("Domain", name, str)
            for each in require_kinds("Domain", constraints, object):
                restored(each)
        require_kinds("Domain", given["conditions"], Variable)
        made = object.__new__(cls)
        Domain.__init__(made, **given)
        return made

    def _facts(self) -> Iterator[tuple[str, Any]]:
        for name, constraints in self.constraints.items():
            told = " & ".join(c.code(name) for c in constraints)
            shape = self.shapes.get(name, ())
            yield name, told + (f", shape {shape}" if shape else "")
        for condition in self.conditions:
            yield "where", condition

    def _repr_latex_(self) -> str | None:
        """Return the box around it, of numbers alone, or None."""
        parts = []
        for name, constraints in self.constraints.items():
            plain = all(
                isinstance(c, Range) and not np.ndim(c.lower) for c in constraints
            )
            if not plain or not name.isidentifier():
                return None
            hull = [(float(c.lower), float(c.upper)) for c in constraints]  # type: ignore[union-attr]
            ends = max(low for low, _ in hull), min(high for _, high in hull)
            size = " \\times ".join(map(str, self.shapes.get(name, ())))
            power = f"^{{{size}}}" if size else ""
            text = ", ".join(map(latex_number, ends))
            shown = name.replace("_", r"\_")
            parts.append(rf"\mathrm{{{shown}}} \in [{text}]{power}")
        return None if self.conditions or not parts else f"${', '.join(parts)}$"

    def _may_contain(self, symbol: Variable, value: Any) -> bool:
        kinds = self.constraints[symbol.name]
        return all(
            np.all(c.may_hold(value) if isinstance(c, Within) else c.holds(value))
            for c in kinds
        )

    def __repr__(self) -> str:
        parts = [c.code(n) for n, cs in self.constraints.items() for c in cs]
        parts += [f"dt.Where({c!r})" for c in self.conditions]
        return " & ".join(parts) or "dt.Box({})"


def _exclusive(symbol: Variable) -> BoundsError:
    return BoundsError(
        f"the constraints on {symbol.name!r} exclude each other: no value satisfies "
        "all of them; leave one of them out"
    )


def _fitted(box: Interval, symbol: Variable) -> Interval:
    if not broadcasts(box.shape, symbol.shape):
        raise ShapeError(
            f"bounds of {symbol.name!r}: shape {box.shape} does not broadcast to the "
            f"symbol's shape {symbol.shape} (batch axes come first)"
        )
    shape = np.broadcast_shapes(box.shape, symbol.shape)
    return Interval.unchecked(
        np.broadcast_to(box.lower, shape), np.broadcast_to(box.upper, shape)
    )


def broadcasts(given: Shape, shape: Shape) -> bool:
    """Return whether bounds of a shape fit a symbol's, batch axes in front."""
    try:
        both = np.broadcast_shapes(given, shape)
    except ValueError:
        return False
    return both[len(both) - len(shape) :] == shape and len(both) >= len(shape)
