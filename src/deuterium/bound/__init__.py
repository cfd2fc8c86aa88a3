"""Certified bounds over domains."""

from deuterium.bound.domain import Ball, Box, Choice, Domain, OneHot
from deuterium.bound.enclose import enclose

__all__ = ["Ball", "Box", "Choice", "Domain", "OneHot", "enclose"]
