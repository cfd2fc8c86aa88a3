"""Noise in proportion to each quantity; mechanisms that move farther than declared."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, SoundnessError
from tests.amounts import seeds, some

AGE, X = dt.symbol("age"), dt.symbol("x", shape=(3,))
PEOPLE = dt.Box({AGE: (18, 100), X: (-1, 1)})
PROMISE = {"epsilon": 1.0, "delta": 1e-6, "relation": "add_or_remove_one"}


def test_noise_is_in_proportion_to_contributions():
    c = privacy.contributions({"age": AGE, "age2": AGE**2}, PEOPLE, rtol=1e-6)
    assert c.blocks["age2"].upper == pytest.approx(1e4)
    assert c.joint.upper == pytest.approx(np.sqrt(2))
    noise = c.gaussian(**PROMISE)
    scales = c.scales(noise)
    assert scales["age"] == pytest.approx(noise.noise_multiplier * 100 * np.sqrt(2))
    assert scales["age2"] == pytest.approx(100 * scales["age"])
    assert c.value({AGE: [20, 200]}) == {
        "age": pytest.approx(120),
        "age2": pytest.approx(400 + 1e4),
    }
    draws = [c.release({AGE: [20]}, noise, insecure_rng=i)["age2"] for i in range(300)]
    assert np.std(draws) == pytest.approx(scales["age2"], rel=0.2)


def test_what_cannot_be_large_at_once_needs_less():
    young, old = np.where(AGE < 40, 1.0, 0.0), np.where(AGE >= 40, 1.0, 0.0)
    c = privacy.contributions({"young": young, "old": old}, PEOPLE)
    assert c.joint.upper == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("seed", seeds(2, 30))
def test_all_blocks_together_keep_the_promise(seed):
    rng = np.random.default_rng(seed)
    quantities = {"a": AGE**2, "t": np.tanh(X * rng.normal(size=3)), "n": AGE / AGE}
    weights = {n: float(rng.uniform(0.1, 10)) for n in quantities}
    c = privacy.contributions(
        quantities, PEOPLE, importance=weights, rtol=0.05, time_limit=5
    )
    scales = c.scales(c.gaussian(**PROMISE))
    multiplier = c.gaussian(**PROMISE).noise_multiplier
    for _ in range(50):
        row = PEOPLE.clip({AGE: rng.uniform(0, 120), X: rng.normal(size=3) * 2})
        used = {n: _evaluated(q, row) for n, q in quantities.items()}
        spent = sum(np.sum(np.square(used[n] / scales[n])) for n in used)
        assert spent <= (1 / multiplier) ** 2
    # a quantity that counts more gets less noise, relative to its contribution
    relative = {n: scales[n] / s.upper for n, s in c.blocks.items()}
    order = sorted(weights, key=weights.__getitem__)
    assert sorted(relative, key=relative.__getitem__, reverse=True) == order


def _evaluated(v, row):
    used = {s.name for s in dt.graph.traverse.free_symbols([v])}
    return v.evaluate({n: x for n, x in row.items() if n in used})


def test_what_contributions_refuse():
    with pytest.raises(InvalidInputError, match="mapping"):
        privacy.contributions([AGE], PEOPLE)
    with pytest.raises(InvalidInputError, match="'b', which is no quantity"):
        privacy.contributions({"a": AGE}, PEOPLE, importance={"b": 1})


@pytest.mark.parametrize("relation", some(privacy.RELATIONS, 2))
def test_an_audit_passes_what_is_certified_and_comes_close(relation):
    s = privacy.contribution([AGE, X.sum()], PEOPLE)

    @privacy.audit.sensitivity(s, PEOPLE, relation=relation)
    def noisy(data, rng):
        total = data["age"].sum() + rng.normal()
        return [total, data["x"].sum()]

    assert noisy.audit.largest <= noisy.audit.declared * (1 + 1e-9)
    diameter = np.hypot(82, 6) if relation == "replace_one" else np.hypot(100, 3)
    assert noisy.audit.largest > 0.9 * diameter


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: data["age"].mean(),
        lambda data: data["age"].sum() * 2,
        lambda data: len(data["age"]) * 101.0,
        lambda data: np.where(data["age"].sum() > 500, np.nan, 0.0),
    ],
)
def test_an_audit_finds_what_moves_too_far(wrong):
    declared = 1.0 if wrong.__code__.co_names[-1:] == ("mean",) else 100.0
    audit = privacy.audit.sensitivity(declared, PEOPLE, relation="add_or_remove_one")
    with pytest.raises(SoundnessError, match="farther than"):
        audit(wrong)


def test_an_audit_sees_a_number_of_results_that_changes():
    audit = privacy.audit.sensitivity(1.0, PEOPLE, relation="replace_special")
    with pytest.raises(InvalidInputError, match="gives the record away"):
        audit(lambda data: data["age"] * 0)


def test_an_audit_draws_inside_the_domain():
    c, z = dt.symbol("c"), dt.symbol("z", shape=(3,))
    low, high = dt.symbol("low"), dt.symbol("high")
    domain = (
        dt.Choice(c, [1, 5]) & dt.OneHot(z) & dt.Ball(X, 0, 1)
        & dt.Box({low: (0, 1), high: (0, 1)}) & dt.Where(low <= high)
    )  # fmt: skip
    seen = []
    audit = privacy.audit.sensitivity(0.0, domain, relation="replace_one", pairs=30)
    audit(lambda data: seen.append(domain.check(data)) or 0.0)
    assert len(seen) == 60
