"""Certificates: the proof of a bracket, as a JSON file that anyone can check.

The format is described in ``docs/certificates.md``.  Floats are written in their
shortest exact form, infinities as the strings "inf" and "-inf", and nothing in a file
is ever run.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deuterium._version import __version__
from deuterium.bound.domain import Domain, OneOf, Range, UnitVectors, Within
from deuterium.bound.problem import Problem
from deuterium.errors import (
    CertificateError,
    DeuteriumError,
    MissingDependencyError,
)
from deuterium.graph.serialize import dumps
from deuterium.graph.traverse import free_symbols, topological
from deuterium.graph.variable import Variable, as_variable

FORMAT, VERSION = "deuterium-certificate", 1
SENSES = ("maximize", "minimize")
KINDS = ("leaf", "cut", "ends")


@dataclass(frozen=True, eq=False)
class Certificate:
    """The proof that a supremum or infimum lies between two numbers.

    Attributes
    ----------
    body : dict
        The contents, as in the file: see ``docs/certificates.md``.
    seal : str
        SHA-256 of the contents when they were made.
    """

    body: dict[str, Any]
    seal: str

    @classmethod
    def of(
        cls,
        problem: Problem,
        nodes: Sequence[Any],
        upper: float,
        lower: float,
        witness: Mapping[str, Any],
        atoms: Sequence[tuple[Variable, int]] = (),
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
        atoms : sequence of (Variable, int)
            The coordinates behind the inputs: nodes of ``problem.objective``, and which
            element of them.
        """
        places = {node: i for i, node in enumerate(topological([problem.objective]))}
        body = {
            "format": FORMAT,
            "version": VERSION,
            "deuterium": __version__,
            "sense": SENSES[0] if problem.maximizes else SENSES[1],
            "graph": digest(problem.given),
            "objective": digest(problem.objective),
            "domain": domain_to_json(problem.domain, problem.symbols),
            "upper": _plain(upper),
            "lower": _plain(lower),
            "witness": {name: _plain(x) for name, x in witness.items()},
            "atoms": [[places[node], int(element)] for node, element in atoms],
            "root": {"lower": _plain(problem.lower), "upper": _plain(problem.upper)},
            "proof": _proof_to_json(nodes),
        }
        return cls(body, sealed(body))

    # -- what it says ------------------------------------------------------------------

    @property
    def upper(self) -> float:
        """The claimed upper bound."""
        return float(self.body["upper"])

    @property
    def lower(self) -> float:
        """The claimed lower bound."""
        return float(self.body["lower"])

    @property
    def witness(self) -> dict[str, Any]:
        """The point where one of the bounds is reached."""
        return {name: np.asarray(x) for name, x in self.body["witness"].items()}

    @property
    def leaves(self) -> int:
        """How many regions the proof bounds."""
        return sum("leaf" in node for node in self.body["proof"])

    def summary(self) -> str:
        """Return what is claimed, of what, and how it is proved, in a few lines."""
        methods: dict[str, int] = {}
        for node in self.body["proof"]:
            if "leaf" in node:
                name = str(node["leaf"][0])
                methods[name] = methods.get(name, 0) + 1
        how = ", ".join(f"{count} {name}" for name, count in sorted(methods.items()))
        sort = "supremum" if self.body["sense"] == SENSES[0] else "infimum"
        return (
            f"{self.lower!r} <= {sort} <= {self.upper!r}\n"
            f"graph {self.body['graph'][:16]}, of {', '.join(self.body['domain'])}\n"
            f"{self.leaves} regions: {how}"
        )

    def __repr__(self) -> str:
        return (
            f"<certificate of {self.body['sense']}: {self.lower!r} to {self.upper!r}, "
            f"{self.leaves} regions>"
        )

    # -- files -------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate to a file, which is there whole or not at all."""
        path = Path(path)
        text = _text({**self.body, "seal": self.seal})
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Certificate:
        """Read a certificate; nothing in it is run, and nothing is proved by that.

        Raises
        ------
        CertificateError
            The file is not a certificate.
        """
        return cls.loads(Path(path).read_bytes())

    @classmethod
    def loads(cls, text: str | bytes) -> Certificate:
        """Read a certificate from its text, as `load` does."""
        try:
            body = json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise CertificateError("the JSON text is nested too deeply") from None
        except ValueError as error:
            raise CertificateError(f"not JSON: {error!s:.200}") from None
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise CertificateError(
                f"not a {FORMAT} file: the field `format` does not say so"
            )
        if body.get("version") != VERSION or type(body["version"]) is not int:
            raise CertificateError(
                f"this file has version {body.get('version')!r:.40}; this deuterium "
                f"reads version {VERSION}"
            )
        seal = body.pop("seal", None)
        if not isinstance(seal, str):
            raise CertificateError("the field `seal` must be text")
        _check(body)
        return cls(body, seal)

    # -- the check ---------------------------------------------------------------------

    def verify(self, v: Variable, domain: Domain) -> Any:
        """Check the whole proof in ball arithmetic, trusting nothing of the search.

        Parameters
        ----------
        v : Variable
            The graph that the certificate is about.
        domain : Domain
            The domain that it is about.

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
        try:
            from deuterium.bound.check.verify import verify
        except ImportError:
            raise MissingDependencyError(
                "Certificate.verify needs the package 'python-flint', which is not "
                "installed; run `pip install 'deuterium[verify]'`"
            ) from None
        v = as_variable(v)
        _check(self.body)
        self._match(v, domain)
        report = verify(self.body, v, domain)
        if sealed(self.body) != self.seal:
            raise CertificateError(
                "what the certificate says holds, but it is not what was written: its "
                "contents do not match its seal"
            )
        return report

    def _match(self, v: Variable, domain: Domain) -> None:
        """Refuse another graph or domain than those the certificate is about."""
        if digest(v) != self.body["graph"]:
            raise CertificateError(
                "the certificate is about another graph: the hash of this one is "
                f"{digest(v)[:16]}..., not {self.body['graph']!r:.19}..."
            )
        if not isinstance(domain, Domain):
            raise CertificateError(
                f"`domain` must be a Domain, got {type(domain).__name__}"
            )
        symbols = sorted(free_symbols([v]), key=lambda s: s.name)
        try:
            same = domain_to_json(domain, symbols) == self.body["domain"]
        except DeuteriumError as error:
            raise CertificateError(f"the domain does not fit: {error}") from None
        if not same or set(domain.names) != set(self.body["domain"]):
            raise CertificateError(
                f"the certificate is about another domain: {domain!r:.200} is not "
                f"{json.dumps(self.body['domain']):.200}"
            )


# -- to JSON -------------------------------------------------------------------------


def digest(v: Variable) -> str:
    """Return the SHA-256 of a graph in its JSON form."""
    return hashlib.sha256(dumps([v]).encode()).hexdigest()


def sealed(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a certificate's contents."""
    return hashlib.sha256(_text(body).encode()).hexdigest()


