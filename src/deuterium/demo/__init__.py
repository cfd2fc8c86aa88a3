"""The main jobs, as functions that return their results and print nothing."""

from deuterium.demo.breast_cancer import DemoResult, FeaturePart, run_demo
from deuterium.demo.query import QueryResult, run_query

__all__ = ["DemoResult", "FeaturePart", "QueryResult", "run_demo", "run_query"]
