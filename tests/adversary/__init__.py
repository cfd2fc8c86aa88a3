"""A standing adversary: it looks for one certified number that is false.

It draws graphs and domains unlike those of the other fuzzers, works out exact values in
ball arithmetic by definitions of its own, and holds everything the package certifies
against them, with no tolerance.  Run it for as long as you like::

    python -m tests.adversary --minutes 30 --seed 0

The rooms, from below: ``values`` (exact values), ``regions`` (domains and
points of them), ``moves`` and ``graphs`` (graphs), ``case`` (both together), ``checks``
(what is held against what), ``shrink`` (smaller failures), ``run`` (the loop and its
counts).  ``foreign`` and ``command`` look at no numbers: they call everything on
anything, and see that only errors of the package's own come out.
"""
