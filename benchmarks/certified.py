"""Print what certified maxima reach, beside the other optimisers installed.

    python benchmarks/certified.py                          # everything: hours
    python benchmarks/certified.py --only S1 S2 --limit 10  # some of it

Tables in Markdown.  U is the certified upper bound, L the best value known: the largest
of the witness's certified value, the published best and what any peer found.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import deuterium as dt
import problems
import solvers
from deuterium.domain.problem import Problem
from deuterium.optimize.bounders.select import select_bounder

PARTS = [*problems.SIZES, "queries", "notebook", "global"]
QUICK = ("norms", "clusters", "interval")  # of the bounders: who gives a first bound
WARM = 0.05  # seconds


def main() -> None:
    args = arguments()
    names = [*solvers.SCIPY, *solvers.installed()] if args.peers == "all" else []
    names = list(solvers.SCIPY) if args.peers == "scipy" else names
    cases = [
        problems.standard(size, activation, weights, seed)
        for size in problems.SIZES
        if size in args.only
        for weights in args.weights
        for activation in args.activations
        for seed in args.seeds
    ]
    if cases:
        table_of_networks(cases, names, args.limit)
    if "queries" in args.only:
        table_of_queries(args.limit)
    if "notebook" in args.only:
        table_of_notebook(names)
    if "global" in args.only:
        table_of_functions(names, args.limit, args.count)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="which tables")
    add("--seeds", nargs="+", type=int, default=[0], help="of the weights")
    add("--activations", nargs="+", default=list(problems.ACTIVATIONS),
        choices=list(problems.ACTIVATIONS))  # fmt: skip
    add("--weights", nargs="+", default=list(problems.WEIGHTS),
        choices=problems.WEIGHTS)  # fmt: skip
    add("--limit", type=float, help="seconds each; by default the problem's own")
    add("--peers", choices=["none", "scipy", "all"], default="all")
    add("--count", type=int, help="how many of the literature's functions")
    return parser.parse_args()


def row(*cells) -> None:
    """Print one line of a table at once, so that a long run can be watched."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(title: str, *cells) -> None:
    print(f"\n### {title}\n")
    row(*cells)
    row(*["---"] * len(cells))


def shown(x: float, digits: int = 5) -> str:
    return "" if x is None or np.isnan(x) else f"{x:.{digits}g}"


def ratio(x: float) -> str:
    return "" if x is None or np.isnan(x) else f"{x:.5f}"


# -- gradient norms of networks --------------------------------------------------------


def table_of_networks(cases, peers, limit) -> None:
    head(
        "Gradient norms: certified upper over best lower",
        "problem", "L", "U/L", "target", "within s", "status", "own lower/L", "regions",
        "verified s", "first U/L", "ms warm", *(f"{p} (s)" for p in peers),
    )  # fmt: skip
    for case in cases:
        try:
            line_of_network(case, peers, limit)
        except Exception as error:  # the other lines are wanted all the same
            row(case.name, f"{type(error).__name__}: {error}"[:200].replace("|", "/"))


def line_of_network(case, peers, limit) -> None:
    seconds = case.limit if limit is None else min(limit, case.limit)
    start = time.perf_counter()
    e = dt.maximize(
        case.graph, case.domain, rtol=max(case.target - 1, 1e-6), time_limit=seconds
    )
    took = time.perf_counter() - start
    theirs = {p: answer(case, p, seconds) for p in peers}
    proven = [v for p, (v, _, _) in theirs.items() if p in solvers.SCIPY]
    best = np.nanmax([e.lower, case.known, *proven])
    first, ms = first_bound(case)
    row(
        case.name,
        shown(best, 8),
        ratio(e.upper / best),
        case.target,
        f"{took:.2f}",
        e.status,
        ratio(e.lower / best),
        e.regions,
        verified(e, case),
        ratio(first / best),
        shown(ms, 3),
        *(peer_cell(t, best) for t in theirs.values()),
    )


def answer(case, peer: str, seconds: float):
    if peer in solvers.SCIPY:
        return solvers.by_scipy(case, peer, seconds)
    return solvers.by_solver(case, peer, seconds)


def peer_cell(answer, best: float) -> str:
    value, upper, seconds = answer
    if np.isnan(seconds) or (np.isnan(value) and np.isnan(upper)):
        return "-"
    bracket = ratio(value / best) + ("" if np.isnan(upper) else f"..{upper / best:.5f}")
    return f"{bracket} ({seconds:.1f})"


def first_bound(case) -> tuple[float, float]:
    """Return the least bound of the whole domain to be had at once, and its time.

    Of the bounders that need no more than 50 ms, the best; else the fastest.
    """
    found = []
    for method in QUICK:
        try:
            bounder = select_bounder(Problem(case.graph, case.domain), method)
        except dt.DeuteriumError:
            continue  # it does not fit this graph
        times = []
        for _ in range(4):
            region = bounder.root()
            start = time.perf_counter()
            upper = float(bounder.bound(region, -np.inf).upper[0])
            times.append(time.perf_counter() - start)
        found.append((float(np.median(times[1:])), upper))
    quick = [(upper, seconds) for seconds, upper in found if seconds <= WARM]
    seconds, upper = min(found)
    upper, seconds = min(quick) if quick else (upper, seconds)
    return upper, 1000 * seconds


