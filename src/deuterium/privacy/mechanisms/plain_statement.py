"""What a release promises, in plain English, with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deuterium.privacy.mechanisms.attack_bounds import AttackBounds

__all__ = ["promised"]

FALSE_ALARMS = 0.01  # of the test that is described
GUESS = 0.01  # how probable a reconstruction is without the release


def promised(
    who: AttackBounds, made: str, protects: str, delta: float, rests: Sequence[str]
) -> str:
    """Return the statement.

    Parameters
    ----------
    who : AttackBounds
        What promises.
    made : str
        What was done, a sentence.
    protects : str
        What neighbouring data sets differ in.
    delta : float
        At which epsilon is stated.
    rests : sequence of str
        The assumptions, a sentence each.
    """
    epsilon, least = _above(who.epsilon_at(delta)), _above(delta)
    caught = 1 - float(who.trade_off(FALSE_ALARMS))
    known, gained = who.reconstruction(GUESS), _up(who.advantage)
    lines = [
        made,
        f"What is protected: {protects}. Whoever sees the result and knows all other "
        "records can hardly tell such neighbouring data sets apart:",
        f"- It satisfies ({epsilon}, {least}) differential privacy: whatever is "
        f"concluded from the result is at most exp({epsilon}) times as probable as "
        f"without the difference, but for a probability of {least}.",
        f"- A test with {FALSE_ALARMS:.0%} false alarms finds the difference with "
        f"probability {_up(caught)} at most; no test does more than {gained} better "
        "than chance (true less false alarms).",
        f"- A record that could be guessed with probability {GUESS:.0%} before can be "
        f"reconstructed with probability {_up(known)} at most.",
        "This rests on:",
        *(f"- {r}" for r in rests),
    ]
    return "\n".join(lines)


def _above(x: float) -> str:
    """Return a number in four digits, rounded up."""
    rounded = Context(prec=4, rounding=ROUND_CEILING).create_decimal(repr(float(x)))
    return f"{float(rounded):.4g}"


def _up(share: float) -> str:
    """Return a probability in per cent, rounded up to a tenth."""
    return f"{min(-(-share * 1000 // 1) / 10, 100.0):g} %"
