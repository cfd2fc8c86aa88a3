"""What steers the bounds of pairs of records: cells, searches, tables.

None of it can make a bound wrong: it decides how sharp a bound is when the time is up.
"""

from __future__ import annotations

# -- cells of pairs --------------------------------------------------------------------

FIRST_TAU_CELLS = 4  # cells of tau to begin with
FINEST_TAU = 1 / 256  # of tau, relative
TAU_BLUR = 0.2  # of what is lacking: due to the width of tau, so that it is halved
Z_SPLITS = 40  # of ranges of z, one within the other
ENOUGH_GAIN = 0.25  # of what is lacking: if a cut gains that, nothing is halved yet
PLANNING_SHARE = 0.1  # of the time that is left, at most, for one affine cut
CELL_BATCH = 48  # cells bounded together
INNER_CELLS = 160  # cells that are halved before something else is
FLAT_RANGE = 0.02  # range of d so narrow that halving t helps less than the rest
LEVEL_UNIT = 5e-3  # what a unit of t counts where d is level
STEEPEST_CUT = 16.0  # slopes at most, in squared distances over widths of z

# -- ranges ----------------------------------------------------------------------------

INSTEAD_OF_INFINITY = 1e100  # in place of infinity
# of a range: what is curved by more than this is taken by its range
SMOOTH_CURVATURE = 0.5
CORNER_CURVES = 3  # of which all corners are looked at

# -- multipliers -----------------------------------------------------------------------

MULTIPLIER_ROUNDS = 9  # of the search for multipliers
NEARLY_BEST = 2e-3  # of all terms: so close to the best, a place counts
# how the largest of corners is smoothed
FIRST_SMOOTHING, SMOOTHING_FACTOR, LAST_SMOOTHING = 0.1, 0.5, 1e-4

# -- the search of far pairs -----------------------------------------------------------

ROUND_PAIRS = 480  # pairs that a round starts with
ROUNDS = 3  # of a search without a time limit: more find little more
PAIRS_KEPT = 64  # best pairs of a round, which the next starts from

# -- tables ----------------------------------------------------------------------------

TABLE_PIECES = 96  # pieces of a pre-activation's range
# where to put them: equal pieces, and a least density
EQUAL_PIECES, LEAST_DENSITY = 64, 0.15
# of one function at most; how often a range is halved to find one
MOST_KINKS, KINK_HALVINGS = 3, 40

# -- taking a gradient apart -----------------------------------------------------------

MOST_COEFFICIENTS = 4_000_000  # of an array affine in inputs: 32 MB
