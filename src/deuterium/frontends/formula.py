"""Formulas given as text, read into a graph without ever being run.

Python's own parser gives the syntax tree; a whitelist of what may stand in it is walked
here.  Nothing is evaluated, so a formula from a stranger can do no more than be
refused.  Literals mean what they mean in Python: integers are exact, decimals are the
nearest double.  Arithmetic between literals is done exactly, so ``a**(1/2)`` is the
square root and ``a/3`` holds no rounding.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from deuterium.errors import FormulaError, did_you_mean
from deuterium.frontends.language import CONSTANTS, FUNCTIONS
from deuterium.graph.constructors import as_variable, constant, symbol
from deuterium.graph.provenance import at_line, attributing
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

__all__ = ["lift"]

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 500  # operations inside one another
MAX_BITS = 16_384  # of the integers that the closed form may come to hold

_BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[..., Any]] = {
    ast.UAdd: operator.pos, ast.USub: operator.neg,
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_SPELLING: dict[type[ast.AST], str] = {
    ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@", ast.BitOr: "|",
    ast.BitAnd: "&", ast.LShift: "<<", ast.RShift: ">>", ast.Invert: "~",
    ast.Not: "not",
}  # fmt: skip
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot (write exp(a), with no prefix such as `np.`)",
    ast.Subscript: "square brackets", ast.List: "square brackets", ast.Tuple: "a comma",
    ast.Lambda: "a lambda", ast.IfExp: "an if",
    ast.Compare: "a comparison that is not one of < <= > >=",
    ast.BoolOp: "and/or", ast.Dict: "braces", ast.Set: "braces",
    ast.JoinedStr: "text in quotes", ast.Starred: "a star in front",
    ast.NamedExpr: "an assignment", ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
}  # fmt: skip

_ALLOWED = (
    "Allowed are numbers, names, + - * / ** < <= > >=, parentheses, pi, e, and the "
    "functions " + ", ".join(sorted(FUNCTIONS))
)


@dataclass(frozen=True)
class _Value:
    """An exact number or a Variable, and a bound on the integers it may bring."""

    value: Fraction | Variable
    bits: float

    @property
    def node(self) -> Variable:
        """The value as a Variable."""
        if isinstance(self.value, Variable):
            return self.value
        top, bottom = self.value.as_integer_ratio()
        if bottom == 1:
            return constant(top)
        if float(self.value) == self.value:
            return constant(float(self.value))
        return constant(top) / constant(bottom)


@standard_only
def lift(text: str) -> Variable:
    """Read a formula such as ``"a**2 + exp(2*b - a)"`` into a Variable.

    Parameters
    ----------
    text : str
        Numbers, names, ``+ - * / ** < <= > >=``, parentheses, ``pi``, ``e`` and calls
        of the functions of `deuterium.frontends.language`, such as
        ``where(a > 0, a, 2*a)``; a comparison is 1 where it holds, else 0.  Every other
        name becomes a scalar symbol.

    Returns
    -------
    Variable
        A scalar.  Messages about it name the column of the formula.

    Raises
    ------
    FormulaError
        The text cannot be read or uses what is not allowed; says where.

    Examples
    --------
    >>> from deuterium.frontends.formula import lift
    >>> lift("a**2 + exp(2*b - a)")
    a**2 + exp(-a + 2*b)
    """
    return _FormulaReader(text).read()


class _FormulaReader:
    """One pass over the syntax tree of one formula."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise FormulaError(
                f"a formula must be text, got {type(text).__name__}; Variables need no "
                "reading"
            )
        if len(text) > MAX_LENGTH:
            raise FormulaError(
                f"the formula has {len(text)} characters, at most {MAX_LENGTH} are "
                "read; build longer computations with NumPy on deuterium.symbol"
            )
        self.text = " ".join(text.split())
        self.symbols: dict[str, Variable] = {}  # so that a*a is known to be a square

    def read(self) -> Variable:
        tree = self._parse()
        with attributing() as attribute:
            done: list[_Value] = []
            for node in self._bottom_up(tree):
                attribute(at_line("formula", self._column(node)))
                self._reduce(node, done)
            return done.pop().node

    # -- text to tree ----------------------------------------------------------------

    def _parse(self) -> ast.expr:
        if not self.text:
            raise FormulaError(f"the formula is empty. {_ALLOWED}")
        self._refuse_characters()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about Python style, not formulas
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            self._fail(error.offset or 1, f"cannot be read: {self._reason(error)}")
        except (ValueError, RecursionError, MemoryError):
            self._fail(1, "is nested too deeply or holds too long a number")

    def _refuse_characters(self) -> None:
        for i, character in enumerate(self.text):
            if character in "#\\;\0" or not character.isprintable():
                self._fail(i + 1, f"the character {character!r} is not allowed")

    def _reason(self, error: SyntaxError) -> str:
        if "decimal literal" in error.msg:
            return "a product needs a star, as in 2*a"
        return "the number is too long" if "digits" in error.msg else error.msg

    # -- tree to values --------------------------------------------------------------

    def _bottom_up(self, tree: ast.expr) -> Iterator[ast.expr]:
        """Yield allowed nodes, arguments before their users, without recursion."""
        stack: list[tuple[ast.expr, int, bool]] = [(tree, 1, False)]
        while stack:
            node, depth, ready = stack.pop()
            if ready:
                yield node
                continue
            if depth > MAX_DEPTH:
                self._fail(self._column(node), f"more than {MAX_DEPTH} levels deep")
            stack.append((node, depth, True))
            stack.extend((a, depth + 1, False) for a in reversed(self._arguments(node)))

    def _arguments(self, node: ast.expr) -> list[ast.expr]:
        """Return what a node is made from, if it is allowed at all."""
        match node:
            case ast.Constant() | ast.Name():
                return []
            case ast.UnaryOp(op=op) if type(op) in _UNARY:
                return [node.operand]
            case ast.BinOp(op=op) if type(op) in _BINARY:
                return [node.left, node.right]
            case ast.Compare(ops=[op], comparators=[right]) if type(op) in _COMPARED:
                return [node.left, right]
            case ast.Call():
                return self._call_arguments(node)
        return self._refuse(node)

    def _call_arguments(self, node: ast.Call) -> list[ast.expr]:
        name = self._function_name(node)
        function = FUNCTIONS[name]
        if node.keywords:
            self._refuse_at(node, f"{name} takes no named arguments")
        if not function.least <= len(node.args) <= function.most:
            at_least = "at least " if function.most > function.least else ""
            plural = "" if function.least == 1 else "s"
            self._refuse_at(
                node,
                f"{name} takes {at_least}{function.least} argument{plural}, got "
                f"{len(node.args)}",
            )
        return node.args

    def _function_name(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Constant | ast.BinOp):
                self._refuse_at(node, "a product needs a star, as in 2*(a + b)")
            self._refuse(node.func)
        name = node.func.id
        if name not in FUNCTIONS:
            hint = did_you_mean(name, FUNCTIONS)
            self._refuse_at(
                node,
                f"unknown function {name!r}.{hint} (A product needs a star.)",
                listing=True,
            )
        return name

    def _reduce(self, node: ast.expr, done: list[_Value]) -> None:
        """Replace a node's arguments, on top of the stack, by its value."""
        match node:
            case ast.Constant():
                done.append(self._literal(node))
            case ast.Name():
                done.append(self._name(node))
            case ast.UnaryOp():
                x = done.pop()
                done.append(_Value(_UNARY[type(node.op)](x.value), x.bits))
            case ast.BinOp():
                right, left = done.pop(), done.pop()
                done.append(self._binary(node, left, right))
            case ast.Compare(ops=[op]):
                right, left = done.pop(), done.pop()
                holds = _COMPARED[type(op)](left.node, right.node)
                done.append(_Value(as_variable(holds), left.bits + right.bits))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                args = done[len(done) - len(arguments) :]
                del done[len(done) - len(arguments) :]
                made = FUNCTIONS[name].call(*[a.node for a in args])
                done.append(_Value(made, sum(a.bits for a in args)))

    def _literal(self, node: ast.Constant) -> _Value:
        number = node.value
        if isinstance(number, bool) or not isinstance(number, int | float):
            self._refuse_at(node, f"{number!r:.40} is not a real number")
        try:
            fits = math.isfinite(float(number))
        except OverflowError:
            fits = False
        if not fits:
            self._refuse_at(node, "this number is larger than the largest double")
        return self._number(node, Fraction(number))

    def _number(self, node: ast.expr, exact: Fraction) -> _Value:
        top, bottom = exact.as_integer_ratio()
        bits = top.bit_length() + bottom.bit_length()
        self._limit(node, bits)
        return _Value(exact, bits)

    def _name(self, node: ast.Name) -> _Value:
        if node.id in CONSTANTS:
            return _Value(CONSTANTS[node.id](), 2)
        if node.id in FUNCTIONS:
            self._refuse_at(
                node, f"{node.id} is a function; write {node.id}(...) with its argument"
            )
        return _Value(self.symbols.setdefault(node.id, symbol(node.id)), 0)

    def _binary(self, node: ast.BinOp, left: _Value, right: _Value) -> _Value:
        if isinstance(node.op, ast.Pow):
            return self._power(node, left, right)
        a, b = left.value, right.value
        if isinstance(node.op, ast.Div) and isinstance(b, Fraction) and b == 0:
            self._refuse_at(node, "division by zero")
        bits = left.bits + right.bits
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self._number(node, _BINARY[type(node.op)](a, b))
        self._limit(node, bits)
        return _Value(_BINARY[type(node.op)](left.node, right.node), bits)

    def _power(self, node: ast.BinOp, base: _Value, exponent: _Value) -> _Value:
        """Return a power, unless exact arithmetic on it could take for ever."""
        n = _as_number(exponent)
        bits = base.bits * max(1, abs(n or 0)) + exponent.bits
        self._limit(node, bits)
        if not isinstance(exponent.value, Fraction):
            return _Value(base.node**exponent.node, bits)
        if isinstance(base.value, Fraction) and exponent.value.denominator == 1:
            if base.value == 0 and exponent.value < 0:
                self._refuse_at(node, "division by zero")
            return self._number(node, base.value ** int(exponent.value))
        plain = float(exponent.value)
        power = plain if plain == exponent.value else exponent.node
        return _Value(base.node**power, bits)

    def _limit(self, node: ast.expr, bits: float) -> None:
        if not bits <= MAX_BITS:
            self._refuse_at(
                node, "the numbers here grow too large to be written out exactly"
            )

    # -- refusals --------------------------------------------------------------------

    def _refuse(self, node: ast.AST) -> NoReturn:
        op = getattr(node, "op", node)
        if isinstance(op, ast.BitXor):
            self._refuse_at(node, "^ is not a power here; use ** instead")
        spelling = _SPELLING.get(type(op))
        if spelling:
            what = f"the operator {spelling}"
        else:
            what = _REFUSED.get(type(node), type(node).__name__)
        self._refuse_at(node, f"{what} is not allowed", listing=True)

    def _refuse_at(self, node: ast.AST, why: str, listing: bool = False) -> NoReturn:
        self._fail(self._column(node), why, listing)

    def _column(self, node: ast.AST) -> int:
        """Return where a node's own sign stands, counted in characters from 1."""
        if isinstance(node, ast.BinOp):  # the operator comes after the left side
            raw = self.text.encode()[: node.left.end_col_offset or 0]
            at = len(raw.decode())
            return at + 1 + _until_operator(self.text[at:])
        offset = getattr(node, "col_offset", 0)
        return len(self.text.encode()[:offset].decode()) + 1

    def _fail(self, column: int, why: str, listing: bool = False) -> NoReturn:
        start = max(0, column - 40)
        excerpt = self.text[start : column + 39]
        message = (
            f"formula, column {column}: {why}\n  {excerpt}\n"
            f"  {' ' * (column - 1 - start)}^"
        )
        raise FormulaError(message + (f"\n{_ALLOWED}" if listing else ""))


def _until_operator(rest: str) -> int:
    """Return how many closing parentheses and blanks stand before an operator."""
    return len(rest) - len(rest.lstrip(" )"))


def _as_number(x: _Value) -> float | None:
    """Return the number that a value is in closed form (``a - a + 9`` is 9), if any."""
    if isinstance(x.value, Fraction):
        return _rounded(x.value)
    closed = x.value.to_symengine()
    return _rounded(closed) if closed.is_Number else None


def _rounded(x: Any) -> float:
    try:
        return float(x)
    except (OverflowError, RuntimeError, TypeError):
        return math.inf
