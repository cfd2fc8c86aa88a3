"""What steers the search for inputs of which finitely many values matter.

None of it can make a bound wrong: what is not looked at is cut as it would be without.
"""

from __future__ import annotations

MOST_PLACES = 256  # places where a graph jumps, for one input: each is a region's end
LONG_SUM = 64  # summands, up to which a sum in a sum is taken apart
MOST_ELEMENTS = 200_000  # of a graph, each of which gets its number by itself
# elements of a graph where all values of people matter: order alone gains little
MOST_FREE_ELEMENTS = 5_000
MOST_PAIRS = 64  # pairs of single numbers that are looked at
FEWEST_FREE = 3  # people of whom all values matter: two would halve the work alone
OFFERED_POINTS = 8  # points of a batch worth evaluating
