"""Figures of what noise promises: each takes ``ax=`` and returns the Axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.report.canvas import CERTIFIED, REST, axes

__all__ = ["epsilon_over_steps", "individual_epsilons", "privacy_profile", "trade_off"]

CURVE = 401  # points of a curve


def individual_epsilons(
    epsilons: Internal | Any, *, budget: float | None = None, ax: Any = None
) -> Any:
    """Draw how many people have spent how much; for internal use only.

    Parameters
    ----------
    epsilons : Internal or array_like
        What `IndividualAccountant.epsilon_at` returned.
    budget : float, optional
        That nobody passes, or the worst case.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import report
    >>> report.individual_epsilons([0.1, 0.2], budget=1.0).get_xlabel()
    'epsilon of one person'
    """
    spent = epsilons.values if isinstance(epsilons, Internal) else np.asarray(epsilons)
    title = "Privacy spent (internal, do not release)"
    ax = axes(ax, title, "epsilon of one person", "people")
    ax.hist(spent[np.isfinite(spent)], bins=40, color=REST)
    if budget is not None:
        label = f"holds for everybody: {budget:.4g}"
        ax.axvline(budget, color=CERTIFIED, lw=2, ls="--", label=label)
        ax.margins(y=0.2)  # room for the legend
        ax.legend(frameon=False)
    return ax


def epsilon_over_steps(
    noise: Any, steps: int, delta: float, *, sampling_probability: float = 1.0,
    ax: Any = None,
) -> Any:  # fmt: skip
    """Draw the epsilon of all steps so far against their number.

    Parameters
    ----------
    noise : Noise
        Of each step.
    steps : int
        How many there are.
    delta : float
        At which epsilon is told.
    sampling_probability : float
        Of each record to take part in a step.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import privacy
    >>> from deuterium import report
    >>> noise = privacy.gaussian(
    ...     1.0, noise_multiplier=4, relation="add_or_remove_one", trusted=True
    ... )
    >>> report.epsilon_over_steps(noise, 10, 1e-5).get_ylabel()
    'epsilon'
    """
    counts = np.unique(np.geomspace(1, max(int(steps), 1), 25).round().astype(int))
    found = [
        Accountant(noise.relation, scope=noise.scope, group=noise.group)
        .compose(noise, int(n), sampling_probability=sampling_probability)
        .epsilon_at(delta)
        for n in counts
    ]
    ax = axes(ax, f"What is spent, at delta {delta:g}", "steps", "epsilon")
    ax.plot(counts, found, color=CERTIFIED, marker=".", label=noise.protects)
    ax.legend(frameon=False)
    return ax


def privacy_profile(promise: Any, *, epsilons: Any = None, ax: Any = None) -> Any:
    """Draw the delta of every epsilon.

    Parameters
    ----------
    promise : Noise or Accountant
        What promises.
    epsilons : array_like, optional
        Where to look; by default from 0 to the epsilon at delta 1e-10.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import privacy
    >>> from deuterium import report
    >>> noise = privacy.laplace(1.0, epsilon=1, relation="replace_one", trusted=True)
    >>> report.privacy_profile(noise).get_yscale()
    'log'
    """
    at = _epsilons(promise) if epsilons is None else np.asarray(epsilons, dtype=float)
    ax = axes(ax, "Privacy profile", "epsilon", "delta")
    ax.plot(at, promise.profile(at), color=CERTIFIED, label=promise.protects)
    ax.set_yscale("log")
    ax.legend(frameon=False)
    return ax


def _epsilons(promise: Any) -> Any:
    return np.linspace(0.0, max(promise.epsilon_at(1e-10), 1e-3), 81)


def trade_off(curve: Any, *, label: str | None = None, ax: Any = None) -> Any:
    """Draw what tests can do that are to tell one data set from its neighbour.

    Parameters
    ----------
    curve : Noise, Accountant, or pair of array_like
        What promises: every test of some false alarms then misses at least what the
        curve says, by the lines of its privacy profile (J. Dong, A. Roth and W. J. Su
        2022, proposition 2.5).  Or the two errors themselves.
    label : str, optional
        What it is of.
    ax : Axes, optional
        Where to draw.

    Examples
    --------
    >>> from deuterium import report
    >>> report.trade_off(([0, 1], [1, 0]), label="nothing").get_xlabel()
    'false alarms'
    """
    if isinstance(curve, tuple):
        alarms, missed = (np.asarray(x, dtype=float) for x in curve)
    else:
        alarms = np.linspace(0.0, 1.0, CURVE)
        at = _epsilons(curve)[:, None]
        delta = np.asarray(curve.profile(at[:, 0]))[:, None]
        lines = [1 - delta - np.exp(at) * alarms, (1 - delta - alarms) * np.exp(-at)]
        missed = np.maximum(np.max(lines, axis=(0, 1)), 0.0)
        label = label or curve.protects
    ax = axes(ax, "Trade-off of errors", "false alarms", "missed")
    ax.plot(alarms, missed, color=CERTIFIED, lw=2, label=label or "promised")
    ax.plot([0, 1], [1, 0], color=REST, ls=":", label="nothing can be told")
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.legend(frameon=False)
    return ax
