"""What tests of changed proofs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deuterium.certify.checker import proof_objective


@pytest.fixture(scope="module")
def once() -> Iterator[None]:
    """Work out but once what hangs on the graph, and on nothing in a certificate."""
    known: dict[Any, Any] = {}

    def kept(work: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
        def found(*given: Any) -> Any:
            at = key(*given)
            if at not in known:  # with what was given, so that no other gets its `id`
                known[at] = given, work(*given)
            return known[at][1]

        return found

    derived, compared = proof_objective.derived, proof_objective.Comparison.__call__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            proof_objective,
            "derived",
            kept(
                derived, lambda v, inputs, maximizes: (v, id(inputs.domain), maximizes)
            ),
        )
        patch.setattr(
            proof_objective.Comparison,
            "__call__",
            kept(compared, lambda self, graph, *fixed: (graph, self.seed, str(fixed))),
        )
        yield
