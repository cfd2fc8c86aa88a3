"""What certified bounds give to differential privacy."""

from deuterium.privacy.accounting import Accountant
from deuterium.privacy.calibration import discrete_gaussian, gaussian, laplace
from deuterium.privacy.features import Partial, norm_slopes, partial
from deuterium.privacy.individual import IndividualAccountant
from deuterium.privacy.internal import Internal
from deuterium.privacy.mechanisms import (
    DiscreteGaussianNoise,
    GaussianNoise,
    LaplaceNoise,
)
from deuterium.privacy.neighbours import RELATIONS
from deuterium.privacy.per_feature import FeatureSensitivities, feature_sensitivity
from deuterium.privacy.planning import noise_multiplier
from deuterium.privacy.public import DataDependentBoundsWarning, warn_if_from_data
from deuterium.privacy.quantities import contribution, diameter, lipschitz
from deuterium.privacy.sensitivity import Sensitivity
from deuterium.privacy.sources import ASSUMPTIONS
from deuterium.privacy.training import ClipFreeSGD
from deuterium.privacy.training_divergence import DivergenceWarning

__all__ = [
    "ASSUMPTIONS",
    "RELATIONS",
    "Accountant",
    "ClipFreeSGD",
    "DataDependentBoundsWarning",
    "DiscreteGaussianNoise",
    "DivergenceWarning",
    "FeatureSensitivities",
    "GaussianNoise",
    "IndividualAccountant",
    "Internal",
    "LaplaceNoise",
    "Partial",
    "Sensitivity",
    "contribution",
    "diameter",
    "discrete_gaussian",
    "feature_sensitivity",
    "gaussian",
    "laplace",
    "lipschitz",
    "noise_multiplier",
    "norm_slopes",
    "partial",
    "warn_if_from_data",
]
