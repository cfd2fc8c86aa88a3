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
# # Do bounded activations bound the sensitivity?
#
# This follows `Total_Sensitivity_Modelling`, published with the original Deuterium: a
# small convolutional network on 16x16 images with eight and four 3x3 filters. Average
# pooling follows the first layer, the mean of the second one is the logit, and the loss is
# cross-entropy. Its activation is tanh, or the *tempered sigmoid* $s \, \sigma(T z) - o$ with
# $(s, T, o) = (5, 5, -5)$, whose values lie between 5 and 10. The notebook reports the same
# "Lipschitz constant" whether pixels lie in $[0, 1]$ and weights in $[-1, 1]$, or all in
# $[-100, 100]$: 1.0 for tanh and 11.0 for the tempered sigmoid. From this it concludes that
# bounded activations bound the sensitivity whatever goes in.
#
# They do not. Three independent faults made those numbers.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit

import deuterium as dt
from deuterium import privacy

rng = np.random.default_rng(2021)


def tempered(z):
    return 5 * expit(5 * z) + 5


def convolution(x, w):
    return np.einsum("hwcij,ijck->hwk", sliding_window_view(x, (3, 3), (0, 1)), w)


def pooled(x):
    h, w, c = x.shape
    return np.mean(x.reshape(h // 2, 2, w // 2, 2, c), axis=(1, 3))


def network(activation):
    """Return image, label and weights, the logit, and the loss written on the logit."""
    x, y = dt.symbol("x", (16, 16)), dt.symbol("y")
    w1, w2 = dt.symbol("w1", (3, 3, 1, 8)), dt.symbol("w2", (3, 3, 8, 4))
    h = pooled(activation(convolution(x[:, :, None], w1)))
    t = np.mean(activation(convolution(h, w2)))
    loss = y * np.log1p(np.exp(-t)) + (1 - y) * np.log1p(np.exp(t))
    return [x, y, w1, w2], t, loss


# %% [markdown]
# The published norm is that of the gradient by everything: image, label and weights. The
# symbols have names, 617 of them, and arrays of them are single nodes: both norms are built
# and compiled in a fraction of a second. (The original needs 220 s for the tanh network, in
# symengine's `Lambdify`.)

# %%
activations = {"tanh": np.tanh, "tempered": tempered}
norms, logits, compiled, seconds = {}, {}, {}, time.perf_counter()
for name, activation in activations.items():
    inputs, logits[name], loss = network(activation)
    norms[name] = dt.norm(dt.grad(loss, inputs))
    compiled[name] = dt.compile(inputs, [norms[name]])
print(f"both built and compiled in {time.perf_counter() - seconds:.2f} s")
print("symbols:", sum(v.size for v in inputs))

# %% [markdown]
# ## Fault 1: weights that are pixels
#
# The original names its weights with the prefix of its pixels, so that `w1` and `w2` *are*
# pixels: 617 slots, but only 289 different symbols. Here an array is one symbol, with a
# name of its own, and a domain says which one it bounds. The same mistake made on purpose,
# with one symbol for two arrays of nine numbers, shows in the count, and in the value:

# %%
pixel_patch = dt.symbol("x", (3, 3))
for name in ("x", "w"):
    filters = dt.symbol(name, (3, 3))
    product = (pixel_patch * filters).sum()
    largest = dt.enclose(product, dt.Box({n: (-1, 1) for n in {"x", name}}))
    print(f"named {name}: {len(product.free_symbols):2} symbols in 18 slots, product in {largest}")

# %% [markdown]
# ## Fault 2: gradients that pile up
#
# It calls `backward()` for one network and then for the other without clearing `.grad`, so
# that 11.0 is 10 (tempered sigmoid) plus 1 left over from tanh. Here `backward()` sets
# `.grad` afresh:

# %%
v = dt.Variable("v")
(v * 10).backward()
first = v.grad.evaluate()
(v * 1).backward()
first, v.grad.evaluate()

# %% [markdown]
# ## Fault 3: an optimiser that never moves
#
# The third is the one that matters. The search starts with every pixel, label and weight at
# 0.5, and there the second layer is saturated: the slope of its activations is zero to the
# last digit, and so is every derivative by a weight or a pixel. What is left is the
# derivative of the loss by the label, which is the logit: 1 for tanh, 10 for the tempered
# sigmoid. The minimiser sees no slope, stops where it began, and reports that.

# %%
start = [np.full(u.shape, 0.5) for u in inputs]
at_start = {name: float(fn(*start)[0]) for name, fn in compiled.items()}
for name, value in at_start.items():
    logit = logits[name].evaluate(dict(zip(inputs, start)))
    print(f"{name:9} norm at the start {value:.14f}, logit there {logit:.14f}")
print("both, piled up:", sum(at_start.values()))

# %% tags=["check"]
assert first == 10 and v.grad.evaluate() == 1
assert sum(u.size for u in inputs) == 256 + 1 + 72 + 288 == 617
assert abs(at_start["tanh"] - 1) < 1e-12 and abs(at_start["tempered"] - 10) < 1e-11
assert abs(sum(at_start.values()) - 11.00000000000097) < 1e-11

# %% [markdown]
# Searching from eight points instead, which takes a few seconds (more points reach more):

# %%
boxes = {
    "unit": dt.Box({"x": (0, 1), "y": (0, 1), "w1": (-1, 1), "w2": (-1, 1)}),
    "hundred": dt.Box({"x": (-100, 100), "y": (0, 1), "w1": (-100, 100), "w2": (-100, 100)}),
}
published = {"tanh": 1.0, "tempered": 11.0}
found = {}
for name, norm in norms.items():
    for where, box in boxes.items():
        found[name, where] = dt.search(norm, box, starts=8, seed=1)
        value = found[name, where].value
        print(f"{name:9} {where:8} published {published[name]:5.1f}   reached {value:12.4g}")

# %% [markdown]
# These norms are *reached*, so the published numbers are too small by factors, and the
# larger box has the larger norm: in $\partial \ell / \partial w_1$ the pixels and the weights of
# the second layer are factors. A bounded activation bounds what flows forward, not what flows
# back. Each of these points can be checked by anyone:

# %%
witness = found["tanh", "unit"].witness
here = dt.enclose(norms["tanh"], dt.Box({n: (w, w) for n, w in witness.items()}))
print("certified at the witness:", here)

# %% tags=["check"]
assert here.lower > 4 * published["tanh"]
assert found["tempered", "unit"].value > 4 * published["tempered"]
for name in norms:
    assert found[name, "hundred"].value > 2 * found[name, "unit"].value

# %% [markdown]
# ## What is certain from above
#
# An interval pass over the whole unit box is far off, because there even the weights are
# unknown. But nobody trains with unknown weights: private training needs the supremum over
# *records*, at the weights of the moment, of the gradient *by the weights*. Fix the weights
# and let image and label vary:

# %%
weights = {n: dt.constant(rng.normal(0, s, shape)) for n, s, shape in (
    ("w1", 0.5, (3, 3, 1, 8)), ("w2", 0.2, (3, 3, 8, 4)))}
records = dt.Box({"x": (0, 1)}) & dt.Choice("y", [0, 1])
rows = []
for name, activation in activations.items():
    inputs, _, loss = network(activation)
    by_weights = dt.norm(dt.grad(loss, inputs[2:]))
    fixed = by_weights.subs(weights)
    whole = float(dt.enclose(by_weights, boxes["unit"]).upper)
    certified = float(dt.enclose(fixed, records).upper)
    best = dt.search(fixed, records, starts=32, time_limit=2).value
    rows.append((name, best, certified, whole))
    print(f"{name:9} weights fixed: reached {best:7.4g}, certified {certified:7.4g}"
          f"    whole box: {whole:.4g}")

# %% [markdown]
# One pass, in milliseconds. The truth lies between what is reached and what is certified; the
# bound is sound, and what it is above the truth costs accuracy. For networks with one hidden
# layer, where deuterium has tighter methods, the two all but meet
# ([the next notebook](05_pixels_and_private_training.ipynb)).

# %% [markdown]
# Such a bound is a sensitivity, and noise can be made from it, whatever made it:

# %%
bound = dt.enclose(dt.norm(dt.grad(network(np.tanh)[2], inputs[2:])).subs(weights), records)
s = privacy.Sensitivity.from_interval(bound, quantity="contribution", norm=2, domain=records)
noise = privacy.gaussian(s, epsilon=1, delta=1e-5, relation="add_or_remove_one")
print(noise.statement())

# %%
figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
places = np.arange(2)
bars = {
    "published, whatever goes in": [published[r[0]] for r in rows],
    "reached, unit box": [found[r[0], "unit"].value for r in rows],
    "reached, box of a hundred": [found[r[0], "hundred"].value for r in rows],
}
for shift, (label, heights) in enumerate(bars.items()):
    axis.bar(places + 0.27 * shift, heights, 0.25, label=label)
axis.set_xticks(places + 0.27, [r[0] for r in rows])
axis.set(yscale="log", ylabel="gradient norm", ylim=(0.3, None))
axis.legend(loc="upper left", fontsize=8)
plt.show()

# %% tags=["check"]
assert noise.sensitivity == s.upper >= rows[0][1] and not noise.trusted
for name, best, upper, whole in rows:
    assert best <= upper <= whole and np.isfinite(upper)
    everything = float(dt.enclose(norms[name], boxes["unit"]).upper)
    assert everything >= found[name, "unit"].value
    for _ in range(20):
        point = [rng.uniform(0, 1, (16, 16)), rng.uniform(0, 1),
                 *(rng.uniform(-1, 1, u.shape) for u in inputs[2:])]
        assert float(compiled[name](*point)[0]) <= everything
