"""Rewrite a graph into a simpler one with the same real values.

The driver walks the graph from the leaves up.  Each node is rebuilt from its simplified
arguments; a node that exists already is used again; then the rules of its operator are
tried in turn, and what a rule returns is simplified in the same way.  The rules are in
`deuterium.transform.simplify.rules`, one family a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np

from deuterium.budget import check
from deuterium.errors import InvalidInputError
from deuterium.graph.constructors import as_variable
from deuterium.graph.hashcons import rebuilt, structural_key
from deuterium.graph.provenance import attributing
from deuterium.graph.traverse import Graph, topological
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only
from deuterium.transform.simplify.rules import (
    BY_OPERATOR,
    Assumptions,
    Bounds,
    ByOperator,
)

REWRITES_PER_NODE = 40  # a bound that is never reached: rules make graphs simpler


@overload
def simplify(
    v: Variable, domain: Bounds | None = None, *, inputs: Iterable[Variable] = ()
) -> Variable: ...
@overload
def simplify(
    v: Sequence[Variable],
    domain: Bounds | None = None,
    *,
    inputs: Iterable[Variable] = (),
) -> list[Variable]: ...


@standard_only
def simplify(
    v: Any, domain: Bounds | None = None, *, inputs: Iterable[Variable] = ()
) -> Any:
    """Return a simpler graph that has the same real values over a domain.

    Parameters
    ----------
    v : Variable, or sequence or object array of them
        What to simplify; several at once share their work.
    domain : Domain, optional
        Where it has to hold.  Some rules need a fact, such as ``p > 0``, which an
        enclosure over the domain must prove.  By default, symbols are any real numbers.
    inputs : iterable of Variable
        Constants that must stay what they are (parameters that get other values later,
        or by which the result is differentiated).

    Returns
    -------
    Variable, or list (or object array) of Variable
        Equal at the points of the domain where ``v`` is defined.  Where ``v`` is not,
        it is not either, but for removable singularities such as that of
        ``sin(x) / x``, where it has the limit.

    Notes
    -----
    Differentiate first and simplify last: rules know the derivatives that the usual
    losses have.  Numbers are folded only where the result is exact.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> x = dt.symbol("x")
    >>> dt.simplify(np.log(np.exp(x)) + 0 * x)
    x
    """
    if domain is not None and not isinstance(domain, Bounds):
        raise InvalidInputError(
            "simplify: `domain` must be a deuterium.Box, Ball, Choice or OneHot (or "
            f"several joined with &), or None; got {type(domain).__name__}"
        )
    simplifier = Simplifier(Assumptions(domain, inputs))
    if isinstance(v, Variable):
        return simplifier.run(Graph([v]))[0]
    if isinstance(v, np.ndarray):
        out = np.empty(v.shape, dtype=object)
        out.ravel()[:] = simplifier.run([as_variable(x) for x in v.ravel().tolist()])
        return out
    if isinstance(v, Graph):
        return simplifier.run(v)
    return simplifier.run([as_variable(x) for x in v])


class Simplifier:
    """One run of the rules over a graph.

    Attributes
    ----------
    fired : Counter
        How often each rule was applied.
    """

    def __init__(self, known: Assumptions, rules: ByOperator = BY_OPERATOR) -> None:
        self.known, self.rules = known, rules
        self.fired: Counter[str] = Counter()
        self._final: dict[Variable, Variable] = {}
        self._becomes: dict[Variable, Variable] = {}  # rewritten, but not final yet
        self._waiting: set[Variable] = set()  # for what they become to be final
        self._unique: dict[Any, Variable] = {}
        self._left = 0

    def run(self, outputs: Sequence[Variable]) -> list[Variable]:
        """Return the simplified outputs."""
        self._left = REWRITES_PER_NODE * (len(topological(outputs)) + 10)
        stack = list(outputs)[::-1]
        with attributing() as attribute:
            while stack:
                check()
                v = stack[-1]
                needed = () if v in self._final else self._advance(v, attribute)
                if needed:
                    stack.extend(needed)
                else:
                    stack.pop()
        return [self._final[v] for v in outputs]

    def _advance(self, v: Variable, attribute: Any) -> Sequence[Variable]:
        """Take ``v`` one step further, or return the nodes that must be final first."""
        final, becomes = self._final, self._becomes
        if v not in becomes:
            missing = [a for a in v.args if a not in final]
            if missing:
                return missing[::-1]
            attribute(v.source)  # of all nodes made for it
            same = self._shared(v)
            better = same if same is not v else self._rewritten(v)
            if better is None:
                self._settle(v)
                return ()
            becomes[v] = better
        better = becomes[v]
        if better in final:
            final[v] = final[better]
        elif v in self._waiting:
            self._settle(v)  # met again below its own simpler form: a circle of rules
        else:
            self._waiting.add(v)
            return (better,)
        return ()

    def _settle(self, v: Variable) -> None:
        self._final[v] = v
        self.known.rank.setdefault(v, len(self.known.rank))

    def _rewritten(self, v: Variable) -> Variable | None:
        """Return what the first rule that applies makes of ``v``."""
        for rule in self.rules[v.op]:
            if self._left <= 0:
                return None
            better = rule.rewrite(v, self.known)
            if better is not None and better is not v:
                self._left -= 1
                self.fired[rule.name] += 1
                return better
        return None

    # -- one node for one thing --------------------------------------------------------

    def _shared(self, v: Variable) -> Variable:
        """Return the node that stands for ``v`` with simplified arguments."""
        args = tuple([self._final[a] for a in v.args])
        key = structural_key(v, args, self.known.inputs)
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = rebuilt(v, args)
        return found
