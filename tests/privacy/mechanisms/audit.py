"""A membership audit: how much privacy is certainly lost, from outputs alone.

An adversary who sees outputs on two neighbouring data sets guesses which one it was.
Under (epsilon, delta) no guess has a true positive rate above exp(epsilon) times its
false positive rate plus delta (Kairouz, Oh and Viswanath 2015); rates estimated from
runs, with Clopper-Pearson bounds (1934), therefore bound epsilon from below (Jagielski,
Ullman and Oprea 2020).  The threshold is chosen on one half of the runs and judged on
the other, so that choosing it costs no confidence.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import beta


def clopper_pearson(hits, runs, confidence):
    """Return bounds of a probability, both of which hold with the confidence."""
    alpha = (1 - confidence) / 2
    hits = np.asarray(hits)
    low = beta.ppf(alpha, np.maximum(hits, 1), runs - hits + 1)
    high = beta.ppf(1 - alpha, hits + 1, np.maximum(runs - hits, 1))
    return np.where(hits == 0, 0.0, low), np.where(hits == runs, 1.0, high)


def epsilon_lower_bound(without, with_record, delta, confidence=0.999):
    """Return an epsilon that is certainly lost, with the confidence.

    Parameters
    ----------
    without, with_record : array_like
        One score per run on each of two neighbouring data sets: any function of the
        output, such as its projection on what the record contributes.
    """
    halves = [np.array_split(np.asarray(s, float), 2) for s in (without, with_record)]
    (choose0, judge0), (choose1, judge1) = halves
    thresholds = np.unique(np.quantile(np.r_[choose0, choose1], np.linspace(0, 1, 999)))
    # choosing is cautious, too, or it would run after the emptiest tail
    shown = _shown(choose0, choose1, thresholds, delta, 0.99)
    side, place = np.unravel_index(np.argmax(shown), shown.shape)
    judged = _shown(judge0, judge1, thresholds[[place]], delta, confidence)
    return max(0.0, float(judged[side, 0]))


def _shown(without, with_record, thresholds, delta, confidence):
    """Return the epsilon that guesses show: above each threshold, and below it."""
    above = [
        len(s) - np.searchsorted(np.sort(s), thresholds, side="right")
        for s in (without, with_record)
    ]
    sizes = len(without), len(with_record)
    (_, high0), (low1, _) = (
        clopper_pearson(hits, runs, confidence)
        for hits, runs in zip(above, sizes, strict=True)
    )
    with np.errstate(all="ignore"):
        shown = np.log([(low1 - delta) / high0, (1 - high0 - delta) / (1 - low1)])
    return np.where(np.isnan(shown), -np.inf, shown)


def audited(noise, without, with_record, delta, runs, rng, confidence=0.999):
    """Return the epsilon certainly lost by releasing one number with this noise."""
    scores = [
        np.asarray(noise.release(np.full(runs, value), insecure_rng=rng))
        for value in (without, with_record)
    ]
    return epsilon_lower_bound(*scores, delta, confidence)
