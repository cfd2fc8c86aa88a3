"""Settings and small tools that all tests share."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

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

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(20210709)


@pytest.fixture
def shared() -> Path:
    """The folder of reference data; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("reference data not present")
    return SHARED
