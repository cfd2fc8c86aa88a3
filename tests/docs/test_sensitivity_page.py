"""The page about sensitivities is true: its snippets run, its numbers are right."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.mechanisms.privacy_curves import gaussian_epsilon

PAGE = (Path(__file__).parents[2] / "docs" / "which-sensitivity.md").read_text()


@pytest.fixture(scope="module")
def names():
    found: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert len(blocks) == 8
    for block in blocks:
        exec(block, found)
    return found


def said(pattern: str) -> tuple[float, ...]:
    """Return the numbers that the page states after some words."""
    found = re.search(pattern, PAGE)
    assert found, pattern
    return tuple(map(float, found.groups()))


def test_four_numbers(names):
    s, people, f = names["s"], names["people"], names["one_person"]
    inputs = [names["a"], names["b"]]
    steep = privacy.lipschitz(f, inputs, people, rtol=1e-6)
    across = math.hypot(1, 2.5)
    for pattern, value, digits in (
        (r"\| Lipschitz constant \| ([\d.]+)", steep.upper, 2),
        (r"replace one person \| \*\*([\d.]+)", s.sensitivity("replace_one"), 2),
        (r"add or remove one person \| \*\*([\d.]+)", s.upper, 2),
        (r"largest distance \(([\d.]+)\)", across, 2),
        (r"\(2.69\) \| ([\d.]+)",
         steep.sensitivity("replace_one", distance=across), 1),
        (r"\)  +# ([\d.]+)\ns.sensitivity", s.sensitivity("add_or_remove_one"), 2),
        (r"# ([\d.]+): the diameter", s.sensitivity("replace_one"), 2),
    ):  # fmt: skip
        assert said(pattern) == (round(value, digits),)
    corners = [dt.norm(dt.grad(f, inputs)).evaluate(dict(zip(inputs, p, strict=True)))
               for p in ((1, 3), (2, 0.5))]  # fmt: skip
    assert "factor of ninety" in PAGE
    assert corners[0] / corners[1] == pytest.approx(90, rel=0.02)


def test_whole_data_sets(names):
    for name, pattern in (("spread", r"# ([\d.]+): 102"), ("third", r"# (71[\d.]+)")):
        value = names[name].sensitivity("replace_one")
        assert said(pattern) == (round(value, 1),)


def test_weighted_mean(names):
    (told,) = said(r"# ([\d.]+), and a little")
    assert told <= names["mean"].sensitivity("replace_one") <= told * 1.02


def test_regression(names):
    found = names["coefficient"]
    assert said(r"# ([\d.]+), reached ([\d.]+)") == (
        round(found.upper, 2), round(found.lower, 2)
    )  # fmt: skip
    assert found.gap <= 0.02
    # 29 others of a table reach what two sums do
    x, y = np.full(29, np.sqrt(1 / 29)), np.ones(29)
    slopes = []
    for own in ((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.5, 1.0), (0.5, 0.0)):
        u, v = np.append(x, own[0]), np.append(y, own[1])
        slopes.append((u @ v) / (u @ u + 1))
    assert 0.5 < max(slopes) - min(slopes) <= found.upper


def test_noise_and_promise(names):
    noise, s = names["noise"], names["s"]
    assert said(r"# ([\d.]+) and ([\d.]+): sigma = ([\d.]+) times ([\d.]+)") == (
        round(noise.sigma, 2), round(noise.noise_multiplier, 2),
        round(noise.noise_multiplier, 2), round(s.sensitivity("replace_one"), 2),
    )  # fmt: skip
    mu, rho = said(r"# ([\d.]+) and ([\d.]+): the same promise")
    assert (mu, rho) == (round(noise.mu, 3), round(noise.rho, 4))
    epsilon, delta = said(r"# ([\d.]+) and ([\de.-]+): any point")
    assert epsilon == round(noise.epsilon_at(1e-6), 2)
    assert delta == pytest.approx(noise.delta_at(2.0), rel=0.02)
    assert said(r"# ([\d.]+), not 12") == (round(names["year"].epsilon_at(1e-5), 2),)
    three = privacy.Accountant("replace_one", group=3).compose(noise, 12)
    assert said(r"# ([\d.]+): the exact curve at") == (
        round(noise.for_group(3).epsilon_at(1e-5), 2),
    )
    assert said(r"# ([\d.]+); for one person ([\d.]+)") == (
        round(three.epsilon_at(1e-5), 2), round(names["year"].epsilon_at(1e-5), 2),
    )  # fmt: skip
    sigma, multiplier = said(r"deviation ([\d.]+), noise multiplier ([\d.]+)")
    assert (sigma, multiplier) == (round(noise.sigma, 2), 3.73)
    assert f"at most {s.sensitivity('replace_one'):.2f}, certified" in PAGE
    pair = s.diameter.witness
    assert [float(pair[n]) for n in ("a", "b", "a'", "b'")] == [1, 3, 1, 0.5]
    assert noise.epsilon == 1
    assert f"delta 10⁻⁵; mu {noise.mu:.3f}" in PAGE


def test_relations(names):
    one, other = said(r"epsilon ([\d.]+) under the one, ([\d.]+) under the other")
    assert one == round(gaussian_epsilon(2.0, 1e-5), 2)
    assert other == round(gaussian_epsilon(1.0, 1e-5), 2)
    assert other > 2 * one
    age = dt.symbol("age")
    s = privacy.contribution(age, dt.Box({age: (18, 120)}))
    assert s.sensitivity("add_or_remove_one") == pytest.approx(120)
    assert s.sensitivity("replace_one") == pytest.approx(102)
    x, y = dt.symbol("x"), dt.symbol("y")
    moments = privacy.contribution(x * y, dt.Box({x: (0, 100), y: (0, 100)}))
    assert moments.upper == pytest.approx(10000, rel=1e-9)
    assert moments.lower == 10000


def test_the_steps_lead_to_what_there_is():
    """Every call exists, and accepts or refuses as the table says."""
    for name in re.findall(r"`privacy\.(\w+)", PAGE):
        assert hasattr(privacy, name), name
    for name in ("gaussian", "laplace", "discrete_gaussian"):
        assert f"{name}: L" in PAGE or f"{name}:" in PAGE
        assert hasattr(privacy, name)
    a = dt.symbol("a")
    people = dt.Box({a: (1, 2)})
    diameter = privacy.diameter(np.exp(a), people)
    slope = privacy.lipschitz(np.exp(a), [a], people)
    for refused, relation in (
        (diameter, "add_or_remove_one"), (slope, "add_or_remove_one"),
        (slope, "replace_one"),
    ):  # fmt: skip
        with pytest.raises(dt.errors.UnsupportedError):
            refused.sensitivity(relation)
    assert slope.sensitivity("replace_one", distance=1.0) == slope.upper
    assert diameter.sensitivity("replace_one") == diameter.upper


def test_a_table_is_released_within_its_budget(names):
    out, budget = names["out"], names["budget"]
    assert set(out.value) == {"age", "income", "adults"}
    assert out.noise.sensitivity == pytest.approx(math.sqrt(3), rel=1e-2)
    assert budget.releases == 1
    assert budget.epsilon_at(1e-6) == pytest.approx(1)
