"""The literature's test functions, certified, beside the optimisers people use.

Of every function: is the known minimum inside the bracket, is the gap closed to 1e-6
(relative, or absolute where the minimum is near zero), how long did it take, and how
long does it take to verify the proof.  The peers return a point and no bound; noted is
how often its value is the minimum, to 1e-6, in their default settings.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import deuterium as dt
from deuterium.errors import CertificateError

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.optimize.global_functions import FUNCTIONS

LIMIT = 10.0  # seconds each
TOLERANCE = 1e-6
SHARE = 0.95  # of them are to be solved
MOST = 20_000  # evaluations by a peer


def tolerance(entry):
    return TOLERANCE * max(1.0, abs(entry.minimum))


def certified(entry):
    """Return bracket, seconds, seconds to verify (NaN: no proof), and a refusal."""
    low, high = np.array(entry.box, dtype=float).T
    x = dt.symbol("x", shape=(entry.n,))
    domain = dt.Box({x: (low, high)})
    v = entry.f(x)
    start = time.perf_counter()
    e = dt.minimize(v, domain, rtol=TOLERANCE, atol=TOLERANCE, time_limit=LIMIT)
    found = time.perf_counter()
    refusal = ""
    if e.certificate is not None:
        try:
            e.certificate.verify(v, domain)
        except CertificateError as error:
            refusal = str(error)
    verifying = np.nan if e.certificate is None else time.perf_counter() - found
    return e, found - start, verifying, refusal


def test_brackets(benchmark, note):
    results = benchmark.pedantic(
        lambda: {n: certified(f) for n, f in FUNCTIONS.items()}, rounds=1
    )
    solved, outside, late, refused = [], [], [], []
    for name, (e, seconds, verifying, refusal) in results.items():
        entry, slack = FUNCTIONS[name], 1e-9 * max(1.0, abs(FUNCTIONS[name].minimum))
        if not e.lower - slack <= entry.minimum <= e.upper + slack:
            outside.append(name)
        if e.upper - e.lower <= tolerance(entry):
            solved.append(name)
        if refusal:
            refused.append(f"{name}: {refusal}")
        if verifying > seconds:
            late.append(name)
    two = [n for n, f in FUNCTIONS.items() if f.n == 2]
    times = [seconds for _, seconds, _, _ in results.values()]
    note(
        functions=len(results),
        solved=len(solved),
        of_two_inputs=len(two),
        of_them_solved=len(set(two) & set(solved)),
        outside=", ".join(outside) or "none",
        not_solved=", ".join(sorted(set(results) - set(solved))) or "none",
        median_seconds=float(np.median(times)),
        longest_seconds=float(np.max(times)),
        verified_slower_than_found=len(late),
    )
    assert not outside
    assert not refused
    assert len(solved) >= SHARE * len(results)


PEERS = {
    "shgo": lambda f, box: scipy.optimize.shgo(f, box),
    "direct": lambda f, box: scipy.optimize.direct(f, box, maxfun=MOST),
    "dual_annealing": lambda f, box: scipy.optimize.dual_annealing(
        f, box, maxfun=MOST, rng=0
    ),
    "differential_evolution": lambda f, box: scipy.optimize.differential_evolution(
        f, box, rng=0
    ),
}


@pytest.mark.parametrize("peer", PEERS)
def test_hits_of_peers(peer, benchmark, note):
    def hits():
        return [n for n, f in FUNCTIONS.items() if is_hit(PEERS[peer], f)]

    hit = benchmark.pedantic(hits, rounds=1)
    note(functions=len(FUNCTIONS), minimum_found=len(hit))


def is_hit(peer, entry):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = peer(lambda x: float(entry.f(x)), list(entry.box))
        except (ValueError, ArithmeticError):
            return False
    return found.fun <= entry.minimum + tolerance(entry)
