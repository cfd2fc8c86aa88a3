"""Floating point set to another mode is noticed, in whatever thread, and by all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from deuterium.errors import ArithmeticModeError, DeuteriumError
from deuterium.interval import environment
from deuterium.interval.environment import (
    forgets,
    is_standard,
    require_standard,
    standard_only,
)
from deuterium.interval.rounding import TINY
from tests.amounts import some
from tests.float_modes import MODES, floating, needs_modes, switch

pytestmark = needs_modes

WORDS = {
    "down": "rounds downward",
    "up": "rounds upward",
    "to zero": "rounds toward zero",
    "FTZ": r"\(FTZ\)",
    "DAZ": r"\(DAZ\)",
    "FTZ and DAZ": r"\(FTZ\) and reads .*\(DAZ\)",
}


def test_usually_all_is_well():
    assert is_standard()
    require_standard("enclose")


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_is_noticed_and_named(mode):
    with floating(mode):
        noticed = not is_standard()
        with pytest.raises(ArithmeticModeError, match=f"enclose: .*{WORDS[mode]}"):
            require_standard("enclose")
    assert noticed
    assert is_standard()


def test_only_what_is_set_is_named():
    with floating("FTZ"), pytest.raises(ArithmeticModeError) as caught:
        require_standard("enclose")
    assert "DAZ" not in str(caught.value)
    assert "rounds" not in str(caught.value).split(". ")[0]
    assert isinstance(caught.value, DeuteriumError | ArithmeticError)


@pytest.mark.parametrize("mode", MODES)
def test_loops_of_numpy_obey_the_mode_that_is_noticed(mode):
    """What the check sees of Python's floats holds for NumPy's vectors as well."""
    one, half = np.full((2, 64), [[1.0], [2.0**-53 * 1.25]])
    small = np.full(64, 2.0**-1022)
    rest = np.full(64, np.frombuffer(bytes([0, 0, 0, 0, 0, 0, 8, 0])))  # subnormal

    def worked_out():
        return [
            np.add(one, half).tobytes(),
            np.subtract(-one, half).tobytes(),
            np.multiply(small, 0.5 * one).tobytes(),
            np.multiply(rest, 4 * one).tobytes(),
        ]

    usual = worked_out()
    with floating(mode):
        other = worked_out()
    changed = [a != b for a, b in zip(usual, other, strict=True)]
    assert (
        changed
        == {
            "down": [True, False, False, False],
            "up": [False, True, False, False],
            "to zero": [True, True, False, False],
            "FTZ": [False, False, True, False],
            "DAZ": [False, False, False, True],
            "FTZ and DAZ": [False, False, True, True],
        }[mode]
    )


def test_each_thread_is_asked_for_itself():
    seen = []

    def work(mode):
        with floating(mode):
            seen.append(is_standard())

    for mode in ("", "FTZ"):
        thread = threading.Thread(target=work, args=(mode,))
        thread.start()
        thread.join()
    assert seen == [True, False]
    assert is_standard()


def test_a_change_during_the_work_is_noticed_after_it():
    @standard_only
    def load_a_library():
        switch("FTZ")
        return 1.0

    try:
        with pytest.raises(ArithmeticModeError, match=r"load_a_library: .*FTZ"):
            load_a_library()
    finally:
        switch("")


def test_a_refusal_clears_what_is_kept(monkeypatch):
    monkeypatch.setattr(environment, "_KEPT", [])
    kept = {"wrong": 1}
    forgets(kept.clear)
    with floating("up"), pytest.raises(ArithmeticModeError):
        require_standard("enclose")
    assert not kept


def test_imported_in_another_mode_nothing_can_be_trusted(monkeypatch):
    monkeypatch.setattr(environment, "_WAS_STANDARD", False)
    with pytest.raises(ArithmeticModeError, match="when deuterium was imported"):
        require_standard("enclose")


def test_the_smallest_number_does_not_depend_on_how_files_were_compiled():
    assert np.float64(TINY).view(np.int64) == 1


THREADS = """
import os, sys, warnings
sys.path.insert(0, {tests!r})
from tests.float_modes import switch
switch({mode!r})
warnings.simplefilter("ignore")
import numpy
switch("")
print(len(os.listdir("/proc/self/task")))
import deuterium as dt
try:
    dt.enclose(dt.symbol("x"), dt.Box({{"x": (0, 1)}}))
except dt.errors.ArithmeticModeError as error:
    print(error)
"""


@pytest.mark.parametrize("mode", some(["", *MODES], 2))
def test_threads_of_matrix_products_keep_the_mode_they_began_with(mode):
    """Put back in the main thread, it is still that of the threads NumPy made."""
    code = THREADS.format(tests=str(Path(__file__).parents[2]), mode=mode)
    env = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    run = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    threads, *told = run.stdout.splitlines()
    if threads == "1":
        pytest.skip("matrix products run on one thread here")
    assert bool(told) == bool(mode)
    assert not told or "threads of NumPy's matrix products" in told[0]
