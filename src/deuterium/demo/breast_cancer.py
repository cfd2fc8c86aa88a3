"""What one patient's record can contribute to the training of a classifier.

A small network is trained on the breast-cancer data of Wolberg, Street and Mangasarian
(University of Wisconsin, 1995; it comes with scikit-learn).  Then the supremum of the
gradient norm that ONE record can cause is certified over every record that could ever
come, both diagnoses included: that is the sensitivity that private training needs.  The
proof is saved and checked; each feature alone gets an epsilon of its own; and private
training says what the noise costs in accuracy.

BLAS gets one thread, so that its sums are the same whatever it is set to.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import log_expit

from deuterium.certify import Certificate
from deuterium.demo.demo_result import DemoResult, FeaturePart, ProofSummary
from deuterium.demo.full_batch import adam
from deuterium.demo.private_accuracy import private_accuracies
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box, Choice
from deuterium.enclose import enclose
from deuterium.errors import MissingDependencyError
from deuterium.evaluate import compile
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.variable import Variable
from deuterium.interval import Interval
from deuterium.options import require_whole
from deuterium.privacy import (
    FeatureSensitivities,
    GaussianNoise,
    Sensitivity,
    contribution,
    feature_sensitivity,
    gaussian,
    norm_slopes,
)
from deuterium.privacy.sensitivity.relations import Relation
from deuterium.search import search
from deuterium.search.search import Estimate, enclose_at
from deuterium.transform import grad

__all__ = ["PUBLIC_BOUNDS", "run_demo"]

HIDDEN = 16  # units of the hidden layer: enough to learn the data
WEIGHT_DECAY = 1e-3  # of the loss: an optimum's weights stay moderate
GAP = 0.02  # relative, of the supremum: a second or two
FEATURE_GAP = 0.1  # the same, of each feature alone: some ten seconds for all

# Public bounds: round numbers chosen from what is measured, not computed from the data.
# A cell nucleus in such an image has a radius of at most 40 pixels, so its perimeter is
# at most 2 pi 40, about 250, and its area pi 40**2, about 5000; the texture is the
# standard deviation of grey values and stays below 60.  Means over all nuclei of an
# image stay lower: 30, 200, 2500 and 40.  The others are ratios without unit that start
# at 0 by definition; a strongly irregular outline gives the upper end.  "Error" is the
# standard error over the nuclei, a fraction of the mean, and "worst" the mean of the
# three largest, so above the mean.  Records are clipped to the bounds: what is
# certified does not hang on whether they were chosen well.
PUBLIC_BOUNDS: dict[str, tuple[float, float]] = {
    "mean radius": (0, 30), "mean texture": (0, 40), "mean perimeter": (0, 200),
    "mean area": (0, 2500), "mean smoothness": (0, 0.2), "mean compactness": (0, 0.4),
    "mean concavity": (0, 0.5), "mean concave points": (0, 0.25),
    "mean symmetry": (0, 0.4), "mean fractal dimension": (0, 0.1),
    "radius error": (0, 3), "texture error": (0, 5), "perimeter error": (0, 25),
    "area error": (0, 500), "smoothness error": (0, 0.05),
    "compactness error": (0, 0.15), "concavity error": (0, 0.4),
    "concave points error": (0, 0.05), "symmetry error": (0, 0.1),
    "fractal dimension error": (0, 0.03),
    "worst radius": (0, 40), "worst texture": (0, 60), "worst perimeter": (0, 250),
    "worst area": (0, 5000), "worst smoothness": (0, 0.25),
    "worst compactness": (0, 1), "worst concavity": (0, 1.25),
    "worst concave points": (0, 0.3), "worst symmetry": (0, 0.7),
    "worst fractal dimension": (0, 0.2),
}  # fmt: skip


def run_demo(
    *,
    epsilon: float = 1.0,
    delta: float = 1e-5,
    relation: Relation | None = None,
    seed: int = 0,
    epochs: int = 300,
    proof: Any = None,
) -> DemoResult:
    """Train a classifier and certify what one record can contribute to a gradient.

    Parameters
    ----------
    epsilon, delta, relation
        The promise to make; see `deuterium.privacy.gaussian`.  The relation has to be
        given.
    seed : int
        Of the initial weights and of the search.
    epochs : int
        Steps of full-batch Adam.
    proof : path, optional
        Where the proof of the supremum is written.

    Raises
    ------
    MissingDependencyError
        scikit-learn, which brings the data, is not installed.
    """
    _require_counts(seed, epochs)
    # fail early
    gaussian(1.0, epsilon=epsilon, delta=delta, relation=relation, trusted=True)
    names, x, y = load_records()
    from threadpoolctl import threadpool_limits  # scikit-learn needs it, too

    with threadpool_limits(1):
        return _found(names, x, y, seed, epochs, epsilon, delta, relation, proof)


def _found(
    names: Sequence[str], x: Any, y: Any, seed: int, epochs: int, epsilon: float,
    delta: float, relation: Any, path: Any,
) -> DemoResult:  # fmt: skip
    """Return what the demo finds out; arguments as of `run_demo`."""
    weights = train(x, y, seed, epochs)
    problem = _Problem(weights)
    found = search(problem.norm, problem.domain, seed=seed, points=problem.rows(x, y))
    s = contribution(
        problem.gradient, problem.domain, rtol=GAP, time_limit=None, seed=seed
    )
    reached = max(s.lower, float(enclose_at(problem.norm, found.witness).lower))
    noise = gaussian(s, epsilon=epsilon, delta=delta, relation=relation)
    alone = feature_sensitivity(
        problem.gradient, problem.x, problem.domain, rtol=FEATURE_GAP, time_limit=None,
        seed=seed,
    )  # fmt: skip
    whole = gaussian(s, scale=noise.sigma, relation="replace_one")
    return DemoResult(
        records=len(x),
        parameters=sum(w.size for w in weights),
        layers=(x.shape[1], HIDDEN, 1),
        seed=seed,
        epochs=epochs,
        accuracy=problem.accuracy(x, y),
        certified=s.upper,
        on_data=problem.largest_norm(x, y),
        found=found,
        reached=reached,
        ratio=s.upper / reached,
        features=_feature_parts(problem, names, x, y, found, alone, noise),
        noise=noise,
        enclosed=float(enclose(problem.norm, problem.domain).upper),
        replaced=whole.epsilon_at(delta),
        proof=_proof(s, path),
        private=private_accuracies(x, y, HIDDEN, delta, noise.relation),
    )


def _proof(s: Sensitivity, path: Any) -> ProofSummary:
    """Save the proof if wanted, and check it: the file, where there is one."""
    proof = s.certificate
    if path is not None:
        proof.save(path)
        proof = Certificate.load(path)
    try:
        checked = proof.verify()
    except MissingDependencyError:
        return ProofSummary(path and str(path), s.proof.regions, False)
    return ProofSummary(path and str(path), checked.leaves, True)


def _require_counts(seed: Any, epochs: Any) -> None:
    for name, value in (("seed", seed), ("epochs", epochs)):
        require_whole(value, 0, "demo", name)


# -- data and training ---------------------------------------------------------------


def load_records() -> tuple[list[str], Any, Any]:
    """Return the features' names, the records scaled to [-1, 1], and the labels.

    Records outside the public bounds are clipped to them.
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError:
        raise MissingDependencyError(
            "the demo takes its data from scikit-learn, which is not installed; run "
            "pip install 'deuterium[demo]'"
        ) from None
    data = load_breast_cancer()
    names = [str(n) for n in data.feature_names]
    low, high = np.array([PUBLIC_BOUNDS[n] for n in names]).T
    scaled = (np.clip(data.data, low, high) - low) / (high - low) * 2 - 1
    return names, np.clip(scaled, -1, 1), data.target.astype(np.float64)


