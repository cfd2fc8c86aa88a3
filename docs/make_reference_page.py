"""Write docs/reference.md: every public name, by room."""

from pathlib import Path
from types import ModuleType

import deuterium as dt
from deuterium import errors, frontends, privacy, report, testing

PAGE = Path(__file__).parent / "reference.md"
ROOMS = (dt, privacy, report, frontends, testing, errors)


def page() -> str:
    """Return the page."""
    lines = ["# Reference", "", "Made by `python docs/make_reference_page.py`.", ""]
    for room in ROOMS:
        lines += section(room)
        for name in sorted(room.__all__):
            inside = getattr(room, name)
            if isinstance(inside, ModuleType) and inside not in ROOMS:
                lines += section(inside)
    return "\n".join(lines)


def section(room: ModuleType) -> list[str]:
    """Return the part of a module: functions and classes, then what else it names."""
    name = room.__name__
    first = (room.__doc__ or "").splitlines()[0]
    lines = [f"## `{public_name(room)}`", "", first, ""]
    pages = [n for n in sorted(room.__all__) if documented(room, n)]
    if pages:
        lines += ["```{eval-rst}", f".. currentmodule:: {name}", "", ".. autosummary::"]
        lines += ["   :toctree: generated", ""]
        lines += [f"   {n}" for n in pages]
        lines += ["```", ""]
    others = [n for n in sorted(room.__all__) if n not in pages]
    words = [f"`{n}`" for n in others if not isinstance(getattr(room, n), ModuleType)]
    return lines + ([f"Also {', '.join(words)}.", ""] if words else [])


def public_name(room: ModuleType) -> str:
    """Return by which name users know a module."""
    return room.__name__.replace("privacy.releases.audit", "privacy.audit")


def documented(room: ModuleType, name: str) -> bool:
    """Whether a name has a page of its own: not constants, modules and aliases."""
    made = getattr(room, name, None)
    return isinstance(made, type) or hasattr(made, "__code__")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
