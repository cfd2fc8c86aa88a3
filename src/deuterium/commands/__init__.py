"""What the command line does, as functions that return results and print nothing."""

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
from deuterium.commands.query import QueryResult, run_query

__all__ = [
    "CheckResult",
    "ExtremumResult",
    "ModelBoundResult",
    "ModelCheckResult",
    "ModelQuestion",
    "QueryResult",
    "run_check",
    "run_extremum",
    "run_model_bound",
    "run_model_check",
    "run_query",
]
