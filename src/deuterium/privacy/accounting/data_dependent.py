"""Results that depend on the data of the people they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from deuterium.errors import UnsupportedError

__all__ = ["Internal"]


@dataclass(frozen=True, eq=False, repr=False)
class Internal:
    """Numbers for internal use: they depend on the data and are not protected.

    Publishing them breaks the privacy that they describe: how much of a budget one
    person has used tells something about that person's record.

    Attributes
    ----------
    values : ndarray
        One entry per person, read-only.  Reading it is the deliberate step.
    what : str
        What they are.
    """

    values: Any
    what: str

    def __repr__(self) -> str:
        return f"<internal, do not release: {self.what}, {self.values.shape}>"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedError(
            f"{self.what}: depends on the data and must not be released; where it is "
            "used internally, say so by reading `.values`"
        )

    def __iter__(self) -> NoReturn:
        self.__array__()

    def __bool__(self) -> NoReturn:
        self.__array__()