def _text(x: Any) -> str:
    return json.dumps(x, allow_nan=False, separators=(",", ":"))


def domain_to_json(domain: Domain, symbols: Sequence[Variable]) -> dict[str, Any]:
    """Return the constraints on each symbol, exactly and in one form.

    Numbers are broadcast to the shape of the symbol; an array of equal ones is one.
    """
    return {
        s.name: {
            "shape": list(s.shape),
            "constraints": sorted(
                (_constraint(c, s) for c in domain.constraints.get(s.name, ())),
                key=_text,
            ),
        }
        for s in symbols
    }


def _constraint(c: Any, s: Variable) -> dict[str, Any]:
    if isinstance(c, Range):
        return {"range": [_spread(c.lower, s), _spread(c.upper, s)]}
    if isinstance(c, Within):
        ball = {"center": _spread(c.center, s), "radius": _plain(c.radius)}
        return {"ball": {**ball, "order": 2 if c.order == 2 else "inf"}}
    if isinstance(c, OneOf):
        return {"choice": [_spread(x, s) for x in c.values]}
    assert isinstance(c, UnitVectors)
    return {"onehot": True}


def _spread(x: Any, s: Variable) -> Any:
    try:
        array = np.broadcast_to(np.asarray(x, dtype=float), s.shape)
    except ValueError:
        raise CertificateError(
            f"bounds of {s.name!r} do not have its shape {s.shape}; take one box"
        ) from None
    first = array.flat[0] if array.size else 0.0
    return _plain(first if np.all(array == first) else array)


