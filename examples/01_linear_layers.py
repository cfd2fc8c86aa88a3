# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How large can a gradient be? Linear layers, 100 x 100
#
# In differentially private training one record's gradient is a secret, and the noise
# that hides it is scaled to the *largest* norm this gradient can have. This notebook
# follows the first of the two notebooks published with the original Deuterium: a network
# with 100 inputs, 100 hidden units and no activation, weights drawn at random, inputs
# in $[-1, 1]$, label 1, and the norm of all 10,200 parameter gradients in closed form.
#
# The original bounds that norm in three ways: it walks the closed form with intervals,
# it optimises one element at a time, and it optimises the whole norm. We do all three
# at the same size, and put the certified answer beside each.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import symengine as se
from scipy.optimize import minimize

import deuterium as dt
from deuterium import random_symbols, to_vec
from deuterium.graph.traverse import topological

IN, HIDDEN = 100, 100
rng = np.random.default_rng(2107)
seconds = {}


class clock:
    """Remember how long a block took: ``with clock("walk"): ...``."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        seconds[self.what] = time.perf_counter() - self.start
        print(f"{self.what}: {seconds[self.what]:.3g} s")


# %% [markdown]
# ## The network, one scalar at a time
#
# `to_vec` makes NumPy object arrays whose elements are Variables, so ordinary NumPy code
# builds a graph with one node per scalar operation. Symbols are inputs; numbers become
# constants, and one can differentiate by those, too.

# %%
W1 = rng.normal(size=(IN, HIDDEN))
B = rng.normal(size=(1, HIDDEN))
W2 = rng.normal(size=(HIDDEN, 1))


def cross_entropy(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %%
with clock("scalars: build"):
    x = to_vec(np.array(random_symbols(IN, "x")).reshape(1, IN))
    w1, b, w2 = to_vec(W1), to_vec(B), to_vec(W2)
    y_pred = (x @ w1 + b) @ w2
    loss = cross_entropy(y_pred, 1)
    loss.backward()
    parameters = [*w1.flat, *b.flat, *w2.flat]
    gradient = to_vec(np.array([p.grad for p in parameters]))
    norm = np.linalg.norm(gradient, ord=2)

len(gradient)

# %% [markdown]
# Every quantity has a closed form. This is the gradient by the first output weight, in
# the same network with two inputs and two hidden units (the big one fills pages):

# %%
x2 = to_vec(np.array(random_symbols(2, "x")).reshape(1, 2))
v2 = to_vec(np.round(W2[:2], 1))
small_loss = cross_entropy(
    (x2 @ to_vec(np.round(W1[:2, :2], 1)) + to_vec(np.round(B[:, :2], 1))) @ v2, 1
)
small_loss.backward()
v2[0, 0].grad

# %% [markdown]
# ## The original's interval analysis
#
# It walks the closed form from the leaves up, with these rules: a symbol is $[-1, 1]$; a
# sum adds lower and upper ends; a product takes the least and the greatest of the four
# products of ends; **a power takes the least and the greatest of the powers of the
# ends**. Here they are again, in our own words.


# %%
def hull(values):
    return min(values), max(values)


def walk(form):
    kind = type(form)
    if isinstance(form, se.Symbol):
        return -1.0, 1.0
    if form.is_Number:
        return float(form), float(form)
    ranges = [walk(part) for part in form.args]
    if kind is se.Add:
        return sum(r[0] for r in ranges), sum(r[1] for r in ranges)
    total = ranges[0]
    for r in ranges[1:]:
        if kind is se.Mul:
            total = hull([p * q for p in total for q in r])
        else:  # a power: only the ends are looked at
            total = hull([p**q for p in total for q in r])
    return total


# %%
with clock("scalars: the original's walk"):
    walk_lower, walk_upper = walk(norm.data)

print(f"the walk says: the norm lies in [{walk_lower:.5f}, {walk_upper:.5f}]")

# %% [markdown]
# A very narrow interval. Is it true? Take some inputs from the box and look. The same
# graph evaluates a batch of points at once:

# %%
points = rng.uniform(-1, 1, size=(1000, IN))
with clock("scalars: norm at 1000 points"):
    norms = norm.evaluate({f"x_{i}": points[:, i] for i in range(IN)})

walk_violations = int(np.sum((norms < walk_lower) | (norms > walk_upper)))
print(f"norms found: {norms.min():.3f} ... {norms.max():.1f}")
print(f"outside the walk's interval: {walk_violations} of {len(points)} points")

# %% tags=["check"]
assert len(gradient) == 10_200
assert walk_violations > 990

# %% [markdown]
# Nearly all points violate it, some by a factor of thousands. The reason is the rule
# for powers: a power need not take its extremes at the ends. Over $[-1, 1]$ the walk
# takes $x^2$ to be exactly 1, although it is 0 in the middle, and $1/x$ to lie between
# -1 and 1, although it is nowhere in there: its values are *outside* $(-1, 1)$, without
# any limit.

# %%
s = dt.symbol("s")
for form in (s**2, 1 / s, (s + 0.5) ** 2, 1 / (s + 0.5) ** 2):
    low, high = walk(form.data)
    certified = dt.enclose(form, dt.Box({s: (-1, 1)}))
    print(
        f"{str(form):16}  walk [{low:.3g}, {high:.3g}]   "
        f"certified [{float(certified.lower):.3g}, {float(certified.upper):.3g}]"
    )

# %% [markdown]
# The gradient of $-\log p$ is $-p'/p$, so every element carries $1/p$ with $p$ between
# about -6000 and 6000. The walk makes that $1/6000^2$ inside the norm, and the larger
# the network, the smaller and narrower its answer.
#
# A 10-10 network with the weights of NumPy's legacy generator, seed 0, shows how far off
# it is with fewer inputs:

# %%
legacy = np.random.RandomState(0)
a1, a0, a2 = (legacy.normal(size=shape) for shape in ((10, 10), (1, 10), (10, 1)))

x10 = to_vec(np.array(random_symbols(10, "x")).reshape(1, 10))
c1, c0, c2 = to_vec(a1), to_vec(a0), to_vec(a2)
cross_entropy((x10 @ c1 + c0) @ c2, 1).backward()
norm10 = np.linalg.norm(np.array([p.grad for p in [*c1.flat, *c0.flat, *c2.flat]]))

found10 = norm10.evaluate(
    {f"x_{i}": column for i, column in enumerate(rng.uniform(-1, 1, (10, 10_000)))}
)
low10, high10 = walk(norm10.data)
print(
    f"walk [{low10:.2f}, {high10:.2f}]; largest of 10,000 points: {found10.max():.0f}"
)

# %% [markdown]
# ## The certified answer
#
# `dt.enclose` bounds the same graph in interval arithmetic with every rounding outward,
# and with rules that know where each operator has its extremes and its poles. It first
# rewrites the graph, in two steps that keep its real values: `dt.vectorize` makes equal
# operations on scalars one operation on an array, and `dt.simplify` removes what
# intervals would overestimate, such as a quantity that stands in several places. Then
# one pass over what is left is enough.

# %%
whole_box = dt.Box({f"x_{i}": (-1, 1) for i in range(IN)})
with clock("scalars: dt.enclose"):
    certified = dt.enclose(norm, whole_box)

certified

# %%
dense = dt.vectorize(norm)
simple = dt.simplify(dense)
for what, form in (("written", norm), ("vectorised", dense), ("simplified", simple)):
    print(f"{what:10}  {len(topological([form])):6d} nodes")

# %% [markdown]
# The norm is **unbounded**, and `.cause` says why: the division by `y_pred` in the
# gradient meets `y_pred = 0` inside the box. It names the line of the user's code, here
# the one with `np.log`. The loss itself breaks in the same place:

# %%
print("norm:", certified.cause)
print("loss:", dt.enclose(loss, whole_box).cause)

# %% [markdown]
# There is nothing to repair in the bound: no amount of noise hides this gradient. To
# see it happen, walk along a line between a point with a positive `y_pred` and one with
# a negative one; on the way `y_pred` is 0.

# %%
outputs = ((points @ W1 + B) @ W2)[:, 0]
start, end = points[outputs.argmin()], points[outputs.argmax()]
t = np.linspace(0, 1, 2001)
line = start + t[:, None] * (end - start)
on_line = norm.evaluate({f"x_{i}": line[:, i] for i in range(IN)})

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.hist(norms, bins=np.geomspace(norms.min(), norms.max(), 40), color="tab:blue")
left.axvline(walk_upper, color="tab:red", lw=2, label="the walk's interval")
left.set(
    xscale="log", xlabel="gradient norm", ylabel="points", title="1000 random inputs"
)
left.legend()
right.semilogy(t, on_line, color="tab:blue")
right.axhline(walk_upper, color="tab:red", lw=2)
right.set(
    xlabel="position on the line",
    ylabel="gradient norm",
    title="Along a line through y_pred = 0",
)
plt.show()

# %% [markdown]
# The red line in both pictures is the whole interval of the walk: at this scale it has
# no visible width.
#
# ## A box on which there is something to bound
#
# $-\log p$ means something for $0 < p < 1$ only, and most of $[-1, 1]^{100}$ is not
# there. Here is a part that is: a small box around a point where `y_pred` is one half.
# Its size is chosen so that intervals keep `y_pred` between 0.45 and 0.55. (They take
# the hidden units to vary independently of each other; in truth `y_pred` varies less,
# which is why the bound below is not quite the maximum.) With weights like these the box
# is tiny.

# %%
slope = (W1 @ W2)[:, 0]  # y_pred is affine in x
offset = float((B @ W2)[0, 0])
center = slope * (0.5 - offset) / (slope @ slope)
radius = 0.05 / (np.abs(W1) @ np.abs(W2)).sum()
low, high = center - radius, center + radius
assert -1 < low.min() < high.max() < 1
print(f"half-width {radius:.2g}")

good_box = dt.Box({f"x_{i}": (low[i], high[i]) for i in range(IN)})
with clock("scalars: dt.enclose on the good box"):
    certified_good = dt.enclose(norm, good_box)

certified_good

# %%
inside = rng.uniform(low, high, size=(2000, IN))
corner = np.where(slope > 0, low, high)  # where y_pred is least
inside = np.vstack([inside, corner])
norms_good = norm.evaluate({f"x_{i}": inside[:, i] for i in range(IN)})

violations = int(np.sum(~certified_good.contains(norms_good)))
ratio = float(certified_good.upper) / norms_good.max()
print(
    f"largest norm found {norms_good.max():.2f}, certified {certified_good.upper:.2f}"
)
print(f"ratio {ratio:.5f}, violations: {violations} of {len(inside)}")

# %% tags=["check"]
assert certified.upper == np.inf and certified.cause.operator == "reciprocal"
assert certified.contains(norms).all()
assert certified_good.cause is None and violations == 0
assert 1 <= ratio < 1.15
assert len(topological([dense])) < len(topological([norm])) / 50

# %% [markdown]
# ## The fast way: array Variables
#
# One node per scalar is handy for printing. Its bounds take milliseconds once the first
# `dt.enclose` has done the rewriting, which is kept; what takes the time is to build and
# to vectorise 60,000 nodes. For speed, write the same NumPy code on array Variables:
# then the graph has a handful of nodes from the start, whatever the width.

# %%
with clock("arrays: build"):
    X = dt.symbol("x", shape=(1, IN))
    theta = [dt.constant(W1), dt.constant(B), dt.constant(W2)]
    array_loss = cross_entropy((X @ theta[0] + theta[1]) @ theta[2], 1)
    grads = dt.grad(array_loss, theta)
    array_norm = dt.norm(grads)

with clock("arrays: dt.enclose"):
    fast = dt.enclose(array_norm, dt.Box({X: (-1, 1)}))
with clock("arrays: dt.enclose on the good box"):
    fast_good = dt.enclose(array_norm, dt.Box({X: (low, high)}))
with clock("arrays: norm at 1000 points"):
    fast_norms = array_norm.evaluate({X: points[:, None, :]})

print(fast)
print(fast_good)

# %% tags=["check"]
np.testing.assert_allclose(fast_norms, norms, rtol=1e-8)
assert fast.upper == np.inf
assert fast_good.contains(norms_good).all()
assert fast_good.upper < 1.15 * norms_good.max()

# %% [markdown]
# ## One element at a time
#
# The original then squares each gradient element, *minimises* it over the box with
# SHGO, and adds the minima up. Three things are wrong with that as a sensitivity:
#
# - noise must cover the **supremum**, and this is the minimum;
# - the elements take their extremes at different points, so the root of the sum of
#   minima lies below the least norm (and that of the maxima above the greatest one);
# - an optimiser returns a value it *found*. That is a bound for neither.
#
# SHGO with its default sampling starts from the corners of the box, and $2^{100}$ of
# them are too many; the outputs stored in the original are in fact those of a network
# with two inputs, where it is quick (the next notebook does that). For 100 inputs we
# use L-BFGS-B with the gradient from the graph, for a few of the 10,200 elements, on
# the good box.

# %%
elements = [grads[0][i, j] for i, j in ((0, 0), (13, 7), (50, 50), (99, 99))]
elements += [grads[1][0, 3], grads[2][0, 0], grads[2][31, 0], grads[2][99, 0]]


def optimum(objective, sign, start):
    """Minimise (sign=1) or maximise (sign=-1) a scalar over the good box."""
    run = dt.compile([X], [objective, dt.grad(objective, X)])
    scale = sign / run(start.reshape(1, IN))[0]

    def value_and_slope(u):  # u is the position in the box, from -1 to 1
        value, gradient = run((center + radius * u).reshape(1, IN))
        return scale * float(value), scale * radius * gradient.ravel()

    u = (start - center) / radius
    return minimize(value_and_slope, u, jac=True, bounds=[(-1, 1)] * IN).fun / scale


with clock("8 elements: L-BFGS-B"):
    minima = [optimum(g**2, 1, center) for g in elements]
    maxima = [optimum(g**2, -1, center) for g in elements]

per_element = seconds["8 elements: L-BFGS-B"] / 16
print(f"all 10,200 elements, up and down, would take {2 * 10_200 * per_element:.0f} s")

# %% [markdown]
# The certified counterpart takes all elements at once: `dt.enclose` of an array bounds
# each of its elements.

# %%
box = dt.Box({X: (low, high)})
with clock("10,200 elements: dt.enclose"):
    squares = [dt.enclose(g**2, box) for g in grads]

lower = np.concatenate([q.lower.ravel() for q in squares])
upper = np.concatenate([q.upper.ravel() for q in squares])
print(f"{len(lower)} certified ranges")

# %%
positions = [0, 13 * HIDDEN + 7, 50 * HIDDEN + 50, 99 * HIDDEN + 99]
positions += [10_003, 10_100, 10_131, 10_199]

print(" element   certified low   found low    found high   certified high")
for at, least, most in zip(positions, minima, maxima, strict=True):
    print(f"{at:8d}  {lower[at]:12.5g}  {least:12.5g}  {most:12.5g}  {upper[at]:12.5g}")

# %% [markdown]
# ## The whole norm at once
#
# The last cell of the original minimises the whole norm. Here is its minimum, the
# maximum, which is what sensitivity asks for, and the certified bounds around them.

# %%
starts = [center, *rng.uniform(low, high, size=(4, IN))]
with clock("whole norm: L-BFGS-B, 5 starts, both ways"):
    least_norm = min(optimum(array_norm, 1, start) for start in starts)
    greatest_norm = max(optimum(array_norm, -1, start) for start in starts)

print(f"root of the sum of element minima {np.sqrt(lower.sum()):10.4f}  (certified)")
print(f"certified lower bound             {fast_good.lower:10.4f}")
print(f"least norm found                  {least_norm:10.4f}  <- what was minimised")
print(f"greatest norm found               {greatest_norm:10.4f}  <- what is needed")
print(f"certified upper bound             {fast_good.upper:10.4f}")
print(f"root of the sum of element maxima {np.sqrt(upper.sum()):10.4f}  (certified)")

# %% tags=["check"]
for at, least, most in zip(positions, minima, maxima, strict=True):
    assert lower[at] <= least * (1 + 1e-9) and most <= upper[at] * (1 + 1e-9)
assert fast_good.lower <= least_norm < greatest_norm <= fast_good.upper
assert fast_good.upper < 1.15 * greatest_norm
assert len(lower) == 10_200

# %% [markdown]
# Over the whole box $[-1, 1]^{100}$ an optimiser has no chance, since there is no
# maximum: it stops at some large number, and every start stops at another one.

# %%
run = dt.compile([X], [array_norm, dt.grad(array_norm, X)])


def uphill(flat):
    value, gradient = run(flat.reshape(1, IN))
    return -float(value), -gradient.ravel()


for start in points[:5]:
    found = minimize(uphill, start, jac=True, bounds=[(-1, 1)] * IN)
    print(f"start {-uphill(start)[0]:9.3f}   'maximum' {-found.fun:.3g}")

# %% [markdown]
# ## What it costs
#
# Both ways in this very run, on the same network. (The walk's time is that of the few
# lines above; the original's own code, which calls NumPy for every least of four
# numbers, takes several times as long on the same form.)

# %%
for what, took in seconds.items():
    print(f"{what:45} {1000 * took:12.2f} ms")

scalars = seconds["scalars: build"] + seconds["scalars: dt.enclose"]
arrays = seconds["arrays: build"] + seconds["arrays: dt.enclose"]
theirs = seconds["scalars: the original's walk"]
print(f"\nthe walk alone, unsound: {theirs:.2f} s")
print(f"scalars, certified:      {scalars:.2f} s ({theirs / scalars:.0f} times faster)")
print(f"arrays, certified:       {arrays:.4f} s ({theirs / arrays:.0f} times faster)")

# %% tags=["check"]
assert arrays < scalars < theirs
