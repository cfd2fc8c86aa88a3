"""The errors to be planted (`tests.planted`) fit the package as it is."""

import pytest

from tests import planted


@pytest.mark.parametrize("error", planted.ALL, ids=lambda e: e.name)
def test_it_can_be_planted(error):
    compile(planted.planted_text(error), error.file, "exec")


@pytest.mark.long  # a few: `python -m tests.planted` plants them all
@pytest.mark.parametrize("error", planted.ALL[::16], ids=lambda e: e.name)
def test_it_is_caught(error):
    assert planted.caught_by(error, planted.ROOT)
