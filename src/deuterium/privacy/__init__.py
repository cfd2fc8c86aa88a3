"""What certified bounds give to differential privacy."""

from deuterium.privacy.accounting import Accountant, noise_multiplier
from deuterium.privacy.calibration import discrete_gaussian, gaussian, laplace
from deuterium.privacy.features import norm_slopes
from deuterium.privacy.individual import IndividualAccountant
from deuterium.privacy.internal import Internal
from deuterium.privacy.mechanisms import (
    DiscreteGaussianNoise,
    GaussianNoise,
    LaplaceNoise,
)
from deuterium.privacy.public import DataDependentBoundsWarning, warn_if_from_data
from deuterium.privacy.sensitivity import ASSUMPTIONS, RELATIONS, Sensitivity

__all__ = [
    "ASSUMPTIONS",
    "RELATIONS",
    "Accountant",
    "DataDependentBoundsWarning",
    "DiscreteGaussianNoise",
    "GaussianNoise",
    "IndividualAccountant",
    "Internal",
    "LaplaceNoise",
    "Sensitivity",
    "discrete_gaussian",
    "gaussian",
    "laplace",
    "noise_multiplier",
    "norm_slopes",
    "warn_if_from_data",
]
