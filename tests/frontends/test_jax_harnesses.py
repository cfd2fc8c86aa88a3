"""JAX's own cases, those of its wheel, are lifted and have its values."""

import pytest

from tests.amounts import is_many
from tests.frontends.jax_harnesses import NAMED, cases, run

pytest.importorskip("jax")

LEAST_LIFTED = 1200  # of all cases, under -m long


def first_of_each(groups, chosen):
    """Return the smallest case of each group."""
    found = {}
    for harness in chosen:
        if harness.group_name in groups:
            found.setdefault(harness.group_name, harness)
    return list(found.values())


# what is drawn by default: one case of what is not drawn by other tests
SAMPLE = [
    "clamp",
    "conv_general_dilated",
    "cumlogsumexp",
    "dynamic_update_slice",
    "pad",
    "reduce",
    "reduce_window_mul",
    "rem",
    "round",
    "scatter_mul",
    "select_n",
]

# some are complex or NaN everywhere, or of a function that is lifted for positive
# numbers alone
NOT_ALL = {"lgamma", "digamma", "gather", "dot_general", "convert_element_type"}


@pytest.mark.drawn
@pytest.mark.filterwarnings("ignore:JAX's stop_gradient:UserWarning")
def test_cases_are_lifted_and_have_jax_s_values():
    chosen = cases()
    if not is_many():
        chosen = first_of_each(SAMPLE, chosen)
        assert len(chosen) == len(SAMPLE)
    found = run(chosen)
    good = {g: sum(r == "equal" for _, r in rows) for g, rows in found.items()}
    for group in set(found) & set(NAMED) - NOT_ALL:
        wrong = [row for row in found[group] if row[1] != "equal"]
        assert not wrong, group
    if is_many():
        assert set(NAMED) <= set(found)
        assert sum(good.values()) >= LEAST_LIFTED
