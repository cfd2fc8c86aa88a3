"""Four private trainers on six problems, tuned alike: accuracy and seconds.

    python benchmarks/training_table.py run RESULTS.jsonl [problem ...]
    python benchmarks/training_table.py table RESULTS.jsonl

The first command appends one line per finished cell, and goes on where it stopped; the
second prints the tables of docs/training-table.md.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy.special import log_expit

import deuterium as dt
from deuterium.errors import InvalidInputError
from deuterium.privacy import FilteredSGD, NormalizedSGD, noise_multiplier
from deuterium.privacy.training.parameter_noise import spread_evenly
from deuterium.privacy.training.private_sgd import PlannedStep, PrivateSGD
from private_training import (
    _bars,
    _cancer,
    _digits,
    binary,
    classes,
    opacus_step,
    start,
)

DELTA, RELATION = 1e-5, "add_or_remove_one"
EPSILONS = (1.0, 3.0, 8.0)
RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
LENGTHS = {  # three settings of each method's own: the length that noise is made from
    "clipped": (0.1, 0.5, 2.0),
    "normalised": (0.25, 0.5, 1.0),
    "filtered": (0.25, 0.5, 1.0),
    "Opacus": (0.1, 0.5, 2.0),
}
LOSSES = ("plain", "margin")
PAIRS = [("normalised", "clipped"), ("normalised", "Opacus"), ("filtered", "clipped")]
# splits: for the numbers; for all settings; and for the best of these, besides
SEEDS, FIRST, MORE = range(40), range(100, 102), range(102, 108)
FINALISTS = 6  # settings that are looked at on all splits: two lose to luck too often
RAN_AWAY = 0.0, 1e3  # accuracy and loss of weights that are no numbers
TAU, MARGIN = 4.0, 1.0  # the margin losses' scale and margin, for every problem
PROBLEMS = {  # widths of the layers, and steps
    "wine": ((13, 16, 3), 60),
    "election": ((9, 16, 1), 60),
    "breast cancer": ((30, 16, 1), 60),
    "bars": ((25, 8, 1), 60),
    "affairs": ((8, 16, 1), 60),
    "digits": ((64, 32, 10), 100),
}
WINE = [(11, 15), (0, 6), (1, 4), (10, 30), (70, 170), (0, 4), (0, 6), (0, 1)]
WINE += [(0, 4), (1, 13), (0, 2), (1, 4), (200, 1700)]  # public ranges, in data's units
ELECTION = {  # codes of the questionnaire, and ages
    "logpopul": (-3, 9), "TVnews": (0, 7), "selfLR": (1, 7), "ClinLR": (1, 7),
    "DoleLR": (1, 7), "PID": (0, 6), "age": (18, 95), "educ": (1, 7), "income": (1, 24),
}  # fmt: skip
AFFAIRS = {
    "rate_marriage": (1, 5), "age": (17, 42), "yrs_married": (0, 23),
    "children": (0, 6), "religious": (1, 4), "educ": (9, 20), "occupation": (1, 6),
    "occupation_husb": (1, 6),
}  # fmt: skip


def scaled(x, ranges):
    low, high = np.array(ranges, dtype=float).T
    return 2 * (np.clip(x, low, high) - low) / (high - low) - 1


def wine():
    from sklearn.datasets import load_wine

    data = load_wine()
    return scaled(data.data, WINE), np.eye(3)[data.target]


def election():
    import statsmodels.api as sm

    table = sm.datasets.anes96.load_pandas().data
    return scaled(table[list(ELECTION)], [*ELECTION.values()]).to_numpy(), table[
        "vote"
    ].to_numpy(float)


def affairs():
    import statsmodels.api as sm

    table = sm.datasets.fair.load_pandas().data
    x = scaled(table[list(AFFAIRS)], [*AFFAIRS.values()]).to_numpy()
    return x, (table["affairs"] > 0).to_numpy(float)


LOADERS = {"wine": wine, "election": election, "affairs": affairs}
LOADERS |= {"breast cancer": _cancer, "digits": _digits, "bars": _bars}


def margin_binary(x, y, w1, b1, w2, b2):
    """Logistic loss that asks for a margin: softplus(tau * (margin - sign * logit))."""
    t = (np.tanh(x @ w1 + b1) @ w2 + b2)[:, 0]
    return -log_expit(TAU * ((2 * y - 1) * t - MARGIN))


def margin_classes(x, y, w1, b1, w2, b2):
    """Softmax cross-entropy on tau * (logits - margin * label)."""
    logits = np.tanh(x @ w1 + b1) @ w2 + b2
    return -(y * dt.log_softmax(TAU * (logits - MARGIN * y))).sum(1)


class ClippedSGD(PrivateSGD):
    """Every gradient shortened to C and noise from C: what Opacus does."""

    def __init__(self, *args, clip, **options):
        self.clip = clip
        more = {"sampling_probability": 1.0, "momentum": 0.0, "penalty": None}
        super().__init__(*args, **more, on_divergence="ignore", **options)

    def _planned(self, data):
        every = np.arange(data.count)
        sums = self._sums.some(data.rows, self.parameters, every, self.clip)
        return PlannedStep(spread_evenly(self.clip, self.parameters), self.clip, sums)


@cache
def loaded(name):
    return LOADERS[name]()


def split(name, seed):
    """Return records and labels for training, and for testing: a fifth of them."""
    x, y = loaded(name)
    order = np.random.default_rng(1000 + seed).permutation(len(x))
    cut = int(0.8 * len(x))
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def trainer(name, method, epsilon, seed, setting, count):
    rate, length, loss = setting
    sizes, steps = PROBLEMS[name]
    one = sizes[-1] == 1
    x = dt.symbol("x", shape=(sizes[0],))
    y = dt.symbol("y", shape=() if one else (sizes[-1],))
    records = dt.Box({x: (-1, 1)}) & (dt.Choice(y, [0, 1]) if one else dt.OneHot(y))
    plain, margin = (binary, margin_binary) if one else (classes, margin_classes)
    about = (plain if loss == "plain" else margin, start(sizes, seed), records)
    common = {"relation": RELATION, "learning_rate": rate, "count": count}
    common["insecure_rng"] = seed
    if method == "filtered":
        return FilteredSGD(
            *about, secret=[y], first_clip=length, epsilon=epsilon, delta=DELTA,
            steps=steps, on_divergence="ignore", **common,
        )  # fmt: skip
    common["noise_multiplier"] = noise_multiplier(
        epsilon, DELTA, relation=RELATION, steps=steps
    )
    if method == "normalised":
        return NormalizedSGD(
            *about, secret=[y], cap=length, on_divergence="ignore", **common
        )
    return ClippedSGD(*about, clip=length, **common)


def trained(name, method, epsilon, seed, setting):
    """Return accuracy, mean log loss of test records, and milliseconds a step."""
    if method == "Opacus":
        return by_opacus(name, epsilon, seed, setting)
    steps = PROBLEMS[name][1]
    (x, y), test = split(name, seed)
    made = trainer(name, method, epsilon, seed, setting, len(x))
    rows = made.prepared({"x": x, "y": y})
    try:
        with np.errstate(all="ignore"):
            made.step(rows)  # compiles
            began = time.process_time()
            for _ in range(steps - 1):
                made.step(rows)
            spent = time.process_time() - began
    except InvalidInputError:
        return *RAN_AWAY, 0.0
    assert made.epsilon_at(DELTA) <= epsilon * (1 + 1e-9)
    return *judged(made.parameters, *test), 1e3 * spent / (steps - 1)


def judged(p, x, y):
    """Return accuracy and mean log loss of weights on test records."""
    if not all(np.isfinite(w).all() for w in p.values()):
        return RAN_AWAY
    logits = np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    if logits.shape[1] == 1:
        signed = np.where(y > 0.5, 1, -1) * logits[:, 0]
        right, loss = signed > 0, -log_expit(signed)
    else:
        right = logits.argmax(1) == y.argmax(1)
        top = logits.max(1, keepdims=True)
        loss = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
        loss = loss - (logits * y).sum(1)
    return float(right.mean()), float(loss.mean())


def tuned(name, method, epsilon):
    """Return the best setting over other splits: of all on two, of six on eight."""
    runs = {s: [] for s in itertools.product(RATES, LENGTHS[method], LOSSES)}

    def look(settings, seeds):
        for setting, seed in itertools.product(settings, seeds):
            found = trained(name, method, epsilon, seed, setting)
            runs[setting].append((found[0], -found[1]))

    def score(setting):
        return tuple(np.mean(runs[setting], axis=0))

    look(runs, FIRST)
    best = sorted(runs, key=score)[-FINALISTS:]
    look(best, MORE)
    return max(best, key=score)


def cell(name, method, epsilon):
    """Tune on other splits, then run every seed."""
    best = tuned(name, method, epsilon)
    found = [trained(name, method, epsilon, s, best) for s in SEEDS]
    return {
        "problem": name, "method": method, "epsilon": epsilon, "setting": best,
        "accuracy": [f[0] for f in found],
        "milliseconds": float(np.median([f[2] for f in found])),
    }  # fmt: skip


def run(path, problems):
    done = [json.loads(line) for line in path.open()] if path.exists() else []
    known = {(d["epsilon"], d["problem"], d["method"]) for d in done}
    for key in itertools.product(EPSILONS, problems or PROBLEMS, LENGTHS):
        if key in known:
            continue
        epsilon, name, method = key
        found = cell(name, method, epsilon)
        with path.open("a") as file:
            file.write(json.dumps(found) + "\n")


def by_opacus(name, epsilon, seed, setting):
    """The same as `trained`, by Opacus's optimizer."""
    import torch

    sizes, steps = PROBLEMS[name]
    rate, clip, loss = setting
    train, test = split(name, seed)
    multiplier = noise_multiplier(epsilon, DELTA, relation=RELATION, steps=steps)
    torch.set_num_threads(1)

    def margins(out, label):
        if sizes[-1] == 1:
            return -torch.nn.functional.logsigmoid(
                TAU * ((2 * label - 1) * out - MARGIN)
            )
        hot = torch.nn.functional.one_hot(label, sizes[-1])
        return torch.nn.functional.cross_entropy(
            TAU * (out - MARGIN * hot), label, reduction="none"
        )

    problem = SimpleNamespace(sizes=sizes, train=train)
    how = {"clip": clip, "loss": margins if loss == "margin" else None}
    how["mode"] = "ghost"  # up to six times faster, and the same but for rounding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step, model = opacus_step(problem, multiplier, rate, seed, **how)
        step()
        began = time.process_time()
        for _ in range(steps - 1):
            step()
    spent = 1e3 * (time.process_time() - began) / (steps - 1)
    made = [v.detach().numpy().T for _, v in model.named_parameters()]
    names = ("w1", "b1", "w2", "b2")
    return *judged(dict(zip(names, made, strict=True)), *test), spent


