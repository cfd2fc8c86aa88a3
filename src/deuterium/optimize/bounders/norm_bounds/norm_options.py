"""Settings of bounds by lengths, each with its reason."""

from __future__ import annotations

# -- which graphs are taken, and how many regions at once ----------------------------

SHARP = 4  # regions at once, up to which products are bounded over cubes
LARGE_GRAPH = 30_000  # elements of all arrays: a region takes a second
# elements of an array that is worth it, and nodes of a graph
FEWEST_ELEMENTS, MOST_NODES = 8, 5_000
CAREFUL = 8  # regions at once, up to which curves are followed closely
MOST_VERTICES = 64  # unit vectors

# -- curves that are followed closely ------------------------------------------------

LEVELS = 4  # layers down which a direction is taken
FINE, RATIO, FAR = 0.0625, 1.08, 160  # steps of `GRID`: near zero, and each to the next
COARSE = 4  # every so many points serve to choose the multiplier
SEARCHES = 12  # steps of it: a multiplier to 2 percent, and any is valid
HOPELESS = 12.0  # root mean square distance from which a ball says nothing

# -- products over cubes -------------------------------------------------------------

RANK = 8  # of the solution: local optima are then seldom bad
ROUNDS = 120  # of ascent; a bound is proved from wherever it ends
LONGEST = 600  # rows; more take too long

# -- points to start at --------------------------------------------------------------

STEEP = 3.0  # root mean square argument at a random corner, from which curves are flat
START_COUNT = 2  # of starts: they are for narrow cases only
START_SECONDS = 5.0  # for each

# -- linear maps ---------------------------------------------------------------------

MOST_ENTRIES = 2**23  # of a map that is multiplied out, 12 bytes each
CLOSE = 1.01  # times about the norm: a bound that is easily had will do
POWER_ROUNDS = 12  # of the power method, for about the norm
ROOM = 1 + 1e-7  # times a norm, so that a checker finds room for its own errors
KEPT_MAPS = 64  # maps, for the graphs of other labels and for their transposes
