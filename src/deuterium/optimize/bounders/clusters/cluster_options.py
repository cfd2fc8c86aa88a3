"""Settings of bounds by star clusters, each with its reason."""

from __future__ import annotations

# -- which graphs are taken, and how -------------------------------------------------

FEW_PRODUCTS = 16  # products of numbers: so few are taken one by one
NEAR_ZERO = 0.6  # of the length of half ranges: matrices so near 0 are not centred
CENTRE_DIGITS = 3  # of the numbers A0, B0
MOST_PRODUCTS = 512  # of numbers, in a product of matrices; more have ranges only
MOST_SLOTS = 2  # spokes of one hub; each doubles the samples

# -- the solver's samples ------------------------------------------------------------

FLAT = -1e-12  # coefficients of squares above it have no vertex

# -- cuts ----------------------------------------------------------------------------

# cuts that are tried of a region, of the whole domain and of one in every batch, and by
# how many steps; only where that takes no more than a share of the time that is left
TRIED_FIRST, TRIED, TRIAL_STEPS, TRIAL_SHARE = 16, 6, 30, 0.05
TRIED_ALWAYS, TRIED_EVERY = 6, 3  # batches: the first ones, and some of the later
FLOOR_OF_GAINS = 0.05  # of the largest gain that is promised
LARGER_SIDE = 1 / 6  # what a side counts that gains more than the other

# -- energies ------------------------------------------------------------------------

GROWTHS = (1e-6, 1e-4, 1e-2)  # of D, until it is proved
ENERGY_DIGITS = 5  # of numbers in proofs

# -- what goes into proofs, and out of the solver ------------------------------------

MULTIPLIER_DIGITS = 7  # of multipliers that go into proofs
# layers that values go back through, from which on parts find little by themselves:
# they need the multipliers that long work on the whole domain ends with
DEEP = 3
MANY_REGIONS = 8  # regions, of which only the relaxed solutions are offered as points

# -- units ---------------------------------------------------------------------------

NARROW, WIDE = 1e-6, 50.0  # widths of ranges that units are made of

# -- certified maxima ----------------------------------------------------------------

CLOSER, PIECES = 2, 6  # how often parts of cells are divided, and into how many
ENOUGH = 1e-6  # of a value: bounds so close need no smaller parts
NUMBERS_OF_PART = 400.0  # that a part of a cell takes, of memory

# -- the first-order method ----------------------------------------------------------

# of each hub, for the solver; of inputs, whose functions are parabolas
SAMPLES, FEW_SAMPLES = 48, 17
SQUARINGS = 7  # of matrices, of whose largest eigenvalue a smooth bound is wanted
SHARP_SMOOTHING = 0.003  # smoothing by which the relaxed solution is read
SAMPLES_MISS = 1e-4  # by which samples may miss the largest values

# -- its steps -----------------------------------------------------------------------

ADAM_TINY = 1e-8  # of slopes
LOOK = 10  # steps between two looks at the bound itself
PATIENCE, WORTH = 150, 0.02  # steps in which the bound must fall so far to go on
HALF_OF_TIME = 0.5  # of the time: the latest that steps get smaller
ASTRAY = 0.3  # so far above the best, a region goes back and halves its step
# of the largest slope by a factor: where McCormick's plane starts
SLOPE_SHARE = 0.12
FADED = 8.0  # by which the logarithms of weights are less where corners do as well
THIN = 1e-6  # of the largest of an energy's D, relative to ranges
LEAST_WEIGHT = 1e-4  # of the largest weight of an energy, in the first sweep
# what an energy that nobody needs may add; its weights' logarithm
SMALL_ENERGY, LOW_WEIGHT = 0.01, -3.0
