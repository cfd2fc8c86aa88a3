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
# # How large can a gradient be? Sigmoid layers, 2 - 2 - 1
#
# This follows the second notebook published with the original Deuterium: two inputs in
# $[-1, 1]$, two hidden sigmoid units, one sigmoid output, label 1, cross-entropy, random
# weights. The question is the same as in the first notebook: over all inputs, how large
# can the norm of the 8 parameter gradients be? With two inputs one can look at all of
# it, so this is the place to see what an optimiser's answer is worth, and what a
# certified one adds.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import symengine as se
from scipy.optimize import shgo
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium import random_symbols, to_vec
from deuterium.graph.interpret import interpret
from deuterium.graph.traverse import topological

rng = np.random.default_rng(2109)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cross_entropy(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% [markdown]
# ## The network and its gradient

# %%
W1, B, W2 = rng.normal(size=(2, 2)), rng.normal(size=(1, 2)), rng.normal(size=(2, 1))

x = to_vec(np.array(random_symbols(2, "x")).reshape(1, 2))
w1, b, w2 = to_vec(W1), to_vec(B), to_vec(W2)
y_pred = sigmoid((sigmoid(x @ w1) + b) @ w2)
loss = cross_entropy(y_pred, 1)
loss.backward()

gradient = to_vec(np.array([p.grad for p in [*w1.flat, *b.flat, *w2.flat]]))
norm = np.linalg.norm(gradient, ord=2)
len(gradient)

# %% [markdown]
# The loss in closed form (the term multiplied by $1 - y = 0$ has gone):

# %%
loss

# %% [markdown]
# ## One element at a time, with SHGO
#
# For each element $g$ the original minimises $g^2$ over the box, and takes the root of
# the sum of the minima. Next to it we put the maxima, because sensitivity is a
# supremum. The bounds of SHGO go by position, so the order of the symbols is fixed
# first: `free_symbols` is a set, and sets have no order.

# %%
symbols = sorted(norm.free_symbols, key=str)
bounds = [(-1, 1) for _ in symbols]


def numeric(quantity):
    return se.Lambdify(symbols, quantity.data)


start = time.perf_counter()
squares = [g**2 for g in gradient]
minima = [float(shgo(numeric(q), bounds).fun) for q in squares]
maxima = [-float(shgo(numeric(-q), bounds).fun) for q in squares]
print(f"{time.perf_counter() - start:.2f} s")
print("root of the sum of minima:", np.sqrt(sum(minima)))
print("root of the sum of maxima:", np.sqrt(sum(maxima)))

# %% [markdown]
# ## The whole norm, with SHGO

# %%
start = time.perf_counter()
lowest = shgo(numeric(norm), bounds)
highest = shgo(numeric(-norm), bounds)
print(f"{time.perf_counter() - start:.2f} s")
print("least norm found:   ", lowest.fun, "at", lowest.x)
print("greatest norm found:", -highest.fun, "at", highest.x)

# %% [markdown]
# The last cell of the original ends with `sol.fun` of the *minimisation*: the least norm.
# Noise scaled to it would hide almost nobody. Count the inputs whose gradient is larger:

# %%
points = rng.uniform(-1, 1, size=(100_000, 2))
norms = norm.evaluate({"x_0": points[:, 0], "x_1": points[:, 1]})

above_elements = np.mean(norms > np.sqrt(sum(minima)))
above_least = np.mean(norms > lowest.fun)
print(f"above the root of the sum of element minima: {above_elements:.2%}")
print(f"above the least norm:                        {above_least:.2%}")
print(
    f"above the greatest norm SHGO found:          {np.mean(norms > -highest.fun):.2%}"
)

# %% [markdown]
# Two more things to see. The root of the sum of element minima is *below* the least
# norm, and that of the maxima *above* the greatest: the elements take their extremes in
# different places, so neither is the norm of any gradient. And the last line, where
# nothing lies above, is good luck rather than a proof: SHGO reports the best value it
# met, which is a lower bound of the supremum, and noise needs an upper one.

# %% tags=["check"]
assert len(gradient) == 8
assert np.sqrt(sum(minima)) < lowest.fun < -highest.fun < np.sqrt(sum(maxima))
assert above_least > 0.99

# %% [markdown]
# ## The interval walk of the first notebook
#
# The original does not try it here, and its code would stop at $e$. With a line for
# that, the walk evaluates powers at their ends only, as before, which is right for
# $e^z$ and wrong for $x_0^2$, which it takes to be 1 everywhere:


# %%
def hull(values):
    return min(values), max(values)


def walk(form):
    if isinstance(form, se.Symbol):
        return -1.0, 1.0
    if form.is_Number or form == se.E:
        return float(form), float(form)
    ranges = [walk(part) for part in form.args]
    if isinstance(form, se.Add):
        return sum(r[0] for r in ranges), sum(r[1] for r in ranges)
    combine = (lambda p, q: p * q) if isinstance(form, se.Mul) else (lambda p, q: p**q)
    total = ranges[0]
    for r in ranges[1:]:
        total = hull([combine(p, q) for p in total for q in r])
    return total


walk_low, walk_high = walk(norm.data)
walk_violations = int(np.sum((norms < walk_low) | (norms > walk_high)))
print(f"walk [{walk_low:.4f}, {walk_high:.4f}], violated by {walk_violations} points")
part = gradient[0] ** 2
low, high = walk(part.data)
values = part.evaluate({"x_0": points[:, 0], "x_1": points[:, 1]})
outside = np.mean((values < low) | (values > high))
print(
    f"its first part: walk [{low:.3g}, {high:.3g}], violated by {outside:.2%} of them"
)

# %% [markdown]
# The interval of the norm is wide enough to hide the mistake; the first element alone,
# with 0 among its values, shows it.
#
# ## Plain intervals
#
# With the right rule for each operator, and every rounding outward, the same idea is
# sound. deuterium has these rules; here they go over the graph exactly as it was
# written, one operation at a time:


# %%
def plain(form, ranges):
    """Return the range of each node of a graph, taken as it is written."""

    def leaf(v):
        return ranges[v.name] if v.is_symbol else dt.Interval(v.value, v.value)

    with np.errstate(all="ignore"):
        return interpret(topological([form]), leaf, lambda op: op.enclosure)


def nodes(*forms):
    return len(topological(forms))


as_written = plain(norm, {"x_0": dt.Interval(-1, 1), "x_1": dt.Interval(-1, 1)})[norm]
print(as_written)
print(f"{as_written.upper / -highest.fun:.0f} times the greatest norm found")

# %% [markdown]
# A true bound, and a useless one. An interval forgets that one and the same quantity
# stands in several places (the *dependency problem*), and this gradient is full of such
# places: $e^{-z}$ above and below a fraction bar, $1/p$ beside $p$. The slope of
# $-\log \sigma(t)$ has them all, and over $[-4, 4]$ lies between -1 and 0:

# %%
t = dt.symbol("t")
slope = dt.grad(cross_entropy(sigmoid(t), 1), t)
simple_slope = dt.simplify(slope)
for form in (slope, simple_slope):
    iv = plain(form, {"t": dt.Interval(-4, 4)})[form]
    print(f"{nodes(form):2d} nodes, [{iv.lower:.4g}, {iv.upper:.4g}]:  {form}")

# %% [markdown]
# (The closed form of the first is shorter than its graph, since printing cancels what
# it can.) `dt.simplify` rewrites a graph into one that has the same real values and
# fewer places where a quantity is repeated. In the second form $t$ stands once, so its
# interval is the exact range, but for the last digits.
#
# ## The certified answer
#
# `dt.enclose` does such rewriting by itself, so that `dt.enclose(norm, box)` gives the
# same; here we ask for it, to count what is left. (The elements share their work: a list
# is simplified together.)

# %%
box = dt.Box({"x_0": (-1, 1), "x_1": (-1, 1)})
simple_norm = dt.simplify(norm)
certified = dt.enclose(simple_norm, box)
print(f"{nodes(norm)} nodes as written, {nodes(simple_norm)} simplified")
print(f"the loss, simplified: {nodes(loss)} to {nodes(dt.simplify(loss))}")
certified

# %%
violations = int(np.sum(~certified.contains(norms)))
print(f"violations: {violations} of {len(norms)}")
print("\n element   certified low   found low   found high   certified high")
element_bounds = [dt.enclose(q, box) for q in dt.simplify(squares)]
for i, (iv, least, most) in enumerate(zip(element_bounds, minima, maxima, strict=True)):
    low, high = float(iv.lower), float(iv.upper)
    print(f"{i:8d}  {low:14.6f}  {least:10.6f}  {most:11.6f}  {high:15.6f}")

# %% [markdown]
# One pass over the graph, and no gradient of any input can exceed the upper end.
#
# ## The fast way, in two spellings
#
# Array Variables make a graph of a few nodes whatever the width. And there are two ways
# to write this loss: with $e^{-z}$ and $\log$ as above, or the way numerical libraries
# recommend, where $\sigma$ is one function (`expit`) and $\log \sigma$ another
# (`log_expit`). deuterium knows the range and the extremes of each and of their
# derivatives, so plain intervals do well on the second. The rewriting recognises the
# one in the other, so the spelling is left to you:


# %%
def network(weights, *, stable):
    """Return the input and the gradient norm, built with array Variables."""
    x = dt.symbol("x", shape=(1, len(weights[0])))
    w1, b, w2 = theta = [dt.constant(w) for w in weights]
    if stable:
        loss = -np.mean(log_expit((expit(x @ w1) + b) @ w2))
    else:
        loss = cross_entropy(sigmoid((sigmoid(x @ w1) + b) @ w2), 1)
    return x, dt.norm(dt.grad(loss, theta))


def median_ms(call, repeats=15):
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - start))
    return np.median(took)


