"""SymPy and symengine, both ways: every operator, every head, matrices, refusals."""

import itertools
import re

import numpy as np
import pytest
import symengine as se
import sympy as sp

import deuterium as dt
from deuterium.errors import InvalidInputError, SymbolicError
from deuterium.frontends import symengine as symengine_front_end
from deuterium.frontends import sympy as sympy_front_end
from deuterium.frontends.sympy.expression_heads import HEADS
from deuterium.graph.constructors import apply
from deuterium.graph.operator import OPERATORS
from deuterium.graph.serialize import dumps

X, Y, Z = sp.symbols("x y z")
POINTS = [-1.7, -1.0, -0.31, 0.0, 0.23, 0.5, 0.87, 1.0, 1.57, 3.0]

# operators that have attributes, with some
ATTRIBUTES = {
    "bessel_i": {"n": 3}, "exp_difference": {"m": 1, "n": 1},
    "integer_power": {"n": -3}, "log_difference": {"m": 1, "n": 1},
    "narrowed": {"upward": True, "holds": True}, "on_domain": {"of": "log"},
    "polygamma": {"n": 2}, "power_log": {"n": 1}, "sinc": {"n": 1},
}  # fmt: skip
# what a closed form has no head for, in SymPy nor here
WITHOUT_FORM = {"interp", "interp'", "interp''", "on_domain"}


def scalar_operators():
    """Return the elementwise operators that something is an argument of."""
    return sorted(n for n, op in OPERATORS.items() if op.elementwise and op.arity)


def made(name):
    op = OPERATORS[name]
    xs = [dt.symbol(letter) for letter in "xyz"[: op.arity]]
    return apply(op, xs, ATTRIBUTES.get(name, {}))


def values(v, points):
    """Return values at all points of the grid; NaN where there is none."""
    with np.errstate(all="ignore"):
        names = sorted(s.name for s in dt.graph.free_symbols([v]))
        grid = dict(zip("xyz", np.array(list(points)).T, strict=False))
        found = v.evaluate({n: grid[n] for n in names})
    return np.broadcast_to(found, (len(grid["x"]),))


@pytest.mark.parametrize("front_end", [sympy_front_end, symengine_front_end])
@pytest.mark.parametrize("name", scalar_operators())
def test_every_operator_comes_back(name, front_end):
    if name in WITHOUT_FORM:
        pytest.skip("it has no closed form that others know")
    v = made(name)
    back = front_end.lift(front_end.lower(v)).output
    points = list(itertools.product(POINTS, repeat=OPERATORS[name].arity))
    want, got = values(v, points), values(back, points)
    # a form has no value at a removable singularity; one of a jump's slope is 0 there
    kept = np.isfinite(want) & np.isfinite(got)
    assert kept.sum() >= np.isfinite(want).sum() / 2
    np.testing.assert_allclose(got[kept], want[kept], rtol=1e-9, atol=1e-12)


def test_all_is_what_it_was():
    """A graph without special functions comes back node for node."""
    x, y = dt.symbol("x"), dt.symbol("y")
    v = np.sin(x) * y + np.maximum(x, y) - np.exp(y) / 3
    front = sympy_front_end
    once = front.lift(front.lower(v)).output
    assert dumps([front.lift(front.lower(once)).output]) == dumps([once])


# -- heads ---------------------------------------------------------------------------

