"""An operator is one record: what the page on adding one says, done with softsign."""

import re
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium import ops, privacy
from deuterium.errors import CertificateError, GraphError, UnsupportedError
from deuterium.graph.operator import OPERATORS, register, unregister
from deuterium.ops.univariate import slope_of, unary
from deuterium.testing import assert_encloses, evaluate_exactly
from tests.amounts import some

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-an-operator.md"
METHODS = ("auto", "interval", "norms", "clusters", "box")


@pytest.fixture(scope="module")
def softsign():
    """Run the page; take out again what it has entered."""
    before = dict(OPERATORS)
    names: dict = {}
    try:
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
            with redirect_stdout(StringIO()):
                exec(block, names)
        yield names["softsign"]
    finally:
        for name in set(OPERATORS) - set(before):
            unregister(OPERATORS[name])
    assert before == OPERATORS


def true(x):
    return x / (1 + np.abs(x))


X = dt.symbol("x")


def test_it_derives_and_prints(softsign):
    v = softsign(X)
    assert str(v) == "x/(1 + abs(x))"
    slope = dt.grad(v, X)
    for x in (-3.0, -0.5, 0.0, 2.0):
        assert v.evaluate({X: x}) == pytest.approx(true(x))
        assert slope.evaluate({X: x}) == pytest.approx(1 / (1 + abs(x)) ** 2)
    assert float(v.to_sympy().subs("x", 3)) == 0.75
    assert dt.loads(dt.dumps([v]))[0].op is softsign


def test_the_simplifier_knows_its_traits(softsign):
    assert str(dt.simplify(softsign(-X) + softsign(X))) == "0"
    many = softsign(np.broadcast_to(X, (4,)))
    assert dt.simplify(many).op is ops.broadcast


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_it_compiles_on_every_back_end(softsign, backend):
    if backend != "numpy":
        pytest.importorskip(backend)
    v = softsign(X)
    outputs = [v, dt.grad(v, X), dt.grad(dt.grad(v, X), X)]
    points = np.array([-3.0, -0.25, 0.5, 40.0])
    found = dt.compile([X], outputs, backend=backend)(points)
    size = 1 + np.abs(points)
    expected = [true(points), size**-2.0, -2 * np.sign(points) * size**-3.0]
    for y, right in zip(found, expected, strict=True):
        assert np.asarray(y) == pytest.approx(right, rel=1e-12)


def test_it_is_enclosed(softsign):
    found = dt.enclose(softsign(X), dt.Box({X: (-1, 3)}))
    assert found.lower == pytest.approx(-0.5, abs=1e-14)
    assert found.upper == pytest.approx(0.75, abs=1e-14)
    y = dt.symbol("y")
    v = softsign(X * y - 0.3) * softsign(y) + dt.grad(softsign(X), X)
    assert_encloses(v, dt.Box({X: (-2, 1), y: (-1, 4)}))
    assert evaluate_exactly(softsign(X), {"x": 3}) == 0.75


def network(softsign, *sizes):
    """Return the norm of a network's gradient, its domain and the gradient."""
    rng = np.random.default_rng(0)
    x = dt.symbol("x", (1, sizes[0]))
    h, parameters = x, []
    for i, (m, n) in enumerate(pairwise(sizes)):
        w = dt.constant(0.5 * rng.normal(size=(m, n)), name=f"w{i}")
        b = dt.constant(0.2 * rng.normal(size=n), name=f"b{i}")
        parameters += [w, b]
        h = h @ w + b
        h = h if i == len(sizes) - 2 else softsign(h)
    slopes = dt.grad((h.reshape(()) - 0.3) ** 2, parameters)
    return dt.norm(slopes), dt.Box({x: (-1, 1)}), slopes


def problems(softsign):
    box = dt.Box({X: (-3, 2)})
    yield softsign(X) * (2 - X) - X * X / 4, box
    yield np.sqrt(softsign(X) ** 2 + abs(softsign(X))), box
    yield softsign(softsign(X) + 1) * softsign(3 * X), box
    yield softsign(np.exp(X)), box
    yield network(softsign, 3, 4, 1)[:2]
    yield network(softsign, 6, 5, 4, 1)[:2]


@pytest.mark.parametrize("method", some(METHODS, 1))
def test_it_is_maximised_and_verified(softsign, method):
    done = 0
    for v, domain in problems(softsign):
        try:
            found = dt.maximize(v, domain, max_regions=4, method=method)
        except dt.errors.InvalidInputError:
            assert method == "norms"  # there is no array's norm in a formula
            continue
        assert found.lower <= found.upper < np.inf
        found.certificate.verify(v, domain)
        done += 1
    assert done >= 2