def _plain(x: Any) -> Any:
    """Return numbers as JSON has them: infinities as text, arrays as lists."""
    if isinstance(x, (np.ndarray, np.generic)):
        x = x.tolist()
    if isinstance(x, Mapping):
        return {str(k): _plain(e) for k, e in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(e) for e in x]
    if isinstance(x, float) and math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return x


def _proof_to_json(nodes: Sequence[Any]) -> list[Any]:
    """Return the tree as plain lists, without what is empty."""
    short = [
        {k: x for k, x in node.items() if k != "steps" or len(x)} for node in nodes
    ]
    text = json.dumps(short, default=_plain)
    if "Infinity" in text:  # rare: only regions that have no end
        text = json.dumps(_plain(short))
    proof: list[Any] = json.loads(text)
    return proof


# -- from JSON -----------------------------------------------------------------------


def _no_constant(name: str) -> Any:
    raise CertificateError(f"{name} is no number of a certificate")


def _check(body: Mapping[str, Any]) -> None:
    """Refuse contents without the form of a certificate; nothing is proved by it."""
    wanted = {
        "deuterium": str, "sense": str, "graph": str, "objective": str, "domain": dict,
        "witness": dict, "atoms": list, "root": dict, "proof": list,
    }  # fmt: skip
    for name, kind in wanted.items():
        if not isinstance(body.get(name), kind):
            raise CertificateError(
                f"the field `{name}` must be {_JSON[kind]}, got {body.get(name)!r:.40}"
            )
    if body["sense"] not in SENSES:
        raise CertificateError(f"there is no sense {body['sense']!r:.40}")
    for name in ("graph", "objective"):
        if len(body[name]) != 64 or set(body[name]) - set("0123456789abcdef"):
            raise CertificateError(f"the field `{name}` must be a SHA-256")
    for name in ("upper", "lower"):
        _check_number(name, body.get(name))
    for name, x in body["witness"].items():
        _check_numbers(f"witness of {name!r:.40}", x)
    for i, node in enumerate(body["proof"]):
        _check_node(i, node)


_JSON = {str: "text", dict: "a mapping", list: "a list"}


def _check_number(name: str, x: Any) -> None:
    if x in ("inf", "-inf") and isinstance(x, str):
        return
    try:
        good = type(x) in (int, float) and math.isfinite(float(x))
    except OverflowError:
        good = False
    if not good:
        raise CertificateError(f"the field `{name}` must be a number, got {x!r:.40}")


def _check_numbers(name: str, x: Any) -> None:
    stack = [x]
    while stack:
        e = stack.pop()
        if isinstance(e, list):
            stack += e
        else:
            _check_number(name, e)


def _check_node(i: int, node: Any) -> None:
    good = isinstance(node, dict) and sum(k in node for k in KINDS) == 1
    good = good and set(node) <= {"steps", *KINDS} and _is_steps(node.get("steps", []))
    if good and "leaf" in node:
        good = _is_reason(node["leaf"])
    elif good:
        pair = node.get("cut", node.get("ends"))
        good = isinstance(pair, list) and len(pair) == 2
        good = good and ("cut" in node or _is_reason(pair[1]))
    if not good:
        raise CertificateError(f"node {i} of the proof cannot be read: {node!r:.80}")


def _is_steps(x: Any) -> bool:
    return isinstance(x, list) and all(map(_is_reason, x))


def _is_reason(x: Any) -> bool:
    """Return whether this is a method by name, and its data."""
    if not isinstance(x, list) or len(x) != 2:
        return False
    return isinstance(x[0], str) and isinstance(x[1], dict)
