"""The Axes that figures are drawn on, and their colours.

Colours are those of M. Okabe and K. Ito's palette, and the maps of surfaces and images
are ``cividis``: both can be told apart by everybody, and in print.  What is certified
is drawn in blue, what was found or observed in vermilion, with marks of its own.
"""

from __future__ import annotations

import sys
from typing import Any

from deuterium.optional import missing

__all__ = ["CERTIFIED", "FOUND", "REST", "axes", "unit_text"]

CERTIFIED, FOUND, REST = "#0072B2", "#D55E00", "#595959"
SIZE = (6.0, 4.0)  # inches of a figure that is made here


def axes(ax: Any, title: str, xlabel: str, ylabel: str) -> Any:
    """Return the Axes given, or new ones, with labels."""
    if ax is None:
        ax = _figure().subplots()
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _figure() -> Any:
    """Return a figure; one of pyplot's only where that, or a notebook, is in use."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise missing("matplotlib", "a figure") from None
    if {"IPython", "matplotlib.pyplot"} & set(sys.modules):
        from matplotlib import pyplot

        return pyplot.figure(figsize=SIZE, layout="constrained")
    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def unit_text(unit: str | None) -> str:
    """Return a unit as it stands behind a label."""
    return f" [{unit}]" if unit else ""