def table(path):
    """Print Markdown tables: the results, and what pairs of methods differ by."""
    cells = {}
    for line in path.open():
        d = json.loads(line)
        cells[d["problem"], d["epsilon"], d["method"]] = d
    rows, pairs = [], []
    for name, epsilon in itertools.product(PROBLEMS, EPSILONS):
        found = {m: cells.get((name, epsilon, m)) for m in LENGTHS}
        times = (f"{d['milliseconds']:.1f}" if d else "-" for d in found.values())
        about = [name, f"{epsilon:g}"]
        rows.append([*about, *map(shown, found.values()), " / ".join(times)])
        pairs.append([*about, *(difference(found[m], found[n]) for m, n in PAIRS)])
    head = ["problem", "epsilon"]
    print(markdown([[*head, *LENGTHS, "milliseconds a step"], *rows]), end="\n\n")
    print(markdown([head + [" - ".join(p) for p in PAIRS], *pairs]))


def shown(d):
    """Return accuracy in per cent: mean and standard deviation over seeds."""
    if not d:
        return "not run"
    return f"{100 * np.mean(d['accuracy']):.1f} ± {100 * np.std(d['accuracy']):.1f}"


def difference(one, other):
    """Return by how much one is better on the same splits, and the standard error."""
    if not one or not other:
        return "not run"
    by = 100 * np.subtract(one["accuracy"], other["accuracy"])
    return f"{by.mean():+.2f} ± {by.std(ddof=1) / np.sqrt(len(by)):.2f}"


def markdown(rows):
    rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)


if __name__ == "__main__":
    command, where, *which = sys.argv[1:]
    if command == "run":
        run(Path(where), which)
    else:
        table(Path(where))
