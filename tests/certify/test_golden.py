"""Files that releases wrote go on being believed by those that follow."""

import pytest

from deuterium.commands import run_proof_check, run_saved_check
from tests.certify.golden import FILES
from tests.certify.right_proofs import NAMES


@pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])
def test_it_still_verifies(path):
    checked = run_saved_check(path) or run_proof_check(path)
    assert checked.regions >= 1


def test_every_kind_is_there():
    stems = {p.stem for p in FILES}
    assert {name.replace(" ", "_") for name in NAMES} <= stems
    assert {"features", "a_training_run", "a_contribution", "a_diameter"} <= stems
