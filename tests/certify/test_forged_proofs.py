"""Proofs made to deceive: each proves too little, by an argument that looks right."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.graph.traverse import topological
from tests.certify.forging import (
    Source,
    cut,
    ends,
    face,
    forged,
    leaf,
    refused,
    tighten,
)

x, y = dt.symbol("x"), dt.symbol("y")
UNIT = dt.Box({x: (0, 1), y: (0, 1)})


def test_no_face_lies_outside_the_domain():
    # the slope by y is positive at x = 10, though nowhere in the domain
    v = x + (x - 2) * y
    nodes = [
        cut(1, 0.5),
        leaf("stationary", [face([0], [1])], at=1),
        cut(0, 1.25),
        leaf(),
        leaf("empty"),
    ]

    def widened(body):
        body["root"]["upper"][0] = 10.0

    def by_an_ulp(body):
        body["root"]["upper"][0] = 1.0000000000000002

    for change in (widened, by_an_ulp):
        assert "leaves the domain" in refused(v, UNIT, nodes, 0.9, change=change)
    ball = dt.Ball(x, 0.1, 0.3, order=np.inf) & dt.Box({y: (0, 1)})
    most = Problem(v, ball).upper[0]
    # rounded outward: so is the box that the proof is about
    assert Fraction(most) > Fraction(0.1) + Fraction(0.3)
    nodes = [leaf("mean", [face([0], [1])], center=[most, 0.0])]
    forged(v, ball, nodes, 0.5).verify(v, ball)


def special_form(problem, j, value, atom=""):
    """Return what a bounder says of the problem with one label put in."""
    at, values = np.array([j]), np.array([value])
    special = problem.fixed(at, values)
    order = topological([special.objective])
    places = [(n.args[0], 0) for n in order if n.op and n.op.name == atom]
    return SimpleNamespace(
        at=at, values=values, problem=special, bounder=Source(places=places)
    )


def test_a_moved_input_frees_the_atoms_of_its_label():
    v = y * (x * x + 2 * np.tanh(x - 2))
    domain = dt.Box({x: (-4, 4)}) & dt.Choice(y, [1])
    form = special_form(Problem(v, domain), 1, 1.0, "tanh")
    assert form.bounder.places
    nodes = [cut(2, -3.0, [tighten([1], [1.0], [1.0])]), ends(0), leaf(), leaf()]
    nodes += [cut(0, 3.5), leaf("empty"), leaf("empty")]
    reason = refused(v, domain, nodes, 15.0, labels=["y"], forms=[form])
    assert "node 3" in reason  # at x = 4 the atom is not below -3


def test_a_core_is_the_same_for_all_labels():
    # relu(g) is flat where g < 0: a face of it is no face of g
    v = dt.relu(y * dt.relu(-(x * (x + 0.125)) - 1))
    domain = dt.Box({x: (-2, 2)}) & dt.Choice(y, [1, 2])
    nodes = [cut(1, 1.5)]
    for value in (1.0, 2.0):
        fix = tighten([1], [value], [value])
        nodes += [
            cut(0, 0.0),
            leaf("stationary", [face([0], [0]), fix], at=0),
            leaf("stationary", [face([0], [1]), fix], at=0),
        ]
    forms = [special_form(Problem(v, domain), 1, value) for value in (1.0, 2.0)]
    refused(v, domain, nodes, -1.0, labels=["y"], forms=forms)


def test_a_jump_is_not_convex_and_not_concave():
    p = dt.symbol("p", (2,))
    slope = dt.grad(np.max(p), p)
    box = dt.Box({p: ([-1, -1], [1, 1])})
    for v in (-3 * slope[0] + 0.125 * p[1], -3 * slope[0] - 0.125 * np.sum(p * p)):
        eye = [[1.0, 0.0], [0.0, 1.0]]
        for nodes in (
            [ends(0), ends(1), leaf(), leaf(), ends(1), leaf(), leaf()],
            [leaf("concave", center=[0.5, -0.5], basis=eye)],
            [leaf("mean", center=[0.5, -0.5])],
            [leaf("mean", center=[0.5, -0.5], around=[0.5, -0.5])],
            [leaf("stationary", along=[0.0, 1.0], around=[0.5, -0.5])],
        ):
            assert refused(v, box, nodes, -0.5)
