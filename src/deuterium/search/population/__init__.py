"""The lower side: good points drawn, climbed to, flipped to, polished."""

from deuterium.search.population.population_search import Ascent

__all__ = ["Ascent"]
