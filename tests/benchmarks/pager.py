"""The pager benchmark: what a month on call is like with each alarm rule.

A service answers one request a minute. Its latencies are log-normal around a level that follows a daily and
a weekly cycle, with autocorrelated noise (AR(1)). A rule sees a healthy history, then ninety days in hourly
windows, into which 72 incidents of six kinds are planted, twelve of each. Two things count: how many hours it
pages for while nothing is wrong, and which incidents it pages for before they are over.

Run it alone as ``python -m tests.benchmarks.pager``.
"""

import importlib
import logging
import os
import sys
import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import lfilter
from tqdm.auto import tqdm

from utils.alarm.monitor import DriftMonitor

WINDOW = 60
DAY, WEEK = 24 * 60, 7 * 24 * 60
HOURS = 90 * 24
MONTH = 720
ALL = ("ks", "wasserstein", "tail")
CLOCKS = (DAY, WEEK)


# --- the service and its incidents -------------------------------------------------------------------------


@dataclass(frozen=True)
class Service:
    """How the simulated service behaves, and how much of its healthy past is known."""

    rho: float = 0.7
    daily: float = 0.15
    weekly: float = 0.05
    noise: float = 0.13
    history_days: int = 35

    def log_level(self, minutes):
        """Return the logarithm of the ordinary latency at each minute."""
        day, week = 2 * np.pi * minutes / DAY, 2 * np.pi * minutes / WEEK
        return np.log(150) + self.daily * np.sin(day) + self.weekly * np.sin(week)

    def healthy(self, rng):
        """Return latencies in ms: the history, and the ninety days after it."""
        minutes = np.arange(self.history_days * DAY + HOURS * WINDOW)
        shocks = rng.normal(scale=np.sqrt(1 - self.rho**2), size=minutes.size + 500)
        wander = lfilter([1], [1, -self.rho], shocks)[500:]
        latencies = np.exp(self.log_level(minutes) + self.noise * wander)
        return np.split(latencies, [self.history_days * DAY])


def _shift(x, rng):
    return 1.10 * x


def _spread(x, rng):
    middle = np.median(x)
    return middle * (x / middle) ** 1.8


def _tail(x, rng):
    return np.where(rng.random(x.size) < 0.05, 4 * x, x)


def _bad_node(x, rng):
    return np.where(rng.random(x.size) < 0.33, 1.35 * x, x)


def _deploy(x, rng):
    return 1.25 * x


def _leak(x, rng):
    return x * np.linspace(1, 1.4, x.size)


INCIDENTS = {
    "shift 10 %": (_shift, 6),
    "spread": (_spread, 6),
    "tail 5 %": (_tail, 6),
    "bad node": (_bad_node, 6),
    "deploy 25 %": (_deploy, 6),
    "leak": (_leak, 48),
}


def plant(latencies, rng, each=12):
    """Return the latencies with incidents planted, and a list of (kind, first hour, number of hours)."""
    spoiled, taken, events = latencies.copy(), np.zeros(HOURS, bool), []
    kinds = [kind for kind in INCIDENTS for _ in range(each)]
    for kind in sorted(kinds, key=lambda kind: -INCIDENTS[kind][1]):  # the long ones first: they fit worst
        change, hours = INCIDENTS[kind]
        starts = np.arange(24, HOURS - hours - 24)
        before = np.concatenate([[0], np.cumsum(taken)])
        first = int(rng.choice(starts[before[starts + hours + 6] == before[starts - 6]]))
        minutes = slice(first * WINDOW, (first + hours) * WINDOW)
        spoiled[minutes] = change(spoiled[minutes], rng)
        taken[first : first + hours] = True
        events.append((kind, first, hours))
    return spoiled, events


# --- the rules ---------------------------------------------------------------------------------------------


def budget(rate=1 / MONTH, **options):
    """Return our rule: a `DriftMonitor` with these options."""

    def rule(historical, recent):
        monitor = DriftMonitor(historical, WINDOW, rate, **options)
        return monitor.check_many(recent)["drifted"].to_numpy()

    return rule


