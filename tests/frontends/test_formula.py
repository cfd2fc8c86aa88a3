"""Formulas are read from a whitelist of syntax, and refused clearly otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deuterium as dt
from deuterium.errors import FormulaError
from deuterium.frontends.formula import MAX_LENGTH, lift
from deuterium.frontends.language import FUNCTIONS
from deuterium.graph.traverse import free_symbols
from tests.amounts import examples
from tests.clocks import calls_at_most

POINT = {"a": 0.7, "b": 1.3}

MEANINGS = [
    ("a**2 + exp(2*b - a)", lambda a, b: a**2 + math.exp(2 * b - a)),
    ("-a**2", lambda a, b: -(a**2)),
    ("(-a)**2", lambda a, b: a**2),
    ("a**-2", lambda a, b: a**-2),
    ("2**a**b", lambda a, b: 2 ** (a**b)),
    ("a - b - 1", lambda a, b: a - b - 1),
    ("a / b / 3", lambda a, b: a / b / 3),
    ("+a * -b", lambda a, b: -a * b),
    ("a**(1/2) + a**(1/3)", lambda a, b: math.sqrt(a) + a ** (1 / 3)),
    ("1e-3*a + .5", lambda a, b: 1e-3 * a + 0.5),
    ("pi*a + e", lambda a, b: math.pi * a + math.e),
    ("max(a, b, 1) - min(a, b)", lambda a, b: 1.3 - 0.7),
    ("hypot(a, b)", lambda a, b: math.hypot(a, b)),
    ("relu(a - b) + relu(b - a)", lambda a, b: b - a),
    ("sigmoid(a)", lambda a, b: 1 / (1 + math.exp(-a))),
    ("softplus(a)", lambda a, b: math.log1p(math.exp(a))),
    (
        "ln(b) + log1p(a) + expm1(a)",
        lambda a, b: math.log(b) + math.log1p(a) + math.expm1(a),
    ),
    ("erf(a) + abs(-b)", lambda a, b: math.erf(a) + b),
    (" a\n +\tb ", lambda a, b: a + b),
    ("((((a))))", lambda a, b: a),
    ("0**0 + a**(1 - 1)", lambda a, b: 2),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[t for t, _ in MEANINGS])
def test_value(text, meaning):
    v = lift(text)
    names = {str(s) for s in v.free_symbols}
    got = v.evaluate({n: x for n, x in POINT.items() if n in names})
    assert got == pytest.approx(meaning(**POINT), rel=1e-14)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_value_derivative_and_enclosure(name):
    function = FUNCTIONS[name]
    arguments = ["a", "b", "a*b"][: function.least]
    v = lift(f"{name}({', '.join(arguments)})")
    at = {"a": 0.4, "b": 0.6} if name not in ("arccosh", "acosh") else {"a": 1.4}
    point = {str(s): at[str(s)] for s in v.free_symbols}
    box = dt.Box({dt.symbol(n): (x - 0.05, x + 0.05) for n, x in point.items()})
    for f in (v, dt.grad(v, dt.symbol("a"))):
        iv = dt.enclose(f, box)
        (value,) = dt.compile([dt.symbol(n) for n in point], [f])(*point.values())
        assert iv.contains(value)
        assert np.isfinite(iv.upper)


def test_numbers_between_literals_are_exact():
    assert repr(lift("a/3 + 1/3")) == "1/3 + (1/3)*a"
    third = dt.enclose(lift("1/3 + a - a"), dt.Box({"a": (0, 0)}))
    assert third.lower < 1 / 3 + 1e-16
    assert third.lower < third.upper  # one third is not a double
    assert lift("1/2 + 1/2") == 1
    assert lift("a**(2/4)").op.name == "sqrt"


def test_one_name_is_one_symbol_so_a_product_with_itself_is_a_square():
    iv = dt.enclose(lift("a*a"), dt.Box({"a": (-1, 2)}))
    assert (iv.lower, iv.upper) == (0, 4)


def test_pi_and_e_are_the_numbers_not_doubles():
    for text in ("pi", "e"):
        iv = dt.enclose(lift(text), dt.Box({}))
        assert iv.lower < iv.upper


def test_cause_names_the_column():
    iv = dt.enclose(lift("1 + log(a - 1)"), dt.Box({"a": (1, 2)}))
    assert iv.cause.operator == "log"
    assert iv.cause.source == "formula:5"


ATTACKS = [
    "__import__('os')", "__import__('os').system('true')", "os.system", "a.real",
    "().__class__", "''.join(a)", "lambda: 1", "(lambda x: x)(a)", "[a for a in b]",
    "{a for a in b}", "{a: 1 for a in b}", "sum(i for i in a)", "'text'", "b'text'",
    "f'{a}'", "a[0]", "[a]", "(a, b)", "{a}", "{a: b}", "a if b else 1", "a and b",
    "not a", "a == b", "a < b < c", "a := 3", "a = 3", "(a := 3)", "*a", "exp(*a)",
    "exp(**a)", "exp(x=a)", "a; b", "a # b", "a \\ b", "None", "True", "...", "1j",
    "await a", "yield a", "a // b", "a % b", "a @ b", "a | b", "a & b", "~a", "a << 1",
    "import os", "def f(): pass", "eval(a)", "exec(a)", "open(a)", "exp(exp)", "exp",
    "exp()", "exp(a, b)", "max(a)", "hypot(a)", "getattr(a, b)", "a\0b", "a b", "(a",
    "a)", "a +", "", "   ", "2 (a)", "2a", "a(b)", "0/0", "1/0", "a/(1 - 1)", "0**-1",
    "1e999", "nan(a)", "a\u202eb", "1_000_", "0x", "01",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_refused_with_a_message(text):
    with pytest.raises(FormulaError) as caught:
        lift(text)
    assert caught.value.__cause__ is None
    assert "formula" in str(caught.value)


HEAVY = [
    "9**9**9**9", "9**9**9", "9**(9**9)", "(9**9)**(9**9)", "2**-9**9", "a**9**9**9",
    "(9 + a - a)**((9 + a - a)**(9 + a - a))", "((9*a)**1000)**1000", "(2*a)**100000",
    "9" * 5000, "9" * 400, "1" * MAX_LENGTH, "(" * 3000 + "a" + ")" * 3000,
    "-" * 9000 + "a", "a+" * 4000 + "a", "a**" * 3000 + "a",
    "exp(" * 2000 + "a)" * 2000,
    "9**99999999", "1e300**100", "((2**500)**500)**500*a",
]  # fmt: skip


@pytest.mark.parametrize("text", HEAVY, ids=[t[:30] for t in HEAVY])
def test_heavy_formulas_are_refused_at_once(text):
    with calls_at_most(400_000), pytest.raises(FormulaError):
        lift(text)


def test_ten_million_characters_are_refused_at_once():
    with (
        calls_at_most(10_000),
        pytest.raises(FormulaError, match="10000000 characters"),
    ):
        lift("a" * 10**7)


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("a^2", 2, "use \\*\\*"),
        ("a + expp(b)", 5, "Did you mean 'exp'"),
        ("  a +  b ^ 2", 7, "use \\*\\*"),
        ("é*a ^ 2", 5, "use \\*\\*"),
        ("np.exp(a)", 1, "no prefix"),
        ("a + exp", 5, "write exp\\(...\\)"),
        ("(a + b) // (c)", 9, "operator // is not allowed"),
        ("exp(a, b)", 1, "takes 1 argument, got 2"),
        ("max(a)", 1, "takes at least 2 arguments, got 1"),
        ("3*a + 2a", 7, "needs a star"),
        ("b*(2(a))", 4, "needs a star"),
        ("a + 1/(2 - 2)", 6, "division by zero"),
    ],
)
def test_message_names_column_and_next_step(text, column, hint):
    with pytest.raises(FormulaError, match=hint) as caught:
        lift(text)
    message = str(caught.value)
    assert f"column {column}:" in message
    excerpt, caret = message.splitlines()[1:3]
    assert caret.index("^") - 2 == column - 1
    assert excerpt.strip() == " ".join(text.split())


def test_message_lists_what_is_allowed():
    with pytest.raises(FormulaError, match=r"Allowed are numbers, names.*tanh"):
        lift("a.b")


@pytest.mark.parametrize("thing", [3, None, b"a", ["a"]])
def test_only_text(thing):
    with pytest.raises(FormulaError, match="must be text"):
        lift(thing)


# -- random formulas: the same numbers as Python, and no other exception -------------


def _formulas():
    leaves = st.sampled_from(["a", "b", "1", "2.5", "0.125", "pi"])

    def grow(inner):
        return st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
            st.builds("{}({})".format, st.sampled_from(["sin", "tanh", "cos"]), inner),
            st.builds("-{}".format, inner),
            st.builds("({})**{}".format, inner, st.sampled_from(["2", "3"])),
        )

    return st.recursive(leaves, grow, max_leaves=12)


@examples(24, 300)
@given(_formulas())
def test_random_formulas_mean_what_python_means(text):
    names = {"sin": math.sin, "cos": math.cos, "tanh": math.tanh, "pi": math.pi}
    wanted = eval(text, {"__builtins__": {}}, names | POINT)  # the test's own text
    iv = dt.enclose(
        lift(text), dt.Box({dt.symbol(n): (x, x) for n, x in POINT.items()})
    )
    slack = 1e-9 * abs(wanted) + 1e-12  # Python's own rounding errors
    assert iv.upper - iv.lower <= slack
    assert iv.lower - slack <= wanted <= iv.upper + slack


@examples(24, 300)
@given(st.text(alphabet="ab12.+-*/()^ ,exp[]'_=:<\n", max_size=25))
def test_any_text_is_read_or_refused(text):
    try:
        v = lift(text)
    except FormulaError:
        return
    assert isinstance(v, dt.Variable)
    assert v.shape == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("where(a > 1, 2 * a, b)", 4.0), ("where(a <= 1, 2 * a, b)", 0.5),
        ("(a >= 2) + (b < 0.5)", 1.0), ("where(b, a, 7)", 2.0),
        ("where(1 < 2, a, log(0 * a))", 2.0),
    ],
)  # fmt: skip
def test_choices(text, value):
    v = lift(text)
    point = {"a": 2.0, "b": 0.5}
    assert v.evaluate({s.name: point[s.name] for s in free_symbols([v])}) == value
