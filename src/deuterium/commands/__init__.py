"""What the command line does, as functions that return results and print nothing."""

from deuterium.commands.extremum import (
    CheckResult,
    ExtremumResult,
    run_check,
    run_extremum,
)
from deuterium.commands.query import QueryResult, run_query

__all__ = [
    "CheckResult",
    "ExtremumResult",
    "QueryResult",
    "run_check",
    "run_extremum",
    "run_query",
]
