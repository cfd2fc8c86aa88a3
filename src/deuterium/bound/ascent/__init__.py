"""The lower side: good points drawn, climbed to, flipped to, polished."""

from deuterium.bound.ascent.engine import Ascent

__all__ = ["Ascent"]
