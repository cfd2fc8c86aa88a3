"""JAX: a function that JAX can trace, as a function on Variables."""

from deuterium.frontends.jax import (
    jax_arithmetic,
    jax_indexing,
    jax_products,
    jax_reductions,
    jax_shapes,
)
from deuterium.frontends.jax.jax_rules import RULES, Call, primitive
from deuterium.frontends.jax.lift_jax import lift

__all__ = ["RULES", "Call", "lift", "primitive"]

del jax_arithmetic, jax_indexing, jax_products, jax_reductions, jax_shapes
