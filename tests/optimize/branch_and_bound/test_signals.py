"""A process told to end tells what is proved; what it started ends with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deuterium.optimize.branch_and_bound import orphans
from deuterium.optimize.branch_and_bound.interrupt_guard import InterruptGuard
from tests.amounts import some
from tests.clocks import PATIENCE
from tests.optimize.branch_and_bound.branch_problems import (
    at_work,
    children,
    maximum,
    start,
    told,
)

linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")


def is_alive(pid):
    """Whether a process is there, and not just waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def is_watching(pid):
    """Whether a worker looks whether its parent is there: in a thread of its own."""
    return len(list(Path(f"/proc/{pid}/task").glob("*"))) > 1


def wait_for(what):
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_for_children(process, count):
    wait_for(lambda: process.poll() is None and len(children(process.pid)) >= count)
    return children(process.pid)


@pytest.mark.parametrize("executor", some(["spawn", "fork", ""], 1))
def test_sigterm_returns_the_bracket_so_far(executor):
    process = at_work(start("endless", executor, time_limit=None), 3)
    process.send_signal(signal.SIGTERM)
    found, _ = told(process)
    assert found["status"] == "interrupted"
    assert found["lower"] <= found["upper"] < float("inf")


@linux
@pytest.mark.parametrize("executor", some(["fork", "spawn"], 1))
def test_workers_of_a_killed_process_end(executor):
    process = at_work(start("endless", executor, time_limit=None))
    # a worker of the caller's own pool is ours from its first batch on
    wait_for(lambda: sum(map(is_watching, children(process.pid))) >= 2)
    started = children(process.pid)
    process.kill()
    process.communicate(timeout=PATIENCE)
    wait_for(lambda: not any(map(is_alive, started)))


@linux
@pytest.mark.parametrize("number", some([signal.SIGTERM, signal.SIGKILL], 1))
def test_the_command_leaves_no_workers(number, tmp_path):
    begun = tmp_path / "begun"
    formula = "sin(13*a) * cos(17*b) - sin(11*c) * cos(19*d) + 0.1*a*b*c*d"
    boxes = [x for n in "abcd" for x in ("--bound", f"{n}=-9:9")]
    command = [sys.executable, "-m", "deuterium", "maximize", formula, *boxes]
    options = ["--workers", "2", "--rtol", "1e-12", "--checkpoint", str(begun)]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: begun.exists() or process.poll() is not None)
    started = wait_for_children(process, 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    if number == signal.SIGTERM:
        assert process.returncode == 3, err
        assert "interrupted" in out or "Ctrl-C" in out or "stopped" in out
    wait_for(lambda: not any(map(is_alive, started)))


# -- handlers ------------------------------------------------------------------------


@pytest.fixture
def handler():
    """Set a handler for SIGTERM, to be put back."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda x: signal.signal(signal.SIGTERM, x)
    signal.signal(signal.SIGTERM, before)


def test_sigterm_is_taken_for_ctrl_c_where_nothing_else_is_asked_for(handler):
    handler(signal.SIG_DFL)
    with pytest.raises(KeyboardInterrupt), InterruptGuard():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_callers_own_handler_is_asked(handler):
    seen = []
    handler(lambda number, frame: seen.append(number))
    with InterruptGuard() as guard, guard.whole():
        signal.raise_signal(signal.SIGTERM)
        assert not seen
    assert seen == [signal.SIGTERM]


def test_ignored_signals_stay_ignored(handler):
    handler(signal.SIG_IGN)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with InterruptGuard():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_shields_may_lie_within_each_other(handler):
    handler(signal.SIG_DFL)
    with InterruptGuard(), InterruptGuard() as inner:
        done = []
        with pytest.raises(KeyboardInterrupt), inner.whole():
            signal.raise_signal(signal.SIGTERM)
            done.append("the rest")
        assert done == ["the rest"]


def test_an_interrupt_before_anything_is_prepared_still_returns(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        sys.modules["deuterium.optimize.maximize"], "select_bounder", interrupted
    )
    found = maximum("wave")
    assert found.status == "interrupted"
    assert found.lower <= found.upper < float("inf")


def test_only_workers_watch_for_their_parent():
    before = threading.active_count()
    orphans.leave_with_parent()
    assert threading.active_count() == before
    assert orphans._is_orphan(os.getppid() + 1)
    assert not orphans._is_orphan(os.getppid())
