"""How much one record can contribute to the gradient of a model's loss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deuterium.commands.extremum import (
    load_certificate,
    processes,
    require_folder,
)
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Ball, Box
from deuterium.enclose import enclose
from deuterium.errors import CertificateError, InvalidInputError, UnsupportedError
from deuterium.frontends.bounds import read_model_bounds
from deuterium.frontends.model_losses import record_loss
from deuterium.frontends.onnx import load
from deuterium.functions.norms import norm_of_all
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Cause
from deuterium.optimize import maximize
from deuterium.transform import grad
from deuterium.transform.meeting import rounding_forgiven

__all__ = [
    "ModelBoundResult",
    "ModelCheckResult",
    "ModelQuestion",
    "run_model_bound",
    "run_model_check",
]


@dataclass(frozen=True)
class ModelQuestion:
    """What is asked of a model.

    Attributes
    ----------
    model : str
        The file.
    inputs : sequence of str
        Bounds of its inputs, each ``NAME=LOWER:UPPER``.
    loss : str
        The loss of one record; see `deuterium.frontends.model_losses.record_loss`.
    label : str
        What the label may be, as there.
    ball : float or None
        Records lie no farther than this from ``around``, in the Euclidean norm.
    around : str or None
        A file of NumPy's (``.npy``) that holds a record.
    output : str or None
        The output that the loss is of; None is the only one.
    arithmetic : str or None
        The arithmetic whose results the bound covers, too; None for real numbers.
    """

    model: str
    inputs: Sequence[str]
    loss: str = "cross-entropy"
    label: str = "any"
    ball: float | None = None
    around: str | None = None
    output: str | None = None
    arithmetic: str | None = None


@dataclass(frozen=True)
class BoundedModel(ModelQuestion):
    """What was asked, and between which numbers the answer lies.

    Attributes
    ----------
    framework : str
        What the model is written in.
    parameters : int
        Numbers that the gradient is by.
    bounds : dict from str to (float, float)
        The range of every input's elements.
    lower, upper : float
        The largest norm of one record's gradient lies between them.
    """

    framework: str = ""
    parameters: int = 0
    bounds: dict[str, tuple[float, float]] | None = None
    lower: float = 0.0
    upper: float = float("inf")


@dataclass(frozen=True)
class ModelBoundResult(BoundedModel):
    """A certified bracket of the largest norm; further attributes of `BoundedModel`.

    Attributes
    ----------
    first, first_seconds : float
        The bound of the first enclosure, and how long it took with reading the model.
    gap, status, cause, regions, seconds, certificate
        As of `deuterium.commands.ExtremumResult`.
    rounding : float
        What of the upper end pays for rounding in the arithmetic.
    witness : dict from str to ndarray
        Where the lower end is reached.
    """

    first: float = float("inf")
    first_seconds: float = 0.0
    gap: float = float("inf")
    status: str = ""
    cause: Cause | None = None
    regions: int = 0
    seconds: float = 0.0
    certificate: str | None = None
    rounding: float = 0.0
    witness: dict[str, Any] | None = None


@dataclass(frozen=True)
class ModelCheckResult(BoundedModel):
    """A certificate that holds; further attributes of `BoundedModel`.

    Attributes
    ----------
    regions : int
        How many parts of the domain the proof bounds.
    seconds : float
        Time the check took.
    """

    regions: int = 0
    seconds: float = 0.0


def run_model_bound(
    question: ModelQuestion,
    *,
    certificate: Path | None = None,
    workers: int = 0,
    **options: Any,
) -> ModelBoundResult:
    """Bracket the largest norm of one record's gradient by all parameters.

    Parameters
    ----------
    question : ModelQuestion
        The model, its loss, and what a record may be.
    certificate : Path, optional
        Where to save the proof.
    workers : int
        How many processes to bound regions with; 0 for this one alone.
    **options
        As of `deuterium.maximize`.

    Raises
    ------
    DeuteriumError
        The model, the bounds or an option cannot be read, or do not fit together.
    """
    if certificate is not None:
        require_folder(certificate)
    start = time.perf_counter()
    told, norm, domain = _asked(question)
    first = enclose(norm, domain, arithmetic=question.arithmetic)
    first_seconds = time.perf_counter() - start
    with processes(workers) as executor:
        found = maximize(
            norm,
            domain,
            executor=executor,
            arithmetic=question.arithmetic,
            **options,
        )
    saved = None
    if certificate is not None and found.certificate is not None:
        found.certificate.save(certificate)
        saved = str(certificate)
    return ModelBoundResult(
        **told,
        lower=found.lower,
        upper=found.upper,
        first=float(first.upper),
        first_seconds=first_seconds,
        gap=found.gap,
        status=found.status,
        cause=found.cause,
        regions=found.regions,
        seconds=found.seconds,
        certificate=saved,
        rounding=found.rounding,
        witness=dict(found.witness),
    )


def run_model_check(path: Path, question: ModelQuestion) -> ModelCheckResult:
    """Check a saved certificate against the model and the records it should be about.

    Raises
    ------
    CertificateError
        It cannot be read, is about something else, or does not prove what it says.
    """
    told, norm, domain = _asked(question)
    found = load_certificate(path)
    if found.arithmetic != question.arithmetic:
        raise CertificateError(
            f"the certificate is about {found.arithmetic or 'real numbers'}, not about "
            f"{question.arithmetic or 'real numbers'}: give the same --arithmetic"
        )
    start = time.perf_counter()
    found.verify(norm, domain)
    return ModelCheckResult(
        **told,
        lower=found.lower,
        upper=found.upper,
        regions=found.leaves,
        seconds=time.perf_counter() - start,
    )


def _asked(question: ModelQuestion) -> tuple[dict[str, Any], Variable, Domain]:
    """Return what is told about a question, the norm that it is about, and where."""
    wanted = None if question.output is None else [question.output]
    model = load(question.model, outputs=wanted)
    if not model.parameters:
        raise UnsupportedError(
            f"{question.model}: no output depends on an initialiser of floats, so there"
            " is nothing to differentiate by; export the model with its parameters as "
            "initialisers"
        )
    bounds = read_model_bounds(question.inputs, list(model.inputs))
    name = "label"
    while name in model.inputs:
        name += "_"
    loss = record_loss(model.output, question.loss, question.label, name)
    with rounding_forgiven():
        norm = norm_of_all(grad(loss.value, list(model.parameters.values())))
    used = {s.name for s in free_symbols([norm])}
    domain: Domain = Box({v: bounds[n] for n, v in model.inputs.items() if n in used})
    if loss.domain is not None and loss.label is not None and loss.label.name in used:
        domain = domain & loss.domain
    ball = _ball(question, model.inputs)
    told = {
        **asdict(question),
        "framework": model.framework,
        "parameters": sum(p.size for p in model.parameters.values()),
        "bounds": bounds,
    }
    return told, norm, domain if ball is None else domain & ball


def _ball(question: ModelQuestion, inputs: Any) -> Domain | None:
    """Return the ball that records lie in, if one is asked for."""
    if question.ball is None and question.around is None:
        return None
    if question.ball is None or question.around is None:
        raise InvalidInputError(
            "--ball and --around belong together: a radius, and the record in it"
        )
    if len(inputs) != 1:
        raise InvalidInputError(
            "--ball: the model has several inputs, and must have one"
        )
    (x,) = inputs.values()
    try:
        record = np.load(question.around, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInputError(
            f"--around {question.around!r}: no array can be read from it: {error}"
        ) from None
    if record.size != x.size or record.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"--around {question.around!r} holds {record.dtype} of shape "
            f"{record.shape}, the model's input is of shape {x.shape}"
        )
    return Ball(x, record.astype(np.float64).reshape(x.shape), question.ball)
