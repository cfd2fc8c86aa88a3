"""Print how tight certified gradient norms of many kinds are, and what is made of them.

    python benchmarks/tightness.py                           # hours
    python benchmarks/tightness.py --quick --peers none      # a tenth of the limits
    python benchmarks/tightness.py --only "two layers" S4 --seeds 0 1 2 --verify --each

A table in Markdown, a row a problem (`tightness_rows.py`), over seeds of its weights:
median and largest of the certified bound over the best value found (or of what the
row's name says instead); whether that meets the goal: `all` seeds, the `median`, or
`no`; the figure before closer bounds were worked on, a constant of the script; regions
and seconds (medians), by the wall and of the processor: fewer of the latter say that
the machine was busy; with --verify, the median seconds to check a certificate, or why
one failed; and what peers prove of the same problem within the same time over the same
best value, where they are installed and it fits them (`peers.py`): SCIP and Gurobi by
`pip install pyscipopt gurobipy`, and auto_LiRPA as the head of `lirpa.py` says.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np

import peers
import tightness_rows
from deuterium import budget
from tightness_runs import Measured, Settings

COLUMNS = (
    "problem", "median", "worst", "goal", "met", "before", "regions", "seconds",
    "processor", "limit", "certificate",
)  # fmt: skip


def main() -> None:
    args = arguments()
    if args.processor:  # all limits of the package go by this clock
        budget.now = time.process_time
    settings = Settings(limits(args), args.verify, args.peers == "all")
    titles = [*COLUMNS, *(peers.PEERS if settings.peers else ())]
    line(titles)
    line(["---"] * len(titles))
    for row in chosen(args.only):
        measured = list(of_row(row, args.seeds, settings))
        if args.each:
            for one in measured:
                line(cells(row, [one], one.what, settings))
        line(cells(row, measured, row.name, settings))


def line(words) -> None:
    print("| " + " | ".join(words) + " |", flush=True)


def chosen(names):
    """Return the rows whose names begin with one of those given."""
    rows = tightness_rows.ROWS
    for name in names or ():
        if not any(r.name.startswith(name) for r in rows):
            known = "; ".join(r.name for r in rows)
            raise SystemExit(f"no row begins with {name!r}; there are: {known}")
    return [r for r in rows if not names or any(map(r.name.startswith, names))]


def limits(args):
    """Return what a row's own limit becomes."""
    if args.limit:
        return lambda seconds: args.limit
    return lambda seconds: seconds * (0.1 if args.quick else 1)


def of_row(row, seeds, settings):
    """Yield what is measured, seed by seed; what fails is infinitely loose."""
    for seed in seeds:
        try:
            yield from row.runs(seed, settings.limit(row.limit), settings)
        except Exception as error:  # the other rows are wanted all the same
            told = f"{type(error).__name__}: {error}".replace("|", "/")[:90]
            yield Measured(f"seed {seed}: {told}", math.inf, certificate=told)


def cells(row, measured, name, settings):
    ratios = [m.ratio for m in measured]
    middle, worst = float(np.median(ratios)), max(ratios)
    goal = f"{row.goal:g}" + (
        f", none over {row.most:g}" if row.most < math.inf else ""
    )
    return [
        name,
        f"{middle:.4g}",
        f"{worst:.4g}",
        goal,
        met(row, middle, worst),
        row.before,
        median(m.regions for m in measured),
        median(m.seconds for m in measured),
        median(m.processor for m in measured),
        "" if math.isnan(row.limit) else f"{settings.limit(row.limit):g}",
        proofs([m.certificate for m in measured]),
        *(theirs(measured) if settings.peers else ()),
    ]


def met(row, middle: float, worst: float) -> str:
    if worst <= row.goal:
        return "all"
    return "median" if middle <= row.goal and worst <= row.most else "no"


def median(numbers) -> str:
    known = [x for x in numbers if not math.isnan(x)]
    return f"{np.median(known):.3g}" if known else ""


def proofs(told) -> str:
    """Return the median of the seconds to check, or the first that failed."""
    seconds = [float(t.removesuffix(" s")) for t in told if t.endswith(" s")]
    if len(seconds) < len(told):
        return next(t for t in told if not t.endswith(" s"))
    return f"{np.median(seconds):.3g} s"


def theirs(measured):
    """Yield each peer's median, or why there is none."""
    for peer in peers.PEERS:
        found = [m.peers.get(peer, peers.UNFIT) for m in measured]
        numbers = [x for x in found if not isinstance(x, str)]
        yield f"{np.median(numbers):.4g}" if numbers else found[0]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", metavar="ROW", help="rows, or what their names begin with")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the weights")
    add("--limit", type=float, help="seconds of each run, in place of the rows' own")
    add("--quick", action="store_true", help="a tenth of the rows' own limits")
    add("--processor", action="store_true", help="limits are of processor seconds")
    add("--verify", action="store_true", help="check the certificates")
    add("--each", action="store_true", help="also a line for each problem and seed")
    add("--peers", choices=["all", "none"], default="all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
