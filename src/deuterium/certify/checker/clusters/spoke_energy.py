"""Check of the energy of a step: one quadratic inequality between sums and their terms.

The theorem is in the package's docstring.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat

from deuterium.certify.checker.ball_functions import ONE, ZERO, Ball
from deuterium.certify.checker.clusters.star_parts import SpokeStep
from deuterium.certify.checker.clusters.star_structure import StarStructure
from deuterium.certify.checker.exact_data import numbers
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.lagrangian.graph_structure import Coordinates

Added = list[tuple[int, Ball, Ball]]  # slot, weight, centre: w (t - c)**2

SHIFT = 2.0**-48  # of the diagonal by its length, taken off before it is factored
LARGEST = 2**16  # coefficients of one step with an energy: products take seconds


class StepEnergy:
    """That of the definitions of one step.

    Parameters
    ----------
    structure : StarStructure
    made : Coordinates or SpokeStep
        What the step makes.

    Attributes
    ----------
    terms : list of int
        The slots of the definitions' terms, by group, hub and spoke.

    Raises
    ------
    NoBound
        It has none.
    """

    def __init__(self, structure: StarStructure, made: Coordinates | SpokeStep) -> None:
        self.made = made
        used = {
            t for d in made.definitions for t, c in d.parts.items() if not c.is_zero()
        }
        places = {t: _place(structure, t) for t in used}
        if len(set(places.values())) < len(places):
            raise NoBound("two terms of a step have one hub and spoke")
        if len(used) * len(made.slots) > LARGEST:
            raise NoBound("a step has too many terms for an energy")
        self.terms = sorted(used, key=lambda t: places[t])
        for t in [*self.terms, *made.slots]:
            structure.square(t)  # so that it has a slot
        self._matrix: list[list[Ball]] = [
            [d.parts.get(t, ZERO) for t in self.terms] for d in made.definitions
        ]
        self._proved: dict[Any, bool] = {}

    def squares(self, data: Any) -> Added:
        """Return the squares that the energy adds.

        Raises
        ------
        NoBound
            It is not proved, or the data cannot be read.
        """
        if not isinstance(data, list) or len(data) != 3:
            raise NoBound(f"an energy has three lists, got {data!r:.60}")
        nu = numbers(data[0], len(self.made.slots))
        above = numbers(data[1], len(self.terms))
        centres = numbers(data[2], len(self.terms))
        key = tuple(data[0]), tuple(data[1])
        if key not in self._proved:
            self._proved = {key: self._is_proved(nu, above)}  # the last, for siblings
        if not self._proved[key]:
            raise NoBound("an energy is not proved")
        added = list(zip(self.terms, above, centres, strict=True))
        at = dict(zip(self.terms, centres, strict=True))
        for slot, d, w in zip(self.made.slots, self.made.definitions, nu, strict=True):
            if not w.is_zero():
                u0 = sum([c * at[t] for t, c in d.parts.items() if t in at], d.constant)
                added.append((slot, -w, u0))
        return added

    def _is_proved(self, nu: Sequence[Ball], above: Sequence[Ball]) -> bool:
        if not all(w >= ZERO for w in nu) or not all(w > ZERO for w in above):
            return False
        some = [k for k, w in enumerate(nu) if not w.is_zero()]
        if not some:
            return True
        rows = [self._matrix[k] for k in some]  # M', one row for each sum
        weights = [nu[k] for k in some]
        if len(some) < len(above):
            own, inner = [ONE / w for w in weights], [ONE / w for w in above]
        else:
            own, inner = list(above), weights
            rows = [list(column) for column in zip(*rows, strict=True)]
        return _is_above(own, rows, inner)


def _is_above(
    own: Sequence[Ball], rows: list[list[Ball]], weights: Sequence[Ball]
) -> bool:
    """Return whether ``diag(own) - rows diag(weights) rows'`` is proved semidefinite.

    Scaled so that the diagonal is about 1.
    """
    try:
        scale = [1.0 / math.sqrt(float(x)) for x in own]
    except (ZeroDivisionError, ValueError, OverflowError):
        return False
    if not all(math.isfinite(s) and s > 0 for s in scale):
        return False
    exact = [arb(s) for s in scale]
    scaled = [[s * x for x in row] for s, row in zip(exact, rows, strict=True)]
    left = [[x * w for x, w in zip(row, weights, strict=True)] for row in scaled]
    matrix = -(arb_mat(left) * arb_mat(scaled).transpose())
    n = len(own)
    for i, (s, x) in enumerate(zip(exact, own, strict=True)):
        matrix[i, i] = matrix[i, i] + s * s * x
    about = np.array([float(x.mid()) for x in matrix.entries()]).reshape(n, n)
    about[np.diag_indices(n)] -= n * SHIFT
    try:
        lower = np.linalg.cholesky(about)
    except np.linalg.LinAlgError:
        return False
    if not np.all(np.isfinite(lower)):
        return False
    factor = arb_mat(n, n, lower.ravel().tolist())
    return _is_dominant(matrix - factor * factor.transpose())


def _is_dominant(matrix: Any) -> bool:
    """Return whether every diagonal element is at least the others' sizes."""
    n = matrix.nrows()
    rows = matrix.tolist()
    for i in range(n):
        rest = sum([abs(x) for j, x in enumerate(rows[i]) if j != i], ZERO)
        if not rows[i][i] >= rest:
            return False
    return True


def _place(structure: StarStructure, term: int) -> tuple[int, int, int]:
    """Return the group, the hub and the spoke of a term, hubs' own functions first."""
    _, spoke, power = structure.stars.get(term, (None, term, 1))
    if power != 1:
        raise NoBound("the fourth power of a spoke")
    is_own = term not in structure.stars and term not in structure.spokes
    return (*structure.place(term), -1 if is_own else spoke)