def significant(alpha):
    """Return the rule of the textbook, and of several tools: a KS test for each window."""

    def rule(historical, recent):
        monitor = DriftMonitor(historical, WINDOW, 0.5)
        effective = round(historical.size * WINDOW / (historical.size + WINDOW))
        return stats.kstwo.sf(monitor.check_many(recent)["statistic"], effective) < alpha

    return rule


OURS = {
    "ours: KS": budget(),
    "ours: KS, cycles": budget(cycles=CLOCKS),
    "ours: all three, cycles": budget(statistic=ALL, cycles=CLOCKS),
    "ours: all three, cycles, accumulated": budget(statistic=ALL, cycles=CLOCKS, accumulate=True),
}
TEXTBOOK = {"KS p < 0.05": significant(0.05), "KS p < 0.001": significant(0.001)}


def peers():
    """Return the rules of the tools that can be imported here, and the names of those that cannot."""
    makers = {
        "alibi_detect": _alibi_detect,
        "evidently": _evidently,
        "frouros": _frouros,
        "nannyml": _nannyml,
        "river": _river,
    }
    os.environ.setdefault("NML_DISABLE_USAGE_LOGGING", "1")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    rules, absent = {}, []
    for name, make in makers.items():
        try:
            importlib.import_module(name)
            rules |= make()
        except Exception as error:  # a peer that fails to import is reported, and the others still run
            absent.append(f"{name} ({type(error).__name__})")
    return rules, absent


def _alibi_detect():
    from alibi_detect.cd import KSDrift

    def rule(historical, recent):
        detector = KSDrift(historical.astype(np.float32)[:, np.newaxis], p_val=0.05)
        windows = recent.astype(np.float32).reshape(-1, WINDOW, 1)
        return np.array([bool(detector.predict(window)["data"]["is_drift"]) for window in windows])

    return {"alibi-detect KSDrift": rule}


def _evidently():
    from evidently.legacy.calculations.stattests import wasserstein_stat_test
    from evidently.legacy.core import ColumnType

    def rule(historical, recent):
        reference, measure = pd.Series(historical), wasserstein_stat_test.func
        windows = recent.reshape(-1, WINDOW)
        return np.array(
            [measure(reference, pd.Series(w), ColumnType.Numerical, 0.1)[1] for w in windows], bool
        )

    return {"evidently, default": rule}


def _frouros():
    from frouros.detectors.data_drift import KSTest

    def rule(historical, recent):
        detector = KSTest()
        detector.fit(X=historical)
        windows = recent.reshape(-1, WINDOW)
        return np.array([detector.compare(X=window)[0].p_value < 0.05 for window in windows])

    return {"frouros KSTest": rule}


def _nannyml():
    import nannyml

    def chunks(method):
        def rule(historical, recent):
            calculator = nannyml.UnivariateDriftCalculator(
                column_names=["latency"], continuous_methods=[method], chunk_size=WINDOW
            ).fit(pd.DataFrame({"latency": historical}))
            found = calculator.calculate(pd.DataFrame({"latency": recent})).filter(period="analysis").to_df()
            return found[("latency", method, "alert")].to_numpy(bool)

        return rule

    methods = {"KS": "kolmogorov_smirnov", "JS, default": "jensen_shannon", "Wasserstein": "wasserstein"}
    return {f"nannyml {name}": chunks(method) for name, method in methods.items()}


def _river():
    from river import drift

    def stream(make):
        def rule(historical, recent):
            detector, hits = make(), np.zeros(recent.size, bool)
            for value in historical[-5_000:]:
                detector.update(value)
            for i, value in enumerate(recent):
                detector.update(value)
                hits[i] = detector.drift_detected
            return hits.reshape(-1, WINDOW).any(axis=1)

        return rule

    return {"river ADWIN": stream(drift.ADWIN), "river KSWIN": stream(lambda: drift.KSWIN(seed=1))}


# --- the measurement ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """What a rule did in some ninety-day runs."""

    false_pages: float  # a month of hours that belong to no incident, nor follow one directly
    quiet_pages: float  # a month of the same runs without any incident: the no-drift control
    caught: dict  # by kind, the share of incidents paged for while they lasted
    delay: float  # hours from the start of a caught incident to the end of the window that paged, median


