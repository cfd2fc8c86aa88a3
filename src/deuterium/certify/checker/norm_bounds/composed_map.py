"""Affine maps from one node of a graph to another, and proofs of their norms.

The operators between two nodes are multiplied out in floating point, as one sparse
matrix C, with a bound of the spectral norm of what the exact matrix differs by: of a
product ``S A`` with k products in a sum it is at most ``gamma_k ||S|| ||A||`` (N. J.
Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., 3.5), where ``||.||``
stands for the root of the largest row sum times the largest column sum of sizes, which
no spectral norm exceeds.

``||C|| <= s`` says that ``s**2 I - C' C`` is positive semidefinite.  A factor L of it,
less d on the diagonal, is worked out in floating point; what is left after ``L L'`` is
taken off has a Frobenius norm of at most d, all rounding errors included.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from flint import arb
from scipy import sparse

from deuterium import ops
from deuterium.array_type import Array
from deuterium.certify.checker.ball_functions import ONE, Ball
from deuterium.certify.checker.exceptions import NoBound
from deuterium.certify.checker.norm_bounds.array_knowledge import (
    ArrayKnowledge,
    exactly,
)
from deuterium.certify.checker.norm_bounds.ball_vectors import (
    Vector,
    larger_of,
    least,
    length,
    lowered,
    raised,
    vector,
)
from deuterium.certify.checker.norm_bounds.norm_graph import NormGraph
from deuterium.certify.checker.proof_domain import ProofInputs
from deuterium.certify.checker.scalar_layout import MOVES
from deuterium.graph.variable import Variable

Sparse = Any  # a matrix of SciPy's, in rows

UNIT = 2.0**-53  # relative error of one operation
TINY = 2.0**-1000  # above what sums of numbers that underflow may be off by
WIDER = 1.0 + 2.0**-30  # times a bound that took a few operations to compute
MOST_ENTRIES = 2**24  # of a matrix; more take too long
SPARE = 2.0**-24  # of a square of a norm: for what is left of its factorisation
LARGEST = 4096  # rows of what is factored

_maps: WeakKeyDictionary[NormGraph, dict[Any, Any]] = WeakKeyDictionary()
_proved: WeakKeyDictionary[ProofInputs, set[Any]] = WeakKeyDictionary()


class ComposedMap:
    """The affine map from a node to one above it.

    Parameters
    ----------
    graph : NormGraph
    base, node : Variable
        Where it comes from, and where it goes.

    Attributes
    ----------
    is_linear : bool
        Whether zero goes to zero.

    Raises
    ------
    NoBound
        It is not affine, or too large.
    """

    def __init__(self, graph: NormGraph, base: Variable, node: Variable) -> None:
        self.graph = graph
        self._nodes = _between(graph, base, node)
        self.is_linear = not any(_is_shift(v) for v in self._nodes)
        self._matrix: Sparse = sparse.eye_array(base.size).tocsr()
        self._error = 0.0
        for v in self._nodes:
            self._compose(v)

    def _compose(self, v: Variable) -> None:
        if _is_shift(v) and (v.op is ops.add or not self._is_second(v)):
            return
        own, off = self._step(v)
        before = self._matrix
        width = int(np.diff(own.indptr).max(initial=0)) + 2
        if own.nnz * (before.nnz / max(before.shape[0], 1)) > 4 * MOST_ENTRIES:
            raise NoBound("a linear map has too many entries")
        size, grown = _plain(before), _plain(own)
        self._error = WIDER * (
            grown * self._error
            + off * (size + self._error)
            + _gamma(width) * grown * size
            + TINY
        )
        self._matrix = (own @ before).tocsr()

    def _is_second(self, v: Variable) -> bool:
        return self.graph.is_fixed(v.args[0])

    def _step(self, v: Variable) -> tuple[Sparse, float]:
        """Return an operator as a matrix, and a bound of the norm of its errors."""
        op = v.op
        assert op is not None
        x = v.args[1 if len(v.args) == 2 and self._is_second(v) else 0]
        places = np.arange(x.size).reshape(x.shape)
        if op in (ops.negative, ops.subtract):
            return (-sparse.eye_array(x.size)).tocsr(), 0.0
        if op in (ops.multiply, ops.divide, ops.matmul):
            return self._by_number(v, x)
        to = np.arange(v.size)
        if op is ops.scatter:
            to = np.asarray(v.attrs["index"]).ravel()
        elif op is ops.add_reduce:
            to = np.expand_dims(to.reshape(v.shape), tuple(v.attrs["axis"]))
            to = np.broadcast_to(to, x.shape).ravel()
        elif op in MOVES and len(v.args) == 1:
            places = np.asarray(MOVES[op](places, **v.attrs))
        else:
            raise NoBound(f"operator {op.name!r} is not taken for linear")
        shape = v.size, x.size
        ones = np.ones(len(to))
        return sparse.csr_array((ones, (to, places.ravel())), shape=shape), 0.0

    def _by_number(self, v: Variable, x: Variable) -> tuple[Sparse, float]:
        """Return a product with numbers as a matrix."""
        second = x is v.args[1] and self._is_second(v)
        if v.op is ops.divide and second:
            raise NoBound("a quotient is not linear in what it is divided by")
        other = v.args[0 if second else 1]
        value, off = self._numbers(other, inverse=v.op is ops.divide)
        if v.op is not ops.matmul:
            pair = [np.broadcast_to(y, v.shape).ravel() for y in (value, off)]
            made = [sparse.diags_array(y).tocsr() for y in pair]
        elif len(other.shape) != 2 or (second and len(x.shape) != 2):
            raise NoBound("a product with something else than a matrix")
        elif second:
            eye = sparse.eye_array(x.shape[1])
            made = [sparse.kron(y, eye).tocsr() for y in (value, off)]
        else:
            eye = sparse.eye_array(x.size // x.shape[-1])
            made = [sparse.kron(eye, y.T).tocsr() for y in (value, off)]
        return made[0], _plain(made[1]) if off.any() else 0.0

    def _numbers(self, v: Variable, *, inverse: bool) -> tuple[Array, Array]:
        """Return about the value of a node without symbols, and how far it is off."""
        if v.op is not None and v.op in MOVES and len(v.args) == 1:
            return tuple(
                np.asarray(MOVES[v.op](x, **v.attrs))
                for x in self._numbers(v.args[0], inverse=inverse)
            )  # type: ignore[return-value]
        value = np.asarray(v.value) if v.op is None else None
        if value is not None and value.dtype == np.float64 and not inverse:
            return value, np.zeros(value.shape)
        balls = self.graph.fixed(v).tolist()
        balls = [ONE / b for b in balls] if inverse else balls
        near = [float(b.mid()) for b in balls]
        off = [
            float(abs(b - arb(m)).upper()) * WIDER
            for b, m in zip(balls, near, strict=True)
        ]
        found = np.array(near).reshape(v.shape), np.array(off).reshape(v.shape)
        if not all(np.isfinite(x).all() for x in found):
            raise NoBound("a factor is not finite")
        return found

    def image(self, x: Vector) -> Vector:
        """Return where a point goes."""
        for v in self._nodes:
            second = len(v.args) == 2 and self._is_second(v)
            args = [exactly(x)]
            if len(v.args) == 2:
                other = self.graph.known(v.args[0 if second else 1])
                args.insert(0 if second else 1, other)
            x, _ = self.graph.ends(v, args)
        return x

    @property
    def rows(self) -> Vector:
        """Upper bounds of the lengths of the rows."""
        c, wider = self._matrix, 1.0 + _gamma(self._matrix.shape[1] + 8)
        top = float(np.max(np.abs(c.data), initial=0.0)) or 1.0
        near = c * (1.0 / top)
        squares = np.asarray(near.multiply(near).sum(axis=1)).ravel()
        lengths = np.sqrt(squares * wider + TINY) * WIDER * top + self._error
        return vector([arb(r) for r in (lengths * WIDER + TINY).tolist()])

    def norm(self, claim: float) -> Ball:
        """Return the claim, once it is proved that the norm is no more.

        Raises
        ------
        NoBound
            It is not.
        """
        c = self._matrix
        if not 0 < claim < np.inf or not np.isfinite(c.data).all():
            raise NoBound(f"a norm of {claim!r} is claimed")
        known = _proved.setdefault(self.graph.inputs, set())
        digest = blake2b()
        for part in (c.data, c.indices, c.indptr, np.array([claim, self._error])):
            digest.update(np.ascontiguousarray(part).tobytes())
        key = digest.hexdigest()
        if key not in known:
            if 0 not in c.shape and not _is_norm(c, claim / WIDER - self._error):
                raise NoBound(
                    f"the norm of a map is not proved to be at most {claim!r}"
                )
            known.add(key)
        return arb(claim)


def maps_of(graph: NormGraph) -> dict[tuple[Variable, Variable], ComposedMap]:
    """Return the maps of a graph that were made, to be filled."""
    return _maps.setdefault(graph, {})


def image_of(
    base: ArrayKnowledge,
    known: ArrayKnowledge,
    image: ComposedMap,
    claim: float,
    takes: bool,
) -> ArrayKnowledge:
    """Return what is known of an array that is an affine image of another.

    Parameters
    ----------
    base, known : ArrayKnowledge
        Of the other, and of the array already.
    image : ComposedMap
    claim : float
        What its norm does not exceed.
    takes : bool
        Whether the ball is that of the base, mapped.
    """
    norm, centre, rows = image.norm(claim), image.image(base.centre), image.rows
    low, high, longest = known.low, known.high, known.length
    radius = least(norm * base.radius)
    if base.radius.is_finite():
        low = raised(low, centre - rows * base.radius)
        high = lowered(high, centre + rows * base.radius)
        longest = least(longest, length(centre) + radius)
    if image.is_linear and base.length.is_finite():
        low, high = raised(low, -rows * base.length), lowered(high, rows * base.length)
        longest = least(longest, norm * base.length)
    longest = least(longest, length(larger_of(-low, high)))
    total = least(known.total, longest * arb(max(len(low), 1)).sqrt())
    if not takes:
        centre, radius = known.centre, known.radius
    return ArrayKnowledge(low, high, centre, radius, longest, total)


def _between(graph: NormGraph, base: Variable, node: Variable) -> list[Variable]:
    """Return the nodes above the base up to another, each of the one before."""
    found = []
    while node is not base:
        inner = [a for a in node.args if not graph.is_fixed(a)]
        if node.op is None or len(inner) != 1 or len(node.args) > 2:
            raise NoBound("a node is no function of another alone")
        if node.op in (ops.add, ops.subtract, ops.multiply, ops.divide) and (
            inner[0].shape != node.shape
        ):
            raise NoBound("a node has another shape than what it is a multiple of")
        found.append(node)
        (node,) = inner
    return found[::-1]


def _is_shift(v: Variable) -> bool:
    return v.op in (ops.add, ops.subtract)


def _gamma(n: int) -> float:
    return n * UNIT / (1.0 - n * UNIT) * WIDER


def _plain(matrix: Sparse) -> float:
    """Return the root of the largest row sum times the largest column sum of sizes."""
    size = abs(matrix)
    sums = [float(np.max(size.sum(axis=k), initial=0.0)) for k in (0, 1)]
    return float(np.sqrt(sums[0] * WIDER) * np.sqrt(sums[1] * WIDER)) * WIDER + TINY


def _is_norm(matrix: Sparse, s: float) -> bool:
    """Return whether the spectral norm of a matrix is proved to be at most s."""
    if not s > 0:
        return False
    plain = _plain(matrix)
    if plain <= s:
        return True
    n = min(matrix.shape)
    if n > LARGEST:
        return False
    scaled = matrix * (1.0 / s)  # its entries are rounded twice
    turned = scaled.T.tocsr()
    gram = turned @ scaled if n == matrix.shape[1] else scaled @ turned
    size = (plain / s) ** 2 * WIDER
    lost = _gamma(max(matrix.shape) + 16) * size + TINY * n
    return _is_below_one(gram.toarray(), lost)


def _is_below_one(gram: Array, lost: float) -> bool:
    """Return whether a symmetric matrix, off by ``lost`` in norm, is at most I."""
    n = len(gram)
    test = -0.5 * (gram + gram.T)
    test[np.diag_indices(n)] += 1.0
    if not np.isfinite(test).all():
        return False
    try:
        test[np.diag_indices(n)] -= SPARE
        factor = np.linalg.cholesky(test)
    except np.linalg.LinAlgError:
        return False
    rest = test - factor @ factor.T
    frobenius = float(np.linalg.norm(rest)) * WIDER
    trace = float(np.square(factor).sum()) * WIDER + n
    # of L L', of the differences, of the diagonal and of the matrix itself
    rounded = _gamma(n + 8) * (trace + 2 * n) + lost
    return bool(np.isfinite(frobenius) and frobenius + rounded <= SPARE * (1 - UNIT))
