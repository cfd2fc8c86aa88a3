"""Straight-line source from a graph.

One line per node, in topological order; an array is let go after its last use; scalar
constants stand in the code as literals, array constants are names bound from outside.
The source is written against the array API (``xp``) and works for any batch axes.

No text of the user's enters the code: inputs are called ``x0, x1, ...``, and their
names appear only as escaped literals in comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check
from deuterium.graph.operator import Operator
from deuterium.graph.provenance import describe
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

_NAME = re.compile(r"\bv\d+\b")


@dataclass(frozen=True)
class Program:
    """Generated source, and the array constants it names.

    Attributes
    ----------
    source : str
        A module that defines ``compiled(x0, x1, ...)``, which returns a tuple.
    constants : dict
        From a name in the source to its array.
    """

    source: str
    constants: dict[str, Any]


@dataclass
class _Line:
    """One assignment, as text."""

    target: str
    code: str
    remark: str


def generate(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Program:
    """Return the program that computes ``outputs`` from ``inputs``."""
    return _Writer(inputs, outputs).program()


class _Writer:
    """Gives every node a name or a literal, and writes the lines."""

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.order = topological(outputs)
        self.names = {_key(v): f"x{i}" for i, v in enumerate(inputs)}
        self.constants: dict[str, Any] = {}
        self.lines: list[_Line] = []
        self.views = _views(self.order, outputs)

    def program(self) -> Program:
        for node in self.order:
            check()
            if _key(node) not in self.names:
                self.names[_key(node)] = self._written(node)
        results = [self.names[_key(v)] for v in self.outputs]
        head = [f"# {self.names[_key(v)]}: {v.name!r} {v.shape}" for v in self.inputs]
        arguments = ", ".join(f"x{i}" for i in range(len(self.inputs)))
        body = [*_with_deletions(self.lines, results), f"return {_tuple(results)}"]
        text = [*head, f"def compiled({arguments}):", *(f"    {s}" for s in body), ""]
        return Program("\n".join(text), self.constants)

    def _written(self, node: Variable) -> str:
        """Return the name of a node, having written its line if it needs one."""
        if node.op is None:
            return self._constant(node)
        args = [self.names[_key(a)] for a in node.args]
        only_numbers = bool(args) and not any(a.isidentifier() for a in args)
        if node in self.views:
            code = _as_view(args[0], node)
            if code == args[0]:
                return code
        elif node.op is ops.broadcast and only_numbers:
            return self._bind(np.full(node.shape, float(node.args[0].value)))
        else:
            if only_numbers:  # Python's own would raise at 1 / 0
                args[0] = self._bind(np.asarray(float(node.args[0].value)))
            code = _code(node.op, node, args, self._bind)
        name = f"v{len(self.lines)}"
        self.lines.append(_Line(name, code, describe(node.source)))
        return name

    def _constant(self, node: Variable) -> str:
        if node.shape == ():
            return _literal(float(node.value))
        return self._bind(node.value)

    def _bind(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name


def _key(v: Variable) -> Any:
    return ("symbol", v.name) if v.is_symbol else v


def _code(op: Operator, node: Variable, args: list[str], bind: Any) -> str:
    if callable(op.code):
        return op.code(node, args, bind)
    if op.code:
        return op.code.format(*args, **node.attrs)
    room = "xp" if hasattr(np, op.ufunc) else "special"
    return f"{room}.{op.ufunc}({', '.join(args)})"


def _literal(x: float) -> str:
    if not np.isfinite(x):
        return f"({'-' if x < 0 else ''}xp.inf)"
    return f"({x!r})" if x < 0 else repr(x)


def _tuple(names: list[str]) -> str:
    return f"({', '.join(names)},)" if names else "()"


def _with_deletions(lines: list[_Line], results: list[str]) -> list[str]:
    """Return the text of the lines, each letting go of what no later line needs."""
    last: dict[str, int] = {}
    for i, line in enumerate(lines):
        for name in _NAME.findall(line.code):
            last[name] = i
    dead: dict[int, list[str]] = {}
    for name, i in last.items():
        if name not in results:
            dead.setdefault(i, []).append(name)
    text: list[str] = []
    for i, line in enumerate(lines):
        text.append(f"{line.target} = {line.code}  # {line.remark}")
        if i in dead:
            text.append(f"del {', '.join(dead[i])}")
    return text


def _views(order: Sequence[Variable], outputs: Sequence[Variable]) -> set[Variable]:
    """Return the broadcasts that may be left to the element-wise line that uses them.

    That needs every user to be element-wise with another argument that has the full
    shape; the broadcast then only puts in axes of length one.
    """
    views = {n for n in order if n.op is ops.broadcast}
    views -= set(outputs)
    for node in order:
        mine = [a for a in node.args if a in views]
        full = [a for a in node.args if a not in views]
        if mine and not (node.op is not None and node.op.elementwise and full):
            views.difference_update(mine)
    return views


def _as_view(name: str, node: Variable) -> str:
    """Return code that puts in the axes a broadcast adds in front of its own."""
    own = node.attrs["ndim"]
    added = len(node.shape) - own
    if added == 0 or not name.isidentifier():
        return name
    return f"{name}[{', '.join(['...', *['None'] * added, *[':'] * own])}]"
