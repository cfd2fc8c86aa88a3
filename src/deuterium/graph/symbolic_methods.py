"""The methods of Variable that have to do with its closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deuterium.errors import SymbolicError
from deuterium.graph.hooks import METHODS

if TYPE_CHECKING:
    from deuterium.graph.variable import Variable


class SymbolicMethods:
    """A further base class of Variable."""

    __slots__ = ()

    shape: tuple[int, ...]

    @property
    def data(self) -> Any:
        """Closed form: a symengine expression, or a number if there are no symbols.

        An array Variable gives an object array of them.
        """
        return METHODS["data"](self)

    def to_symengine(self) -> Any:
        """Return the closed form as a symengine expression (or an array of them)."""
        return METHODS["to_symengine"](self)

    def to_sympy(self) -> Any:
        """Return the closed form as a SymPy expression (or an array of them)."""
        return METHODS["to_sympy"](self)

    def _symengine_(self) -> Any:
        return self._scalar_closed_form(self.to_symengine)

    def _sympy_(self) -> Any:
        return self._scalar_closed_form(self.to_sympy)

    def _scalar_closed_form(self, convert: Any) -> Any:
        if self.shape != ():
            raise SymbolicError(
                f"a Variable of shape {self.shape} is not one expression; convert its "
                "elements with `.to_symengine()` or `.to_sympy()`, which give arrays"
            )
        return convert()

    def subs(self, *args: Any) -> Variable:
        """Replace symbols by numbers, expressions or Variables.

        ``subs({old: new, ...})`` or ``subs(old, new)``; keys are Variables, names or
        symengine symbols.  Names that do not occur are ignored, as in SymPy.
        """
        new = dict([args]) if len(args) == 2 else args[0]
        return METHODS["substitute"](self, new)

    def simplify(self, **options: Any) -> Variable:
        """Return the closed form simplified by symengine, as a Variable again."""
        return METHODS["simplify"](self, **options)
