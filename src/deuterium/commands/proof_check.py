"""The check of a proof that carries what it is about."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deuterium.certify.explanation import explained
from deuterium.commands.extremum import load_certificate
from deuterium.errors import CertificateError, GraphError, InvalidInputError
from deuterium.graph.saved import Saved
from deuterium.graph.serialize import dumps, loads
from deuterium.graph.variable import Variable
from deuterium.privacy import FeatureSensitivities, Sensitivity

__all__ = ["ProofResult", "SavedProofResult", "run_proof_check", "run_saved_check"]


CHECKED = Sensitivity, FeatureSensitivities
OBJECT = b'"format":"deuterium-object"'  # how the files of `save` begin


@dataclass(frozen=True)
class ProofResult:
    """A certificate that holds, and what it is about.

    Attributes
    ----------
    sense : {"maximum", "minimum"}
        Which extremum.
    function : str
        In closed form, if that is short.
    domain : str
        The calls that make it.
    lower, upper : float
        The extremum lies between them.
    regions : int
        How many parts of the domain the proof bounds.
    seconds : float
        Time the check took.
    seal : str
        The hash of what the file says, as reports tell it.
    against : str or None
        The file whose graph this is.
    explanation : tuple of str
        The proof in words, if asked for.
    """

    sense: str
    function: str
    domain: str
    lower: float
    upper: float
    regions: int
    seconds: float
    seal: str
    against: str | None = None
    explanation: tuple[str, ...] = ()


def run_proof_check(
    path: Path, *, against: Path | None = None, explain: bool = False
) -> ProofResult:
    """Check a saved certificate, which carries its graph and its domain.

    Parameters
    ----------
    path : Path
        The certificate.
    against : Path, optional
        A file of `deuterium.dumps`: the proof has to be about one of its outputs.
    explain : bool
        Tell the proof in words, too.

    Raises
    ------
    InvalidInputError
        A file cannot be read.
    CertificateError
        It is about something else, or does not prove what it says.
    """
    found = load_certificate(path)
    start = time.perf_counter()
    if against is not None:
        _require_same(found.graph, against)
    found.verify()
    seconds = time.perf_counter() - start
    return ProofResult(
        sense="maximum" if found.body["sense"] == "maximize" else "minimum",
        function=repr(found.graph),
        domain=repr(found.domain),
        lower=found.lower,
        upper=found.upper,
        regions=found.leaves,
        seconds=seconds,
        seal=found.seal,
        against=None if against is None else str(against),
        explanation=tuple(explained(found)) if explain else (),
    )


@dataclass(frozen=True)
class SavedProofResult:
    """Proofs that hold, of something that was saved with them.

    Attributes
    ----------
    kind : str
        What it is: `"Sensitivity"`, `"FeatureSensitivities"`, `"TrainingProof"`, ...
    says : str
        What it says of itself.
    of : tuple of str
        What was bounded, in closed form.
    domain : str
        The calls that make it.
    proofs : int
        How many proofs there are.
    regions : int
        How many parts of domains they bound, in all.
    seconds : float
        Time the check took.
    """

    kind: str
    says: str
    of: tuple[str, ...]
    domain: str
    proofs: int
    regions: int
    seconds: float


def run_saved_check(path: Path) -> SavedProofResult | None:
    """Check the proofs in a file of `save`; None if it is another kind of file.

    Raises
    ------
    InvalidInputError
        The file cannot be read, or what it holds has no proofs.
    CertificateError
        A proof does not hold.
    """
    if not _is_object(path):
        return None
    start = time.perf_counter()
    found = Saved.load(path)
    if not callable(verify := getattr(found, "verify", None)):
        raise InvalidInputError(
            f"{str(path)!r} holds a {type(found).__name__}, which has no proofs; give "
            "a certificate, a sensitivity, or the proof of a training run"
        )
    reports = verify()
    return SavedProofResult(
        kind=type(found).__name__,
        says=repr(found.checked() if isinstance(found, CHECKED) else found),
        of=tuple(map(repr, _bounded(found))),
        domain=repr(_over(found)),
        proofs=len(reports),
        regions=sum(r.leaves for r in reports),
        seconds=time.perf_counter() - start,
    )


def _bounded(found: Any) -> tuple[Variable, ...]:
    """Return the graphs of a saved object: a sensitivity's vector, a run's norm."""
    parts = getattr(found, "parts", None) or [found]
    norm = getattr(found, "norm", None)
    vector = getattr(parts[0], "vector", ())
    return (norm,) if isinstance(norm, Variable) else tuple(vector)


def _over(found: Any) -> Any:
    parts = getattr(found, "parts", None) or [found]
    return getattr(parts[0], "domain", None)


def _is_object(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return OBJECT in file.read(len(OBJECT) + 20)
    except OSError:
        return False


def _require_same(v: Variable, against: Path) -> None:
    try:
        known = loads(against.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, GraphError) as error:
        raise InvalidInputError(
            f"--against {str(against)!r}: no graph can be read from it: {error}; give "
            "a file with the text of deuterium.dumps"
        ) from None
    if dumps([v]) not in [dumps([k]) for k in known]:
        raise CertificateError(
            f"the proof is about another graph than those of {str(against)!r}: "
            f"{v!r:.200}"
        )
