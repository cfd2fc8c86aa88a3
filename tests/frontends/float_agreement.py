"""What a framework computes in float32, and the enclosure that has to hold it."""

from __future__ import annotations

import numpy as np

import deuterium as dt


def enclosed_gradient(model, domain):
    """Return an enclosure of all elements of the gradient, as float32 computes it."""
    slopes = dt.grad(model.output, list(model.parameters.values()))
    return dt.enclose(
        np.concatenate([np.ravel(g) for g in slopes]), domain, arithmetic="float32"
    )


def assert_holds(found, computed, *, narrow=1e-2):
    """Assert that an enclosure at one point holds what is computed, and little more.

    ``narrow`` is how wide it may be, of the largest element; None where a decision may
    go either way, so that both slopes belong to it.
    """
    computed = np.concatenate([np.ravel(c) for c in computed]).astype(np.float64)
    outside = (computed < found.lower) | (computed > found.upper)
    assert not outside.any(), (
        computed[outside][:3],
        found.lower[outside][:3],
        found.upper[outside][:3],
    )
    if narrow is not None:
        assert np.max(found.width) <= narrow * max(np.abs(computed).max(), 1e-30)
