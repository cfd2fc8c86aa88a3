"""The bound of what one feature can do to a gradient of one hidden layer, inside."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

import deuterium as dt
from deuterium import privacy
from deuterium.privacy.sensitivity.one_layer import (
    OneFeature,
    pair_branching,
    pair_options,
)
from deuterium.privacy.sensitivity.one_layer.affine_cuts import AffineCut, FirstRecords
from deuterium.privacy.sensitivity.one_layer.common_factor import CommonFactor
from deuterium.privacy.sensitivity.one_layer.gradient_form import one_layer
from deuterium.privacy.sensitivity.one_layer.pair_lagrangian import PairLagrangian
from tests.amounts import draws, seeds, some
from tests.privacy.sensitivity.layers import ACTIVATIONS, largest_move, network, pairs
from tests.privacy.sensitivity.one_layer.pairs import (
    bounds_of,
    cell_around,
    distance,
    pair,
)

pytestmark = pytest.mark.usefixtures("coarse_clock")


@pytest.mark.long
def test_a_small_search_does_not_move_the_bound_below_what_is_reached(rng):
    """However wrong the value it is told to aim at."""
    x, y, g, domain = network(4)
    layer = one_layer(g, x)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    bounds = OneFeature(layer, x, domain, labels)
    for j in range(2):
        moved = largest_move(x, y, g, [j], rng)
        for aim in (0.0, moved / 3, moved):
            assert bounds.bound(j, aim, 0.01, 0.5) >= moved


@pytest.mark.long
@pytest.mark.drawn
@pytest.mark.parametrize("activation", some(ACTIVATIONS, 1))
def test_ranges_cut_in_two_keep_what_is_reached(activation, rng, monkeypatch):
    """With few cells of t and tau, only cutting ranges of z brings the bound down."""
    monkeypatch.setattr(pair_options, "INNER_CELLS", 8)
    monkeypatch.setattr(pair_options, "FINEST_TAU", 1 / 4)
    x, y, g, domain = network(2, activation, scale=2.0, hidden=4)
    layer = one_layer(g, x)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    tighter = 0
    for j in range(draws(1, 2)):
        moved = largest_move(x, y, g, [j], rng)
        found = []
        for splits in (0, draws(2, 5)):
            monkeypatch.setattr(pair_options, "Z_SPLITS", splits)
            found.append(OneFeature(layer, x, domain, labels).bound(j, moved, 1e-4, 4))
        assert moved <= min(found)
        tighter += found[1] < found[0] * (1 - 1e-6)
    assert tighter or activation == "relu"


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("activation", "side", "hidden"),
    some(
        [
            *[("tanh", 0, 1), ("tanh", 1, 3), ("relu", 0, 3), ("relu", 1, 1)],
            *[("expit", 1, 1), ("expit", 0, 3), ("tanh", 1, 1), ("tanh", 0, 3)],
            *[("relu", 1, 3), ("relu", 0, 1), ("expit", 0, 1), ("expit", 1, 3)],
        ],
        1,
    ),
)
def test_every_cell_holds_the_pairs_in_it(activation, side, hidden, rng):
    """With one hidden unit, t settles z, and a thin cell has no slack to hide in.

    Nor do planes or cuts of tau and of z lose a pair.
    """
    j, more = 1, {"scale": 0.8, "hidden": hidden, "bias": hidden > 1}
    x, y, g, bounds = bounds_of(8, activation, **more)
    branches, slopes = pair_branching.PairBranching(bounds, j), dt.compile([x, y], g)
    tightest, parted, cuts = math.inf, 0, 0
    many = {"relu": (draws(6, 15), 3)}.get(activation, (draws(12, 16), 4))[hidden > 1]
    for _ in range(many):
        first, second, tau = pair(rng, side, j)
        label = int(rng.integers(0, 2))
        apart = distance(slopes, first, second, label)
        for width in (1e-6, 0.3, 2.0):
            share = rng.choice([1e-9, 1 - 1e-9], 3)  # at an edge of the cell
            box, near = cell_around(bounds.layer, first, second, tau, width, share)
            cell = branches._whole(near, side)[label]
            cell.box, cell.tops = box, np.array([math.inf])
            cell.multipliers = rng.normal(size=(1, 4, 2)) * 3
            cell.again(0.0, math.inf)
            assert cell.upper >= apart * (1 - 1e-12)
            if width < 1e-3 and apart > 1e-6:
                tightest = min(tightest, cell.upper / apart)
            branches._add_cut(cell)
            cuts += cell.cut is not None
            cell.tops[:] = math.inf  # by the plane alone
            cell.again(0.0, math.inf)
            assert cell.upper >= apart * (1 - 1e-12)
            for parts in (branches._halves(cell), branches._split(cell)):
                for part in parts:
                    part.tops[:] = math.inf
                    part.clip(branches._range(part.table))
                    part.again(0.0, math.inf)
                parted += len(parts) == 2
                assert not parts or max(p.upper for p in parts) >= apart * (1 - 1e-12)
    assert tightest < (1.02 if hidden == 1 else 3)
    assert cuts
    assert parted


@pytest.mark.drawn
def test_values_inside_the_range_are_kept_by_planes():
    """The distance is largest at an end for a given z; that z is of any record.

    Two units that are steep inside the range of a feature: the farthest pair is there.
    """
    x, y = dt.symbol("x", shape=(1, 2)), dt.symbol("y")
    weights = [[[10.0, 10.0], [1.0, -1.0]], [3.0, -3.0], [[1.0], [1.0]]]
    w1, b1, w2 = (dt.constant(np.array(w)) for w in weights)
    t = (np.tanh(x @ w1 + b1) @ w2)[0, 0]
    g = [dt.grad((t - y) ** 2 / 2, b1)]
    most = np.array([[1.0, 0.001]])
    domain = dt.Box({x: (-most, most)})
    labels = [dt.Box({y: (v, v)}) for v in (30.0, 31.0)]
    moved = distance(dt.compile([x, y], g), most * [[-0.3, 1]], most * [[0.3, 1]], 31.0)
    for aim in (0.5, 0.3, 0.9)[: draws(1, 3)]:
        bounds = OneFeature(one_layer(g, x), x, domain, labels)
        for _ in range(draws(1, 3)):
            found = bounds.bound(0, aim * math.sqrt(moved), 1e-3, 1.5)
            assert found**2 >= moved * (1 - 1e-12)


@pytest.mark.drawn
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_planes_and_cuts_keep_pairs_anywhere(activation, rng):
    """One of the two sides holds a pair of which no value is at an end."""
    j, kept = 1, 0
    x, y, g, bounds = bounds_of(4, activation, scale=2.0, hidden=2)
    branches, slopes = pair_branching.PairBranching(bounds, j), dt.compile([x, y], g)
    for _ in range(draws(4, 10)):
        first = np.sign(rng.uniform(-1, 1, (1, 4)))
        tau = rng.uniform(0.1, 1.0)
        first[0, j] = rng.uniform(-1, 1 - tau)
        second = first.copy()
        second[0, j] += tau
        label = int(rng.integers(0, 2))
        apart = distance(slopes, first, second, label)
        share = rng.uniform(0, 1, 3)
        box, near = cell_around(bounds.layer, first, second, tau, 1e-3, share)
        tops = np.zeros(3)  # with a plane; of halves of tau; of a range of z
        for side in (0, 1):
            cell = branches._whole(near, side)[label]
            cell.box, cell.tops = box, np.array([math.inf])
            cell.again(0.0, math.inf)
            branches._add_cut(cell)
            for i, parts in enumerate(
                ([cell], branches._halves(cell), branches._split(cell) or [cell])
            ):
                for part in parts:
                    part.tops[:] = math.inf
                    part.again(0.0, math.inf)
                    tops[i] = max(tops[i], part.upper)
        assert (tops >= apart * (1 - 1e-12)).all()
        kept += bool((tops < apart * 3).all())
    assert kept > draws(0, 2)


@pytest.mark.parametrize(
    ("low", "high"), some([(-np.inf, np.inf), (-1e300, 1e300), (0, np.inf)], 2)
)
def test_labels_without_ends(low, high):
    """The distance has no bound, or one beyond what squares can be of."""
    x, y = dt.symbol("x", shape=(1, 4)), dt.symbol("y")
    w = dt.constant(np.ones((4, 2)))
    g = [dt.grad((y - (np.tanh(x @ w) @ np.ones((2, 1)))[0, 0]) ** 2, w)]
    domain = dt.Box({x: (-1, 1), y: (low, high)})
    found = privacy.feature_sensitivity(g, x, domain, groups=[[0]], time_limit=1)
    assert found.upper[0] >= max(1e290, min(high, 1e300))


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_plane_that_touches_a_pair_keeps_it(side, sign, rng):
    """Steep planes leave no room to be wrong in: one hidden unit, and a thin cell."""
    x, y, g, bounds = bounds_of(8, "softplus", scale=0.3, hidden=1)
    j, pull = 1, bounds.layer.matrix[0] * sign
    branches, slopes = pair_branching.PairBranching(bounds, j), dt.compile([x, y], g)
    for slope in (10.0, 100.0, 1000.0):
        tau = rng.uniform(0.5, 1.5)
        first = np.sign(pull)[None]
        first[0, j] = -1.0 if side == 0 else 1.0 - tau
        second = first.copy()
        second[0, j] += tau
        apart = distance(slopes, first, second, 1)
        box, near = cell_around(bounds.layer, first, second, tau, 1e-7, [0.5] * 3)
        cell = branches._whole(near, side)[1]
        cell.box, cell.tops = box, np.array([math.inf])
        ends = (first[0, j],) * 2
        cell.cut = FirstRecords(bounds, j, ends).cut(np.array([sign * slope]))
        cell.again(0.0, math.inf)
        assert apart * (1 - 1e-12) <= cell.upper
        # a plane through nothing lifts the bound by what it allows
        (corners,) = bounds.factor.corners(cell.label, box)
        bounds_at = [
            PairLagrangian(cell.table, cut, corners)
            .least(np.zeros((1, 2)), math.inf)[0]
            .item()
            for cut in (None, AffineCut(np.zeros(1), slope))
        ]
        assert bounds_at[1] == pytest.approx(bounds_at[0] + slope, rel=1e-9)


def test_cells_that_are_cut_leave_nothing_out(rng):
    _, _, _, bounds = bounds_of(3, "tanh", hidden=5)
    branches = pair_branching.PairBranching(bounds, 0)
    (cell, _) = branches._whole((0.5, 1.0), 0)
    low, high = cell.box[0, ::2], cell.box[0, 1::2]
    for _ in range(3):
        cell.refine(0.0, math.inf)
        points = low + rng.uniform(0, 1, (4000, 1, 2)) * (high - low)
        inside = (cell.box[:, ::2] <= points) & (points <= cell.box[:, 1::2])
        assert inside.all(axis=2).any(axis=1).all()
    assert len(cell) > 50


@pytest.mark.parametrize("side", [0, 1])
def test_no_record_is_beyond_a_plane(side, rng):
    """And some record touches it, but for rounding."""
    _, _, _, bounds = bounds_of(3, "tanh", hidden=5)
    layer = bounds.layer
    for _ in range(200):
        least, most = np.sort(rng.uniform(0, 2, 2))
        ends = (-1.0, -1.0) if side == 0 else (1 - most, 1 - least)
        slopes = rng.normal(size=5) * 10 ** rng.uniform(-6, 6)
        cut = FirstRecords(bounds, 2, ends).cut(slopes)
        records = np.sign(rng.uniform(-1, 1, (60, 4)))
        pull = slopes @ layer.matrix
        records[0] = np.sign(pull)
        records[:, 2] = rng.choice(ends, 60)
        records[0, 2] = ends[int(pull[2] > 0)]
        reached = (records @ layer.matrix.T + layer.shift) @ slopes
        assert reached.max() <= cut.most
        assert cut.most <= reached[0] + 1e-9 * np.abs(slopes).sum()


@pytest.mark.parametrize("kind", ["logistic", "square", "hinge", "jump"])
def test_both_factors_are_means_of_their_corners(kind, rng):
    """At one and the same place between the corners of t and ``t' - t``, nearly."""
    t, y = dt.symbol("output"), dt.symbol("y")
    scalar = {
        "logistic": expit(t) - y,
        "square": t * t * 0.3 + y * t,
        "hinge": np.maximum(t, 0.2) - y,
        "jump": dt.grad(np.abs(t - 0.1), t) * y + y,
    }[kind]
    factor = CommonFactor(SimpleNamespace(output=t, scalar=scalar, offset=0.75))
    d = dt.compile([t, y], [scalar])
    rough, smooth = 0, kind in ("logistic", "square")
    for width in (1e-9, 1e-2, 1.0, 5.0):
        low = rng.uniform(-2, 2, (40, 2))
        box = np.stack([low, low + rng.uniform(0, width, (40, 2))], 2).reshape(-1, 4)
        label = float(rng.integers(0, 2))
        given = factor.corners(dt.Box({y: (label, label)}), box)
        assert sorted(np.concatenate([np.unique(c.cells) for c in given])) == [
            *range(40)
        ]
        for _ in range(30):
            u, v = rng.uniform(0, 1, (2, 40))
            u, v = (np.where(rng.random(40) < 0.2, np.round(w), w) for w in (u, v))
            t0 = box[:, 0] + u * (box[:, 1] - box[:, 0])
            apart = box[:, 2] + v * (box[:, 3] - box[:, 2])
            weights = np.stack([(1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v], 1)
            exact = np.stack([d(t0, label)[0], d(t0 + apart, label)[0]])
            at = np.stack([t0 - 0.75, t0 - 0.75, apart, apart], 1)
            for c in given:
                if c.tied:  # one mean of all corners, also of where they are
                    share = weights[c.cells]
                    values, e = (share * [c.first, c.second]).sum(2), c.edges
                    e = (share[..., None] * e).sum(1)
                    off = np.abs(values - exact[:, c.cells])
                    assert (off <= c.errors + 1e-12).all()
                else:  # between four, anywhere
                    rough += 1
                    ends = np.stack([c.first, c.second]).reshape(2, -1, 4)
                    inside = exact[:, c.cells[::4]]
                    assert (ends.min(2) - 1e-12 <= inside).all()
                    assert (inside <= ends.max(2) + 1e-12).all()
                    corner = {(i, j) for i, j in np.round(ends[:, 0].T, 9)}
                    assert len(corner) in (1, 2, 4)
                    e = c.edges[:, 0]
                here = at[c.cells]
                assert (e[:, ::2] <= here[:, ::2] + 1e-12).all()
                assert (here[:, 1::2] <= e[:, 1::2] + 1e-12).all()
    assert rough or smooth


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_one_hidden_unit_is_bounded_sharply(seed, rng):
    x, y, g, domain = network(seed, "tanh", features=2, hidden=1, scale=0.7)
    labels = [dt.Box({y: (v, v)}) for v in (0.0, 1.0)]
    bounds = OneFeature(one_layer(g, x), x, domain, labels)
    for j in range(2):
        moved = largest_move(x, y, g, [j], rng, features=2)
        found = bounds.bound(j, moved, 0.01, 3.0)
        assert moved <= found <= 1.1 * moved


@pytest.mark.drawn
def test_a_large_offset_hides_nothing():
    """t - b is rounded where b is large, and the cells must not come apart."""
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(1, 3)), dt.symbol("y")
    base = 1e9
    weights = (rng.normal(size=(3, 2)), rng.normal(size=(2, 1)), np.array([base]))
    p = [dt.constant(w) for w in weights]
    t = (np.tanh(x @ p[0]) @ p[1] + p[2])[0, 0]
    g = dt.grad((t - y) ** 2 / 2, p[:2])
    domain = dt.Box({x: (-1, 1)}) & dt.Choice(y, [base, base + 1])
    labels = [dt.Box({y: (v, v)}) for v in (base, base + 1)]
    bounds = OneFeature(one_layer(g, x), x, domain, labels)
    for j in range(draws(1, 3)):
        first, second = pairs(x, [j], 3000, rng, 3)
        values = dt.compile([x, y], g)
        total = 0.0
        for u, v in zip(values(first, base), values(second, base), strict=True):
            total = total + ((u - v) ** 2).reshape(len(first), -1).sum(axis=1)
        assert bounds.bound(j, 0.0, 0.01, 1.0) >= math.sqrt(total.max())


@pytest.mark.long
@pytest.mark.parametrize("activation", some(["softplus", "relu", "silu", "tanh"], 2))
def test_the_relaxation_is_never_looser_than_enclosures(activation):
    x, _, g, domain = network(7, activation, features=10, scale=2.0)
    found = privacy.feature_sensitivity(g, x, domain, groups=[[0]], time_limit=0.4)
    second = dt.symbol("second", shape=x.shape)
    free = np.zeros(x.shape)
    free[0, 0] = 1.0
    moved = x * (1 - free) + second * free
    both = domain & dt.Box({second: (-1, 1)})
    apart = dt.enclose(dt.norm([v - v.subs({x: moved}) for v in g]), both)
    twice = 2 * dt.enclose(dt.norm(g), domain).upper
    assert found.upper[0] <= min(apart.upper, twice) * (1 + 1e-9)
