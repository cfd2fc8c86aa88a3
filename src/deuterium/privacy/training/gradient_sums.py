"""Sums of gradients over records, clipped where asked, by compiled functions."""

from __future__ import annotations

import inspect
import itertools
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from deuterium.array_type import Array
from deuterium.errors import InvalidInputError
from deuterium.evaluate import compile
from deuterium.functions.norms import norm_of_all
from deuterium.graph.constructors import as_variable, symbol
from deuterium.graph.traverse import free_symbols
from deuterium.graph.variable import Variable
from deuterium.privacy.training.length_floor import floored_length
from deuterium.privacy.training.single_gradients import SingleGradients
from deuterium.privacy.training.training_data import WHO
from deuterium.privacy.training.training_options import (
    COMPUTED_ERROR,
    MOST_ROWS,
    ROW_MULTIPLE,
)
from deuterium.transform import grad

__all__ = ["GradientSums", "Loss", "drawn"]
Loss = Callable[..., Variable]


def drawn(count: int, probability: float, rng: np.random.Generator | None) -> Array:
    """Return who takes part, by 53 bits each, at most with a probability: (count,)."""
    most = int(probability * 2.0**53)
    if rng is not None:
        return rng.integers(0, 2**53, count) < most
    bits = np.frombuffer(secrets.token_bytes(8 * count), dtype=np.uint64) >> 11
    return bits < most


