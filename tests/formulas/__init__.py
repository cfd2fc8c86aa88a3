"""Formulas that people write, copied as a notebook has them, with their right values."""