UNARY_HEADS = [
    sp.exp, sp.Abs, sp.sign, sp.floor, sp.ceiling, sp.frac, sp.sin, sp.cos, sp.tan,
    sp.cot, sp.sec, sp.csc, sp.sinc, sp.asin, sp.acos, sp.atan, sp.acot, sp.asec,
    sp.acsc, sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch, sp.asinh, sp.acosh,
    sp.atanh, sp.acoth, sp.asech, sp.acsch, sp.erf, sp.erfc, sp.erfinv, sp.erfcinv,
    sp.loggamma, sp.gamma, sp.factorial, sp.digamma, sp.log, sp.Heaviside, sp.sqrt,
    sp.cbrt, sp.re, sp.im, sp.conjugate,
]  # fmt: skip
BINARY_HEADS = {
    "atan2": sp.atan2, "Mod": sp.Mod, "beta": sp.beta, "erf2": sp.erf2, "Max": sp.Max,
    "Min": sp.Min, "log to a base": lambda x, y: sp.log(x, y), "Pow": sp.Pow,
    "Heaviside": sp.Heaviside, "KroneckerDelta": sp.KroneckerDelta,
    "Piecewise": lambda x, y: sp.Piecewise((x, x > y), (y**2, y < 1), (x * y, True)),
    "And, Or": lambda x, y: sp.Piecewise((x, (x > y) & (y > 0) | (x < -1)), (y, True)),
    "Eq, Ne": lambda x, y: sp.Piecewise((x, sp.Eq(x, y)), (y, sp.Ne(x, 1)), (2, True)),
    "Not, Xor": lambda x, y: sp.Piecewise((x, sp.Xor(x > 0, y > 0)), (y, True)),
    "all of the line": lambda x, y: sp.Piecewise((x, x > 0), (y, x <= 0)),
    "besseli": lambda x, y: sp.besseli(0, x) + sp.besseli(1, y),
    "polygamma": lambda x, y: sp.polygamma(2, x) + sp.polygamma(0, y),
    "constants": lambda x, y: x * sp.pi + y * sp.E + sp.EulerGamma + sp.GoldenRatio,
}  # fmt: skip


def truth(e, point):
    """Return what SymPy says, None where that is no finite real number."""
    e = e.replace(sp.erfcinv, lambda x: sp.erfinv(1 - x))  # SymPy has no digits of it
    e = e.replace(sp.erf2, lambda x, y: sp.erf(y) - sp.erf(x))
    try:
        number = complex(e.subs(point).evalf(20))
    except (TypeError, ValueError):
        return None
    real = abs(number.imag) < 1e-15 and np.isfinite(number.real)
    return number.real if real else None


def agrees(e, points):
    """Compare with SymPy's values where both have one; return how often they had."""
    v = sympy_front_end.lift(e).output
    compared = 0
    for point in points:
        want = truth(e, point)
        with np.errstate(all="ignore"):
            used = {
                s.name: float(point[sp.Symbol(s.name)])
                for s in dt.graph.free_symbols([v])
            }
            got = v.evaluate(used)
        if want is not None and np.isfinite(got):
            assert got == pytest.approx(want, rel=1e-9, abs=1e-12), (e, point)
            compared += 1
    return compared


@pytest.mark.parametrize("head", UNARY_HEADS, ids=lambda h: h.__name__)
def test_heads_of_one_argument_have_sympys_values(head):
    points = [{X: sp.Float(p)} for p in (-2.3, -0.7, 0.3, 0.9, 1.4, 2.5)]
    assert agrees(head(X), points) >= 2


@pytest.mark.parametrize("name", BINARY_HEADS)
def test_heads_of_several_arguments_have_sympys_values(name):
    points = [
        {X: sp.Float(a), Y: sp.Float(b)}
        for a, b in [(-1.5, 0.5), (0.25, 0.25), (0.5, 2.5), (2.5, 0.5), (1.5, -2.5)]
    ]
    assert agrees(BINARY_HEADS[name](X, Y), points) >= 2


def test_every_head_is_drawn_somewhere():
    """A head that is entered in the table is in one of the lists above, or below."""
    drawn = {h.__name__.lower() for h in UNARY_HEADS} | {
        "atan2", "mod", "beta", "erf2", "max", "min", "heaviside", "kroneckerdelta",
        "besseli", "polygamma", "add", "mul", "and", "or", "xor", "not",
        "strictlessthan", "lessthan", "strictgreaterthan", "greaterthan", "equality",
        "unequality", "ite", "truncate",
    } | {"matadd", "hadamardproduct", "matmul", "matpow", "transpose", "adjoint",
         "inverse", "trace", "determinant", "hadamardpower", "kroneckerproduct",
         "dotproduct"}  # fmt: skip
    assert set(HEADS) <= drawn


def test_numbers_are_exact():
    assert sympy_front_end.lift(sp.Rational(1, 3)).output.op.name == "divide"
    assert sympy_front_end.lift(sp.Float(0.1)).output.value == 0.1
    long = sympy_front_end.lift(sp.Float("0.1", 40)).output
    assert long.op is not None  # no double holds it
    assert float(long.evaluate({})) == 0.1


# -- matrices ------------------------------------------------------------------------

