"""Settings and small tools that all tests share.

Time goes by looks at the clock (`work_clock`), so that no outcome depends on how fast
the machine is, or on what else it does; how much is drawn is said in `tests.amounts`.
"""

from __future__ import annotations

import gc
import signal
import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from hypothesis import HealthCheck, settings

from deuterium import budget
from deuterium.commands import query
from deuterium.optimize.bounders.clusters import descent_method
from deuterium.optimize.branch_and_bound import loop_options
from tests import amounts
from tests.clocks import PATIENCE, WorkClock

# the same examples in every run, on every machine
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("repeatable")

# a caller that puts us in the background has Ctrl-C ignored, here and in what we start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long run draw more, or less."""
    told = "draw so many times what -m long draws by itself"
    parser.addoption("--draws", type=float, default=1.0, metavar="TIMES", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Settle how much is drawn, before any test is read."""
    amounts.choose(config.getoption("markexpr"), config.getoption("draws"))


def pytest_collection_finish() -> None:
    """Leave what was collected alone, and look for garbage less often.

    There is little of it; but JAX, once it is imported, has work of its own done
    whenever Python looks, seven hundred objects apart.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take what draws more under ``-m long`` for long there."""
    for item in items:
        if amounts.is_many() and item.get_closest_marker("drawn"):
            item.add_marker(pytest.mark.long)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(20210709)


@pytest.fixture(autouse=True)
def work_clock(monkeypatch: pytest.MonkeyPatch) -> WorkClock:
    """Have time limits count work, in this process; those of SciPy are lifted."""
    clock, whole = WorkClock(), scipy.optimize.linprog

    def patient(*given: Any, options: Any = None, **more: Any) -> Any:
        kept = {k: v for k, v in (options or {}).items() if k != "time_limit"}
        return whole(*given, options=kept, **more)

    monkeypatch.setattr(budget, "now", clock)
    # workers that have to share the cores with others answer late
    monkeypatch.setattr(loop_options, "PATIENCE_SECONDS", PATIENCE)
    monkeypatch.setattr(scipy.optimize, "linprog", patient)
    return clock


@pytest.fixture
def coarse_clock(work_clock: WorkClock) -> None:
    """Have more time pass with a look, where much is done between two of them."""
    work_clock.tick = 2e-2


@pytest.fixture
def real_clock(work_clock: WorkClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have time pass as it does: for threads and processes that wait for each other."""
    monkeypatch.setattr(budget, "now", time.monotonic)


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the search of a query end: what grows without end is climbed for ever."""
    monkeypatch.setattr(query, "search", partial(query.search, time_limit=0.5))


@pytest.fixture
def rough_multipliers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have few steps taken to good multipliers: a bound holds for any that are told."""
    whole, few = descent_method.optimise, amounts.draws(20, 100)

    def briefly(lagrangian: Any, x: Any, schedule: Any, *given: Any) -> Any:
        schedule = replace(schedule, most=0, settling=min(schedule.settling, few))
        return whole(lagrangian, x, schedule, *given)

    monkeypatch.setattr(descent_method, "optimise", briefly)
