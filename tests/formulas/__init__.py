"""Formulas as people write them in notebooks, with their right values."""
