"""The main job on real data, as a function that returns its result."""

from deuterium.demo.breast_cancer import DemoResult, FeaturePart, run_demo

__all__ = ["DemoResult", "FeaturePart", "run_demo"]
