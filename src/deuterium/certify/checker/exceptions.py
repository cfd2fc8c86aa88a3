"""Exceptions of the checker: nothing is known of a value, or a region is empty."""

from __future__ import annotations


class NoBound(Exception):
    """A value is not defined throughout the region, or its proof does not apply."""


class NoPoint(Exception):
    """The region holds no point of the domain, so everything holds there."""
