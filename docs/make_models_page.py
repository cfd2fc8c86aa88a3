"""Write the lists of docs/models.md from the tables of the front ends.

What stands between two marks is made here; the rest of the page is written by hand.
Run it after a primitive or a head was added, with ``python docs/make_models_page.py``.
"""

from __future__ import annotations

import runpy
import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

from deuterium.frontends.jax.jax_rules import REFUSALS, RULES
from deuterium.frontends.jax.jaxpr_walk import CALLS, CONTROL
from deuterium.frontends.sympy.expression_heads import CONSTANTS, HEADS

PAGE = Path(__file__).parent / "models.md"
wrapped = runpy.run_path(str(Path(__file__).parent / "make_functions_page.py"))[
    "wrapped"
]


def jax_primitives():
    """Return the lines of the list of JAX's primitives, by what they do."""
    groups = defaultdict(set)
    for name, rule in RULES.items():
        groups[import_module(rule.__module__).__doc__.split("\n")[0]].add(name)
    groups["Loops and branches: written out, or taken."] = set(CONTROL)
    groups["Calls: what they hold is walked."] = set(CALLS)
    lines = []
    for title, names in sorted(groups.items()):
        lines += [f"**{title.rstrip('.')}**", "", *wrapped(sorted(names)), ""]
    stay_out = wrapped(sorted(REFUSALS))
    return [
        *lines,
        "**What stays out: a place, or rounding, that depends on data**",
        "",
        *stay_out,
        "",
    ]


def sympy_heads():
    """Return the lines of the list of heads, as both libraries spell their classes."""
    return [*wrapped(sorted({*HEADS, *CONSTANTS, *OTHER_HEADS})), ""]


# heads that are read by more than the values of their parts
OTHER_HEADS = (
    "pi", "pow", "piecewise", "matrixelement", "matrixsymbol", "identity",
    "zeromatrix", "onematrix",
)  # fmt: skip

LISTS = {"JAX's primitives": jax_primitives, "heads of SymPy": sympy_heads}


def page(old):
    """Return the page with its lists made anew."""
    for name, make in LISTS.items():
        start = f"<!-- {name}, made by docs/make_models_page.py, start here -->"
        end = f"<!-- {name} end here -->"
        before, _, rest = old.partition(start)
        _, _, after = rest.partition(end)
        old = "\n".join([before + start, "", *make(), end + after])
    return old


if __name__ == "__main__":
    new = page(PAGE.read_text())
    if "--check" in sys.argv:
        sys.exit(new != PAGE.read_text())
    PAGE.write_text(new)
