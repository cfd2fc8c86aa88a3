"""The largest gradient that a record could have, whatever its secret part is.

At fixed weights and fixed features the gradient's norm depends on the secret symbols
alone, the label say.  Over finitely many values its supremum is the largest of finitely
many norms.  Where the gradient is affine in a secret that lies in a box, its norm is
convex there, and a convex function on a box is largest at a corner (R. T. Rockafellar,
*Convex Analysis*, 1970, theorem 32.2).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.domain.domain import Domain
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.constructors import symbol
from deuterium.graph.substitute import symbol_name
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.privacy.training.gradient_sums import GradientSums
from deuterium.privacy.training.training_options import MOST_SECRETS
from deuterium.transform import grad
from deuterium.transform.simplify.simplify import simplify

__all__ = ["SecretValues"]


class SecretValues:
    """The values among which a record's secret part is sought.

    Parameters
    ----------
    secret : sequence of Variable or str
        Symbols of a record.
    domain : Domain
        Where they lie.
    sums : GradientSums
        The loss.

    Attributes
    ----------
    points : list of dict from str to ndarray
        Every combination at which the norm may be largest.
    """

    def __init__(
        self, secret: Sequence[Any], domain: Domain, sums: GradientSums, who: str
    ) -> None:
        names = [symbol_name(s) for s in secret]
        unknown = [n for n in names if n not in domain.names]
        if unknown or not names:
            raise InvalidInputError(
                f"{who}: `secret` must name symbols of the record, of which there are "
                f"{', '.join(domain.names)}; got {', '.join(unknown) or 'none'}"
            )
        self.sums = sums
        kinds = [_values(n, domain, sums, who) for n in names]
        if np.prod([float(len(k)) for k in kinds]) > MOST_SECRETS:
            raise UnsupportedError(
                f"{who}: the secret symbols have over {MOST_SECRETS} "
                "combinations of values; "
                "make fewer of them secret"
            )
        self.points = [
            dict(zip(names, point, strict=True)) for point in itertools.product(*kinds)
        ]

    def largest_norms(
        self, rows: Mapping[str, Array], weights: Mapping[str, Array]
    ) -> Array:
        """Return the largest gradient norm of each record over all secrets: (records,).

        Parameters
        ----------
        rows : mapping from str to ndarray
            (records, *shape of one record's values).
        weights : mapping from str to ndarray
            The parameters.
        """
        count = len(next(iter(rows.values())))
        largest = np.zeros(count)
        for point in self.points:
            full = {n: np.broadcast_to(x, (count, *x.shape)) for n, x in point.items()}
            norms = self.sums.norms({**rows, **full}, weights)
            largest = np.where(norms > largest, norms, largest)
            largest[np.isnan(norms)] = np.inf
        return largest


def _values(name: str, domain: Domain, sums: GradientSums, who: str) -> Sequence[Array]:
    """Return the values of one secret symbol at which a norm may be largest."""
    one = symbol(name, shape=domain.shapes[name])
    table = domain.table(one)
    if table is not None:
        return [np.asarray(row) for row in table]
    if name in domain.discrete:
        raise UnsupportedError(
            f"{who}: {name!r} has too many values to go through; a secret symbol has "
            f"at most {MOST_SECRETS}"
        )
    if not _is_affine(sums.one[name], sums):
        raise UnsupportedError(
            f"{who}: the gradient is not affine in {name!r}, so its largest norm over "
            "an interval of it is not known to lie at an end; give it finitely many "
            "values by dt.Choice"
        )
    hull = domain.hull(one)
    if 2.0**one.size > MOST_SECRETS or not np.isfinite([hull.lower, hull.upper]).all():
        raise UnsupportedError(
            f"{who}: {name!r} needs finite bounds and at most {MOST_SECRETS} corners"
        )
    ends = np.stack([np.ravel(hull.lower), np.ravel(hull.upper)])
    picks = itertools.product((0, 1), repeat=one.size)
    columns = np.arange(one.size)
    return [ends[list(p), columns].reshape(one.shape) for p in picks]


def _is_affine(secret: Variable, sums: GradientSums) -> bool:
    """Whether the gradient by the weights is affine in a secret symbol."""
    slopes = grad(sums.single, list(sums.weights.values()))
    mixed: Any = sum(
        (g * symbol(f"direction {i}", shape=g.shape)).sum()
        for i, g in enumerate(slopes)
    )
    (first,) = grad(mixed, [secret])
    return secret.name not in {s.name for s in free_symbols([simplify(first)])}
