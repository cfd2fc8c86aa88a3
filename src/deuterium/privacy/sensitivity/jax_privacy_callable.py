"""A certified sensitivity as what jax-privacy asks of a function with a sensitivity.

jax-privacy's mechanisms take a ``BoundedSensitivityCallable``, which it makes itself by
clipping gradients.  This one clips records into their public box, and no gradient: the
bound is the certified one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.domain.constraints import Range
from deuterium.domain.domain import Domain
from deuterium.errors import UnsupportedError
from deuterium.evaluate import compile
from deuterium.evaluate.named_columns import as_columns
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.optional import require
from deuterium.privacy.mechanisms.release_shapes import is_list
from deuterium.privacy.sensitivity.relations import Relation, require_relation

__all__ = ["jax_privacy_callable"]

WHO = "to_jax_privacy"


def jax_privacy_callable(s: Any, relation: Relation) -> Any:
    """Return a function of records whose sensitivity is the certified one.

    Parameters
    ----------
    s : Sensitivity
        Of a contribution in L2 norm, over a box.
    relation : str
        One that the sensitivity is known for.
    """
    s.sensitivity(require_relation(WHO, relation))
    if s.quantity != "contribution" or s.norm != 2:
        raise UnsupportedError(
            f"{WHO}: jax-privacy adds up records and bounds the L2 norm; this is a "
            f"{s.quantity} in L{s.norm:g} norm. Use privacy.contribution with norm=2"
        )
    clipping = require("jax_privacy.clipping", "jax-privacy", WHO)
    total, base = _summed(s), clipping.BoundedSensitivityCallable

    class CertifiedCallable(base):  # type: ignore[misc, valid-type]
        """A sum over records whose sensitivity was certified."""

        def sensitivity(self, neighboring_relation: Any = None) -> float:
            """Return the L2 sensitivity for a relation, of either package."""
            asked = relation if neighboring_relation is None else neighboring_relation
            return float(s.sensitivity(require_relation(WHO, asked)))

    return CertifiedCallable(fun=total, l2_norm_bound=s.upper, has_aux=False)


def _summed(s: Any) -> Any:
    """Return a function that clips records into a box and adds up contributions."""
    jnp = require("jax.numpy", "jax", WHO)
    symbols = list(free_symbols(s.vector))
    boxes = {v.name: _box(s.domain, v.name, v.shape) for v in symbols}
    evaluate = compile(symbols, list(s.vector), backend="jax")
    scale = float(s.factor)

    def total(records: Mapping[Any, Any]) -> Any:
        columns = as_columns(records, WHO)
        rows = [jnp.clip(jnp.asarray(columns[n]), *boxes[n]) for n in boxes]
        count = rows[0].shape[0]
        with warnings.catch_warnings():  # JAX works in the precision it is set to
            warnings.filterwarnings("ignore", message="Explicitly requested dtype")
            parts = [
                jnp.broadcast_to(each, (count, *v.shape)).sum(axis=0) * scale
                for v, each in zip(s.vector, evaluate(*rows), strict=True)
            ]
        return parts if isinstance(s.shape, tuple) and is_list(s.shape) else parts[0]

    return total


def _box(domain: Domain | None, name: str, shape: tuple[int, ...]) -> Any:
    """Return the two ends between which a symbol's records are clipped."""
    if domain is None or not all(
        isinstance(c, Range) for c in domain.constraints[name]
    ):
        raise UnsupportedError(
            f"{WHO}: {name!r} is not bounded by a Box, so its records cannot be "
            "clipped inside JAX; bound it by a Box"
        )
    hull = domain.hull(symbol(name, shape=shape))
    return np.asarray(hull.lower), np.asarray(hull.upper)
