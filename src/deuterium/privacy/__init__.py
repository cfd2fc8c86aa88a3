"""What certified bounds give to differential privacy.

Takes brackets and a relation; gives sensitivities, noise, accounts and trainers.
"""

from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.privacy.accounting.individual import IndividualAccountant
from deuterium.privacy.accounting.noise_planning import noise_multiplier
from deuterium.privacy.mechanisms.discrete_gaussian import (
    DiscreteGaussianNoise,
    discrete_gaussian,
)
from deuterium.privacy.mechanisms.gaussian import GaussianNoise, gaussian
from deuterium.privacy.mechanisms.geometric import GeometricNoise, geometric
from deuterium.privacy.mechanisms.laplace import LaplaceNoise, laplace
from deuterium.privacy.releases import audit
from deuterium.privacy.releases.joint_contributions import (
    JointContributions,
    contributions,
)
from deuterium.privacy.releases.release import MECHANISMS, Release, release
from deuterium.privacy.sensitivity import proved_upper as _proved_upper  # noqa: F401
from deuterium.privacy.sensitivity.attribution import Partial, norm_slopes, partial
from deuterium.privacy.sensitivity.bound_sources import ASSUMPTIONS
from deuterium.privacy.sensitivity.domain_checks import (
    DataDependentBoundsWarning,
    warn_if_from_data,
)
from deuterium.privacy.sensitivity.feature_sensitivity import feature_sensitivity
from deuterium.privacy.sensitivity.feature_table import FeatureSensitivities
from deuterium.privacy.sensitivity.local_sensitivity import (
    local_sensitivity,
    smooth_sensitivity,
)
from deuterium.privacy.sensitivity.quantities import contribution, diameter, lipschitz
from deuterium.privacy.sensitivity.relations import RELATIONS, Relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.privacy.training.clip_free import ClipFreeSGD
from deuterium.privacy.training.divergence import DivergenceWarning
from deuterium.privacy.training.filtered import FilteredSGD
from deuterium.privacy.training.gradient_bound import GradientBound, opacus_optimizer
from deuterium.privacy.training.normalized import NormalizedSGD
from deuterium.privacy.training.training_proof import TrainingProof

__all__ = [
    "ASSUMPTIONS",
    "MECHANISMS",
    "RELATIONS",
    "Accountant",
    "ClipFreeSGD",
    "DataDependentBoundsWarning",
    "DiscreteGaussianNoise",
    "DivergenceWarning",
    "FeatureSensitivities",
    "FilteredSGD",
    "GaussianNoise",
    "GeometricNoise",
    "GradientBound",
    "IndividualAccountant",
    "Internal",
    "JointContributions",
    "LaplaceNoise",
    "NormalizedSGD",
    "Partial",
    "Relation",
    "Release",
    "Sensitivity",
    "TrainingProof",
    "audit",
    "contribution",
    "contributions",
    "diameter",
    "discrete_gaussian",
    "feature_sensitivity",
    "gaussian",
    "geometric",
    "laplace",
    "lipschitz",
    "local_sensitivity",
    "noise_multiplier",
    "norm_slopes",
    "opacus_optimizer",
    "partial",
    "release",
    "smooth_sensitivity",
    "warn_if_from_data",
]


def __dir__() -> list[str]:
    return list(__all__)
