"""What brings computations in from elsewhere: text, and other libraries' models."""

from deuterium.frontends import bounds, formula, jax, symengine, sympy
from deuterium.frontends.lifted_model import LiftedModel

__all__ = ["LiftedModel", "bounds", "formula", "jax", "symengine", "sympy"]
