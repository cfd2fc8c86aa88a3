"""Sound intervals: what every certified number of the package is made of.

Takes numbers; gives intervals rounded outward.  The only room that rounds.
"""

from deuterium.interval import interval_arithmetic  # noqa: F401  (enters its rules)
from deuterium.interval.cause import Cause
from deuterium.interval.interval import Interval, as_interval

__all__ = ["Cause", "Interval", "as_interval"]
