"""What brings computations in from elsewhere: text, and later other libraries."""

from deuterium.frontends import formula

__all__ = ["formula"]
