"""Blocks of quantiles: nothing in them is used twice, and nothing used stays there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from deuterium.privacy.mechanisms import secure_gaussian
from deuterium.privacy.mechanisms.secure_gaussian import BLOCK, gaussian_block

ZEROS = np.zeros(1000)


@pytest.fixture
def blocks(monkeypatch):
    """Return the list of free blocks, empty."""
    secure_gaussian._BLOCKS.clear()
    return secure_gaussian._BLOCKS


@pytest.fixture
def used(blocks, monkeypatch):
    """Return a list of what was used, in the order it was."""
    seen, make = [], secure_gaussian._noisy

    def noisy(x, law, normals, drawn, *rest):
        seen.append(drawn.copy())
        return make(x, law, normals, drawn, *rest)

    monkeypatch.setattr(secure_gaussian, "_noisy", noisy)
    return seen


def require_different(arrays, length=10):
    """No run of numbers is there twice; 32 bits alone may be, by chance."""
    runs = [
        a[k : k + length].tobytes()
        for a in arrays
        for k in range(0, len(a) - length + 1, length)
    ]
    assert len(set(runs)) == len(runs) > 0
    assert not any(np.frombuffer(r).min() == 0 for r in runs)  # wiped


def test_calls_go_through_a_block_and_wipe_it(blocks, used):
    for n in (1000, 700, 1):
        gaussian_block(np.zeros(n), 1.0)
    (block,) = blocks
    assert block.used == 1701
    for row in (block.normals, block.drawn):
        assert (row[:1701] == 0).all()
        assert (row[1701:] != 0).sum() > BLOCK - 1710
    assert not block.spare.any()
    require_different(used[:2])


@pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK // 2])
def test_more_than_a_block(blocks, used, n):
    gaussian_block(ZEROS, 1.0)
    found = gaussian_block(np.arange(n) * 100.0, 1.0)
    assert (np.abs(found - np.arange(n) * 100.0) < 10).all()
    assert sum(map(len, used)) == 1000 + n
    require_different(used)
    assert len(blocks) == 1


def test_threads_share_nothing(blocks, used):
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda _: gaussian_block(ZEROS, 1.0), range(200)))
    assert sum(map(len, many)) == sum(map(len, used)) == 200_000
    require_different(used)
    assert 1 <= len(blocks) <= 8
    assert len(set(map(id, blocks))) == len(blocks)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_interrupted_is_never_handed_out(blocks, used, monkeypatch, error):
    gaussian_block(ZEROS, 1.0)
    rest, make = [], secure_gaussian._noisy

    def interrupted(x, law, normals, drawn, *others):
        make(x, law, normals, drawn, *others)
        rest.append(drawn)
        raise error

    monkeypatch.setattr(secure_gaussian, "_noisy", interrupted)
    with pytest.raises(error):
        gaussian_block(ZEROS, 1.0)
    assert not rest[0].any()  # wiped
    assert not blocks  # and lost
    monkeypatch.setattr(secure_gaussian, "_noisy", make)
    gaussian_block(ZEROS, 1.0)
    require_different(used)


def test_an_interrupted_filling_is_not_used(blocks, monkeypatch):
    def urandom(count):
        raise OSError("no more bits")

    monkeypatch.setattr(os, "urandom", urandom)
    with pytest.raises(OSError, match="no more bits"):
        gaussian_block(ZEROS, 1.0)
    assert not blocks


def test_a_call_in_the_middle_of_a_call(blocks, used, monkeypatch):
    """As a signal's handler may make."""
    make, once = secure_gaussian._noisy, [True]

    def twice(*args):
        if once.pop() if once else False:
            gaussian_block(ZEROS, 1.0)
        return make(*args)

    monkeypatch.setattr(secure_gaussian, "_noisy", twice)
    gaussian_block(ZEROS, 1.0)
    gaussian_block(ZEROS, 1.0)
    gaussian_block(ZEROS, 1.0)
    require_different(used)
    assert len(blocks) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_process_draws_its_own(blocks):
    gaussian_block(ZEROS, 1.0)
    (block,) = blocks
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, bytes([len(blocks)]) + gaussian_block(ZEROS, 1.0).tobytes())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 1 + ZEROS.nbytes)
    for end in (read, write):
        os.close(end)
    assert told[0] == 0  # forgotten at once
    assert blocks == [block]
    assert told[1:] != gaussian_block(ZEROS, 1.0).tobytes()


def test_blocks_of_another_process_are_left_alone(blocks, used):
    """Were it forked behind Python's back."""
    gaussian_block(ZEROS, 1.0)
    (block,) = blocks
    block.process += 1
    kept = block.drawn.copy()
    gaussian_block(ZEROS, 1.0)
    assert block not in blocks
    assert (block.drawn == kept).all()
    require_different(used)


def test_injected_bits_are_for_their_call_alone(blocks):
    draws = [np.random.default_rng(3).bytes for _ in range(2)]
    one, other = (gaussian_block(ZEROS, 1.0, draw) for draw in draws)
    np.testing.assert_array_equal(one, other)
    assert not blocks
