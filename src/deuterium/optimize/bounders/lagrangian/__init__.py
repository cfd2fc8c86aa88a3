"""What a Lagrangian bound is made of: graphs taken apart, functions, and solvers.

G. P. McCormick, Mathematical Programming 10, 1976: factorable programs and their
auxiliary variables; A. M. Geoffrion, Mathematical Programming Study 2, 1974: Lagrangean
relaxation, whose bound holds for any multipliers.

The logarithm R is ``log_form(problem)``: with ``parts = [(1, F)]``, take (k, v) off the
end of a stack, where reshapes of scalars are looked through: ``a * b`` (both >= 0) puts
(k, b) and then (k, a) back; ``a / b`` (a >= 0, b > 0) puts (-k, b), then (k, a);
``sqrt(a)`` (k / 2, a); ``square(a)``, a >= 0, (2 k, a); ``reciprocal(a)``, a > 0, (-k,
a); of ``expit(t)``, ``ndtr(t)``, ``exp(t)`` the part is (k, ``log_expit(t)``), (k,
``log_ndtr(t)``), (k, t), and of all else, if >= 0, (k, ``log(v)``).  R is the sum of
``k * part`` in that order.  Signs are those of enclosures over the domain, or of
``op.lower_bound``.  If F is none of these, R is F.
"""
