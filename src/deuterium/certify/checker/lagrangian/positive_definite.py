"""Whether a symmetric matrix of balls is positive definite."""

from __future__ import annotations

from typing import Any

from deuterium.certify.checker.ball_functions import ZERO, Ball

Matrix = Any


def is_positive(matrix: list[list[Ball]]) -> bool:
    """Return whether elimination without exchanges finds positive pivots only."""
    rows = [list(row) for row in matrix]
    n = len(rows)
    for k in range(n):
        pivot = rows[k][k]
        if not pivot > ZERO:
            return False
        top = rows[k]
        for i in range(k + 1, n):
            factor = rows[i][k] / pivot
            if factor.is_zero():
                continue
            row = rows[i]
            for j in range(i, n):  # the upper triangle is enough
                row[j] = row[j] - factor * top[j]
            for j in range(i + 1, n):
                rows[j][i] = row[j]
    return True
