"""The graph and the domain that a certificate's proof is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deuterium.certify.format import SENSES, digest, domain_to_json, program_from_json
from deuterium.domain.conditions import LOWEST, guarded
from deuterium.domain.domain import Domain
from deuterium.errors import CertificateError, DeuteriumError
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.transform.definedness import defined

Body = Mapping[str, Any]


def as_proved(body: Body, v: Variable, domain: Domain) -> tuple[Variable, Domain]:
    """Return a graph and a plain domain, conditions being part of the graph.

    So is that it has a value, if the certificate is of that.
    """
    worst = LOWEST if body.get("sense") == SENSES[0] else -LOWEST
    if isinstance(domain, Domain) and domain.conditions:
        v, domain = guarded(v, domain.conditions, worst), domain.plain
    if digest(v) == body["graph"] or v.shape:
        return v, domain
    whole = guarded(v, (defined(v),), worst)
    return (whole if digest(whole) == body["graph"] else v), domain


def require_own_graph(body: Body) -> None:
    """Refuse a file that carries another graph than its proof is about."""
    if body.get("program") is None:
        return
    v, _ = as_proved(body, *program_from_json(body))
    if digest(v) != body["graph"]:
        raise CertificateError(
            "the graph that the file carries is another graph than the proof is "
            f"about: its hash is {digest(v)[:16]}..."
        )


def require_graph_and_domain(told: Any, v: Variable, domain: Domain) -> None:
    """Refuse another graph than that of a hash, and what is no domain."""
    if digest(v) != told:
        raise CertificateError(
            "the certificate is about another graph: the hash of this one is "
            f"{digest(v)[:16]}..., not {told!r:.19}..."
        )
    if not isinstance(domain, Domain):
        raise CertificateError(
            f"`domain` must be a Domain, got {type(domain).__name__}"
        )


def require_match(body: Body, v: Variable, domain: Domain) -> None:
    """Refuse another graph or domain than those the certificate is about."""
    require_graph_and_domain(body["graph"], v, domain)
    symbols = sorted(free_symbols([v]), key=lambda s: s.name)
    try:
        same = domain_to_json(domain, symbols) == body["domain"]
        told = json.dumps(body["domain"])
    except (DeuteriumError, TypeError, ValueError, RecursionError) as error:
        raise CertificateError(f"the domain does not fit: {error}") from None
    if not same:
        raise CertificateError(
            f"the certificate is about another domain: {domain!r:.200} is not "
            f"{told:.200}"
        )
