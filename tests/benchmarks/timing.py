"""How the benchmarks measure and print."""

from statistics import median
from time import process_time

SHORTEST_S = 0.02  # a measurement repeats its task until it takes this long, so that the clock's noise drowns


def median_seconds(rounds=7, **tasks):
    """Return the median processor time of each task, a function without arguments, in seconds.

    Tasks take turns, so that a slow spell of the machine falls on all of them, and what other programs take
    is not counted: ratios hold where times do not.
    """
    repeats = {}
    for name, task in tasks.items():
        task()  # the first call pays for imports and caches
        repeats[name] = max(1, round(SHORTEST_S / max(seconds(task), 1e-6)))
    times = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            times[name].append(seconds(task, repeats[name]))
    return {name: median(measured) for name, measured in times.items()}


def seconds(task, repeats=1):
    """Return the processor time of one call, the mean of `repeats`."""
    start = process_time()
    for _ in range(repeats):
        task()
    return (process_time() - start) / repeats


def duration(measured_s):
    """Return a time as a reader says it: 85 µs, 3.1 ms, 2.4 s."""
    size, unit = next((s, u) for s, u in ((1, "s"), (1e-3, "ms"), (0, "µs")) if measured_s >= s)
    number = measured_s / (size or 1e-6)
    return f"{number:,.0f} {unit}" if number >= 9.95 else f"{number:.1f} {unit}"


def print_table(title, header, rows):
    """Print rows of text, the first column to the left, the others to the right, under a title."""
    rows = [header, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    print(title)
    for number, row in enumerate(rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("-" * (sum(widths) + 2 * (len(widths) - 1)))
    print(flush=True)
