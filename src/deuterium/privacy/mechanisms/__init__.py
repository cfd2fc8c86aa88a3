"""Noise of a known scale: its calibration, its samplers, what it promises."""
