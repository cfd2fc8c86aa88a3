"""Spectral norms, proved by elimination in ball arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from deuterium.interval import spectral_norm

flint = pytest.importorskip("flint")


def is_norm_bound(matrix, sigma):
    """Return whether ||A||_2 <= sigma is proved by elimination in ball arithmetic."""
    a = flint.arb_mat([[flint.arb(float(x)) for x in row] for row in matrix])
    gap, n = -(a.transpose() * a), a.ncols()
    for i in range(n):
        gap[i, i] += flint.arb(float(sigma)) ** 2
    for k in range(n):
        if not gap[k, k] > 0:
            return False
        for i in range(k + 1, n):
            share = gap[i, k] / gap[k, k]
            for j in range(k + 1, n):
                gap[i, j] -= share * gap[k, j]
    return True


@pytest.fixture(autouse=True)
def precision():
    with flint.ctx.workprec(200):
        yield


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(1, 7), (5, 5), (12, 30), (40, 9)])
def test_spectral_norms_are_proved_and_close(shape, seed):
    matrix = np.random.default_rng(seed).normal(size=shape) * 10.0 ** (40 * (seed - 2))
    sigma = spectral_norm.spectral_norm(matrix)
    assert is_norm_bound(matrix, sigma)
    assert not is_norm_bound(matrix, sigma * (1 - 1e-8))


@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_spectral_norm_of_a_hadamard_matrix_is_not_below_the_root(n):
    h = np.ones((1, 1))
    while len(h) < n:
        h = np.block([[h, h], [h, -h]])
    assert Fraction(spectral_norm.spectral_norm(h)) ** 2 >= n


def test_degenerate_matrices_have_norms():
    assert 0 <= spectral_norm.spectral_norm(np.zeros((3, 4))) < 1e-100
    with np.errstate(all="ignore"):
        assert spectral_norm.spectral_norm(np.full((3, 3), np.inf)) == np.inf
    rank_one = np.outer([1.0, 2.0, 2.0], [3.0, 0.0, 4.0])
    assert 15 <= spectral_norm.spectral_norm(rank_one) < 15 * (1 + 1e-9)
    wide = np.eye(spectral_norm.LARGEST + 1)
    assert spectral_norm.spectral_norm(wide) >= np.sqrt(len(wide))  # Frobenius, said so


def test_a_failed_factorisation_falls_back(monkeypatch):
    def fails(_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "cholesky", fails)
    assert is_norm_bound(np.eye(3), spectral_norm.spectral_norm(np.eye(3)))
