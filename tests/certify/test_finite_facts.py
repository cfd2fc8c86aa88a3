"""Values said to suffice, and people said to be alike, are proved or refused."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import CertificateError
from tests.certify.forging import cut, ends, face, forged, leaf, refused, tighten

pytest.importorskip("flint")

x, y = dt.symbol("x"), dt.symbol("y")
p = dt.symbol("p", 3)
SQUARE = dt.Box({x: (0, 1), y: (0, 1)})
CUBE = dt.Box({p: (0, 1)})
HALVES = [
    cut(0, 0.5),
    leaf(steps=[tighten([0], [0.0], [0.0])]),
    leaf(steps=[tighten([0], [1.0], [1.0])]),
]


def told(at, values, by, people=()):
    return {"finite": {"at": at, "values": values, "by": by, "people": list(people)}}


ONE = told([0], [[0.0, 1.0]], ["ends"])


def believed(v, domain, nodes, upper, facts):
    return forged(v, domain, nodes, upper, facts=facts).verify(v, domain)


# -- values ----------------------------------------------------------------------------


def test_ends_suffice_where_a_graph_is_convex():
    v = (x - 0.5) ** 2 + y
    assert believed(v, SQUARE, HALVES, 1.25 + 1e-12, ONE).leaves == 2


@pytest.mark.parametrize(
    "v", [x * (1 - x) + y, np.sin(3 * x) + y, (x - 0.5) ** 2 * (y - 0.5), y - x**4 + x]
)
def test_ends_do_not_suffice_elsewhere(v):
    best = float(dt.maximize(v, SQUARE).lower)
    message = refused(v, SQUARE, HALVES, best - 1e-3, facts=ONE)
    assert "only the ends of input 0" in message


@pytest.mark.parametrize(
    "facts",
    [
        told([0], [[0.0, 0.5]], ["ends"]),
        told([0], [[0.0]], ["ends"]),
        told([0], [[1.0, 0.0]], ["ends"]),
        told([0], [["inf", 1.0]], ["ends"]),
        told([0, 0], [[0.0, 1.0]] * 2, ["ends"] * 2),
        told([2], [[0.0, 1.0]], ["ends"]),
        told([True], [[0.0, 1.0]], ["ends"]),
        told([0], [[0.0, 1.0]], ["hope"]),
        told([0], [[0.0, 1.0]], ["together"]),
        told([0], [[0.0, 1.0]], ["places"]),
        told([0, 1], [[0.0, 1.0]], ["ends", "ends"]),
        {"finite": {}},
        {"finite": [1]},
    ],
)
def test_facts_that_make_no_sense_are_refused(facts):
    v = (x - 0.5) ** 2 + y
    with pytest.raises(CertificateError):
        believed(v, SQUARE, HALVES, 1.3, facts)


def test_symbols_in_balls_and_lists_have_no_ends():
    v = x + y
    for domain in (
        SQUARE & dt.Ball(x, 0.5, 0.5),
        dt.Box({y: (0, 1)}) & dt.Choice(x, [0, 0.5, 1]),
    ):
        with pytest.raises(CertificateError, match="moved alone"):
            believed(v, domain, HALVES, 2.5, ONE)


def test_values_between_places_stand_for_all():
    box = dt.Box({x: (0, 1)})
    v = np.where(x > 0.5, 1.0, 0.0) - np.where(x > 0.75, 1.0, 0.0)
    values = [0.0, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0]
    top = cut(0, 2.0), leaf(), leaf()
    assert believed(v, box, top, 1.0, told([0], [values], ["places"]))
    low = [
        cut(0, 0.5),
        leaf(steps=[tighten([0], [0.0], [0.5])]),
        leaf(steps=[tighten([0], [0.75], [1.0])]),
    ]
    without = [w for w in values if w != 0.625]
    message = refused(
        v, box, low, 0.5, at={x: 0.6}, facts=told([0], [without], ["places"])
    )
    assert "stands for" in message
    without = [w for w in values if w != 0.5]
    message = refused(
        v, box, low, 0.5, at={x: 0.6}, facts=told([0], [without], ["places"])
    )
    assert "none of its values" in message or "stands for" in message


# -- people ----------------------------------------------------------------------------

ENDS = [[0.0, 1.0]] * 3
ALIKE = told([0, 1, 2], ENDS, ["ends"] * 3, [[[0], [1], [2]]])


def test_people_in_order():
    """If one has 1, then so have those after; if one has 0, those before."""
    v = np.sum(p) - 3 * np.prod(p)
    nodes = [
        cut(1, 0.5),
        leaf(steps=[tighten([1], [0.0], [0.0]), tighten([0], [0.0], [0.0])]),
        cut(0, 0.5, [tighten([1], [1.0], [1.0]), tighten([2], [1.0], [1.0])]),
        leaf(steps=[tighten([0], [0.0], [0.0])]),
        leaf(steps=[tighten([0], [1.0], [1.0])]),
    ]
    assert believed(v, CUBE, nodes, 2.0 + 1e-12, ALIKE).leaves == 3


def test_people_who_are_not_alike_are_not_in_order():
    v = p[0] - 0.1 * p[1] + p[2]
    nodes = [
        cut(1, 0.5),
        leaf(steps=[tighten([1], [0.0], [0.0]), tighten([0], [0.0], [0.0])]),
        leaf(steps=[tighten([1], [1.0], [1.0]), tighten([2], [1.0], [1.0])]),
    ]
    assert "same for all people" in refused(
        v, CUBE, nodes, 1.95, at={p: np.array([1.0, 0, 1])}, facts=ALIKE
    )


def test_order_holds_among_those_with_equal_values_alone():
    domain = dt.Box({p: ([0, 0, 0], [1, 2, 1])})
    facts = told(
        [0, 1, 2], [[0, 1.0], [0, 2.0], [0, 1.0]], ["ends"] * 3, [[[0], [1], [2]]]
    )
    with pytest.raises(CertificateError, match="same values"):
        believed(
            np.sum(p), domain, [leaf(steps=[tighten([0], [0.0], [1.0])])], 9.0, facts
        )


@pytest.mark.parametrize(
    "people",
    [
        [[[0]]],
        [[[0], [0]]],
        [[[0], [1, 2]]],
        [[[0], [1]], [[1], [2]]],
        [[[0], [7]]],
        [[[], []]],
    ],
)
def test_people_that_make_no_sense_are_refused(people):
    facts = told([0, 1, 2], ENDS, ["ends"] * 3, people)
    with pytest.raises(CertificateError):
        believed(
            np.sum(p), CUBE, [leaf(steps=[tighten([0], [0.0], [1.0])])], 9.0, facts
        )


def test_a_face_keeps_people_in_order():
    """Of three in order the first alone may not move up: the others would be below."""
    v = np.sum(p) - 0.5 * np.sum(p) ** 2 / 3
    up = face([0], [1])
    message = refused(
        v,
        CUBE,
        [leaf(steps=[tighten([0], [0.0], [1.0]), up, tighten([1, 2], [1, 1], [1, 1])])],
        0.0,
        known=1.0,
        facts=told([0, 1, 2], ENDS, ["ends"] * 3, [[[0], [1], [2]]]),
    )
    assert message


def test_all_may_move_together():
    v = np.sum(p)
    every = leaf(steps=[face([0, 1, 2], [1, 1, 1])])
    assert believed(v, CUBE, [every], 3.0 + 1e-12, ALIKE).leaves == 1
    one = leaf(steps=[face([0], [1])])
    with pytest.raises(CertificateError, match="stay in order"):
        believed(v, CUBE, [one], 3.5, ALIKE)


FREE = told([], [], [], [[[0], [1], [2]]])


def test_the_last_may_rise_and_the_first_may_fall():
    """Whoever they leave behind stays in order; from the middle nobody may move."""
    up, down = face([2], [1]), face([0], [0])
    for step, v in ((up, np.sum(p)), (down, -np.sum(p))):
        assert believed(v, CUBE, [leaf(steps=[step])], 3.5, FREE).leaves == 1
    for step, v in ((face([1], [1]), np.sum(p)), (face([1], [0]), -np.sum(p))):
        with pytest.raises(CertificateError, match="stay in order"):
            believed(v, CUBE, [leaf(steps=[step])], 3.5, FREE)


def test_people_of_whom_all_values_matter():
    """The largest of three in order is the last; that they are alike is proved."""
    v = np.max(p) - np.sum(p * p) / 4
    nodes = [cut(2, 0.5), leaf(steps=[tighten([1, 0], [0, 0], [0.5, 0.5])]), leaf()]
    assert believed(v, CUBE, nodes, 1.0, FREE).leaves == 2
    more, at = v + p[0] / 8, {p: np.array([1.0, 0, 0])}
    message = refused(more, CUBE, nodes, 0.8, at=at, facts=FREE)
    assert "same for all people" in message
    uneven = dt.Box({p: ([0, 0, 0], [1, 2, 1])})
    with pytest.raises(CertificateError, match="same values"):
        believed(v, uneven, nodes, 9.0, FREE)


def test_only_the_ends_of_people_in_order_never_matter():
    """Where they may be anywhere, the ends would put them out of order."""
    v = np.sum((p - 0.5) ** 2)
    with pytest.raises(CertificateError, match="a place in an order"):
        believed(v, CUBE, [ends(0), leaf(), leaf()], 1.0, FREE)


def test_later_inputs_of_people_are_in_order_only_after_equal_ones():
    q = dt.symbol("q", (2, 2))
    box = dt.Box({q: (0, 1)})
    v = np.sum(np.abs(q[:, 0] - q[:, 1]))
    facts = told([0, 1, 2, 3], [[0.0, 1.0]] * 4, ["ends"] * 4, [[[0, 1], [2, 3]]])
    # sorted people (0, 1), (1, 0) have the second inputs out of order
    wrong = [leaf(steps=[tighten([1], [0.0], [0.0]), tighten([3], [0.0], [1.0])])]
    refused(v, box, wrong, 1.5, at={q: np.array([[0.0, 1], [1, 0]])}, facts=facts)
    nodes = [
        cut(1, 0.5),
        leaf(steps=[tighten([1], [0.0], [0.0])]),
        cut(3, 0.5),
        leaf(steps=[tighten([3], [0.0], [0.0])]),
        leaf(steps=[tighten([3], [1.0], [1.0])]),
    ]
    assert believed(v, box, nodes, 2.0 + 1e-12, facts).leaves == 3
    short = [
        cut(1, 0.5),
        leaf(steps=[tighten([1], [0.0], [0.0])]),
        leaf(steps=[tighten([1], [1.0], [1.0]), tighten([3], [1.0], [1.0])]),
    ]
    refused(v, box, short, 1.5, at={q: np.array([[0.0, 1], [1, 0]])}, facts=facts)


def test_labels_and_values_are_not_told_together():
    v = x**2 + y
    domain = dt.Box({x: (0, 1)}) & dt.Choice(y, [0, 1])
    made = forged(v, domain, HALVES, 2.5, facts=ONE, labels=["y"])
    with pytest.raises(CertificateError, match="labels"):
        made.verify(v, domain)


def test_with_labels_they_are_told_of_what_is_left():
    """From where the labels are known, and before an input is moved."""
    v = (x - 0.5) ** 2 * (y + 1) - 5 * x
    domain = dt.Box({x: (0, 1)}) & dt.Choice(y, [0, 1])
    forms = [{"values": [b], "atoms": [], "facts": ONE} for b in (0.0, 1.0)]

    def made(nodes, upper):
        def change(body):
            body["forms"] += forms

        return forged(v, domain, nodes, upper, change=change, labels=["y"])

    right = [cut(1, 0.5)]
    for label in (0.0, 1.0):
        right += [cut(0, 0.5, [tighten([1], [label], [label])]), *HALVES[1:]]
    assert made(right, 0.5 + 1e-12).verify(v, domain).leaves == 4
    moved = [cut(1, 0.5, [face([0], [0])])]
    for label in (0.0, 1.0):
        fixed = tighten([1], [label], [label])
        moved += [leaf(steps=[fixed, tighten([0], [0.0], [0.0])])]
    with pytest.raises(CertificateError, match="was fixed before"):
        made(moved, 0.5 + 1e-12).verify(v, domain)


def test_a_constant_of_analysis_is_no_trouble():
    """A node without arguments, such as pi, is one element."""
    v = np.radians(np.exp(-np.sum(p * p)) * np.sqrt(np.sum(np.sin(p) ** 2)))
    found = dt.maximize(v, CUBE, max_regions=20)
    assert "finite" in found.certificate.body["forms"][0]["facts"]
    assert found.certificate.verify(v, CUBE)
