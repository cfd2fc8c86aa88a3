"""ATen's losses.  A label as a class index may be an input (see `IndexInput`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from deuterium.errors import UnsupportedError
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.index_input import IndexInput, unit_vectors
from deuterium.functions.log_sum_exp import log_softmax, logsumexp
from deuterium.graph.constructors import constant
from deuterium.graph.variable import Variable

NONE, MEAN = 0, 1  # PyTorch's numbers for the reductions; 2 is the sum


def _reduced(losses: Any, reduction: int, count: Any = None) -> Any:
    """Return the losses, their mean (over ``count`` if given), or their sum."""
    if reduction == NONE:
        return losses
    total = np.sum(losses)
    if reduction == MEAN:
        n = losses.size if count is None else count
        return total if isinstance(n, int) and n == 1 else total / n
    return total


# -- regression ------------------------------------------------------------------------


@aten("mse_loss")
def mse_loss(x: Any, target: Any, reduction: int = MEAN) -> Any:
    """Return squared differences."""
    return _reduced((x - target) ** 2, reduction)


@aten("l1_loss")
def l1_loss(x: Any, target: Any, reduction: int = MEAN) -> Any:
    """Return sizes of differences."""
    return _reduced(np.abs(x - target), reduction)


def _huber(x: Any, target: Any, delta: float) -> Any:
    """Return half the square within ``delta``, and beyond it the tangent.

    With c the difference limited to delta it is c * (d - c / 2): one formula, whose
    slope is c.
    """
    d = x - target
    limited = np.clip(d, -delta, delta)
    return limited * (d - limited / 2)


@aten("huber_loss")
def huber_loss(x: Any, target: Any, reduction: int = MEAN, delta: float = 1.0) -> Any:
    """Return Huber's loss."""
    return _reduced(_huber(x, target, delta), reduction)


@aten("smooth_l1_loss")
def smooth_l1_loss(
    x: Any, target: Any, reduction: int = MEAN, beta: float = 1.0
) -> Any:
    """Return Huber's loss over ``beta``; for 0, sizes of differences."""
    if beta == 0:
        return l1_loss(x, target, reduction)
    return _reduced(_huber(x, target, beta) / beta, reduction)


@aten("poisson_nll_loss")
def poisson_nll_loss(
    x: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int
) -> Any:
    """Return minus the logarithm of the Poisson probability, but for a constant."""
    rates = np.exp(x) if log_input else x
    y = rates - target * (x if log_input else np.log(x + eps))
    if full:
        two_pi = constant(2 * math.pi)
        stirling = sc.xlogy(target, target) - target + np.log(two_pi * target) / 2
        y = y + np.where(np.greater(target, 1), stirling, 0.0)
    return _reduced(y, reduction)


# -- two classes -----------------------------------------------------------------------


@aten("binary_cross_entropy")
def binary_cross_entropy(
    x: Any, target: Any, weight: Any = None, reduction: int = MEAN
) -> Any:
    """Return the cross-entropy of probabilities.

    PyTorch keeps the logarithms above -100; here they are the logarithms themselves.
    """
    losses = -(sc.xlogy(target, x) + sc.xlog1py(1 - target, -x))
    return _reduced(losses if weight is None else weight * losses, reduction)


@aten("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    x: Any,
    target: Any,
    weight: Any = None,
    pos_weight: Any = None,
    reduction: int = MEAN,
) -> Any:
    """Return the cross-entropy of the logistic function of scores."""
    hits = target if pos_weight is None else pos_weight * target
    losses = -(hits * sc.log_expit(x) + (1 - target) * sc.log_expit(-x))
    return _reduced(losses if weight is None else weight * losses, reduction)


@aten("soft_margin_loss")
def soft_margin_loss(x: Any, target: Any, reduction: int = MEAN) -> Any:
    """Return the logistic loss of labels that are 1 or -1."""
    return _reduced(-sc.log_expit(target * x), reduction)


# -- several classes -------------------------------------------------------------------


def _is_index(target: Any, x: Any) -> bool:
    return isinstance(target, IndexInput) or target.shape != x.shape


