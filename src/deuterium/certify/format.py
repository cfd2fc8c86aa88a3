"""The contents of a certificate as JSON: written from a search, and looked over.

Floats keep their shortest exact form, infinities are the strings "inf" and "-inf".
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deuterium.certify.proof_source import ProofSource
from deuterium.domain.constraints import OneOf, Range, UnitVectors, Within
from deuterium.domain.domain import Domain
from deuterium.domain.problem import Problem
from deuterium.domain.spaces import Ball, Box, Choice, OneHot, Where
from deuterium.errors import CertificateError, DeuteriumError
from deuterium.graph.constructors import symbol
from deuterium.graph.serialize import dumps, from_json, to_json
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.interval.float_arithmetic import ARITHMETICS

SENSES = ("maximize", "minimize")
KINDS = ("leaf", "cut", "ends")


# -- to JSON -------------------------------------------------------------------------


def digest(v: Variable) -> str:
    """Return the SHA-256 of a graph in its JSON form."""
    return hashlib.sha256(dumps([v]).encode()).hexdigest()


def sealed(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a certificate's contents."""
    return hashlib.sha256(text(body).encode()).hexdigest()


def text(x: Any) -> str:
    """Return JSON text, the same for the same contents."""
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
                key=text,
            ),
        }
        for s in symbols
    }


def _constraint(c: Any, s: Variable) -> dict[str, Any]:
    if isinstance(c, Range):
        return {"range": [_spread(c.lower, s), _spread(c.upper, s)]}
    if isinstance(c, Within):
        ball = {"center": _spread(c.center, s), "radius": plain(c.radius)}
        return {"ball": {**ball, "order": 2 if c.order == 2 else "inf"}}
    if isinstance(c, OneOf):
        return {"choice": [_spread(x, s) for x in c.values]}
    assert isinstance(c, UnitVectors)
    return {"onehot": True}


def program_to_json(problem: Problem) -> dict[str, Any] | None:
    """Return the graph that was asked for, and the conditions of its domain.

    None where a constant is a whole number that is no double: it would be another
    graph after it was read.
    """
    v, domain = problem.asked
    found = to_json([v, *domain.conditions])
    exact = all(
        is_double(n.get("constant", 0.0))
        for n in found["nodes"]
        if type(n.get("constant")) is int
    )
    return found if exact else None


def program_from_json(body: Mapping[str, Any]) -> tuple[Variable, Domain]:
    """Return the graph that a certificate carries, and the conditions as a domain."""
    if body.get("program") is None:
        raise CertificateError(
            "the certificate carries no graph, as those for an arithmetic and those of "
            "earlier releases; give verify the graph and the domain that it is about"
        )
    try:
        v, *conditions = from_json(body["program"])
        return v, Where(*conditions)
    except (DeuteriumError, *_UNREADABLE) as error:
        told = f"the graph it carries cannot be read: {error!s:.200}"
        raise CertificateError(told) from None


def domain_from_json(told: Any) -> Domain:
    """Return the domain that `domain_to_json` wrote."""
    try:
        domain = Domain({}, {})
        for name, about in told.items():
            s = symbol(name, tuple(about["shape"]))
            for c in about["constraints"]:
                domain = domain & _constrained(s, c)
        return domain
    except CertificateError:
        raise
    except (DeuteriumError, *_UNREADABLE) as error:
        raise CertificateError(
            f"the domain it carries cannot be read: {error!s:.200}"
        ) from None


