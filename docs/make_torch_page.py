"""Write the list of operators in docs/torch.md from the tables of the package.

What stands between the two marks is made here; the rest of the page is written by hand.
Run it after an operator was added, with ``python docs/make_torch_page.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from deuterium.frontends.torch.aten_movement import MOVEMENTS
from deuterium.frontends.torch.aten_table import TABLE

PAGE = Path(__file__).parent / "torch.md"
START = "<!-- list made by docs/make_torch_page.py starts here -->"
END = "<!-- and ends here -->"
WIDTH = 100

ROOMS = {
    "": "Elementwise, in the table of all frameworks",
    "aten_elementwise": "Elementwise with attributes: arithmetic, choices, activations",
    "aten_reductions": "Reductions, norms, softmax",
    "aten_layers": "Products, convolution, pooling, attention",
    "aten_normalisation": "Normalisation, dropout",
    "aten_recurrent": "Recurrent layers, unrolled",
    "aten_losses": "Losses",
    "aten_shapes": "Shapes, joins, look-ups",
}
MOVED = "Movement, done by PyTorch itself to an array of places"


def wrapped(names):
    """Return names in code marks, in lines of the page's width."""
    lines = [""]
    for name in names:
        word = f"`{name}`"
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def room_of(entry):
    """Return the module that an operator's meaning is written in."""
    return "" if entry.arrays else entry.call.__module__.rpartition(".")[2]


def listed():
    """Return the lines of the list."""
    lines = []
    for room, title in ROOMS.items():
        names = sorted(n for n, e in TABLE.items() if room_of(e) == room)
        lines += [f"**{title}** ({len(names)}):", *wrapped(names), ""]
    names = sorted(MOVEMENTS - set(TABLE))
    lines += [f"**{MOVED}** ({len(names)}):", *wrapped(names)]
    return lines


def page(old):
    """Return the page with the list between its marks."""
    head, _, rest = old.partition(START)
    _, _, tail = rest.partition(END)
    return "\n".join([head + START, "", *listed(), "", END + tail])


if __name__ == "__main__":
    new = page(PAGE.read_text())
    PAGE.write_text(new)
    print(f"{PAGE}: {new.count('`') // 2} names", file=sys.stderr)