def measure(rule, service, seeds, control=True):
    """Return the `Score` of a rule: a function of history and recent latencies, to one truth value an hour."""
    false = calm_hours = quiet = 0
    hits, delays = {kind: [] for kind in INCIDENTS}, []
    for seed in seeds:
        rng = np.random.default_rng([2026, seed])
        historical, healthy = service.healthy(rng)
        recent, events = plant(healthy, rng)
        pages = rule(historical, recent)
        calm = np.ones(HOURS, bool)
        for kind, first, hours in events:
            calm[first : first + hours + 1] = False
            paged = np.flatnonzero(pages[first : first + hours])
            hits[kind].append(paged.size > 0)
            delays.extend(paged[:1] + 1)
        false, calm_hours = false + pages[calm].sum(), calm_hours + calm.sum()
        if control:
            quiet += rule(historical, healthy).sum()
    return Score(
        false_pages=MONTH * false / calm_hours,
        quiet_pages=MONTH * quiet / (HOURS * len(seeds)) if control else float("nan"),
        caught={kind: float(np.mean(found)) for kind, found in hits.items()},
        delay=float(np.median(delays)) if delays else float("nan"),
    )


def best_possible(service, kind="shift 10 %", factor=1.10, seeds=range(8)):
    """Return the share of shifts caught by a rule that is told everything a real one has to find out.

    It knows the true cycle, the noise, the size of the shift and its direction, and looks for nothing else: a
    CUSUM of the windows' mean logarithms, which is optimal for a change that stays (Moustakides 1986), with
    the threshold that gives one false page a month in these very runs.
    """
    drift = np.log(factor)
    long_run = service.noise * np.sqrt((1 + service.rho) / (1 - service.rho) / WINDOW)
    runs = []
    for seed in seeds:
        rng = np.random.default_rng([2026, seed])
        historical, healthy = service.healthy(rng)
        recent, events = plant(healthy, rng)
        level = service.log_level(historical.size + np.arange(recent.size))
        scores = [(np.log(x) - level).reshape(-1, WINDOW).mean(axis=1) / long_run for x in (healthy, recent)]
        runs.append((*scores, [first for name, first, _ in events if name == kind]))

    def pages(scores, threshold):
        evidence, found = 0.0, np.zeros(scores.size, bool)
        for i, score in enumerate(scores):
            evidence = max(0.0, evidence + score - drift / long_run / 2)
            if evidence > threshold:
                evidence, found[i] = 0.0, True
        return found

    low, high = 0.0, 30.0
    while high - low > 0.01:
        threshold = (low + high) / 2
        rate = np.mean([pages(healthy, threshold).mean() for healthy, _, _ in runs])
        low, high = (threshold, high) if rate > 1 / MONTH else (low, threshold)
    caught = []
    for _, recent, starts in runs:
        found = pages(recent, high)
        caught += [found[first : first + 6].any() for first in starts]
    return float(np.mean(caught))


def kept_budgets(histories=1_000, rate=0.05, blocks=39):
    """Yield (kind of data, options, alarms): each history is fresh, and one healthy window is judged."""
    short_day = DAY // 10

    def noise(rng, size, rho):
        shocks = rng.normal(scale=np.sqrt(1 - rho**2), size=size + 300)
        return lfilter([1], [1, -rho], shocks)[300:]

    def daily(rng, size):
        minutes = rng.integers(short_day) + np.arange(size)
        return 150 * np.exp(0.15 * np.sin(2 * np.pi * minutes / short_day) + 0.13 * noise(rng, size, 0.7))

    kinds = {
        f"AR(1), rho {rho}": lambda rng, size, rho=rho: 150 + 20 * noise(rng, size, rho)
        for rho in (0.3, 0.7, 0.9)
    }
    kinds = {"independent": lambda rng, size: rng.normal(150, 20, size)} | kinds | {"daily cycle": daily}
    for kind, make in kinds.items():
        for statistic in ("ks", ALL):
            rng = np.random.default_rng(2026)
            options = {"statistic": statistic} | ({"cycles": (short_day,)} if kind == "daily cycle" else {})
            alarms = naive = 0
            for _ in range(histories):
                values = make(rng, WINDOW * (blocks + 1))
                result = DriftMonitor(values[:-WINDOW], WINDOW, rate, **options).check(values[-WINDOW:])
                alarms, naive = alarms + result.drifted, naive + (result.ks_p_value < rate)
            yield kind, options, alarms / histories, naive / histories


