"""Files are there whole or not at all, and can be read by whom the mask lets."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

import deuterium as dt
from deuterium.errors import CertificateError, InvalidInputError
from deuterium.files import write_file

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_the_mask_says_who_may_read(tmp_path):
    x = dt.symbol("x")
    found = dt.maximize(np.sin(x), dt.Box({x: (0, 1)}))
    before = os.umask(0o027)
    try:
        found.certificate.save(tmp_path / "proof.json")
        assert mode(tmp_path / "proof.json") == 0o640
        (tmp_path / "proof.json").chmod(0o604)
        found.certificate.save(tmp_path / "proof.json")
        assert mode(tmp_path / "proof.json") == 0o604
    finally:
        os.umask(before)


@posix
def test_what_a_link_leads_to_is_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write_file(tmp_path / "link", "one")
    write_file(tmp_path / "link", b"two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "two"


@posix
def test_a_device_stays_one():
    write_file("/dev/null", "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    write_file(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInputError, match="No space left"):
        write_file(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["", "no/such", "a\0b", "x" * 5000, "."])
def test_where_nothing_can_be_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="cannot be written"):
        write_file(name, "text")
    with pytest.raises(CertificateError, match="cannot be read"):
        dt.Certificate.load(name)
