"""Inputs of which finitely many values matter, and people who may change places.

What is proved, so that another program can prove it again.

Words.  F is ``problem.objective``, D the domain; F is defined throughout D.  For some
inputs j, movable and bounded, there is a list V_j of numbers, rising, from the least
value of the input to the largest.  It *suffices* for one of these reasons:

* ``"ends"``: F, as a function of that input alone, is largest at an end, whatever the
  others are (`quasi_convex`);
* ``"together"``: all the inputs with this reason have the same two ends, and F, as a
  function of all of them, the others being fixed, is largest at a corner;
* ``"places"``: F jumps at numbers that are all in V_j, and is constant between two
  neighbours of V_j between which there is none (`breakpoints`).

*People* are lists of as many inputs each, corresponding ones with the same values, or
else movable and with the same two ends, that may change places: F stays what it is
(`interchangeable`).  An input without values is *free*: all between its ends matter.

Then ``sup F`` over D is that over S, the points of D with every such input at a value
of its list and the people of each class in rising order (that of their inputs, the
first that differs counting; of people with a free input, that of their first inputs
alone).  For replace the listed inputs one after the other, those
"together" all at once: F does not fall.  Then put each class in order: F stays.

A region stands for the points of S in it.  So it may be tightened to the values that
are in it, and a person's input to at least that of the person before, and to at most
that of the one after, if both have equal inputs before it; and it is empty if nothing
is left.  A bound of F over the box is one over the points of S in it.  A face stays in
S, people being in order by one input each, if with whoever rises those behind rise, and
with whoever falls those before fall, as far as they would not be in order; so that is
asked of a face.  That only the ends of an input matter is never asked of a free one in
order: its ends need not be in S.  What has no maximiser in it (`bounders.derivative`)
has none in S, of which the largest value is that of D.

It is told once for all regions, in the facts of the certificate: ``{"finite": {"at":
[j...], "values": [[...]...], "by": [reason...], "people": [[[j...]...]...]}}``.
"""

from deuterium.optimize.bounders.finite_values.finite_reduction import (
    finite_reduction_of,
)

__all__ = ["finite_reduction_of"]
