"""Population search for good points: gradient ascent, evolution, local polish."""

from deuterium.search.population.population_search import PopulationSearch

__all__ = ["PopulationSearch"]
