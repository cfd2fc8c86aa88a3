"""Formulas of medicine, finance, taxes, geography, epidemiology and statistics."""

from __future__ import annotations

import numpy as np
import scipy.special as sc

from tests.formulas.formula_case import Formula, bump, entering

FORMULAS: list[Formula] = []
formula = entering(FORMULAS)


# -- medicine --------------------------------------------------------------------------


@formula((0.5, 10), (20, 90), (40, 120), most=400, slope=800.01389)
def cockcroft_gault(scr, age, weight):
    return (140 - age) * weight / (72 * scr)


@formula((0.3, 15), (18, 100), most=390.49889, slope=1502.1255)
def mdrd(scr, age):
    return 175 * scr**-1.154 * age**-0.203


@formula((0.1, 2), (0, 24), (10, 50), most=89.135282)
def multiple_doses(k, t, v):
    tau, n = 8.0, 5
    rise = (1 - np.exp(-n * k * tau)) / (1 - np.exp(-k * tau))
    return 500 / v * rise * np.exp(-k * t)


@formula((0, 2), (0, 24), most=0.62996052, slope=2.0)
def one_compartment(k, t):
    return k / (k - 0.5) * (np.exp(-0.5 * t) - np.exp(-k * t))


@formula((140, 200), (40, 150), most=2.8867513, slope=0.019002911)
def body_surface(h, w):
    return np.sqrt(h * w / 3600)


@formula((0, 300), (0, 300), most=300, least=-50)
def friedewald(tc, tg):
    return np.where(tg < 150, tc - tg / 5, tc - tg / 6)


# -- finance ---------------------------------------------------------------------------


@formula((80, 120), (0.1, 0.5), most=0.042361149)
def gamma_of_a_call(s, sig):
    d1 = (np.log(s / 100) + (0.05 + sig**2 / 2)) / sig
    return bump(d1) / (s * sig)


@formula((80, 120), (0.1, 0.5), most=35.865471)
def black_scholes(s, sig):
    k, r, t = 100.0, 0.05, 1.0
    d1 = (np.log(s / k) + (r + sig**2 / 2) * t) / (sig * np.sqrt(t))
    d2 = d1 - sig * np.sqrt(t)
    return s * sc.ndtr(d1) - k * np.exp(-r * t) * sc.ndtr(d2)


@formula((0, 0.2), (1, 30), most=30, least=0.8333333, slope=465.001075)
def annuity(r, n):
    return (1 - (1 + r) ** -n) / r


@formula((0, 0.1), most=15.937425, least=10, slope=76.420523)
def growth(r):
    return ((1 + r) ** 10 - 1) / r


@formula((0.001, 0.1), (5, 30), most=263.79748, slope=884.91576)
def mortgage(r, n):
    return 1000 * r / (1 - (1 + r) ** -n)


@formula((0, 0.15, 10), most=1000, least=501.87686)
def net_present_value(r):
    return np.sum(100 * np.cumprod(1 / (1 + r)))


@formula((-0.1, 0.1, 5), most=0.11, least=0, slope=0.4472136)
def semideviation(r):
    return np.sqrt(np.mean(np.minimum(r - 0.01, 0) ** 2))


# -- taxes -----------------------------------------------------------------------------


@formula((0, 500000), most=113400, slope=0.24)
def brackets_by_select(x):
    return np.select(
        [x <= 11000, x <= 44725, x <= 95375],
        [0.10 * x, 1100 + 0.12 * (x - 11000), 5147 + 0.22 * (x - 44725)],
        16290 + 0.24 * (x - 95375),
    )


@formula((0, 20), most=3, slope=0.2)
def brackets_by_where(x):
    return np.where(x < 10, 0.1 * x, 1 + 0.2 * (x - 10))


@formula((0, 40), most=10, slope=0.4)
def three_brackets(x):
    upper = np.where(x < 30, 1 + 0.25 * (x - 10), 6 + 0.4 * (x - 30))
    return np.where(x < 10, 0.1 * x, upper)


@formula((0, 40), most=4.74, slope=0.22)
def brackets_by_rates(x):
    ends, rates = np.array([0.0, 9.5, 38.7]), np.array([0.1, 0.12, 0.22])
    return np.sum(np.maximum(x - ends, 0) * np.diff(rates, prepend=0))


@formula((0, 100), most=19, slope=0.27)
def brackets_by_interp(x):
    return np.interp(x, [0, 10, 40, 90], [0, 1, 5.5, 19])


@formula((0, 60000), (0, 5), most=3733)
def earned_income_credit(x, kids):
    credit = np.minimum(0.34 * x, 3733)
    credit = np.clip(credit - 0.1598 * np.maximum(x - 20330, 0), 0, 3733)
    return credit * np.minimum(kids, 3) / 3


# -- geography -------------------------------------------------------------------------


@formula((-1, 1), (-2, 2), (-1, 1), (-2, 2), most=20015.087, least=0)
def haversine(a1, o1, a2, o2):
    h = np.sin((a2 - a1) / 2) ** 2
    h = h + np.cos(a1) * np.cos(a2) * np.sin((o2 - o1) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(h))


@formula((-1, 1), (-1, 1), (-1, 1), (-1, 1), most=2.5491116)
def law_of_cosines(a1, o1, a2, o2):
    c = np.sin(a1) * np.sin(a2) + np.cos(a1) * np.cos(a2) * np.cos(o1 - o2)
    return np.arccos(np.clip(c, -1, 1))


