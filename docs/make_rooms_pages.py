"""Draw the rooms of docs/rooms, and list their modules on their pages.

What stands between the two marks of a page is made here, as are the pictures; the rest
is written by hand.  Run ``python docs/make_rooms_pages.py`` after a module was added.
"""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from html import escape
from pathlib import Path
from textwrap import wrap

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src" / "deuterium"
PICTURES = DOCS / "images" / "rooms"
START = "<!-- made by docs/make_rooms_pages.py from here -->"
END = "<!-- to here -->"
WIDTH = 720  # of a picture, as wide as the text of a page
LETTER = 6.4  # of the 12 pixel font, for the width of a box


@cache
def rooms() -> list[str]:
    """Return the packages of the house, from the top floor down."""
    return [name for floor in floors() for name in floor]


def floors() -> list[list[str]]:
    """Return the floors of import-linter's contract that have packages on them."""
    text = (DOCS.parent / "pyproject.toml").read_text("utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    listed = [[n.strip() for n in layer.split("|")] for layer in layers]
    kept = [[n for n in floor if (SOURCE / n).is_dir()] for floor in listed]
    return [floor for floor in kept if floor]


def told(path: Path) -> str:
    """Return the docstring of a module or package."""
    file = path / "__init__.py" if path.is_dir() else path
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""


def parts(room: str) -> list[tuple[str, str]]:
    """Return the modules and packages of a room, each with its first line."""
    inside = sorted((SOURCE / room).iterdir())
    kept = [p for p in inside if (p / "__init__.py").exists() or p.suffix == ".py"]
    kept = [p for p in kept if p.name != "__init__.py" and told(p)]
    return [(p.stem + "/" * p.is_dir(), told(p).splitlines()[0]) for p in kept]


@cache
def uses(room: str) -> set[str]:
    """Return the rooms that this one imports from."""
    found: set[str] = set()
    for file in (SOURCE / room).rglob("*.py"):
        text = file.read_text("utf-8")
        found |= set(re.findall(r"^\s*from deuterium\.(\w+)[. ]", text, re.M))
        for names in re.findall(r"^\s*from deuterium import (.+)$", text, re.M):
            found |= set(re.findall(r"\w+", names))
    return (found & set(rooms())) - {room}


def takes_and_gives(room: str) -> tuple[str, str]:
    """Return what a room, or else its page, says that it takes and what it gives."""
    by_hand = (DOCS / "rooms" / f"{room}.md").read_text("utf-8")
    text = " ".join(f"{told(SOURCE / room)}. {by_hand}".split())
    found = re.search(r"Takes (.*?); gives (.*?)\.(?:[ .]|$)", text)
    if found is None:
        raise ValueError(
            f"the docstring of {room} says nothing of 'Takes ...; gives ...'"
        )
    plain = [re.sub(r"[`]|deuterium\.", "", t) for t in found.groups()]
    return plain[0], plain[1]


# -- pictures --------------------------------------------------------------------------


def _box(x: float, y: float, w: float, lines: list[str], kind: str) -> str:
    h = 16 * len(lines) + 12
    place = f'x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h}"'
    out = [f'<rect class="{kind}" {place} rx="5"/>']
    for i, line in enumerate(lines):
        place = f'x="{x + w / 2:.0f}" y="{y + 20 + 16 * i:.0f}"'
        out.append(f'<text class="in-{kind}" {place}>{escape(line)}</text>')
    return "".join(out)


def _row(names: list[str], y: float, here: str = "") -> tuple[str, float]:
    """Return boxes of names in rows as wide as the picture, and where they end."""
    rows: list[list[str]] = [[]]
    used = 0.0
    for n in names:
        need = len(n) * LETTER + 32
        if used + need > WIDTH - 90:
            rows.append([])
            used = 0.0
        rows[-1].append(n)
        used += need
    out = []
    for row in rows:
        widths = [len(n) * LETTER + 22 for n in row]
        x = (WIDTH - sum(widths) - 10 * (len(row) - 1)) / 2
        for n, w in zip(row, widths, strict=True):
            out.append(_box(x, y, w, [n], "here" if n == here else "room"))
            x += w + 10
        y += 38
    return "".join(out), y


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="arrow" d="M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}"/>'


STYLE = (
    "text{font:12px sans-serif;text-anchor:middle;fill:#1a1a1a}"
    ".side{text-anchor:start;fill:#555}"
    ".room{fill:#eef1f5;stroke:#6b7480}.here{fill:#1f5fa8;stroke:#123e70}"
    ".in-here{fill:#fff}"
    ".line{stroke:#b8bec6}.flow{fill:#fff7e0;stroke:#9a7b1c}.arrow{stroke:#444;fill:none;marker-end:url(#a)}"
)


HEAD = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#444"/>'
    "</marker></defs>"
)


