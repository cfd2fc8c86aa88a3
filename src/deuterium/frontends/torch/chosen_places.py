"""What stands for places that were chosen by data, which have no meaning here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deuterium.errors import UnsupportedError

__all__ = ["CHOSEN", "refuse_chosen"]


class _ChosenPlaces:
    """The places of a maximum or of a sort: an output that may be there unused."""


CHOSEN = _ChosenPlaces()


def refuse_chosen(values: Iterable[Any], where: str) -> None:
    """Raise UnsupportedError if places chosen by data are among values."""
    if any(v is CHOSEN for v in values):
        raise UnsupportedError(
            f"frontends.torch.lift: {where} uses places chosen by data (of a maximum, "
            "a sort); take the values, or choose with torch.where"
        )
