"""What steers the loop of branch and bound, and what it costs to keep.

None of it can make a bound wrong: it decides how soon the two ends meet, how late a
limit may be noticed and how much memory is counted for what is kept.
"""

from __future__ import annotations

# -- the loop --------------------------------------------------------------------------

FIRST_SEARCH_SHARE = 0.3  # of the time left may go to the first search
WORTH_SHARE = 0.1  # of the largest excess: regions with less of it are left for later
OFFER_SHARE = 0.05  # of the time left may go to a search among bounds
FINEST_SIDE = 2.0**-40  # of the root: an infinite bound on so small a region is a pole
FAREST_END = 2.0**400  # and on one so far out, an objective that grows without end
DEEPEST_CUTS = 4000  # one below the other: deeper, a region is left as it is
# a batch may be so many times smaller than the bounder likes, to be shared
BATCH_DIVISOR = 4
# seconds of work that are worth a message to one of several workers
MESSAGE_SECONDS = 0.03
BATCH_FACTOR = 8  # times the bounder's batch, at most
WAIT_SECONDS = 0.2  # seconds between two looks at the clock while workers work

# -- its limits ------------------------------------------------------------------------

# of the limit, and seconds: how late work on the bounds may still be going on, and the
# first bound of all, without which there would be none
LATE_SHARE, LATEST_SECONDS = 0.05, 0.2
LAST_SECONDS = 0.45  # besides, for the first bound of all

# -- the lower side --------------------------------------------------------------------

SEARCH_STARTS = 16  # points that the search begins with
SEARCH_ROUNDS = 2  # of the search, each time it has its turn
MOST_RESTS = 16  # offers passed over at most, where they brought nothing
# seconds after which a search that does not end by itself is given up
SEARCH_LATE_SECONDS = 0.1
NEAR_ZERO = 1e-8  # of the enclosure's size, or of 1: what is so small counts as 0
GAIN_NOISE = 2.0**-50  # relative; a gain below it is rounding
STEPS_BACK = (
    1e-14,
    1e-11,
    1e-8,
    1e-5,
)  # shares of the way back to the last point that was certified

# -- workers ---------------------------------------------------------------------------

# batches given to each of several workers before the first comes back
BATCHES_AHEAD = 2
# batches for each worker that bring the problem along, unasked
BATCHES_WITH_PROBLEM = 4
LOSSES_IN_A_ROW = 3  # batches lost in a row, and an executor is not asked again
PATIENCE_SECONDS = 60.0  # seconds without any answer, and a batch is done here
PROBLEMS_KEPT = 4  # problems that a worker remembers
ORPHAN_LOOK_SECONDS = 0.5  # between two looks at whether the parent is there
PROGRESS_LOOK_SECONDS = 0.1  # between two lines on the screen

# -- memory ----------------------------------------------------------------------------

NODE_BYTES = 24  # bytes a node takes in lists
QUEUED_BYTES = 180  # bytes a region takes in the queue
FRONT_REGIONS = 2048  # regions put into the queue at a time
ROW_BYTES = 40  # bytes that a row takes beside its numbers, in the list of free ones
OBJECT_BYTES = 40  # bytes that an object of bytes takes beside what is in it
FIRST_ROWS = 64  # that columns have room for to begin with
ROWS_GROWTH = 1.5  # of rows, when they are full: few copies, little waste
