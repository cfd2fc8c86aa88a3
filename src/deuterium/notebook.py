"""How results show themselves in notebooks: a line that opens to a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

__all__ = ["Shown", "latex_number", "shown"]

LINE = 200  # characters of the line that opens
VALUE = 400  # characters of one value
ENTRIES = 20  # of a mapping or sequence; the rest is counted


class Shown:
    """A class whose objects show themselves in notebooks.

    The line is ``repr``, the table what `_facts` yields: by default the fields of a
    dataclass that are not empty.
    """

    __slots__ = ()

    def _facts(self) -> Iterator[tuple[str, Any]]:
        named: list[str] = [f.name for f in fields(self)] if is_dataclass(self) else []
        for name in named:
            value = getattr(self, name)
            if not name.startswith("_") and not _is_empty(value):
                yield name, value

    def _repr_html_(self) -> str | None:
        return shown(repr(self), self._facts())


def shown(line: str, facts: Iterator[tuple[str, Any]]) -> str:
    """Return a line of text, and a table below it that opens, as HTML."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{_cell(value)}</td></tr>'
        for name, value in facts
    )
    summary = f"<summary><code>{escape(_cut(line, LINE))}</code></summary>"
    return f"<details>{summary}<table>{rows}</table></details>"


def _cell(value: Any) -> str:
    if isinstance(value, Shown):
        return value._repr_html_() or escape(_cut(repr(value), VALUE))
    if _is_empty(value):
        return ""
    if isinstance(value, Mapping):
        parts = [f"{escape(str(k))}: {_cell(x)}" for k, x in value.items()]
    elif isinstance(value, list | tuple) and not isinstance(value[0], _PLAIN):
        parts = [_cell(x) for x in value]
    else:
        text = value if isinstance(value, str) else repr(value)
        return escape(_cut(text, VALUE))
    more = len(parts) - ENTRIES
    return "<br>".join(parts[:ENTRIES] + [f"... {more} more"] * (more > 0))


_PLAIN = (int, float, tuple)  # what sequences of are shown in one line


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | tuple | list | dict) and not value)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."


def latex_number(x: Any) -> str:
    """Return a number as LaTeX, exactly: shortened, a bound would not hold."""
    number = float(x)
    if abs(number) == float("inf"):
        return r"\infty" if number > 0 else r"-\infty"
    digits, _, power = repr(number).partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits
