"""Population search for good points: gradient ascent, evolution, local polish."""

from deuterium.search.population.population_search import Ascent

__all__ = ["Ascent"]