def _of_labels(target: Any, x: Any, ignored: int) -> Any:
    """Return unit vectors along the axis of classes; zeros for labels to ignore."""
    axis = 1 if x.ndim > 1 else 0
    if isinstance(target, (IndexInput, Variable)):
        if 0 <= ignored < x.shape[axis]:
            raise UnsupportedError(
                f"`ignore_index`={ignored} with labels that are an input: a mean over "
                "none is undefined; leave that label out of the domain instead"
            )
    else:
        target = np.where(target == ignored, -1, target)
    return np.moveaxis(unit_vectors(target, x.shape[axis]), -1, axis)


def _weighted(weight: Any, x: Any) -> Any:
    """Return weights of classes as they broadcast over the classes of ``x``."""
    return np.reshape(weight, (weight.size, *(1,) * max(x.ndim - 2, 0)))


def _count(labels: Any, weight: Any) -> Any:
    """Return what a mean over labels divides by."""
    if weight is not None:
        return np.sum(labels * weight)
    if isinstance(labels, Variable):  # one label each, by the domain
        axis = 1 if labels.ndim > 1 else 0
        return labels.size // labels.shape[axis]
    return int(np.sum(labels))


@aten("nll_loss", "nll_loss_nd", "nll_loss2d", takes_index=True)
def nll_loss(
    x: Any,
    target: Any,
    weight: Any = None,
    reduction: int = MEAN,
    ignore_index: int = -100,
) -> Any:
    """Return minus the elements at labels, with the weights of the labels."""
    labels = _of_labels(target, x, ignore_index)
    weights = None if weight is None else _weighted(weight, x)
    shares = labels if weights is None else labels * weights
    losses = -np.sum(shares * x, axis=1 if x.ndim > 1 else 0)
    return _reduced(losses, reduction, _count(labels, weights))


@aten("cross_entropy_loss", takes_index=True)
def cross_entropy_loss(
    x: Any,
    target: Any,
    weight: Any = None,
    reduction: int = MEAN,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Any:
    """Return the cross-entropy of the softmax of scores.

    Labels are class indices, or probabilities of the shape of the scores.
    """
    axis = 1 if x.ndim > 1 else 0
    weights = None if weight is None else _weighted(weight, x)
    if not _is_index(target, x):
        shares = _smoothed(target, label_smoothing, x.shape[axis])
        count = x.size // x.shape[axis]
        losses = _entropies(x, shares if weights is None else shares * weights, axis)
        return _reduced(losses, reduction, count)
    labels = _of_labels(target, x, ignore_index)
    count = _count(labels, weights)
    certain = isinstance(labels, Variable) or bool(np.all(np.sum(labels, axis) == 1))
    if weights is None and certain:
        shares = _smoothed(labels, label_smoothing, x.shape[axis])
        # the shares add up to one, so the logarithm of the sum stands for itself
        losses = logsumexp(x, axis) - np.sum(shares * x, axis=axis)
        return _reduced(losses, reduction, count)
    there = labels if certain else np.sum(labels, axis=axis, keepdims=True)
    even = label_smoothing / x.shape[axis]
    shares = (1 - label_smoothing) * labels + (0 if certain else even * there)
    if certain and label_smoothing:
        shares = shares + even
    losses = _entropies(x, shares if weights is None else shares * weights, axis)
    return _reduced(losses, reduction, count)


def _smoothed(shares: Any, smoothing: float, classes: int) -> Any:
    if not smoothing:
        return shares
    return (1 - smoothing) * shares + smoothing / classes


def _entropies(x: Any, shares: Any, axis: int) -> Any:
    return -np.sum(shares * log_softmax(x, axis), axis=axis)


@aten("kl_div")
def kl_div(x: Any, target: Any, reduction: int = MEAN, log_target: bool = False) -> Any:
    """Return the Kullback-Leibler divergence of log-probabilities from a target."""
    if log_target:
        losses = np.exp(target) * (target - x)
    else:
        losses = sc.xlogy(target, target) - target * x
    return _reduced(losses, reduction)
