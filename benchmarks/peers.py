"""What other libraries prove of the same gradient norm, where they are installed.

SCIP and Gurobi (`solvers.py`) take networks of one hidden layer with few inputs;
auto_LiRPA (`lirpa.py`) plain networks with one score at the end.
"""

from __future__ import annotations

import numpy as np

import lirpa
import problems
import solvers

PEERS = (*solvers.EXACT, *lirpa.METHODS)
MOST = 30  # inputs for the exact solvers, which branch over all
MISSING, UNFIT = "not installed", "-"


def of_network(case, seconds: float) -> dict[str, float | str]:
    """Return each peer's upper bound of a case, or why there is none."""
    return {peer: of_peer(case, peer, seconds) for peer in PEERS}


def of_peer(case, peer: str, seconds: float) -> float | str:
    exact = peer in solvers.EXACT
    if peer not in (solvers.installed() if exact else lirpa.METHODS) or not (
        exact or lirpa.installed()
    ):
        return MISSING
    if not (fits_solvers(case) if exact else fits_lirpa(case)):
        return UNFIT
    uppers = []
    for network in both_labels(case):
        share = seconds / (2 if case.both else 1)
        try:
            uppers.append(by_peer(case, network, peer, share))
        except Exception as error:  # the other columns are wanted all the same
            return type(error).__name__
    upper = max(uppers)
    return float(upper) if np.isfinite(upper) else UNFIT


def by_peer(case, network, peer: str, seconds: float) -> float:
    layers, activation = network
    if peer not in solvers.EXACT:
        return lirpa.upper_bound(layers, activation, peer, seconds)
    run = {"SCIP": solvers.by_scip, "Gurobi": solvers.by_gurobi}[peer]
    _, upper = run(layers, activation, seconds, case.name.startswith("S1"))
    return upper


def both_labels(case):
    """Yield networks whose gradient's norm at y = 1 is the case's at each label.

    The loss of a score t at y = 0 is that of -t at y = 1.
    """
    layers, activation = case.network
    yield layers, activation
    if case.both:
        *inner, (w, b) = layers
        yield [*inner, (-w, -b)], activation


def fits_solvers(case) -> bool:
    if case.network is None or case.network[1] not in problems.ACTIVATIONS:
        return False
    layers, _ = case.network
    one = layers[-1][0].shape[1] == 1
    return one and len(layers) == 2 and len(layers[0][0]) <= MOST


def fits_lirpa(case) -> bool:
    if case.network is None or case.network[1] not in lirpa.ACTIVATIONS:
        return False
    layers, _ = case.network
    return layers[-1][1] is not None and layers[-1][0].shape[1] == 1
