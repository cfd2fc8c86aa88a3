"""Privacy accounted for person by person.

A worst-case accountant charges everyone the worst case.  An individual one charges each
person what that person's own contribution could reveal: the norm of the gradient at
that person's record, or a certified bound of it.  A *filter* leaves a person out before
a budget is passed, and then the budget holds for everybody, however the norms came
about.

References: V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi filter",
NeurIPS 2021 (arXiv 2008.11193), section 4; A. Koskela, M. Tobaben and A. Honkela,
"Individual privacy accounting with Gaussian differential privacy", ICLR 2023; D. Yu and
others, "Individual privacy accounting for differentially private stochastic gradient
descent", TMLR 2023, for a grid of norms (theirs rounds to the nearest).
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import numpy as np

from deuterium.errors import ArithmeticModeError, InvalidInputError, UnsupportedError
from deuterium.interval.environment import require_standard, standard_only
from deuterium.interval.rounding import EPS, MIN_NORMAL
from deuterium.options import require_whole
from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.accounting.data_dependent import Internal
from deuterium.privacy.accounting.individual_budget import (
    WHO,
    planned_of,
    power_of_two,
    routes_of,
    sampled_costs,
)
from deuterium.privacy.accounting.individual_epsilons import epsilons_of, group_table
from deuterium.privacy.accounting.individual_norms import GROWN, norms_of
from deuterium.privacy.accounting.spending import require_probability
from deuterium.privacy.directed_rounding import quotient_down, require_positive
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.privacy_curves import (
    renyi_excess,
    require_delta,
    widened,
)
from deuterium.privacy.sensitivity.relations import (
    RELATIONS,
    protected,
    require_relation,
)

__all__ = ["IndividualAccountant"]

CHUNK = 2**14  # people at a time: what is worked out for them fits the cache
MANY, THREADS = 2**18, 2  # people from which on, and how many, threads share a step
GRID = 2.0**-10  # of mu, to which norms are rounded up under sampling
TABLE = 2**16  # sampled norms told apart; larger ones cost an infinite amount


class IndividualAccountant:
    """Adds up what each person's contributions to noisy sums reveal.

    Parameters
    ----------
    people : int
        How many.
    epsilon, delta : float, optional
        The budget: nobody's loss exceeds it.  Without one, nobody is left out.
    mu : float, optional
        The budget in Gaussian privacy instead; for ``method="gdp"``.
    method : {"gdp", "rdp"}
        ``"gdp"``: squares of mu add up, which is exact for Gaussian noise.  ``"rdp"``:
        Renyi divergences add up, which is looser but also takes Poisson-sampled sums.
    order : int, optional
        Of the Renyi divergence; by default several, one of which has to allow a step.
    planned : tuple of float, optional
        Noise multiplier and sampling probability of the steps to come, for
        ``method="rdp"``.  Who is never above them (in norm over sigma, and in how often
        they are drawn) takes part in as many steps as an `Accountant` allows for 0.98
        of delta; who once is above them has the divergences.
    relation : {"add_or_remove_one", "replace_special"}, optional
        What is done to the person's record: the first, unless given, and it costs the
        same.
    grid : float, optional
        Norms, as multiples of sigma, are rounded UP to multiples of this number (a
        power of two).  Sampling needs a grid, by default 2**-10; else there is none.

    Notes
    -----
    What is compared is the data with and without the person, a whole record, whether
    they are left out (``add_or_remove_one``) or emptied (``replace_special``).  Losses
    are rounded up at every operation.

    What comes out depends on the data, so it is wrapped as `Internal`.  The budget
    itself is no secret: it holds for everybody, also where norms hang on what was
    released before, as gradients do.  Without a budget, losses that hang on earlier
    releases are added up as if they did not (an *odometer*), which describes and does
    not promise.

    Examples
    --------
    >>> from deuterium import privacy
    >>> account = privacy.IndividualAccountant(3, epsilon=1, delta=1e-5)
    >>> account.step([0.1, 0.2, 9.0], 5.0).values.tolist()
    [True, True, False]
    """

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
        planned: tuple[float, float] | None = None,
        grid: float | None = None,
        relation: str | None = None,
    ) -> None:
        self.relation = require_relation(WHO, relation or "add_or_remove_one")
        if RELATIONS[self.relation] > 1:
            raise UnsupportedError(
                f"{WHO}: under {self.relation} two records count, not one person's; "
                "take add_or_remove_one or replace_special"
            )
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
        self.planned = planned_of(epsilon, delta, planned)
        self.routes = routes_of(method, order, epsilon, delta, mu, self.planned)
        self._spent = np.zeros((len(self.routes), people))
        self._active = np.ones(people, dtype=bool)
        self._within = np.full(people, self.planned is not None)
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
            self._charge_all(rows, s, q)
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
        """What everyone has used: (people,), or (orders, people) of several orders.

        The sum of squares of mu, or of Renyi divergences.
        """
        found = self._spent.copy()
        return self._internal(
            found[0] if len(found) == 1 else found, f"{self.method} spent"
        )

    @standard_only
    def mu(self) -> Internal:
        """Return everyone's mu of Gaussian differential privacy, rounded up."""
        if self.method != "gdp":
            raise UnsupportedError("mu: needs method='gdp'")
        return self._internal(np.sqrt(self._spent[0]) * GROWN, "mu")

    @standard_only
    def epsilon_at(self, delta: float) -> Internal:
        """Return everyone's epsilon at a delta, rounded up.

        With ``method="gdp"`` and many people, the values of mu are first rounded up to
        one of a few hundred, which costs up to two per cent of epsilon.
        """
        d = require_delta("epsilon_at", delta)
        if self.method == "rdp":
            return self._internal(self._by_routes(d), "epsilon")
        mus = np.sqrt(self._spent[0]) * GROWN
        return self._internal(epsilons_of(mus, d), "epsilon")

    def by_group(
        self, groups: Any, delta: float, quantiles: Any = (0.5, 0.9, 1.0)
    ) -> Internal:
        """Return quantiles of epsilon by public group, as a structured array.

        Parameters
        ----------
        groups : array_like
            (people,): the name of everyone's group, which is public.
        delta : float
            At which epsilon is stated.
        quantiles : sequence of float
            In [0, 1]; each is the epsilon of somebody, the one above.

        Returns
        -------
        Internal
            One row a group: ``group``, ``people``, and a field such as ``q0.9`` for
            each quantile.  It depends on the data as much as a single person's does.
        """
        epsilons = self.epsilon_at(delta).values
        return self._internal(group_table(groups, epsilons, quantiles), "epsilons")

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

    def _charge_all(self, rows: Any, sigma: float, q: float) -> None:
        """Charge everyone, a chunk of people at a time."""
        planned = self.planned
        most = -1.0  # the largest norm that is as planned; none is
        left = planned is not None and self.steps < planned.steps
        if planned is not None and left and q <= planned.sampling_probability:
            most = quotient_down(sigma, planned.noise_multiplier)
        if q < 1:
            with np.errstate(all="ignore"):
                largest = np.ceil(np.max(rows) / sigma / (self.grid or GRID))
            self._table(q, int(min(largest, TABLE - 1)))  # before threads ask for it
        starts = range(0, self.people, CHUNK)

        def charge(start: int) -> None:
            part = slice(start, start + CHUNK)
            with np.errstate(all="ignore"):  # infinite norms cost an infinite amount
                self._charge(part, rows[part] if rows.ndim else rows, sigma, q, most)

        if self.people < MANY or (os.cpu_count() or 1) < THREADS:
            for start in starts:
                charge(start)
            return
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(charge, starts))

    def _charge(
        self, part: slice, norms: Any, sigma: float, q: float, most: float
    ) -> None:
        """Charge some people: add what the step costs, unless no route is left.

        Parameters
        ----------
        part : slice
            Who.
        norms : ndarray
            () or (part,).
        sigma, q : float
            Of the noise and the sampling.
        most : float
            The largest norm that is as planned.
        """
        costs = self._sampled(norms, sigma, q) if q < 1 else self._whole(norms, sigma)
        totals = [np.add(c, s[part]) for c, s in zip(costs, self._spent, strict=True)]
        for total in totals:
            total *= GROWN
        taking, within = self._active[part], self._within[part]
        if self.routes[0].budget < math.inf:
            planned = within & (norms <= most)
            left = planned
            for total, route in zip(totals, self.routes, strict=True):
                left = left | (total <= route.budget)
            taking &= left
            if self.planned is not None:
                np.copyto(within, planned, where=taking)
        for total, spent in zip(totals, self._spent, strict=True):
            np.copyto(spent[part], total, where=taking)

    def _whole(self, norms: Any, sigma: float) -> list[Any]:
        """Return the costs of steps that are not sampled, one array a route."""
        mus = np.divide(norms, sigma)  # off by half an ulp, which GROWN pays for
        if self.grid is not None:
            steps = np.maximum(np.ceil(mus / self.grid), np.greater(norms, 0))
            mus = steps * self.grid
        squares = mus * mus + MIN_NORMAL  # for squares that underflow
        return [squares * (r.order / 2) if r.order else squares for r in self.routes]

    def _sampled(self, norms: Any, sigma: float, q: float) -> list[Any]:
        """Return the costs of steps that are sampled, one array a route."""
        table = self._costs[q]  # the last entry is infinite, for all beyond
        steps = np.divide(norms, sigma * (self.grid or GRID))  # likewise
        steps = np.ceil(steps, out=steps if np.ndim(steps) else None)
        if sigma * (self.grid or GRID) >= 1:  # where a quotient may have underflowed
            steps = np.maximum(steps, np.greater(norms, 0))
        index = np.minimum(steps, table.shape[1] - 1).astype(np.intp)
        return [row.take(index, mode="clip") for row in table]

    def _table(self, q: float, most: int) -> None:
        """Work out what multiples of the grid cost, from 0 to ``most`` at least."""
        known = self._costs.get(q, np.zeros((len(self.routes), 2)))
        first = known.shape[1] - 1  # the last one stands for all beyond
        if first > most and q in self._costs:
            return
        grid = self.grid or GRID
        columns = list(known[:, :first].T)
        for k in range(first, most + 1):
            columns.append(sampled_costs(self.routes, k * grid, q))
            if np.isinf(columns[-1]).all():  # and so is everything larger
                break
        beyond = np.full(len(self.routes), np.inf)
        self._costs[q] = np.ascontiguousarray(np.transpose([*columns, beyond]))

    def _by_routes(self, delta: float) -> Any:
        """Return everyone's epsilon, by the best route that is open: (people,)."""
        least = np.full(self.people, np.inf)
        for route, spent in zip(self.routes, self._spent, strict=True):
            d = delta * route.share * (1 - 4 * EPS)
            raised = widened(float(renyi_excess(route.order, d)))
            some = np.maximum(spent + raised, 0.0) * GROWN
            # total variation is at most sqrt(1 - exp(-KL)), so at most delta
            none = spent <= d * d * (1 - 8 * EPS)
            least = np.minimum(least, np.where(none, 0.0, some))
        if self.planned is not None and self._within.any():
            m, q = self.planned.noise_multiplier, self.planned.sampling_probability
            steps = Accountant(self.relation)
            taken = min(self.steps, self.planned.steps)
            steps.compose(GaussianNoise.unit(m), taken, sampling_probability=q)
            known = steps.epsilon_at(delta * self.planned.share * (1 - 4 * EPS))
            least = np.where(self._within, np.minimum(least, known), least)
        return least

    def _rows(self, norms: Any) -> Any:
        rows = norms_of(norms, self.people)
        free = self.routes[0].budget == math.inf
        if free and rows.size and rows.max() == math.inf:
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
