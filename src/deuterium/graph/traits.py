"""What is true of an operator: the facts that the floors above ask for.

Whoever needs a property (does it move elements, is it even, how steep is it) reads it
here, and so holds for operators that are entered later.  Each trait defaults to saying
nothing, which is never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Function = Callable[[Any], Any]
Ends = tuple[float, float]

INF = float("inf")
REALS: Ends = (-INF, INF)


@dataclass(frozen=True, eq=False, kw_only=True)
class Traits:
    """Properties of an operator over the reals.

    Attributes
    ----------
    linear : bool
        It is linear in all its arguments together: ``f(s x + t y) = s f(x) + t f(y)``.
    bilinear : bool
        It is linear in either of its two arguments, the other being held fixed.
    degrees : tuple of float or None, optional
        Of each argument: ``f(s x, t y) = s**i * t**j * f(x, y)`` for all s and t whose
        powers are real; of an even operator with ``|s|`` in the place of s.  None of an
        argument that has no such power.
    moves_elements : bool
        Every element of the result is an element of an argument, whatever their values.
        Such an operator is linear, and keeps signs and what is not zero.
    chooses : bool
        Every element of the result is an element of an argument, chosen by value.
    commutative : bool
        Its two arguments may change places.
    keeps_sign : bool
        Where it is defined, it is not negative if none of its arguments is.
    keeps_nonzero : bool
        It is not zero where none of its arguments is.
    never_zero : bool
        It is zero at no real argument, though bounds of its values may touch zero.
    range : pair of float
        Numbers between which all its values lie, even where an argument is undefined.
    work : int
        What an element costs, an addition being 1.

    domain, closed : pairs
        Of one variable: the interval where it is defined, and whether either end
        belongs to it (one that does not is a pole).
    ulps, absolute : float
        How far ``value`` may be from the truth, ``ulps * 2**-52 * |f| + absolute``;
        ``ulps`` is None where no library's value is relied on.
    derivative : callable, optional
        Of one variable: its derivative, written with operators.
    increasing : bool, optional
        True where it rises over its whole domain, False where it falls.
    strictly : bool
        Where it is monotone, it is constant nowhere.
    extrema : tuple of float
        Where it turns, to the nearest double.
    exact_points : tuple of pairs
        Points at which its value is known exactly.
    parity : "even", "odd" or None
        ``f(-x) = f(x)``, or ``f(-x) = -f(x)``.
    lipschitz : float, optional
        An upper bound of ``|f'|``.
    below_identity : bool
        ``|f(x)| <= |x|``.
    kinks : tuple of float
        Where it, or its slope, jumps.
    sides : pair of callables, optional
        What it is to the left and to the right of its one kink, at zero.
    flattens : bool
        It is smooth, and tends to constants on both sides of zero.
    bend : (float, str), optional
        ``(k, g)`` with ``|f''| <= k g`` for an operator g that falls with ``|x|``.
    quadratic : (str, float, float), optional
        ``(g, c, t)`` where it is ``t - (g - c)**2`` of an operator g.
    """

    linear: bool = False
    bilinear: bool = False
    degrees: tuple[float | None, ...] | None = None
    moves_elements: bool = False
    chooses: bool = False
    commutative: bool = False
    keeps_sign: bool = False
    keeps_nonzero: bool = False
    never_zero: bool = False
    range: Ends = REALS
    work: int = 4

    domain: Ends = REALS
    closed: tuple[bool, bool] = (True, True)
    ulps: float | None = None
    absolute: float = 0.0
    derivative: Function | None = None
    increasing: bool | None = None
    strictly: bool = True
    extrema: tuple[float, ...] = ()
    exact_points: tuple[Ends, ...] = ()
    parity: Literal["even", "odd"] | None = None
    lipschitz: float | None = None
    below_identity: bool = False
    kinks: tuple[float, ...] = ()
    sides: tuple[Function, Function] | None = None
    flattens: bool = False
    bend: tuple[float, str] | None = None
    quadratic: tuple[str, float, float] | None = None

    @property
    def lower_bound(self) -> float:
        """The least value it can have, even where an argument is undefined."""
        return self.range[0]

    @property
    def nonnegative(self) -> bool:
        """Whether it is never negative, whatever its arguments."""
        return self.range[0] >= 0
