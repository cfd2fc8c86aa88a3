"""Draw docs/images/bounds.png: one gradient norm, bounded two ways.

A linear 2-2-1 network with the loss of the seed notebook, one input varied.  The
notebook's interval walk evaluates powers at the end points of an interval only; it is
repeated here in a dozen lines, for comparison.
"""

from pathlib import Path

import numpy as np
import symengine as se
from matplotlib.figure import Figure

import deuterium as dt

PIECES = (16, 128)
W1 = np.array([[1.7, 3.0], [-1.9, 0.5]])
W2 = np.array([[-0.9], [1.1]])
BIAS = np.array([[-2.5, 0.0]])


def gradient_norm(x):
    """Return the notebook's gradient norm for an input of shape (1, 2)."""
    w1, w2, b = dt.constant(W1), dt.constant(W2), dt.constant(BIAS)
    loss = -np.mean(np.log((x @ w1 + b) @ w2))
    return dt.norm(dt.grad(loss, [w1, b, w2]))


def end_point_walk(e):
    """Return the interval the notebook's rules give: powers at the ends only."""
    if not e.args or e.is_Number:
        return (-1.0, 1.0) if e.is_Symbol else (float(e), float(e))
    parts = [end_point_walk(a) for a in e.args]
    if type(e).__name__ == "Add":
        return sum(p[0] for p in parts), sum(p[1] for p in parts)
    low, high = parts[0]
    for other in parts[1:]:
        if type(e).__name__ == "Mul":
            corners = [a * b for a in (low, high) for b in other]
        else:
            corners = [np.float64(a) ** b for a in (low, high) for b in other]
        low, high = min(corners), max(corners)
    return low, high


def main():
    """Draw the picture."""
    t = dt.symbol("t")
    x = np.stack([t, dt.constant(0.3)]).reshape(1, 2)
    norm = gradient_norm(x)
    points = np.linspace(-1, 1, 801)
    values = norm.evaluate({t: points})
    low, high = end_point_walk(se.sympify(norm))

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.axhspan(low, high, color="#d95f02", alpha=0.13, lw=0)
    axes.axhline(high, color="#d95f02", lw=1)
    axes.text(
        0.98, high + 0.08, "upper bound by the notebook's walk: wrong",
        color="#b34e00", ha="right", fontsize=10,
    )  # fmt: skip
    for pieces, alpha in zip(PIECES, (0.3, 0.75), strict=True):
        ends = np.linspace(-1, 1, pieces + 1)
        iv = dt.enclose(norm, dt.Box({t: (ends[:-1], ends[1:])}))
        label = f"certified, {pieces} boxes"
        axes.fill_between(
            np.repeat(ends, 2)[1:-1], np.repeat(iv.lower, 2), np.repeat(iv.upper, 2),
            color="#1f78b4", alpha=alpha, lw=0, label=label,
        )  # fmt: skip
    axes.plot(points, values, color="black", lw=1.4, label="the gradient norm")
    axes.set(xlabel="one input", ylabel="norm of the loss gradient", xlim=(-1, 1))
    axes.set_ylim(0, 8)
    axes.legend(loc="upper center", frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(Path(__file__).parent / "images" / "bounds.png", dpi=130)


if __name__ == "__main__":
    main()
