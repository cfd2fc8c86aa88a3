"""What the demo found out."""

from __future__ import annotations

from dataclasses import dataclass

from deuterium.demo.private_accuracy import PrivateAccuracy
from deuterium.privacy import GaussianNoise
from deuterium.search.search import Estimate

__all__ = ["DemoResult", "FeaturePart", "ProofSummary"]


@dataclass(frozen=True)
class FeaturePart:
    """How far one feature alone can move a record's gradient, and its norm ``|g|``.

    ``moves`` and ``epsilon`` are promises; derivatives and shares only describe.
    Derivatives are by the scaled feature, of which one unit is half its public range.

    Attributes
    ----------
    name : str
        The feature.
    bounds : (float, float)
        Its stated public bounds, in its own unit.
    derivative : float
        ``d|g|/dx`` at the worst record found.
    share : float
        Its square, as a share of the sum over all features.
    mean_on_data : float
        Mean of ``|d|g|/dx|`` over the data.
    range : (float, float)
        Certified range of ``d|g|/dx`` over the whole box and both labels.
    moves : float
        Certified: two records that differ in this feature alone have gradients that are
        no farther apart.
    epsilon : float
        What the noise on one sum of gradients promises about this feature alone.
    """

    name: str
    bounds: tuple[float, float]
    derivative: float
    share: float
    mean_on_data: float
    range: tuple[float, float]
    moves: float
    epsilon: float


@dataclass(frozen=True)
class ProofSummary:
    """What became of the proof of the certified supremum.

    Attributes
    ----------
    path : str or None
        The file that holds it; None if none was asked for.
    regions : int
        Into how many parts it divides the records.
    verified : bool
        It was checked, in ball arithmetic; False where python-flint is missing.
    """

    path: str | None
    regions: int
    verified: bool


@dataclass(frozen=True)
class DemoResult:
    """What `run_demo` found out.

    Attributes
    ----------
    records, parameters : int
        Sizes of the data and of the network.
    layers : tuple of int
        Features, hidden units, outputs.
    seed, epochs : int
        What the training was run with.
    accuracy : float
        Share of records that the trained network classifies as they are labelled.
    certified : float
        The certified supremum: no record of the box has a gradient of larger norm.
    enclosed : float
        What interval arithmetic alone certifies of it.
    on_data : float
        The largest norm over the data.
    found : Estimate
        The largest norm a search found over the box (data included).
    reached : float
        Certified: some record of the box has at least this norm.
    ratio : float
        ``certified / reached``: 1 would be the exact supremum.
    features : tuple of FeaturePart
        One per feature, in the order of the data.
    noise : GaussianNoise
        What one noisy sum of gradients needs.
    replaced : float
        The epsilon of the same noise where a whole record is replaced by another.
    proof : ProofSummary
        Of ``certified``.
    private : tuple of PrivateAccuracy
        What training with noise costs.
    """

    records: int
    parameters: int
    layers: tuple[int, ...]
    seed: int
    epochs: int
    accuracy: float
    certified: float
    on_data: float
    found: Estimate
    reached: float
    ratio: float
    features: tuple[FeaturePart, ...]
    noise: GaussianNoise
    enclosed: float
    replaced: float
    proof: ProofSummary
    private: tuple[PrivateAccuracy, ...]
