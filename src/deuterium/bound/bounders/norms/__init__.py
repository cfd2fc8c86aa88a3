"""Norm bounds."""

from deuterium.bound.bounders.norms.bounder import NormsBounder

__all__ = ["NormsBounder"]
