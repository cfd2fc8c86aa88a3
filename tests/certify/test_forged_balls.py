"""Proofs made to deceive by what balls leave open: ends not known, zero inside."""

import numpy as np

import deuterium as dt
from tests.certify.forging import cut, face, leaf, place_below, refused, tighten

x, y = dt.symbol("x"), dt.symbol("y")
PLAIN = {"log": False}  # relaxations of F itself


def relax(*p, **data):
    return leaf("relax", p=list(p), **data)


def test_a_logarithm_of_what_may_be_zero_is_not_a_thousand_below():
    v, box = 1e35 * (np.exp(1e-35 * y) - 1), dt.Box({y: (0, 1)})  # about y
    assert "above the claim" in refused(v, box, [relax()], 0.5, known=1)


def test_an_end_left_out_is_the_atoms_and_not_its_ranges():
    c = dt.constant(0.0)
    v = 10 * (1 - dt.grad(dt.relu(dt.relu(x) + c), c)) + x
    box = dt.Box({x: (-1, 1)})
    for at in (-5.0, -1e-300, -0.0):
        nodes = [cut(1, at), leaf("empty"), leaf()]
        refused(v, box, nodes, 1.0, places=place_below(v, box, "relu'"))
    # cut at the kink itself, the part above it has no point below it
    nodes = [cut(1, 0.0), leaf(), leaf("empty")]
    refused(v, box, nodes, 1.0, places=place_below(v, box, "relu'"))


def test_a_power_of_what_has_no_known_end_is_not_zero():
    p = dt.symbol("p", (1, 2))
    weights = dt.constant([[1.0], [-1.0]])
    v = (dt.relu(p @ weights) ** 0.3)[0, 0]
    domain = dt.Box({p: (0, np.inf)})
    refused(v, domain, [leaf()], 1.0, at={"p": np.array([[9.0, 0.0]])})


def test_a_root_of_what_may_be_zero_is_not_zero():
    v = 1e12 * np.cbrt(np.exp(1e-35 * y) - 1)
    refused(v, dt.Box({y: (0, 1)}), [leaf()], 1.0, known=2)
    p = dt.symbol("p", (1, 2))
    v = np.cbrt(p @ dt.constant([[1.0], [-1.0]]))[0, 0]
    refused(v, dt.Box({p: (0, np.inf)}), [leaf()], 1.0, at={"p": np.array([[9.0, 0]])})


def test_a_weight_of_unknown_sign_counts_with_both_ends():
    p = dt.symbol("p", (1, 2))
    weights = 1 - np.cos(dt.constant([[1e-20], [1e-20]]))  # 5e-41, in balls around zero
    v = -(p @ weights)[0, 0]
    domain = dt.Box({p: (-1e60, 1)})
    for method in (leaf(), leaf("norms", sigma={}, nodes={})):
        refused(v, domain, [method], 1e8, known=1e20)


def test_the_first_value_of_a_finite_set_is_in_its_cell():
    domain = dt.Choice(x, [0, 1, 2]) & dt.Ball(x, 1.5, 0.6, order=np.inf)
    v = np.sin(1.5 * x)
    # (0.9, 1]: nothing but 1, where the function's range begins
    nodes = [cut(0, 1.0), relax(), leaf(steps=[tighten([0], [2.0], [2.0])])]
    refused(v, domain, nodes, 0.99, at={"x": 1.0}, facts=PLAIN)


def test_no_number_is_lost_beside_a_wide_range():
    v = dt.grad(dt.relu(x), x)
    refused(
        v,
        dt.Box({x: (-(2.0**1000), 5e-324)}),
        [relax()],
        0.5,
        at={"x": 5e-324},
        facts=PLAIN,
    )
    v = np.arctan(x + y + 1e22)
    box = dt.Box({x: (0, 1), y: (0, 1)})
    for p in (0.0, 1.0, -1.0, 1e-9):
        refused(v, box, [relax(p)], 1.5, facts=PLAIN)


def test_a_label_is_the_number_that_it_is():
    far = 2**53 + 1  # not a double: the next one is 1 less
    v = 100 - 100 * np.abs(x - 2.0**53 - 1)
    box = dt.Box({x: (0, 1e17)})
    nodes = [cut(0, far), leaf(steps=[face([0], [1])]), leaf(steps=[face([0], [0])])]
    refused(v, box, nodes, 50.0, known=100, labels=["x"])


def test_a_symbol_without_elements_has_no_ball_for_others():
    a, b = dt.symbol("a", (0,)), dt.symbol("b", (1,))
    v = np.sum(b * b) + np.sum(a)
    domain = dt.Ball(a, 0.0, 0.5) & dt.Box({b: (-1, 1)})
    nodes = [leaf("norms", sigma={}, nodes={})]
    refused(v, domain, nodes, 0.5, at={"a": np.zeros(0), "b": np.ones(1)})