def report(weights):
    results = []
    for stable in (False, True):
        x, norm = network(weights, stable=stable)
        simple = dt.simplify(norm)
        domain = dt.Box({x: (-1, 1)})
        whole = dt.Interval(-np.ones(x.shape), np.ones(x.shape))
        before = plain(norm, {"x": whole})[norm]
        iv = dt.enclose(simple, domain)
        build = median_ms(lambda stable=stable: network(weights, stable=stable))
        rewrite = median_ms(lambda norm=norm: dt.simplify(norm))
        bound = median_ms(lambda form=simple, box=domain: dt.enclose(form, box))
        print("expit, log_expit" if stable else "exp, log")
        print(f"    as written  {nodes(norm):3d} nodes  {before}")
        print(f"    simplified  {nodes(simple):3d} nodes  {iv}")
        print(
            f"    built in {build:.2f} ms, simplified in {rewrite:.2f} ms, "
            f"enclosed in {bound:.2f} ms"
        )
        results.append((x, norm, before, iv))
    return results


small = report([W1, B, W2])

# %% [markdown]
# What is left between bound and maximum shrinks with the box. Bounds with leading axes
# make a batch of boxes, so cutting the square into a grid is one more call. For
# comparison, the same grid with plain intervals on the first spelling:


# %%
def grid(n):
    """Return the least and the greatest inputs of n x n boxes, of shape (1, 2) each."""
    edges = np.linspace(-1, 1, n + 1)
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    cell = np.stack([row, column], axis=-1)[:, :, None, :]
    return edges[cell], edges[cell + 1]


