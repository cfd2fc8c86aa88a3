"""Random sums and products of functions of one argument: each rewrite is exact."""

from __future__ import annotations

from hypothesis import given

from tests.amounts import examples
from tests.transform.simplify.rewrites import assert_each_rewrite, assert_facts
from tests.transform.simplify.shared_arguments import EXTREME, with_box


@examples(15, 200)
@given(with_box())
def test_each_rewrite_keeps_values_and_where_they_are_undefined(case):
    assert_each_rewrite(*case, points=4, bits=400)


@examples(9, 200)
@given(with_box(EXTREME))
def test_each_rewrite_is_exact_with_numbers_of_extreme_size(case):
    assert_each_rewrite(*case, points=2, bits=2600, enclosed=False)


@examples(12, 200)
@given(with_box())
def test_what_is_known_of_each_node_is_so(case):
    assert_facts(*case)