def _svg(inside: str, height: float, name: str) -> str:
    size = f'width="{WIDTH}" height="{height:.0f}"'
    told = escape(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'{size} role="img" aria-label="{told}"><title>{told}</title>'
        f'<style>{STYLE}</style>{HEAD}<rect {size} fill="#ffffff"/>{inside}</svg>\n'
    )


def picture(room: str) -> str:
    """Return a room as SVG: who uses it, what goes through it, what it stands on."""
    order = rooms()
    above = sorted((r for r in order if room in uses(r)), key=order.index)
    below = sorted(uses(room), key=order.index)
    out, y = [], 8.0
    if above:
        out.append(f'<text class="side" x="8" y="{y + 12:.0f}">used by</text>')
        drawn, y = _row(above, y + 18)
        out.append(drawn)
        out.append(_arrow(WIDTH / 2, y + 22, WIDTH / 2, y - 4))
        y += 24
    takes, gives = (wrap(t, 27) for t in takes_and_gives(room))
    tall = 16 * max(len(takes), len(gives), 1) + 12
    middle = y + tall / 2
    for x, lines in ((8.0, takes), (WIDTH - 208.0, gives)):
        top = middle - (16 * len(lines) + 12) / 2
        out.append(_box(x, top, 200, lines, "flow"))
    out.append(_box(WIDTH / 2 - 80, middle - 14, 160, [room], "here"))
    out.append(_arrow(208, middle, WIDTH / 2 - 82, middle))
    out.append(_arrow(WIDTH / 2 + 80, middle, WIDTH - 210, middle))
    y += tall
    if below:
        out.append(_arrow(WIDTH / 2, y + 24, WIDTH / 2, y + 2))
        out.append(f'<text class="side" x="8" y="{y + 22:.0f}">stands on</text>')
        drawn, y = _row(below, y + 30)
        out.append(drawn)
    return _svg(
        "".join(out), y + 8, f"The room {room}: {' '.join(takes)} to {' '.join(gives)}"
    )


def house() -> str:
    """Return all floors as one SVG, with what each room gives."""
    out, y = [], 8.0
    for floor in floors():
        for room in floor:
            out.append(_box(8, y, 100, [room], "here"))
            takes, gives = takes_and_gives(room)
            said = escape(f"{takes} \N{RIGHTWARDS ARROW} {gives}")
            out.append(f'<text class="side" x="120" y="{y + 20:.0f}">{said}</text>')
            y += 32
        y += 4
        out.append(f'<path class="line" d="M8 {y:.0f} H{WIDTH - 8}"/>')
        y += 8
    about = "The floors of the house; a room imports from those below"
    return _svg("".join(out), y, about)


# -- pages -----------------------------------------------------------------------------


def made(room: str) -> str:
    """Return what is made of a page: the picture, and the list of modules."""
    takes, gives = takes_and_gives(room)
    lines = [
        START,
        "",
        f"![{room}: takes {takes}; gives {gives}](../images/rooms/{room}.svg)",
    ]
    lines += ["", "| module | what it is |", "|---|---|"]
    lines += [
        f"| `{n}` | {line.replace('|', chr(92) + '|')} |" for n, line in parts(room)
    ]
    return "\n".join([*lines, "", END])


def page(room: str, text: str) -> str:
    """Return a page with its made part anew."""
    before, _, rest = text.partition(START)
    return before + made(room) + rest.partition(END)[2]


def pictures() -> dict[str, str]:
    """Return the pictures by file name."""
    return {"house.svg": house()} | {f"{r}.svg": picture(r) for r in rooms()}


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, drawn in pictures().items():
        (PICTURES / name).write_text(drawn, "utf-8")
    for room in rooms():
        path = DOCS / "rooms" / f"{room}.md"
        path.write_text(page(room, path.read_text("utf-8")), "utf-8")