def train(x: Any, y: Any, seed: int, epochs: int) -> list[Any]:
    """Return trained weights, by Adam on deuterium's own compiled gradient.

    Features are (records, 30), labels (records,).
    """
    random = np.random.default_rng(seed)
    sizes = x.shape[1], HIDDEN, 1
    weights: list[Any] = []
    for rows, columns in pairwise(sizes):
        weights.append(random.normal(0, rows**-0.5, (rows, columns)))
        weights.append(np.zeros(columns))
    parameters = [constant(w) for w in weights]
    total = cross_entropy(constant(x), constant(y[:, None]), parameters)
    decay = sum((w**2).sum() for w in parameters[::2]) * (WEIGHT_DECAY / 2)
    slopes = compile(parameters, grad(total / len(x) + decay, parameters))
    return adam(slopes, weights, epochs)


def cross_entropy(x: Any, y: Any, parameters: Sequence[Variable]) -> Variable:
    """Return the loss of records, summed, written on the logit so that it is stable.

    Features are (records, 30), labels (records, 1), or a number for one record.
    """
    t = logit(x, parameters)
    loss: Variable = -(y * log_expit(t) + (1 - y) * log_expit(-t)).sum()
    return loss


def logit(x: Any, parameters: Sequence[Variable]) -> Any:
    """Return the network's output before the sigmoid: (records, 1)."""
    w1, b1, w2, b2 = parameters
    return np.tanh(x @ w1 + b1) @ w2 + b2


