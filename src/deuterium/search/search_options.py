"""What steers the search: how many points, steps and generations, and what is close.

None of it can make a value wrong, for every value is one at a point; it decides how
good the points are that the search ends with, and what they cost.  A change of them is
judged by ``benchmarks/test_global.py``.
"""

from __future__ import annotations

import numpy as np

# -- the call --------------------------------------------------------------------------

# points at which all elements of an array are looked at, before any is climbed alone
SHARED_POINTS = 512
# of the limit, and seconds, to bring things to an end
LATE_SHARE, LATE_SECONDS = 0.05, 0.25
# elements, of which each may have a search of its own without a limit
THOROUGH_ELEMENTS = 64

# -- all elements of an array at once --------------------------------------------------

KEPT_POINTS = 64  # points remembered for every element to start from
# points, and steps uphill, where elements are very many
ELEMENT_POINTS, ELEMENT_STEPS = 4, 20
ELEMENT_CLIMBS = 256  # elements that are climbed so, where there is no time limit

# -- SciPy's methods -------------------------------------------------------------------

SCIPY_ROUNDS = 1000  # of the methods that go by rounds; what ends them is the limit
SHGO_INPUTS = 7  # inputs: of a box of more, shgo takes minutes for the corners alone
NOT_FINITE = 1e300  # stands for what is not finite, which some methods cannot take

# -- a population ----------------------------------------------------------------------

GIVEN_ROWS_CLIMBED = 8  # rows handed in that are climbed from
PATIENT_GENERATIONS = 20  # generations without a gain, after which it ends by itself
QUIET_GENERATIONS = 4  # of them, after which the best point is worth finishing
LEAST_GAIN = 1e-6  # relative: less is none
ENDLESS_VALUE = 1e200  # so large is a value of what has no end

# -- its generations -------------------------------------------------------------------

DRAWN_PER_ROW = 16  # points drawn for every one that is followed
FIRST_CLIMB_STEPS = 60  # from points that were drawn: far from any hilltop
CHILD_CLIMB_STEPS = 30  # a child starts close to where a parent has climbed
NEWTON_STEPS = 8  # where there are few inputs; each doubles the digits
SETTLED_ROWS = 6  # rows at most in each generation that are taken to their piece's best
SETTLED_INPUTS = 160  # inputs: of more, a step towards a piece's best takes too long
SETTLED_CLOSENESS = 0.1  # relative: only rows so close to the best are settled
SETTLED_SELDOM = 0.2  # of the generations settle one row, where that brings nothing
CROSSED_SHARES = (0.05, 0.5)  # of the children cross a kink, at least and at most
OPINION_EASE = 0.9  # what a round leaves of an opinion of what brings gains
STALE_GENERATIONS = 15  # that bring nothing much, after which a population is left
MUCH_GAIN = 1e-3  # relative, summed over the population
ALIKE_VALUES = 1e-7  # relative: values that close are one hill
REMEMBERED_HILLS = 8  # best rows of populations that were left, to meet one another

# -- what children are -----------------------------------------------------------------

BEST_ONE_IN = 5  # one in so many of a population are its best
# drawn from, as all below, so that small and large moves are both tried
DIFFERENCE_SHARES = (0.3, 0.6, 0.9)  # of a difference between two points
CHANGED_SHARES = (0.1, 0.3, 0.6, 1.0)  # of the inputs that change
INPUTS_TO_ENDS = (1, 2, 3, 5, 8)  # inputs moved to an end
REDRAWN_SHARES = (0.05, 0.1, 0.2, 0.4)  # of the inputs that are drawn anew
SHAKE_SCALES = (0.001, 0.01, 0.03, 0.1, 0.3)  # of the width that all are shaken by

# -- climbing --------------------------------------------------------------------------

FIRST_MOVE = 0.1  # of the width: the first step's longest move
LEAST_MOVE = 1e-12  # of the width: a shorter move is none
STEP_SHRINK = 0.25  # what is left of a step that did not go uphill

# -- moving one input ------------------------------------------------------------------

SWEEP_NUMBERS = 2**21  # numbers in the rows tried at once: 16 MiB
SWEEP_PASSES = 12  # over all inputs, trying every input's other end
SWEEP_CLIMB_STEPS = 40  # from the best values of a finite input
VALUES_CLIMBED = 16  # values of a finite input that are climbed from

# -- moving across a kink --------------------------------------------------------------

SCALARS_MINDED = 32  # scalars at most whose side is kept while one changes its own
PAST_KINK = 1e-6  # of a scalar's slopes a width: how far past its zero it goes
STEEP_ARGUMENT = 3.0  # in size: where a saturating function is still steep
# where its argument is put (a standard deviation), and how far others may move
ARGUMENT_SPREAD, ARGUMENT_STAY = 0.7, 0.3
SHIFT_ROUNDS = 10  # of shifting to other inputs what the box has cut off
SHORTEST_RIDGE = 1e-9  # relative, on the diagonal: the system may be singular

# -- within the piece between kinks ----------------------------------------------------

PIECE_WALLS = 48  # at most, the nearest: SciPy's method is cubic in them
WALL_MARGIN = 1e-9  # of a wall's slopes a width: how far to stay from it
PIECE_STEPS = 60  # of SciPy's method, as many as a first climb has
WALL_NEAR = 1e-5  # of a wall's slopes a width: points so near are tried upon it, too
ONTO_WALL_STEPS = 3  # of a projection, which has settled by then

# -- finishing -------------------------------------------------------------------------

NEWTON_INPUTS = 12  # inputs for which Newton's method is worth its matrix
# shares of a Newton step, tried together
NEWTON_LENGTHS = np.array([1.0, 0.5, 0.125, 2.0, 1 / 64])
CURVATURE_STEP = 2.0**-17  # of the width: where slopes are compared, for their change
ROUNDED_DIGITS = range(7)  # decimals that a point is rounded to: maxima are often round
ROUNDED_INPUTS = 128  # inputs: of more, rounding them brings nothing
