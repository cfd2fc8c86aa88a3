"""What steers training: which losses are taken apart, how a step is bounded.

Most of it decides how tight a bound is and how long it takes.  What says by how much
rounding may fall short (`GROWN`, `LOST_OF_TERMS` and the like) is part of the proof: it
may be made larger, never smaller.
"""

from __future__ import annotations

# -- what steps are watched for --------------------------------------------------------

FIRST_STEPS = 3  # steps whose largest sensitivity the later ones are compared with
# over these, and within: no start calls for as much
GROWTH_OVER_FIRST, LEAP_WITHIN_FIRST = 30.0, 1e3
LEAST_COMPARED = 1e-12  # sensitivities to compare with: weights of zero have none

# -- sums of gradients -----------------------------------------------------------------

BUDGET_KEPT = 1 - 1e-7  # of what is left: what sums and squares may lose to rounding
# combinations of secret values whose norms are worked out for each record
MOST_SECRETS = 256
# batches are filled up to a multiple of it, so that few sizes are compiled
ROW_MULTIPLE = 64
MOST_ROWS = 2048  # rows at once: memory stays small, and so do rounding errors
MOST_HELD = 2**22  # numbers of single records' gradients at once: 32 MiB
COMPUTED_ERROR = 1e-9  # what a computed norm, or a loss, may be wrong by, relatively
# what is squared for a norm counts as the first, at least, so that products of three
# squares are normal numbers; gradients shorter than the second count nothing
LEAST_SQUARED, SHORTEST = 1e-50, 1e-140

# -- noise -----------------------------------------------------------------------------

# pays for the roundings of a product of the multiplier and a scale
NOISE_ROUNDING = 1 + 1e-6
LEAST_NOISE = 1e-30  # noise is never less: samplers ask for some
NO_BOUND = 1e100  # bounds that are none: squares must not overflow
LEAST_PART = 1e-6  # parts that are so much smaller than the largest are taken as if not

# -- the bound as a graph --------------------------------------------------------------

OUT_OF_EXPONENTIALS = 1e9  # what is so much less has no part in a sum of exponentials

# -- which losses are taken apart ------------------------------------------------------

MOST_LABELS = 16  # values that labels may have together, to be listed
LOST_PROBABILITY = 1e-12  # of a probability, that rounding may take
MOST_TERMS = 10**5  # terms that sums may have
# of a sum's absolute terms, by rounding: MOST_TERMS * 2**-53, and much to spare
LOST_OF_TERMS = 1e-10
# of one array of coefficients; what has more is not taken apart
MOST_COEFFICIENTS = 2**22
MOST_PRODUCTS = 4096  # of two arrays that both vary, in a product of matrices

# -- tables of hubs --------------------------------------------------------------------

FARTHEST_RANGE = 1e6  # no range may reach further
# within this distance of 0 cells are about equally wide, then they grow
EVEN_CELLS = 1.5
GROWN = 1 + 1e-10  # pays for the roundings of a few sums of positive terms, anywhere
JUMP_OF_VALUES = 1e-3  # of values, by which those either side of an edge may differ

# -- ranges of a step ------------------------------------------------------------------

LARGEST_NUMBER = 1e50  # numbers with which nothing underflows, or overflows, unnoticed
# elements below it count as this large: their squares do not underflow
LEAST_ELEMENT = 1e-70
LEAST_LENGTH = 1e-150  # of a length: what the underflow of squares has no part in
GRAM_SQUARINGS = 3  # of a Gram matrix: its norm is known to a factor of n**(1 / 16)
UNDERFLOW_OF_RANGES = 1e-140  # what underflows has no part in it

# -- bounds of a step ------------------------------------------------------------------

# of the width of cells, for many hubs and for one
CELL_GROWTH, LONE_CELL_GROWTH = 0.06, 0.04
MOST_ENERGY = 128  # terms and rules that an energy may have, the fewer of both
LATER_STEPS = 6  # steps of the solver then
# steps where the bound has become so much larger
JUMP_OF_BOUND, STEPS_AFTER_JUMP = 1.1, 40
UNDERFLOW_OF_LOGARITHM = 1e-9  # of a logarithm: what underflows has no part in more
LARGEST_WEIGHTS = 1e100  # squared lengths of weights for which no bound is tried
# for which the enclosure alone is worked out, where it was the smaller
ENCLOSED_CALLS = 32
# factors: where the enclosure was larger by the first, it is not worked out again
# before the bound has changed by the second
CLEARLY_LARGER, MUCH_CHANGED = 1.5, 1.1
LEAST_BOUND = 1e-100  # no bound is smaller: what underflows has no part in it

# -- weights near by -------------------------------------------------------------------

WORSE_BY_REACH = 0.005  # a share: what a bound may lose by the distance
# by which ranges would be much wider than they have to be
TOO_MUCH_WORSE = 2 * WORSE_BY_REACH
UNCHANGED = 1e-15  # a share: what is lost where nothing changes, by rounding
FIRST_RADIUS = 1e-6  # in units of the largest weight
SHORTEST_REACH, LONGEST_REACH = 0.5, 64.0  # what `reach` may be
# factors by which it changes at once, at the most
SLOWEST_CHANGE, FASTEST_CHANGE = 0.5, 2.0
LATEST_CALL = 1024  # calls after which multipliers are improved, whatever they gain
STALE, MOST_STALE = 0.002, 0.02  # shares by which a bound changes before they are
LEAST_GAIN = 0.001  # a share: where a bound gains less, they are improved half as often
AGAIN_BY = 1.05  # such a factor, where it was too short to be tried

# -- the solver of a step --------------------------------------------------------------

FIRST_STEPS_OF_SOLVER = 100  # steps of the method at the first call
RATES = 0.15, 0.02  # of its steps, in natural units, from the first to the last
TEMPERATURES = 0.3, 0.002  # temperatures, of the logarithm
LEAST_SUM = 1e-200  # no tangent is taken below it
# the same, at later calls
LATER_RATES, LATER_TEMPERATURES = (0.03, 0.01), (0.005, 0.002)
LEAST_DIVISOR = 1e-12  # below this nothing is divided by it
