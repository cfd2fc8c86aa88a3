"""What a certificate says of itself, in texts and in notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from deuterium.certify.format import SENSES, text
from deuterium.notebook import Shown, latex_number


class CertificateView(Shown):
    """Base class of `Certificate`."""

    body: dict[str, Any]
    seal: str
    lower: Any
    upper: Any
    leaves: Any
    arithmetic: Any

    @property
    def witness(self) -> dict[str, Any]:
        """The point where one of the bounds is reached."""
        return {name: np.asarray(x) for name, x in self.body["witness"].items()}

    def method(self) -> str:
        """Return by which rules how many regions are bounded, in a line."""
        rules = Counter(str(n["leaf"][0]) for n in self.body["proof"] if "leaf" in n)
        how = ", ".join(f"{count} {name}" for name, count in sorted(rules.items()))
        return f"{self.leaves} region{'s' * (self.leaves != 1)}: {how}"

    def summary(self) -> str:
        """Return what is claimed, of what, and how it is proved, in a few lines."""
        sort = "supremum" if self.body["sense"] == SENSES[0] else "infimum"
        return (
            f"{self.lower!r} <= {sort} <= {self.upper!r}\n"
            f"graph {self.body['graph'][:16]}, of {', '.join(self.body['domain'])}\n"
            f"{self.method()}"
        )

    def __repr__(self) -> str:
        return (
            f"<certificate of {self.body['sense']}: {self.lower!r} to {self.upper!r}, "
            f"{self.leaves} regions>"
        )

    def _facts(self) -> Iterator[tuple[str, Any]]:
        yield "summary", self.summary().splitlines()
        yield "domain", text(self.body["domain"])
        yield "witness", self.body["witness"]
        yield "made by", f"deuterium {self.body['deuterium']}"
        yield "seal", self.seal

    def _repr_latex_(self) -> str:
        name = r"\sup" if self.body["sense"] == SENSES[0] else r"\inf"
        low, high = map(latex_number, (self.lower, self.upper))
        return rf"${low} \le {name} \le {high}$"
