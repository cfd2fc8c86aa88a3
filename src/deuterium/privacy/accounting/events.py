"""dp-accounting's events, read: what was released how often, and how sampled."""

from __future__ import annotations

from typing import Any

from deuterium.errors import UnsupportedError
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.laplace import LaplaceNoise
from deuterium.privacy.mechanisms.noise import Noise

__all__ = ["releases_in"]


def releases_in(
    event: Any, relation: str, scope: str | None
) -> list[tuple[Noise, int, float]]:
    """Return noise, count and sampling probability of everything in an event.

    Parameters
    ----------
    event : DpEvent
        Of dp-accounting.
    relation, scope : str
        What the noise protects.
    """
    from dp_accounting import dp_event

    laws = {
        dp_event.GaussianDpEvent: GaussianNoise,
        dp_event.LaplaceDpEvent: LaplaceNoise,
    }

    def read(inner: Any, count: int, q: float) -> list[tuple[Noise, int, float]]:
        if isinstance(inner, dp_event.NoOpDpEvent):
            return []
        if isinstance(inner, dp_event.ComposedDpEvent):
            return [found for e in inner.events for found in read(e, count, q)]
        if isinstance(inner, dp_event.SelfComposedDpEvent):
            return read(inner.event, count * inner.count, q)
        if isinstance(inner, dp_event.PoissonSampledDpEvent) and q == 1:
            return read(inner.event, count, inner.sampling_probability)
        law = laws.get(type(inner))
        if law is None:
            raise UnsupportedError(
                f"compose_event: {type(inner).__name__} has no counterpart here; what "
                "is read are Gaussian and Laplace noise, Poisson-sampled or not, "
                "composed"
            )
        about = {"sensitivity": 1.0, "contribution": 1.0, "relation": relation}
        m = float(inner.noise_multiplier)
        return [(law.of(m, m, scope=scope, **about), count, q)]

    return read(event, 1, 1.0)
