"""A certified sensitivity as a transformation of OpenDP, with its stability map.

OpenDP trusts what users write themselves only as far as they are honest; what this
transformation says of its stability is the certified number, times the distance of the
data sets, rounded up.  (M. Gaboardi, M. Hay and S. Vadhan, "A programming framework for
OpenDP", 2020, for transformations, stability maps and metrics.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deuterium.evaluate.named_columns import is_table
from deuterium.privacy.directed_rounding import product_up
from deuterium.privacy.mechanisms.release_shapes import is_list
from deuterium.privacy.mechanisms.samplers import integers, opendp
from deuterium.privacy.sensitivity.exact_value import value_of
from deuterium.privacy.sensitivity.relations import Relation, require_relation

__all__ = ["opendp_transformation"]


def opendp_transformation(
    s: Any, relation: Relation, outside: str, integer: bool
) -> Any:
    """Return the transformation from data to the exact result of a sensitivity.

    Parameters
    ----------
    s : Sensitivity
        Of a contribution, whose records are summed up, or of a diameter.
    relation, outside, integer
        As of `Sensitivity.to_opendp`.
    """
    relation = require_relation("to_opendp", relation)
    moved = s.sensitivity(relation)  # or says why there is none
    dp = opendp("to_opendp: a transformation")
    dp.enable_features("honest-but-curious")  # for what users write themselves
    element = {"T": "i64"} if integer else {"T": float, "nan": False}
    numbers = dp.atom_domain(**element)
    scalar = s.shape == ()

    def function(data: Any) -> Any:
        value = value_of(s, data, outside, "to_opendp")
        parts = value if s.shape is not None and is_list(s.shape) else [value]
        flat = np.concatenate([np.ravel(p) for p in parts])
        listed = (integers(flat, 0.0) if integer else flat).tolist()
        return listed[0] if scalar else listed

    def stability_map(distance: int) -> float:
        return product_up(distance, moved)

    if scalar:
        output = numbers, dp.absolute_distance(T=float)
    else:
        metric = getattr(dp, f"l{s.norm:g}_distance")(T=float)
        output = dp.vector_domain(numbers), metric
    records = dp.user_domain("records by symbol", _is_data)
    return dp.t.make_user_transformation(
        records, _metric(dp, relation), *output, function, stability_map
    )


def _is_data(data: Any) -> bool:
    return isinstance(data, Mapping) or is_table(data)


def _metric(dp: Any, relation: Relation) -> Any:
    """Return the metric of data sets in which neighbours are one apart."""
    if relation == "add_or_remove_one":
        return dp.symmetric_distance()
    if relation == "replace_one":
        return dp.change_one_distance()
    return dp.user_distance("number of records emptied")
