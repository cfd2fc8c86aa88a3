"""Pictures.  matplotlib is loaded when one is asked for, its global state untouched."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from deuterium.demo import DemoResult, FeaturePart
from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.report.numbers import rounded_up

__all__ = ["save_feature_plot"]

BLUE, PALE, ORANGE, DARK = "#2563a8", "#c9d8ea", "#d9731a", "#222222"
LEAST = 1e-2  # where the logarithmic axis begins


def save_feature_plot(result: DemoResult, path: str | PathLike[str]) -> None:
    """Write the features' parts as a PNG of horizontal bars.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InvalidInputError
        The file cannot be written.
    """
    figure = _figure((11, 8.5))
    parts = sorted(result.features, key=lambda p: p.share)  # bars go upwards
    shares, slopes = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    _draw_shares(shares, parts)
    _draw_slopes(slopes, parts)
    figure.suptitle(
        "Each feature's part in the gradient norm of one record\n"
        "(breast-cancer classifier; certified: no record has a norm above "
        f"{rounded_up(result.certified)})",
        color=DARK,
    )
    try:
        figure.savefig(path, format="png", dpi=150)
    except OSError as error:
        raise InvalidInputError(
            f"the picture cannot be written to {str(path)!r}: {error.strerror}; give "
            "a path in a folder that exists"
        ) from None


def _figure(size: tuple[float, float]) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "pictures are drawn by matplotlib, which is not installed; run "
            "pip install 'deuterium[plot]'"
        ) from None
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_shares(axes: Any, parts: Sequence[FeaturePart]) -> None:
    places = range(len(parts))
    bars = axes.barh(places, [100 * p.share for p in parts], color=BLUE)
    axes.bar_label(
        bars, [f"{p.share:.1%}" for p in parts], padding=3, fontsize=8, color=DARK
    )
    axes.set_yticks(places, [p.name for p in parts])
    axes.set_xlim(0, 118 * max(p.share for p in parts) or 1)
    axes.set_xlabel("share of the squared derivatives [%]")
    axes.set_title("At the worst record found", fontsize=11, pad=26)
    _tidy(axes)


def _draw_slopes(axes: Any, parts: Sequence[FeaturePart]) -> None:
    places = range(len(parts))
    bound = [max(-p.range[0], p.range[1]) for p in parts]
    axes.barh(places, bound, color=PALE, label="certified, all records")
    _dots(axes, [abs(p.derivative) for p in parts], "o", BLUE, "worst record found")
    _dots(axes, [p.mean_on_data for p in parts], "D", ORANGE, "mean over the data")
    axes.set_xscale("log")
    axes.set_xlim(left=LEAST)
    axes.set_xlabel("|d norm / d feature|  [norm per half public range, log scale]")
    axes.set_title("How far a feature can move the norm", fontsize=11, pad=26)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False,
        fontsize=9, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
    axes.tick_params(axis="y", length=0)
    _tidy(axes)


def _dots(
    axes: Any, values: Sequence[float], marker: str, color: str, label: str
) -> None:
    """Draw one dot a bar; what the axis does not reach stands at its left end."""
    shown = [max(x, LEAST) for x in values]
    axes.plot(
        shown, range(len(shown)), marker, ms=5, color=color, label=label, clip_on=False
    )


def _tidy(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.margins(y=0.01)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
