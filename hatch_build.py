"""What a release is told at its build: where the project lives.

With ``DEUTERIUM_HOME`` set to the address of the repository, the metadata name
its pages, and README links to files become links that work from anywhere.
Without it (a clone, a copy) there are no addresses, and links stay as they are.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:|#)([^)]+)\)")  # to a file, in Markdown


def absolute(text: str, home: str, version: str) -> str:
    """Return Markdown whose links to files lead to a version at home."""
    return LINK.sub(
        lambda m: (
            f"{m[1]}{home}/{'raw' if m[1][0] == '!' else 'blob'}/v{version}/{m[2]}"
            + ")"
        ),
        text,
    )


def urls(home: str) -> dict[str, str]:
    """Return the addresses that the metadata name."""
    return {
        "Homepage": home,
        "Documentation": f"{home}/tree/main/docs",
        "Source": home,
        "Issues": f"{home}/issues",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
    }


class HomeHook(MetadataHookInterface):
    """Fills in the README and the addresses."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Change the metadata in place."""
        text = Path(self.root, "README.md").read_text("utf-8")
        home = os.environ.get("DEUTERIUM_HOME", "").rstrip("/")
        if home:
            text = absolute(text, home, metadata["version"])
            metadata["urls"] = urls(home)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
