"""Results that depend on the data of the people they are about: *data dependent*.

What an individual accountant says of a person is not protected by the noise that it
accounts for (V. Feldman and T. Zrnic, "Individual privacy accounting via a Renyi
filter", NeurIPS 2021, section 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from deuterium.errors import UnsupportedError

__all__ = ["Internal"]


@dataclass(frozen=True, eq=False, repr=False)
class Internal:
    """Data-dependent numbers, for internal use: no noise protects them.

    Publishing them breaks the privacy that they describe: how much of a budget one
    person has used tells something about that person's record.  So they print, compare
    and convert to arrays only by ``.values``: what would read them in passing raises
    `UnsupportedError`.

    Attributes
    ----------
    values : ndarray
        One entry per person, read-only.  Reading it is the deliberate step.
    what : str
        What they are.

    Examples
    --------
    >>> from deuterium import privacy
    >>> account = privacy.IndividualAccountant(2)
    >>> taking_part = account.step([0.5, 1.0], 5.0)
    >>> account.active
    <internal, do not release: who takes part of each person, (2,)>
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
