"""Two notebooks in the style that the package grew from, a cell at a time.

A network of scalar symbols in object arrays, its loss differentiated backwards, and the
norm of the gradient handed to tools that know nothing of us: an interval walk of the
closed form, and SciPy's `shgo` on what symengine compiles.
"""

from __future__ import annotations

SETUP = """\
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import symengine as se
import symengine.lib.symengine_wrapper as sew
from scipy.optimize import shgo
from sklearn.metrics import accuracy_score
from sympy import sympify

from deuterium import Variable, get_gradients, random_symbols, to_vec

sys.setrecursionlimit(1_000_000)
warnings.filterwarnings("ignore")
"""

FUNCTIONS = """\
to_data = np.vectorize(lambda v: v.data)

def sigmoid(z, scale=1, temperature=1, offset=0):
    return scale / (1 + np.exp(-temperature * z)) - offset

def tanh(z):
    return sigmoid(z, 2, 2, 1)

def cross_entropy(p, y):
    return -np.mean(np.multiply(y, np.log(p)) + np.multiply(1 - y, np.log(1 - p)))
"""

SYMBOLS = """\
x = to_vec(np.array(random_symbols(IN, "x")).reshape((1, IN)))
y = to_vec(np.array(random_symbols(1, "y")))
w1 = to_vec(np.array(random_symbols(IN * HIDDEN, "w1")).reshape(IN, HIDDEN))
b = to_vec(np.array(random_symbols(HIDDEN, "b")).reshape(1, HIDDEN))
w2 = to_vec(np.array(random_symbols(HIDDEN, "w2")).reshape(HIDDEN, 1))
"""

NUMBERS = """\
w1 = to_vec(np.random.normal(size=IN * HIDDEN).reshape(IN, HIDDEN))
b = to_vec(np.random.normal(size=HIDDEN).reshape(1, HIDDEN))
w2 = to_vec(np.random.normal(size=HIDDEN).reshape(HIDDEN, 1))
y = to_vec(np.array(1))
"""

LINEAR = """\
hidden = (x @ w1) + b
loss = cross_entropy(hidden @ w2, y)
"""

SIGMOID = """\
hidden = sigmoid(x @ w1) + b
loss = cross_entropy(sigmoid(hidden @ w2), y)
"""

BACKWARD = "loss.backward()\n"

GRADIENTS = """\
slopes = {n: np.array([v.grad for v in vec.flatten().tolist()])
          for n, vec in [("x", x), ("y", y), ("w1", w1), ("b", b), ("w2", w2)]}
everything = to_vec(np.concatenate(list(slopes.values())))
"""

WEIGHTS = """\
my_grad = to_vec(np.concatenate([slopes[n] for n in ("w1", "b", "w2")]))
len(my_grad)
"""

WALK = """\
def walk(e):
    if isinstance(e, sew.Symbol):
        return -1, 1
    if isinstance(e, (sew.RealDouble, sew.Integer)):
        return float(e), float(e)
    ends = [walk(a) for a in e.args]
    if isinstance(e, sew.Add):
        return np.sum([low for low, _ in ends]), np.sum([high for _, high in ends])
    if isinstance(e, sew.Mul):
        low, high = ends[0]
        for l, h in ends[1:]:
            corners = [low * l, low * h, high * l, high * h]
            low, high = np.min(corners), np.max(corners)
        return low, high
    if isinstance(e, sew.Pow):
        corners = [p ** q for p in ends[0] for q in ends[1]]
        return np.min(corners), np.max(corners)
    raise TypeError(type(e))
"""

WIDTH = """\
lower, upper = walk(np.linalg.norm(my_grad, ord=2).data)
upper - lower
"""

NORM = """\
norm = np.linalg.norm(my_grad, ord=2)
norm_of = se.Lambdify(list(norm.data.free_symbols), norm.data)
norm.data.free_symbols
"""

ELEMENTS = """\
intervals = [(-1, 1) for _ in norm.data.free_symbols]
elems = []
for g in my_grad:
    square = g ** 2
    f = se.Lambdify(list(square.data.free_symbols), square.data)
    elems.append(shgo(f, intervals).fun)
np.sqrt(np.sum(elems))
"""

WHOLE = """\
sol = shgo(norm_of, [(-1, 1) for _ in norm.data.free_symbols])
sol.fun
"""


def linear(size: int) -> dict[str, str]:
    """Return the cells of a notebook with linear layers, ``size`` inputs and units."""
    return {
        "setup": SETUP,
        "functions": FUNCTIONS,
        "size": f"IN = HIDDEN = {size}\n",
        "symbols": SYMBOLS,
        "numbers": NUMBERS,
        "loss": LINEAR,
        "backward": BACKWARD,
        "gradients": GRADIENTS,
        "weights": WEIGHTS,
        "walk": WALK,
        "width": WIDTH,
        "norm": NORM,
        "elements": ELEMENTS,
        "whole": WHOLE,
    }


def layered() -> dict[str, str]:
    """Return the cells of a notebook with sigmoid layers, two inputs and two units."""
    cells = linear(2) | {"loss": SIGMOID}
    return {n: c for n, c in cells.items() if n not in ("walk", "width")}
