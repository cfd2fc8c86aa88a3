"""Every operator of the package: one record each, entered when this is imported."""

from deuterium.ops import (  # noqa: F401  (importing enters the records)
    arithmetic,
    arrays,
    exponential,
    integers,
    interpolation,
    logic,
    order,
    piecewise,
    softmax,
    special,
    trigonometric,
)