def on_grid(x, norm, n):
    """Return the certified bound from n x n boxes in one batch."""
    return float(dt.enclose(dt.simplify(norm), dt.Box({x: grid(n)})).upper.max())


def plain_on_grid(norm, n):
    return float(plain(norm, {"x": dt.Interval(*grid(n))})[norm].upper.max())


sizes = [1, 2, 4, 8, 16, 32, 64, 128]
best = -highest.fun
plain_uppers = [plain_on_grid(small[0][1], n) for n in sizes]
uppers = [[on_grid(x, norm, n) for n in sizes] for x, norm, *_ in small]
print("             as written         simplified, then enclosed")
print("boxes         exp, log     exp, log   expit, log_expit")
for n, rough, first, second in zip(sizes, plain_uppers, *uppers, strict=True):
    print(
        f"{n:3d} x {n:<3d}  {rough:11.6f}  {first:11.6f}  {second:11.6f}"
        f"   gap {second / best - 1:.3%}"
    )

# %%
ticks = np.linspace(-1, 1, 201)
values = norm.evaluate({"x_0": ticks[:, None], "x_1": ticks[None, :]})

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
filled = left.contourf(ticks, ticks, values.T, levels=20)
fig.colorbar(filled, ax=left, label="gradient norm")
left.plot(*lowest.x, "wv", ms=9, mec="k", label="found by the original", clip_on=False)
left.plot(*highest.x, "r^", ms=9, mec="k", label="what is needed", clip_on=False)
left.set(xlabel="$x_0$", ylabel="$x_1$", title="The norm over the box")
left.legend(loc="upper right")
curves = {
    "exp, log as written": plain_uppers,
    "simplified (either spelling)": uppers[0],
}
for (label, upper), color in zip(curves.items(), ("0.6", "tab:blue"), strict=True):
    excess = 100 * (np.array(upper) / best - 1)
    right.plot(sizes, excess, "o-", color=color, label=label)
right.set(xscale="log", yscale="log", xlabel="boxes along each side")
right.set(ylabel="above the greatest norm found, %", title="Certified upper bound")
right.set_xticks(sizes, [str(n) for n in sizes])
right.minorticks_off()
right.legend()
plt.show()

# %% tags=["check"]
assert certified.cause is None and violations == 0
assert certified.lower <= lowest.fun and best <= certified.upper < 1.1 * best
assert as_written.upper > 10 * certified.upper
assert as_written.contains(norms).all() and dt.enclose(norm, box).contains(norms).all()
for iv, least, most in zip(element_bounds, minima, maxima, strict=True):
    assert iv.lower <= least * (1 + 1e-9) and most <= iv.upper * (1 + 1e-9)
    assert iv.upper < 2 * most
for upper in (plain_uppers, *uppers):
    assert upper == sorted(upper, reverse=True)
    assert upper[-1] >= best
