"""The command line: for how long, from which seed, where failures go."""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import signal
import sys
from pathlib import Path

from . import run


def main() -> int:
    """Run the adversary; exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.adversary")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--step", type=int, default=1, help="between cases")
    parser.add_argument("--heavy", type=float, default=0.3)
    parser.add_argument("--known", action="append", default=[], help="kinds not shown")
    parser.add_argument("--skip", action="append", default=[], help="checks left out")
    parser.add_argument("--out", type=Path, help="a file for failures, one a line")
    parser.add_argument("--repeat", type=Path, help="such a file: check them again")
    parser.add_argument("--coverage", action="store_true")
    given = parser.parse_args()
    faulthandler.register(signal.SIGUSR1)  # where is it? `kill -USR1` says
    if given.repeat:
        failing = 0
        for line in given.repeat.read_text().splitlines():
            found = run.repeat(line)
            failing += bool(found)
            print(*(found or ["holds"]))
        return int(failing > 0)
    out = given.out.open("a") if given.out else None
    report = run.run(
        itertools.count(given.seed, given.step),
        minutes=given.minutes,
        known=tuple(given.known),
        heavy=given.heavy,
        out=out,
        skip=frozenset(given.skip),
    )
    if given.coverage:
        print(*report.coverage(), sep="\n")
    print(*report.lines(), sep="\n")
    if report.missing():
        print("never drawn:", *sorted(report.missing()))
    return int(bool(report.kinds))


if __name__ == "__main__":
    sys.exit(main())
