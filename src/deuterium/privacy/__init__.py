"""What certified bounds give to differential privacy."""

from deuterium.privacy.gaussian import RELATIONS, GaussianNoise, gaussian

__all__ = ["RELATIONS", "GaussianNoise", "gaussian"]
