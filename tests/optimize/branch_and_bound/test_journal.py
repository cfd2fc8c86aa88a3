"""Checkpoints damaged by chance, and full disks: nothing false read, nothing lost."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

from deuterium.errors import CheckpointError
from deuterium.optimize.branch_and_bound import checkpoint
from deuterium.optimize.branch_and_bound.checkpoint import CheckpointJournal
from tests.amounts import draws, some
from tests.optimize.branch_and_bound.branch_problems import answer, maximum

SMALL = {
    "hill": {"rtol": 3e-2},
    "wave": {"rtol": 1e-1, "method": "box"},
    "norm": {"rtol": 3e-2, "method": "auto"},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Runs of some bounders: their answers, journals, and what these say."""
    found = {}
    for name, options in SMALL.items():
        path = tmp_path_factory.mktemp("small") / name
        e = maximum(name, checkpoint=path, **options)
        data = path.read_bytes()
        found[name] = answer(e), data, [json.loads(line) for line in data.splitlines()]
    return found


def _lines(data):
    return data.splitlines(keepends=True)


def _damaged(data, generator):
    """Return a file with one bit flipped, cut off, or with a stretch of zeros."""
    at = generator.randrange(len(data))
    kind = generator.randrange(8)
    if kind == 0:
        return data[:at]
    if kind == 1:  # blocks that never reached the disk
        return data[:at] + bytes(len(data) - at)
    if kind == 2:
        return data[:at] + data[at + generator.randrange(1, 40) :]
    return data[:at] + bytes([data[at] ^ 1 << generator.randrange(8)]) + data[at + 1 :]


def _told_by(path, about):
    """Return what a journal tells before it ends or is refused."""
    told, journal = [], CheckpointJournal(path, {})
    journal.about = about
    try:
        for entry in journal.read():
            told += [entry]
    except CheckpointError:
        return told, True
    finally:
        journal.close()
    return told, False


@pytest.mark.drawn
def test_no_damaged_journal_tells_anything_but_the_truth(small, tmp_path):
    """All that is told was written, in this order."""
    generator, path = random.Random(1), tmp_path / "damaged"
    for name, (_, data, records) in small.items():
        about = {k: x for k, x in records[0].items() if k != "sum"}
        for _ in range(draws(120, 10_000)):
            bad = _damaged(data, generator)
            path.write_bytes(bad)
            told, refused = _told_by(path, about)
            assert told == records[1 : len(told) + 1], name
            whole = path.read_bytes()
            if refused:
                assert whole == bad
            elif len(told) < len(records) - 1 and bad != data:
                # the rest is gone, so it is done again: only a last line is given up
                assert data.startswith(whole) or json.loads(whole) == about


def test_a_damaged_journal_is_refused_or_ends_the_same(small, tmp_path):
    generator, refused = random.Random(4), 0
    for name, (honest, data, _) in small.items():
        for k in range(5):
            path = tmp_path / f"{name}{k}"
            path.write_bytes(_damaged(data, generator))
            try:
                found = maximum(name, checkpoint=path, **SMALL[name])
            except CheckpointError:
                refused += 1
            else:
                assert answer(found) == honest
    assert 0 < refused < 15


def test_a_wrong_last_line_is_dropped_and_one_before_it_is_not(small, tmp_path):
    honest, data, records = small["hill"]
    path = tmp_path / "hill"
    for back, good in ((5, True), (len(_lines(data)[-1]) + 5, False)):
        path.write_bytes(data[:-back] + b"?" + data[-back + 1 :])
        if good:
            assert answer(maximum("hill", checkpoint=path, **SMALL["hill"])) == honest
            assert path.read_bytes().count(b"\n") == len(records)
            continue
        with pytest.raises(CheckpointError, match=f"line {len(records) - 1}"):
            maximum("hill", checkpoint=path, **SMALL["hill"])


def test_a_checkpoint_of_an_older_format_is_refused(small, tmp_path):
    path = tmp_path / "hill"
    old = small["hill"][1].replace(b'"version":2', b'"version":1', 1)
    path.write_bytes(old)
    with pytest.raises(CheckpointError, match="another version"):
        maximum("hill", checkpoint=path)
    assert path.read_bytes() == old


# -- disks that are full --------------------------------------------------------------


def _fails_after(writes, code, monkeypatch):
    """Have writing fail after so many times, half way through a line."""
    write, left = os.write, iter(range(writes))

    def limited(file, data):
        if next(left, None) is None:
            raise OSError(code, os.strerror(code))
        return write(file, data)

    monkeypatch.setattr(checkpoint.os, "write", limited)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("writes", some([1, 0, 4], 1))
def test_on_a_full_disk_the_bracket_is_not_lost(
    writes, code, small, tmp_path, monkeypatch
):
    path = tmp_path / "hill"
    with monkeypatch.context() as patch:
        _fails_after(writes, code, patch)
        with pytest.warns(RuntimeWarning, match=r"cannot be written any more") as told:
            found = maximum("hill", checkpoint=path, **SMALL["hill"])
    assert len(told) == 1
    assert answer(found) == small["hill"][0]
    assert path.read_bytes().count(b"\n") == writes
    # and with room again, the work goes on from what was written
    again = maximum("hill", checkpoint=path, **SMALL["hill"])
    assert answer(again) == small["hill"][0]


def test_a_line_written_in_part_is_taken_back(small, tmp_path, monkeypatch):
    path, write = tmp_path / "hill", os.write
    some = len(_lines(small["hill"][1])[0]) + 100

    def limited(file, data):
        room = some - os.fstat(file).st_size
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:room])

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "write", limited)
        with pytest.warns(RuntimeWarning, match="No space left"):
            found = maximum("hill", checkpoint=path, **SMALL["hill"])
    assert answer(found) == small["hill"][0]
    assert path.read_bytes().count(b"\n") == 1
    assert path.read_bytes().endswith(b"}\n")


def test_a_limit_of_the_system_on_the_size_of_files_is_a_full_disk(tmp_path):
    resource = pytest.importorskip("resource")
    path, before = tmp_path / "hill", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.warns(RuntimeWarning, match="cannot be written any more"):
            found = maximum("hill", checkpoint=path, **SMALL["hill"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found.status == "optimal"
    assert path.stat().st_size <= 5000


def test_what_is_said_on_closing_is_heard(small, tmp_path, monkeypatch):
    opened = Path.open

    class Late:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def close(self):
            self.file.close()
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    path = tmp_path / "hill"

    def late(self, *args, **kwargs):
        file = opened(self, *args, **kwargs)
        return Late(file) if self == path else file

    monkeypatch.setattr(Path, "open", late)
    with pytest.warns(RuntimeWarning, match="quota"):
        found = maximum("hill", checkpoint=path, **SMALL["hill"])
    assert answer(found) == small["hill"][0]
