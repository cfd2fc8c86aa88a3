"""Random sums and products of functions of one argument: each rewrite is exact."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.transform.simplify.rewrites import assert_each_rewrite, assert_facts
from tests.transform.simplify.shared_arguments import EXTREME, with_box


@settings(max_examples=150)
@given(with_box())
def test_each_rewrite_keeps_values_and_where_they_are_undefined(case):
    assert_each_rewrite(*case, points=4, bits=400)


@settings(max_examples=100)
@given(with_box(EXTREME))
def test_each_rewrite_is_exact_with_numbers_of_extreme_size(case):
    assert_each_rewrite(*case, points=2, bits=2600, enclosed=False)


@settings(max_examples=60)
@given(with_box())
def test_what_is_known_of_each_node_is_so(case):
    assert_facts(*case)


@pytest.mark.long
@settings(max_examples=4_000)
@given(with_box())
def test_each_rewrite_at_length(case):
    assert_each_rewrite(*case, points=4, bits=400)
    assert_facts(*case, points=2)


@pytest.mark.long
@settings(max_examples=3_000)
@given(with_box(EXTREME))
def test_each_rewrite_with_numbers_of_extreme_size_at_length(case):
    assert_each_rewrite(*case, points=2, bits=2600, enclosed=False)
