"""The main jobs, as functions that return their results and print nothing."""

from deuterium.demo.breast_cancer import DemoResult, FeaturePart, run_demo
from deuterium.demo.extremum import (
    CheckResult,
    ExtremumResult,
    run_check,
    run_extremum,
)
from deuterium.demo.query import QueryResult, run_query

__all__ = [
    "CheckResult",
    "DemoResult",
    "ExtremumResult",
    "FeaturePart",
    "QueryResult",
    "run_check",
    "run_demo",
    "run_extremum",
    "run_query",
]