A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)
MATRICES = {
    "sum": 2 * A + B - sp.Identity(2), "product": A * B * A, "power": A**3,
    "inverse": A.I * B, "transpose": A.T * B, "trace": sp.Trace(A * B),
    "determinant": sp.Determinant(A + B), "hadamard": sp.HadamardProduct(A, B),
    "element": A[0, 1] * B[1, 0] + sp.sin(A[1, 1]), "zeros": A + sp.ZeroMatrix(2, 2),
    "ones": sp.HadamardProduct(A, sp.OneMatrix(2, 2)),
    "hadamard power": sp.HadamardPower(A, 2), "adjoint": sp.Adjoint(A),
    "kron": sp.KroneckerProduct(A, B),
}  # fmt: skip


@pytest.mark.parametrize("name", MATRICES)
def test_matrix_expressions_are_arrays(name):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    model = sympy_front_end.lift(MATRICES[name])
    put = {A: sp.Matrix(a), B: sp.Matrix(b)}
    want = MATRICES[name].subs(put).doit()
    want = np.array(want.tolist() if hasattr(want, "tolist") else want, dtype=float)
    got = model.output.evaluate({k: {"A": a, "B": b}[k] for k in model.inputs})
    assert got == pytest.approx(want, rel=1e-12)


def test_explicit_matrices_are_arrays():
    mutable = sp.Matrix([[X, X * Y], [1, sp.sin(Y)]])
    for matrix in (
        mutable,
        sp.ImmutableMatrix(mutable),
        se.DenseMatrix(2, 2, list(mutable)),
    ):
        model = sympy_front_end.lift(matrix)
        assert model.output.shape == (2, 2)
        assert model.output.evaluate({"x": 2, "y": 3})[0, 1] == 6
    assert sympy_front_end.lift(sp.Array([[[X, Y]]])).output.shape == (1, 1, 2)


def test_arrays_come_back_as_arrays():
    w = dt.symbol("w", shape=(2, 2))
    v = np.tanh(w @ w)
    lowered = sympy_front_end.lower(v)
    model = sympy_front_end.lift(sp.Array(lowered), arrays={"w": (2, 2)})
    assert list(model.inputs) == ["w"]
    at = {"w": np.array([[0.1, -0.4], [0.7, 0.2]])}
    assert model.output.evaluate(at) == pytest.approx(v.evaluate(at), rel=1e-14)


# -- models --------------------------------------------------------------------------


def test_a_model_is_certified_in_its_parameters():
    model = sympy_front_end.lift(
        {"loss": sp.log(1 + sp.exp(-Z * X)), "slope": sp.diff(X**2, X)},
        parameters={"z": 2.0},
    )
    assert list(model.inputs) == ["x"]
    assert list(model.outputs) == ["loss", "slope"]
    slope = dt.grad(model.outputs["loss"], model.parameters["z"])
    box = dt.Box({model.input: (-1, 1)})
    assert dt.enclose(np.abs(slope), box).upper < 0.9


@pytest.mark.parametrize(
    "e, head",
    [
        (sp.LambertW(X), "LambertW"), (sp.Integral(sp.exp(X**2), X), "Integral"),
        (sp.Function("f")(X), "f"), (sp.I * X, "ImaginaryUnit"),
        (sp.oo * sp.sign(X), "not a real number"), (sp.zeta(X), "zeta"),
        (sp.Piecewise((X, X > 0)), "no value where none"),
        (sp.besseli(Y, X), "besseli"),
        (A[sp.Symbol("i"), 0], "not a number"),
        (sp.Symbol("x", positive=True) + X, "two different symbols"),
        (sp.Derivative(sp.Function("f")(X), X), ".doit()"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(e, head):
    with pytest.raises(SymbolicError, match="(?s)" + re.escape(head)):
        sympy_front_end.lift(e)


def test_text_is_never_evaluated():
    with pytest.raises(InvalidInputError, match="formula"):
        sympy_front_end.lift("__import__('os').abort()")
    with pytest.raises(SymbolicError):
        sympy_front_end.from_symbolic(["x"])


def test_a_deep_expression_is_read():
    e = se.Symbol("x")
    for _ in range(3000):
        e = se.sin(e) + 1
    assert symengine_front_end.lift(e).output.op.name == "add"
