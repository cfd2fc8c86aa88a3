"""Print how tight certified gradient norms of networks of many kinds are.

    python benchmarks/tightness.py                # everything, in minutes
    python benchmarks/tightness.py --only "two layers" --limit 30 --seeds 0 1 2

A table in Markdown: L is the largest norm found, U the certified bound by each method
(`auto`, and those of ``--methods`` that fit) within the limit, R its regions; V says
whether the certificate was verified, and in how many seconds.
"""

from __future__ import annotations

import argparse
import time

import architectures
import deuterium as dt
from deuterium.errors import DeuteriumError

COLUMNS = ["problem", "seed", "L", "method", "U/L", "R", "seconds", "V"]


def main() -> None:
    args = arguments()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
    for name in args.only or architectures.CASES:
        for seed in args.seeds:
            for row in rows(name, seed, args):
                print("| " + " | ".join(row) + " |", flush=True)


def rows(name, seed, args):
    v, domain = architectures.problem(name, seed)
    found = []
    for method in args.methods:
        start = time.perf_counter()
        try:
            e = dt.maximize(v, domain, rtol=1e-3, time_limit=args.limit, method=method)
        except DeuteriumError:
            continue  # it does not fit
        found.append((method, e, time.perf_counter() - start))
    best = max(e.lower for _, e, _ in found)
    for method, e, seconds in found:
        verified = checked(e, v, domain) if args.verify else ""
        yield (
            name,
            str(seed),
            f"{best:.4g}",
            method,
            f"{e.upper / best:.4g}",
            str(e.regions),
            f"{seconds:.1f}",
            verified,
        )


def checked(e, v, domain):
    start = time.perf_counter()
    try:
        e.certificate.verify(v, domain)
    except DeuteriumError as error:
        return f"{error!s:.60}"
    return f"{time.perf_counter() - start:.1f}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(architectures.CASES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--limit", type=float, default=20.0, help="seconds")
    parser.add_argument("--methods", nargs="*", default=["auto", "norms", "interval"])
    parser.add_argument("--verify", action="store_true", help="check certificates")
    return parser.parse_args()


if __name__ == "__main__":
    main()
