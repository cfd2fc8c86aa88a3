"""The proofs of a whole training run, one for each step, in a chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed, text
from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError, InvalidInputError, UnsupportedError
from deuterium.functions.norms import norm_of_all
from deuterium.graph.saved import Saved, require_kinds
from deuterium.graph.substitute import substitute
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.optimize import maximize
from deuterium.privacy.training.clip_free import ClipFreeSGD
from deuterium.privacy.training.training_data import StepReport
from deuterium.search import search
from deuterium.transform import grad

__all__ = ["ProvedStep", "TrainingProof"]

WHO = "TrainingProof"
CLOSEST = 1e-6  # of a gap that is asked for, relative: none is proved to be closer


@dataclass(frozen=True)
class ProvedStep(Saved):
    """What is proved of one step.

    Attributes
    ----------
    weights : mapping from str to ndarray
        The parameters before it.
    bound : float
        No record's gradient is longer there; the noise was made for it.
    certificate : str
        The proof of that, as JSON text.
    chain : str
        SHA-256 of this and of the step before.
    """

    weights: Mapping[str, Array]
    bound: float
    certificate: str
    chain: str

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> ProvedStep:
        weights = given["weights"]
        require_kinds(WHO, [weights], Mapping)
        require_kinds(WHO, [*weights, given["certificate"], given["chain"]], str)
        require_kinds(WHO, [*weights.values()], np.ndarray)
        require_kinds(WHO, [given["bound"]], float)
        return cls(**given)


class TrainingProof(Saved):
    """That at every step of a run no record's gradient was longer than was said.

    Parameters
    ----------
    norm : Variable
        The norm of one record's gradient, of the record and the weights.
    domain : Domain
        Every record that may come.
    steps : sequence of ProvedStep
        So far.

    Notes
    -----
    It is about the lengths that noise was made for.  That a step used the noise, or
    these weights, nobody can check without the data.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> from deuterium import privacy
    >>> x, y = dt.symbol("x", (2,)), dt.symbol("y")
    >>> trainer = privacy.ClipFreeSGD(
    ...     lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)},
    ...     dt.Box({x: (-1, 1), y: (0, 1)}), relation="add_or_remove_one",
    ...     noise_multiplier=1.0, learning_rate=0.1, count=2, insecure_rng=0,
    ... )
    >>> run = privacy.TrainingProof.of(trainer)
    >>> for _ in range(2):
    ...     report = run.step(trainer, {"x": [[0.5, 1], [-1, 0]], "y": [1.0, 0.0]})
    >>> len(run.verify())
    2
    """

    def __init__(
        self, norm: Variable, domain: Domain, steps: Sequence[ProvedStep] = ()
    ) -> None:
        self.norm, self.domain, self.steps = norm, domain, tuple(steps)

    @classmethod
    def of(cls, trainer: ClipFreeSGD) -> TrainingProof:
        """Return the proof of a run that has no steps yet.

        Raises
        ------
        InvalidInputError
            The trainer's noise does not follow certified bounds of the whole gradient.
        """
        plain = isinstance(trainer, ClipFreeSGD) and trainer.clip is None
        if not plain or trainer.per_layer:
            raise InvalidInputError(
                f"{WHO}.of: `trainer` must be a ClipFreeSGD without `clip` and "
                "`per_layer`, as its noise follows certified bounds of the whole "
                f"gradient; got {trainer!r:.80}"
            )
        slopes = grad(trainer._single, list(trainer._weights.values()))
        return cls(norm_of_all(slopes), trainer._rows)

    @standard_only
    def step(
        self, trainer: ClipFreeSGD, data: Any, *, time_limit: float | None = 60.0
    ) -> StepReport:
        """Have a trainer take a step, and prove the bound that its noise was made for.

        Parameters
        ----------
        trainer : ClipFreeSGD
        data
            As of its ``step``.
        time_limit : float or None
            Seconds for the search for a proof.

        Raises
        ------
        UnsupportedError
            No proof was found in that time.  The step was taken; the run has none.
        """
        weights = {n: np.array(w) for n, w in trainer.parameters.items()}
        report = trainer.step(data)
        certificate = self._proof(weights, report.bound, time_limit)
        last = self.steps[-1].chain if self.steps else ""
        chain = _linked(last, weights, report.bound, certificate)
        self.steps += (ProvedStep(weights, report.bound, certificate, chain),)
        return report

    def _proof(
        self, weights: Mapping[str, Array], bound: float, time_limit: float | None
    ) -> str:
        at = self._at(weights)
        reached = search(at, self.domain, seed=0, starts=8)
        gap = bound / reached.value - 1 if reached.value > 0 else 0.0
        found = maximize(
            at,
            self.domain,
            rtol=max(gap, CLOSEST),
            time_limit=time_limit,
            points=reached.witness,
        )
        certificate = _claiming(found.certificate, bound)
        try:  # also where it is an ulp above: the checker's numbers are finer
            Certificate.loads(certificate).verify(at, self.domain)
        except CertificateError:
            raise UnsupportedError(
                f"{WHO}.step: {found.upper!r} was proved in the time, where the noise "
                f"is made for {bound!r}; give more `time_limit`"
            ) from None
        return certificate

    def _at(self, weights: Mapping[str, Array]) -> Variable:
        return substitute(self.norm, weights)

    @standard_only
    def verify(self) -> tuple[Any, ...]:
        """Check the proof of every step in ball arithmetic, and the chain.

        Returns
        -------
        tuple of Report
            One for each step.

        Raises
        ------
        CertificateError
            Something does not hold; the message says at which step.
        """
        reports, last = [], ""
        for i, step in enumerate(self.steps):
            try:
                reports.append(self._checked(step, last))
            except CertificateError as error:
                raise CertificateError(f"step {i}: {error}") from None
            last = step.chain
        return tuple(reports)

    def _checked(self, step: ProvedStep, last: str) -> Any:
        if step.chain != _linked(last, step.weights, step.bound, step.certificate):
            raise CertificateError("it does not belong behind the step before")
        proof = Certificate.loads(step.certificate)
        report = proof.verify(self._at(step.weights), self.domain)
        if proof.body["sense"] != "maximize" or not proof.upper <= step.bound:
            raise CertificateError(
                f"proved is {proof.upper!r}, where {step.bound!r} was the noise's bound"
            )
        return report

    def _stored(self) -> Mapping[str, Any]:
        return {"norm": self.norm, "domain": self.domain, "steps": self.steps}

    @classmethod
    def _restored(cls, given: Mapping[str, Any]) -> TrainingProof:
        require_kinds(WHO, [given["norm"]], Variable)
        require_kinds(WHO, [given["domain"]], Domain)
        return cls(**{**given, "steps": require_kinds(WHO, given["steps"], ProvedStep)})

    def __repr__(self) -> str:
        return f"<proof of a training run: {len(self.steps)} steps>"


def _claiming(certificate: Certificate, upper: float) -> str:
    """Return a certificate's text for an upper end, without the graph.

    That is told once for all steps.
    """
    body = {k: x for k, x in certificate.body.items() if k != "program"}
    body["upper"] = upper
    return text({**body, "seal": sealed(body)})


def _linked(
    last: str, weights: Mapping[str, Array], bound: float, certificate: str
) -> str:
    numbers = {n: np.asarray(w).tolist() for n, w in sorted(weights.items())}
    said = json.dumps([last, numbers, bound, certificate], separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()
