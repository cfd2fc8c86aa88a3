"""Results as tables, JSON and pictures; no mathematics.

Takes results; gives tables, documents, pages and figures.
"""

from deuterium.report.brackets import (
    check_tables,
    diagnosis_tables,
    extremum_tables,
    model_bound_tables,
    model_check_tables,
    proof_tables,
    saved_proof_tables,
)
from deuterium.report.documents import as_document, as_json
from deuterium.report.drawings import Drawing, draw
from deuterium.report.figures import (
    bounds_over_time,
    feature_bars,
    feature_image,
    norms_against_bound,
    surface,
)
from deuterium.report.plots import save_feature_plot
from deuterium.report.promise_figures import (
    epsilon_over_steps,
    individual_epsilons,
    privacy_profile,
    trade_off,
)
from deuterium.report.sensitivity_report import SensitivityReport, sensitivity
from deuterium.report.tables import demo_tables, query_tables

__all__ = [
    "Drawing",
    "SensitivityReport",
    "as_document",
    "as_json",
    "bounds_over_time",
    "check_tables",
    "demo_tables",
    "diagnosis_tables",
    "draw",
    "epsilon_over_steps",
    "extremum_tables",
    "feature_bars",
    "feature_image",
    "individual_epsilons",
    "model_bound_tables",
    "model_check_tables",
    "norms_against_bound",
    "privacy_profile",
    "proof_tables",
    "query_tables",
    "save_feature_plot",
    "saved_proof_tables",
    "sensitivity",
    "surface",
    "trade_off",
]


def __dir__() -> list[str]:
    return list(__all__)
