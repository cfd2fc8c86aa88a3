"""Three quantities that cannot be mixed up, and what each says of neighbours."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.privacy import Sensitivity
from tests.amounts import examples

gaussian = partial(privacy.gaussian, relation="add_or_remove_one")
laplace = partial(privacy.laplace, relation="add_or_remove_one")

ADD, REPLACE = "add_or_remove_one", "replace_one"
X = dt.symbol("x")
BOX = dt.Box({X: (0, 1)})


def made(quantity="contribution", upper=3.0, norm=2, **more):
    more = {"status": "optimal", **more}  # as if it had been certified
    return Sensitivity(quantity=quantity, norm=norm, upper=upper, **more)


def test_contribution():
    s = made(upper=3.0, lower=2.5)
    assert s.sensitivity(ADD) == 3.0
    assert s.sensitivity(REPLACE) == 6.0
    assert s.gap == pytest.approx(0.2)


@pytest.mark.parametrize(("far", "expected"), [(4.0, 4.0), (6.0, 6.0), (7.0, 6.0)])
def test_contribution_with_a_certified_diameter(far, expected):
    s = made(upper=3.0, domain=BOX)
    s = s.with_diameter(made("diameter", far, domain=BOX))
    assert s.sensitivity(ADD) == 3.0
    assert s.sensitivity(REPLACE) == expected


def test_an_infinite_side_leaves_the_finite_one():
    s = made(upper=math.inf).with_diameter(made("diameter", 4.0))
    assert s.sensitivity(REPLACE) == 4.0
    with pytest.raises(InvalidInputError, match="no finite bound"):
        s.sensitivity(ADD)


def test_diameter_is_for_replacing_only():
    s = made("diameter", 3.0)
    assert s.sensitivity(REPLACE) == 3.0
    with pytest.raises(UnsupportedError, match="record that is absent"):
        s.sensitivity(ADD)


def test_a_lipschitz_constant_needs_a_distance():
    s = made("lipschitz", 3.0, domain=BOX)
    with pytest.raises(UnsupportedError, match="slope, not a distance"):
        s.sensitivity(REPLACE)
    for distance in (None, 1.0):
        with pytest.raises(UnsupportedError, match="adding or removing"):
            s.sensitivity(ADD, distance=distance)
    assert s.sensitivity(REPLACE, distance=0.5) == 1.5
    assert Fraction(s.sensitivity(REPLACE, distance=0.1)) >= 3 * Fraction(0.1)
    assert gaussian(s, mu=1, relation=REPLACE, distance=0.5).sensitivity == 1.5
    for bad in (-1.0, math.inf, math.nan, "x"):
        with pytest.raises(InvalidInputError):
            s.sensitivity(REPLACE, distance=bad)
    with pytest.raises(InvalidInputError, match="for a lipschitz"):
        made().sensitivity(REPLACE, distance=1.0)


def test_a_slope_does_not_bound_a_jump_between_separate_values():
    y = dt.symbol("y")
    s = made("lipschitz", 3.0, domain=BOX & dt.Choice(y, [0, 1]))
    with pytest.raises(UnsupportedError, match="y has separate values"):
        s.sensitivity(REPLACE, distance=1.0)


def test_relations_are_checked():
    for s in (made(), made("diameter"), made("lipschitz")):
        with pytest.raises(InvalidInputError, match="Did you mean 'replace_one'"):
            s.sensitivity("replace-one")


# -- what is refused -------------------------------------------------------------------


def test_estimates_are_refused_everywhere():
    estimate = dt.search(X**2, BOX)
    for make in (
        lambda: made(upper=estimate),
        lambda: made(lower=estimate),
        lambda: Sensitivity.from_bracket(estimate, quantity="diameter", norm=2),
        lambda: made("lipschitz").sensitivity(REPLACE, distance=estimate),
        lambda: gaussian(estimate, epsilon=1, delta=1e-5),
        lambda: gaussian(estimate, epsilon=1, delta=1e-5, trusted=True),
    ):
        with pytest.raises(UnsupportedError, match="not a bound"):
            make()


def test_a_bracket_must_say_what_was_bounded():
    bracket = dt.Bracket(lower=1.0, upper=2.0, witness={}, status="optimal")
    with pytest.raises(UnsupportedError, match="does not say what was bounded"):
        gaussian(bracket, epsilon=1, delta=1e-5)


@pytest.mark.parametrize("relation", [ADD, REPLACE])
def test_unbounded_names_the_line_to_change(relation):
    root = np.log(X)  # the line to change
    line = test_unbounded_names_the_line_to_change.__code__.co_firstlineno + 2
    s = Sensitivity.from_interval(
        dt.enclose(dt.norm([root]), BOX), quantity="contribution", norm=2
    )
    assert s.status == "undefined"
    assert s.upper == math.inf
    with pytest.raises(InvalidInputError) as caught:
        s.sensitivity(relation)
    assert f"test_sensitivity.py:{line}" in str(caught.value)
    assert "narrow the domain" in str(caught.value)
    with pytest.raises(InvalidInputError, match="no finite bound"):
        gaussian(s, epsilon=1, delta=1e-5, relation=relation)


def test_no_bound_found_in_time_says_so():
    s = made(upper=math.inf, status="time_limit")
    with pytest.raises(InvalidInputError, match=r"time_limit.*more time"):
        s.sensitivity(ADD)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quantity": "contributions"}, "Did you mean 'contribution'"),
        ({"norm": 3}, "1, 2 or inf"),
        ({"upper": -1.0}, "0 <= `lower`"),
        ({"upper": math.nan}, "must be a number"),
        ({"upper": "3"}, "must be a number"),
        ({"upper": np.ones(2)}, "must be a number"),
        ({"upper": True}, "must be a number"),
        ({"lower": 4.0}, "0 <= `lower` <= `upper`"),
        ({"diameter": 2.0}, "quantity diameter"),
        ({"quantity": "lipschitz", "diameter": "d"}, "goes with a contribution"),
    ],
)
def test_refuses(change, why):
    arguments = {"quantity": "contribution", "norm": 2, "upper": 3.0} | change
    with pytest.raises(InvalidInputError, match=why):
        Sensitivity(**arguments)


def test_a_diameter_of_another_vector_is_refused():
    for other in (made("diameter", norm=1), made("diameter", domain=BOX), made()):
        with pytest.raises(InvalidInputError):
            made().with_diameter(other)


def test_a_norm_that_does_not_fit_the_noise_is_refused():
    with pytest.raises(UnsupportedError, match="norm=2"):
        gaussian(made(norm=1), epsilon=1, delta=1e-5)
    with pytest.raises(UnsupportedError, match="norm=1"):
        laplace(made(norm=2), epsilon=1)
    with pytest.raises(UnsupportedError, match="norm=2"):
        gaussian(made(norm=math.inf), epsilon=1, delta=1e-5)
    one = made(norm=2, size=1)  # of one number all norms agree
    assert laplace(one, epsilon=1).sensitivity == 3.0


def test_a_sensitivity_of_zero_is_worth_a_second_look():
    with pytest.raises(InvalidInputError, match="second look"):
        gaussian(made(upper=0.0), epsilon=1, delta=1e-5)


# -- rounding --------------------------------------------------------------------------


@examples(18, 300)
@given(st.fractions(min_value=0, max_value=10**6))
def test_never_rounded_down(exact):
    s = made(upper=exact, lower=exact)
    assert Fraction(s.lower) <= exact <= Fraction(s.upper)
    assert s.upper <= float(exact) * (1 + 2**-52)


def test_integers_and_long_doubles_are_not_rounded_down_either():
    assert made(upper=2**53 + 1).upper == 2**53 + 2
    long = np.longdouble(1) + np.finfo(np.longdouble).eps
    assert made(upper=long).upper >= long
    assert made(upper=np.float32(0.1)).upper == float(np.float32(0.1))
    assert made(upper=np.array(2.0)).upper == 2.0


@examples(18, 300)
@given(
    st.floats(1e-300, 1e300),
    st.fractions(min_value=Fraction(1, 10**6), max_value=10**6),
)
def test_scaled_is_exact_and_rounded_up(upper, factor):
    s = made(upper=upper, lower=upper / 2)
    scaled = s.with_diameter(made("diameter", upper)).scaled(factor)
    exact = Fraction(upper) * factor
    assert Fraction(scaled.upper) >= exact
    assert scaled.upper <= float(exact) * (1 + 2**-52)
    assert Fraction(scaled.lower) <= exact / 2
    assert scaled.sensitivity(REPLACE) == scaled.diameter.upper == scaled.upper
    for bad in (0, -1, math.inf, math.nan, True, "2"):
        with pytest.raises(InvalidInputError):
            s.scaled(bad)


# -- where they come from --------------------------------------------------------------


def test_from_a_bracket():
    witness = {"x": np.array(0.5)}
    bracket = dt.Bracket(lower=1.5, upper=2.0, witness=witness, status="optimal")
    s = Sensitivity.from_bracket(
        bracket, quantity="diameter", norm=1, domain=BOX, size=3, assumptions=("more",)
    )
    assert (s.quantity, s.norm, s.upper, s.lower) == ("diameter", 1, 2.0, 1.5)
    # no search made it, so nobody certified it
    assert (s.status, s.certificate, s.domain, s.size) == ("trusted", None, BOX, 3)
    assert s.assumptions[-1] == "more"
    assert any("public" in a for a in s.assumptions)
    assert s.witness["x"] == 0.5
    bracket.witness["x"] = None
    assert s.witness["x"] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        s.witness["x"][...] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        s.upper = 0.0
    nothing = dt.Bracket(lower=-math.inf, upper=2.0, witness={}, status="time_limit")
    s = Sensitivity.from_bracket(nothing, quantity="diameter", norm=2)
    assert (s.lower, s.gap) == (0.0, math.inf)
    with pytest.raises(InvalidInputError, match=r"deuterium\.maximize"):
        Sensitivity.from_bracket(2.0, quantity="diameter", norm=2)


def test_a_certificate_is_that_of_what_was_maximised():
    bracket = dt.maximize(X**2 + X, BOX)
    s = Sensitivity.from_bracket(bracket, quantity="diameter", norm=2, domain=BOX)
    assert s.certificate is bracket.certificate
    assert s.lower <= 2 <= s.upper


def test_from_an_enclosure():
    s = Sensitivity.from_interval(
        dt.enclose(X + 1, BOX), quantity="contribution", norm=2, domain=BOX
    )
    assert (s.upper, s.lower, s.status) == (2.0, 1.0, "enclosed")
    x = dt.symbol("x", shape=(3,))
    with pytest.raises(InvalidInputError, match="scalar Interval"):
        Sensitivity.from_interval(
            dt.enclose(x, dt.Box({x: (0, 1)})), quantity="diameter", norm=2
        )


def test_the_three_quantities_of_one_query_side_by_side():
    """a**2 + exp(2b - a), mean of five: each number where it belongs, none twice.

    Oracles: the maximum lies at (1, 3), the minimum is found on a fine grid.
    """
    a, b = dt.symbol("a"), dt.symbol("b")
    domain = dt.Box({a: (1, 2), b: (0.5, 3)})
    grid = np.meshgrid(np.linspace(1, 2, 801), np.linspace(0.5, 3, 801))
    values = grid[0] ** 2 + np.exp(2 * grid[1] - grid[0])
    f = a**2 + np.exp(2 * b - a)
    most = float(dt.enclose(f, domain).upper)  # loose, and still no mix-up

    contribution = Sensitivity(
        quantity="contribution", norm=2, upper=float(np.nextafter(values.max(), 1e9)),
        domain=domain, size=1,
    ).scaled(Fraction(1, 5))  # fmt: skip
    diameter = Sensitivity(
        quantity="diameter", norm=2, upper=float(values.max() - values.min()) * 1.0001,
        domain=domain, size=1,
    ).scaled(Fraction(1, 5))  # fmt: skip
    slope = dt.norm(dt.grad(f, [a, b])).evaluate({a: 1.0, b: 3.0})
    lipschitz = Sensitivity(
        quantity="lipschitz", norm=2, upper=float(slope), domain=domain, size=1
    ).scaled(Fraction(1, 5))
    assert contribution.sensitivity(ADD) == pytest.approx(29.88, abs=0.01)
    assert diameter.sensitivity(REPLACE) == pytest.approx(29.48, abs=0.01)
    assert lipschitz.upper == pytest.approx(66.19446391885754, rel=1e-12)
    away = math.hypot(1, 2.5)
    wasted = lipschitz.sensitivity(REPLACE, distance=away)
    assert wasted == pytest.approx(178.2, abs=0.1)
    assert wasted / diameter.sensitivity(REPLACE) == pytest.approx(6.0, abs=0.1)
    both = contribution.with_diameter(diameter)
    assert both.sensitivity(REPLACE) == diameter.upper < 2 * contribution.upper
    assert most >= values.max()
