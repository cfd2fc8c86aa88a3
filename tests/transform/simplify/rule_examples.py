"""One example (at least) of every rule: where it applies, where not, what it gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, logit, xlog1py, xlogy

import deuterium as dt
from deuterium.graph.constructors import broadcast_to
from deuterium.graph.operator import OPERATORS
from deuterium.graph.variable import node
from deuterium.ops import arrays, logic
from deuterium.ops.lengths import direction_of, norm_of
from deuterium.ops.order import reordered
from deuterium.ops.piecewise import jump_slope

x, y, z, t = (dt.symbol(n) for n in "xyzt")
v3, w3 = dt.symbol("v", (3,)), dt.symbol("w", (3,))
row, col = dt.symbol("r", (1, 3)), dt.symbol("c", (4, 1))
table = dt.symbol("m", (2, 3))
cosine = OPERATORS["direction_cosine"]
rise = np.exp(x * t) - np.exp(y * t)


def put(v, places, size):
    return arrays.put_places(v, np.array(places), (size,))


COSTS = "costs less"
TIGHTER = "is enclosed more tightly"
FINITE = "is enclosed at all"
SAME_COST = "takes a form that other rules know"

long = dt.symbol("l", (100,))
cosine_similarity = np.sum(v3 * w3) / (
    np.sqrt(np.sum(np.square(v3))) * np.sqrt(np.sum(np.square(w3)))
)
steps = np.array([0.0, 1.0, 2.0])

BOX = dt.Box(
    {
        x: (-0.5, 2), y: (-1, 1.5), z: (-2, 1), t: (0.25, 3), v3: (-1, 2), w3: (-2, 1),
        row: (-1, 1), col: (-1, 2), table: (-2, 2), long: (-1, 2),
    }
)  # fmt: skip


APART = dt.Box({x: (1, 2), y: (1, 2), z: (-2, -1)})

NEAR = dt.Box({x: (0.5, 0.52), y: (0.5, 0.52), z: (0.1, 0.11), t: (0.1, 0.11)})


@dataclass(frozen=True)
class Example:
    """``graph`` is rewritten over ``domain``; ``refused`` (over its own) is not.

    ``more`` says how many nodes the result may have more.
    """

    graph: Any
    gains: str = COSTS
    refused: Any = None
    domain: Any = BOX
    refused_domain: Any = BOX
    more: int = 4


def reshaped(u: Any, *shape: int) -> Any:
    return arrays.reshape_to(u, shape)


def rows_of(u: Any) -> Any:
    """The same exponentials, summed over the last axis and kept."""
    return np.exp(u) / np.exp(u).sum(axis=-1, keepdims=True)


def one_by_one(shape: tuple[int, ...]) -> Any:
    return node(
        dt.graph.OPERATORS["broadcast"], (broadcast_to(x, (1, 3)),),
        {"shape": shape, "ndim": 2}, shape,
    )  # fmt: skip


EXAMPLES: dict[str, list[Example]] = {
    # constants
    "fold": [
        Example(
            x + dt.constant(2) * dt.constant(3),
            refused=x * (dt.constant(0.1) * dt.constant(0.3)),
        ),
        Example(np.sqrt(dt.constant(4)) * x, refused=np.sqrt(dt.constant(2)) * x),
        Example(np.log(dt.constant(1)) + x, refused=np.log(dt.constant(2)) + x),
    ],
    "equal_elements": [
        Example(v3 * np.ones(3), refused=v3 * np.array([1.0, 1.0, 2.0])),
    ],
    # movement
    "merge_movements": [
        Example(one_by_one((4, 3)), refused=broadcast_to(x, (4, 3))),
        Example(np.transpose(np.transpose(table)), refused=np.transpose(table)),
        Example(reshaped(reshaped(table, 6), 3, 2), refused=reshaped(table, 6)),
        Example(np.transpose(row), SAME_COST, refused=np.transpose(table)),
    ],
    "reshape_of_broadcast": [
        Example(
            reshaped(broadcast_to(x, (2, 3)), 6),
            refused=reshaped(broadcast_to(v3, (2, 3)), 6),
        ),
        Example(reshaped(broadcast_to(v3, (2, 3)), 1, 2, 3)),
    ],
    "broadcast_outward": [
        Example(np.exp(broadcast_to(v3, (4, 3))), refused=np.exp(v3)),
        Example(broadcast_to(x, (4, 3)) + broadcast_to(v3, (4, 3)), refused=row + col),
    ],
    "move_outward": [
        Example(np.sum(np.exp(reshaped(table, 6))), refused=np.exp(table)),
        Example(
            np.exp(reshaped(table, 6)) + reshaped(table, 6),
            SAME_COST,
            refused=reshaped(table, 6) + np.transpose(reshaped(table, 6))[::-1],
        ),
        Example(np.exp(np.transpose(table)) + 1, SAME_COST),
        Example(np.exp(reshaped(x, 1, 1)) + 1, SAME_COST),
    ],
    "merge_gather": [
        Example(v3[::-1][:2], refused=v3[:2]),
        Example(broadcast_to(v3, (2, 3))[1, 1]),
        Example(np.transpose(table)[0]),
        Example(reshaped(table, 6)[2:4]),
    ],
    "move_index": [
        Example(reshaped(table[:, :2], 4), refused=reshaped(table, 6)),
        Example(np.transpose(table[:, :2])),
    ],
    "gather_inward": [
        Example((long * np.sin(long))[0], refused=np.exp(v3)[0]),
        Example((table + 1)[0, 1]),
    ],
    "scatter_outward": [
        Example(
            arrays.put_places(x, np.array(1), (100,)) * np.exp(long),
            refused=arrays.put_places(x, np.array(1), (3,)) * np.log(v3),
        ),
        Example(
            arrays.put_places(x, np.array(1), (100,)) / (1 + np.square(long)),
            refused=arrays.put_places(x, np.array(1), (3,)) / v3,
        ),
    ],
    "squares_of_scattered": [
        Example(
            np.sum(np.square(put(x, 0, 3) - put(y, 2, 3) + put(z, 0, 3))),
            refused=np.sum(np.square(put(x, 0, 3) + np.exp(v3))),
        ),
        Example(
            np.sum(np.square(put(x, 1, 6) - put(-y, 5, 6) + put(z, 1, 6))),
            refused=np.sum(np.square(put(v3, [0, 1, 4], 6) + put(x, 5, 6))),
        ),
    ],
    "whole_scatter": [
        Example(
            arrays.put_places(v3, np.array([2, 0, 1]), (3,)),
            SAME_COST,
            refused=arrays.put_places(v3, np.array([2, 0, 0]), (3,)),
        ),
        Example(arrays.put_places(x, np.array(0), (1,)), SAME_COST),
    ],
    "scalar_past_movement": [
        Example(
            reshaped(np.exp(x) * np.arange(6.0).reshape(2, 3), 3, 2),
            SAME_COST,
            refused=reshaped(np.exp(x) * table, 3, 2),
        ),
        Example(np.transpose(np.square(x * np.arange(6.0).reshape(2, 3))), SAME_COST),
    ],
    "sign_out_of_scatter": [
        Example(np.square(arrays.put_places(-x, np.array(1), (3,)))),
    ],
    # removable singularities
    "quotient_of_exponentials": [
        Example(np.expm1(x) / x, FINITE, refused=np.expm1(x) / y),
        Example((1 - np.exp(-x)) / x, FINITE, refused=(2 - np.exp(-x)) / x),
        Example(x / (1 - np.exp(-x)), FINITE, refused=x / (1 - np.exp(-y))),
        Example(
            t / (t - x) * (np.exp(-x * z) - np.exp(-t * z)),
            FINITE,
            refused=(np.exp(-x * z) - np.exp(-t * z)) / (x - y),
        ),
        Example(
            (np.exp(x) - np.exp(y)) / (3 * (y - x)),
            FINITE,
            refused=(np.exp(x) + np.exp(y)) / (y - x),
        ),
        Example(np.sinh(2 * x) / x, FINITE, refused=np.cosh(2 * x) / x),
        Example(np.expm1(v3) / v3, FINITE, refused=np.expm1(v3) / w3),
    ],
    "quotient_of_logarithms": [
        Example(np.log1p(x) / x, FINITE, refused=np.log1p(x) / y),
        Example(np.log(t) / (t - 1), FINITE, refused=np.log(t) / (t - 2)),
        Example(
            (np.log(t) - np.log(1 + x)) / (x + 1 - t),
            FINITE,
            refused=(np.log(t) - np.log(1 + x)) / (x - t),
        ),
        Example(
            (t - x - 1) / np.log(t / (x + 1)), FINITE, refused=(x - y) / np.log(x / y)
        ),
    ],
    "quotient_of_logistic": [
        Example(np.tanh(x) / x, FINITE, refused=np.tanh(x) / y, more=9),
        Example(
            np.tanh(x / 2) / (4 * x), FINITE, refused=np.tanh(x / 2) / (x + 4), more=9
        ),
        Example((expit(x) - 0.5) / x, FINITE, refused=(expit(x) - 0.25) / x, more=9),
    ],
    "quotient_of_sines": [
        Example(np.sin(x) / x, FINITE, refused=np.sin(x) / y),
        Example(np.sin(3 * x * y) / (2 * x), FINITE, refused=np.sin(3 + x) / x),
        Example(np.sin(x) ** 2 / x, FINITE),
        Example((1 - np.cos(x)) / x**2, FINITE, refused=(1 + np.cos(x)) / x**2),
        Example(y / np.sin(y), FINITE, refused=y / np.sin(x)),
    ],
    "guarded_quotient": [
        Example(
            np.where(
                x == y, t * np.exp(x * t), (np.exp(x * t) - np.exp(y * t)) / (x - y)
            ),
            FINITE,
            refused=np.where(
                x == y, np.exp(x * t), (np.exp(x * t) - np.exp(y * t)) / (x - y)
            ),
        ),
        Example(
            np.where(x != 0, np.sin(x) / x, 1.0),
            FINITE,
            refused=np.where(x != 0, np.sin(x) / x, 2.0),
        ),
        Example(
            np.where(t == y, 1 / t, np.log(t / y) / (t - y)),
            FINITE,
            domain=dt.Box({t: (0.5, 2), y: (1, 2)}),
            refused=np.where(x == 0, 1.0, np.cos(x) / x),
        ),
    ],
    "quotient_of_powers": [
        Example(
            (t**y - 1) / y,
            FINITE,
            refused=(t**y - 2) / y,
            domain=dt.Box({t: (0.5, 2), y: (-1, 1)}),
        ),
        Example(
            (1 - (t / (1 + y)) ** z) / (t - 1 - y),
            FINITE,
            refused=(1 - (t / (1 + y)) ** z) / (t - 2 - y),
            domain=dt.Box({t: (1, 2), y: (0, 1), z: (1, 5)}),
            refused_domain=dt.Box({t: (1, 3), y: (0, 1), z: (1, 5)}),
            more=6,
        ),
        Example(
            (1 - (1 + t) ** -y) / t,
            FINITE,
            refused=(1 - (2 + t) ** -y) / t,
            domain=dt.Box({t: (0, 1), y: (1, 9)}),
        ),
        Example(
            ((1 + x) ** 7 - 1) / x,
            FINITE,
            refused=((1 + x) ** 7 - 1) / x,
            refused_domain=dt.Box({x: (-2, 2)}),
        ),
        Example(5 * t / (1 - (1 + t) ** -12), FINITE, domain=dt.Box({t: (0, 0.5)})),
    ],
    # entropies
    "entropy": [
        Example(t * np.log(t), TIGHTER, refused=t * np.log(t + 1)),
        Example(-t * np.log2(t) * x, TIGHTER, refused=t * np.log2(x)),
        Example((1 + x) * np.log1p(x), TIGHTER, refused=(2 + x) * np.log1p(x)),
        Example(t**3 * np.log(t) ** 2, TIGHTER, refused=np.log(t) ** 2 / t),
    ],
    "power_times_log": [
        Example(t**y * np.log(t), TIGHTER, refused=(t + 1) ** y * np.log(t)),
    ],
    "relative_entropy": [
        Example(
            np.abs(x) * np.log(np.abs(x) / t), FINITE, refused=x * np.log(x / (t - 1))
        ),
        Example(np.abs(x) * np.log(t / np.abs(x)), FINITE, refused=x * np.log(y / x)),
    ],
    "relative_entropy_of_two": [
        Example(
            xlogy(t / (y + 3), 3 * t / (y + 3)),
            FINITE,
            refused=xlogy(t / (y + 3), 3 * t / (y + 2)),
            domain=dt.Box({t: (0, 2), y: (-1, 2)}),
            refused_domain=dt.Box({t: (0, 2), y: (-3, 2)}),
        ),
        Example(
            xlogy(t, t / y),
            FINITE,
            refused=xlogy(t, x / y),
            domain=dt.Box({t: (0, 2), y: (1, 2)}),
        ),
        Example(
            xlogy(t, 3 * y / t),
            FINITE,
            refused=xlogy(t, t / y),
            domain=dt.Box({t: (0, 2), y: (1, 2)}),
        ),
    ],
    "entropy_of_two": [
        Example(xlogy(t, t), TIGHTER, refused=xlogy(t, t + 1)),
        Example(xlog1py(1 + x, x), TIGHTER, refused=xlog1py(1 + x, y)),
    ],
    "log_of_cosh": [
        Example(
            np.log(np.cosh(x)),
            FINITE,
            domain=dt.Box({x: (-2e3, 2e3)}),
            refused=np.log(np.sinh(t)),
        ),
    ],
    "log_of_two_exponentials": [
        Example(
            np.log(np.exp(x) + np.exp(-x)),
            FINITE,
            domain=dt.Box({x: (-2e3, 2e3)}),
            refused=np.log(np.exp(x) - np.exp(-t)),
        ),
    ],
    "hyperbolic_quotient": [
        Example(
            np.sinh(x) / np.cosh(x),
            FINITE,
            domain=dt.Box({x: (-2e3, 2e3)}),
            refused=np.sinh(x) / np.cosh(y),
        ),
    ],
    # lengths and variances
    "norm_as_root": [Example(norm_of(v3), SAME_COST, refused=np.max(v3))],
    "direction_as_quotient": [
        Example(
            direction_of(v3),
            SAME_COST,
            domain=dt.Box({v3: (1, 2)}),
            refused=direction_of(v3),
        ),
    ],
    "length_times_direction": [
        Example(
            np.linalg.norm(v3) * direction_of(v3),
            refused=np.linalg.norm(v3) * direction_of(w3),
        ),
        Example(
            np.linalg.norm(table, axis=-1, keepdims=True) * direction_of(table),
            refused=np.linalg.norm(table) * direction_of(table),
        ),
    ],
    "clipped_length": [
        Example(
            dt.norm(v3) / np.maximum(2, dt.norm(v3)),
            TIGHTER,
            refused=dt.norm(v3) / np.maximum(2, dt.norm(w3)),
        ),
        Example(
            dt.norm(v3 / np.maximum(dt.norm(v3), 1)),
            TIGHTER,
            refused=dt.norm(v3 / np.maximum(dt.norm(v3), -1)),
        ),
    ],
    "length_of_direction": [
        Example(
            np.sum(np.square(direction_of(v3))),
            TIGHTER,
            refused=np.sum(np.square(direction_of(table)), axis=0),
        ),
        Example(np.sum(np.square(direction_of(table))), TIGHTER),
        Example(np.sum(np.square(direction_of(table)), axis=-1), TIGHTER),
    ],
    "orthogonal_sum": [
        Example(
            np.sum((x * direction_of(v3 - np.mean(v3)) + 2 * y) ** 2),
            TIGHTER,
            refused=np.sum((x * direction_of(v3) + 2 * y) ** 2),
            more=8,
        ),
    ],
    "direction_of_centred": [
        Example(
            np.sum(direction_of(v3 - np.mean(v3))),
            TIGHTER,
            refused=np.sum(direction_of(v3 - np.mean(w3))),
        ),
        Example(
            np.sum(
                direction_of(table - np.mean(table, axis=-1, keepdims=True)), axis=-1
            ),
            TIGHTER,
            refused=np.sum(direction_of(v3 - np.sum(v3))),
        ),
    ],
    "squares_of_cosines": [
        Example(
            np.square(cosine(x, y)) + np.square(cosine(y, x)),
            TIGHTER,
            refused=np.square(cosine(x, y)) + np.square(cosine(x, z)),
        ),
        Example(3 * np.square(cosine(x, y)) + np.square(2 * cosine(y, x)) + z, TIGHTER),
    ],
    "squares_of_elements": [
        Example(
            sum((i + 1) * direction_of(v3)[i] ** 2 for i in range(3)),
            SAME_COST,
            refused=direction_of(v3)[0] ** 2 + direction_of(v3)[1] ** 2,
        ),
        Example(sum(direction_of(v3)[i] ** 2 for i in range(3)), TIGHTER),
    ],
    "angle_by_cosine": [
        Example(
            np.arccos(np.sin(x) * np.sin(y) + np.cos(x) * np.cos(y) * np.cos(z - t)),
            FINITE,
            refused=np.arccos(
                np.sin(x) * np.sin(y) + np.cos(x) * np.cos(z) * np.cos(t)
            ),
            domain=NEAR,
            more=10,  # the legs of both angles
        ),
        Example(
            np.arccos(
                np.clip(
                    np.sin(x) * np.sin(y) + np.cos(z) * np.cos(x) * np.cos(y), -1, 1
                )
            ),
            TIGHTER,
            refused=np.arccos(np.clip(np.sin(x) * np.sin(y) + np.cos(z), -1, 1)),
            domain=NEAR,
            more=10,  # the legs of both angles
        ),
    ],
    "chord": [
        Example(
            np.sqrt(
                2 - 2 * (np.sin(x) * np.sin(y) + np.cos(x) * np.cos(y) * np.cos(z))
            ),
            FINITE,
            refused=np.sqrt(
                2 - 3 * (np.sin(x) * np.sin(y) + np.cos(x) * np.cos(y) * np.cos(z))
            ),
            domain=dt.Box({x: (0.5, 0.52), y: (0.5, 0.52), z: (-0.01, 0.01)}),
            more=10,
        ),
    ],
    "haversine": [
        Example(
            np.sqrt(
                np.sin((x - y) / 2) ** 2 + np.cos(x) * np.cos(y) * np.sin(z / 2) ** 2
            ),
            FINITE,
            refused=np.sqrt(
                np.sin((x - y) / 3) ** 2 + np.cos(x) * np.cos(y) * np.sin(z / 2) ** 2
            ),
        ),
        Example(
            np.sqrt(
                1
                - np.sin(np.radians(x - t) / 2) ** 2
                - np.cos(np.radians(t)) * np.cos(np.radians(x)) * np.sin(z) ** 2
            ),
            FINITE,
        ),
    ],
    "angle_of_legs": [
        Example(
            np.cos(x)
            + np.arcsin(np.hypot(np.cos(t) * np.sin(x), np.cos(y) * np.sin(t))),
            FINITE,
            refused=np.arcsin(np.hypot(np.cos(t) * np.sin(x), np.cos(y) * np.cos(t))),
        ),
    ],
    "variance": [
        Example(
            np.mean(v3**2) - np.mean(v3) ** 2,
            SAME_COST,
            refused=np.mean(v3**2) - np.mean(w3) ** 2,
        ),
        Example(
            np.mean(table**2, axis=0) - np.mean(table, axis=0) ** 2,
            SAME_COST,
            refused=np.mean(table**2, axis=0) - np.mean(table, axis=1)[0] ** 2,
        ),
        Example(np.mean(long * long) - np.mean(long) ** 2, SAME_COST),
    ],
    # exponentials
    "undo": [
        Example(
            np.log(np.exp(x)),
            FINITE,
            domain=dt.Box({x: (-2e3, 2)}),
            refused=np.exp(np.log(x)),
        ),
        Example(logit(expit(x)), FINITE, domain=dt.Box({x: (-100, 100)})),
        Example(np.arctanh(np.tanh(x)), FINITE, domain=dt.Box({x: (-100, 100)})),
    ],
    "undo_where_defined": [
        Example(np.exp(np.log(t)), TIGHTER, refused=np.exp(np.log(x))),
        Example(expit(logit(t / 4)), TIGHTER, refused=expit(logit(t))),
    ],
    "equal_exponentials": [
        Example(
            t * np.exp(-((np.log(t / 3) + y / 2) ** 2) / (2 * y))
            - 3 * np.exp(-((np.log(t / 3) - y / 2) ** 2) / (2 * y)),
            domain=dt.Box({t: (1, 2), y: (1, 2)}),
            refused=t * np.exp(-((np.log(t / 3) + y / 2) ** 2) / (2 * y))
            - 3 * np.exp(-((np.log(t / 2) - y / 2) ** 2) / (2 * y)),
            refused_domain=dt.Box({t: (1, 2), y: (1, 2)}),
        ),
    ],
    "log_of_logistic": [
        Example(
            np.log(expit(x)),
            FINITE,
            domain=dt.Box({x: (-1e3, 2)}),
            refused=np.log(expit(x) - 1),
        ),
    ],
    "reciprocal_of_exp": [
        Example(1 / np.exp(x), COSTS, refused=1 / np.expm1(t)),
    ],
    "log_of_product": [
        Example(
            np.log(t * t * expit(z) * np.exp(y)),
            TIGHTER,
            refused=np.log(x * expit(z) * np.exp(y)),
        ),
        Example(
            np.log(3 * expit(x)),
            FINITE,
            domain=dt.Box({x: (-1e3, 2)}),
            refused=np.log(-3 * expit(x)),
        ),
    ],
    "split_xlogy": [
        Example(xlogy(x, np.exp(y)), refused=xlogy(x, y)),
        Example(xlogy(t, expit(y)), FINITE, domain=dt.Box({t: (0, 1), y: (-1e3, 2)})),
    ],
    "softplus": [
        Example(
            np.log(1 + np.exp(x)),
            FINITE,
            domain=dt.Box({x: (-2, 1e3)}),
            refused=np.log(2 + np.exp(x)),
        ),
        Example(
            np.log1p(np.exp(x)),
            FINITE,
            domain=dt.Box({x: (-2, 1e3)}),
            refused=np.log1p(np.square(x)),
        ),
    ],
    "softplus_of_two": [
        Example(np.logaddexp(0, x), SAME_COST, refused=np.logaddexp(1, x)),
        Example(np.logaddexp(x, 0), SAME_COST),
    ],
    # labels
    "factors_of_a_label": [
        Example(
            np.array([0.0, 2.0, 0.0]) * v3 / (1 + np.exp(w3)),
            SAME_COST,
            refused=np.array([0.0, 2.0, 1.0]) * v3 / (1 + np.exp(w3)),
        ),
        Example(
            np.array([0.0, 1.0, 0.0]) / (dt.softmax(v3) + 1e-12),
            SAME_COST,
            refused=np.array([0.0, 1.0, 0.0]) / v3,
        ),
        Example(
            np.array([0.0, 0.0, 1.0]) * row / dt.softmax(v3),
            SAME_COST,
            refused=np.array([0.0, 0.0, 1.0]) * np.log(v3) / dt.softmax(w3),
        ),
    ],
    "slope_at_a_label": [
        Example(
            v3 * (np.array([0.0, 1.0, 0.0]) - v3[1]),
            SAME_COST,
            refused=v3 * (np.array([0.0, 1.0, 0.0]) - v3[2]),
        ),
        Example(
            dt.softmax(v3)
            * (2 * v3[0] * dt.softmax(v3)[1] - np.array([0.0, 3.0, 0.0])),
            SAME_COST,
            refused=w3 * (np.array([0.0, 1.0, 1.0]) - w3[1]),
        ),
    ],
    "guarded_probability": [
        Example(
            x * y * dt.softmax(v3)[1] / (dt.softmax(v3)[1] + 1e-3),
            TIGHTER,
            refused=x * y * v3[1] / (v3[1] + 3),
        ),
    ],
    # softmax
    "softmax_of_shifted": [
        Example(dt.softmax(v3 - x), refused=dt.softmax(v3 - w3)),
        Example(
            dt.softmax(table - np.max(table, axis=-1, keepdims=True)),
            TIGHTER,
            refused=dt.softmax(v3 - np.log(x)),
        ),
    ],
    "log_sum_exp_of_shifted": [
        Example(dt.logsumexp(v3 - x) + x, TIGHTER, refused=dt.logsumexp(v3 - w3)),
    ],
    "log_of_sum_of_exp": [
        Example(
            np.log(np.sum(np.exp(v3))),
            FINITE,
            domain=dt.Box({v3: (-1e3, 1e3)}),
            refused=np.log(np.sum(np.cosh(v3))),
        ),
        Example(
            np.log(np.exp(table).sum(axis=-1, keepdims=True)),
            COSTS,
            refused=np.log(np.exp(table).sum(axis=0)),
        ),
    ],
    "log_of_softmax": [
        Example(
            np.log(rows_of(table)),
            FINITE,
            domain=dt.Box({table: (-500, 500)}),
            refused=np.log(table / np.sum(np.exp(table))),
        ),
        Example(-np.log(rows_of(row)[0, 1]), FINITE, domain=dt.Box({row: (-500, 500)})),
    ],
    "sum_of_softmax": [
        Example(
            np.sum(dt.softmax(v3)), TIGHTER, refused=np.sum(dt.softmax(np.log(v3)))
        ),
        Example(
            np.sum(x * dt.softmax(v3) - w3),
            TIGHTER,
            refused=np.sum(w3 * dt.softmax(v3)),
        ),
        Example(
            np.sum(dt.softmax(table), axis=-1),
            TIGHTER,
            refused=np.sum(dt.softmax(table), axis=0),
        ),
    ],
    "softmax_factors": [
        Example(rows_of(v3), TIGHTER, refused=np.exp(v3) / np.sum(np.exp(w3))),
        Example(
            np.exp(v3) / dt.softmax(v3),
            TIGHTER,
            # sums of rows that divide other axes
            refused=np.exp(table) / reshaped(np.exp(table).sum(axis=-1), 2, 1, 1),
        ),
        Example(
            np.exp(v3)[1] / dt.softmax(v3)[1],
            TIGHTER,
            refused=np.exp(v3)[1] / dt.softmax(w3)[1],
        ),
    ],
    # logistic
    "logistic_factors": [
        Example(1 / (1 + np.exp(-x)), COSTS, refused=1 / (2 + np.exp(-x))),
        Example(3 / (1 + np.exp(-2 * x)), COSTS),
        Example(np.exp(x) / (1 + np.exp(x)), TIGHTER, refused=np.exp(x) * expit(y)),
        Example(np.exp(-x) * expit(x) ** 2, TIGHTER),
        Example(np.exp(-x) / np.square(1 + np.exp(-x)), TIGHTER),
        Example(
            dt.grad(expit(x), x) / expit(x),
            TIGHTER,
            refused=dt.grad(expit(x), x) / expit(y),
        ),
        Example(dt.grad(expit(x), x) / expit(-x), TIGHTER),
        Example(
            w3 / reshaped(np.square(1 + np.exp(-row)), 3) * reshaped(np.exp(-row), 3),
            TIGHTER,
            refused=w3 / reshaped(2 + np.exp(-row), 3) * reshaped(np.exp(-row), 3),
        ),
        Example(expit(x) * expit(-x), TIGHTER, refused=expit(x) * expit(y)),
        Example(dt.grad(np.tanh(x), x) / expit(2 * x), TIGHTER),
    ],
    "complement": [
        Example(
            1 - expit(x), TIGHTER, domain=dt.Box({x: (30, 50)}), refused=2 - expit(x)
        ),
        Example(3 - 3 * expit(x - y), COSTS),
        Example(
            1 - np.square(np.tanh(x)),
            TIGHTER,
            domain=dt.Box({x: (30, 50)}),
            refused=1 - np.square(np.sin(x)),
        ),
    ],
    "exp_of_log_expit": [
        Example(np.exp(log_expit(x)), TIGHTER, refused=np.exp(log_expit(x) + y)),
        Example(
            np.exp(x - np.logaddexp(0, x)),
            TIGHTER,
            refused=np.exp(y - np.logaddexp(0, x)),
        ),
    ],
    "log_of_exp_times": [
        Example(
            np.log(np.exp(x) / np.sum(np.exp(v3))),
            TIGHTER,
            refused=np.log(np.exp(x) * y),
        ),
        Example(np.log(t * np.exp(-x)), TIGHTER),
    ],
    "sum_with_a_label": [
        Example(
            np.sum(np.array([0.0, 2.0, 0.0]) * np.exp(v3)),
            refused=np.sum(np.array([0.0, 2.0, 0.0]) / v3),
        ),
        Example(np.sum(v3 * np.array([1.0, 0.0, 0.0])), COSTS),
    ],
    "quotient_of_a_label": [
        Example(
            dt.softmax(v3) * (1 - np.array([0.0, 3.0, 0.0]) / dt.softmax(v3)[1]),
            TIGHTER,
            refused=dt.softmax(v3) * (1 - np.array([0, 3.0, 0]) / dt.softmax(v3)[0]),
        ),
    ],
    "tanh_by_logistic": [
        Example(2 * expit(2 * x) - 1, refused=2 * expit(2 * x) - 0.5),
        Example(0.5 * (1 + np.tanh(x / 2)), refused=0.5 * (2 + np.tanh(x / 2))),
        Example(2 / (1 + np.exp(-2 * x)) - 1, COSTS),
    ],
    "tanh_by_exponentials": [
        Example(
            (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
            TIGHTER,
            refused=(np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-y)),
        ),
        Example(
            (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1),
            TIGHTER,
            refused=(np.exp(2 * x) - 1) / (np.exp(2 * x) + 2),
        ),
        Example(
            np.expm1(x) / (np.expm1(x) + 2),
            TIGHTER,
            refused=(0.3 * np.expm1(x) + 0.1) / (np.expm1(x) + 2),
        ),
        Example((3 * np.exp(x) + np.exp(y)) / (2 * np.exp(x) + 2 * np.exp(y)), TIGHTER),
        Example((5 - np.exp(x)) / (1 + np.exp(x)), TIGHTER),
    ],
    "slope_of_tanh": [
        Example(
            4 * dt.grad(expit(z), z).subs({z: 2 * x}),
            refused=4 * dt.grad(expit(z), z).subs({z: 3 * x}),
        ),
    ],
    "logistic_pair": [
        Example(
            y * expit(-x) - (1 - y) * expit(x),
            TIGHTER,
            refused=y * expit(-x) - (1 - t) * expit(x),
        ),
        Example(
            expit(x) + expit(-x), TIGHTER, refused=expit(np.log(x)) + expit(-np.log(x))
        ),
    ],
    "even_function": [Example(np.cosh(-x), refused=np.exp(-x))],
    "odd_function": [
        Example(np.tanh(-x) * np.tanh(-y), refused=np.exp(-x) * np.exp(-y))
    ],
    # sums
    "add_zero": [
        Example(np.exp(x) + 0, refused=np.exp(x) + 1),
        Example(x + (-y)),
        Example(x - (-y)),
        Example((-x) + y),
        Example(0 - x, SAME_COST),
    ],
    "merge_terms": [
        Example(x + 2 * x - 3 + 1, COSTS, refused=x + 2 * y - 3),
        Example((x + y) - x, TIGHTER, refused=(np.log(x) + y) - np.log(x)),
    ],
    "common_factor": [
        Example(x * y + x * z, TIGHTER, domain=APART, refused=x * y + z * t),
        Example(
            y / t + z / t,
            TIGHTER,
            domain=dt.Box({t: (1, 2), y: (1, 2), z: (-2, -1)}),
            refused=y / t - z * t,
        ),
        Example(t + x * y + x * z, TIGHTER, domain=APART & dt.Box({t: (0, 1)})),
        Example(np.square(x) * y + x, TIGHTER),
    ],
    # products
    "negate_twice": [
        Example(np.negative(-x), refused=-x),
        Example(-(x - y)),
    ],
    "multiply_by_one": [
        Example(np.exp(x) * 1, refused=np.exp(x) * 2),
        Example(np.exp(x) / 1),
        Example(np.exp(x) * -1, SAME_COST, refused=1 / np.sin(t)),
    ],
    "pull_out_sign": [
        Example((-x) * (-y), refused=x * y),
        Example(np.square((-x) * y)),
        Example(x / (-t) + y),
    ],
    "multiply_by_zero": [
        Example(0 * np.log(t), refused=0 * np.log(x)),
        Example(0 * np.log(expit(x)), FINITE, domain=dt.Box({x: (-1e3, 0)})),
        Example(v3 * np.zeros(3) / np.exp(v3), refused=np.zeros(3) / v3),
    ],
    "merge_factors": [
        Example(
            -3 * t * np.square(t) / (-y * t),
            TIGHTER,
            domain=dt.Box({t: (1, 2), y: (1, 2)}),
            refused=x * np.square(y),
        ),
        Example(t / t, TIGHTER, refused=x / x),
        Example(1 / (1 / t), refused=1 / (1 / x)),
        Example((t**3) ** 2 / t, TIGHTER, refused=x**6 / x),
        Example(broadcast_to(x, (4, 3)) * (row * col) * broadcast_to(y, (4, 3))),
    ],
    "distribute": [
        Example(
            (y / expit(x) - (1 - y) / expit(-x)) * dt.grad(expit(x), x),
            TIGHTER,
            refused=(y + z) * dt.grad(expit(x), x),
        ),
        Example((y / t + z) * t, TIGHTER, refused=(y / x + z) * x),
    ],
    "root_of_square": [
        Example(np.sqrt(np.square(x)), refused=np.sqrt(t)),
        Example(
            np.sqrt(np.square(x) * t), SAME_COST, refused=np.sqrt(np.square(x) * y)
        ),
    ],
    "square_of_root": [
        Example(np.square(np.sqrt(t)), TIGHTER, refused=np.square(np.sqrt(x))),
        Example(np.square(np.abs(x)), refused=np.abs(x) ** 3),
    ],
    "modulus": [
        Example(np.abs(t), refused=np.abs(x)),
        Example(np.abs(-x)),
        Example(np.abs(np.exp(x))),
    ],
    # reductions
    "sum_over_short_axes": [
        Example(np.sum(row, axis=0), refused=np.sum(table, axis=0)),
        Example(np.sum(row, axis=1), SAME_COST),
    ],
    "sum_of_moved": [
        Example(
            np.sum(np.transpose(table)), refused=np.sum(np.transpose(table), axis=0)
        ),
        Example(np.sum(arrays.put_places(v3, np.array([1, 1, 4]), (5,)))),
    ],
    "separable_sum": [
        Example(
            np.sum(np.square(row * dt.symbol("q", (40, 1)))),
            COSTS,
            domain=dt.Box({"q": (-1, 1), row: (-1, 2)}),
            refused=np.sum(np.square(row + col)),
        ),
        Example(np.sum(broadcast_to(x, (4, 3))), COSTS, refused=np.sum(table)),
        Example(
            np.sum(x * v3),
            TIGHTER,
            domain=dt.Box({x: (1, 2), v3: ([1, -3, 0], [2, -2, 1])}),
            refused=np.sum(v3 * w3),
        ),
        Example(np.sum(-v3), SAME_COST),
        Example(np.sum(row * col, axis=0), COSTS),
        Example(
            np.sum(row * table, axis=0),
            TIGHTER,
            domain=dt.Box({row: (1, 2), table: ([[1], [-2]], [[2], [-1]])}),
        ),
    ],
    "factor_out_of_matmul": [
        Example(
            (x * row) @ np.array([[1.0, -1], [-1, 1], [2, 0]]),
            TIGHTER,
            domain=dt.Box({x: (1, 2), row: (0.5, 1)}),
            refused=(v3 * row) @ np.arange(6.0).reshape(3, 2),
        ),
        Example((-row) @ np.arange(6.0).reshape(3, 2), SAME_COST),
        Example((col * row) @ np.transpose(row + 1)),
        Example(
            table
            @ (np.exp(row).T * np.square(row).T * dt.constant(np.array([[2.0, 3.0]]))),
            COSTS,
        ),
    ],
    "gram_form": [
        Example(
            np.sum(
                np.square(
                    np.sin(dt.symbol("a", (40, 2))) @ np.sin(dt.symbol("d", (2, 40)))
                )
            ),
            COSTS,
            refused=np.sum(np.square(dt.symbol("a", (4, 3)) @ dt.symbol("d", (3, 4)))),
            domain=dt.Box({"a": (-1, 1), "d": (-1, 2)}),
            refused_domain=dt.Box({"a": (-1, 1), "d": (-1, 2)}),
        ),
    ],
    "product_with_itself": [
        Example(
            np.reshape(v3, (1, 3)) @ np.reshape(v3, (3, 1)),
            TIGHTER,
            refused=np.reshape(v3, (1, 3)) @ np.reshape(w3, (3, 1)),
        ),
    ],
    "root_of_hidden_squares": [
        Example(
            np.sqrt(np.square(x + y) - 4 * x * y),
            FINITE,
            refused=np.sqrt(np.square(x + y) - 5 * x * y),
        ),
        Example(
            np.sqrt((x + y) / 2 - np.sqrt(x * y)),
            FINITE,
            domain=dt.Box({"x": (0.5, 2), "y": (0, 1)}),
        ),
    ],
    "angle_of_cosine": [
        Example(
            np.arccos(cosine_similarity),
            FINITE,
            refused=np.arccos(1.5 * cosine_similarity),
            domain=dt.Box({"v": (0.5, 1), "w": (0.5, 1)}),
            refused_domain=dt.Box({"v": (0.5, 1), "w": (0.5, 1)}),
        ),
    ],
    # choices
    "decided_choice": [
        Example(np.where(x > 0, y * z, y * z), refused=np.where(x > 0, y, z)),
        Example(np.where(~(x > 0), y, z)),
        Example(np.where(x > 0, np.where(x > 0, y, z), t)),
        Example(np.where(x > 0, y, np.where(x > 0, t, z))),
        Example(logic.where(dt.constant(1), y, np.log(z))),
    ],
    "choices_together": [
        Example(
            np.where(x > 0, y, z) - np.where(x > 0, y, t),
            refused=np.where(x > 0, y, z) - np.where(y > 0, y, t),
        ),
        Example(t + np.where(x > 0, y, z) + np.where(x > 0, z, y)),
        Example(np.where(x > 0, y, z) + np.where(2 * x > 1, t, z), SAME_COST),
        Example(np.sign(x) * y + np.where(np.abs(x - 1) < 0.5, t, z), SAME_COST),
    ],
    "choices_apart": [
        Example(
            np.sum(steps * np.where(np.abs(x - steps) < 1, 1, steps)),
            SAME_COST,
            refused=np.sum(steps * np.where(x - steps > 0, 1, steps)),
        ),
    ],
    "function_of_choice": [
        Example(
            np.square(np.where(x > 0, y, 2.0)),
            SAME_COST,
            np.tanh(np.where(x > 0, y, z)),
        ),
        Example(-np.where(x > 0, y, z), SAME_COST),
    ],
    "factor_of_choice": [
        Example(
            np.where(x > 0, 2 * y, 3 * y),
            SAME_COST,
            refused=np.where(x > 0, 2 * y, 3 * z),
        ),
        Example(
            np.where(x > 0, np.square(y), np.square(y * np.exp(t))),
            SAME_COST,
            refused=np.where(x > 0, np.log(y), np.log(y) * np.exp(t)),
        ),
        Example(
            np.where(
                v3 > 0,
                np.reshape(np.square(z * row), (3,)),
                np.reshape(np.square(0.01 * z * row), (3,)),
            ),
            SAME_COST,
            refused=np.where(x > 0, x * y, x * z),
        ),
    ],
    "no_jump_at_zero": [
        Example(
            x * np.exp(y) * jump_slope(x),
            FINITE,
            refused=y * jump_slope(x),
        ),
        Example(
            np.log1p(3 * np.abs(x)) * jump_slope(x),
            FINITE,
            refused=np.log1p(3 * np.abs(y)) * jump_slope(x),
        ),
        Example(
            np.abs(v3) * jump_slope(v3),
            FINITE,
            refused=(v3 - np.mean(v3)) * jump_slope(v3),
        ),
        Example(
            np.minimum(np.abs(x), t) * jump_slope(x),
            FINITE,
            refused=logic.is_positive(x) * jump_slope(x),
        ),
    ],
    "narrowed_sum": [
        Example(
            logic.narrowed(y + z > 0, y, -z, upward=True, holds=True) + z,
            refused=logic.narrowed(y + z > 0, y, -z, upward=True, holds=True) + t,
        ),
        Example(
            logic.narrowed(y - z > 0, y, z, upward=False, holds=False) - z,
            refused=z - logic.narrowed(y - z > 0, y, z, upward=False, holds=False),
        ),
    ],
    "plain_condition": [
        Example((2 * x > 0) * y, refused=(x > 1) * y),
        Example((dt.relu(x) > 1) * y),
        Example((np.maximum(x, 1) > 2) * y, refused=(np.maximum(x, 1) > 0.5) * y),
        Example((np.minimum(x, 2) > 1) * y, refused=(np.minimum(x, 1) > 1) * y),
        Example((np.maximum(1, x) < 2) * y, refused=(np.maximum(x, 1) < 1) * y),
        Example((np.minimum(x, 2) < 2) * y, refused=(np.minimum(x, 1) < 2) * y),
    ],
    "square_of_truth": [
        Example(np.square(x > 0) * y, refused=np.square(np.where(x > 0, y, z))),
    ],
    "reordered_together": [
        Example(
            reordered(v3, w3, reverse=True) - reordered(np.exp(v3), w3, reverse=True),
            refused=reordered(v3, w3, reverse=True) - reordered(w3, v3, reverse=True),
        ),
        Example(
            reordered(v3, w3, reverse=False) + reordered(row[0], w3, reverse=False),
            refused=reordered(v3, w3, reverse=True) + reordered(v3, w3, reverse=False),
        ),
    ],
    "sum_of_one_row_reordered": [
        Example(
            np.sum(np.square(reordered(v3, w3, reverse=True))),
            refused=np.sum(np.square(np.sort(v3))),
        ),
    ],
    "double_negation": [Example(~~(x > 0) * y, refused=~(x > 0) * y)],
    "narrowed_by_nothing": [
        Example(
            logic.narrowed(x > 0, y, y, upward=True, holds=True),
            refused=logic.narrowed(x > 0, y, z, upward=True, holds=True),
        )
    ],
}
