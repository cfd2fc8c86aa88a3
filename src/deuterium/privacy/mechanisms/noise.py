"""Noise of a known scale: what every law of noise has, and answers.

A *law* (Gaussian, Laplace, ...) is one subclass of `Noise` in a file of its own beside
this one.  Accountants and samplers ask the noise itself, so that nothing else has a
list of the laws.

What noise promises depends on one number, ``noise_multiplier``: scale over sensitivity.
It is the sensitivity *between neighbouring data sets*, so a replaced record counts with
twice its contribution.  Privacy curves are therefore worked out once, for a
sensitivity of one, and neighbouring relations never enter them a second time.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np

from deuterium.errors import InvalidInputError, UnsupportedError
from deuterium.graph.saved import Saved
from deuterium.interval.rounding import EPS
from deuterium.notebook import Shown
from deuterium.privacy.directed_rounding import (
    product_up,
    require_positive,
    round_down,
    round_up,
)
from deuterium.privacy.mechanisms.attack_bounds import AttackBounds
from deuterium.privacy.mechanisms.plain_statement import promised
from deuterium.privacy.mechanisms.privacy_curves import one_by_one, require_orders
from deuterium.privacy.mechanisms.release_shapes import Shape
from deuterium.privacy.mechanisms.samplers import numbers, opendp_measurement, released
from deuterium.privacy.sensitivity.relations import (
    Relation,
    protected,
    require_group,
    require_relation,
    require_scope,
)

__all__ = ["Noise", "NoiseOfScale", "NoiseOfSigma"]


@dataclass(frozen=True)
class NoiseOfScale:
    """The first fields of a law whose parameter is called its scale."""

    noise_multiplier: float
    scale: float


@dataclass(frozen=True)
class NoiseOfSigma:
    """The first fields of a law whose parameter is its standard deviation."""

    noise_multiplier: float
    sigma: float

    @property
    def scale(self) -> float:
        """Standard deviation of the noise: another name of ``sigma``."""
        return self.sigma


@dataclass(frozen=True)
class Noise(Saved, Shown, AttackBounds):
    """What all noise has in common: its privacy curves, and releasing a value.

    A law derives from this and then from `NoiseOfScale` or `NoiseOfSigma`, whose fields
    a dataclass puts first.
    """

    noise_multiplier: float
    sensitivity: float
    contribution: float | None
    relation: Relation
    epsilon: float | None = None
    delta: float | None = None
    quantity: str = "contribution"
    trusted: bool = True
    scope: str | None = None
    shape: Shape | None = None
    size: int | None = None
    group: int = 1

    law: ClassVar[str]
    """Its name in messages; with underscores, that of the function which makes it."""

    norm: ClassVar[int]
    """The norm of the sensitivity."""

    opendp: ClassVar[str]
    """The name of OpenDP's constructor, whose samplers are secure."""

    kind: ClassVar[type] = float
    """Of which numbers it is: float, or int of a discrete law."""

    can_be_sampled: ClassVar[bool] = False
    """Whether `sampled_rdp` knows a bound."""

    def __post_init__(self) -> None:
        _require_sound(self)

    @classmethod
    def of(cls, multiplier: float, scale: float, **about: Any) -> Any:
        """Return noise of this law from a multiplier, a scale and the other fields."""
        make: Any = cls  # the second field is called scale or sigma
        return make(multiplier, scale, **about)

    @classmethod
    def unit(cls, multiplier: float) -> Any:
        """Return noise of a given multiplier, on what moves by one."""
        one = {"sensitivity": 1.0, "contribution": 1.0, "relation": "add_or_remove_one"}
        return cls.of(multiplier, multiplier, **one)

    @property
    def protects(self) -> str:
        """What the promises are about, in words."""
        return protected(self.relation, self.scope, self.group)

    def for_group(self, group: int) -> Self:
        """Return the same noise, and what it promises to a group of so many records.

        The result moves by at most ``group`` sensitivities, whatever the group.

        Examples
        --------
        >>> from deuterium import privacy
        >>> noise = privacy.laplace(
        ...     1.0, epsilon=0.1, relation="replace_one", trusted=True
        ... )
        >>> noise.for_group(4).protects, round(noise.for_group(4).epsilon_at(0), 9)
        ('up to 4 records replaced', 0.4)
        """
        count = require_group("for_group", group, self.scope)
        if count == self.group:
            return self
        share = Fraction(self.group, count)
        return replace(
            self,
            noise_multiplier=round_down(Fraction(self.noise_multiplier) * share),
            sensitivity=round_up(Fraction(self.sensitivity) / share),
            epsilon=None,
            delta=None,
            group=count,
        )

    def statement(self, *, delta: float | None = None) -> str:
        """Return in plain English what a release promises, and what that rests on.

        Parameters
        ----------
        delta : float, optional
            At which epsilon is stated; by default the one that was asked for.
        """
        at = self.delta if delta is None else delta
        if at is None:
            raise InvalidInputError(
                "statement: say at which `delta`; the noise was not made for one"
            )
        made = (
            f"{self.law.capitalize().replace('_', ' ')} noise of scale "
            f"{_scale_of(self):.6g} is added to each number of what is released, which "
            f"moves by at most {self.sensitivity:.6g} in L{self.norm} norm between "
            "neighbouring data sets."
        )
        known = "taken on trust: nobody certified it" if self.trusted else "certified"
        rests = [
            f"How far the result moves is {known}.",
            "Every record lies in the public domain, or was moved into it; each person "
            "has one record.",
            "The noise is drawn securely (not under `insecure_rng`), and the result is "
            "released once.",
        ]
        return promised(self, made, self.protects, at, rests)

    # -- promises ----------------------------------------------------------------------

    @property
    @abstractmethod
    def mu(self) -> float:
        """Gaussian differential privacy (Dong, Roth and Su 2022), rounded up."""

    @property
    @abstractmethod
    def rho(self) -> float:
        """Zero-concentrated differential privacy (Bun and Steinke 2016), rounded up."""

    @property
    def pure_epsilon(self) -> float:
        """The epsilon that holds with delta = 0; infinite if none does."""
        return math.inf

    @abstractmethod
    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon that holds together with a delta."""

    @abstractmethod
    def delta_at(self, epsilon: float) -> float:
        """Return the delta that holds together with an epsilon."""

    def rdp(self, orders: Any) -> Any:
        """Return the Renyi divergence at orders above 1 (Mironov 2017)."""
        return self.rho * require_orders(orders)

    def profile(self, epsilons: Sequence[float]) -> Any:
        """Return the privacy profile: the delta of every epsilon."""
        each = one_by_one("profile", "epsilons", epsilons)
        return np.array([self.delta_at(e) for e in each])

    # -- what accountants ask ----------------------------------------------------------

    @abstractmethod
    def to_event(self) -> Any:
        """Return dp-accounting's ``DpEvent`` of one release, sensitivity one.

        What the relation means is already in the noise multiplier, so its accountants
        are to be asked under their default, ``ADD_OR_REMOVE_ONE``, whatever it is.
        """

    def event(self) -> Any:
        """Return `to_event`'s event."""
        return self.to_event()

    def to_opendp(self) -> Any:
        """Return OpenDP's measurement of this noise.

        It takes one number if what was bounded is one, else a list of numbers, and its
        privacy map is OpenDP's own.  Chain it to `Sensitivity.to_opendp`.
        """
        scalar = self.shape == () or (self.shape is None and self.size == 1)
        return opendp_measurement(
            self.opendp, self.norm, self.kind, _scale_of(self), scalar=scalar
        )

    @property
    def has_loss_distribution(self) -> bool:
        """Whether dp-accounting has its losses, and gets them right."""
        return False

    def loss_distribution(self, probability: float, grid: float) -> Any:
        """Return dp-accounting's distribution of a release's privacy losses.

        Parameters
        ----------
        probability : float
            Of each record to take part; below 1 under Poisson sampling.
        grid : float
            Losses are rounded up to multiples of it (nats).
        """
        raise UnsupportedError(f"loss_distribution: none is known of {self.law} noise")

    def composed_rho(self, count: int) -> float:
        """Return the rho of so many releases, rounded up once if that can be."""
        return product_up(count, self.rho)

    def sampled_rdp(self, probability: float, orders: Any) -> Any:
        """Return the Renyi divergence of a Poisson-sampled release, rounded up.

        Parameters
        ----------
        probability : float
            Above 0 and below 1: of each record to take part.
        orders : ndarray
            Above 1, of any shape, which is the result's.
        """
        raise UnsupportedError(f"sampled_rdp: none is known of {self.law} noise")

    # -- a release ---------------------------------------------------------------------

    def secure(self, values: Any, scale: float) -> Any:
        """Return a vector with OpenDP's noise of this law."""
        draw = opendp_measurement(
            self.opendp, self.norm, self.kind, scale, scalar=False
        )
        return np.asarray(draw(values.astype(self.kind).tolist()))

    @staticmethod
    @abstractmethod
    def insecure(values: Any, scale: float, rng: np.random.Generator) -> Any:
        """Return a vector with NumPy's noise."""

    def exact(self, value: Any) -> Any:
        """Return what is to be released as an array, or say why it cannot be."""
        return numbers(value)

    def release(self, value: Any, *, insecure_rng: Any = None) -> Any:
        """Return the value with fresh noise on every coordinate.

        Parameters
        ----------
        value : array_like or list of array_like
            The exact result, of the shape of what was bounded: a list of arrays, such
            as the gradients by several parameters, comes back as one.  Of a discrete
            law: integers.
        insecure_rng : numpy.random.Generator or int, optional
            Take NumPy's noise instead of the secure one.  It is INSECURE: its random
            numbers can be predicted, and the gaps between floating-point numbers can
            give the value away (Mironov, CCS 2012).  For experiments only.

        Raises
        ------
        ShapeError
            The value is not what was bounded.
        InvalidInputError
            It is no finite number, or for a discrete law no integer.
        MissingDependencyError
            OpenDP is not installed, whose noise is that of every law but the Gaussian.
        """
        return released(self, value, _scale_of(self), insecure_rng)


def _scale_of(noise: Any) -> float:
    scale: float = noise.scale
    return scale


def _require_sound(noise: Noise) -> None:
    """Raise unless a noise multiplier is what its scale and sensitivity allow."""
    who, scale = type(noise).__name__, _scale_of(noise)
    require_relation(who, noise.relation)
    require_scope(who, noise.scope)
    require_group(who, noise.group, noise.scope)
    m = require_positive(who, "noise_multiplier", noise.noise_multiplier)
    moved = require_positive(who, "sensitivity", noise.sensitivity)
    given = require_positive(who, "scale", scale)
    if m * moved > given * (1 + 4 * EPS):
        raise InvalidInputError(
            f"{who}: noise of scale {given!r} on what moves by {moved!r} is less than "
            f"the noise multiplier {m!r} says"
        )
