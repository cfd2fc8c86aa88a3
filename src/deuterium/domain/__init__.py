"""Domains: what the inputs may be, point by point and as boxes.

Takes intervals and graphs; gives `Domain`, points in it, and a problem laid out flat.
"""

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Ball, Box, Choice, OneHot, Simplex, Where

__all__ = ["Ball", "Box", "Choice", "Domain", "OneHot", "Simplex", "Where"]
