"""What steers Lagrangian bounds: sizes, steps of the solver, samples and cells.

None of it can make a bound wrong: the multipliers are a guess, from whatever solver,
and what is proved is rounded outward from them (`certified_bound`).  It decides how
sharp a bound is and what it costs.
"""

from __future__ import annotations

# -- which graphs are taken ------------------------------------------------------------

MOST_MULTIPLIERS = 600  # multipliers; with more, the solver's steps take seconds
MOST_COEFFICIENTS = 2**23  # coefficients; a graph with more is left to other bounders
# matrix products in a product of intervals, and copies of its result: what is paid
INTERVAL_PRODUCTS, RESULT_COPIES = 4, 6

# -- the solver ------------------------------------------------------------------------

NEWTON_STEPS = (
    40  # of Newton's method at most; most stop on a gap of `ROUND_GAPS` before
)
CHOLESKY_SIZE = 48  # from here on Cholesky's inverse, one by one, is faster
FIRST_SLACKS = (0.5, 0.05)  # slacks to begin with, of the spread and at least
SAMPLE_ROUNDS = 2  # in which samples are added where the functions are largest
HOPELESS_EXCESS, EARLY_GAP = 0.02, 0.3  # so far above the target, a rough bound will do
SURE_MARGINS = (3.0, 0.1, 0.0)  # so far below the target, samples need not be better
ROUND_GAPS = (1e-2, 1e-3, 2e-6)  # gaps at which each round ends, ...
ROUND_EXCESS_SHARES = (0.5, 0.2, 0.1)  # and of the excess over the target
BOUNDARY_SHARE = 0.995  # of the way to the boundary: a step ends inside

# -- its samples -----------------------------------------------------------------------

# samples of a lone coordinate, and of one among several
LONE_SAMPLES, SHARED_SAMPLES = 25, 17
KINK_SAMPLES = 7  # on each side of a kink, where functions are parabolas
REFINED_PEAKS = 2  # peaks that are looked at more closely

# -- cells of functions of one variable ------------------------------------------------

COARSE_ERROR, FINE_ERROR = 1e-3, 1e-7  # errors, of the function's spread
POLE_VALUE = 1e3  # stands for infinity where the solver samples a pole
MOST_COARSE_CELLS, MOST_FINE_CELLS = 96, 32  # cells in all, and within one
MOST_HALVINGS = 3  # of a coarse cell at once: wide cells tell little of their parts
JUMP_WIDTH = 1e-9  # width of the cell that ends at a jump, of all

# -- regions ---------------------------------------------------------------------------

SAMPLE_MARGIN = 1e-4  # by which the solver's samples may miss the largest values
ENERGY_RATE = 0.12  # at which weights of energies move

# -- energies --------------------------------------------------------------------------

FIRST_SWEEPS, REGION_SWEEPS = 60, 12  # of the fixed point, once, and for every region
MOST_ENERGY_TERMS = 1024  # terms; beyond it the factorisation takes too long
THIN_INPUT = 1e-3  # of the widest input's width: narrower ones count as that wide
