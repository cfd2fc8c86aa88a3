"""The checker of certificates: ball arithmetic, and nothing of the search's code.

It shares with the rest of the package the graph, its derivative and simplification, and
the type of domains; how values, ranges and bounds are worked out here is its own.

References: F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval
arithmetic", IEEE Transactions on Computers 66, 2017.
"""
