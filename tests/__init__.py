"""Tests, in packages that mirror the rooms of the package.

Every worker of pytest-xdist has one thread for products of matrices: with as many as
there are cores in each, they would wait for one another.  Bytecode is kept, though the
caller may not ask for it: else each worker, and each process that a test starts, would
compile the whole package again.
"""

import os
import sys

for library in ("OPENBLAS", "OMP", "MKL"):  # read when NumPy is loaded
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
