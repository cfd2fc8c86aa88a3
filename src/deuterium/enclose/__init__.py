"""Outer bounds in microseconds: interval arithmetic over a graph, compiled and cached.

Takes a graph and a domain; gives an `Interval` that holds every value.
"""

from deuterium.enclose.in_balls import enclose
from deuterium.enclose.subdivide import enclose_subdivided

__all__ = ["enclose", "enclose_subdivided"]
