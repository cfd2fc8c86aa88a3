"""Every function on Variables, held against NumPy, against itself, and exactly."""

from __future__ import annotations

import numpy as np
import pytest

import deuterium as dt
from deuterium.functions import elementwise
from deuterium.graph import protocols
from deuterium.graph.operator import BY_UFUNC
from deuterium.testing import assert_encloses, evaluate_exactly
from tests.amounts import some
from tests.functions.numpy_cases import (
    ALL_CASES,
    FUNCTION_CASES,
    METHOD_CASES,
    UFUNC_CASES,
    label,
)

NAMES = "xyz"


def _made(case, seed=1):
    """Return the symbols, numbers for them in (0.1, 0.9), and the result."""
    _, shapes, call = case
    rng = np.random.default_rng(seed)
    symbols = [dt.symbol(n, s) for n, s in zip(NAMES, shapes, strict=False)]
    numbers = [rng.uniform(0.1, 0.9, size=s) for s in shapes]
    return symbols, numbers, call(*symbols)


def check_value(case):
    symbols, numbers, v = _made(case)
    want = np.asarray(case[2](*numbers))
    assert v.shape == want.shape
    got = v.evaluate(dict(zip(symbols, numbers, strict=True)))
    np.testing.assert_allclose(got, want, rtol=2e-15, atol=2e-15)


def check_batch_is_record_by_record(case):
    symbols, _, v = _made(case)
    records = [_made(case, seed)[1] for seed in (2, 3, 4)]
    batch = [np.stack(column) for column in zip(*records, strict=True)]
    got = v.evaluate(dict(zip(symbols, batch, strict=True)))
    (compiled,) = dt.compile(symbols, [v])(*batch)
    for i, record in enumerate(records):
        want = v.evaluate(dict(zip(symbols, record, strict=True)))
        np.testing.assert_allclose(got[i], want, rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(compiled[i], want, rtol=1e-13, atol=1e-14)


def check_gradient(case):
    """Along a line, against central differences of the exact value."""
    symbols, numbers, v = _made(case)
    rng = np.random.default_rng(7)
    weighed = np.sum(v * rng.uniform(-1, 1, size=v.shape))
    gradient = dt.grad(weighed, symbols)
    assert [g.shape for g in gradient] == [s.shape for s in symbols]
    directions = [rng.uniform(-1, 1, size=s.shape) for s in symbols]
    point = dict(zip(symbols, numbers, strict=True))
    got = sum(
        np.sum(g.evaluate(point) * d) for g, d in zip(gradient, directions, strict=True)
    )
    t = dt.symbol("t")
    line = weighed.subs(
        {s: x + t * d for s, x, d in zip(symbols, numbers, directions, strict=True)}
    )
    h = 2.0**-60
    ahead, behind = (evaluate_exactly(line, {t: s * h}, bits=512) for s in (1, -1))
    want = float((ahead - behind).mid()) / (2 * h)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


def check_enclosure(case):
    symbols, numbers, v = _made(case)
    found = assert_encloses(
        v,
        dt.Box(
            {s: (x - 0.05, x + 0.05) for s, x in zip(symbols, numbers, strict=True)}
        ),
        samples=3,
    )
    assert np.isfinite(found.upper).all()


def check_batch_of_boxes_equals_each_box_alone(case):
    symbols, _, v = _made(case)
    centres = [_made(case, seed)[1] for seed in (2, 3)]
    lower = [np.stack(column) - 0.05 for column in zip(*centres, strict=True)]
    upper = [x + 0.1 for x in lower]
    whole = dt.enclose(
        v, dt.Box({s: (a, b) for s, a, b in zip(symbols, lower, upper, strict=True)})
    )
    assert whole.shape == (2, *v.shape)
    for i in (0, 1):
        box = {s: (a[i], b[i]) for s, a, b in zip(symbols, lower, upper, strict=True)}
        alone = dt.enclose(v, dt.Box(box))
        # each is sound; they differ by the order of summation at most
        np.testing.assert_allclose(whole.lower[i], alone.lower, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(whole.upper[i], alone.upper, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("case", ALL_CASES, ids=label)
def test_one_case(case):
    check_value(case)
    check_gradient(case)
    check_enclosure(case)


MIXED = [(c,) for k in range(3) for c in ALL_CASES[k::3]]


@pytest.mark.parametrize("case", some(MIXED, len(MIXED) // 3), ids=label)
def test_batches_of_one_case(case):
    check_batch_is_record_by_record(case)
    check_batch_of_boxes_equals_each_box_alone(case)


def test_every_function_has_a_case():
    assert set(protocols.FUNCTIONS) - {case[0] for case in FUNCTION_CASES} == set()


def test_every_ufunc_has_a_case():
    wanted = set(BY_UFUNC) | set(protocols.UFUNCS)
    assert wanted - {case[0].__name__ for case in UFUNC_CASES} == set()


def test_every_ufunc_method_has_a_case():
    wanted = {".".join(pair) for pair in protocols.UFUNC_METHODS}
    assert wanted - {case[0] for case in METHOD_CASES} == set()


UFUNCS_PROMISED = """
add subtract multiply divide true_divide negative power float_power square sqrt cbrt exp
exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh
arccosh arctanh absolute sign maximum minimum logaddexp reciprocal hypot
expit logit log_expit xlogy xlog1py erf erfc ndtr log_ndtr
"""
FUNCTIONS_PROMISED = """
sum mean prod var std max min dot matmul tensordot einsum inner outer trace transpose
swapaxes moveaxis reshape ravel squeeze expand_dims concatenate stack hstack vstack
split take where clip broadcast_to flip roll pad diag cumsum convolve linalg.norm
lib.stride_tricks.sliding_window_view
"""


def test_what_was_promised_is_covered():
    """The names the project promised, apart from what the tables happen to hold."""
    have = {case[0].__name__ for case in UFUNC_CASES} | {"true_divide"}
    assert set(UFUNCS_PROMISED.split()) - have == set()
    for name in FUNCTIONS_PROMISED.split():
        found = np
        for part in name.split("."):
            found = getattr(found, part)
        assert found in protocols.FUNCTIONS


def test_the_power_that_methods_use_is_the_one_ufuncs_use():
    assert protocols.UFUNCS["power"] is elementwise.power
