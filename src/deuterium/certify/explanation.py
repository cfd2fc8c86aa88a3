"""A proof leaf by leaf, in words; what it says is not checked here but by `verify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from deuterium.certify.certificate import Certificate

__all__ = ["explained"]

FEW = 6  # coordinates of a region that are told; the rest is counted

METHODS: Mapping[str, str] = {
    "empty": "no point of the domain is in it",
    "interval": "the range of the function over it, by interval arithmetic, is within "
    "the claim",
    "enclosure": "what `enclose` says of the function over it is within the claim",
    "mean": "the mean value theorem: the value at a centre, and the slopes over the "
    "region times the way there, are within the claim",
    "stationary": "a slope has one sign over it, so further out the function is larger",
    "curved": "the function is curved upwards along a line, so no extremum is inside",
    "concave": "the function is concave over it, so it lies below its tangent plane",
    "clusters": "the function, taken apart into scalars under stated multipliers, is a "
    "sum of one-dimensional maxima, which are within the claim",
    "norms": "the lengths of whole arrays, followed through the graph, keep it within "
    "the claim",
}
STEPS: Mapping[str, str] = {
    "face": "it is enough to look where {at} {are} at an end, as the slope there has "
    "one sign",
    "tighten": "{at} cannot be elsewhere, by finite sets, balls or inner ranges",
    "conditions": "the conditions of the domain leave less of {at}",
}


def explained(certificate: Certificate) -> Iterator[str]:
    """Yield a proof in words, a line for the claim and one for each of its leaves.

    Parameters
    ----------
    certificate : Certificate
        Which is best verified first: words prove nothing.
    """
    body = certificate.body
    names = _names(body)
    sup = body["sense"] == "maximize"
    lower, upper = certificate.lower, certificate.upper
    reached, claim = (lower, upper) if sup else (upper, lower)
    word = "supremum" if sup else "infimum"
    yield (
        f"Claim: the {word} of the function lies between {lower!r} and {upper!r}. "
        f"{reached!r} is reached at the witness. That it is at "
        f"{'most' if sup else 'least'} {claim!r} is shown for each of "
        f"{certificate.leaves} regions, which cover the domain:"
    )
    ends = zip(body["root"]["lower"], body["root"]["upper"], strict=True)
    root = {j: (float(low), float(high)) for j, (low, high) in enumerate(ends)}
    waiting: list[dict[int, tuple[float, float]]] = [{}]
    count = 0
    for node in body["proof"]:
        changed = waiting.pop()
        steps = [_step(step, names) for step in node.get("steps", ())]
        if "leaf" in node:
            count += 1
            method = str(node["leaf"][0])
            why = "; ".join([*steps, METHODS.get(method, f"by the method {method!r}")])
            yield f"{count}. Where {_region(changed, names)}: {why}."
            continue
        waiting += reversed(_children(node, changed, root))


def _children(
    node: Mapping[str, Any],
    changed: dict[int, tuple[float, float]],
    root: Mapping[int, tuple[float, float]],
) -> list[dict[int, tuple[float, float]]]:
    if "cut" in node:
        j, at = node["cut"]
        parts = [(-np.inf, float(at)), (float(at), np.inf)]
    else:
        j = node["ends"][0]
        parts = [(e, e) for e in changed.get(j, root.get(j, (-np.inf, np.inf)))]
    low, high = changed.get(j, root.get(j, (-np.inf, np.inf)))
    return [{**changed, j: (max(low, a), min(high, b))} for a, b in parts]


def _region(changed: Mapping[int, tuple[float, float]], names: list[str]) -> str:
    if not changed:
        return "anything may be, in the whole domain"
    told = [
        f"{_name(j, names)} = {low!r}"
        if low == high
        else f"{_name(j, names)} in [{low!r}, {high!r}]"
        for j, (low, high) in sorted(changed.items())
    ]
    more = len(told) - FEW
    return ", ".join(told[:FEW]) + (f" and {more} more ranges" if more > 0 else "")


def _step(step: Any, names: list[str]) -> str:
    method, data = step
    at = [_name(j, names) for j in data.get("at", ())]
    told = ", ".join(at[:FEW]) + (f" and {len(at) - FEW} more" if at[FEW:] else "")
    words = STEPS.get(str(method), f"a step {method!r} for {{at}}")
    return words.format(at=told, are="is" if len(at) == 1 else "are")


def _name(j: int, names: list[str]) -> str:
    return names[j] if j < len(names) else f"inner scalar {j - len(names) + 1}"


def _names(body: Mapping[str, Any]) -> list[str]:
    """Return the names of the inputs in the order of the coordinates."""
    found = []
    for name, about in sorted(body["domain"].items()):
        shape = tuple(about["shape"])
        places = (", ".join(map(str, at)) for at in np.ndindex(*shape))
        found += [f"{name}[{at}]" for at in places] if shape else [name]
    return found
