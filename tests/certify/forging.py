"""Certificates written by hand, for the tests here that try to deceive the checker."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import deuterium as dt
from deuterium.certify.certificate import Certificate
from deuterium.certify.format import sealed
from deuterium.certify.proof_source import ProofSource
from deuterium.domain.problem import Problem
from deuterium.errors import CertificateError
from deuterium.graph.traverse import topological


@dataclass
class Source(ProofSource):
    """A bounder as the certificate knows it, which may say anything."""

    told: Any = field(default_factory=dict)
    places: Any = ()
    labels: Any = ()
    forms: Any = ()

    def facts(self):
        return self.told


def leaf(method="interval", steps=(), **data):
    return {"steps": list(steps), "leaf": (method, data)}


def cut(j, at, steps=()):
    return {"steps": list(steps), "cut": [j, at]}


def ends(j, reason="convex", steps=()):
    return {"steps": list(steps), "ends": [j, (reason, {})]}


def face(at, side):
    return ("face", {"at": at, "side": side, "by": "monotone"})


def tighten(at, lower, upper):
    return ("tighten", {"at": at, "lower": lower, "upper": upper})


def forged(v, domain, nodes, upper, change=None, facts=None, **told):
    """Return a certificate that claims too little; change what it is about, too."""
    source = Source(facts or {}, **told)
    problem = Problem(v, domain)
    made = Certificate.of(problem, nodes, upper, -np.inf, {}, source)
    if change is not None:
        change(made.body)
    return Certificate(made.body, sealed(made.body))


def certified(bounder, nodes, upper):
    """Return a certificate by a bounder's facts, of a proof that may be wrong."""
    source = Source(bounder.facts(), bounder.places)
    made = Certificate.of(bounder.problem, nodes, upper, -np.inf, {}, source)
    return Certificate(made.body, sealed(made.body))


def refused(v, domain, nodes, upper, at=None, known=None, **more):
    """Check that the claim is false, and the proof not believed.

    ``at`` is a point where the value is above the claim, or ``known`` a value that is
    reached (where doubles do not show it); else a search finds one.
    """
    if known is not None:
        assert known > upper
    elif at is None:
        assert dt.search(v, domain, seed=0, time_limit=0.5).value > upper
    else:
        assert v.evaluate(at) > upper
    with pytest.raises(CertificateError) as caught:
        forged(v, domain, nodes, upper, **more).verify(v, domain)
    return str(caught.value)


def place_below(v, domain, name):
    """Return the argument of an operator in the objective, as an atom."""
    order = topological([Problem(v, domain).objective])
    return [(n.args[0], 0) for n in order if n.op and n.op.name == name][:1]
