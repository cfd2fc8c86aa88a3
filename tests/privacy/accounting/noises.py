"""Noise by its multiplier, and exact deltas, for tests of accountants."""

from __future__ import annotations

from functools import partial

import mpmath as mp

from deuterium import privacy

ADD = "add_or_remove_one"
gaussian = partial(privacy.gaussian, relation=ADD)
laplace = partial(privacy.laplace, relation=ADD)
discrete_gaussian = partial(privacy.discrete_gaussian, relation=ADD)


def multiplied(m, relation="add_or_remove_one"):
    return gaussian(1.0, noise_multiplier=m, relation=relation, trusted=True)


def exact_delta(multiplier, epsilon):
    with mp.workdps(60):
        m, eps = mp.mpf(multiplier), mp.mpf(epsilon)
        x = 1 / (2 * m)
        return mp.ncdf(x - eps * m) - mp.exp(eps) * mp.ncdf(-x - eps * m)
