"""The standard gradient-norm problems, in the notebooks' spelling and a stable one."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

import deuterium as dt


def sigmoid(x, s=1, T=1, o=0):
    return s / (1 + np.exp(-T * x)) - o


def tanh(x):
    return sigmoid(x, 2, 2, 1)


def bce(p, y):
    return -np.mean(np.multiply(y, np.log(p)) + np.multiply(1 - y, np.log(1 - p)))


def softmax_ce(logits):
    e = np.exp(logits)
    return -np.log((e / e.sum(axis=-1, keepdims=True))[0, 0])


def softmax_ce_shifted(logits):
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    label = np.eye(logits.shape[1])[:1]
    return -np.sum(label * np.log(p))


NOTEBOOK = {"sigmoid": sigmoid, "tanh": tanh, "relu": dt.relu}
STABLE = {"sigmoid": expit, "tanh": np.tanh, "relu": dt.relu}


def logits(problem, activation):
    """Return the input, the logits and the parameters of a problem."""
    x = dt.symbol("x", shape=(1, problem.inputs))
    h, parameters = x, []
    for i, (W, b) in enumerate(problem.layers):
        last = i == len(problem.layers) - 1
        weights = dt.constant(W)
        bias = None if b is None else dt.constant(b)
        parameters += [weights] if bias is None else [weights, bias]
        if problem.early:
            h = h @ weights if last else activation(h @ weights) + bias
        else:
            h = h @ weights + bias
            h = h if last else activation(h)
    return x, h, parameters


def notebook_norm(problem, y=1, multiclass=softmax_ce):
    """Return the input and the gradient norm, everything spelled with exp and log."""
    x, h, parameters = logits(problem, NOTEBOOK[problem.activation])
    loss = bce(sigmoid(h), y) if h.shape[1] == 1 else multiclass(h)
    return x, dt.norm(dt.grad(loss, parameters))


def stable_norm(problem, y=1):
    """Return the same, with the loss written in logits by hand."""
    x, h, parameters = logits(problem, STABLE[problem.activation])
    if h.shape[1] == 1:
        loss = -np.mean(y * log_expit(h) + (1 - y) * log_expit(-h))
    else:
        loss = -dt.log_softmax(h)[0, 0]
    return x, dt.norm(dt.grad(loss, parameters))
