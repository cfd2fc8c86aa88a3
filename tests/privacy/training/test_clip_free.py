"""Training without clipping: nobody's gradient is ever longer than the bound."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, UnsupportedError
from tests.privacy.mechanisms.audit import epsilon_lower_bound

ClipFreeSGD = partial(privacy.ClipFreeSGD, relation="add_or_remove_one")

ACTIVATIONS = {"tanh": np.tanh, "expit": expit, "relu": dt.relu}
COUNT = 60


def binary(act):
    def loss(x, y, w1, b1, w2, b2):
        t = (act(x @ w1 + b1) @ w2 + b2)[:, 0]
        return -(y * log_expit(t) + (1 - y) * log_expit(-t))

    return loss


def classes(act):
    def loss(x, y, w1, b1, w2, b2):
        return -(y * dt.log_softmax(act(x @ w1 + b1) @ w2 + b2)).sum(1)

    return loss


def squared(x, y, w1, b1, w2, b2):
    """A loss whose slope has no bound of its own."""
    return ((np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0] - y) ** 2


def unusual(x, y, w1, b1, w2, b2):
    """Not layer upon layer: a connection skips one."""
    t = (np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0] + x[:, 0] * b2[0]
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def deep(act, k):
    def loss(x, y, w1, b1, w2, w3, b3):
        t = act(act(x @ w1 + b1) @ w2) @ w3 + b3
        if k == 1:
            return -(y * log_expit(t[:, 0]) + (1 - y) * log_expit(-t[:, 0]))
        return -(y * dt.log_softmax(t)).sum(1)

    return loss


def start(rng, sizes, names, scale=1.0):
    found, i = {}, 0
    for name in names:
        if name.startswith("w"):
            m, n = sizes[i], sizes[i + 1]
            found[name] = rng.normal(size=(m, n)) * scale / math.sqrt(m)
            i += 1
        else:
            found[name] = rng.normal(size=sizes[i]) * 0.3 * scale
    return found


def problem(kind, seed=0, scale=1.0, **more):
    """Return a trainer and data for a small network."""
    rng = np.random.default_rng(seed)
    head, _, act = kind.partition(" ")
    k = 3 if head in ("classes", "deep3") else 1
    names = ["w1", "b1", "w2", "b2"]
    sizes = [5, 4, k]
    if head.startswith("deep"):
        names, sizes = ["w1", "b1", "w2", "w3", "b3"], [5, 4, 3, k]
        loss = deep(ACTIVATIONS[act], k)
    elif head == "binary":
        loss = binary(ACTIVATIONS[act])
    elif head == "classes":
        loss = classes(ACTIVATIONS[act])
    else:
        loss = {"squared": squared, "unusual": unusual}[head]
    x = dt.symbol("x", shape=(5,))
    y = dt.symbol("y", shape=() if k == 1 else (k,))
    labels = dt.Choice(y, [0, 1]) if k == 1 else dt.OneHot(y)
    domain = dt.Box({x: (-1, 1.5)}) & labels
    records = rng.uniform(-1, 1.5, (COUNT, 5))
    records[::3] = np.where(records[::3] > 0, 1.5, -1)
    classes_of = rng.integers(0, max(k, 2), COUNT)
    data = {x: records, y: classes_of * 1.0 if k == 1 else np.eye(k)[classes_of]}
    settings = {
        "noise_multiplier": 5.0,
        "learning_rate": 0.5,
        "count": COUNT,
        "insecure_rng": seed,
        **more,
    }
    weights = start(rng, sizes, names, scale)
    return ClipFreeSGD(loss, weights, domain, **settings), data, domain, loss


KINDS = {
    **{f"binary {a}": "tangents of one hidden layer" for a in ACTIVATIONS},
    **{f"classes {a}": "pairs of classes, one hidden layer" for a in ACTIVATIONS},
    **{f"deep1 {a}": "norms layer by layer" for a in ACTIVATIONS},
    **{f"deep3 {a}": "norms layer by layer, pairs of classes" for a in ACTIVATIONS},
    "squared": "tangents of one hidden layer",
    "unusual": "enclosure of the gradient's norm",
}


def record_norms(trainer, loss, domain, records):
    """Return every record's gradient norm, by a graph of this test's own."""
    shapes = domain.shapes
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in shapes.items()}
    weights = {n: dt.symbol(n, shape=w.shape) for n, w in trainer.parameters.items()}
    total = loss(**one, **weights).sum()
    g = dt.grad(total, list(weights.values()))
    rows = {one[n]: x[:, None] for n, x in records.items()}
    fixed = {weights[n]: w for n, w in trainer.parameters.items()}
    squares = 0.0
    for part in g:
        value = part.evaluate({**rows, **fixed})
        count = len(next(iter(records.values())))
        squares = squares + (np.reshape(value, (count, -1)) ** 2).sum(axis=1)
    return np.sqrt(squares)


def worst_records(domain, rng, count=400):
    """Corners of the box, and every label."""
    rows = {}
    for name, shape in domain.shapes.items():
        s = dt.symbol(name, shape=shape)
        table, hull = domain.table(s), domain.hull(s)
        if table is None:
            side = rng.random((count, *shape)) < 0.5
            rows[name] = np.where(side, hull.lower, hull.upper)
        else:
            rows[name] = table[rng.integers(0, len(table), count)]
    return rows


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("kind", KINDS)
def test_no_step_exceeds_its_bound(kind, scale, rng):
    settings = {"noise_multiplier": 0.3, "learning_rate": 0.002}
    trainer, data, domain, loss = problem(kind, scale=scale, **settings)
    assert trainer.method == KINDS[kind]
    rows = trainer.prepared(data)
    mine = {k.name: np.asarray(v) for k, v in data.items()}
    for _ in range(6):
        bound = trainer.bound()
        for records in (mine, worst_records(domain, rng)):
            norms = record_norms(trainer, loss, domain, records)
            assert norms.max() <= bound
        report = trainer.step(rows)
        assert norms.max() <= report.bound  # the tangents may be others by now
        assert report.sensitivity == report.bound
        assert report.sigma >= 0.3 * report.sensitivity
    assert trainer.check(data) <= 1


@pytest.mark.parametrize("kind", ["binary tanh", "binary expit", "classes tanh"])
def test_the_bound_is_near_the_largest_norm(kind):
    trainer, _, domain, loss = problem(kind, seed=3)
    shapes = domain.shapes
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in shapes.items()}
    weights = {n: dt.constant(w) for n, w in trainer.parameters.items()}
    g = dt.grad(loss(**one, **weights).sum(), list(weights.values()))
    box = dt.Domain(domain.constraints, {}) if hasattr(dt, "Domain") else None
    box = box or type(domain)(domain.constraints, {})
    found = dt.search(dt.norm(g), box, starts=16).value
    assert found <= trainer.bound() <= 2 * found


def test_the_sum_of_gradients_is_that_of_the_batch():
    trainer, data, domain, loss = problem("binary tanh")
    rows = trainer.prepared(data)
    sums = trainer._sum(rows, clipped=False)
    total = 0.0
    for name, part in zip(trainer.parameters, sums, strict=True):
        assert part.shape == trainer.parameters[name].shape
    step = 1e-6
    base = dict(trainer.parameters)

    def value(weights):
        one = {n: dt.symbol(n, shape=(COUNT, *s)) for n, s in domain.shapes.items()}
        symbols = {n: dt.symbol(n, shape=w.shape) for n, w in weights.items()}
        v = loss(**one, **symbols).sum()
        named = {k.name: x for k, x in data.items()}
        return float(v.evaluate({**named, **weights}))

    for name in ("w1", "b2"):
        place = (0,) * base[name].ndim
        up, down = base[name].copy(), base[name].copy()
        up[place] += step
        down[place] -= step
        total = (value({**base, name: up}) - value({**base, name: down})) / (2 * step)
        at = list(base).index(name)
        assert sums[at][place] == pytest.approx(total, rel=1e-6)


def test_noise_has_the_scale_it_says(rng):
    trainer, data, _, _ = problem("binary tanh", learning_rate=1.0)
    rows = trainer.prepared(data)
    start_weights = {n: w.copy() for n, w in trainer.parameters.items()}
    sums = trainer._sum(rows, clipped=False)
    noises = []
    for _ in range(300):
        trainer.parameters = dict(start_weights)
        report = trainer.step(rows)
        moved = [(start_weights[n] - w) * COUNT for n, w in trainer.parameters.items()]
        noises.append(
            np.concatenate([(m - s).ravel() for m, s in zip(moved, sums, strict=True)])
        )
    spread = np.std(noises)
    assert spread == pytest.approx(report.sigma, rel=0.03)
    assert abs(np.mean(noises)) < 4 * spread / math.sqrt(np.size(noises))


def test_the_accountant_runs_along():
    trainer, data, _, _ = problem("binary tanh")
    trainer.fit(data, 12)
    assert trainer.accountant.releases == len(trainer.history) == 12
    expected = privacy.Accountant("add_or_remove_one").compose(
        privacy.gaussian(
            1.0,
            noise_multiplier=5.0,
            relation="add_or_remove_one",
            trusted=True,
        ),
        12,
    )
    assert trainer.epsilon_at(1e-5) == expected.epsilon_at(1e-5)


def test_replacing_a_record_needs_twice_the_noise():
    """Sigma over C would promise four times too much Renyi divergence here."""
    added, data, _, _ = problem("binary tanh")
    replaced, _, _, _ = problem("binary tanh", relation="replace_one")
    a, b = added.step(data), replaced.step(data)
    assert a.bound == b.bound
    assert b.sensitivity == 2 * a.sensitivity
    assert b.sigma == 2 * a.sigma
    assert added.epsilon_at(1e-5) == replaced.epsilon_at(1e-5)


# -- batches, clipping, momentum, penalty ----------------------------------------------


def test_poisson_batches_take_about_the_share_asked_for():
    trainer, data, _, _ = problem("binary tanh", sampling_probability=0.2)
    rows = trainer.prepared(data)
    sizes = [trainer._drawn(rows.count).sum() for _ in range(400)]
    assert np.mean(sizes) == pytest.approx(12, abs=0.7)
    assert np.var(sizes) == pytest.approx(60 * 0.2 * 0.8, rel=0.25)
    trainer.fit(data, 5)
    full, _, _, _ = problem("binary tanh")
    full.fit(data, 5)
    assert trainer.epsilon_at(1e-5) < full.epsilon_at(1e-5)
    secure, _, _, _ = problem("binary tanh", sampling_probability=0.2)
    secure._rng = None
    drawn = np.concatenate([secure._drawn(1000) for _ in range(20)])
    assert drawn.mean() == pytest.approx(0.2, abs=0.02)


def test_a_batch_sums_those_drawn_and_nobody_else():
    trainer, data, _, _ = problem("classes tanh", sampling_probability=0.5)
    rows = trainer.prepared(data)
    trainer._drawn = lambda count: np.arange(count) < 7
    some = trainer._sum(rows, clipped=False)
    trainer.sampling_probability = 1.0
    few = {k: v[:7] for k, v in data.items()}
    exact = trainer._sum(trainer.prepared(few), clipped=False)
    for a, b in zip(some, exact, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
    trainer.sampling_probability = 0.5
    trainer._drawn = lambda count: np.zeros(count, dtype=bool)
    assert all((g == 0).all() for g in trainer._sum(rows, clipped=False))


def test_clipping_takes_the_smaller_of_both():
    trainer, data, domain, loss = problem("binary tanh", clip=0.5)
    rows = trainer.prepared(data)
    norms = record_norms(
        trainer, loss, domain, {k.name: np.asarray(v) for k, v in data.items()}
    )
    assert norms.max() > 0.5
    clipped = trainer._sum(rows, clipped=True)
    report = trainer.step(rows)
    assert report.bound > 0.5
    assert report.sensitivity == 0.5
    length = math.sqrt(sum(float((g * g).sum()) for g in clipped))
    assert length <= 0.5 * COUNT
    loose, _, _, _ = problem("binary tanh", clip=1e6)
    assert loose.step(data).sensitivity == loose.history[0].bound


@pytest.mark.parametrize("clip", [0.3, 1.0])
def test_a_clipped_sum_moves_by_at_most_the_clip(clip):
    trainer, data, _, _ = problem("classes tanh", clip=clip)
    whole = trainer._sum(trainer.prepared(data), clipped=True)
    for i in range(0, COUNT, 7):
        less = {k: np.delete(v, i, axis=0) for k, v in data.items()}
        part = trainer._sum(trainer.prepared(less), clipped=True)
        apart = sum(
            float(((a - b) ** 2).sum()) for a, b in zip(whole, part, strict=True)
        )
        assert math.sqrt(apart) <= clip * (1 + 1e-9)


def test_momentum_and_penalty():
    plain, data, _, _ = problem("binary tanh", noise_multiplier=1e-6)
    heavy, _, _, _ = problem("binary tanh", noise_multiplier=1e-6, momentum=0.9)
    decayed, _, _, _ = problem(
        "binary tanh",
        noise_multiplier=1e-6,
        penalty=lambda w1, b1, w2, b2: 5 * ((w1**2).sum() + (w2**2).sum()),
    )
    for t in (plain, heavy, decayed):
        t.learning_rate = 0.05
        t.fit(data, 10)

    def size(t):
        return sum(float((w**2).sum()) for w in t.parameters.values())

    assert size(decayed) < 0.5 * size(plain)
    assert decayed.bound() < plain.bound()
    moved = abs(heavy.parameters["w1"] - plain.parameters["w1"]).max()
    assert moved > 1e-3


def test_training_learns():
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(5,)), dt.symbol("y")
    records = rng.uniform(-1, 1, (2000, 5))
    labels = (records[:, 0] + records[:, 1] > 0) * 1.0
    weights = start(rng, [5, 4, 1], ["w1", "b1", "w2", "b2"], 0.5)
    m = privacy.noise_multiplier(3.0, 1e-5, relation="add_or_remove_one", steps=40)
    trainer = ClipFreeSGD(
        binary(np.tanh),
        weights,
        dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1]),
        noise_multiplier=m,
        learning_rate=2.0,
        count=2000,
        insecure_rng=1,
    ).fit({x: records, y: labels}, 40)
    p = trainer.parameters
    t = np.tanh(records @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    assert ((t[:, 0] > 0) == (labels > 0.5)).mean() > 0.85
    assert trainer.epsilon_at(1e-5) <= 3.0


# -- audit -----------------------------------------------------------------------------


@pytest.mark.parametrize("halved", [False, True])
def test_audit_of_one_step(halved):
    """Membership shows no more than is promised; with half the noise it is caught."""
    trainer, data, domain, loss = problem("binary tanh", noise_multiplier=1.0)
    records = worst_records(domain, np.random.default_rng(5), 4000)
    norms = record_norms(trainer, loss, domain, records)
    worst = {n: x[[norms.argmax()]] for n, x in records.items()}
    rows = {k.name: np.asarray(v)[:10] for k, v in data.items()}
    more = {n: np.concatenate([rows[n], worst[n]]) for n in rows}
    without, with_record = (
        np.concatenate(
            [g.ravel() for g in trainer._sum(trainer.prepared(d), clipped=False)]
        )
        for d in (rows, more)
    )
    direction = with_record - without
    length = float(np.linalg.norm(direction))
    assert length <= trainer.bound()
    sigma = trainer.step(rows).sigma
    # the bound is not reached exactly: what is caught is noise for half the distance
    sigma = 0.5 * length if halved else sigma
    rng = np.random.default_rng(11)
    runs = 200_000
    out = rng.normal(0.0, sigma, runs)
    also = length + rng.normal(0.0, sigma, runs)
    shown = epsilon_lower_bound(out, also, 1e-5)
    promised = trainer.epsilon_at(1e-5)
    assert (shown > promised) == halved


# -- refusals --------------------------------------------------------------------------


def test_secure_noise_by_default():
    pytest.importorskip("opendp")
    trainer, data, _, _ = problem("binary tanh", insecure_rng=None)
    before = trainer.parameters["w1"].copy()
    trainer.step(data)
    assert np.abs(trainer.parameters["w1"] - before).max() > 0


def test_values_outside_are_moved_inside_and_wrong_labels_refused():
    trainer, data, _, _ = problem("binary tanh")
    x, y = data
    far = trainer.prepared({x: data[x] * 100, y: data[y]})
    assert far.rows["x"].max() == 1.5
    assert far.rows["x"].min() == -1
    with pytest.raises(InvalidInputError, match="outside the domain"):
        trainer.prepared({x: data[x], y: data[y] + 0.5})


def test_rows_must_not_see_each_other():
    def loss(x, y, w):
        t = ((x - np.mean(x, axis=0)) @ w)[:, 0]
        return (t - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, 1)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="must not see each other"):
        trainer.step({x: rng.random((4, 2)), y: rng.random(4)})


def test_an_unbounded_gradient_stops_the_training():
    def loss(x, y, w):
        return ((x @ w)[:, 0] - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, np.inf)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    with pytest.raises(InvalidInputError, match="no finite bound"):
        trainer.bound()


def test_refusals():
    good = {"noise_multiplier": 1.0, "learning_rate": 0.1, "count": 10}
    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    domain = dt.Box({x: (0, 1), y: (0, 1)})
    w = {"w": np.ones((2, 1))}

    def loss(x, y, w):
        return (x @ w)[:, 0] * y

    with pytest.raises(UnsupportedError, match="add_or_remove_one"):
        ClipFreeSGD(
            loss, w, domain, **good, sampling_probability=0.1, relation="replace_one"
        )
    with pytest.raises(InvalidInputError, match="sampling_probability"):
        ClipFreeSGD(loss, w, domain, **good, sampling_probability=0.0)
    with pytest.raises(InvalidInputError, match="one number per row"):
        ClipFreeSGD(lambda x, y, w: (x @ w).sum(), w, domain, **good)
    with pytest.raises(InvalidInputError, match="symbols, not names"):
        ClipFreeSGD(loss, w, dt.Box({"x": (0, 1), "y": (0, 1)}), **good)
    with pytest.raises(InvalidInputError, match="cannot be both"):
        ClipFreeSGD(loss, {"x": np.ones((2, 1))}, domain, **good)
    with pytest.raises(InvalidInputError, match="finite"):
        ClipFreeSGD(loss, {"w": np.full((2, 1), np.nan)}, domain, **good)
    with pytest.raises(InvalidInputError, match="learning_rate"):
        ClipFreeSGD(loss, w, domain, **{**good, "learning_rate": 0})
    trainer = ClipFreeSGD(loss, w, domain, **good)
    with pytest.raises(InvalidInputError, match="data must have"):
        trainer.prepared({x: np.zeros((3, 2))})
    with pytest.raises(InvalidInputError, match="shape"):
        trainer.prepared({x: np.zeros((3, 3)), y: np.zeros(3)})
    with pytest.raises(InvalidInputError, match="records"):
        trainer.prepared({x: np.zeros((3, 2)), y: np.zeros(4)})
    s = trainer.contribution()
    assert s.quantity == "contribution"
    assert s.size == 2
    assert s.upper == trainer.bound()


# -- nothing is released that was not accounted for ------------------------------------


@pytest.mark.parametrize("where", ["_spread", "_sum", "_released", "_move"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_a_step_that_is_stopped(where, stop, monkeypatch):
    """Accounted for exactly if noise may have been drawn; and never half taken."""
    trainer, data, _, _ = problem("binary tanh")
    trainer.fit(data, 2)
    before = dict(trainer.parameters)

    def stopped(*args, **kwargs):
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(trainer, where, stopped)
        with pytest.raises(stop):
            trainer.step(data)
    drawn = where in ("_released", "_move")
    assert trainer.accountant.releases == 2 + drawn
    assert len(trainer.history) == 2
    assert all(trainer.parameters[n] is w for n, w in before.items())
    trainer.step(data)
    assert trainer.accountant.releases == 3 + drawn


def test_noise_is_drawn_after_it_was_accounted_for(monkeypatch):
    trainer, data, _, _ = problem("binary tanh")
    released, counts = privacy.ClipFreeSGD._released, []

    def watched(self, *args):
        counts.append(self.accountant.releases)
        return released(self, *args)

    monkeypatch.setattr(privacy.ClipFreeSGD, "_released", watched)
    trainer.fit(data, 3)
    assert counts == [1, 2, 3]


def test_no_record_is_drawn_more_often_than_said():
    trainer, _, _, _ = problem("binary tanh", sampling_probability=1 / 3)

    class Highest:
        def integers(self, low, high, count):
            return np.array([int(2**53 / 3) - 1, int(2**53 / 3), high - 1])

    trainer._rng = Highest()
    assert trainer._drawn(3).tolist() == [True, False, False]
    assert int(2**53 / 3) / 2**53 <= 1 / 3


def test_a_gradient_without_a_bound_can_be_clipped():
    def loss(x, y, w):
        return ((x @ w)[:, 0] - y) ** 2

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.ones((2, 1))},
        dt.Box({x: (0, 1), y: (0, np.inf)}),
        noise_multiplier=1.0,
        learning_rate=1e-3,
        count=4,
        clip=0.5,
        insecure_rng=0,
    )
    rows = {x: np.ones((4, 2)), y: np.array([1.0, 2.0, 5.0, 1e200])}
    sums = trainer._sum(trainer.prepared(rows), clipped=True)
    three = {k: v[:3] for k, v in rows.items()}
    without = trainer._sum(trainer.prepared(three), clipped=True)
    # nothing is known of a gradient of 1e200 but its direction: it is clipped, too
    assert np.linalg.norm(sums[0] - without[0]) <= 0.5 * (1 + 1e-9)
    rows[y][3] = 1.7e308  # its gradient overflows: it takes no part
    kept = trainer._sum(trainer.prepared(rows), clipped=True)
    np.testing.assert_allclose(kept[0], without[0], rtol=1e-12)
    report = trainer.step(rows)
    assert report.bound == math.inf
    assert report.sensitivity == 0.5


def test_sigma_has_room_for_rounding():
    trainer, data, _, _ = problem("binary tanh", noise_multiplier=3.0)
    report = trainer.step(data)
    assert report.sigma >= 3.0 * report.sensitivity * (1 + 1e-6)
    assert report.sigma <= 3.0 * report.sensitivity * (1 + 2e-6)


def test_many_rows_are_summed_in_parts():
    trainer, _, domain, _ = problem("classes tanh")
    records = worst_records(domain, np.random.default_rng(3), 4500)
    rows = trainer.prepared(records)
    whole = trainer._sum(rows, clipped=False)
    taken = np.arange(4500)
    weighted = trainer._sums.some(rows.rows, trainer.parameters, taken, None)
    parts = [
        trainer._sums.some(rows.rows, trainer.parameters, p, None)
        for p in np.array_split(taken, 7)
    ]
    added = [sum(g) for g in zip(*parts, strict=True)]
    for a, b, c in zip(whole, weighted, added, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(a, c, rtol=1e-9, atol=1e-9)


def test_rows_that_look_alike_at_weights_of_zero():
    """A mean over the batch is seen although the loss does not change yet."""

    def loss(x, y, w):
        return (np.mean(x, axis=0, keepdims=True) @ w)[:, 0] * y

    x, y = dt.symbol("x", shape=(2,)), dt.symbol("y")
    trainer = ClipFreeSGD(
        loss,
        {"w": np.zeros((2, 1))},
        dt.Box({x: (0, 1), y: (0, 1)}),
        noise_multiplier=1.0,
        learning_rate=1.0,
        count=4,
        insecure_rng=0,
    )
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInputError, match="must not see each other"):
        trainer.step({x: rng.random((4, 2)), y: rng.random(4)})


# -- noise by layer --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_noise_by_layer(kind, rng):
    trainer, data, domain, loss = problem(kind, per_layer=True, learning_rate=1e-3)
    even, _, _, _ = problem(kind, learning_rate=1e-3)
    records = worst_records(domain, rng)
    for _ in range(4):
        parts = trainer.bounds()
        now = {n: w.copy() for n, w in trainer.parameters.items()}
        even.parameters = dict(now)
        report, other = trainer.step(data), even.step(data)
        assert set(report.bounds) == set(report.sigmas) == set(now)
        assert report.sigma <= other.sigma * (1 + 1e-9)  # never more noise in all
        total = 0.0
        at = dict(trainer.parameters)
        trainer.parameters = now
        for n, norms in part_norms(trainer, loss, domain, records).items():
            assert norms.max() <= report.bounds[n] * (1 + 1e-12)
            assert norms.max() <= parts[n] * (1 + 1e-12)
            total = total + (norms / report.sigmas[n]) ** 2
        trainer.parameters = at
        assert math.sqrt(total.max()) <= 1 / 5.0  # one over the noise multiplier
    assert trainer.epsilon_at(1e-5) == even.epsilon_at(1e-5)


def part_norms(trainer, loss, domain, records):
    one = {n: dt.symbol(n, shape=(1, *s)) for n, s in domain.shapes.items()}
    weights = {n: dt.symbol(n, shape=w.shape) for n, w in trainer.parameters.items()}
    g = dt.grad(loss(**one, **weights).sum(), list(weights.values()))
    rows = {one[n]: x[:, None] for n, x in records.items()}
    fixed = {weights[n]: w for n, w in trainer.parameters.items()}
    count = len(next(iter(records.values())))
    return {
        n: np.linalg.norm(v.evaluate({**rows, **fixed}).reshape(count, -1), axis=1)
        for n, v in zip(weights, g, strict=True)
    }


def test_noise_by_layer_has_the_scales_it_says():
    trainer, data, _, _ = problem("classes tanh", per_layer=True, learning_rate=1.0)
    rows = trainer.prepared(data)
    first = {n: w.copy() for n, w in trainer.parameters.items()}
    sums = dict(zip(first, trainer._sum(rows, clipped=False), strict=True))
    noises = {n: [] for n in first}
    for _ in range(400):
        trainer.parameters = dict(first)
        report = trainer.step(rows)
        for n, w in trainer.parameters.items():
            noises[n].append((first[n] - w) * COUNT - sums[n])
    assert len(set(report.sigmas.values())) > 1
    for n, found in noises.items():
        assert np.std(found) == pytest.approx(report.sigmas[n], rel=0.1)


def test_noise_by_layer_is_less_where_layers_differ():
    """Many numbers with short gradients need not share the noise of a few long."""
    rng = np.random.default_rng(0)
    x, y = dt.symbol("x", shape=(60,)), dt.symbol("y")
    weights = start(rng, [60, 30, 1], ["w1", "b1", "w2", "b2"], 0.3)
    made = [
        ClipFreeSGD(
            binary(np.tanh),
            weights,
            dt.Box({x: (-0.05, 0.05)}) & dt.Choice(y, [0, 1]),
            noise_multiplier=1.0,
            learning_rate=1e-6,
            count=10,
            per_layer=by_layer,
            insecure_rng=0,
        )
        for by_layer in (False, True)
    ]
    data = {x: rng.uniform(-0.05, 0.05, (10, 60)), y: np.tile([0.0, 1.0], 5)}
    even, uneven = (t.step(data).sigma for t in made)
    assert uneven < 0.7 * even


# -- the bound as a graph --------------------------------------------------------------


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "unusual"])
def test_the_graph_of_the_bound(kind, rng):
    trainer, _, domain, loss = problem(kind)
    graph, now = trainer.bound_graph(), trainer.parameters
    assert graph.shape == ()
    value = float(graph.evaluate(now))
    records = worst_records(domain, rng)
    assert record_norms(trainer, loss, domain, records).max() <= value
    assert value <= 3 * trainer.bound()  # plainer, not useless
    symbols = list(trainer._weights.values())
    slopes = dt.grad(graph, symbols)
    for s, g in zip(symbols, slopes, strict=True):
        exact, step = np.asarray(g.evaluate(now)), 1e-6
        for i in np.ndindex(s.shape):
            ends = []
            for sign in (1, -1):
                moved = {n: w.copy() for n, w in now.items()}
                moved[s.name][i] += sign * step
                ends.append(float(graph.evaluate(moved)))
            found = (ends[0] - ends[1]) / (2 * step)
            assert exact[i] == pytest.approx(found, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", ["binary tanh", "classes relu", "deep1 expit"])
def test_a_regulariser_lowers_bound_and_noise(kind):
    settings = {"noise_multiplier": 1e-6, "learning_rate": 0.05}
    plain, data, _, _ = problem(kind, scale=2.0, **settings)
    smaller, _, _, _ = problem(kind, scale=2.0, regulariser=1.0, **settings)
    for t in (plain, smaller):
        t.fit(data, 30)
    assert smaller.bound() < 0.8 * plain.bound()
    assert smaller.history[-1].sigma < 0.8 * plain.history[-1].sigma
    assert smaller.epsilon_at(1e-5) == plain.epsilon_at(1e-5)


def test_what_has_no_graph_says_so():
    trainer, _, _, _ = problem("unusual")
    with pytest.raises(UnsupportedError, match="layer upon layer"):
        trainer.bound_graph()
    with pytest.raises(UnsupportedError, match="layer upon layer"):
        problem("unusual", regulariser=0.1)
    with pytest.raises(UnsupportedError, match="per_layer"):
        problem("binary tanh", per_layer=True, clip=1.0)
    for name in ("momentum", "regulariser"):
        for bad in (-1.0, math.nan, math.inf, "much"):
            with pytest.raises(InvalidInputError, match=name):
                problem("binary tanh", **{name: bad})
