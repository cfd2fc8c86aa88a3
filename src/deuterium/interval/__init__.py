"""Sound intervals: what every certified number of the package is made of."""

from deuterium.interval.cause import Cause
from deuterium.interval.interval import Interval, as_interval

__all__ = ["Cause", "Interval", "as_interval"]
