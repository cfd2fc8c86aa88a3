"""Privacy accounted for person by person.

A worst-case accountant charges everyone the worst case.  An individual one charges each
person what that person's own contribution could reveal: the norm of the gradient at
that person's record, or a certified bound of it.  A *filter* leaves a person out before
a budget is passed, and then the budget holds for everybody, however the norms came
about.

References: V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi filter",
NeurIPS 2021 (arXiv 2008.11193), section 4; A. Koskela, M. Tobaben and A. Honkela,
"Individual privacy accounting with Gaussian differential privacy", ICLR 2023 (arXiv
2209.15596); D. Yu and others, "Individual privacy accounting for differentially private
stochastic gradient descent", TMLR 2023 (arXiv 2206.02617), for a grid of norms (theirs
rounds to the nearest).
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import numpy as np

from deuterium.errors import ArithmeticModeError, InvalidInputError, UnsupportedError
from deuterium.interval.environment import require_standard, standard_only
from deuterium.interval.rounding import EPS, MIN_NORMAL
from deuterium.options import require_whole
from deuterium.privacy.accounting.accountant import require_probability
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.privacy.accounting.individual_budget import (
    WHO,
    budget_of,
    order_of,
    power_of_two,
)
from deuterium.privacy.accounting.individual_norms import GROWN, norms_of
from deuterium.privacy.directed_rounding import quotient_down, require_positive
from deuterium.privacy.mechanisms.privacy_curves import (
    gaussian_epsilon,
    renyi_excess,
    require_delta,
    widened,
)
from deuterium.privacy.sensitivity.relations import protected

__all__ = ["IndividualAccountant"]

CHUNK = 2**14  # people at a time: what is worked out for them fits the cache
GRID = 2.0**-10  # of mu, to which costs are rounded up: sums are exact
TABLE = 2**16  # sampled norms told apart; larger ones cost an infinite amount
SPREAD = 512  # values of mu told apart when epsilons are stated


class IndividualAccountant:
    """Adds up what each person's contributions to noisy sums reveal.

    Parameters
    ----------
    people : int
        How many.
    epsilon, delta : float, optional
        The budget: nobody's privacy loss will exceed it.  Without one, losses are
        added up and nobody is left out.
    mu : float, optional
        The budget in Gaussian differential privacy instead; for ``method="gdp"``.
    method : {"gdp", "rdp"}
        ``"gdp"``: squares of mu add up, which is exact for Gaussian noise.  ``"rdp"``:
        the Renyi divergence of one order adds up, which is looser but also takes
        Poisson-sampled sums.
    order : int, optional
        Of the Renyi divergence; by default the one under which the budget allows most.
    grid : float, optional
        Norms, as multiples of sigma, are rounded UP to multiples of this number (itself
        rounded down to a power of two, so that no rounding error enters).  Sampling
        needs a grid, by default 2**-10; otherwise there is none by default.

    Notes
    -----
    There is one relation, ``add_or_remove_one``: what is compared is the data with and
    without the person, a whole record.  Losses are rounded up at every operation.
    Memory is nine bytes a person, however many steps there are.

    What comes out depends on the data, so it is wrapped as `Internal`.  The budget
    itself is no secret: it holds for everybody, also where norms hang on what was
    released before, as gradients do.  Without a budget, losses that hang on earlier
    releases are added up as if they did not (an *odometer*), which describes and does
    not promise.

    Examples
    --------
    >>> from deuterium import privacy
    >>> account = privacy.IndividualAccountant(3, epsilon=1, delta=1e-5)
    >>> taking_part = account.step([0.1, 0.2, 9.0], 5.0)
    >>> taking_part.values.tolist()
    [True, True, False]
    """

    relation = "add_or_remove_one"

    @standard_only
    def __init__(
        self,
        people: int,
        *,
        epsilon: float | None = None,
        delta: float | None = None,
        mu: float | None = None,
        method: str = "gdp",
        order: int | None = None,
        grid: float | None = None,
    ) -> None:
        people = require_whole(people, 1, WHO, "people")
        if not isinstance(method, str) or method not in ("gdp", "rdp"):
            raise InvalidInputError(
                f"{WHO}: `method` must be 'gdp' or 'rdp', got {method!r:.80}"
            )
        if (epsilon is None) != (delta is None) or not (mu is None or epsilon is None):
            raise InvalidInputError(
                f"{WHO}: a budget is `epsilon` with `delta`, or `mu`, or none of them"
            )
        self.people, self.method, self.steps = people, method, 0
        self.grid = None if grid is None else power_of_two(grid)
        self.order = order_of(method, order, epsilon, delta)
        self.budget = budget_of(method, self.order, epsilon, delta, mu)
        self._spent = np.zeros(people)
        self._active = np.ones(people, dtype=bool)
        self._costs: dict[float, Any] = {}

    def __copy__(self) -> IndividualAccountant:
        return deepcopy(self)  # with an account of its own

    def step(
        self, norms: Any, sigma: float, *, sampling_probability: float = 1.0
    ) -> Internal:
        """Charge everyone for one noisy sum, and say who may take part in it.

        Parameters
        ----------
        norms : array_like, Interval or Sensitivity
            L2 norm of each person's contribution, one number each or one for all; of an
            Interval, the upper ends; a Sensitivity has to be a whole record's
            contribution.  Under sampling: of everyone, drawn or not.
        sigma : float
            Standard deviation of the noise on the sum.
        sampling_probability : float
            Below 1: each person is drawn independently with this probability; needs
            ``method="rdp"``.

        Returns
        -------
        Internal
            One truth value per person: False for those left out of this sum.  Who is
            left out once is left out for good, and charged nothing.  The caller MUST
            leave them out.
        """
        require_standard("step")
        s = require_positive("step", "sigma", sigma)
        q = self._probability(sampling_probability)
        rows = self._rows(norms)
        if s < MIN_NORMAL:
            raise InvalidInputError(f"step: `sigma` is too small: {sigma!r}")
        if q:
            for start in range(0, self.people, CHUNK):
                part = slice(start, start + CHUNK)
                self._charge(part, rows[part] if rows.ndim else rows, s, q)
        self.steps += 1
        self._require_charged()
        return self._internal(self._active.copy(), "who takes part")

    @property
    def protects(self) -> str:
        """What the budget is about, in words."""
        return protected(self.relation, None)

    @property
    def active(self) -> Internal:
        """Who has not been left out."""
        return self._internal(self._active.copy(), "who takes part")

    @property
    def spent(self) -> Internal:
        """What everyone has used: the sum of squares of mu, or of Renyi divergences."""
        return self._internal(self._spent.copy(), f"{self.method} spent")

    @standard_only
    def mu(self) -> Internal:
        """Return everyone's mu of Gaussian differential privacy, rounded up."""
        if self.method != "gdp":
            raise UnsupportedError("mu: needs method='gdp'")
        return self._internal(np.sqrt(self._spent) * GROWN, "mu")

    @standard_only
    def epsilon_at(self, delta: float) -> Internal:
        """Return everyone's epsilon at a delta, rounded up.

        With ``method="gdp"`` and many people, the values of mu are first rounded up to
        one of a few hundred, which costs up to two per cent of epsilon.
        """
        d = require_delta("epsilon_at", delta)
        if self.method == "rdp":
            raised = widened(float(renyi_excess(self.order, d)))
            some = np.maximum(self._spent + raised, 0.0) * GROWN
            # total variation is at most sqrt(1 - exp(-KL)), so at most delta
            none = self._spent <= d * d * (1 - 8 * EPS)
            return self._internal(np.where(none, 0.0, some), "epsilon")
        mus = np.sqrt(self._spent) * GROWN
        finite = np.where(mus < np.inf, mus, 0.0)
        levels = _levels(finite)
        values = np.array([_epsilon(m, d) for m in levels])
        found = values[np.searchsorted(levels, finite)]
        return self._internal(np.where(mus < np.inf, found, np.inf), "epsilon")

    def __repr__(self) -> str:
        # no word of who was left out: that depends on the data
        return (
            f"<IndividualAccountant, {self.relation}, {self.method}: {self.people} "
            f"people, {self.steps} steps>"
        )

    # -- within ------------------------------------------------------------------------

    def _require_charged(self) -> None:
        """Leave everyone out for good where what was charged cannot be trusted."""
        try:
            require_standard("step")
        except ArithmeticModeError:
            self._spent[:], self._active[:] = np.inf, False
            raise

    def _charge(self, part: slice, norms: Any, sigma: float, q: float) -> None:
        """Charge some people: add what the step costs, unless it passes the budget."""
        with np.errstate(all="ignore"):  # infinite norms cost an infinite amount
            total = np.divide(norms, sigma)  # off by half an ulp, which GROWN pays for
            if self.grid is not None or q < 1:
                steps = np.ceil(total / (self.grid or GRID))  # exact
                steps = np.maximum(steps, np.greater(norms, 0))
                total = steps * (self.grid or GRID)
            if q < 1:
                total = self._sampled(steps, q)
            else:
                total *= total * (self.order / 2 if self.method == "rdp" else 1.0)
            total = total + self._spent[part]
            total *= GROWN
            total += MIN_NORMAL  # for squares that underflow
        active = self._active[part]
        if self.budget < math.inf:
            active &= total <= self.budget
        np.copyto(self._spent[part], total, where=active)

    def _sampled(self, steps: Any, q: float) -> Any:
        """Return the costs of norms over sigma, given in steps of the grid."""
        most = int(min(np.max(steps), TABLE - 1))
        costs = self._table(q, most)  # the last entry is infinite, for all beyond
        return costs.take(np.minimum(steps, len(costs) - 1).astype(np.intp))

    def _table(self, q: float, most: int) -> Any:
        """Return what multiples of the grid cost, from 0 to ``most`` at least."""
        known = self._costs.get(q)
        if known is None or len(known) - 2 < most:
            costs = [0.0] if known is None else known[:-1].tolist()
            while len(costs) <= most:
                over = costs[-1] > self.budget  # so everything larger is, too
                mu = len(costs) * (self.grid or GRID)
                costs.append(math.inf if over else self._sampled_cost(mu, q))
            known = self._costs[q] = np.array([*costs, math.inf])
        return known

    def _sampled_cost(self, mu: float, q: float) -> float:
        """Return the Renyi divergence of one sum, of noise ``1/mu`` times the norm."""
        if mu * mu * self.order**2 > 1e4:
            return math.inf  # beyond any budget, and soon beyond exp
        from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
        from dp_accounting.rdp import RdpAccountant

        noise = GaussianDpEvent(quotient_down(1.0, mu * GROWN))
        event = PoissonSampledDpEvent(q, noise)
        exact = float(RdpAccountant(orders=[self.order]).compose(event).rdp[0])
        return exact * (1 + 1e-9) + 1e-13  # more than its evaluation rounds

    def _rows(self, norms: Any) -> Any:
        rows = norms_of(norms, self.people)
        if self.budget == math.inf and rows.size and rows.max() == math.inf:
            raise InvalidInputError(
                "step: a norm is infinite; bound it, or give a budget, which leaves "
                "that person out"
            )
        return rows

    def _probability(self, q: Any) -> float:
        found = require_probability("step", q)
        if 0 < found < 1 and self.method == "gdp":
            raise UnsupportedError(
                "step: Poisson-sampled Gaussian noise has no exact mu; make the "
                "accountant with method='rdp'"
            )
        return found

    def _internal(self, values: Any, what: str) -> Internal:
        values.flags.writeable = False
        return Internal(values, f"{what} of each person")


def _epsilon(mu: float, delta: float) -> float:
    multiplier = quotient_down(1.0, mu) if mu > 0 else math.inf
    return gaussian_epsilon(multiplier, delta) if multiplier < math.inf else 0.0


def _levels(mus: Any) -> Any:
    """Return few numbers, ascending, so that each mu has one that is not below it."""
    if len(mus) <= SPREAD:
        return np.unique(mus)
    least, most = float(mus.min()), float(mus.max())
    levels = np.geomspace(most * 1e-3, most, SPREAD)
    levels[-1] = most  # whatever geomspace rounds to
    return np.append(least, levels) if least < levels[0] else levels
