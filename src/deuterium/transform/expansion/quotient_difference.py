"""The difference of one quotient at two records, small where the records are near."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from deuterium import ops
from deuterium.graph.constructors import as_variable
from deuterium.graph.operator import Operator
from deuterium.graph.traverse import topological
from deuterium.graph.variable import Variable
from deuterium.transform.expansion.difference import difference
from deuterium.transform.expansion.expand import Expansion, TooLong
from deuterium.transform.expansion.polynomial import Monomial, Polynomial, total
from deuterium.transform.expansion.rebuild import Rebuilder

Quotient = tuple[Variable, Variable | None]  # None: the denominator is 1
Pairs = Mapping[Variable, Variable]  # a record's symbols, and those of another


def quotient_difference(p: Variable, other: Pairs) -> Variable:
    """Return how far a number moves from one record to another.

    Of ``p = a / b``, at the other ``c / d``, it is ``((a - c) - (c / d) (b - d)) / b``,
    and what a and c, or b and d, have in common is gone.
    """
    top, below = as_quotient(p)
    _, c, moved = _at_both(top, other)
    if below is None:
        return moved
    b, d, moved_below = _at_both(below, other)
    return (moved - c / d * moved_below) / b


def _at_both(v: Variable, other: Pairs) -> tuple[Variable, Variable, Variable]:
    """Return a number at both records, and the difference."""
    try:
        found = _completed(v, other)
    except TooLong:
        found = None
    q = v.subs(dict(other))
    return found or (v, q, difference(v, q))


def _completed(v: Variable, other: Pairs) -> tuple[Variable, Variable, Variable] | None:
    """Return ``k (a + s) (b + t) + u`` of two of a record's symbols, or one twice.

    k is a number, and s, t and u are of what both records share.  None where it is
    no such polynomial.
    """
    expansion = Expansion()
    ((p,),) = expansion.of([v])
    atoms = {i: expansion.atoms[i].node for m in p.terms for i in m}
    mine_by_name = {s.name: s for s in other}
    own: dict[int, Variable] = {}
    for i, node in atoms.items():
        if node is None or not node.is_symbol:
            return None  # a function of these
        if node.name in mine_by_name:
            own[i] = mine_by_name[node.name]
    if any(s.shape for s in own.values()):
        return None
    parts: dict[Monomial, dict[Monomial, int]] = {}
    for m, c in p.terms.items():
        mine = tuple(i for i in m if i in own)
        rest = tuple(i for i in m if i not in own)
        parts.setdefault(mine, {})[rest] = c
    by = {m: Polynomial(terms, p.denominator) for m, terms in parts.items()}
    pair = max(by, key=len, default=())
    number = by[pair].value if len(pair) == 2 else None
    if not number or not set(by) <= {(), pair, pair[:1], pair[1:]}:
        return None
    none, twice = Polynomial({}), 2 if pair[0] == pair[1] else 1
    # what is beside one of the two is, over k, what is added to the other
    s, t = (by.get(m, none).times(1 / (number * twice)) for m in (pair[1:], pair[:1]))
    made = Rebuilder(expansion)
    add_s, add_t = (_factored(made, q.reduced()) for q in (s, t))
    cross = s * t
    left = total([by.get((), none), cross.times(-number)]).reduced()
    k = as_variable(number.numerator) / as_variable(number.denominator)
    a, b = (own[i] for i in pair)
    one, two = v, v.subs(dict(other))
    if cross.terms and sum(map(bool, left.terms)) <= 2:  # else better as written
        alone = _factored(made, left)
        one, two = (
            k * ((x + add_s) * (y + add_t)) + alone
            for x, y in ((a, b), (other[a], other[b]))
        )
    if a is b:
        return one, two, k * ((a - other[a]) * (a + other[a] + 2 * add_s))
    return (
        one,
        two,
        k * ((a - other[a]) * (b + add_t) + (other[a] + add_s) * (b - other[b])),
    )


def _factored(made: Rebuilder, p: Polynomial) -> Variable:
    """Return a graph with what all terms but a number have in common in front."""
    number = p.terms.get((), 0)
    terms = {m: c for m, c in p.terms.items() if m}
    common = _common(list(terms))
    if not common or len(terms) < 2:
        return made.graph(p)
    inner = Polynomial(
        {_without(m, common): c for m, c in terms.items()}, p.denominator
    )
    product = made.graph(Polynomial({common: 1})) * made.graph(inner.reduced())
    return product + made.graph(Polynomial.number(Fraction(number, p.denominator)))


def _common(monomials: list[Monomial]) -> Monomial:
    atoms = set(monomials[0]) if monomials else set()
    return tuple(
        i for i in sorted(atoms) for _ in range(min(m.count(i) for m in monomials))
    )


def _without(m: Monomial, common: Monomial) -> Monomial:
    left = list(m)
    for i in common:
        left.remove(i)
    return tuple(left)


def is_polynomial(v: Variable) -> bool:
    """Return whether a number is made by sums, products and numbers, so has a value."""
    return all(
        node.op is None
        or node.op in POLYNOMIAL
        or node.op.moves_elements
        or (node.op is ops.divide and _is_number(node.args[1]))
        for node in topological([v])
    )


def _is_number(v: Variable) -> bool:
    return v.is_constant and bool(v.value != 0)


# -- quotients -----------------------------------------------------------------------


def as_quotient(v: Variable) -> Quotient:
    """Return numerator and denominator of a number made of others by arithmetic."""
    known: dict[Variable, Quotient] = {}
    for node in topological([v]):
        rule = None if node.op is None or node.shape else RULES.get(node.op)
        args = [known[a] for a in node.args]
        if node.op is ops.divide and not node.shape:
            top, below = args[0]
            by = node.args[1]
            if by.is_constant:
                known[node] = (node, None) if below is None else (top / by, below)
            else:
                known[node] = top, _product(below, by)
        elif rule is None or all(below is None for _, below in args):
            known[node] = node, None
        else:
            known[node] = rule(*args)
    return known[v]


def _added(sign: int) -> Callable[[Quotient, Quotient], Quotient]:
    def rule(x: Quotient, y: Quotient) -> Quotient:
        (a, b), (c, d) = x, y
        c = c if sign > 0 else -c
        if b is d:
            return a + c, b
        left = a if d is None else a * d
        right = c if b is None else c * b
        return left + right, _product(b, d)

    return rule


def _product(a: Variable | None, b: Variable | None) -> Variable | None:
    if a is None or b is None:
        return b if a is None else a
    return a * b


POLYNOMIAL = {ops.add, ops.subtract, ops.negative, ops.multiply, ops.square}
RULES: dict[Operator, Callable[..., Quotient]] = {
    ops.add: _added(1),
    ops.subtract: _added(-1),
    ops.negative: lambda x: (-x[0], x[1]),
    ops.multiply: lambda x, y: (x[0] * y[0], _product(x[1], y[1])),
}
