"""Run the benchmarks named on the command line, or all of them, and print their tables."""

import argparse
import importlib
import os
import platform
from importlib import metadata

PARTS = {
    "speed": "cost of a check, of many, of a table; building a monitor; memory",
    "readers": "what it costs to read ten million rows, beside pandas",
    "growth": "how cost grows with history and window, with a plot in build/growth.png",
    "pager": "false pages and incidents caught on a simulated service; false alarms against the budget",
    "operator": "a month on call: exports as they are, clock changes, releases, many metrics; half an hour",
    "buckets": "counts in buckets: p-values, a pager on counts, a hundred million requests; ten minutes",
    "canary": "releases blamed that changed nothing, and those that are caught",
    "promises": "healthy windows that alarm, as a multiple of the budget, on data of many kinds",
    "seeds": "the course's sentences on sizes and orders, with 20 other seeds; a quarter of an hour",
}


def main():
    """Parse the command line and run."""
    listed = "\n".join(f"  {name:10s}{what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"parts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help="which parts to run; all by default", metavar="part")
    chosen = parser.parse_args().parts
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"no part is called {unknown[0]!r}; choose from {', '.join(PARTS)}")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "pandas"))
    print(f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores; {versions}")
    for part in chosen or PARTS:
        print(flush=True)
        importlib.import_module("tests.seeds" if part == "seeds" else f"tests.benchmarks.{part}").main()


if __name__ == "__main__":
    # Other tools' usage reports; and one thread each, so that none is measured with more cores than another.
    os.environ.update(NML_DISABLE_USAGE_LOGGING="1", DO_NOT_TRACK="1")
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    main()