def test_it_goes_through_privacy(softsign):
    _, domain, slopes = network(softsign, 3, 2, 1)
    found = privacy.contribution(slopes, domain, rtol=0.1)
    size = found.sensitivity("add_or_remove_one")
    rng = np.random.default_rng(1)
    for row in rng.uniform(-1, 1, (200, 1, 3)):
        at = [np.asarray(g.evaluate({"x": row})).ravel() for g in slopes]
        assert np.linalg.norm(np.concatenate(at)) <= size


def test_a_false_record_makes_no_certificate(softsign):
    """The checker believes the definition and the derivative, and nothing else."""
    box = dt.Box({X: (-3, 2)})
    half = lambda x: softsign.enclosure(x) * 0.5
    false = register(replace(softsign, name="false softsign", enclosure=half))
    v = false(X) * (5 + X)
    found = dt.maximize(v, box, max_regions=4, method="interval")
    assert found.upper < 4.6 < true(2.0) * 7
    with pytest.raises(CertificateError):
        found.certificate.verify(v, box)


# -- the traps -------------------------------------------------------------------------


@pytest.fixture
def entered():
    """Take out again whatever a test enters."""
    before = set(OPERATORS)
    yield
    for name in set(OPERATORS) - before:
        unregister(OPERATORS[name])


def bare(name, **more):
    return unary(
        name,
        np.tanh,
        ulps=4,
        derivative=lambda x: ops.tanh_slope(x),
        symbolic=lambda x: x,
        ufunc="",
        increasing=True,
        **more,
    )


def test_what_cannot_be_compiled_is_refused_at_once(entered):
    with pytest.raises(GraphError, match=r"'bare'.*cannot be compiled"):
        bare("bare")
    assert "bare" not in OPERATORS
    with pytest.raises(GraphError, match="exists already"):
        bare("tanh", definition=lambda x: x)


def test_formulas_within_formulas_are_spelled_out(entered):
    third = slope_of(
        "tanh",
        3,
        lambda x: ops.tanh_slope(x) * (6 * ops.square(ops.tanh(x)) - 2),
        derivative=lambda x: x,
        symbolic=lambda x: x,
        extrema=(0.0,),
    )
    outer = bare("outer", definition=lambda x: third(x) + ops.expit_slope(x))
    f = dt.compile([X], [outer(X)])
    assert "'(" not in f.source
    expected = third(X).evaluate({X: 0.4}) + ops.expit_slope(X).evaluate({X: 0.4})
    assert f(0.4)[0] == pytest.approx(expected)


def test_formulas_that_name_each_other_are_refused(entered):
    one = bare("one", definition=lambda x: -OPERATORS["two"](x))
    bare("two", definition=lambda x: -one(x))
    with pytest.raises(UnsupportedError, match=r"'one', 'two'|'one'|'two'"):
        dt.compile([X], [one(X)])


def test_the_checker_names_an_operator_without_a_definition(entered):
    known = bare("known", definition=lambda x: ops.tanh(x))
    w = dt.symbol("w", (1, 9))
    for graph, domain in (
        (known(X) - X / 3, dt.Box({X: (-1, 2)})),
        (np.sqrt(np.sum(np.square(known(w) * 2))), dt.Box({w: (-1, 2)})),
    ):
        for method in METHODS:
            try:
                found = dt.maximize(graph, domain, max_regions=4, method=method)
            except dt.errors.InvalidInputError:
                continue  # the method does not fit
            found.certificate.verify(graph, domain)
            definition = known.definition
            object.__setattr__(known, "definition", None)
            try:
                clear()
                with pytest.raises(CertificateError, match="no rule for the operator"):
                    found.certificate.verify(graph, domain)
            finally:
                object.__setattr__(known, "definition", definition)


def clear():
    """Forget what the checker has made of definitions."""
    from deuterium.certify.checker.defined_operator import _plain_entry

    _plain_entry.cache_clear()


def test_an_operator_that_is_defined_by_itself_is_refused(entered):
    loop = bare("loop", definition=lambda x: -OPERATORS["loop"](x))
    v, box = loop(X), dt.Box({X: (-1, 1)})
    found = dt.maximize(v, box, max_regions=2)
    with pytest.raises(CertificateError, match="defined by itself"):
        found.certificate.verify(v, box)
