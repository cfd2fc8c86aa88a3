"""The moved function that a certificate in an arithmetic is about, and its error."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from deuterium.certify.format import SENSES
from deuterium.certify.proved_claim import require_graph_and_domain
from deuterium.domain.domain import Domain
from deuterium.enclose.enclose import moved_in
from deuterium.errors import CertificateError
from deuterium.graph.variable import Variable

_ENDS = ("upper", "lower")


def moved_as_told(
    body: Mapping[str, Any], v: Variable, domain: Domain
) -> tuple[Variable, Domain]:
    """Return the moved function that the proof is of, its error worked out again.

    The rest of the proof is replayed in ball arithmetic; the error is what this
    deuterium finds.
    """
    about = body["arithmetic"]
    require_graph_and_domain(about["graph"], v, domain)
    moved = moved_in(v, domain, about["name"])
    if not moved.error <= about["error"]:
        raise CertificateError(
            f"rounding errors in {about['name']} may be {float(moved.error)!r}, "
            f"not {about['error']!r:.40}"
        )
    error = Fraction(about["error"])
    upper, lower = ([Fraction(x[e]) for x in (about, body)] for e in _ENDS)
    rises = body["sense"] == SENSES[0]
    if upper[0] < upper[1] + (error if rises else 0) or lower[0] > lower[1] - (
        0 if rises else error
    ):
        raise CertificateError(
            "the ends in the field `arithmetic` are not those of the proof with "
            "the error added"
        )
    return moved.value, moved.domain
