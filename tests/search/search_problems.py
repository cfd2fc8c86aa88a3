"""Problems whose suprema are known, and networks' gradient norms, for the search."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.domain.problem import Problem
from deuterium.search.population import PopulationSearch

ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}


def network_norm(units, activation, seed, scale=1.0):
    """Return the input and the gradient norm of a network with one output."""
    random = np.random.default_rng(seed)
    x = dt.symbol("x", shape=(1, units[0]))
    h, parameters = x, []
    for i, (m, n) in enumerate(pairwise(units)):
        w = dt.constant(scale * random.normal(size=(m, n)))
        b = dt.constant(scale * random.normal(size=n))
        parameters += [w, b]
        h = h @ w + b
        if i < len(units) - 2:
            h = ACTIVATIONS[activation](h)
    return x, dt.norm(dt.grad(-np.sum(log_expit(h)), parameters))


def ascent_of(v, domain, **options):
    """Return a search that has not begun."""
    return PopulationSearch(Problem(v, domain), **options)


def inside(domain, witness):
    """Return whether a witness, by name, lies in a domain."""
    return all(
        domain.contains(dt.symbol(n, shape=np.shape(x)), x) for n, x in witness.items()
    )
