"""What steers the derivative bounder: sizes of graphs, rounds, trials and steps.

None of it can make a bound wrong: each says how often something valid is done once
more, or when it is left out.  It decides how sharp a bound is and what it costs.
"""

from __future__ import annotations

# -- curvatures ------------------------------------------------------------------------

# nodes of the slopes' graph, times inputs: beyond it curvatures are not worth the price
MOST_SLOPE_NODES = 8_000
MOST_CURVATURE_NODES = 4_000  # nodes of their graph, before it is simplified
# regions of one size whose curvatures are looked at in any case, and the share of them
# that must be settled by it so that it goes on
CURVATURE_TRIALS, CURVATURE_SHARE = 64, 0.04

# -- slopes ----------------------------------------------------------------------------

# of more inputs than this, slopes are looked at in so many regions of one size in any
# case, and go on where they take off that share of what bounds exceed the best value by
ALWAYS_SLOPES = 8
SLOPE_TRIALS, SLOPE_SHARE = 64, 0.1

# -- regions ---------------------------------------------------------------------------

FACE_ROUNDS = 4  # of shrinking a region to a face and looking again
NEWTON_ASCENT = 5  # Newton steps towards the maximum of a concave region
MOST_POINTS = 8  # points of a batch that are offered to the search