assert uppers[0][-1] < 1.02 * best
np.testing.assert_allclose(*uppers, rtol=1e-9)
assert all(u <= p for u, p in zip(uppers[0], plain_uppers, strict=True))
assert uppers[0][0] < plain_uppers[0] / 10
for _, _, before, iv in small:
    assert before.contains(norms).all()
    assert iv.cause is None and iv.contains(norms).all()

# %% [markdown]
# ## 100 inputs, 100 hidden units, 10,200 gradient elements
#
# At the size of the first notebook:

# %%
wide = [rng.normal(size=s) for s in ((100, 100), (1, 100), (100, 1))]
big = report(wide)

# %% [markdown]
# As written, the first spelling has no bound at all, and the reason is instructive. The
# first node that plain intervals cannot give a range:

# %%
x, exp_log_norm, *_ = big[0]
ranges = plain(exp_log_norm, {"x": dt.Interval(-np.ones((1, 100)), np.ones((1, 100)))})
undefined = next(n for n, iv in ranges.items() if np.isnan(iv.lower).any())
(operand,) = (ranges[a] for a in undefined.args)
print(
    f"undefined: {undefined.op.name} of "
    f"[{operand.lower.item():g}, {operand.upper.item():g}]"
)

# %% [markdown]
# The weights are so large that the interval of the output's pre-activation reaches
# numbers whose sigmoid rounds to 1, so the range of $1 - p$ contains 0. Its logarithm in
# the loss, and its reciprocal in the gradient, are multiplied by $1 - y = 0$; but
# $0 \cdot \log 0$ is undefined, and deuterium does not guess.
#
# It does not have to. In real numbers $1 - p$ is $1 / (1 + e^z)$ and never 0, so the
# product is 0 everywhere, and the rewriting drops it. What remains is the norm that the
# second spelling has, and the same bound. `dt.enclose` does all this without being asked,
# also for a graph of one node per scalar, which it first *vectorises* (`dt.vectorize`):
# equal operations on scalars become one on an array.

# %%
start = time.perf_counter()
sx = to_vec(np.array(random_symbols(100, "x")).reshape(1, 100))
s1, s0, s2 = (to_vec(w) for w in wide)
cross_entropy(sigmoid((sigmoid(sx @ s1) + s0) @ s2), 1).backward()
scalar_gradient = [p.grad for p in [*s1.flat, *s0.flat, *s2.flat]]
scalar_norm = np.linalg.norm(np.array(scalar_gradient), ord=2)
built = time.perf_counter()
scalar_bound = dt.enclose(scalar_norm, dt.Box({f"x_{i}": (-1, 1) for i in range(100)}))
enclosed = time.perf_counter()

dense = dt.vectorize(scalar_norm)
print(f"built in {built - start:.2f} s, enclosed in {enclosed - built:.2f} s")
print(
    f"{nodes(scalar_norm)} nodes, vectorised {nodes(dense)}, "
    f"simplified {nodes(dt.simplify(dense))}"
)
print("scalars, exp, log           ", scalar_bound)
asked_nothing = []
for name, (x, form, *_) in zip(("exp, log", "expit, log_expit"), big, strict=True):
    asked_nothing.append(dt.enclose(form, dt.Box({x: (-1, 1)})))
    print(f"arrays,  {name:18} ", asked_nothing[-1])

# %% [markdown]
# How good is the bound? Draw many inputs and improve the best one coordinate by
# coordinate:

# %%
x, big_norm, _, big_bound = big[1]
evaluate = dt.compile([x], [big_norm])
tried = rng.choice([-1.0, 1.0], size=(5000, 1, 100))
start = time.perf_counter()
at = tried[evaluate(tried)[0].argmax()]
found = float(evaluate(at)[0])
while True:
    neighbours = at * (1 - 2 * np.eye(100))[:, None, :]  # one sign changed
    norms_there = evaluate(neighbours)[0]
    if norms_there.max() <= found:
        break
    found, at = float(norms_there.max()), neighbours[norms_there.argmax()]

print(f"search: {time.perf_counter() - start:.2f} s")
print(f"largest norm found {found:.3f}, certified {float(big_bound.upper):.3f}")
print(f"ratio {float(big_bound.upper) / found:.3f}")

# %% tags=["check"]
(_, _, plain_exp_log, _), (_, _, plain_expit, _) = big
assert np.isnan(plain_exp_log.upper).all() and plain_expit.upper >= found
for iv in (big[0][3], big_bound, scalar_bound, *asked_nothing):
    assert iv.cause is None
    assert iv.lower <= found <= iv.upper < 3 * found
    np.testing.assert_allclose(iv.upper, big_bound.upper, rtol=1e-9)
assert nodes(dense) < nodes(scalar_norm) / 100
