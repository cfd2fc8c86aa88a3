"""Every operator of the package: one record each, entered when this is imported."""

from deuterium.ops import (  # noqa: F401  (importing enters the records)
    arithmetic,
    arrays,
    divided_differences,
    entropy,
    exponential,
    flat_pieces,
    log_cosh,
    norms,
    piecewise,
    softmax,
    special,
    trigonometric,
)
