"""What the command line does, as functions that return results and print nothing.

Takes texts and files; gives results as plain records.
"""

from deuterium.commands.diagnosis import Diagnosis, run_diagnosis
from deuterium.commands.extremum import (
    CheckResult,
    ExtremumResult,
    run_check,
    run_extremum,
)
from deuterium.commands.model_bound import (
    ModelBoundResult,
    ModelCheckResult,
    ModelQuestion,
    run_model_bound,
    run_model_check,
)
from deuterium.commands.proof_check import (
    ProofResult,
    SavedProofResult,
    run_proof_check,
    run_saved_check,
)
from deuterium.commands.query import QueryResult, run_query
from deuterium.commands.sensitivity_question import (
    SensitivityQuestion,
    run_sensitivity,
)

__all__ = [
    "CheckResult",
    "Diagnosis",
    "ExtremumResult",
    "ModelBoundResult",
    "ModelCheckResult",
    "ModelQuestion",
    "ProofResult",
    "QueryResult",
    "SavedProofResult",
    "SensitivityQuestion",
    "run_check",
    "run_diagnosis",
    "run_extremum",
    "run_model_bound",
    "run_model_check",
    "run_proof_check",
    "run_query",
    "run_saved_check",
    "run_sensitivity",
]
