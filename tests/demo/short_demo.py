"""A demo that takes a second: enclosures for features, hardly any private training."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache

import pytest

from deuterium.demo import breast_cancer, private_accuracy, run_demo

FEATURES = breast_cancer.feature_sensitivity


@contextmanager
def shortened():
    """Have the demo's longest parts cut short; all that it certifies still holds."""

    def enclosed(*args, **options):
        return FEATURES(*args, **{**options, "time_limit": 1e-3})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(breast_cancer, "feature_sensitivity", enclosed)
        patch.setattr(private_accuracy, "SPLITS", 1)
        patch.setattr(private_accuracy, "STEPS", 2)
        yield


@cache
def short_demo(**options):
    """Return the result of a short demo: made once for all tests that look at it."""
    with shortened():
        return run_demo(**{"relation": "add_or_remove_one", **options})
