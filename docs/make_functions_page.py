"""Write the lists of docs/functions.md from the tables of the package.

What stands between the two marks is made here; the rest of the page is written by hand.
Run it after a function was added, with ``python docs/make_functions_page.py``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import scipy.special
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)

from deuterium.functions.advice import REFUSALS
from deuterium.graph import protocols
from deuterium.graph.methods import Methods
from deuterium.graph.operator import BY_UFUNC

PAGE = Path(__file__).parent / "functions.md"
START = "<!-- lists made by docs/make_functions_page.py start here -->"
END = "<!-- and end here -->"
WIDTH = 100


def name_of(function):
    """Return the name by which NumPy's modules spell a function."""
    module = (function.__module__ or "").removeprefix("numpy").removeprefix(".")
    return f"{module}.{function.__name__}" if module else function.__name__


def wrapped(names):
    """Return names in code marks, in lines of the page's width."""
    lines = [""]
    for name in names:
        word = f"`{name}`"
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def supported_ufuncs():
    """Return the names of the ufuncs that do more than refuse."""
    table = {**BY_UFUNC, **protocols.UFUNCS}
    return sorted(n for n, f in table.items() if not is_refusal(f))


def is_refusal(meaning):
    """Return whether what stands for a function only says that it is refused."""
    return getattr(meaning, "__name__", "").startswith("_refuse")


def ufuncs():
    """Return the names of the ufuncs supported: NumPy's, and SciPy's."""
    names = supported_ufuncs()
    numpy_s = [n for n in names if isinstance(getattr(np, n, None), np.ufunc)]
    scipy_s = [n for n in names if n not in numpy_s and hasattr(scipy.special, n)]
    return numpy_s, scipy_s


def functions():
    """Return the names of the array functions supported, by title of their file."""
    groups = {}
    for function, meaning in protocols.FUNCTIONS.items():
        module = import_module(meaning.__module__)
        title = module.__doc__.strip().split("\n")[0].rstrip(".")
        groups.setdefault(title, set()).add(name_of(function))
    return {title: sorted(names) for title, names in sorted(groups.items())}


def left_out():
    """Return kinds of refusals, and advice by name for those that do stay out."""
    known = {name_of(f) for f in get_overridable_numpy_array_functions()}
    known |= {f.__name__ for f in get_overridable_numpy_ufuncs()}
    held = {name_of(f) for f in protocols.FUNCTIONS} | set(supported_ufuncs())
    return [
        (refusal, {n: a for n, a in refusal.advice.items() if n in known - held})
        for refusal in REFUSALS
    ]


def lists():
    """Return the lines of the lists."""
    numpy_s, scipy_s = ufuncs()
    lines = [
        "## Element by element",
        "",
        "Operators `+ - * / ** @ abs()`, NumPy's ufuncs",
    ]
    lines += ["", *wrapped(numpy_s), "", "and SciPy's", "", *wrapped(scipy_s), ""]
    methods = {}
    for name, method in protocols.UFUNC_METHODS:
        methods.setdefault(method, []).append(name)
    for method, names in sorted(methods.items()):
        own = wrapped(f"{name}.{method}" for name in sorted(names))
        lines += [f"Method `{method}` of ufuncs:", "", *own, ""]
    lines += ["## Array functions", ""]
    for title, names in functions().items():
        lines += [f"**{title}**", "", *wrapped(names), ""]
    own = sorted(n for n in vars(Methods) if not n.startswith("_"))
    lines += ["## Methods and attributes of arrays", "", *wrapped(own), ""]
    lines += ["## What stays out", "", "| function | why | instead |", "|---|---|---|"]
    for refusal, advice in left_out():
        by_text = {}
        for name, text in advice.items():
            by_text.setdefault(text, []).append(name)
        for text, names in by_text.items():
            listed = " ".join(f"`{n}`" for n in sorted(names))
            lines.append(f"| {listed} | {refusal.reason} | {text} |")
    return lines


def page(old):
    """Return the page with its lists made anew."""
    before, _, rest = old.partition(START)
    _, _, after = rest.partition(END)
    return "\n".join([before + START, "", *lists(), "", END + after])


if __name__ == "__main__":
    new = page(PAGE.read_text())
    if "--check" in sys.argv:
        sys.exit(new != PAGE.read_text())
    PAGE.write_text(new)
