"""How each kind of row of `tightness.py` is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import architectures
import deuterium as dt
import peers
import problems
import step_bounds
from deuterium.graph import free_symbols
from deuterium.privacy import feature_sensitivity

NONE = "none"  # where there is no certificate


@dataclass
class Measured:
    """One problem of one seed."""

    what: str
    ratio: float = math.nan  # upper over best found, or as the row says
    regions: float = math.nan
    seconds: float = math.nan
    processor: float = math.nan  # seconds of this process
    certificate: str = ""
    peers: dict[str, Any] = field(default_factory=dict)  # their upper over best found


@dataclass(frozen=True)
class Settings:
    """What the command line asks for."""

    limit: Callable[[float], float]  # seconds of a run, of the row's own
    verify: bool = False
    peers: bool = True


class Clock:
    """Seconds by the wall and of the processor since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        wall, processor = self.start
        return time.perf_counter() - wall, time.process_time() - processor


def checked(verify: Callable[[], Any], settings: Settings) -> str:
    """Return the seconds that a certificate took to check, or why it failed."""
    if not settings.verify:
        return ""
    clock = Clock()
    try:
        verify()
    except Exception as error:  # the other rows are wanted all the same
        return f"{type(error).__name__}: {error}".replace("|", "/")[:70]
    return f"{clock.read()[0]:.1f} s"


def certified(case, seconds: float, settings: Settings, search: float = 0):
    """Return a case's bracket and what is measured of it.

    ``search``: seconds of a search apart, where the limit is too short to find much.
    """
    clock = Clock()
    e = dt.maximize(case.graph, case.domain, rtol=1e-3, time_limit=seconds)
    wall, processor = clock.read()
    best = float(np.nanmax([e.lower, case.known]))
    if search:
        apart = dt.search(case.graph, case.domain, time_limit=settings.limit(search))
        best = max(best, apart.value)

    def verify():
        if e.certificate is None:
            raise ValueError(NONE)
        e.certificate.verify(case.graph, case.domain)

    proof = checked(verify, settings)
    theirs = peers.of_network(case, seconds) if settings.peers else {}
    theirs = {p: u if isinstance(u, str) else u / best for p, u in theirs.items()}
    row = Measured(case.name, e.upper / best, e.regions, wall, processor, proof, theirs)
    return e, row


# -- the kinds of rows -----------------------------------------------------------------

Runs = Callable[[int, float, Settings], Iterator[Measured]]


def network(name: str, activation: str | None = None, search: float = 0) -> Runs:
    """One of `architectures.CASES`; plain ones are given to the peers, too."""

    def runs(seed, seconds, settings):
        w, loss, domain = architectures.drawn(name, seed)
        layers = list(zip(w.arrays[::2], w.arrays[1::2], strict=False))
        case = problems.Case(
            f"{name} {seed}",
            dt.norm(dt.grad(loss, w.drawn)),
            domain,
            network=(layers, activation) if activation else None,
            both=True,
        )
        yield certified(case, seconds, settings, search)[1]

    return runs


def standard(size: str, *activations: str) -> Runs:
    """The standard problems of a size, their weights scaled and plain."""

    def runs(seed, seconds, settings):
        for activation in activations or problems.ACTIVATIONS:
            for weights in problems.WEIGHTS:
                case = problems.standard(size, activation, weights, seed)
                yield certified(case, seconds, settings)[1]

    return runs


def spelled(seed, seconds, settings):
    """The largest bound over the smallest, of one function written in many ways."""
    uppers, proofs, regions, clock = [], [], [], Clock()
    alone = Settings(settings.limit, settings.verify, peers=False)
    for how, norm, domain in architectures.spellings(seed):
        try:
            case = problems.Case(how, norm, domain)
            e, row = certified(case, seconds, alone)
        except Exception as error:
            yield Measured(f"{how}: {type(error).__name__}: {error}"[:70], math.inf)
            continue
        uppers.append((e.upper, how))
        regions.append(e.regions)
        proofs.append(row.certificate)
    (low, least), (high, most) = min(uppers), max(uppers)
    proof = next((p for p in proofs if not p.endswith(" s")), proofs[0])
    wall, processor = clock.read()
    what = f"seed {seed}: {most} / {least}"
    yield Measured(what, high / low, np.median(regions), wall, processor, proof)


def features(build: Callable[[Any], Any]) -> Runs:
    """The mean gap of all features' sensitivities, (upper - lower) / lower."""

    def runs(seed, seconds, settings):
        w = architectures.Weights(seed)
        loss, domain = build(w)
        x = next(s for s in free_symbols([loss]) if s.name == "x")
        clock = Clock()
        found = feature_sensitivity(
            dt.grad(loss, w.drawn), x, domain, time_limit=seconds
        )
        wall, processor = clock.read()
        gaps = [part.gap for part in found]
        proof = checked(found.verify, settings)
        what = f"seed {seed}, largest {max(gaps):.3g}"
        yield Measured(what, float(np.mean(gaps)), math.nan, wall, processor, proof)

    return runs


def skipping(w, size=10):
    """A layer around which the record skips."""
    x = dt.symbol("x", (size,))
    h = x + np.tanh(x @ w(size, size)) @ w(size, size)
    value, labels = architectures.binary((h @ w(size, 1))[0])
    return value, dt.Box({x: (-1, 1)}) & labels


def steps(seed, seconds, settings):
    """A training step's bound over the largest gradient norm that a search found."""
    for name in step_bounds.PROBLEMS:
        made = step_bounds.trainer(name, seed)
        bound, processor = step_bounds.settled(made)
        ratio = bound / step_bounds.found(made)
        yield Measured(f"{name} {seed}", ratio, processor=processor, certificate=NONE)
