"""Which packages a test needs, asked without importing them.

`pytest.importorskip` at the head of a module imports them in every process that looks
at the module, whether or not it runs any of its tests.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*packages: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test where a package is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"could not import {', '.join(missing)}"
    )
