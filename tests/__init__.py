"""Tests, in packages that mirror the rooms of the package.

Every worker of pytest-xdist has one thread for products of matrices: with as many as
there are cores in each, they would wait for one another.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):  # read when NumPy is loaded
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
