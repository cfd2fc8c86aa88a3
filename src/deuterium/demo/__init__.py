"""The main job on real data, as a function that returns its result."""

from deuterium.demo.breast_cancer import run_demo
from deuterium.demo.demo_result import DemoResult, FeaturePart, ProofSummary

__all__ = ["DemoResult", "FeaturePart", "ProofSummary", "run_demo"]
