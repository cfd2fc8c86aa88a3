"""What once ended in an exception of NumPy's or Python's own, one test a kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import deuterium as dt
from deuterium import privacy
from deuterium.errors import InvalidInputError, OutOfRangeError, ShapeError
from deuterium.graph.operator import OPERATORS
from deuterium.optimize.bounders.clusters.energy_weights import positive
from deuterium.optimize.bounders.derivative import row_intervals
from deuterium.optimize.bounders.lagrangian import factored_parts

X, EMPTY = dt.symbol("x", (2,)), dt.symbol("e", (0, 3))
BOX = dt.Box({X: (-1, 1)})


@pytest.mark.parametrize(
    "v",
    [
        np.sum(np.radians(X)),
        np.sum(X * special.ndtr(X)),
        dt.norm([dt.grad(np.sum(special.erf(X)), X)]),
    ],
)
def test_a_node_without_arguments_can_be_bounded(v):
    found = dt.maximize(v, BOX, max_regions=4)
    assert found.upper >= float(v.evaluate({X: np.ones(2)}))


def test_convexity_of_a_node_without_arguments():
    a, b = dt.symbol("a"), dt.symbol("b")
    v = np.exp(a + b) * dt.grad(special.ndtr(a), a)
    domain = dt.Box({a: (0, 1)}) & dt.Choice(b, [0.5, 0.96])
    assert np.isfinite(dt.maximize(v, domain, max_regions=4).upper)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (1, 0, 2)])
def test_symbols_without_elements(shape):
    e = dt.symbol("e", shape)
    kinds = [dt.Box({e: (0, 1)}), dt.Ball(e, 0.0, 1.0), dt.Choice(e, [0, 1])]
    kinds += [dt.OneHot(e)] if shape[-1] else []
    for domain in kinds:
        for v in (np.sum(e), dt.norm([np.tanh(e)]) + 1):
            at = float(v.evaluate({e: np.zeros(shape)}))
            assert dt.enclose(v, domain).upper >= at
            assert dt.maximize(v, domain).upper >= at
            assert dt.minimize(v, domain).lower <= at
    with pytest.raises(ShapeError, match="no elements"):
        dt.search(e, kinds[0])
    assert repr(np.max(dt.symbol("m", (*shape[:-1], 2)), axis=-1))
    with pytest.raises(InvalidInputError):
        privacy.contribution(dt.symbol("no"), kinds[0])
    with pytest.raises(ShapeError, match="no elements"):
        privacy.diameter(np.tanh(e), kinds[0])


def test_matrix_products_without_elements_run_and_are_enclosed():
    e = dt.symbol("e", (2, 0, 2))
    v = np.tanh(np.tanh(e @ dt.constant(np.ones((2, 3)))) + 1)
    w = np.sum(v, axis=1) + np.tanh(np.sin(dt.symbol("z", (2, 9)) @ np.ones((9, 3))))
    assert dt.compile([e], [v])(np.zeros((2, 0, 2)))[0].shape == (2, 0, 3)
    assert dt.enclose(w, dt.Box({e: (0, 1), "z": (0, 1)})).shape == (2, 3)


def test_a_condition_in_an_array_of_no_axes_and_a_ball_of_any_size():
    assert np.where(np.array(2, dtype=object), X, 1.0).shape == (2,)
    for radius in (1e200, 1.7e308):
        ball = dt.Ball(X, 0.0, radius)
        with np.errstate(all="ignore"):  # points far out go to the centre
            found = privacy.feature_sensitivity(np.tanh(X), X, ball, time_limit=0.2)
        assert min(found.upper) >= max(found.lower)


def test_matrix_products_without_elements_are_bounded():
    y = dt.symbol("y", (3, 2))
    none = np.broadcast_to(np.ravel(y)[:, None], (6, 0))
    square = np.sum(y[:, :0] @ np.tanh(y[:, :0]).T) + np.sum(np.tanh(y))
    for v in (np.sum(np.log1p(np.abs(none)) @ np.ones((0, 3))), square):
        found = dt.maximize(v, dt.Ball(y, 0.0, 1.0), max_regions=3)
        assert found.upper >= 0
        found.certificate.verify()


def test_lengths_of_nothing_are_proved():
    x = dt.symbol("m", (8, 4))
    joined = np.concatenate([np.ravel(x @ x.T), [0.25, 0.5]])
    total = np.broadcast_to(np.sum(joined**2), (2,))
    none = np.broadcast_to(dt.logsumexp(total), (1, 0, 2))
    v = np.sqrt(np.sum(np.cos(none) ** 2))
    for method in ("auto", "norms"):
        found = dt.maximize(v, dt.Box({x: (-5e-324, -5e-324)}), method=method)
        assert found.upper == 0
        found.certificate.verify()


def test_a_sum_that_gives_nothing():
    y = dt.symbol("y", (1, 16))
    none = OPERATORS["direction"](np.broadcast_to(y, (0, 16)))
    none = np.broadcast_to(none, (2, 0, 16))
    v = np.sum((np.sin(none) + none) ** 2) + np.sum((np.cos(none) * none) ** 2)
    for find in (dt.maximize, dt.minimize):
        found = find(v, dt.Box({y: (1e-3, 1e-3)}), max_regions=20)
        assert found.lower <= 0 <= found.upper <= 1e-300
        found.certificate.verify()


def test_a_pole_of_no_elements():
    none = dt.relu(np.sum(np.log(X)) * np.ones(0))
    v = np.sum(np.log(X)) - np.sum(none) - np.sum(np.log(np.exp(X)[:0]))
    assert dt.maximize(v, dt.Box({X: (0, 1)}), max_regions=2).upper >= 0


def test_a_term_that_is_zero_times_an_exponential():
    for factor in (0.0, dt.constant(0.0)):
        v = np.exp(X[0]) * np.log(X[1]) + factor * (np.exp(2 * X[0]) * np.log(X[1]))
        dt.simplify(v), dt.simplify(v, dt.Box({X: (1, 2)}))


def test_a_power_of_no_elements():
    v = np.power(X[:0], np.zeros(0, int))
    assert v.shape == (0,)
    with pytest.raises(ShapeError, match="broadcast"):
        np.power(X, np.zeros(3, int))
    with pytest.raises(InvalidInputError, match="must be numbers"):
        X ** [[1], [2, 3]]


def test_what_has_no_closed_form_is_shown_all_the_same():
    v = dt.grad(np.max(X @ np.ones((2, 3))), X)
    assert repr(v).startswith("<Variable shape=(2,)")
    assert v._repr_latex_() is None


def test_the_sum_of_nothing_keeps_its_sign():
    assert row_intervals.total(np.zeros((2, 1, 0)), (-1,), 0).tolist() == [[0], [0]]


def test_numbers_alone_are_computed_as_numpy_does():
    pole = dt.constant(0.0) / dt.constant(0.0) + dt.constant(np.ones(3))
    assert np.isnan(dt.compile([], [pole])()[0]).all()
    huge = OPERATORS["power"](dt.constant(2.0), dt.constant(5000.0)) * X
    assert dt.compile([X], [huge])(np.ones(2))[0].tolist() == [np.inf, np.inf]


def test_a_long_double_that_no_double_is():
    assert (X * np.longdouble(0.5)).args[1].args[0].value == 0.5
    for number in ("0.1", "1e4000"):
        with pytest.raises(InvalidInputError, match="double"):
            X * np.longdouble(number)


def test_a_product_of_nothing_in_a_relaxation():
    x = dt.symbol("x", (2, 1, 4))
    y = x @ np.ones((2, 4, 2)) @ np.ones((2, 2, 1))
    v = np.sum(OPERATORS["prod"](np.ravel(y)[np.zeros((2, 0), int)]))
    found = dt.maximize(v, dt.Box({x: (1, 1)}))
    assert found.upper >= 2


def test_coefficients_of_no_elements_in_a_relaxation():
    none = factored_parts.thin(np.zeros((0, 3)))
    assert factored_parts.flattened_from(none, 1).lower.shape == (0, 3)


# -- numbers near the largest --------------------------------------------------------


def test_no_factorisation_is_believed_of_what_is_not_finite():
    good, bad = np.eye(2), np.array([[1.0, np.nan], [np.nan, 1.0]])
    found = positive(np.stack([good, bad, np.full((2, 2), np.inf), -good]))
    assert found.tolist() == [True, False, False, False]


@pytest.mark.parametrize("scale", [1e155, 1e300])
def test_large_weights_in_a_relaxation(scale):
    x, y = dt.symbol("x", (1, 3)), dt.symbol("y", (1, 2))
    w = np.array([[3.0, 7.0], [scale, 1.0], [5e-324, 0.1]])
    v = np.sum(OPERATORS["relu'"](y * (np.tanh(x) @ w)))
    domain = dt.Box({x: (0.5, 1.5)}) & dt.OneHot(y)
    for run in (dt.maximize, dt.minimize):
        proof = run(v, domain, max_regions=4, time_limit=5).certificate
        assert proof is None or proof.body["proof"]


def test_a_square_that_comes_later_in_the_graph():
    x = dt.symbol("x", (3,))
    w = dt.constant(np.arange(6.0).reshape(3, 2) / 7)
    y = w @ (dt.relu(x) @ w)
    for f in (np.tanh(x), OPERATORS["relu'"](x)):
        v = np.sum(np.square(f * y)) + np.sum(np.square(f) * x)
        box = dt.Box({x: (-1, 1)})
        assert dt.maximize(v, box, method="clusters", max_regions=1).upper > 0


# -- arguments of the wrong kind -----------------------------------------------------

WRONG = {
    "dumps": lambda: dt.dumps(5),
    "dumps of": lambda: dt.dumps([5]),
    "loads": lambda: dt.loads(5),
    "grad": lambda: dt.grad(np.sum(X), 5),
    "compile": lambda: dt.compile([X], 5),
    "symbol": lambda: dt.symbol("y", object()),
    "symbol of days": lambda: dt.symbol("y", np.timedelta64(3, "s")),
    "evaluate": lambda: X.evaluate(5),
    "evaluate by rows": lambda: X.evaluate(np.ones(3)),
    "evaluate at": lambda: X.evaluate({X: 10**400}),
    "box": lambda: dt.Box({X: (0, 10**400)}),
    "choice": lambda: dt.Choice(X, np.array(3.0)),
    "pad": lambda: np.pad(X, 2**53),
    "ball": lambda: dt.Ball(X, 0.0, 1.0, order=np.zeros(2, [("f", float)])),
    "where": lambda: np.where([[1], [2, 3]], X, 0.0),
    "reshape": lambda: np.reshape(X, "ab"),
    "tensordot": lambda: np.tensordot(X, X, 2),
    "tensordot by": lambda: np.tensordot(X, X, object()),
    "take": lambda: np.take(X, 10**30),
    "search limit": lambda: dt.search(np.sum(X), BOX, time_limit=(1,)),
    "search seed": lambda: dt.search(np.sum(X), BOX, seed="a"),
    "search way": lambda: dt.search(np.sum(X), BOX, maximize=np.zeros(2)),
    "search method": lambda: dt.search(np.sum(X), BOX, method=np.zeros(2)),
    "seed": lambda: dt.maximize(np.sum(X), BOX, seed=-1),
    "seed of text": lambda: dt.maximize(np.sum(X), BOX, seed="a"),
    "points": lambda: dt.maximize(np.sum(X), BOX, points="a"),
    "method": lambda: dt.maximize(np.sum(X), BOX, method=np.zeros(2)),
    "limit": lambda: dt.maximize(np.sum(X), BOX, time_limit=10**400),
    "regions": lambda: dt.maximize(np.sum(X), BOX, max_regions=np.inf),
    "norm": lambda: privacy.contribution(X, BOX, norm=np.zeros(2)),
    "epsilon": lambda: privacy.gaussian(
        dt.Interval(0, 1), epsilon=np.timedelta64(1, "s"), relation="replace_one"
    ),
    "batches": lambda: privacy.norm_slopes(
        [np.sin(X)], X, dt.Box({X: (np.zeros((3, 2)), np.ones((3, 2)))})
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_of_the_wrong_kind(name):
    with pytest.raises(dt.DeuteriumError):
        WRONG[name]()


def test_an_index_beyond_every_array():
    with pytest.raises(OutOfRangeError):
        X[10**30]
