"""What certified bounds give to differential privacy."""

from deuterium.privacy.features import norm_slopes
from deuterium.privacy.gaussian import RELATIONS, GaussianNoise, gaussian

__all__ = ["RELATIONS", "GaussianNoise", "gaussian", "norm_slopes"]