_UNREADABLE = (
    KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip


def _constrained(s: Variable, c: Mapping[str, Any]) -> Domain:
    ((kind, told),) = c.items()
    if kind == "range":
        low, high = map(_numbers, told)
        return Box({s: (low, high)})
    if kind == "ball":
        order = 2 if told["order"] == 2 else np.inf
        return Ball(s, _numbers(told["center"]), told["radius"], order)
    if kind == "choice":
        # one number means all elements equal, which `Choice` wants to be told
        values = [np.broadcast_to(_numbers(x), s.shape) for x in told]
        return Choice(s, values)
    if kind == "onehot":
        return OneHot(s)
    raise CertificateError(f"there is no constraint {kind!r:.40}")


def _numbers(x: Any) -> Any:
    return np.asarray(x, dtype=np.float64)  # reads "inf" and "-inf", too


def _spread(x: Any, s: Variable) -> Any:
    try:
        array = np.broadcast_to(np.asarray(x, dtype=float), s.shape)
    except ValueError:
        raise CertificateError(
            f"bounds of {s.name!r} do not have its shape {s.shape}; take one box"
        ) from None
    first = array.flat[0] if array.size else 0.0
    return plain(first if np.all(array == first) else array)


def plain(x: Any) -> Any:
    """Return numbers as JSON has them: infinities as text, arrays as lists."""
    if isinstance(x, (np.ndarray, np.generic)):
        x = x.tolist()
    if isinstance(x, Mapping):
        return {str(k): plain(e) for k, e in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(e) for e in x]
    if isinstance(x, float) and math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return x


def forms_to_json(problem: Problem, source: ProofSource) -> list[dict[str, Any]]:
    """Return what is said of the objective, and of it with each value of the labels.

    A form is ``{"values", "atoms", "facts"}``: the labels' values in the order of the
    inputs (none for the objective itself), the coordinates behind the inputs as nodes
    of the form's objective and elements, and the numbers that hold for all its leaves.
    """
    found = [_form([], problem.objective, source)]
    if not source.labels:
        return found
    for form in source.forms:
        pairs = sorted(zip(plain(form.at), plain(form.values), strict=True))
        values = [x for _, x in pairs]
        found.append(_form(values, form.problem.objective, form.bounder))
    return found


def _form(
    values: list[Any], objective: Variable, source: ProofSource
) -> dict[str, Any]:
    number = {node: i for i, node in enumerate(topological([objective]))}
    return {
        "values": values,
        "atoms": [[number[node], int(element)] for node, element in source.places],
        "facts": plain(source.facts()),
    }


def proof_to_json(nodes: Sequence[Any]) -> list[Any]:
    """Return the tree as plain lists, without what is empty."""
    short = [
        {k: x for k, x in node.items() if k != "steps" or len(x)} for node in nodes
    ]
    written = json.dumps(short, default=plain)
    if "Infinity" in written:  # rare: only regions that have no end
        written = json.dumps(plain(short))
    proof: list[Any] = json.loads(written)
    return proof


# -- from JSON -----------------------------------------------------------------------


def is_double(x: Any) -> bool:
    """Return whether this is a float, or a whole number that is one exactly."""
    return type(x) is float or (type(x) is int and abs(x) <= 2**53)


def parsed(written: str | bytes) -> Any:
    """Read JSON text of which every number is a double, and every key is there once."""
    return json.loads(
        written,
        parse_constant=_number,
        parse_float=_number,
        parse_int=lambda x: int(x) if len(x) < 18 else _number(x),
        object_pairs_hook=_pairs,
    )


def _number(written: str) -> Any:
    x = float(written)
    if not math.isfinite(x):
        raise CertificateError(f"{written:.40} is no number of a certificate")
    return x


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise CertificateError("the JSON text has a key twice in one mapping")
    return found


def look_over(body: Mapping[str, Any]) -> None:
    """Refuse contents without the form of a certificate; nothing is proved by it."""
    wanted = {
        "deuterium": str, "sense": str, "graph": str, "objective": str, "domain": dict,
        "witness": dict, "labels": list, "forms": list, "root": dict,
        "proof": list,
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
    if not all(isinstance(name, str) for name in body["labels"]):
        raise CertificateError(f"labels must be names, got {body['labels']!r:.80}")
    for form in body["forms"]:
        _check_form(form)
    for name in ("upper", "lower"):
        _check_number(name, body.get(name))
    if "arithmetic" in body:
        _check_arithmetic(body["arithmetic"])
    for name, x in body["witness"].items():
        _check_numbers(f"witness of {name!r:.40}", x)
    for i, node in enumerate(body["proof"]):
        _check_node(i, node)


def _check_arithmetic(about: Any) -> None:
    """Refuse what does not say which arithmetic, of which graph, between which ends."""
    if not isinstance(about, dict) or set(about) != _ARITHMETIC:
        raise CertificateError(
            f"the field `arithmetic` must have {', '.join(sorted(_ARITHMETIC))}, got "
            f"{about!r:.80}"
        )
    if about["name"] not in ARITHMETICS or not isinstance(about["graph"], str):
        raise CertificateError(f"there is no arithmetic {about['name']!r:.40}")
    for name in ("lower", "upper", "error"):
        if not is_double(about[name]) or not math.isfinite(about[name]):
            raise CertificateError(
                f"the field `arithmetic` must have finite ends and error, got "
                f"{about[name]!r:.40}"
            )


_ARITHMETIC = {"name", "graph", "lower", "upper", "error"}
_JSON = {str: "text", dict: "a mapping", list: "a list"}


def _check_form(form: Any) -> None:
    wanted = {"values": list, "atoms": list, "facts": dict}
    if not isinstance(form, dict) or not all(
        isinstance(form.get(name), kind) for name, kind in wanted.items()
    ):
        raise CertificateError(
            f"a form must have values, atoms and facts, got {form!r:.80}"
        )
    for x in form["values"]:
        _check_number("values", x)


def _check_number(name: str, x: Any) -> None:
    if isinstance(x, str) and x in ("inf", "-inf"):
        return
    if not is_double(x) or not math.isfinite(x):
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
