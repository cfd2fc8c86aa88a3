"""Results as tables, JSON and pictures; no mathematics."""

from deuterium.report.brackets import (
    check_tables,
    diagnosis_tables,
    extremum_tables,
    model_bound_tables,
    model_check_tables,
    proof_tables,
)
from deuterium.report.documents import as_document, as_json
from deuterium.report.drawings import Drawing, draw
from deuterium.report.plots import save_feature_plot
from deuterium.report.sensitivity_report import SensitivityReport, sensitivity
from deuterium.report.tables import demo_tables, query_tables

__all__ = [
    "Drawing",
    "SensitivityReport",
    "as_document",
    "as_json",
    "check_tables",
    "demo_tables",
    "diagnosis_tables",
    "draw",
    "extremum_tables",
    "model_bound_tables",
    "model_check_tables",
    "proof_tables",
    "query_tables",
    "save_feature_plot",
    "sensitivity",
]
