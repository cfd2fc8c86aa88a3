"""Proofs made to deceive by what balls leave open: ends not known, zero inside."""

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.checker.lagrangian import separable_maximum
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.optimize.bounders.clusters.cluster_bounder import cluster_bounder_of
from tests.certify.forging import (
    certified,
    cut,
    face,
    leaf,
    place_below,
    refused,
    tighten,
)

x, y = dt.symbol("x"), dt.symbol("y")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Have few cells halved: a bound above the claim stays there."""
    monkeypatch.setattr(separable_maximum, "MOST", 300)


@np.errstate(all="ignore")  # as in `maximize`
def doubted(v, domain, claim, p=0.0, before=(), after=()):
    """Check that a leaf by clusters with these multipliers is not believed."""
    bounder = cluster_bounder_of(Problem(v, domain))
    told = dict.fromkeys(("energies", "corners"), [None] * len(bounder.layout.rules))
    own = leaf("clusters", p=[p] * bounder.layout.multipliers, **told)
    with pytest.raises(CertificateError, match="above the claim"):
        certified(bounder, [*before, own, *after], claim).verify(v, domain)


def test_a_logarithm_of_what_may_be_zero_is_not_a_thousand_below():
    v, box = 1e35 * (np.exp(1e-35 * y) - 1), dt.Box({y: (0, 1)})  # about y
    doubted(v, box, 0.5)


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
    assert v.evaluate({"x": 1.0}) > 0.99
    rest = leaf(steps=[tighten([0], [2.0], [2.0])])
    doubted(v, domain, 0.99, before=[cut(0, 1.0)], after=[rest])


def test_no_number_is_lost_beside_a_wide_range():
    v = dt.grad(dt.relu(x), x)
    assert v.evaluate({"x": 5e-324}) > 0.5
    doubted(v, dt.Box({x: (-(2.0**1000), 5e-324)}), 0.5)
    v = np.arctan(x + y + 1e22)
    box = dt.Box({x: (0, 1), y: (0, 1)})
    for p in (0.0, 1.0, -1.0, 1e-9):
        doubted(v, box, 1.5, p)


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
