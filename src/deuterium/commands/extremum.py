"""The supremum or infimum of a formula over a box, and the check of its proof."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deuterium.certify.certificate import Certificate
from deuterium.commands.query import require_bounds
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box
from deuterium.errors import CertificateError, InvalidInputError
from deuterium.frontends.formula import lift
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.interval import Cause
from deuterium.optimize import maximize
from deuterium.optimize.branch_and_bound.orphans import serve
from deuterium.optimize.maximize import minimize
from deuterium.transform import grad
from deuterium.transform.meeting import rounding_forgiven

__all__ = [
    "CheckResult",
    "ExtremumResult",
    "load_certificate",
    "processes",
    "require_folder",
    "run_check",
    "run_extremum",
]

Bounds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class BoundedExtremum:
    """Which extremum is meant, and between which numbers it lies.

    Attributes
    ----------
    sense : {"maximum", "minimum"}
        Which extremum.
    formula : str
        The formula in closed form.
    of_gradient : bool
        Whether the norm of its gradient is meant, and not its value.
    bounds : dict from str to (float, float)
        The box.
    lower, upper : float
        The extremum lies between them.
    """

    sense: str
    formula: str
    of_gradient: bool
    bounds: dict[str, tuple[float, float]]
    lower: float
    upper: float


@dataclass(frozen=True)
class ExtremumResult(BoundedExtremum):
    """A certified bracket of an extremum; further attributes of `BoundedExtremum`.

    Attributes
    ----------
    gap : float
        ``(upper - lower) / |lower|``.
    witness : dict from str to float
        Where the side found by search is reached.
    status : str
        Why it ended; see `deuterium.optimize.branch_and_bound.result.Bracket`.
    cause : Cause or None
        Why a bound is infinite.
    regions : int
        How many parts of the box were bounded.
    seconds : float
        Time spent.
    certificate : str or None
        Where the proof was saved.
    """

    gap: float
    witness: dict[str, float]
    status: str
    cause: Cause | None
    regions: int
    seconds: float
    certificate: str | None


@dataclass(frozen=True)
class CheckResult(BoundedExtremum):
    """A certificate that holds; further attributes of `BoundedExtremum`.

    Attributes
    ----------
    regions : int
        How many parts of the box the proof bounds.
    seconds : float
        Time the check took.
    """

    regions: int
    seconds: float


def run_extremum(
    text: str,
    bounds: Bounds,
    *,
    sense: str = "maximum",
    of_gradient: bool = False,
    certificate: Path | None = None,
    workers: int = 0,
    **options: Any,
) -> ExtremumResult:
    """Bracket an extremum of a formula, or of the norm of its gradient.

    Parameters
    ----------
    text : str
        The formula; see `deuterium.frontends.formula.lift`.
    bounds : mapping
        From every symbol's name to ``(lower, upper)``.
    sense : {"maximum", "minimum"}
        Which extremum.
    of_gradient : bool
        Take the L2 norm of the formula's gradient by all its symbols.
    certificate : Path, optional
        Where to save the proof.
    workers : int
        How many processes to bound regions with; 0 for this one alone.
    **options
        As of `deuterium.maximize`.

    Raises
    ------
    DeuteriumError
        The formula, the bounds or an option cannot be read, or do not fit together.
    """
    v, sought, domain = _problem(text, bounds, of_gradient)
    if certificate is not None:
        require_folder(certificate)
    run = maximize if sense == "maximum" else minimize
    with processes(workers) as executor:
        found = run(sought, domain, executor=executor, **options)
    saved = None
    if certificate is not None and found.certificate is not None:
        found.certificate.save(certificate)
        saved = str(certificate)
    return ExtremumResult(
        sense=sense,
        formula=repr(v),
        of_gradient=of_gradient,
        bounds=dict(bounds),
        lower=found.lower,
        upper=found.upper,
        gap=found.gap,
        witness={n: float(x) for n, x in found.witness.items()},
        status=found.status,
        cause=found.cause,
        regions=found.regions,
        seconds=found.seconds,
        certificate=saved,
    )


def run_check(
    path: Path, text: str, bounds: Bounds, *, of_gradient: bool = False
) -> CheckResult:
    """Check a saved certificate against the formula and the box it should be about.

    Raises
    ------
    InvalidInputError
        It cannot be read.
    CertificateError
        It is about something else, or does not prove what it says.
    """
    v, sought, domain = _problem(text, bounds, of_gradient)
    found = load_certificate(path)
    start = time.perf_counter()
    found.verify(sought, domain)
    return CheckResult(
        sense="maximum" if found.body["sense"] == "maximize" else "minimum",
        formula=repr(v),
        of_gradient=of_gradient,
        bounds=dict(bounds),
        lower=found.lower,
        upper=found.upper,
        regions=found.leaves,
        seconds=time.perf_counter() - start,
    )


def _problem(
    text: str, bounds: Bounds, of_gradient: bool
) -> tuple[Variable, Variable, Domain]:
    """Return the formula, what is sought of it, and where."""
    v = lift(text)
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    require_bounds(symbols, bounds)
    domain = Box({symbol(name): ends for name, ends in bounds.items()})
    if not of_gradient:
        return v, v, domain
    with rounding_forgiven():
        sought = norm_of_all(grad(v, symbols))
    used = {s.name for s in free_symbols([sought])}  # a + b**2 leaves b alone
    domain = Box({symbol(n): ends for n, ends in bounds.items() if n in used})
    return v, sought, domain


@contextmanager
def processes(workers: int) -> Iterator[Any]:
    """Give an executor whose processes are gone at the end, whatever they are at."""
    if not workers:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import RawValue

    stop = RawValue("b", 0)
    with ProcessPoolExecutor(workers, initializer=serve, initargs=(stop,)) as executor:
        try:
            yield executor
        finally:
            stop.value = 1
            executor.shutdown(wait=False, cancel_futures=True)


def require_folder(path: Path) -> None:
    """Raise before the work is done where its proof could not be saved."""
    if not path.parent.is_dir() or path.is_dir():
        raise InvalidInputError(
            f"the certificate cannot be written to {str(path)!r}: give a file in a "
            "folder that exists"
        )


def load_certificate(path: Path) -> Certificate:
    """Return a saved certificate; one that cannot be read is bad input."""
    try:
        return Certificate.load(path)
    except CertificateError as error:
        raise InvalidInputError(
            f"{str(path)!r} cannot be read as a certificate: {error}"
        ) from None
