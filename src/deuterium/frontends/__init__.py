"""What brings computations in from elsewhere: text, and models of other libraries."""

from deuterium.frontends import bounds, formula, torch
from deuterium.frontends.lifted_model import LiftedModel

__all__ = ["LiftedModel", "bounds", "formula", "torch"]
