"""Where floating point is set to another mode, what certifies refuses."""

import multiprocessing
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.format import text
from deuterium.domain.problem import Problem
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.errors import ArithmeticModeError
from deuterium.frontends.bounds import read_bounds
from deuterium.frontends.formula import lift
from deuterium.optimize.bounders.select import select_bounder
from deuterium.optimize.branch_and_bound import worker
from deuterium.search.search import enclose_at
from tests.amounts import some
from tests.float_modes import MODES, floating, needs_modes, switch

pytestmark = needs_modes

x, z = dt.symbol("x"), dt.symbol("z", shape=(4,))
_W = np.random.default_rng(3).normal(size=(4, 4))
HILL = np.sin(3 * x) * np.exp(-x)
LINE = dt.Box({x: (-1, 2)})
LAYERS = np.sum(np.tanh(z @ _W) @ _W)
CUBE = dt.Box({z: (-1, 1)})
FOUND = dt.maximize(HILL, LINE)
PROOF = FOUND.certificate
TEXT = dt.dumps([HILL])
WRITTEN = text({**PROOF.body, "seal": PROOF.seal})

ENTRIES = {
    "enclose": lambda: dt.enclose(HILL, LINE),
    "enclose, compiled": lambda: dt.enclose(LAYERS, CUBE),
    "enclose_at": lambda: enclose_at(HILL, {x: 0.1}),
    "enclose_subdivided": lambda: enclose_subdivided(HILL, LINE, boxes=8),
    "maximize": lambda: dt.maximize(HILL, LINE),
    "minimize": lambda: dt.minimize(HILL, LINE),
    "verify": lambda: PROOF.verify(HILL, LINE),
    "a certificate read": lambda: dt.Certificate.loads(WRITTEN),
    "a graph written": lambda: dt.dumps([HILL]),
    "a graph read": lambda: dt.loads(TEXT),
    "a formula": lambda: lift("0.1 * a"),
    "bounds as text": lambda: read_bounds(["a=0.1:0.2"]),
    "simplify": lambda: dt.simplify(HILL),
    "grad": lambda: dt.grad(HILL, x),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_works_as_a_rule(entry):
    ENTRIES[entry]()


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_refuses(entry):
    for mode in MODES:
        with floating(mode), pytest.raises(ArithmeticModeError, match="floating point"):
            ENTRIES[entry]()


@pytest.mark.parametrize("mode", MODES)
def test_graphs_and_domains_can_be_made(mode):
    """In any mode: that needs no arithmetic."""
    with floating(mode):
        v = np.maximum(x * 0.1, 0.0) + np.array([0.0, 1.5])
        domain = dt.Box({x: (5e-324, 1e-310)})
        tiny = x * 1e-310 + dt.constant([-5e-324, 1e-320])
    assert dt.enclose(v, dt.Box({x: (1, 1)})).upper[1] >= 1.6
    found = dt.enclose(tiny, dt.Box({x: (1, 1)}))
    np.testing.assert_allclose(found.lower, 1e-310, rtol=1e-9)
    found = domain.hull(x)
    assert (found.lower, found.upper) == (5e-324, 1e-310)


@pytest.mark.parametrize("mode", ["DAZ", "FTZ and DAZ"])
def test_whether_a_number_is_zero_is_not_asked_where_it_may_read_as_zero(mode):
    rows = z[:2]
    with floating(mode):
        for make in (x.__pow__, partial(np.maximum, x), partial(np.maximum, rows)):
            with pytest.raises(ArithmeticModeError):
                make(1e-310)
        with pytest.raises(ArithmeticModeError):
            np.maximum(rows, np.array([0.0, -5e-324]))
        relu = np.maximum(rows, 0.0)
    assert relu.op.name == "relu"


def test_the_entries_work_as_ever_afterwards():
    again = dt.maximize(HILL, LINE)
    assert (again.lower, again.upper) == (FOUND.lower, FOUND.upper)
    assert PROOF.verify(HILL, LINE).leaves == PROOF.leaves


@pytest.mark.parametrize("mode", MODES)
def test_threads_are_asked_one_by_one(mode):
    """The mode of one thread is none of another's business."""
    with ThreadPoolExecutor(1, initializer=switch, initargs=(mode,)) as pool:
        there = pool.submit(dt.enclose, LAYERS, CUBE)
        here = dt.enclose(LAYERS, CUBE)
        assert isinstance(there.exception(), ArithmeticModeError)
    assert np.isfinite(here.upper)


@pytest.mark.parametrize("mode", MODES)
def test_batches_of_a_thread_in_another_mode_are_done_here(mode):
    with ThreadPoolExecutor(1, initializer=switch, initargs=(mode,)) as pool:
        told = partial(dt.maximize, HILL, LINE, method="box", rtol=1e-9)
        with pytest.warns(RuntimeWarning, match="ArithmeticModeError"):
            found = told(executor=pool)
    alone = told()
    assert (found.lower, found.upper) == (alone.lower, alone.upper)


# from Python 3.12 on
@pytest.mark.filterwarnings("ignore:This process .* multi-threaded")
@pytest.mark.parametrize("start", some(["fork", "spawn"], 1))
def test_batches_of_a_process_in_another_mode_are_done_here(start):
    context = multiprocessing.get_context(start)
    told = partial(dt.maximize, HILL, LINE, method="box", rtol=1e-9)
    with ProcessPoolExecutor(1, context, switch, ("FTZ and DAZ",)) as pool:
        with pytest.warns(RuntimeWarning, match="ArithmeticModeError"):
            found = told(executor=pool)
        error = pool.submit(dt.enclose, HILL, LINE).exception()
    assert isinstance(error, ArithmeticModeError)
    alone = told()
    assert (found.lower, found.upper) == (alone.lower, alone.upper)


class Meddling:
    """A bounder during whose work a library is loaded that sets another mode."""

    def __init__(self, bounder, mode):
        self.bounder, self.mode = bounder, mode

    def __getattr__(self, name):
        return getattr(self.bounder, name)

    def bound(self, regions, incumbent):
        results = self.bounder.bound(regions, incumbent)
        switch(self.mode)
        return results


@pytest.mark.parametrize("mode", MODES)
def test_what_was_bounded_as_the_mode_changed_is_not_taken(mode, monkeypatch, tmp_path):
    monkeypatch.setattr(
        sys.modules["deuterium.optimize.maximize"],  # the name is the function's, too
        "select_bounder",
        lambda *args: Meddling(select_bounder(*args), mode),
    )
    path = tmp_path / "work"
    try:
        with pytest.raises(ArithmeticModeError):
            dt.maximize(HILL, LINE, method="box", checkpoint=path)
    finally:
        switch("")
    assert b'"nodes"' not in path.read_bytes()  # nor was it written down


def test_a_worker_forgets_what_it_had_worked_out():
    problem = Problem(HILL, LINE)
    task = worker.task_of(problem, "box")
    root = select_bounder(problem, "box").root()
    answers = []

    def work():
        worker.bound_here(task.key, task, root, -np.inf)
        answers.append(worker.bound_here(task.key, None, root, -np.inf).results)
        with floating("FTZ"), pytest.raises(ArithmeticModeError):
            worker.bound_here(task.key, None, root, -np.inf)
        answers.append(worker.bound_here(task.key, None, root, -np.inf).results)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers[0] is not None
    assert answers[1] is None
