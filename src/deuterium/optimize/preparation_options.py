"""What steers `maximize` before its loop: shares of the time, the root, poles.

None of it can make a bound wrong: it decides what is tried for a bound or a reason, and
what that may cost.
"""

from __future__ import annotations

# -- time ------------------------------------------------------------------------------

PREPARING_SHARE = 0.5  # of the time may go to preparations
SHORTEST_SECONDS = 1e-3  # to ask whether there is any point, where the time is over

# -- the enclosure at the root ---------------------------------------------------------

# seconds a node: with less, the graph is first taken as it is written; ten times what
# preparing it takes on a quiet machine
RICH_SECONDS = 5e-4
# seconds a node for that alone; made of arrays it takes twice as long
POOR_SECONDS = 1.5e-5

# -- poles -----------------------------------------------------------------------------

MOST_POLE_NODES = 2_000  # that are looked at; 800 with a hundred poles take 1.4 s

# -- points where the objective is undefined -------------------------------------------

TRIED_POINTS = 256  # points drawn: one batch of the compiled graph
BISECTIONS = 60  # of the way between two points: the width of a box is a double's then
MOST_PARTIAL_NODES = 16  # operators that are looked at, each with a graph of its own
# of the way from a point at which a divisor is 0: no shorter, as it is a sum of numbers
# of which some 15 digits are known, and its square may well be what counts
STEPS_TO_ZEROS = (2.0**-6, 2.0**-12, 2.0**-18)
NEAR_ZERO = 1e-13  # what a sum of numbers around 1 may be that is 0 without rounding
FEW_ZEROS = 4  # points at which a divisor seems to be 0 that are enclosed
MOST_ARGUMENTS = 4096  # elements of an operator's argument, whose values are kept
