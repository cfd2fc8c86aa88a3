"""Certificates: the proof of a bracket, its format, and its independent checker.

Takes a proof tree; gives a file, and a verdict on one.  It knows graphs, derivatives
and domains, and nothing of the search or the bounders.
"""

from deuterium.certify.certificate import Certificate

__all__ = ["Certificate"]
