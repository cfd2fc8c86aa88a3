"""Test functions of global optimisation, as plain NumPy, with their least values.

Written from their formulas as the literature gives them (M. Jamil and X.-S. Yang, "A
literature survey of benchmark functions for global optimisation problems", 2013; A.
Gavana's collection; L. C. W. Dixon and G. P. Szegoe, "Towards Global Optimisation",
1978).  Each takes one vector: an object array of scalars, an array Variable, or plain
numbers.  ``minimum`` is the least value over the box, found by certified search; where
the literature says otherwise, ``note`` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

pi, exp, sin, cos, sqrt, log = np.pi, np.exp, np.sin, np.cos, np.sqrt, np.log


@dataclass(frozen=True)
class GlobalFunction:
    """A function to be minimised over a box.

    Attributes
    ----------
    name : str
        What the literature calls it.
    f : callable
        One vector to a scalar.
    box : tuple of pairs
        The ends of each input.
    minimum : float
        The least value over the box, to about 1e-9.
    note : str
        Where this differs from what is often printed.
    """

    name: str
    f: Callable[[Any], Any]
    box: tuple[tuple[float, float], ...]
    minimum: float
    note: str = ""

    @property
    def n(self) -> int:
        """The number of inputs."""
        return len(self.box)


FUNCTIONS: dict[str, GlobalFunction] = {}


def enter(
    *sides: tuple[float, float], n: int = 0, least: float = 0.0, note: str = ""
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Return a decorator that enters a function; one side is repeated ``n`` times."""
    box = sides * n if n else sides

    def put(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = f"{f.__name__.rstrip('_')}_{n}" if n else f.__name__
        assert name not in FUNCTIONS, name
        FUNCTIONS[name] = GlobalFunction(name, f, box, least, note)
        return f

    return put


# -- one input -------------------------------------------------------------------------


@enter((2.7, 7.5), least=-1.8995993491)
def problem02(x):
    return sin(x[0]) + sin(10 / 3 * x[0])


@enter((-10, 10), least=-12.0312494421)
def problem03(x):
    return -sum(k * sin((k + 1) * x[0] + k) for k in range(1, 6))


@enter((0, 10), least=-7.9167273716)
def problem15(x):
    return -x[0] * sin(x[0])


@enter((0.5, 2.5), least=-0.8690111349894997)
def gramacy_lee(x):
    return sin(10 * pi * x[0]) / (2 * x[0]) + (x[0] - 1) ** 4


@enter((0, 1), least=-6.020740055766)
def forrester(x):
    return (6 * x[0] - 2) ** 2 * sin(12 * x[0] - 4)


# -- two inputs ------------------------------------------------------------------------


@enter((-1, 2), (-1, 1), least=-2.021806783359787)
def adjiman(x):
    return cos(x[0]) * sin(x[1]) - x[0] / (x[1] ** 2 + 1)


@enter((-32, 32), (-32, 32), least=-195.62902823842)
def ackley3(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    return -200 * exp(-0.02 * root) + 5 * exp(cos(3 * x[0]) + sin(3 * x[1]))


@enter((-32, 32), (-32, 32), least=-200.0)
def ackley2(x):
    return -200 * exp(-0.02 * sqrt(x[0] ** 2 + x[1] ** 2))


@enter((-500, 500), n=2, least=1.0)
def bartels_conn(x):
    a, b = x[0], x[1]
    return abs(a**2 + b**2 + a * b) + abs(sin(a)) + abs(cos(b))


@enter((-4.5, 4.5), n=2)
def beale(x):
    a, b = x[0], x[1]
    return (
        (1.5 - a + a * b) ** 2
        + (2.25 - a + a * b**2) ** 2
        + (2.625 - a + a * b**3) ** 2
    )


@enter((-2 * pi, 2 * pi), n=2, least=-106.7645367198)
def bird(x):
    a, b = x[0], x[1]
    return (
        sin(a) * exp((1 - cos(b)) ** 2) + cos(b) * exp((1 - sin(a)) ** 2) + (a - b) ** 2
    )


@enter((-100, 100), n=2)
def bohachevsky1(x):
    return (
        x[0] ** 2
        + 2 * x[1] ** 2
        - 0.3 * cos(3 * pi * x[0])
        - 0.4 * cos(4 * pi * x[1])
        + 0.7
    )


@enter((-100, 100), n=2)
def bohachevsky2(x):
    return (
        x[0] ** 2 + 2 * x[1] ** 2 - 0.3 * cos(3 * pi * x[0]) * cos(4 * pi * x[1]) + 0.3
    )


@enter((-100, 100), n=2)
def bohachevsky3(x):
    return x[0] ** 2 + 2 * x[1] ** 2 - 0.3 * cos(3 * pi * x[0] + 4 * pi * x[1]) + 0.3


@enter((-10, 10), n=2)
def booth(x):
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


@enter((-5, 10), (0, 15), least=0.39788735772973816)
def branin(x):
    a, b = x[0], x[1]
    c, r = 5.1 / (4 * pi**2), 5 / pi
    return (b - c * a**2 + r * a - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(a) + 10


@enter((-5, 15), n=2, least=5.558914403893876)
def branin2(x):
    a, b = x[0], x[1]
    c, r = 5.1 / (4 * pi**2), 5 / pi
    waves = 10 * (1 - 1 / (8 * pi)) * cos(a) * cos(b)
    return (b - c * a**2 + r * a - 6) ** 2 + waves + log(a**2 + b**2 + 1) + 10


@enter((-20, 0), (-20, 0), least=1.3838965267367376e-87)
def brent(x):
    return (x[0] + 10) ** 2 + (x[1] + 10) ** 2 + exp(-(x[0] ** 2) - x[1] ** 2)


@enter((-15, -5), (-3, 3), least=-124.75)
def bukin2(x):
    return 100 * (x[1] ** 2 - 0.01 * x[0] ** 2 + 1) + 0.01 * (x[0] + 10) ** 2


@enter((-15, -5), (-3, 3))
def bukin4(x):
    return 100 * x[1] ** 2 + 0.01 * abs(x[0] + 10)


@enter((-15, -5), (-3, 3), least=0.0)
def bukin6(x):
    return 100 * sqrt(abs(x[1] - 0.01 * x[0] ** 2)) + 0.01 * abs(x[0] + 10)


@enter((-10, 10), n=2, least=-24.15681554739078)
def carrom_table(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    return -(((cos(x[0]) * cos(x[1])) * exp(abs(1 - root / pi))) ** 2) / 30


@enter((-30, 30), n=2, least=-42.9443870189)
def chichinadze(x):
    a, b = x[0], x[1]
    return (
        a**2
        - 12 * a
        + 11
        + 10 * cos(pi * a / 2)
        + 8 * sin(5 * pi * a / 2)
        - sqrt(0.2) * exp(-0.5 * (b - 0.5) ** 2)
    )


@enter((-10, 10), n=2, least=-2.062611870822739)
def cross_in_tray(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    waves = sin(x[0]) * sin(x[1]) * exp(abs(100 - root / pi))
    return -0.0001 * (abs(waves) + 1) ** 0.1


@enter((-10, 10), n=2)
def cube(x):
    return 100 * (x[1] - x[0] ** 3) ** 2 + (1 - x[0]) ** 2


@enter((-1, 1), n=2, least=-1.0)
def deb1(x):
    return -np.sum(sin(5 * pi * x) ** 6) / len(x)


@enter((0, 1), n=2, least=-1.0)
def deb3(x):
    return -np.sum(sin(5 * pi * (x**0.75 - 0.05)) ** 6) / len(x)


@enter((-10, 10), n=2)
def decanomial(x):
    a, b = x[0], x[1]
    p = (
        a**10
        - 20 * a**9
        + 180 * a**8
        - 960 * a**7
        + 3360 * a**6
        - 8064 * a**5
        + 13340 * a**4
        - 15360 * a**3
        + 11520 * a**2
        - 5120 * a
        + 2624
    )
    q = b**4 + 12 * b**3 + 54 * b**2 + 108 * b + 81
    return 0.001 * (abs(p) + abs(q)) ** 2


@enter((-20, 20), n=2, least=-24776.518342317686)
def deckkers_aarts(x):
    s = x[0] ** 2 + x[1] ** 2
    return 1e5 * x[0] ** 2 + x[1] ** 2 - s**2 + 1e-5 * s**4


@enter((0, 10), n=2, least=-1.0)
def deflected_corrugated_spring(x):
    s = np.sum((x - 5) ** 2)
    return 0.1 * s - cos(5 * sqrt(s))


@enter((-5.12, 5.12), n=2, least=-1.0)
def drop_wave(x):
    s = np.sum(x**2)
    return -(1 + cos(12 * sqrt(s))) / (0.5 * s + 2)


@enter((-100, 100), n=2, least=-1.0)
def easom(x):
    bump = exp(-((x[0] - pi) ** 2) - (x[1] - pi) ** 2)
    return -cos(x[0]) * cos(x[1]) * bump


@enter((-5, 5), n=2)
def egg_crate(x):
    return np.sum(x**2) + 25 * np.sum(sin(x) ** 2)


@enter((-512, 512), n=2, least=-959.6406627208506)
def eggholder(x):
    a, b = x[0], x[1] + 47
    return -b * sin(sqrt(abs(b + a / 2))) - a * sin(sqrt(abs(a - b)))


@enter((-100, 100), n=2, least=1.7127803548622027)
def el_attar(x):
    a, b = x[0], x[1]
    return (a**2 + b - 10) ** 2 + (a + b**2 - 7) ** 2 + (a**2 + b**3 - 1) ** 2


@enter((0, 20), n=2)
def exp2(x):
    return sum(
        (exp(-i * x[0] / 10) - 5 * exp(-i * x[1] / 10) - exp(-i / 10) + 5 * exp(-i))
        ** 2
        for i in range(10)
    )


@enter((-10, 10), n=2)
def freudenstein_roth(x):
    a, b = x[0], x[1]
    p = a - 13 + ((5 - b) * b - 2) * b
    q = a - 29 + ((b + 1) * b - 14) * b
    return p**2 + q**2


@enter((-1, 1), n=2, least=0.06447042053690566)
def giunta(x):
    t = 16 / 15 * x - 1
    return 0.6 + np.sum(sin(t) ** 2 + sin(t) + sin(4 * t) / 50)


@enter((-2, 2), n=2, least=3.0)
def goldstein_price(x):
    a, b = x[0], x[1]
    p = (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    q = (2 * a - 3 * b) ** 2 * (
        18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2
    )
    return (1 + p) * (30 + q)


@enter((-10, 10), n=2, least=-176.5417931367)
def hansen(x):
    p = sum((i + 1) * cos(i * x[0] + i + 1) for i in range(5))
    q = sum((i + 1) * cos((i + 2) * x[1] + i + 1) for i in range(5))
    return p * q


@enter((-5, 5), n=2)
def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


@enter((-10, 10), n=2, least=-19.208502567886743)
def holder_table(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    return -abs(sin(x[0]) * cos(x[1]) * exp(abs(1 - root / pi)))


@enter((0, 5), (0, 6), least=-2.345811576101292)
def hosaki(x):
    a, b = x[0], x[1]
    p = 1 - 8 * a + 7 * a**2 - 7 / 3 * a**3 + 0.25 * a**4
    return p * b**2 * exp(-b)


@enter((-1, 1), n=2, least=124.36218235561473)
def jennrich_sampson(x):
    return sum((2 + 2 * i - (exp(i * x[0]) + exp(i * x[1]))) ** 2 for i in range(1, 11))


@enter((0.01, 10), n=2, least=-0.6735111144298928)
def keane(x):
    top = sin(x[0] - x[1]) ** 2 * sin(x[0] + x[1]) ** 2
    return -top / sqrt(x[0] ** 2 + x[1] ** 2)


@enter((-1.2, 1.2), n=2)
def leon(x):
    return 100 * (x[1] - x[0] ** 3) ** 2 + (1 - x[0]) ** 2


@enter((-10, 10), n=2, least=-176.13757800162838)
def levy5(x):
    p = sum(i * cos((i - 1) * x[0] + i) for i in range(1, 6))
    q = sum(j * cos((j + 1) * x[1] + j) for j in range(1, 6))
    return p * q + (x[0] + 1.42513) ** 2 + (x[1] + 0.80032) ** 2


@enter((-10, 10), n=2)
def levy13(x):
    a, b = x[0], x[1]
    return (
        (a - 1) ** 2 * (sin(3 * pi * b) ** 2 + 1)
        + (b - 1) ** 2 * (sin(2 * pi * b) ** 2 + 1)
        + sin(3 * pi * a) ** 2
    )


@enter((-10, 10), n=2)
def matyas(x):
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


@enter((-1.5, 4), (-3, 4), least=-1.9132229549810367)
def mccormick(x):
    return sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


@enter((0, pi), n=2, least=-1.8013034100985537)
def michalewicz(x):
    i = np.arange(1, len(x) + 1)
    return -np.sum(sin(x) * sin(i * x**2 / pi) ** 20)


@enter((-10, 10), n=2, least=-0.18466696298826848)
def mishra3(x):
    root = sqrt(abs(x[0] ** 2 + x[1]))
    return 0.01 * (x[0] + x[1]) + sqrt(abs(cos(root)))


@enter((-10, 10), n=2, least=-0.1994114297008308)
def mishra4(x):
    root = sqrt(abs(x[0] ** 2 + x[1]))
    return 0.01 * (x[0] + x[1]) + sqrt(abs(sin(root)))


@enter((-10, 10), n=2, least=-1.019829519930646)
def mishra5(x):
    p = sin((cos(x[0]) + cos(x[1])) ** 2) ** 2
    q = cos((sin(x[0]) + sin(x[1])) ** 2) ** 2
    return (p + q + x[0]) ** 2 + 0.01 * x[0] + 0.1 * x[1]


@enter((-10, 10), n=2, least=-2.283949838474759)
def mishra6(x):
    a, b = x[0], x[1]
    p = sin((cos(a) + cos(b)) ** 2) ** 2
    q = cos((sin(a) + sin(b)) ** 2) ** 2
    return -log((p - q + a) ** 2) + 0.1 * ((a - 1) ** 2 + (b - 1) ** 2)


@enter((-5, 5), n=2)
def parsopoulos(x):
    return cos(x[0]) ** 2 + sin(x[1]) ** 2


@enter((-11, 11), n=2, least=-0.9635348327265058)
def pen_holder(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    waves = abs(cos(x[0]) * cos(x[1]) * exp(abs(1 - root / pi)))
    return -exp(-1 / waves)


@enter((-10, 10), n=2)
def price1(x):
    return (abs(x[0]) - 5) ** 2 + (abs(x[1]) - 5) ** 2


@enter((-10, 10), n=2, least=0.9)
def price2(x):
    return 1 + sin(x[0]) ** 2 + sin(x[1]) ** 2 - 0.1 * exp(-(x[0] ** 2) - x[1] ** 2)


@enter((-50, 50), n=2)
def price4(x):
    a, b = x[0], x[1]
    return (2 * a**3 * b - b**3) ** 2 + (6 * a - b**2 + b) ** 2


@enter((-500, 500), n=2)
def qing(x):
    return np.sum((x**2 - np.arange(1, len(x) + 1)) ** 2)


@enter((-10, 10), n=2, least=-3873.7241821862713)
def quadratic(x):
    a, b = x[0], x[1]
    return (
        -3803.84
        - 138.08 * a
        - 232.92 * b
        + 128.08 * a**2
        + 203.64 * b**2
        + 182.25 * a * b
    )


@enter((-5.12, 5.12), n=2)
def rastrigin(x):
    return 10 * len(x) + np.sum(x**2 - 10 * cos(2 * pi * x))


@enter((0, 1), n=2, least=-2.2)
def ripple1(x):
    waves = sin(5 * pi * x) ** 6 + 0.1 * cos(500 * pi * x) ** 2
    return -np.sum(exp(-2 * log(2) * ((x - 0.1) / 0.8) ** 2) * waves)


@enter((-5, 10), n=2)
def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@enter((-2, 2), n=2, least=34.040243106640844, note="34.37 is often printed")
def rosenbrock_modified(x):
    a, b = x[0], x[1]
    dip = 400 * exp(-((a + 1) ** 2 + (b + 1) ** 2) / 0.1)
    return 74 + 100 * (b - a**2) ** 2 + (1 - a) ** 2 - dip


@enter((-500, 500), n=2)
def rotated_ellipse(x):
    return 7 * x[0] ** 2 - 6 * sqrt(3) * x[0] * x[1] + 13 * x[1] ** 2


@enter((-100, 100), n=2)
def salomon(x):
    root = sqrt(np.sum(x**2))
    return 1 - cos(2 * pi * root) + 0.1 * root


@enter((-100, 100), n=2)
def schaffer1(x):
    s = x[0] ** 2 + x[1] ** 2
    return 0.5 + (sin(s**2) ** 2 - 0.5) / (1 + 0.001 * s**2) ** 2


@enter((-100, 100), n=2)
def schaffer2(x):
    a, b = x[0] ** 2, x[1] ** 2
    return 0.5 + (sin(a - b) ** 2 - 0.5) / (1 + 0.001 * (a + b)) ** 2


@enter((-100, 100), n=2, least=0.0015668545260126)
def schaffer3(x):
    a, b = x[0] ** 2, x[1] ** 2
    return 0.5 + (sin(cos(abs(a - b))) ** 2 - 0.5) / (1 + 0.001 * (a + b)) ** 2


@enter((-100, 100), n=2, least=0.2925786320359805)
def schaffer4(x):
    a, b = x[0] ** 2, x[1] ** 2
    return 0.5 + (cos(sin(abs(a - b))) ** 2 - 0.5) / (1 + 0.001 * (a + b)) ** 2


@enter((-100, 100), n=2)
def schaffer6(x):
    s = x[0] ** 2 + x[1] ** 2
    return 0.5 + (sin(sqrt(s)) ** 2 - 0.5) / (1 + 0.001 * s) ** 2


@enter((0, 10), n=2)
def schwefel6(x):
    return np.maximum(abs(x[0] + 2 * x[1] - 7), abs(2 * x[0] + x[1] - 5))


@enter(
    (-500, 500),
    n=2,
    least=-5.44865315532661e-07,
    note="zero in print; the constant is rounded",
)
def schwefel26(x):
    return 418.982887 * len(x) - np.sum(x * sin(sqrt(abs(x))))


@enter((0, 500), n=2, least=-3456.0)
def schwefel36(x):
    return -x[0] * x[1] * (72 - 2 * x[0] - 2 * x[1])


@enter((-10, 10), n=2, least=-186.7309088310)
def shubert1(x):
    i = range(1, 6)
    p = sum(k * cos((k + 1) * x[0] + k) for k in i)
    return p * sum(k * cos((k + 1) * x[1] + k) for k in i)


@enter((-10, 10), n=2, least=-24.062498884334165)
def shubert3(x):
    return sum(-k * np.sum(sin((k + 1) * x + k)) for k in range(1, 6))


@enter((-3, 3), (-2, 2), least=-1.0316284534898774)
def six_hump_camel(x):
    a, b = x[0], x[1]
    return (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2


@enter((-100, 100), n=2, least=0.0)
def sine_envelope(x):
    s = x[:-1] ** 2 + x[1:] ** 2
    return np.sum((sin(sqrt(s)) ** 2 - 0.5) / (1 + 0.001 * s) ** 2 + 0.5)


@enter((-10, 10), n=2)
def stretched_v(x):
    s = x[:-1] ** 2 + x[1:] ** 2
    return np.sum(s**0.25 * (sin(50 * s**0.1) ** 2 + 1))


@enter((-5, 5), n=2, least=-78.33233140754282)
def styblinski_tang(x):
    return 0.5 * np.sum(x**4 - 16 * x**2 + 5 * x)


@enter((-10, 10), n=2, least=-10.872300105622651)
def test_tube_holder(x):
    p = exp(abs(cos((x[0] ** 2 + x[1] ** 2) / 200)))
    return -4 * abs(sin(x[0]) * cos(x[1]) * p)


@enter((-5, 5), n=2)
def three_hump_camel(x):
    a, b = x[0], x[1]
    return 2 * a**2 - 1.05 * a**4 + a**6 / 6 + a * b + b**2


@enter((-2, 2), n=2)
def treccani(x):
    return x[0] ** 4 + 4 * x[0] ** 3 + 4 * x[0] ** 2 + x[1] ** 2


@enter((-10, 10), n=2, least=-3.306868647475237)
def trefethen(x):
    a, b = x[0], x[1]
    return (
        exp(sin(50 * a))
        + sin(60 * exp(b))
        + sin(70 * sin(a))
        + sin(sin(80 * b))
        - sin(10 * (a + b))
        + 0.25 * (a**2 + b**2)
    )


@enter((-2.5, 3), (-2, 2), least=-4.816814063734823)
def ursem1(x):
    a, b = x[0], x[1]
    return -sin(2 * a - 0.5 * pi) - 3 * cos(b) - 0.5 * a


@enter((-2, 2), (-1.5, 1.5), least=-3.0)
def ursem3(x):
    p = -sin(2.2 * pi * x[0] + 0.5 * pi) * (2 - abs(x[0])) * (3 - abs(x[0])) / 4
    q = -sin(2.2 * pi * x[1] + 0.5 * pi) * (2 - abs(x[1])) * (3 - abs(x[1])) / 4
    return p + q


@enter((-2, 2), n=2, least=-1.5)
def ursem4(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    return -3 * sin(0.5 * pi * x[0] + 0.5 * pi) * (2 - root) / 4


@enter((-50, 50), n=2, least=-400.0)
def venter(x):
    return np.sum(x**2 - 100 * cos(x) ** 2 - 100 * cos(x**2 / 30))


@enter((-pi, pi), n=2)
def wavy(x):
    return 1 - np.sum(cos(10 * x) * exp(-(x**2) / 2)) / len(x)


@enter((-5, 5), n=2)
def wayburn_seader1(x):
    return (x[0] ** 6 + x[1] ** 4 - 17) ** 2 + (2 * x[0] + x[1] - 4) ** 2


@enter((-2 * pi, 2 * pi), n=2, least=-1.0)
def xin_she_yang3(x):
    p = exp(-np.sum((x / 15) ** 10))
    q = 2 * exp(-np.sum(x**2)) * np.prod(cos(x) ** 2)
    return p - q


@enter((-2 * pi, 2 * pi), n=2)
def xin_she_yang2(x):
    return np.sum(abs(x)) * exp(-np.sum(sin(x**2)))


@enter((-5, 5), n=2)
def zakharov(x):
    s = np.sum(0.5 * np.arange(1, len(x) + 1) * x)
    return np.sum(x**2) + s**2 + s**4


@enter((-1, 5), n=2, least=-0.0037912372204620)
def zettl(x):
    return 0.25 * x[0] + (x[0] ** 2 - 2 * x[0] + x[1] ** 2) ** 2


@enter((-10, 10), n=2, least=-0.3523860738000)
def zirilli(x):
    return 0.25 * x[0] ** 4 - 0.5 * x[0] ** 2 + 0.1 * x[0] + 0.5 * x[1] ** 2


# -- more inputs -----------------------------------------------------------------------


@enter((-30, 30), n=3)
def ackley(x):
    n = len(x)
    p = 20 * exp(-0.2 * sqrt(np.sum(x**2) / n))
    return 20 + np.e - p - exp(np.sum(cos(2 * pi * x)) / n)


@enter((-10, 10), n=3)
def alpine1(x):
    return np.sum(abs(x * sin(x) + 0.1 * x))


@enter((0, 10), n=3, least=-22.143801266508174)
def alpine2(x):
    return -np.prod(sqrt(x) * sin(x))


@enter((0.9, 1.2), (9, 11.2), (0.9, 1.2))
def box_betts(x):
    return sum(
        (exp(-0.1 * i * x[0]) - exp(-0.1 * i * x[1]) - (exp(-0.1 * i) - exp(-i)) * x[2])
        ** 2
        for i in range(1, 11)
    )


@enter((-1, 4), n=4)
def brown(x):
    a, b = x[:-1] ** 2, x[1:] ** 2
    return np.sum(a ** (b + 1) + b ** (a + 1))


@enter((-10, 10), n=4)
def colville(x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    return (
        100 * (a**2 - b) ** 2
        + (a - 1) ** 2
        + (c - 1) ** 2
        + 90 * (c**2 - d) ** 2
        + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2)
        + 19.8 * (b - 1) * (d - 1)
    )


@enter((-1, 1), n=4, least=-0.4)
def cosine_mixture(x):
    return np.sum(x**2) - 0.1 * np.sum(cos(5 * pi * x))


@enter((-1, 1), n=3)
def csendes(x):
    return np.sum(x**6 * (2 + sin(1 / (x + 2))))


@enter((-10, 10), n=4)
def dixon_price(x):
    i = np.arange(2, len(x) + 1)
    return (x[0] - 1) ** 2 + np.sum(i * (2 * x[1:] ** 2 - x[:-1]) ** 2)


@enter((-1, 1), n=6, least=-1.0)
def exponential(x):
    return -exp(-0.5 * np.sum(x**2))


@enter((-100, 100), n=3)
def griewank(x):
    i = sqrt(np.arange(1, len(x) + 1))
    return np.sum(x**2) / 4000 - np.prod(cos(x / i)) + 1


def _hartmann(a, p, x):
    c = np.array([1, 1.2, 3, 3.2])
    return -sum(
        c[i] * exp(-np.sum(np.array(a[i]) * (x - 1e-4 * np.array(p[i])) ** 2))
        for i in range(4)
    )


@enter((0, 1), n=3, least=-3.862779787332653)
def hartmann(x):
    a = [[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]]
    p = [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
    return _hartmann(a, p, x)


@enter((0, 1), n=6, least=-3.322368011415515)
def hartmann_of_six(x):
    a = [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
    p = [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
    return _hartmann(a, p, x)


@enter((-5, 5), n=4, least=0.00030748598780560557)
def kowalik(x):
    b = [4, 2, 1, 1 / 2, 1 / 4, 1 / 6, 1 / 8, 1 / 10, 1 / 12, 1 / 14, 1 / 16]
    a = [
        0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235,
        0.0246,
    ]  # fmt: skip
    return sum(
        (a[i] - x[0] * (b[i] ** 2 + b[i] * x[1]) / (b[i] ** 2 + b[i] * x[2] + x[3]))
        ** 2
        for i in range(11)
    )


@enter((-10, 10), n=4)
def levy(x):
    w = 1 + (x - 1) / 4
    inner = (w[:-1] - 1) ** 2 * (1 + 10 * sin(pi * w[:-1] + 1) ** 2)
    tail = (w[-1] - 1) ** 2 * (1 + sin(2 * pi * w[-1]) ** 2)
    return sin(pi * w[0]) ** 2 + np.sum(inner) + tail


@enter((0, pi), n=5, least=-4.687658179088148)
def michalewicz_of_five(x):
    return michalewicz(x)


@enter((-1, 1), n=4)
def miele_cantrell(x):
    return (
        (exp(-x[0]) - x[1]) ** 4
        + 100 * (x[1] - x[2]) ** 6
        + np.tan(x[2] - x[3]) ** 4
        + x[0] ** 8
    )


@enter((2.001, 9.999), n=4, least=9.100080185878339)
def paviani(x):
    return np.sum(log(10 - x) ** 2 + log(x - 2) ** 2) - np.prod(x) ** 0.2


@enter((-3, 3), n=3, least=0.0, note="the least value over wider boxes is lower")
def pathological(x):
    a, b = x[:-1], x[1:]
    top = sin(sqrt(100 * b**2 + a**2)) ** 2 - 0.5
    return np.sum(0.5 + top / (1 + 0.001 * (a - b) ** 4))


@enter((-4, 4), n=4)
def perm0(x):
    j = np.arange(1, len(x) + 1)
    return sum(np.sum((j + 10) * (x**k - 1.0 / j**k)) ** 2 for k in range(1, 5))


@enter((-4, 5), n=4)
def powell(x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


@enter((0, 4), n=4)
def power_sum(x):
    b = [8, 18, 44, 114]
    return sum((np.sum(x ** (k + 1)) - b[k]) ** 2 for k in range(4))


@enter((-5, 10), n=4)
def rosenbrock_of_four(x):
    return rosenbrock(x)


@enter((-5.12, 5.12), n=6)
def rastrigin_of_six(x):
    return rastrigin(x)


@enter((-100, 100), n=4)
def sargan(x):
    n = len(x)
    total = np.sum(x)
    return np.sum(n * (x**2 + 0.4 * (x * total - x**2)))


@enter((-100, 100), n=4)
def schwefel1(x):
    return np.sum(x**2) ** sqrt(pi)


@enter((-100, 100), n=4)
def schwefel2(x):
    return sum(np.sum(x[: i + 1]) ** 2 for i in range(len(x)))


@enter((0, 10), n=4)
def schwefel4(x):
    return np.sum((x - 1) ** 2 + (x[0] - x**2) ** 2)


@enter((-100, 100), n=4)
def schwefel20(x):
    return np.sum(abs(x))


@enter((-100, 100), n=4)
def schwefel21(x):
    return np.max(abs(x))


@enter((-100, 100), n=4)
def schwefel22(x):
    return np.sum(abs(x)) + np.prod(abs(x))


@enter((-500, 500), n=5, least=-1.3621602192870341e-06)
def schwefel26_of_five(x):
    return schwefel26(x)


def _shekel(m, x):
    a = np.array([
        [4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7],
        [2, 9, 2, 9], [5, 5, 3, 3], [8, 1, 8, 1], [6, 2, 6, 2], [7, 3.6, 7, 3.6],
    ])  # fmt: skip
    c = [0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5]
    return -sum(1 / (np.sum((x - a[i]) ** 2) + c[i]) for i in range(m))


@enter((0, 10), n=4, least=-10.153199679058231)
def shekel5_(x):
    return _shekel(5, x)


@enter((0, 10), n=4, least=-10.402940566818664)
def shekel7_(x):
    return _shekel(7, x)


@enter((0, 10), n=4, least=-10.536409816692046)
def shekel10_(x):
    return _shekel(10, x)


@enter((-1, 1), n=6)
def sum_of_powers(x):
    return sum(abs(x[i]) ** (i + 2) for i in range(len(x)))


@enter((-10, 10), n=6)
def sum_squares(x):
    return np.sum(np.arange(1, len(x) + 1) * x**2)


@enter((-5, 5), n=5, least=-195.83082851885706)
def styblinski_tang_of_five(x):
    return styblinski_tang(x)


@enter((-36, 36), n=6, least=-50.0)
def trid(x):
    return np.sum((x - 1) ** 2) - np.sum(x[1:] * x[:-1])


@enter((0, pi), n=4)
def trigonometric(x):
    i, n = np.arange(1, len(x) + 1), len(x)
    return np.sum((n - np.sum(cos(x)) + i * (1 - cos(x)) - sin(x)) ** 2)


@enter((0.25, 10), n=3, least=-3.0)
def vincent(x):
    return -np.sum(sin(10 * log(x)))


@enter((0, 2), n=3)
def wolfe(x):
    return 4 / 3 * abs(x[0] ** 2 + x[1] ** 2 - x[0] * x[1]) ** 0.75 + x[2]


@enter((-10, 10), n=4)
def wood(x):
    return colville(x)


@enter((-5, 5), n=3)
def zakharov_of_three(x):
    return zakharov(x)


# -- and more, of the kind that is met less often ------------------------------------


@enter((0, 10), n=2)
def amgm(x):
    return (np.mean(x) - np.prod(x) ** (1 / len(x))) ** 2


@enter((0, 20), n=2)
def biggs_exp2(x):
    t = np.arange(1, 11) * 0.1
    return np.sum(
        (exp(-t * x[0]) - 5 * exp(-t * x[1]) - exp(-t) + 5 * exp(-10 * t)) ** 2
    )


@enter((0, 20), n=3)
def biggs_exp3(x):
    t = np.arange(1, 11) * 0.1
    return np.sum(
        (exp(-t * x[0]) - x[2] * exp(-t * x[1]) - exp(-t) + 5 * exp(-10 * t)) ** 2
    )


@enter((-10, 10), n=2, least=-1.0)
def cross_leg_table(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    waves = sin(x[0]) * sin(x[1]) * exp(abs(100 - root / pi))
    return -1 / (abs(waves) + 1) ** 0.1


@enter((-10, 10), n=2, least=0.0001)
def crowned_cross(x):
    root = sqrt(x[0] ** 2 + x[1] ** 2)
    waves = sin(x[0]) * sin(x[1]) * exp(abs(100 - root / pi))
    return 0.0001 * (abs(waves) + 1) ** 0.1


@enter((1, 60), n=4, least=0.07848332233480562)
def devilliers_glasser1(x):
    t = 0.1 * np.arange(24)
    y = 60.137 * 1.371**t * sin(3.112 * t + 1.761)
    return np.sum((x[0] * x[1] ** t * sin(x[2] * t + x[3]) - y) ** 2)


@enter((-100, 100), n=5)
def dolan(x):
    a, b, c, d, e = x[0], x[1], x[2], x[3], x[4]
    p = (a + 1.7 * b) * sin(a) - 1.5 * c - 0.1 * d * cos(d + e - a)
    return abs(p + 0.2 * e**2 - b - 1)


@enter((0, 20), (1, 20), (10, 600))
def eckerle(x):
    t = np.array([400.0, 420, 435, 444, 447, 450, 453, 456, 460, 475, 500])
    y = 1.5543 / 4.0888 * exp(-((t - 451.54) ** 2) / (2 * 4.0888**2))
    return np.sum((y - x[0] / x[1] * exp(-((t - x[2]) ** 2) / (2 * x[1] ** 2))) ** 2)


@enter((0.1, 60), (0.1, 60), (0.1, 60))
def gulf(x):
    t = np.arange(1, 31) / 100
    y = 25 + (-50 * log(t)) ** (2 / 3)
    return np.sum((exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t) ** 2)


@enter((-10, 10), n=2, least=16.0817301329604)
def judge(x):
    y = np.array(
        [4.284, 4.149, 3.877, 0.533, 2.211, 2.389, 2.145, 3.231, 1.998, 1.379,
         2.106, 1.428, 1.011, 2.179, 2.858, 1.388, 1.651, 1.593, 1.046, 2.152]
    )  # fmt: skip
    a = np.array(
        [0.286, 0.973, 0.384, 0.276, 0.973, 0.543, 0.957, 0.948, 0.543, 0.797,
         0.936, 0.889, 0.006, 0.828, 0.399, 0.617, 0.939, 0.784, 0.072, 0.889]
    )  # fmt: skip
    b = np.array(
        [0.645, 0.585, 0.310, 0.058, 0.455, 0.779, 0.259, 0.202, 0.028, 0.099,
         0.142, 0.296, 0.175, 0.180, 0.842, 0.039, 0.103, 0.620, 0.158, 0.704]
    )  # fmt: skip
    return np.sum((x[0] + a * x[1] + b * x[1] ** 2 - y) ** 2)


@enter((0, 10), n=2, least=-5.162126159963948)
def langermann(x):
    a = np.array([3, 5, 2, 1, 7.0])
    b = np.array([5, 2, 1, 4, 9.0])
    c = np.array([1, 2, 5, 2, 3.0])
    s = (x[0] - a) ** 2 + (x[1] - b) ** 2
    return -np.sum(c * exp(-s / pi) * cos(pi * s))


@enter((0, 100), (100, 1000), (100, 500))
def meyer_like(x):
    t = np.array([30.0, 40, 50, 60, 70, 80, 90, 100])
    y = 0.5 * exp(600 / (t + 340))
    return np.sum((0.01 * x[0] * exp(x[1] / (t + x[2])) - y) ** 2) / 1e4


@enter((0, 1), n=2, least=2.0)
def mishra1(x):
    last = len(x) - np.sum(x[:-1])
    return (1 + last) ** last


@enter((0, 1), n=2, least=2.0)
def mishra2(x):
    last = len(x) - np.sum((x[:-1] + x[1:]) / 2)
    return (1 + last) ** last


@enter((-10, 10), n=3)
def mishra7(x):
    return (np.prod(x) - 6) ** 2


@enter((-10, 10), n=2)
def mishra8(x):
    a, b = x[0], x[1]
    p = (
        a**10 - 20 * a**9 + 180 * a**8 - 960 * a**7 + 3360 * a**6 - 8064 * a**5
        + 13340 * a**4 - 15360 * a**3 + 11520 * a**2 - 5120 * a + 2624
    )  # fmt: skip
    q = b**4 + 12 * b**3 + 54 * b**2 + 108 * b + 81
    return 0.001 * (abs(p) * abs(q)) ** 2


@enter((-10, 10), n=3)
def mishra9(x):
    a, b, c = x[0], x[1], x[2]
    p = 2 * a**3 + 5 * a * b + 4 * c - 2 * a**2 * c - 18
    q = a + b**3 + a * b**2 + a * c**2 - 22
    r = 8 * a**2 + 2 * b * c + 2 * b**2 + 3 * b**3 - 52
    return (p * q**2 * r + p * q * r**2 + q**2 + (a + b - c) ** 2) ** 2


@enter((-10, 10), n=2)
def mishra10(x):
    return ((x[0] + x[1]) - x[0] * x[1]) ** 2


@enter((0, 10), n=3)
def mishra11(x):
    return (np.sum(abs(x)) / len(x) - np.prod(abs(x)) ** (1 / len(x))) ** 2


@enter((-10, 10), n=3)
def multi_modal(x):
    return np.sum(abs(x)) * np.prod(abs(x))


@enter((-10, 10), n=2, least=-0.18466696298826848)
def new_function1(x):
    a, b = x[0], x[1]
    return sqrt(abs(cos(sqrt(abs(a**2 + b))))) + 0.01 * (a + b)


@enter((-10, 10), n=2, least=-0.1994114297008308)
def new_function2(x):
    a, b = x[0], x[1]
    return sqrt(abs(sin(sqrt(abs(a**2 + b))))) + 0.01 * (a + b)


@enter((-5 * pi, 5 * pi), n=2, least=-1.0084672811377)
def odd_square(x):
    b = np.array([1, 1.3])
    d = len(x) * np.max((x - b) ** 2)
    h = np.sum((x - b) ** 2)
    return -exp(-d / (2 * pi)) * cos(pi * d) * (1 + 0.02 * h / (d + 0.01))


def _u(x, a, k, m):
    return k * np.sum(np.maximum(abs(x) - a, 0) ** m)


@enter((-50, 50), n=2)
def penalty1(x):
    y = 1 + (x + 1) / 4
    p = 10 * sin(pi * y[0]) ** 2 + (y[-1] - 1) ** 2
    p = p + np.sum((y[:-1] - 1) ** 2 * (1 + 10 * sin(pi * y[1:]) ** 2))
    return _u(x, 10, 100, 4) + pi / 30 * p


@enter((-50, 50), n=2)
def penalty2(x):
    p = sin(3 * pi * x[0]) ** 2 + (x[-1] - 1) ** 2 * (1 + sin(2 * pi * x[-1]) ** 2)
    p = p + np.sum((x[:-1] - 1) ** 2 * (1 + sin(3 * pi * x[1:]) ** 2))
    return _u(x, 5, 100, 4) + 0.1 * p


@enter((-2, 2), n=2)
def perm1(x):
    j = np.arange(1, len(x) + 1)
    return sum(
        np.sum((j**k + 0.5) * ((x / j) ** k - 1)) ** 2 for k in range(1, len(x) + 1)
    )


@enter((-10, 10), n=3)
def pinter(x):
    n, i = len(x), np.arange(1, len(x) + 1)
    left, right = np.roll(x, 1), np.roll(x, -1)
    a = left * sin(x) + sin(right)
    b = left**2 - 2 * x + 3 * right - cos(x) + 1
    return (
        np.sum(i * x**2)
        + np.sum(20 * i * sin(a) ** 2)
        + np.sum(i * log(1 + i * b**2) / log(10))
        + 0 * n
    )


@enter((-10, 10), n=2)
def quintic(x):
    return np.sum(abs(x**5 - 3 * x**4 + 4 * x**3 + 2 * x**2 - 10 * x - 4))


@enter((-500, 500), n=2, least=-500.802160296661)
def rana(x):
    a, b = sqrt(abs(x[1:] + x[:-1] + 1)), sqrt(abs(x[1:] - x[:-1] + 1))
    return np.sum((x[1:] + 1) * cos(b) * sin(a) + x[:-1] * cos(a) * sin(b))


@enter((1, 100), (0.1, 100), (0.1, 5), least=83.29521824419297)
def ratkowsky2(x):
    t = np.array([9.0, 14, 21, 28, 42, 57, 63, 70, 79])
    y = 72.462 / (1 + exp(2.6181 - 0.067359 * t))
    return np.sum((y - x[0] / (1 + exp(x[1] - x[2] * t))) ** 2)


@enter((0, 1), n=2, least=-2.0)
def ripple25(x):
    return np.sum(-exp(-2 * log(2) * ((x - 0.1) / 0.8) ** 2) * sin(5 * pi * x) ** 6)


@enter((-20, 20), n=2, least=-29.01601585438994)
def shubert4(x):
    return sum(-k * np.sum(cos((k + 1) * x + k)) for k in range(1, 6))


@enter((-1, 1), n=4)
def sodp(x):
    i = np.arange(1, len(x) + 1)
    return sum(abs(x[k]) ** (int(i[k]) + 1) for k in range(len(x)))


@enter((-500, 500), n=2, least=1.0)
def trigonometric2(x):
    p = 8 * sin(7 * (x - 0.9) ** 2) ** 2 + 6 * sin(14 * (x - 0.9) ** 2) ** 2
    return 1 + np.sum(p + (x - 0.9) ** 2)


@enter((-0.9, 1.2), (-1.2, 1.2), least=-8.5536)
def ursem_waves(x):
    a, b = x[0], x[1]
    u = -0.9 * a**2 + (b**2 - 4.5 * b**2) * a * b
    return u + 4.7 * cos(3 * a - b**2 * (2 + a)) * sin(2.5 * pi * a)


@enter((-5, 5), n=4, least=0.06647154882035111)
def watson(x):
    t = np.arange(1, 30) / 29
    j = np.arange(len(x))
    total = x[0] ** 2
    for s in t:
        p = np.sum(j[1:] * x[1:] * s ** (j[1:] - 1.0))
        q = np.sum(x * s**j)
        total = total + (p - q**2 - 1) ** 2
    return total


@enter((-500, 500), n=2)
def wayburn_seader2(x):
    a, b = x[0], x[1]
    return (1.613 - 4 * (a - 0.3125) ** 2 - 4 * (b - 1.625) ** 2) ** 2 + (b - 1) ** 2


@enter((-0.5, 0.5), n=2, least=0.0)
def weierstrass(x):
    k = np.arange(21)
    a, b = 0.5**k, 3.0**k
    total = 0
    for i in range(len(x)):
        total = total + np.sum(a * cos(2 * pi * b * (x[i] + 0.5)))
    return total - len(x) * float(np.sum(a * np.cos(pi * b)))


@enter((-10.24, 10.24), n=2)
def whitley(x):
    total = 0
    for i in range(len(x)):
        for j in range(len(x)):
            y = 100 * (x[i] ** 2 - x[j]) ** 2 + (1 - x[j]) ** 2
            total = total + y**2 / 4000 - cos(y) + 1
    return total


@enter((-20, 20), n=2, least=-1.0)
def xin_she_yang1_like(x):
    p = exp(-np.sum((x / 15) ** 6))
    return (p - 2 * exp(-np.sum(x**2))) * np.prod(cos(x) ** 2)


@enter((-10, 10), n=2, least=-1.0)
def xin_she_yang4(x):
    p = np.sum(sin(x) ** 2) - exp(-np.sum(x**2))
    return p * exp(-np.sum(sin(sqrt(abs(x))) ** 2))


@enter((-1, 1), n=9, least=0.9597587570119672)
def xor(x):
    def net(a, b):
        first = 1 / (1 + exp(-x[0] * a - x[1] * b - x[5]))
        second = 1 / (1 + exp(-x[2] * a - x[3] * b - x[6]))
        return 1 / (1 + exp(-x[8] * 0 - x[4] * first - x[7] * second - x[8]))

    return net(1, 1) ** 2 + net(0, 0) ** 2 + (1 - net(1, 0)) ** 2 + (1 - net(0, 1)) ** 2


@enter((-5.12, 5.12), n=3)
def yao_liu9(x):
    return np.sum(x**2 - 10 * cos(2 * pi * x) + 10)


@enter((-10, 10), n=4)
def yao_liu4(x):
    return np.max(abs(x))


@enter((0, 100), n=2, least=0.0)
def zimmerman(x):
    a, b = x[0], x[1]
    far = 9 - a - b
    z1 = (a - 3) ** 2 + (b - 2) ** 2 - 16
    z2 = a * b - 14

    def penalty(t):
        return 100 * (1 + t) * np.sign(np.maximum(t, 0))

    return np.maximum(far, np.maximum(penalty(z1) + 0 * far, penalty(z2)))


@enter((-4, 4), n=6, least=-3.0)
def lennard_jones3(x):
    p = [x[0:3], x[3:6], np.array([0.0, 0.0, 0.0])]
    total = 0
    for i in range(3):
        for j in range(i):
            s = np.sum((p[i] - p[j]) ** 2) + 0.05
            total = total + 1 / s**6 - 2 / s**3
    return total


@enter((-100, 100), n=2)
def tripod_like(x):
    a, b = x[0], x[1]
    return abs(a) + abs(b + 50)


@enter((-1, 1), n=2, least=-1.9557592677946132)
def corner_waves(x):
    return np.sum(cos(3 * pi * x)) * (1 - 0.1 * np.sum(x**2)) * 1.0


@enter((-10, 10), (-10, 10), (-10, 10))
def helical_like(x):
    return (
        100 * ((x[2] - 10 * np.arctan(x[1] / 10)) ** 2
               + (sqrt(x[0] ** 2 + x[1] ** 2) - 1) ** 2)
        + x[2] ** 2
    )  # fmt: skip