class GradientSums:
    """The loss of any number of records, differentiated and compiled when needed."""

    def __init__(
        self,
        loss: Loss,
        shapes: Mapping[str, tuple[int, ...]],
        weights: Mapping[str, Variable],
    ) -> None:
        self.loss, self.shapes, self.weights = loss, shapes, weights
        self.one = self.records(1)
        self.single = self.losses(self.one).reshape(())
        self._functions: dict[tuple[int, str], Any] = {}

    def records(self, rows: int) -> dict[str, Variable]:
        """Return symbols for so many records."""
        return {n: symbol(n, shape=(rows, *s)) for n, s in self.shapes.items()}

    def losses(self, records: Mapping[str, Variable]) -> Variable:
        """Return every record's loss."""
        rows = next(iter(records.values())).shape[0]
        _require_accepted(self.loss, [*records, *self.weights])
        losses = as_variable(self.loss(**records, **self.weights))
        if losses.shape != (rows,):
            raise InvalidInputError(
                f"{WHO}: `loss` must return one number per row, of shape ({rows},); "
                f"got {losses.shape}"
            )
        return losses

    def all(
        self, rows: Mapping[str, Array], weights: Mapping[str, Array]
    ) -> list[Array]:
        """Return the sum of all records' gradients, of the weights' shapes.

        Parameters
        ----------
        rows : mapping from str to ndarray
            (records, *shape of one record's values).
        weights : mapping from str to ndarray
            The parameters.
        """
        count = len(next(iter(rows.values())))
        parts = -(-count // MOST_ROWS)
        ends = [i * count // parts for i in range(parts + 1)]  # of two sizes at most
        return self._added(
            self._function(j - i, "sum")(
                *(x[i:j] for x in rows.values()), *weights.values()
            )
            for i, j in itertools.pairwise(ends)
        )

    def some(
        self,
        rows: Mapping[str, Array],
        weights: Mapping[str, Array],
        taken: Array,
        clip: float | None,
    ) -> list[Array]:
        """Return the sum of some records' gradients, of the weights' shapes.

        Parameters
        ----------
        rows, weights
            As of `all`.
        taken : ndarray of int
            (taken,): which records.
        clip : float or None
            The length to which longer gradients are shortened.

        A record whose gradient overflows cannot be clipped, and takes no part.
        """
        factors = np.ones(len(taken))
        if clip is not None and len(taken):
            norms = self.norms({n: x[taken] for n, x in rows.items()}, weights)
            factors = 1 / np.maximum(1.0, norms * (1 + COMPUTED_ERROR) / clip)
            factors = np.where(np.isfinite(norms), factors, 0.0)
        return self.weighted(rows, weights, taken, factors)

    def weighted(
        self,
        rows: Mapping[str, Array],
        weights: Mapping[str, Array],
        taken: Array,
        factors: Array,
    ) -> list[Array]:
        """Return a weighted sum of some records' gradients, of the weights' shapes.

        Parameters
        ----------
        rows, weights, taken
            As of `some`.
        factors : ndarray
            (taken,): what each one's gradient is multiplied by; with 0 it takes no
            part, whatever it is.
        """
        counted = np.flatnonzero(factors)
        if not len(counted):
            return [np.zeros_like(w) for w in weights.values()]
        # zero times infinity is none: others stand where nothing is counted
        index = np.where(factors != 0, taken, taken[counted[0]])
        index, factors = self._filled(index, index[0]), self._filled(factors, 0.0)
        add = self._function(index.shape[1], "weighted")
        return self._added(
            add(*(x[i] for x in rows.values()), f, *weights.values())
            for i, f in zip(index, factors, strict=True)
        )

    @staticmethod
    def require_finite(sums: Sequence[Array]) -> None:
        """Raise where a sum of gradients is no number that can be released."""
        if not all(np.isfinite(g).all() for g in sums):
            raise InvalidInputError(
                f"{WHO}: the sum of gradients is not finite; the loss overflows "
                "somewhere in the domain"
            )

    @staticmethod
    def _added(several: Iterable[Sequence[Array]]) -> list[Array]:
        return [sum(g[1:], g[0]) for g in zip(*several, strict=True)]

    def norms(self, rows: Mapping[str, Array], weights: Mapping[str, Array]) -> Array:
        """Return every record's gradient norm: (records,); arguments as of `all`.

        Records are worked out in the same batches as by `weighted`, by the same
        products of matrices: what is rounded there decides on which side of a kink a
        record lies, and has to be the same where it is measured and where it is added.
        """
        count = len(next(iter(rows.values())))
        index = self._filled(np.arange(count), 0)
        values = list(weights.values())
        if self._alone is not None:
            measure = self._alone.lengths
            found = [measure(*(x[i] for x in rows.values()), *values) for i in index]
            return np.concatenate(found)[:count]
        norm = self._function(1, "norm")
        each = [
            norm.at_once(*(x[i, None] for x in rows.values()), *values) for i in index
        ]
        return np.concatenate([n for (n,) in each])[:count]

    def require_separate(
        self, rows: Mapping[str, Array], weights: Mapping[str, Array]
    ) -> None:
        """Raise if a record's loss changes with its neighbours."""
        count = min(4, len(next(iter(rows.values()))))
        some = {n: x[:count] for n, x in rows.items()}
        losses, rng = self.losses(self.records(count)), np.random.default_rng(0)
        # where all weights are zero, much looks alike that is not
        elsewhere = {n: w + rng.normal(size=w.shape) for n, w in weights.items()}
        for now, i in itertools.product((weights, elsewhere), range(count)):
            together = _evaluated(losses, {**some, **now})[i]
            row = {n: x[i : i + 1] for n, x in some.items()}
            alone = _evaluated(self.single, {**row, **now})
            if not np.isclose(
                together, alone, COMPUTED_ERROR, COMPUTED_ERROR, equal_nan=True
            ):
                raise InvalidInputError(
                    f"{WHO}: the loss of record {i} is {together} among others and "
                    f"{alone} alone; rows must not see each other"
                )

    def _filled(self, values: Array, rest: float) -> Array:
        """Return values in batches of one size, filled up: (batches, size)."""
        fits = MOST_ROWS
        if self._alone is None:
            once = self._function(1, "norm").rows_at_once
            fits = once // ROW_MULTIPLE * ROW_MULTIPLE
        all_rows = -(-len(values) // ROW_MULTIPLE) * ROW_MULTIPLE
        size = min(all_rows, MOST_ROWS, max(fits, ROW_MULTIPLE))
        full = np.full(-(-len(values) // size) * size, rest, dtype=values.dtype)
        full[: len(values)] = values
        return full.reshape(-1, size)

    @cached_property
    def _alone(self) -> SingleGradients | None:
        """What losses that take one record are differentiated by."""
        if not getattr(self.loss, "one_by_one", False):
            return None
        return SingleGradients(
            list(self.one.values()), self.single, list(self.weights.values())
        )

    def _function(self, rows: int, kind: str) -> Any:
        key = rows, kind
        if key not in self._functions:
            self._functions[key] = self._made(rows, kind)
        return self._functions[key]

    def _made(self, rows: int, kind: str) -> Any:
        weights = list(self.weights.values())
        if kind == "norm":
            norm = norm_of_all(list(grad(self.single, weights)))
            return compile([*self.one.values(), *weights], [floored_length(norm)])
        if self._alone is not None:
            return self._alone.added
        records = self.records(rows)
        losses, inputs = self.losses(records), list(records.values())
        if kind == "weighted":
            factor = symbol("weight of each record", shape=(rows,))
            inputs.append(factor)
            losses = losses * factor
        return compile([*inputs, *weights], list(grad(losses.sum(), weights)))


def _require_accepted(loss: Loss, names: Sequence[str]) -> None:
    """Raise unless a loss can be called with these arguments."""
    try:
        inspect.signature(loss).bind(**dict.fromkeys(names))
    except TypeError as why:
        raise InvalidInputError(
            f"{WHO}: `loss` must take {', '.join(names)} as its arguments, the names "
            f"of records and parameters ({why})"
        ) from None
    except ValueError:  # it does not say
        return


def _evaluated(v: Variable, values: Mapping[str, Array]) -> Array:
    """Return the value of a graph in which not all names need occur."""
    used = {s.name for s in free_symbols([v])}
    with np.errstate(all="ignore"):
        return v.evaluate({n: x for n, x in values.items() if n in used})