# -- the certified part --------------------------------------------------------------


class _Problem:
    """The gradient norm of one record, as a graph, and the set of all records."""

    x: Variable
    y: Variable
    norm: Variable
    domain: Domain

    def __init__(self, weights: Sequence[Any]) -> None:
        features = weights[0].shape[0]
        self.x = symbol("x", shape=(1, features))
        self.y = symbol("y")
        parameters = [constant(w) for w in weights]
        self.gradient = grad(cross_entropy(self.x, self.y, parameters), parameters)
        self.norm = norm_of_all(self.gradient)
        self.domain = Box({self.x: (-1, 1)}) & Choice(self.y, [0, 1])
        self.slopes = grad(self.norm, self.x)
        self.logit = logit(self.x, parameters)

    def rows(self, x: Any, y: Any) -> dict[Any, Any]:
        """Return data as values of the symbols."""
        return {self.x: x[:, None, :], self.y: y}

    def largest_norm(self, x: Any, y: Any) -> float:
        """Return the largest norm over data."""
        return float(self.norm.evaluate(self.rows(x, y)).max())

    def accuracy(self, x: Any, y: Any) -> float:
        """Return the share of records classified as labelled."""
        t = self.logit.evaluate({self.x: x[:, None, :]})
        return float(((t.reshape(-1) > 0) == (y > 0.5)).mean())

    def slopes_at(self, values: dict[Any, Any]) -> Any:
        """Return d|g|/dx at records, one row each."""
        return self.slopes.evaluate(values).reshape(-1, self.x.size)

    def slope_ranges(self) -> Interval:
        """Return a certified range of d|g|/dx over all records."""
        return norm_slopes(self.gradient, self.x, self.domain)[0]


def _feature_parts(
    problem: _Problem, names: Sequence[str], x: Any, y: Any, found: Estimate,
    alone: FeatureSensitivities, noise: GaussianNoise,
) -> tuple[FeaturePart, ...]:  # fmt: skip
    worst = problem.slopes_at(dict(found.witness))[0]
    total = float((worst**2).sum())
    shares = worst**2 / total if total > 0 else np.zeros(len(worst))
    on_data = np.abs(problem.slopes_at(problem.rows(x, y))).mean(axis=0)
    ranges = problem.slope_ranges()
    epsilons = alone.epsilon_at(noise.delta or 0.0, scale=noise.sigma)
    return tuple(
        FeaturePart(
            name=name,
            bounds=PUBLIC_BOUNDS[name],
            derivative=float(worst[i]),
            share=float(shares[i]),
            mean_on_data=float(on_data[i]),
            range=(float(ranges.lower[i]), float(ranges.upper[i])),
            moves=float(alone.upper[i]),
            epsilon=float(epsilons[i]),
        )
        for i, name in enumerate(names)
    )
