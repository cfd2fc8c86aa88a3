"""Losses of a lifted model's output: of one record, with its label as an input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Box, Choice, OneHot
from deuterium.errors import InvalidInputError, ShapeError, did_you_mean
from deuterium.functions.log_sum_exp import log_softmax
from deuterium.graph.constructors import constant, symbol
from deuterium.graph.variable import Variable
from deuterium.ops import arrays
from deuterium.ops.softmax import softmax_last

__all__ = ["LOSSES", "RecordLoss", "record_loss"]

LOSSES = ("cross-entropy", "negative-log-likelihood", "squared-error")
ANY = "any"


@dataclass(frozen=True)
class RecordLoss:
    """The loss of one record.

    Attributes
    ----------
    value : Variable
        A scalar.
    label : Variable or None
        The symbol that stands for the label; None where it is a number.
    domain : Domain or None
        What the label may be.
    """

    value: Variable
    label: Variable | None
    domain: Domain | None


def record_loss(output: Variable, loss: str, label: str, name: str) -> RecordLoss:
    """Return the loss of a model's output and of a label.

    Parameters
    ----------
    output : Variable
        For ``"cross-entropy"`` scores of the classes, or what their softmax makes of
        them; one score alone is that of the second of two classes.  For
        ``"negative-log-likelihood"`` logarithms of probabilities.  For
        ``"squared-error"`` any.
    loss : {"cross-entropy", "negative-log-likelihood", "squared-error"}
        Which loss.
    label : str
        ``"any"``, the number of a class, or of a squared error what the output should
        be: a number, or ``LOWER:UPPER``.
    name : str
        What the label's symbol is called.

    Raises
    ------
    InvalidInputError
        There is no such loss, or the label does not fit it.
    ShapeError
        The output is of several records.
    """
    if loss not in LOSSES:
        raise InvalidInputError(
            f"loss {loss!r}: there is none of that name.{did_you_mean(loss, LOSSES)} "
            f"The losses are {', '.join(LOSSES)}"
        )
    if output.ndim > 1 and output.shape[0] != 1:
        raise ShapeError(
            f"the output has shape {output.shape}, of {output.shape[0]} records; a "
            "loss is of one"
        )
    scores = output.ravel() if output.shape else output.reshape((1,))
    if loss == "squared-error":
        return _squared_error(scores, label, name)
    if scores.size == 1 and loss == "cross-entropy":
        y = _binary_label(label, name)
        z = scores[0]
        return _with(y, -sc.log_expit(-z) - y * z, Choice)
    classes = _class_label(label, scores.size, name)
    return _with(classes, -np.sum(classes * _logarithms(scores, loss)), OneHot)


def _with(label: Variable, value: Variable, of: object) -> RecordLoss:
    if not label.is_symbol:
        return RecordLoss(value, None, None)
    domain = Choice(label, [0, 1]) if of is Choice else OneHot(label)
    return RecordLoss(value, label, domain)


def _logarithms(scores: Variable, loss: str) -> Any:
    """Return logarithms of probabilities."""
    if loss == "negative-log-likelihood":
        return scores
    inner = scores
    while inner.op in (arrays.reshape, arrays.transpose):
        inner = inner.args[0]
    return np.log(scores) if inner.op is softmax_last else log_softmax(scores)


def _class_label(label: str, classes: int, name: str) -> Variable:
    if label == ANY:
        return symbol(name, (classes,))
    chosen = np.zeros(classes)
    chosen[_whole(label, classes)] = 1.0
    return constant(chosen)


def _binary_label(label: str, name: str) -> Variable:
    return symbol(name) if label == ANY else constant(_whole(label, 2))


def _whole(label: str, classes: int) -> int:
    try:
        number = int(label)
    except ValueError:
        number = -1
    if not 0 <= number < classes:
        raise InvalidInputError(
            f"label {label!r}: write {ANY!r} or the number of a class, 0 to "
            f"{classes - 1}"
        )
    return number


def _squared_error(scores: Variable, label: str, name: str) -> RecordLoss:
    try:
        ends = [float(end) for end in label.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2) or not np.isfinite(ends).all():
        raise InvalidInputError(
            f"label {label!r}: of a squared error write what the output should be, a "
            "number or LOWER:UPPER"
        )
    if len(ends) == 1:
        return RecordLoss(np.sum(np.square(scores - ends[0])), None, None)
    target = symbol(name, scores.shape)
    value = np.sum(np.square(scores - target))
    return RecordLoss(value, target, Box({target: (ends[0], ends[1])}))
