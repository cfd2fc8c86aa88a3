"""The loop: draw, check, count, make failures small, print them."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import deuterium as dt
from deuterium.graph.operator import OPERATORS

from . import case, checks, regions, shrink

PATIENCE = 40.0  # seconds of the process for one check, whatever else the machine does


class Slow(BaseException):  # which nothing that is checked may catch
    """A check took too long."""


@dataclass
class Report:
    """What a run found."""

    failures: list[dict[str, Any]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    drawn: Counter[tuple[str, str]] = field(default_factory=Counter)
    graphs: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return the closing report."""
        values = checks.COUNTS["values"]
        rate = values / max(self.seconds, 1e-9) * 3600
        return [
            f"{self.graphs} graphs, {values} values in {self.seconds:.0f} s "
            f"({rate:,.0f} an hour on one core)",
            *[f"  {k}: {n}" for k, n in sorted(checks.COUNTS.items())],
            *[f"FAILED {k}: {n}" for k, n in self.kinds.most_common()],
        ]

    def missing(self) -> set[str]:
        """Return the operators that no graph had."""
        return set(OPERATORS) - {name for name, _ in self.drawn}

    def coverage(self) -> list[str]:
        """Return how often each operator met each kind of domain."""
        labels = regions.LABELS
        head = " " * 18 + " ".join(f"{x[:7]:>7}" for x in labels)
        rows = [
            f"{name:18}" + " ".join(f"{self.drawn[name, x]:7}" for x in labels)
            for name in sorted(OPERATORS)
        ]
        return [head, *rows]


def run(
    seeds: Iterator[int],
    *,
    minutes: float = np.inf,
    known: tuple[str, ...] = (),
    heavy: float = 0.3,
    out: Any = None,
    once: bool = True,
    skip: frozenset[str] = frozenset(),
) -> Report:
    """Check cases until the time is over.

    Parameters
    ----------
    seeds : iterator of int
        Which cases.
    minutes : float
        For how long.
    known : tuple of str
        Kinds of failures that are counted and not shown.
    heavy : float
        The share of cases whose extrema are bracketed, which takes longest.
    out : file, optional
        Where failures go, one JSON object a line.
    once : bool
        Show one failure of each kind only.
    skip : frozenset of str
        Checks to leave out.
    """
    report, start = Report(), time.monotonic()
    with suppress(KeyboardInterrupt):  # what was found by then is told
        _all(report, seeds, 60 * minutes, known, heavy, out, once, skip)
    report.seconds = time.monotonic() - start
    return report


def _all(
    report: Report,
    seeds: Iterator[int],
    limit: float,
    known: tuple[str, ...],
    heavy: float,
    out: Any,
    once: bool,
    skip: frozenset[str],
) -> None:
    start = time.monotonic()
    for seed in seeds:
        if time.monotonic() - start > limit:
            break
        for name, check, c in _checks(report, seed, heavy):
            if name in skip:
                continue
            for failure in _patiently(check, c):
                report.kinds[failure.kind] += 1
                if failure.kind in known or (once and report.kinds[failure.kind] > 2):
                    continue
                slow = failure.kind == "slow"
                small = c if slow else _small(check, c, failure.kind)
                again = [f for f in _patiently(check, small) if f.kind == failure.kind]
                told = {
                    "check": name,
                    "kind": failure.kind,
                    "text": (again or [failure])[0].text,
                    "case": small.to_json(),
                    "drawn as": seed,
                }
                report.failures.append(told)
                _tell(told, small, out)


def _small(check: Any, c: Any, kind: str) -> Any:
    return shrink.smallest(check, c, kind, _patiently)


def _checks(report: Report, seed: int, heavy: float) -> Iterator[Any]:
    try:
        c = case.draw(seed)
    except dt.DeuteriumError as error:
        checks.COUNTS[f"not drawn: {type(error).__name__}"] += 1
        return
    except Exception as error:
        kind, text = checks.where(error)
        report.kinds["drawing: " + kind] += 1
        if report.kinds["drawing: " + kind] == 1:
            print(f"drawing seed {seed}: {kind}: {text}", flush=True)
        return
    report.graphs += 1
    for node in dt.graph.topological([c.v]):
        for r in c.regions.values():
            if node.op is not None:
                report.drawn[node.op.name, r.label] += 1
    for name, check in checks.ANY.items():
        if name == "enclose" or np.random.default_rng([seed, 5]).random() < heavy:
            yield name, check, c
    number = case.scalar(c)
    if number is None:
        return
    for name, check in checks.NUMBERS.items():
        if np.random.default_rng([seed, 6]).random() < heavy:
            yield name, check, number


def _patiently(check: Any, c: Any) -> list[Any]:
    """Run a check, but not for ever."""
    try:
        with _alarm(PATIENCE):
            return checks.run(check, c)
    except Slow:
        return [checks.Failure("slow", f"more than {PATIENCE} s")]


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _tell(told: dict[str, Any], small: Any, out: Any) -> None:
    text = json.dumps(told)
    if out is not None:
        out.write(text + "\n")
        out.flush()
    print(f"FAILED {told['kind']} (seed {told['drawn as']}): {told['text']}")
    print(f"    v = {str(small.v)[:500]}\n    domain = {str(small.domain)[:400]}")
    if out is None:
        print(f"    {text}")
    sys.stdout.flush()


def repeat(text: str) -> list[Any]:
    """Run the check of a failure that was told, and return what fails."""
    told = json.loads(text)
    check = {**checks.ANY, **checks.NUMBERS}[told["check"]]
    return checks.run(check, case.Case.from_json(told["case"]))