def verified(e, case) -> str:
    """Return how long the certificate took to check, or why it failed."""
    start = time.perf_counter()
    try:
        if e.certificate is None:
            return "no certificate"
        e.certificate.verify(case.graph, case.domain)
    except Exception as error:  # the other lines are wanted all the same
        return f"{type(error).__name__}: {error}"[:90].replace("|", "/")
    return f"{time.perf_counter() - start:.2f}"


# -- queries and the seed notebook -----------------------------------------------------


def table_of_queries(limit) -> None:
    head(
        "Queries: supremum of the gradient's norm (relative gap 1e-9, in 0.2 s)",
        "query", "lower", "upper", "known", "gap", "s", "verified s", "status",
    )  # fmt: skip
    for case in problems.queries():
        start = time.perf_counter()
        e = dt.maximize(
            case.graph, case.domain, rtol=1e-9, time_limit=limit or 10 * case.limit
        )
        took = time.perf_counter() - start
        row(case.name, repr(e.lower), repr(e.upper), repr(case.known),
            f"{e.gap:.1e}", f"{took:.3f}", verified(e, case), e.status)  # fmt: skip


def table_of_notebook(peers) -> None:
    peers = [p for p in peers if p in solvers.SCIPY]
    head(
        "Seed notebook 2-2-1, per element and whole norm (1e-6, in 0.5 s each)",
        "what", "lower", "upper", "gap", "s", "verified s",
        *(f"{p} (s)" for p in peers),
    )  # fmt: skip
    elements, norm = problems.notebook()
    for case in [*elements, norm]:
        for maximize in (True, False):
            line_of_notebook(case, maximize, peers)


def line_of_notebook(case, maximize: bool, peers) -> None:
    run, side = (dt.maximize, "max") if maximize else (dt.minimize, "min")
    start = time.perf_counter()
    e = run(case.graph, case.domain, rtol=1e-6, atol=1e-12, time_limit=5.0)
    took = time.perf_counter() - start
    cells = []
    for p in peers:
        value, _, seconds = solvers.by_scipy(case, p, 1.0, maximize)
        cells.append(f"{value:.9g} ({seconds:.2f})")
    row(f"{case.name} {side}", f"{e.lower:.12g}", f"{e.upper:.12g}", f"{e.gap:.1e}",
        f"{took:.3f}", verified(e, case), *cells)  # fmt: skip


# -- the literature's test functions ---------------------------------------------------


def table_of_functions(peers, limit, count) -> None:
    peers = [p for p in peers if p in (*solvers.SCIPY, "SCIP")]
    head(
        "Test functions, minimised (bracket of 1e-6; a peer's hit is a value to 1e-6)",
        "function", "n", "lower", "upper", "known", "inside", "solved", "s",
        "verified s", *peers,
    )  # fmt: skip
    solved, hits, n = [], {p: [] for p in peers}, []
    for case in problems.global_functions()[:count]:
        seconds = limit or case.limit
        inside, done = line_of_function(case, peers, seconds, hits)
        solved.append(inside and done)
        n.append(sum(s.size for s in Problem(case.graph, case.domain).symbols))
    total, n = len(solved), np.array(n)
    planes = np.array(solved)[n == 2]
    print(f"\nsolved: {sum(solved)} of {total}; of two inputs {planes.sum()} of "
          f"{len(planes)}")  # fmt: skip
    for p in peers:
        print(f"{p}: {sum(hits[p])} of {total}")


def line_of_function(case, peers, seconds: float, hits) -> tuple[bool, bool]:
    start = time.perf_counter()
    e = dt.minimize(case.graph, case.domain, rtol=1e-6, atol=1e-6, time_limit=seconds)
    took = time.perf_counter() - start
    slack = 1e-8 * max(1.0, abs(case.known))  # of the minimum as printed
    inside = e.lower <= case.known + slack and case.known - slack <= e.upper
    done = e.status == "optimal"
    cells = []
    for p in peers:
        if p == "SCIP":
            value, _, t = solvers.scip_closed_form(case, seconds)
        else:
            value, _, t = solvers.by_scipy(case, p, seconds, maximize=False)
        hit = abs(value - case.known) <= 1e-6 * max(1.0, abs(case.known))
        hits[p].append(bool(hit))
        cells.append("-" if np.isnan(t) else f"{'hit' if hit else 'miss'} ({t:.2f})")
    size = Problem(case.graph, case.domain).size
    row(case.name, size, f"{e.lower:.9g}", f"{e.upper:.9g}", f"{case.known:.9g}",
        inside, done, f"{took:.2f}", verified(e, case), *cells)  # fmt: skip
    return inside, done


if __name__ == "__main__":
    main()
