"""Problems for the engine, and a program that maximises one in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt
from deuterium.optimize.branch_and_bound import loop_options

BATCH, TOLD = "batch", 8  # what a process says of so many, with a number

a, b = dt.symbol("a"), dt.symbol("b")
x = dt.symbol("x", shape=(3,))
y = dt.symbol("y", shape=(8,))
_WEIGHTS = np.random.default_rng(5).normal(size=(8, 6))


def _gradient_norm(units, seed=0):
    """The norm of a small network's loss gradient, by all its parameters."""
    random = np.random.default_rng(seed)
    z = dt.symbol("z", shape=(1, units[0]))
    parameters, h = [], z
    for m, n in itertools.pairwise(units):
        parameters += [
            dt.constant(random.normal(size=(m, n)) / np.sqrt(m)),
            dt.constant(random.normal(size=n)),
        ]
        h = h @ parameters[-2] + parameters[-1]
        h = expit(h) if n > 1 else h
    loss = -np.sum(log_expit(h))
    return dt.norm(dt.grad(loss, parameters)), dt.Box({z: (-1, 1)})


# name: the function and its domain
PROBLEMS = {
    "wave": (
        np.sin(3 * a) * np.cos(2 * b) + a * b - 0.1 * a * a * b * b,
        dt.Box({a: (-3, 3), b: (-3, 3)}),
    ),
    "hill": (
        np.exp(-np.sum((x - 0.3) ** 2)) * np.cos(3 * np.sum(x * x)),
        dt.Box({x: (-1, 2)}),
    ),
    "norm": _gradient_norm([5, 6, 1]),
    # bounded by plain intervals, it takes for ever
    "endless": (
        dt.norm([np.tanh(y @ _WEIGHTS), np.sin(y)]) - np.sum(y * y) / 9,
        dt.Box({y: (-3, 3)}),
    ),
}


def maximum(name, **options):
    """Maximise one of the problems by plain intervals."""
    options = {"method": "interval", "rtol": 1e-2, **options}
    return dt.maximize(*PROBLEMS[name], **options)


def answer(e):
    """What two runs of the same work must agree in, to the last bit."""
    witness = {n: w.tolist() for n, w in e.witness.items()}
    return e.lower, e.upper, witness, e.status, e.regions


def start(name, executor="", **options):
    """Start a process that maximises a problem; it says when it works (`at_work`)."""
    told = json.dumps({"name": name, "executor": executor, "options": options})
    here = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(here / "branch_problems.py"), told],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )


def at_work(process, regions=1):
    """Wait until a process has taken in so many batches of regions; return it."""
    for line in process.stdout:
        if line == f"{BATCH} {regions}\n":
            return process
    raise AssertionError(process.stderr.read())


def told(process, timeout=600):
    """What the process found, after it ended by itself."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1]), err


def _memory(name):
    """Bytes of memory taken now (VmRSS) or at the peak (VmHWM)."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return 0
    lines = status.read_text().splitlines()
    return next(1024 * int(s.split()[1]) for s in lines if s.startswith(name + ":"))


def _say_each_batch():
    """Have the search say how many batches it has taken in."""
    from deuterium.optimize.branch_and_bound.loop import BranchAndBound

    whole, count = BranchAndBound._apply, itertools.count(1)

    def apply(self, nodes, results):
        whole(self, nodes, results)
        number = next(count)
        if number <= TOLD:
            print(BATCH, number, flush=True)

    BranchAndBound._apply = apply


def _main():
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import nullcontext

    given = json.loads(sys.argv[1])
    pool = nullcontext()
    if given["executor"]:
        import multiprocessing

        context = multiprocessing.get_context(given["executor"])
        pool = ProcessPoolExecutor(2, context)
    loop_options.PATIENCE_SECONDS = 600.0  # workers may get little of a machine
    with pool as executor:
        maximum("wave")  # what is loaded once is loaded now
        before = _memory("VmRSS")
        _say_each_batch()
        e = maximum(given["name"], executor=executor, **given["options"])
    names = "lower", "upper", "witness", "status", "regions"
    found = dict(zip(names, answer(e), strict=True))
    # the peak, which the preparations may have set: see that the limit is larger
    # (not the one of getrusage, which a process inherits from the one it came from)
    grown = _memory("VmHWM") - before
    more = {"seconds": e.seconds, "history": e.history, "grown": grown}
    print(json.dumps({**found, **more}))


if __name__ == "__main__":
    _main()


def children(pid):
    """The processes that a process started and that are not done, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def kill(process):
    """Kill a process, and what its own pool leaves behind.

    A worker that has had no task of ours yet does not know of its parent, and would
    keep what the process writes to open.
    """
    process.send_signal(signal.SIGSTOP)  # so that it starts no more of them
    for pid in (process.pid, *children(process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
