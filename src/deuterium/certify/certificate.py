"""Certificates: the proof of a bracket, as a JSON file that anyone can check.

The format is described in ``docs/certificates.md``.  Floats are written in their
shortest exact form, infinities as the strings "inf" and "-inf", and nothing in a file
is ever run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from deuterium._version import __version__
from deuterium.certify.arithmetic_claim import moved_as_told
from deuterium.certify.certificate_view import CertificateView
from deuterium.certify.format import (
    SENSES,
    digest,
    domain_from_json,
    domain_to_json,
    forms_to_json,
    look_over,
    parsed,
    plain,
    program_from_json,
    program_to_json,
    proof_to_json,
    sealed,
    text,
)
from deuterium.certify.proof_source import ProofSource
from deuterium.certify.proved_claim import as_proved, require_match, require_own_graph
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.errors import (
    CertificateError,
    MissingDependencyError,
    UnsupportedError,
)
from deuterium.files import write_file
from deuterium.graph.constructors import as_variable
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

FORMAT, VERSION = "deuterium-certificate", 1
LARGEST = 2**30  # bytes of a file that is read


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(CertificateView):
    """The proof that a supremum or infimum lies between two numbers.

    Attributes
    ----------
    body : dict
        The contents, as in the file: see ``docs/certificates.md``.
    seal : str
        SHA-256 of the contents when they were made.

    Examples
    --------
    >>> import deuterium as dt
    >>> x = dt.symbol("x")
    >>> dt.maximize(x**2, dt.Box({x: (-1, 2)})).certificate.graph
    x**2
    """

    body: dict[str, Any]
    seal: str

    @classmethod
    @standard_only
    def of(
        cls,
        problem: Problem,
        nodes: Sequence[Any],
        upper: float,
        lower: float,
        witness: Mapping[str, Any],
        source: ProofSource | None = None,
    ) -> Certificate:
        """Return the certificate of a finished search.

        Parameters
        ----------
        problem : Problem
            What was maximised.
        nodes : sequence of dict
            The proof tree in preorder, as `Tree.proof` lists it.
        upper, lower : float
            The bracket of the supremum (or infimum) of the graph as given, as it is
            told to the caller: of a minimum, ``lower`` is what the tree proves.
        witness : mapping from str to array
            The point where the other end is reached.
        source : ProofSource, optional
            What the proofs refer to: the bounder that made them.
        """
        source = source or ProofSource()
        body = {
            "format": FORMAT,
            "version": VERSION,
            "deuterium": __version__,
            "sense": SENSES[0] if problem.maximizes else SENSES[1],
            "graph": digest(problem.given),
            "program": program_to_json(problem),
            "objective": digest(problem.objective),
            "domain": domain_to_json(problem.domain, problem.symbols),
            "upper": plain(upper),
            "lower": plain(lower),
            "witness": {name: plain(x) for name, x in witness.items()},
            "labels": sorted(source.labels),
            "forms": forms_to_json(problem, source),
            "root": {"lower": plain(problem.lower), "upper": plain(problem.upper)},
            "proof": proof_to_json(nodes),
        }
        return cls(body, sealed(body))

    def in_arithmetic(
        self, v: Variable, name: str, error: float, lower: float, upper: float
    ) -> Certificate:
        """Return a certificate of what an arithmetic computes of ``v``.

        This one is of the moved function (`deuterium.enclose.rounding_errors`), from
        which what is computed is no farther than ``error``.
        """
        told = {"lower": plain(lower), "upper": plain(upper), "error": plain(error)}
        body = {**self.body, "arithmetic": {"name": name, "graph": digest(v), **told}}
        body.pop("program", None)  # it is of the moved function, not of what was asked
        return Certificate(body, sealed(body))

    # -- what it says ------------------------------------------------------------------

    @property
    def upper(self) -> float:
        """The claimed upper bound."""
        return float(self.body.get("arithmetic", self.body)["upper"])

    @property
    def lower(self) -> float:
        """The claimed lower bound."""
        return float(self.body.get("arithmetic", self.body)["lower"])

    @property
    def arithmetic(self) -> str | None:
        """The arithmetic whose results it is about, too; None for real numbers."""
        about = self.body.get("arithmetic")
        return None if about is None else str(about["name"])

    @cached_property
    def _asked(self) -> tuple[Variable, Domain]:
        v, conditions = program_from_json(self.body)
        return v, domain_from_json(self.body["domain"]) & conditions

    @property
    def graph(self) -> Variable:
        """The graph that it is about, as the file carries it."""
        return self._asked[0]

    @property
    def domain(self) -> Domain:
        """The domain that it is about, as the file carries it."""
        return self._asked[1]

    @property
    def leaves(self) -> int:
        """How many regions the proof bounds."""
        return sum("leaf" in node for node in self.body["proof"])

    # -- files -------------------------------------------------------------------------

    @standard_only
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate to a file, which is there whole or not at all."""
        write_file(path, text({**self.body, "seal": self.seal}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Certificate:
        """Read a certificate; nothing in it is run, and nothing is proved by that.

        Raises
        ------
        CertificateError
            The file is not a certificate, cannot be read, or is larger than any that
            is.
        """
        try:
            with Path(path).open("rb") as file:
                written = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"{str(path)!r:.200} cannot be read: {error}; give a file that `save` "
                "wrote"
            ) from None
        if len(written) > LARGEST:
            raise CertificateError(f"the file has more than {LARGEST} bytes")
        return cls.loads(written)

    @classmethod
    @standard_only
    def loads(cls, written: str | bytes) -> Certificate:
        """Read a certificate from its text, as `load` does."""
        try:
            body = parsed(written)
        except RecursionError:
            raise CertificateError("the JSON text is nested too deeply") from None
        except CertificateError:
            raise
        except ValueError as error:
            raise CertificateError(f"not JSON: {error!s:.200}") from None
        return cls.from_body(body)

    @classmethod
    def from_body(cls, body: Any) -> Certificate:
        """Read a certificate from its contents, seal included, as `load` does."""
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise CertificateError(
                f"not a {FORMAT} file: the field `format` does not say so"
            )
        if body.get("version") != VERSION or type(body["version"]) is not int:
            raise CertificateError(
                f"this file has version {body.get('version')!r:.40}; this deuterium "
                f"reads version {VERSION}"
            )
        body = dict(body)
        seal = body.pop("seal", None)
        if not isinstance(seal, str):
            raise CertificateError("the field `seal` must be text")
        look_over(body)
        return cls(body, seal)

    # -- the check ---------------------------------------------------------------------

    @standard_only
    def verify(self, v: Variable | None = None, domain: Domain | None = None) -> Any:
        """Check the whole proof in ball arithmetic, trusting nothing of the search.

        Parameters
        ----------
        v : Variable, optional
            The graph that the certificate has to be about.  Without it, that which the
            file carries: then it is for you to look at `graph` and `domain`.
        domain : Domain, optional
            The domain that it has to be about; given if ``v`` is.

        Returns
        -------
        Report
            How many regions were checked, and in what time.

        Raises
        ------
        CertificateError
            Something does not hold; the message says what.
        MissingDependencyError
            python-flint is not installed.
        """
        verify = _checker("verify").verify
        report = verify(self.body, *self._claimed(v, domain))
        if not self._is_sealed():
            raise CertificateError(
                "what the certificate says holds, but it is not what was written: its "
                "contents do not match its seal"
            )
        return report

    @standard_only
    def minimised(
        self,
        v: Variable | None = None,
        domain: Domain | None = None,
        *,
        time_limit: float | None = 60.0,
    ) -> Certificate:
        """Return a certificate of the same claim, without what its proof can spare.

        Parameters
        ----------
        v, domain : optional
            As of `verify`.
        time_limit : float or None
            Seconds, after which (or after Ctrl-C) the rest of the proof stays as it is.

        Returns
        -------
        Certificate
            It was checked; this one where nothing can be dropped.

        Raises
        ------
        CertificateError
            This one does not hold.

        Examples
        --------
        >>> import deuterium as dt
        >>> x = dt.symbol("x")
        >>> e = dt.maximize(x**2 - x, dt.Box({x: (-1, 2)}))
        >>> e.certificate.minimised().leaves <= e.certificate.leaves
        True
        """
        shorter, about = _checker("shorter_proof").shorter, self._claimed(v, domain)
        proof = shorter(self.body, *about, time_limit=time_limit)
        body = {**self.body, "proof": proof_to_json(proof)}
        made = Certificate(body, sealed(body))
        made.verify(v, domain)
        return made if len(text(body)) < len(text(self.body)) else self

    def is_about(self, v: Variable, domain: Domain) -> bool:
        """Return whether this is of a graph over a domain, be it right or not."""
        try:
            self._claimed(v, domain)
        except CertificateError:
            return False
        return True

    def _claimed(
        self, v: Variable | None, domain: Domain | None
    ) -> tuple[Variable, Domain, Sequence[Variable]]:
        """Return what the proof has to be about: graph, plain domain, conditions."""
        look_over(self.body)
        require_own_graph(self.body)
        if v is None and domain is None:
            v, domain = self._asked
        elif v is None or domain is None:
            raise CertificateError(
                "verify: give the graph and the domain that the certificate has to be "
                "about, or neither"
            )
        v = as_variable(v)
        if self.arithmetic is not None:
            v, domain = moved_as_told(self.body, v, domain)
        conditions = domain.conditions if isinstance(domain, Domain) else ()
        v, domain = as_proved(self.body, v, domain)
        require_match(self.body, v, domain)
        return v, domain, conditions

    def to_coq(self, path: str | os.PathLike[str]) -> None:
        """Write a Coq file that states the bound over the reals and proves it.

        The file needs Coq 8.16, Coquelicot and coq-interval 4; its rules are in
        ``docs/certificates.md``.  It is about the graph and the domain that the
        certificate carries: a scalar of at most six inputs, made of elementary
        functions, over a box.

        Raises
        ------
        UnsupportedError
            There is no rule for it in Coq, or too many regions; the message says which.

        Notes
        -----
        Upper ends of suprema and lower ends of infima are proved, not the witness.
        That the definition in the file is the graph is read, not proved.
        """
        from deuterium.certify.coq.coq_file import coq_text

        if self.arithmetic is not None:
            raise UnsupportedError(
                "to_coq: Coq files are about real numbers; take a certificate without "
                f"`arithmetic` (this one is of {self.arithmetic})"
            )
        require_own_graph(self.body)
        write_file(path, coq_text(self.body, *self._asked))

    def problem(self) -> Problem:
        """Return what was maximised or minimised, as the file carries it."""
        v, domain = as_proved(self.body, *self._asked)
        maximize = self.body["sense"] == SENSES[0]
        return Problem(v, domain, maximize=maximize, asked=self._asked)

    def _is_sealed(self) -> bool:
        try:
            return sealed(self.body) == self.seal
        except (TypeError, ValueError, RecursionError) as error:
            raise CertificateError(
                f"a field cannot be written as JSON: {error!r:.100}"
            ) from None


def _checker(name: str) -> Any:
    """Return a module of the checker, which needs python-flint."""
    try:
        return import_module(f"deuterium.certify.checker.{name}")
    except ImportError:
        raise MissingDependencyError(
            "Certificate.verify needs the package 'python-flint', which is not "
            "installed; run `pip install 'deuterium[verify]'`"
        ) from None
