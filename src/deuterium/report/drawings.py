"""Drawings of small graphs as SVG, by graphviz where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.files import write_file
from deuterium.graph.constructors import as_variable
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable

__all__ = ["Drawing", "draw"]

MANY = 150  # nodes: a drawing of more cannot be read
LABEL = 40  # characters of a constant or an attribute
PATIENCE = 60  # seconds that graphviz gets

STYLE = """digraph {
  graph [rankdir=BT, bgcolor=transparent];
  node [shape=box, style="rounded,filled", fillcolor="#f2f4f7", color="#8a8a8a",
    fontname="sans-serif", fontsize=11, fontcolor="#1a1a1a"];
  edge [color="#8a8a8a", fontname="sans-serif", fontsize=9, fontcolor="#8a8a8a"];
"""


@dataclass(frozen=True)
class Drawing:
    """A graph as a picture; a notebook shows it by itself.

    Attributes
    ----------
    dot : str
        The graph in graphviz's own language.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import report
    >>> report.draw(dt.symbol("x") ** 2).dot[:7]
    'digraph'
    """

    dot: str

    @cached_property
    def svg(self) -> str:
        """The picture.

        Raises
        ------
        MissingDependencyError
            graphviz is not installed.
        """
        program = shutil.which("dot")
        if program is None:
            raise MissingDependencyError(
                "draw: pictures of graphs are made by graphviz, whose program `dot` is "
                "not installed; take `.dot`, or install your system's package graphviz"
            )
        made = subprocess.run(
            [program, "-Tsvg"],
            input=self.dot.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        return made.stdout.decode()

    def save(self, path: str | Path) -> None:
        """Write the picture to a file."""
        write_file(path, self.svg)

    def _repr_svg_(self) -> str | None:
        return self.svg if shutil.which("dot") else None


def draw(v: Any) -> Drawing:
    """Return a drawing of a small graph: symbols below, results on top.

    Parameters
    ----------
    v : Variable
        With at most 150 nodes below it.

    Raises
    ------
    InvalidInputError
        It has more nodes than can be looked at.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import report
    >>> x = dt.symbol("x")
    >>> "multiply" in report.draw(2 * x).dot
    True
    """
    order = topological([as_variable(v)])
    if len(order) > MANY:
        raise InvalidInputError(
            f"draw: the graph has {len(order)} nodes, and at most {MANY} can be looked "
            "at; draw a part of it, or simplify it first"
        )
    number = {n: i for i, n in enumerate(order)}
    lines = [f"  {i} [{_look(n)}];" for n, i in number.items()]
    for n, i in number.items():
        for place, a in enumerate(n.args):
            which = f' [label="{place + 1}"]' if len(n.args) > 1 else ""
            lines.append(f"  {number[a]} -> {i}{which};")
    return Drawing(STYLE + "\n".join(lines) + "\n}\n")


def _look(n: Variable) -> str:
    shape = f"\n{n.shape}" if n.shape else ""
    if n.is_symbol:
        return f'label={_quoted(n.name + shape)}, fillcolor="#c9d8ea"'
    if n.op is None:
        told = n.name or (repr(n.value) if not n.shape else "constant")
        return f"label={_quoted(told[:LABEL] + shape)}, style=rounded"
    told = ", ".join(f"{k}={x!r:.12}" for k, x in n.attrs.items())[:LABEL]
    return f"label={_quoted(n.op.name + (told and chr(10) + told) + shape)}"


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
