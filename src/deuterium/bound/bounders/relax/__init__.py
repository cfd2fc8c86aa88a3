"""Fused linear relaxations with multipliers."""

from deuterium.bound.bounders.relax.bounder import RelaxBounder, relaxation

__all__ = ["RelaxBounder", "relaxation"]