@formula((-3, 3), (-3, 3), (-3, 3), (-3, 3), most=8.4852814, slope=1.4142136)
def distance(a, b, c, d):
    return np.sqrt((a - c) ** 2 + (b - d) ** 2)


@formula((-80, 80), most=2.4362461, slope=0.100509506)
def mercator(lat):
    return np.log(np.tan(np.pi / 4 + np.radians(lat) / 2))


@formula((0, 5), (0, 5), most=12, least=0)
def heron(a, b):
    s = (a + b + 6) / 2
    return np.sqrt(np.maximum(s * (s - a) * (s - b) * (s - 6), 0))


@formula((-20, 10), (5, 60), most=9.7551157, slope=1.3884321)
def wind_chill(t, v):
    return 13.12 + 0.6215 * t - 11.37 * v**0.16 + 0.3965 * t * v**0.16


# -- epidemiology, survival ------------------------------------------------------------


@formula((0, 1), (0, 1), (0.01, 0.5), most=0.98039216, slope=50)
def predictive_value(se, sp, prev):
    return se * prev / (se * prev + (1 - sp) * (1 - prev) + 0.01)


@formula((0.5, 5), (0, 1), most=0.8, slope=1)
def herd_immunity(r0, v):
    return np.maximum(1 - 1 / r0, 0) * (1 - v)


@formula((0, 1, 5), most=1, least=0, slope=2.236068)
def kaplan_meier(h):
    return np.prod(1 - h)


@formula((0.1, 5), (0.5, 5), most=0.4789276, slope=39.185536)
def gamma_log_density(x, a):
    return (a - 1) * np.log(x) - x - sc.gammaln(a)


@formula((0, 5), (0.1, 5), most=29.32023)
def poisson_deviance(y, mu):
    return 2 * (sc.xlogy(y, y / mu) - (y - mu))


# -- losses ----------------------------------------------------------------------------


@formula((-5, 5), (-5, 5), most=13.875, least=0, slope=2.1213203)
def huber(a, b):
    r = a - b
    return np.where(np.abs(r) <= 1.5, 0.5 * r**2, 1.5 * (np.abs(r) - 0.75))


@formula((-4, 4), most=3.9280552, slope=1.0998393)
def swish(x):
    return x / (1 + np.exp(-x))


@formula((-5, 5), most=5.2535, slope=1.7580943)
def selu(x):
    return 1.0507 * np.where(x > 0, x, 1.67326 * (np.exp(x) - 1))


@formula((-3, 3, 4), most=7.0994382, slope=1.4072629)
def cross_entropy(z):
    return -(z[2] - np.log(np.sum(np.exp(z))))


@formula((-20, 20, 3), most=21.098612, slope=1)
def shifted_log_sum(z):
    m = np.max(z)
    return m + np.log(np.sum(np.exp(z - m)))


@formula((-800, 800), most=800, slope=1)
def softplus(x):
    return np.log(1 + np.exp(x))


@formula((-800, 800), most=560, slope=0.7)
def stable_cross_entropy(x):
    return np.maximum(x, 0) - x * 0.3 + np.log(1 + np.exp(-np.abs(x)))


@formula((-5, 5, 4), most=4.5, slope=0.45)
def pinball(r):
    return np.mean(np.maximum(0.9 * r, (0.9 - 1) * r))


# -- robust statistics -----------------------------------------------------------------


@formula((0, 10, 5), most=10, slope=1.4142136)
def interquartile_range(x):
    return np.percentile(x, 75) - np.percentile(x, 25)


@formula((0, 10, 5), most=10, slope=1)
def sorted_middle(x):
    return np.sort(x)[2]


@formula((0, 10, 6), most=10, slope=0.5)
def trimmed_mean(x):
    return np.mean(np.sort(x)[1:-1])


@formula((0, 10, 6), most=8, slope=0.40824829)
def winsorized_mean(x):
    return np.mean(np.clip(x, 2, 8))


@formula((0, 1, 6), most=1, slope=0.57735027)
def best_three(x):
    return np.mean(np.partition(x, 3)[3:])


@formula((-0.9, 0.9), most=1.4722195, slope=5.2631579)
def fisher_z(r):
    return 0.5 * np.log((1 + r) / (1 - r))


# -- regression ------------------------------------------------------------------------

TIMES = np.array([0.0, 1, 2, 3, 5])
DESIGN = np.stack([np.ones(5), TIMES], axis=1)


@formula((0, 1, 5), most=0.2432432, slope=0.2599376)
def trend_by_polyfit(v):
    return np.polyfit(TIMES, v, 1)[0]


@formula((0, 1, 5), most=0.2432432, slope=0.2599376)
def trend_by_least_squares(v):
    return np.linalg.lstsq(DESIGN, v, rcond=None)[0][1]


@formula((0, 1, 5), most=0.2432432, slope=0.2599376)
def trend_by_normal_equations(v):
    return np.linalg.solve(DESIGN.T @ DESIGN, DESIGN.T @ v)[1]


@formula((0, 5), (0, 1), most=0.2)
def trend_with_one_private_point(a, b):
    x = np.concatenate([np.reshape(a, (1,)), TIMES[1:]])
    v = np.concatenate([np.reshape(b, (1,)), np.array([0.2, 0.4, 0.5, 0.9])])
    return np.linalg.lstsq(np.stack([np.ones(5), x], axis=1), v, rcond=None)[0][1]
