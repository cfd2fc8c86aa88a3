"""Certified bounds over domains."""

from deuterium.bound.branch.result import Bracket
from deuterium.bound.certificate import Certificate
from deuterium.bound.domain import Ball, Box, Choice, Domain, OneHot
from deuterium.bound.enclose import enclose
from deuterium.bound.maximize import maximize, minimize
from deuterium.bound.search import Estimate, enclose_at, search
from deuterium.bound.subdivide import enclose_subdivided

__all__ = [
    "Ball",
    "Box",
    "Bracket",
    "Certificate",
    "Choice",
    "Domain",
    "Estimate",
    "OneHot",
    "enclose",
    "enclose_at",
    "enclose_subdivided",
    "maximize",
    "minimize",
    "search",
]
