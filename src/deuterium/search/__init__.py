"""Good points, found and never proved: the lower side of a bound.

Takes a problem; gives an `Estimate`, a type that is refused where a bound is asked for.
"""

from deuterium.search.search import Estimate, enclose_at, search

__all__ = ["Estimate", "enclose_at", "search"]
