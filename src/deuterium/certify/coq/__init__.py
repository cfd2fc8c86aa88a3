"""A certificate as a Coq file: the bound over the reals, proved by Coq's kernel.

Takes the certificate of a scalar problem; gives a file that needs Coq, Coquelicot and
coq-interval, and nothing of deuterium.
"""
