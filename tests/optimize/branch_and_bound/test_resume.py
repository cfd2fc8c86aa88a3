"""Work that was killed goes on where it was, and ends as if it never had been."""

import errno
import json
import random
import signal
import time
import tracemalloc
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import CheckpointError, InvalidInputError
from deuterium.optimize.bounders.natural_interval import NaturalIntervalBounder
from deuterium.optimize.branch_and_bound.checkpoint import (
    UNREADABLE,
    _checksum,
    _sealed,
    array_of,
)
from tests.amounts import draws, some
from tests.optimize.branch_and_bound.branch_problems import (
    PROBLEMS,
    answer,
    at_work,
    kill,
    maximum,
    start,
    told,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, with its checkpoint."""
    path = tmp_path_factory.mktemp("work") / "deep" / "hill.jsonl"
    return maximum("hill", checkpoint=path), path.read_bytes()


def test_a_checkpoint_changes_nothing(finished):
    assert answer(maximum("hill")) == answer(finished[0])


def test_a_finished_run_is_told_again_at_once(finished, tmp_path):
    path = tmp_path / "again"
    path.write_bytes(finished[1])
    e = maximum("hill", checkpoint=path)
    assert answer(e) == answer(finished[0])
    assert path.read_bytes() == finished[1]


def test_cut_off_anywhere_it_ends_the_same(finished, tmp_path):
    e, data = finished
    generator = random.Random(3)
    ends = [data.index(b"\n") + 1] + [generator.randrange(len(data)) for _ in range(5)]
    for k, end in enumerate([0, 1, 20, *ends, len(data) - 1]):
        path = tmp_path / str(k)
        path.write_bytes(data[:end])
        assert answer(maximum("hill", checkpoint=path)) == answer(e), end
        # the records are the same, too, but for the time they took
        assert _timeless(path.read_bytes()) == _timeless(data)


def _timeless(data):
    records = [json.loads(line) for line in data.splitlines()]
    return [{k: x for k, x in r.items() if k not in ("spent", "sum")} for r in records]


@pytest.mark.parametrize(
    ("name", "method", "rtol"),
    some([("norm", "auto", 1e-3), ("hill", "box", 1e-6), ("norm", "box", 0.01)], 1),
)
def test_cut_off_anywhere_with_other_bounders_it_ends_the_same(
    name, method, rtol, tmp_path
):
    options = {"method": method, "rtol": rtol, "time_limit": None}
    e = maximum(name, checkpoint=tmp_path / "whole", **options)
    data = (tmp_path / "whole").read_bytes()
    assert data.count(b"\n") > 5
    for end in (len(data) // 3, len(data) * 2 // 3):
        (tmp_path / str(end)).write_bytes(data[:end])
        again = maximum(name, checkpoint=tmp_path / str(end), **options)
        assert answer(again) == answer(e)


@pytest.mark.long
@pytest.mark.drawn
def test_killed_at_any_time_nothing_is_lost(tmp_path):
    options = {"rtol": 2e-3, "time_limit": None}
    whole = maximum("hill", **options)
    path, generator, sizes = tmp_path / "hill", random.Random(1), []
    for _ in range(draws(1, 4)):
        process = start("hill", checkpoint=str(path), **options)
        at_work(process, generator.randint(1, 6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        sizes.append(path.stat().st_size if path.exists() else 0)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 0
    e, _ = told(start("hill", checkpoint=str(path), **options))
    assert (e["lower"], e["upper"]) == (whole.lower, whole.upper)
    assert e["witness"] == {n: w.tolist() for n, w in whole.witness.items()}
    assert (e["status"], e["regions"]) == (whole.status, whole.regions)


@pytest.mark.long
def test_killed_while_others_work_the_answer_stands(tmp_path):
    path = tmp_path / "hill"
    process = start("hill", "spawn", checkpoint=str(path), rtol=1e-3)
    while not path.exists() or path.stat().st_size < 20_000:
        time.sleep(0.02)
        assert process.poll() is None
    kill(process)
    with ThreadPoolExecutor(2) as pool:
        e = maximum("hill", rtol=1e-3, checkpoint=path, executor=pool)
    alone = maximum("hill", rtol=1e-3)
    assert e.status == "optimal"
    assert e.lower <= alone.upper
    assert alone.lower <= e.upper


def test_what_a_run_had_found_is_not_searched_for_again(tmp_path, monkeypatch):
    from deuterium.search.population import PopulationSearch

    path = tmp_path / "hill"
    first = maximum("hill", checkpoint=path, time_limit=0.6, rtol=0.0)
    monkeypatch.setattr(
        PopulationSearch, "start", lambda *_: pytest.fail("searched again")
    )
    again = maximum("hill", checkpoint=path, time_limit=0.6, rtol=0.0)
    assert again.regions > first.regions
    assert again.lower >= first.lower
    assert again.upper <= first.upper
    assert again.seconds > first.seconds


def test_time_is_counted_over_all_runs_and_limited_in_each(tmp_path):
    path = tmp_path / "endless"
    one = maximum("endless", checkpoint=path, time_limit=1.5)
    two = maximum("endless", checkpoint=path, time_limit=1.5)
    assert one.status == two.status == "time_limit"
    assert one.seconds < 2 < two.seconds < 4
    assert two.history[0][0] > 1
    assert two.history[0][2] <= one.upper


def test_a_replay_bounds_nothing_again(tmp_path, monkeypatch):
    path, bounded, whole = tmp_path / "endless", [], NaturalIntervalBounder.bound

    def counted(self, regions, incumbent):
        bounded.append(len(regions))
        return whole(self, regions, incumbent)

    first = maximum("endless", checkpoint=path, max_regions=3000)
    monkeypatch.setattr(NaturalIntervalBounder, "bound", counted)
    again = maximum("endless", checkpoint=path, time_limit=1.0)
    assert again.regions >= first.regions
    assert sum(bounded) <= again.regions - first.regions


# -- files that do not fit -----------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary",
        b"Dear diary,\nno news\n",
        b'{"format":"other"}\n',
        b"\x00\xff",
        b"[]\n",
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(content, tmp_path):
    path = tmp_path / "diary.txt"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"diary.*no checkpoint"):
        maximum("hill", checkpoint=path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"rtol": 1e-3}, "`rtol` was 0.01 and is 0.001"),
        ({"atol": 1.0}, "`atol`"),
        ({"seed": 4}, "`seed`"),
        ({"method": "box"}, "`method` was 'interval'"),
    ],
)
def test_work_of_another_kind_is_refused(options, why, finished, tmp_path):
    path = tmp_path / "hill"
    path.write_bytes(finished[1])
    with pytest.raises(InvalidInputError, match=why):
        maximum("hill", checkpoint=path, **options)
    assert path.read_bytes() == finished[1]


def test_another_problem_is_refused(finished, tmp_path):
    path = tmp_path / "hill"
    path.write_bytes(finished[1])
    v, domain = PROBLEMS["hill"]
    for other in (
        lambda: maximum("wave", checkpoint=path),
        lambda: dt.minimize(v, domain, method="interval", checkpoint=path),
        lambda: dt.maximize(v + 1, domain, method="interval", checkpoint=path),
    ):
        with pytest.raises(InvalidInputError, match="another function or domain"):
            other()


def _records(data):
    return data.splitlines(keepends=True)


DAMAGES = {
    "a line that is no JSON": lambda r: [*r[:3], b"{}x\n", *r[4:]],
    "a list": lambda r: [*r[:3], b"[]\n", *r[4:]],
    "a record left out": lambda r: [*r[:3], *r[4:]],
    "a record twice": lambda r: [*r[:4], r[3], *r[4:]],
    "an array cut short": lambda r: [*r[:3], _changed(r[3], "upper", "AAAA"), *r[4:]],
    "a list cut short": lambda r: [*r[:3], _changed(r[3], "proofs", []), *r[4:]],
    "a node too many": lambda r: [*r[:3], _changed(r[3], "nodes", [10**6]), *r[4:]],
    "a node below zero": lambda r: [*r[:3], _changed(r[3], "nodes", [-1]), *r[4:]],
    "an array that fills the memory": lambda r: [
        *r[:3], _changed(r[3], "upper", _bomb()), *r[4:]
    ],
    "a point that fills the memory": lambda r: [
        *r[:3], _changed(r[3], "point", _bomb()), *r[4:]
    ],
    "a number beyond all": lambda r: [
        *r[:3], _changed(r[3], "spent", 10**400), *r[4:]
    ],
}  # fmt: skip


def _bomb():
    """Return 30 KB that expand to 30 MB."""
    pack = zlib.compressobj(9)
    zeros = bytes(2**20)
    data = b"".join([pack.compress(zeros) for _ in range(30)]) + pack.flush()
    return b64encode(data).decode()


def _resealed(records):
    """Return lines with the checksums that they would have had."""
    before, out = "", []
    for line in records:
        try:
            entry = json.loads(line)
            del entry["sum"]
        except (ValueError, TypeError, KeyError):
            body = line[:-2]
        else:
            body = json.dumps(entry, separators=(",", ":")).encode()[:-1]
        before = _checksum(before, body)
        out.append(_sealed(body, before))
    return out


def _changed(line, field, value):
    return json.dumps({**json.loads(line), field: value}).encode() + b"\n"


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage, sealed, finished, tmp_path):
    """By its checksums; and if they are made to fit, as what cannot be right."""
    path = tmp_path / "hill"
    records = DAMAGES[damage](_records(finished[1]))
    path.write_bytes(b"".join(_resealed(records) if sealed else records))
    with pytest.raises(CheckpointError, match=r"damaged in line [45]"):
        maximum("hill", checkpoint=path)


def test_what_is_no_state_of_the_search_is_refused(finished, tmp_path):
    path = tmp_path / "hill"
    first, second, third = _records(finished[1])[:3]
    records = first, second, _changed(third, "search", {"own": 3})
    path.write_bytes(b"".join(_resealed(records)))
    with pytest.raises(CheckpointError, match="damaged in line 3"):
        maximum("hill", checkpoint=path)


def test_what_a_line_expands_to_is_bounded():
    bomb = _bomb()
    tracemalloc.start()
    with pytest.raises(UNREADABLE):
        array_of(bomb, 1000)
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "path", ["/dev/null", "/dev/zero", "/dev/full", "", "a\0b", "x" * 5000, "file/x"]
)
def test_a_path_that_cannot_be_one(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be opened"):
        maximum("hill", checkpoint=path)
    with pytest.raises(CheckpointError, match="must be a path"):
        maximum("hill", checkpoint=3)


def test_a_path_that_may_not_be_written(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(CheckpointError, match="Permission denied"):
        maximum("hill", checkpoint=tmp_path / "hill")


def test_a_file_in_use_is_refused(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "endless"
    process = start("endless", checkpoint=str(path), time_limit=None)
    try:
        while not path.exists() or not path.stat().st_size:
            time.sleep(0.02)
            assert process.poll() is None
        with pytest.raises(InvalidInputError, match="another run"):
            maximum("endless", checkpoint=path, time_limit=1)
    finally:
        process.kill()
        process.communicate()


def test_infinite_bounds_are_recorded_too(tmp_path):
    a = dt.symbol("a")
    path = tmp_path / "pole"
    first = dt.maximize(1 / a, dt.Box({a: (-1, 2)}), checkpoint=path)
    again = dt.maximize(1 / a, dt.Box({a: (-1, 2)}), checkpoint=path)
    assert first.status == again.status == "undefined"
    assert first.upper == again.upper == np.inf
    assert first.regions == again.regions
