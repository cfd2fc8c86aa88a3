"""What brings computations in from elsewhere: text, and later other libraries."""

from deuterium.frontends import bounds, formula

__all__ = ["bounds", "formula"]
