"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from deuterium.errors import InvalidInputError

__all__ = ["write_file"]


def write_file(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file, which is there whole or not at all.

    It may be read by whom the user's mask (``umask``) lets read it; one that was there
    keeps its mode.  Into a device or a pipe the content goes as it is.

    Raises
    ------
    InvalidInputError
        It cannot be written there.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        target = Path(path).resolve()  # what a link leads to, not the link, is replaced
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        told = getattr(error, "strerror", None) or error
        raise InvalidInputError(
            f"save: {str(path)!r:.200} cannot be written: {told}; give a file in a "
            "folder that exists"
        ) from None


def _replace(target: Path, data: bytes) -> None:
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
