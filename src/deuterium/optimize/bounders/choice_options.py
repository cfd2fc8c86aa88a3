"""What steers the choice of a bounder, and what is cut apart before it.

None of it can make a bound wrong: it decides which valid bounds are worth their price.
"""

from __future__ import annotations

# -- labels ----------------------------------------------------------------------------

MOST_LABEL_VALUES = 16  # combinations of labels' values, each with a bounder of its own
WIDEST_LABEL = 4  # elements of a convex label: it has two to their power ends
MOST_ENDS = 8  # elements of a label of which the two ends are cut apart first
# so few forms' first regions get no more than others, who close in as soon, but where a
# bounder takes its first one by itself; and two starts are not worth their time
FEW_FORMS = 4
BEGINNING_SHARE = 0.4  # of the time: what bounders plan for the first of their regions

# -- which bounder ---------------------------------------------------------------------

FEW_INPUTS = 4  # so few are best cut themselves
# layers that values are propagated back through, for each input, beyond which a region
# of clusters takes longer than the thousands of boxes that say more: gates of recurrent
# networks are such layers
DEEPEST = 2.0
# so few inputs are cut by themselves where clusters do not fit, and where lengths take
# off too little of the enclosure
MOST_CUT, SHORTER = 32, 0.9
CLOSE = 1.02  # ratio of bound to value reached at which nothing is left to gain
# where an infinite side is cut first, then at its square, the square of that, ...
FIRST_CUT = 2.0**10
MOST_POINTS = 1 << 14  # of a domain that is a list of them: some seconds of intervals
