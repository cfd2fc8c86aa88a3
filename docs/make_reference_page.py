"""Write docs/reference.md: every public name, by room."""

from pathlib import Path

import deuterium as dt
from deuterium import frontends, privacy, report, testing

PAGE = Path(__file__).parent / "reference.md"
ROOMS = (dt, privacy, report, frontends, testing)


def page() -> str:
    """Return the page."""
    lines = ["# Reference", "", "Made by `python docs/make_reference_page.py`.", ""]
    for room in ROOMS:
        name = room.__name__
        summary = (room.__doc__ or "").splitlines()[0]
        lines += [f"## `{name}`", "", summary, "", "```{eval-rst}"]
        lines += [f".. currentmodule:: {name}", "", ".. autosummary::"]
        lines += ["   :toctree: generated", ""]
        lines += [f"   {n}" for n in sorted(room.__all__) if documented(room, n)]
        lines += ["```", ""]
    return "\n".join(lines)


def documented(room: object, name: str) -> bool:
    """Whether a name has a page of its own: not constants, modules and aliases."""
    made = getattr(room, name, None)
    return isinstance(made, type) or hasattr(made, "__code__")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