# --- what is printed ---------------------------------------------------------------------------------------


def _heading(first):
    return (
        f"{first:38s} {'false':>6s} {'quiet':>6s}  "
        + "  ".join(f"{kind:>11s}" for kind in INCIDENTS)
        + "  delay"
    )


def _line(name, score):
    caught = "  ".join(f"{share:11.0%}" for share in score.caught.values())
    return f"{name:38s} {score.false_pages:6.1f} {score.quiet_pages:6.1f}  {caught}  {score.delay:5.0f}"


def main(seeds=16, peer_seeds=2, histories=1_000):
    """Print the tables: all rules; ours where the service differs; the trade; the budgets kept."""
    started, few = time.perf_counter(), max(1, seeds // 2)
    out = sys.stdout
    service, final = Service(), OURS["ours: all three, cycles, accumulated"]
    found, absent = peers()
    print("Pager benchmark: ninety days in hourly windows, budget one false page a month", file=out)
    print(
        f"false, quiet: pages a month beside incidents, and in the same runs without any; {seeds} seeds",
        file=out,
    )
    print(
        f"caught, by kind; delay: hours until paged, median. Other tools as they ship, {peer_seeds} seeds.",
        file=out,
    )
    print("\n" + _heading("rule"), file=out)
    plan = [(name, rule, range(peer_seeds)) for name, rule in (TEXTBOOK | found).items()]
    plan += [(name, rule, range(seeds)) for name, rule in OURS.items()]
    for name, rule, chosen in tqdm(plan, unit=" rules", delay=2, leave=False, file=sys.stderr):
        with warnings.catch_warnings():
            if name in found:  # what other tools warn of on import and in use is theirs
                warnings.simplefilter("ignore")
                logging.disable(logging.CRITICAL)
            try:
                line = _line(name, measure(rule, service, chosen, control=name not in found))
            except Exception as error:
                line = f"{name:38s} failed: {type(error).__name__}: {str(error)[:70]}"
            logging.disable(logging.NOTSET)
        print(line, file=out, flush=True)
    print("Not installed here: " + (", ".join(absent) or "none") + ".", file=out)

    print("\n" + _heading("the last rule, where"), file=out)
    variants = {
        "rho is 0.3": replace(service, rho=0.3),
        "rho is 0.9": replace(service, rho=0.9),
        "the cycles are twice as strong": replace(service, daily=0.30, weekly=0.10),
        "history has 60 days": replace(service, history_days=60),
    }
    for name, variant in variants.items():
        print(_line(name, measure(final, variant, range(seeds))), file=out, flush=True)

    print(
        "\nThe trade: the last rule with other budgets, and the shifts that a rule told everything catches; "
        f"{few} seeds",
        file=out,
    )
    print(_heading("false pages a month allowed"), file=out)
    for rho in (0.7, 0.9):
        variant = replace(service, rho=rho)
        for pages in (1, 2, 4, 8):
            rule = budget(pages / MONTH, statistic=ALL, cycles=CLOCKS, accumulate=True)
            print(
                _line(f"rho {rho}, {pages} a month", measure(rule, variant, range(few))),
                file=out,
                flush=True,
            )
        best = best_possible(variant, seeds=range(few))
        print(f"rho {rho}, told everything, 1 a month      {'':15s}{best:11.0%}", file=out, flush=True)

    low, high = stats.binom.interval(0.99, histories, 0.05)
    print(
        f"\nBudget 5 %, kept: alarms in {histories:,} fresh healthy histories, one window each; the 99 % interval "
        f"of a rate of 5 % is {low / histories:.1%} to {high / histories:.1%}",
        file=out,
    )
    print(f"{'data':20s} {'statistic':28s} {'budget':>8s} {'KS p-value':>11s}", file=out)
    for kind, options, rate, naive in kept_budgets(histories):
        statistic = " + ".join([options["statistic"]] if isinstance(options["statistic"], str) else ALL)
        mark = "" if low <= rate * histories <= high else "  outside"
        print(f"{kind:20s} {statistic:28s} {rate:8.1%} {naive:11.1%}{mark}", file=out, flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s", file=out)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
