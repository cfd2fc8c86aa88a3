"""Formulas of finance, pharmacology, signals, losses and statistics."""

from __future__ import annotations

import numpy as np
import scipy.special as sc

from tests.formulas.formula_case import Formula, bump, entering

FORMULAS: list[Formula] = []
formula = entering(FORMULAS)


# -- finance ---------------------------------------------------------------------------


@formula((95, 105), (0.2, 0.4), (0.5, 1.5), slope=46.101247)
def call_by_all_greeks(s, sig, t):
    d1 = (np.log(s / 100) + (0.05 + sig**2 / 2) * t) / (sig * np.sqrt(t))
    d2 = d1 - sig * np.sqrt(t)
    return s * sc.ndtr(d1) - 100 * np.exp(-0.05 * t) * sc.ndtr(d2)


@formula((0.5, 2), (0.05, 0.6), most=1.0118959)
def bachelier(m, s):
    d = (m - 1) / s
    return (m - 1) * sc.ndtr(d) + s * bump(d)


@formula((0, 0.1), (0.005, 0.05), (0.1, 10), most=0.14900752, slope=1.3913841)
def nelson_siegel(level, slope, t):
    short = (1 - np.exp(-t / 1.5)) / (t / 1.5)
    return level + slope * short + 0.02 * (short - np.exp(-t / 1.5))


@formula((0.01, 0.2), (0.01, 0.2), (1, 30), most=921.6575)
def growing_annuity(r, g, n):
    apart = np.where(r == g, 1.0, r - g)
    return np.where(r == g, n / (1 + r), (1 - ((1 + g) / (1 + r)) ** n) / apart)


@formula((-0.05, 0.1, 4), most=10, least=-5, slope=502.49378)
def sharpe_ratio(r):
    return np.mean(r) / (np.std(r) + 0.01)


@formula((0.1, 10), (0.2, 4), most=6.6369667, least=-333)
def relative_risk_aversion(c, g):
    logarithmic = np.abs(g - 1) < 1e-6
    power = (c ** (1 - g) - 1) / np.where(logarithmic, 1.0, 1 - g)
    return np.where(logarithmic, np.log(c), power)


@formula((0.001, 0.2), (0.1, 0.9), (0.02, 0.3), most=0.76090283)
def loss_in_a_crisis(pd, lgd, rho):
    z = sc.ndtri(pd) + np.sqrt(rho) * sc.ndtri(0.999)
    return lgd * sc.ndtr(z / np.sqrt(1 - rho))


# -- pharmacology, epidemiology --------------------------------------------------------


@formula((0.05, 1), (0.06, 2), (0, 2), slope=2.6563471)
def absorbed(a, b, t):
    apart = (np.exp(-a * t) - np.exp(-b * t)) / (b - a)
    return np.where(a == b, t * np.exp(-a * t), apart)


@formula((0, 100), (1, 50), (0.1, 10), most=4.9480456, slope=4.7619048)
def competitive_inhibition(s, km, i):
    return 5 * s / (km * (1 + i / 2) + s)


@formula((0, 1), (0.01, 1), most=0.99, slope=99)
def attributable_share(exposed, x):
    excess = exposed * (1 / x - 1)
    return excess / (1 + excess)


# -- signals ---------------------------------------------------------------------------


@formula((-1, 1), most=1, least=-1, slope=45.985904)
def companded(x):
    return np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)


@formula((-3, 3), (-3, 3), most=3, slope=1.4142136)
def soft_threshold(x, t):
    return np.sign(x) * np.maximum(np.abs(x) - np.abs(t), 0)


@formula((-3, 3), most=1, slope=0.43618182)
def sinc_by_hand(x):
    return np.where(x == 0, 1.0, np.sin(x) / x)


@formula((-0.1, 0.1), (-0.1, 0.1), (-0.1, 0.1), most=0.2230671)
def chord_of_a_sphere(a, b, o):
    c = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(o)
    return np.sqrt(2 - 2 * c)


# -- losses, statistics ----------------------------------------------------------------


@formula((-5, 5), most=4.9995522, least=-0.30884341, slope=1.0884986)
def mish(x):
    return x * np.tanh(np.log1p(np.exp(x)))


@formula((-3, 3), (0.1, 2), most=447.69741, least=-2.3025851)
def gaussian_loss(x, s):
    return 0.5 * (x / s) ** 2 + np.log(s)


@formula((0, 1, 3), most=0.76357561)
def divergence_from_uniform(p):
    share = p / (np.sum(p) + 0.2)
    return np.sum(sc.xlogy(share, 3 * share))


@formula((0, 1, 4), slope=1)
def coefficient_of_variation(x):
    return np.std(x) / (np.mean(x) + 0.5)


@formula((0, 1, 5), most=0.096, least=-0.096)
def third_moment(x):
    return np.mean((x - np.mean(x)) ** 3)
