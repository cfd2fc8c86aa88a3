"""Person by person: losses are never too small, and no budget is ever passed."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, ShapeError, UnsupportedError
from deuterium.privacy import Accountant, IndividualAccountant
from deuterium.privacy.accounting.individual import CHUNK
from tests.amounts import draws, examples, some

ADD = "add_or_remove_one"
gaussian = partial(privacy.gaussian, relation=ADD)

SIZES = st.one_of(
    st.just(0.0), st.floats(0, 10), st.floats(1e-320, 1e-150), st.floats(1e3, 1e100)
)


def squares(steps):
    """Return the exact sums of (norm / sigma)**2, person by person."""
    people = len(steps[0][0])
    return [
        sum(((Fraction(norms[i]) / Fraction(sigma)) ** 2 for norms, sigma in steps),
            Fraction(0))
        for i in range(people)
    ]  # fmt: skip


# -- soundness -------------------------------------------------------------------------


@examples(24, 300)
@given(
    st.lists(
        st.tuples(st.lists(SIZES, min_size=4, max_size=4), st.floats(1e-3, 1e3)),
        min_size=1, max_size=6,
    ),
    st.sampled_from([None, 0.125, 0.3]),
)  # fmt: skip
def test_losses_are_never_rounded_down(steps, grid):
    accountant = IndividualAccountant(4, grid=grid)
    for norms, sigma in steps:
        accountant.step(norms, sigma)
    exact = squares(steps)
    for found, least, rows in zip(
        accountant.spent.values, exact, np.transpose([n for n, _ in steps]), strict=True
    ):
        assert Fraction(found) >= least
        if grid is None:
            assert found <= float(least) * (1 + 1e-12) + 1e-300
        if not rows.any():
            assert found <= 1e-300  # nobody pays for others


@examples(24, 300)
@given(
    st.lists(
        st.tuples(st.lists(SIZES, min_size=4, max_size=4), st.floats(1e-3, 1e3)),
        min_size=1, max_size=8,
    ),
    st.sampled_from([("gdp", None), ("gdp", 0.01), ("rdp", None)]),
    st.floats(0.1, 5.0),
)  # fmt: skip
def test_no_budget_is_ever_passed(steps, how, epsilon):
    method, grid = how
    accountant = IndividualAccountant(
        4, epsilon=epsilon, delta=1e-5, method=method, grid=grid
    )
    exact = [Fraction(0)] * 4
    out = np.zeros(4, dtype=bool)
    for norms, sigma in steps:
        taking = accountant.step(norms, sigma).values
        assert not (out & taking).any()  # left out once, left out for good
        for i in np.flatnonzero(taking):
            exact[i] += (Fraction(norms[i]) / Fraction(sigma)) ** 2
        out |= ~taking
    allowed = max(
        Fraction(r.budget) * Fraction(2, r.order or 2) for r in accountant.routes
    )
    assert all(e <= allowed for e in exact)
    assert (accountant.active.values == ~out).all()
    assert (accountant.epsilon_at(1e-5).values <= epsilon * (1 + 1e-12)).all()


def test_the_budget_is_the_exact_curve_of_what_is_let_through():
    """Everyone uses the whole budget in equal steps; the truth is just below it."""
    accountant = IndividualAccountant(1, epsilon=1.0, delta=1e-5)
    taken = 0
    while accountant.step(1.0, 20.0).values.all():
        taken += 1
    one_more = [
        Accountant(ADD)
        .compose(gaussian(1.0, scale=20.0, trusted=True), n)
        .epsilon_at(1e-5)
        for n in (taken, taken + 1)
    ]
    assert one_more[0] <= 1.0 < one_more[1]
    renyi = IndividualAccountant(1, epsilon=1.0, delta=1e-5, method="rdp")
    fewer = 0
    while renyi.step(1.0, 20.0).values.all():
        fewer += 1
    assert 0.7 * taken < fewer < taken


def test_who_is_left_out_is_charged_nothing():
    accountant = IndividualAccountant(3, mu=1.0)
    assert accountant.step([0.5, 0.0, 2.0], 1.0).values.tolist() == [True, True, False]
    assert accountant.step([0.5, 3.0, 0.1], 1.0).values.tolist() == [True, False, False]
    assert accountant.spent.values == pytest.approx([0.5, 0, 0], rel=1e-12, abs=1e-300)
    assert accountant.mu().values == pytest.approx([0.5**0.5, 0, 0], rel=1e-12)
    assert accountant.steps == 2
    assert accountant.active.values.tolist() == [True, False, False]


def test_a_budget_can_be_used_up_but_not_passed():
    accountant = IndividualAccountant(2, mu=1.0)
    below = [1 - 1e-12, 1.0]  # the second leaves no room for rounding up
    assert accountant.step(below, 1.0).values.tolist() == [True, False]
    assert not accountant.step(1e-3, 1.0).values.any()


# -- rounding up to a grid -------------------------------------------------------------


@pytest.mark.parametrize("method", ["gdp", "rdp"])
@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_norm_just_above_the_grid_counts_as_the_next_multiple(method, step):
    """Rounding to the nearest, as is common, would charge it too little."""
    grid = 2.0**-5
    on, above = step * grid, np.nextafter(step * grid, np.inf)
    half = (step + 0.4) * grid
    order = 4 if method == "rdp" else None
    accountant = IndividualAccountant(3, grid=grid, method=method, order=order)
    accountant.step([on, above, half], 1.0)
    spent = accountant.spent.values
    square = Fraction(grid) ** 2 * (2 if method == "rdp" else 1)
    assert step**2 * square <= Fraction(spent[0]) <= (step + 0.1) ** 2 * square
    for found in spent[1:]:
        assert (step + 1) ** 2 * square <= Fraction(found) <= (step + 1.1) ** 2 * square


@given(
    st.lists(st.floats(0, 100), min_size=5, max_size=5),
    st.floats(0.01, 100),
    st.floats(1e-4, 2),
)
def test_grids_only_ever_add(norms, sigma, grid):
    coarse = IndividualAccountant(5, grid=grid)
    assert coarse.grid <= grid < 2 * coarse.grid
    assert math.frexp(coarse.grid)[0] == 0.5  # a power of two
    coarse.step(norms, sigma)
    exact = np.array(squares([(norms, sigma)]))
    for found, least, norm in zip(coarse.spent.values, exact, norms, strict=True):
        assert Fraction(found) >= least
        assert math.sqrt(found) <= norm / sigma * (1 + 1e-9) + 2 * coarse.grid


# -- where norms come from -------------------------------------------------------------


def test_norms_may_be_enclosures_and_count_with_their_upper_ends():
    x = dt.symbol("x", shape=(3,))
    w = dt.constant(np.array([0.3, -1.0, 2.0]))
    norm = dt.norm(dt.grad(np.tanh((x * w).sum()), w))
    records = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    enclosed = dt.enclose(norm, dt.Box({x: (records, records)}))
    accountant = IndividualAccountant(50)
    accountant.step(enclosed, 1.0)
    expected = IndividualAccountant(50)
    expected.step(enclosed.upper, 1.0)
    assert accountant.spent.values.tolist() == expected.spent.values.tolist()
    for found, record in zip(accountant.spent.values, records, strict=True):
        with mp.workdps(40):
            t = mp.fsum(
                mp.mpf(a) * mp.mpf(b) for a, b in zip(record, w.data, strict=True)
            )
            exact = mp.sech(t) ** 4 * mp.fsum(mp.mpf(a) ** 2 for a in record)
        assert mp.mpf(found) >= exact


def test_estimates_and_nonsense_are_no_norms():
    x = dt.symbol("x")
    accountant = IndividualAccountant(2, mu=1.0)
    with pytest.raises(UnsupportedError, match="not a bound"):
        accountant.step(dt.search(x, dt.Box({x: (0, 1)})), 1.0)
    for bad in ([1.0, -1.0], [1.0, math.nan], ["a", "b"], [1j, 1.0], [True, False]):
        with pytest.raises(InvalidInputError, match="norms"):
            accountant.step(bad, 1.0)
    for bad in ([1.0, 2.0, 3.0], [[1.0, 2.0]]):
        with pytest.raises(ShapeError, match="2 people"):
            accountant.step(bad, 1.0)
    for bad in (0.0, -1.0, math.inf, math.nan, "1"):
        with pytest.raises(InvalidInputError, match="sigma"):
            accountant.step(1.0, bad)
    assert accountant.steps == 0
    assert not accountant.spent.values.any()


def test_an_infinite_norm_leaves_a_person_out():
    accountant = IndividualAccountant(2, mu=1.0)
    assert accountant.step([math.inf, 0.1], 1.0).values.tolist() == [False, True]
    sampled = IndividualAccountant(2, epsilon=2.0, delta=1e-5, method="rdp")
    taking = sampled.step([math.inf, 0.1], 1.0, sampling_probability=0.1)
    assert taking.values.tolist() == [False, True]
    with pytest.raises(InvalidInputError, match="is infinite"):
        IndividualAccountant(2).step([math.inf, 0.1], 1.0)


def test_integers_and_long_doubles_are_not_rounded_down():
    big = 2**60 + 1
    accountant = IndividualAccountant(1)
    accountant.step(np.array([big]), 1.0)
    assert Fraction(accountant.spent.values[0]) >= Fraction(big) ** 2
    long = np.longdouble(1) + np.finfo(np.longdouble).eps
    accountant = IndividualAccountant(1)
    accountant.step(np.array([long]), 1.0)
    assert accountant.spent.values[0] > 1.0
    single = IndividualAccountant(1)
    single.step(np.array([0.1], dtype=np.float32), 1.0)
    assert Fraction(single.spent.values[0]) >= Fraction(float(np.float32(0.1))) ** 2


# -- Poisson sampling ------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.01, 0.3])
@pytest.mark.parametrize("order", some([8, 2, 32], 1))
def test_sampled_costs_against_an_integral(q, order):
    """E over N(0, 1) of (1 - q + q exp(mu x - mu**2 / 2))**order."""
    accountant = IndividualAccountant(4, method="rdp", order=order, grid=0.125)
    norms = [0.0, 0.25, 0.5, 1.0]
    accountant.step(norms, 1.0, sampling_probability=q)
    for found, mu in zip(accountant.spent.values, norms, strict=True):

        def integrand(x, mu=mu):
            mixed = 1 - q + q * mp.exp(mu * x - mp.mpf(mu) ** 2 / 2)
            return mp.npdf(x) * mixed**order

        with mp.workdps(25):
            ends = [-15, 0, mu * order / 2, mu * order, mu * order + 15]
            exact = mp.log(mp.quad(integrand, ends)) / (order - 1)
        assert mp.mpf(found) >= exact
        assert found <= float(exact) * (1 + 1e-6) + 1e-12  # these lie on the grid


def test_sampled_costs_grow_with_the_norm_and_beyond_the_table_everyone_is_out():
    accountant = IndividualAccountant(400, epsilon=8.0, delta=1e-5, method="rdp")
    norms = np.geomspace(1e-4, 1e4, 400)
    taking = accountant.step(norms, 1.0, sampling_probability=0.1).values
    spent = accountant.spent.values
    kept = spent[:, taking]
    assert (kept[:, 1:] >= kept[:, :-1]).all()
    assert taking[0]
    assert not taking[-1]
    assert (np.diff(taking.astype(int)) <= 0).all()


def test_sampled_filter_keeps_the_budget_of_the_worst_case():
    """With everyone at the bound it must stop no later than the common accountant."""
    accountant = IndividualAccountant(2, epsilon=1.0, delta=1e-5, method="rdp")
    taken = 0
    while accountant.step([1.0, 0.25], 2.0, sampling_probability=0.05).values[0]:
        taken += 1
    noise = gaussian(1.0, scale=2.0, trusted=True)
    common = Accountant(ADD, method="rdp").compose(
        noise, taken, sampling_probability=0.05
    )
    assert taken > 10
    assert common.epsilon_at(1e-5) <= 1.0
    assert accountant.active.values.tolist() == [False, True]
    assert accountant.epsilon_at(1e-5).values[0] <= 1.0


def test_sampling_and_none_add_up():
    accountant = IndividualAccountant(1, method="rdp", order=8)
    accountant.step(1.0, 2.0)
    assert accountant.spent.values[0] == pytest.approx(8 / 2 / 4)
    accountant.step(1.0, 2.0, sampling_probability=0.0)
    assert accountant.spent.values[0] == pytest.approx(1.0)
    accountant.step(1.0, 2.0, sampling_probability=0.5)
    assert 1.0 < accountant.spent.values[0] < 2.0
    with pytest.raises(UnsupportedError, match="method='rdp'"):
        IndividualAccountant(1).step(1.0, 1.0, sampling_probability=0.5)


# -- statements ------------------------------------------------------------------------


@pytest.mark.parametrize("people", some([7, 300], 1))
def test_epsilons_of_everyone(people):
    accountant = IndividualAccountant(people)
    norms = np.random.default_rng(0).uniform(0, 1, people)
    norms[0] = 0.0
    for _ in range(20):
        accountant.step(norms, 10.0)
    epsilons = accountant.epsilon_at(1e-5).values
    assert epsilons[0] == 0
    for i in range(0, people, max(people // 7, 1)):
        if norms[i]:
            m = 10.0 / (norms[i] * math.sqrt(20))
            exact = gaussian(1.0, noise_multiplier=m, trusted=True).epsilon_at(1e-5)
            assert epsilons[i] >= exact * (1 - 1e-9)
            assert epsilons[i] <= exact * 1.03 + 1e-3
    assert epsilons[np.argmax(norms)] == epsilons.max()


def test_renyi_epsilons():
    accountant = IndividualAccountant(2, method="rdp", order=16)
    accountant.step([0.0, 1.0], 4.0)
    epsilons = accountant.epsilon_at(1e-5).values
    assert epsilons[0] == 0
    exact = gaussian(1.0, noise_multiplier=4.0, trusted=True).epsilon_at(1e-5)
    assert exact < epsilons[1] < 1.5 * exact
    with pytest.raises(UnsupportedError, match="method='gdp'"):
        accountant.mu()


def test_outputs_are_marked_internal():
    accountant = IndividualAccountant(3, mu=2.0)
    outputs = [
        accountant.step([0.5, 1.0, 0.1], 1.0), accountant.spent, accountant.active,
        accountant.mu(), accountant.epsilon_at(1e-5),
    ]  # fmt: skip
    for out in outputs:
        assert "do not release" in repr(out)
        assert not any(str(v) in repr(out) for v in out.values)
        for use in (np.asarray, list, bool, np.mean):
            with pytest.raises(UnsupportedError, match="must not be released"):
                use(out)
        with pytest.raises(ValueError, match="read-only"):
            out.values[0] = 0
    assert repr(accountant) == (
        "<IndividualAccountant, add_or_remove_one, gdp: 3 people, 1 steps>"
    )
    before = accountant.spent.values.copy()
    accountant.step(0.1, 1.0)
    assert (outputs[1].values == before).all()  # what was handed out stays


def test_everyone_in_every_chunk_is_charged():
    people = 2 * CHUNK + 5
    accountant = IndividualAccountant(people, mu=1.0)
    norms = np.linspace(0, 2, people)
    taking = accountant.step(norms, 1.0).values
    assert (taking == (norms <= 1 - 1e-9)).all()
    assert accountant.spent.values == pytest.approx(
        np.where(taking, norms**2, 0), rel=1e-12, abs=1e-300
    )
    scalar = IndividualAccountant(people)
    scalar.step(0.5, 1.0)
    assert np.unique(scalar.spent.values) == pytest.approx([0.25])


def test_refuses():
    for bad in (0, -1, 1.5, True):
        with pytest.raises(InvalidInputError, match="people"):
            IndividualAccountant(bad)
    for arguments, why in (
        ({"epsilon": 1.0}, "`epsilon` with `delta`"),
        ({"delta": 1e-5}, "`epsilon` with `delta`"),
        ({"epsilon": 1.0, "delta": 1e-5, "mu": 1.0}, "`epsilon` with `delta`"),
        ({"epsilon": 0.0, "delta": 1e-5, "mu": 1.0}, "`epsilon` with `delta`"),
        ({"epsilon": -1.0, "delta": 1e-5}, "epsilon"),
        ({"epsilon": 1.0, "delta": 0.0}, "delta"),
        ({"mu": 0.0}, "mu"), ({"method": "zcdp"}, "method"),
        ({"method": "rdp"}, "which `order`"), ({"order": 2}, "is for method='rdp'"),
        ({"method": "rdp", "order": 1}, "order"), ({"grid": 0.0}, "grid"),
        ({"method": "rdp", "mu": 1.0, "order": 3}, "is for method='gdp'"),
        ({"method": "rdp", "epsilon": 1.0, "delta": 1e-5, "order": 2}, "larger order"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError, match=why):
            IndividualAccountant(2, **arguments)
    for bad in (-0.1, 1.1, math.nan, "q"):
        with pytest.raises(InvalidInputError, match="sampling_probability"):
            IndividualAccountant(2).step(1.0, 1.0, sampling_probability=bad)


# -- routes ----------------------------------------------------------------------------


def test_planned_steps_are_as_many_as_the_accountant_allows():
    """With one order of divergence nobody could take a single step."""
    people = IndividualAccountant(
        2, epsilon=1.0, delta=1e-5, method="rdp", planned=(2.0, 0.05)
    )
    allowed, taken = people.planned.steps, 0
    noise = gaussian(1.0, noise_multiplier=2.0, trusted=True)
    while people.step([1.0, 0.2], 2.0, sampling_probability=0.05).values[0]:
        taken += 1
    common = [
        Accountant(ADD).compose(noise, n, sampling_probability=0.05).epsilon_at(1e-5)
        for n in (taken, math.ceil(taken * 1.05) + 1)
    ]
    assert taken == allowed > 5
    assert common[0] <= 1.0 < common[1]
    assert people.active.values.tolist() == [False, True]  # the other has more left
    assert people.epsilon_at(1e-5).values[0] <= 1.0


def test_who_once_is_above_what_was_planned_has_the_divergences():
    people = IndividualAccountant(
        3, epsilon=4.0, delta=1e-5, method="rdp", planned=(2.0, 0.1)
    )
    people.step([1.0, 1.0 + 1e-9, 40.0], 2.0, sampling_probability=0.1)
    assert people._within.tolist() == [True, False, True]
    assert people.active.values.tolist() == [
        True,
        True,
        False,
    ]  # and is charged nothing
    people.step(0.1, 2.0, sampling_probability=0.2)  # drawn more often than planned
    assert people._within.tolist() == [False, False, True]


def adversary(likely, steps):
    """Return norms: large where the transcript already tells something, small else."""
    return np.where(likely > 0.3, 1.0, np.where(likely < -0.3, 0.02, 0.6))


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("planned", "present"),
    some([((1.0, 0.2), True), (None, False), ((1.0, 0.2), False), (None, True)], 2),
)
def test_an_adaptive_adversary_does_not_break_the_filter(planned, present):
    """Every trial is a person of one accountant; losses are followed exactly."""
    trials, q, epsilon, delta = draws(2400, 20_000), 0.2, 1.5, 0.02
    rng = np.random.default_rng(3)
    people = IndividualAccountant(
        trials, epsilon=epsilon, delta=delta, method="rdp", planned=planned
    )
    loss = np.zeros(trials)  # log of the density with the person over that without
    for step in range(draws(12, 60)):
        norms = adversary(loss, step)
        taking = people.step(norms, 1.0, sampling_probability=q).values
        drawn = taking & present & (rng.random(trials) < q)
        x = rng.normal(size=trials) + norms * drawn
        mixed = np.log1p(q * np.expm1(norms * x - norms**2 / 2))
        loss += np.where(taking, mixed, 0.0)
    if not present:
        loss = -loss
    lost = np.clip(1 - np.exp(epsilon - loss), 0, None)
    error = lost.std() / math.sqrt(trials)
    assert lost.mean() <= delta + 3 * error
    assert not people.active.values.all()  # the filter had something to do
    assert (people.epsilon_at(delta).values <= epsilon * (1 + 1e-9)).all()


def test_quantiles_by_group_are_somebodys_and_are_internal():
    people = IndividualAccountant(5)
    people.step([0.1, 0.2, 0.3, 2.0, 1.0], 4.0)
    table = people.by_group(["a", "a", "a", "b", "b"], 1e-5, (0.5, 1.0))
    assert repr(table).startswith("<internal, do not release")
    epsilons = people.epsilon_at(1e-5).values
    assert table.values["group"].tolist() == ["a", "b"]
    assert table.values["people"].tolist() == [3, 2]
    assert table.values["q0.5"].tolist() == [epsilons[1], epsilons[3]]
    assert table.values["q1"].tolist() == [epsilons[2], epsilons[3]]
    with pytest.raises(ShapeError, match="5 people"):
        people.by_group(["a"], 1e-5)
    with pytest.raises(InvalidInputError, match="quantiles"):
        people.by_group(["a"] * 5, 1e-5, [2.0])


def test_threads_change_nothing(monkeypatch):
    norms = np.random.default_rng(0).beta(2, 5, 70_000)
    spent = []
    for many in (1, 10**9):
        monkeypatch.setattr("deuterium.privacy.accounting.individual.MANY", many)
        people = IndividualAccountant(70_000, epsilon=2.0, delta=1e-5, method="rdp")
        for q in (0.5, 1.0):
            people.step(norms, 2.0, sampling_probability=q)
        spent.append(people.spent.values)
    assert np.array_equal(*spent)


def test_refuses_plans_that_are_none():
    about = {"epsilon": 1.0, "delta": 1e-5}
    for bad in (1.0, (1.0,), ("a", 0.1), (0.0, 0.1), (1.0, 2.0), (1.0, 0.0)):
        with pytest.raises(InvalidInputError):
            IndividualAccountant(1, method="rdp", planned=bad, **about)
    with pytest.raises(InvalidInputError, match="method='rdp'"):
        IndividualAccountant(1, planned=(50.0, 1.0), **about)
    with pytest.raises(InvalidInputError, match="needs `epsilon`"):
        IndividualAccountant(1, method="rdp", order=4, planned=(1.0, 0.1))


def test_who_is_emptied_counts_as_who_is_left_out():
    made = [
        IndividualAccountant(2, mu=1.0, relation=r) for r in (ADD, "replace_special")
    ]
    for people in made:
        people.step([0.2, 0.4], 1.0)
    assert made[0].spent.values.tolist() == made[1].spent.values.tolist()
    assert made[1].protects == "a record emptied"
    with pytest.raises(UnsupportedError, match="two records count"):
        IndividualAccountant(2, mu=1.0, relation="replace_one")
