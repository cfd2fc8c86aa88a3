"""Private training without clipping: the noise follows a certified bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deuterium.bound import Domain
from deuterium.errors import InvalidInputError
from deuterium.evaluate import compile
from deuterium.functions.reductions import norm_of_all
from deuterium.graph.variable import Variable, as_variable, symbol
from deuterium.privacy.accounting import Accountant
from deuterium.privacy.calibration import gaussian
from deuterium.privacy.mechanisms import GaussianNoise
from deuterium.privacy.sensitivity import ASSUMPTIONS, RELATIONS, Sensitivity
from deuterium.privacy.training_bounds import step_bound
from deuterium.privacy.training_records import (
    WHO,
    Prepared,
    StepReport,
    prepared,
    probability,
    record_shapes,
    require_apart,
    start,
)
from deuterium.privacy.upward import positive, product_up
from deuterium.transform import grad

__all__ = ["ClipFreeSGD", "StepReport"]

Array = Any
Loss = Callable[..., Variable]

ROWS = 64  # batches are filled up to a multiple of it, so that few sizes are compiled
SMALL = 1e-9  # records that go alone and together may differ by so much, relatively


class ClipFreeSGD:
    """Stochastic gradient descent with noise, and nobody's gradient clipped.

    At every step the largest gradient norm that *any* record of the public domain could
    have at the current weights is bounded from above, and the noise on the summed
    gradient is made from that bound.  Gradients of single records are never formed.

    Parameters
    ----------
    loss : callable
        ``loss(**records, **parameters)``, written with NumPy: given arrays of records
        with one leading axis of rows, it returns one loss per row.  Rows must not see
        each other (no normalisation over a batch).
    parameters : mapping from str to array_like
        Where to start; must not depend on the data.
    domain : Domain
        Every record that may come, by public bounds; its names are the records'
        arguments.  Symbols have the shape of one record's values.
    noise_multiplier : float
        Noise over sensitivity, at every step; see `deuterium.privacy.noise_multiplier`.
    learning_rate : float
        The step is this times the noisy sum over ``count``.
    count : float
        By what the noisy sum is divided, a public number such as the expected size of a
        batch.
    sampling_probability : float
        1: all records at every step.  Below: each record takes part in a step with this
        probability, independently (Poisson sampling).
    relation : {"add_or_remove_one", "replace_one"}
        Sampling is for ``add_or_remove_one`` only.
    clip : float, optional
        Gradients longer than this are shortened to it, and the sensitivity is the
        smaller of both numbers.  Where the bound is the smaller one, nobody is clipped
        and no norm is worked out.
    momentum : float
        Of the noisy gradients.
    penalty : Variable or callable, optional
        A function of the parameters alone whose gradient is added: it costs no privacy.
        A callable gets the parameters as the loss does.
    insecure_rng : numpy.random.Generator or int, optional
        Take NumPy's noise and sampling: INSECURE, and fast; for experiments.  By
        default noise comes from OpenDP and sampling from the operating system.

    Attributes
    ----------
    parameters : dict from str to ndarray
        The current weights.
    accountant : Accountant
        What all steps so far promise.
    history : list of StepReport
        One per step.
    method : str
        How the gradient norm is bounded.

    Notes
    -----
    The bound depends on the domain and on weights that are published anyway (they are
    what the noisy steps made of public ones), never on the data, so it costs nothing.
    """

    def __init__(
        self,
        loss: Loss,
        parameters: Mapping[str, Any],
        domain: Domain,
        *,
        noise_multiplier: float,
        learning_rate: float,
        count: float,
        sampling_probability: float = 1.0,
        relation: str = "add_or_remove_one",
        clip: float | None = None,
        momentum: float = 0.0,
        penalty: Any = None,
        insecure_rng: Any = None,
    ) -> None:
        self.loss, self.domain = loss, domain
        self.parameters = start(parameters)
        self.learning_rate = positive(WHO, "learning_rate", learning_rate)
        self.count = positive(WHO, "count", count)
        self.clip = None if clip is None else positive(WHO, "clip", clip)
        self.momentum = momentum
        self.sampling_probability = probability(sampling_probability, relation)
        multiplier = positive(WHO, "noise_multiplier", noise_multiplier)
        unit = gaussian(
            1.0, noise_multiplier=multiplier, relation=relation, trusted=True
        )
        self.noise, self.relation = unit, relation
        self.accountant = Accountant(relation)
        self.history: list[StepReport] = []
        self._secure = insecure_rng is None
        self._rng = np.random.default_rng(insecure_rng)
        self._weights = {
            n: symbol(n, shape=w.shape) for n, w in self.parameters.items()
        }
        self._shapes = record_shapes(domain)
        require_apart(self._shapes, self._weights)
        self._functions: dict[tuple[int, str], Any] = {}
        self._velocity: list[Array] | None = None
        self._one = self._records(1)
        self._single = self._losses(self._one).reshape(())
        self._rows = Domain(domain.constraints, {})
        self._bound, self.method = step_bound(
            self._single, self._one, self._weights, self._rows
        )
        self._penalty = self._compiled_penalty(penalty)

    # -- use -----------------------------------------------------------------------

    def fit(self, data: Mapping[Any, Any], steps: int) -> ClipFreeSGD:
        """Take several steps, and return the trainer.

        Parameters
        ----------
        data : mapping
            From every record symbol (or its name) to its values, one leading axis of
            records.  Values outside the domain's box are moved to its faces.
        steps : int
            How many.
        """
        rows = self.prepared(data)
        for _ in range(steps):
            self.step(rows)
        return self

    def step(self, data: Any) -> StepReport:
        """Take one step.

        Parameters
        ----------
        data : mapping or prepared data
            As of `fit`; what `prepared` returned is taken as it is.
        """
        rows = data if isinstance(data, Prepared) else self.prepared(data)
        bound = self.bound()
        used = bound if self.clip is None else min(bound, self.clip)
        moved = RELATIONS[self.relation] * used  # exact
        sigma = product_up(self.noise.noise_multiplier, moved)
        sums = self._sum(rows, clipped=used < bound)
        noisy = self._released(sums, moved, sigma)
        self.accountant.compose(
            self.noise, sampling_probability=self.sampling_probability
        )
        self._move(noisy)
        report = StepReport(len(self.history) + 1, bound, moved, sigma)
        self.history.append(report)
        return report

    def bound(self) -> float:
        """Return the certified bound of one record's gradient norm at these weights.

        Raises
        ------
        InvalidInputError
            There is none.
        """
        found = self._bound(self.parameters)
        if not found < math.inf:  # NaN fails too
            raise InvalidInputError(
                f"{WHO}: the gradient norm has no finite bound at the current weights "
                f"(method: {self.method}); bound every record symbol in the domain, or "
                "take a loss whose gradient is bounded"
            )
        return found

    def contribution(self) -> Sensitivity:
        """Return the bound at the current weights as a Sensitivity."""
        return Sensitivity(
            quantity="contribution",
            norm=2,
            upper=self.bound(),
            status="enclosed",
            domain=self.domain,
            size=sum(w.size for w in self.parameters.values()),
            assumptions=(*ASSUMPTIONS, f"bounded by {self.method}, at these weights"),
        )

    def epsilon_at(self, delta: float) -> float:
        """Return the epsilon of all steps so far, at a delta."""
        return self.accountant.epsilon_at(delta)

    def prepared(self, data: Mapping[Any, Any]) -> Prepared:
        """Return data made ready: moved into the domain, and checked."""
        found = prepared(data, self.domain)
        if not self._functions:
            self._require_separate(found.rows)
        return found

    # -- within ---------------------------------------------------------------------

    def _records(self, rows: int) -> dict[str, Variable]:
        return {n: symbol(n, shape=(rows, *s)) for n, s in self._shapes.items()}

    def _losses(self, records: Mapping[str, Variable]) -> Variable:
        rows = next(iter(records.values())).shape[0]
        losses = as_variable(self.loss(**records, **self._weights))
        if losses.shape != (rows,):
            raise InvalidInputError(
                f"{WHO}: `loss` must return one number per row, of shape ({rows},); "
                f"got {losses.shape}"
            )
        return losses

    def _require_separate(self, rows: Mapping[str, Array]) -> None:
        """Raise if a record's loss changes with its neighbours."""
        count = min(4, len(next(iter(rows.values()))))
        some = {n: x[:count] for n, x in rows.items()}
        together = self._losses(self._records(count)).evaluate(
            {**some, **self.parameters}
        )
        for i in range(count):
            alone = self._single.evaluate(
                {**{n: x[i : i + 1] for n, x in some.items()}, **self.parameters}
            )
            if not np.isclose(together[i], alone, rtol=SMALL, atol=SMALL):
                raise InvalidInputError(
                    f"{WHO}: the loss of record {i} is {together[i]} among others and "
                    f"{alone} alone; rows must not see each other"
                )

    def _sum(self, data: Prepared, *, clipped: bool) -> list[Array]:
        """Return the sum of gradients over those who take part."""
        rows, sampled = data.rows, self.sampling_probability < 1
        if not sampled and not clipped:
            return list(self._function(data.count, "sum")(*rows.values(), *self._now))
        taken = np.arange(data.count)
        if sampled:
            taken = np.flatnonzero(self._drawn(data.count))
        if not len(taken):
            return [np.zeros_like(w) for w in self._now]
        size = -(-len(taken) // ROWS) * ROWS
        index = np.concatenate([taken, np.zeros(size - len(taken), dtype=int)])
        part = [x[index] for x in rows.values()]
        factor = (np.arange(size) < len(taken)) * 1.0
        if clipped:
            assert self.clip is not None
            lone = [x[:, None] for x in part]
            norms = self._function(1, "norm")(*lone, *self._now)[0]
            factor /= np.maximum(1.0, norms * (1 + SMALL) / self.clip)
        return list(self._function(size, "weighted")(*part, factor, *self._now))

    @property
    def _now(self) -> list[Array]:
        return list(self.parameters.values())

    def _drawn(self, count: int) -> Array:
        q = self.sampling_probability
        if not self._secure:
            return self._rng.random(count) < q
        # 53 bits from the operating system for each record
        import secrets

        bits = np.frombuffer(secrets.token_bytes(8 * count), dtype=np.uint64) >> 11
        return bits.astype(np.float64) * 2.0**-53 < q

    def _function(self, rows: int, kind: str) -> Any:
        key = rows, kind
        if key not in self._functions:
            self._functions[key] = self._made(rows, kind)
        return self._functions[key]

    def _made(self, rows: int, kind: str) -> Any:
        weights = list(self._weights.values())
        if kind == "norm":
            norm = norm_of_all(list(grad(self._single, weights)))
            return compile([*self._one.values(), *weights], [norm])
        records = self._records(rows)
        losses, inputs = self._losses(records), list(records.values())
        if kind == "weighted":
            factor = symbol("weight of each record", shape=(rows,))
            inputs.append(factor)
            losses = losses * factor
        return compile([*inputs, *weights], list(grad(losses.sum(), weights)))

    def _compiled_penalty(self, penalty: Any) -> Any:
        if penalty is None:
            return None
        weights = list(self._weights.values())
        given = penalty(**self._weights) if callable(penalty) else penalty
        value = as_variable(given)
        return compile(weights, list(grad(value.reshape(()), weights)))

    def _released(self, sums: list[Array], moved: float, sigma: float) -> list[Array]:
        flat = np.concatenate([g.ravel() for g in sums])
        rng = None if self._secure else self._rng
        unit = self.noise
        noise = GaussianNoise(unit.noise_multiplier, sigma, moved, None, unit.relation)
        noisy = np.asarray(noise.release(flat, insecure_rng=rng))
        ends = np.cumsum([g.size for g in sums])[:-1]
        parts = np.split(noisy, ends)
        return [p.reshape(g.shape) for p, g in zip(parts, sums, strict=True)]

    def _move(self, noisy: list[Array]) -> None:
        steps = [g / self.count for g in noisy]
        if self._penalty is not None:
            extra = self._penalty(*self._now)
            steps = [s + e for s, e in zip(steps, extra, strict=True)]
        if self.momentum:
            before = self._velocity or [np.zeros_like(s) for s in steps]
            steps = [self.momentum * v + s for v, s in zip(before, steps, strict=True)]
            self._velocity = steps
        for name, s in zip(self.parameters, steps, strict=True):
            self.parameters[name] = self.parameters[name] - self.learning_rate * s

    def check(self, data: Mapping[Any, Any]) -> float:
        """Return the largest gradient norm over data, divided by the bound.

        It must never exceed 1.  It depends on the data: do not publish it.
        """
        rows = self.prepared(data).rows
        lone = [x[:, None] for x in rows.values()]
        norms = self._function(1, "norm")(*lone, *self._now)[0]
        return float(np.max(norms)) / self.bound()
