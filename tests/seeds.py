"""Every sentence of a chapter that states a size or an order, held against other seeds.

A solution notebook is run with each of its seeds moved by an offset: those of `default_rng`, here and in
`utils`, and each `random_state`. The checks of exercises are left out. Where the run reaches the sentence, in a
text cell or in a title, its predicate is asked about the names as the cells above have left them. Two more are
there: ``shown``, the last value that a cell ended with, and ``printed``, the last text that one printed.

A test at alpha = 0.05 rejects a quiet control with one seed of twenty: so may a sentence fail with one.
``python -m tests.seeds 03`` prints the table of one chapter, ``make bench PARTS=seeds`` all of them.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
from scipy import stats

from tests.chapter import SOLUTIONS, definitions
from utils import exercises

Names = dict
Claim = tuple[str, Callable[[Names], bool]]

SEEDS = 20
STEP = 1_000  # larger than any seed of the course, so that no two runs share one


def numbers(text: object) -> list[float]:
    """Return the numbers in a text, or in what a value prints, in their order; of "5.2%" it is 5.2."""
    return [
        float(number.replace(",", "")) for number in re.findall(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?", str(text))
    ]


def percent(table):
    """Return a table of texts such as "5.2%" as numbers, in percent."""
    return table.map(lambda text: float(text.rstrip("%")))


def cells(chapter: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the type, the source and the tags of each cell of a chapter's solution notebook."""
    (path,) = SOLUTIONS.glob(f"{chapter}_*.ipynb")
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        yield cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", [])


def plain(source: str) -> str:
    """Return a cell's words with single spaces, and strings that go on in the next line joined."""
    return " ".join(re.sub(r'"\s*\n\s*f?"', "", source).split())


class _Moved(ast.NodeTransformer):
    """Adds the offset to each whole number that is given as `random_state`."""

    def __init__(self, by: int):
        self.by = by

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        if node.arg == "random_state" and isinstance(node.value, ast.Constant):
            node.value.value += self.by
        return self.generic_visit(node)


def _execute(source: str, names: Names, by: int):
    """Run one cell and return the value of its last line, if that has one."""
    lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
    tree = _Moved(by).visit(ast.parse("\n".join(lines)))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None


@contextlib.contextmanager
def _surroundings(by: int):
    """Move the seeds, keep pictures and checks back, and leave the process as it was."""
    import matplotlib.pyplot as plt

    default_rng = np.random.default_rng

    def moved(seed=None):
        return default_rng(seed + by if isinstance(seed, int | np.integer) else seed)

    silent = dict.fromkeys(("check", "hint", "reveal", "progress"), lambda *_: None)
    silent["twelve_calls"] = lambda *_: lambda *_, **__: None
    with contextlib.ExitStack() as stack:
        stack.enter_context(plt.rc_context())
        plt.switch_backend("agg")
        stack.enter_context(mock.patch.object(np.random, "default_rng", moved))
        stack.enter_context(mock.patch.object(plt, "show", lambda: plt.close("all")))
        stack.enter_context(mock.patch.multiple(exercises, save_alarm=lambda alarm: alarm, **silent))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.callback(plt.close, "all")
        yield


def held(chapter: str, by: int = 0) -> dict[str, bool]:
    """Return, for each sentence of a chapter's claims, whether it holds with all seeds moved by `by`."""
    claims = CLAIMS[chapter]
    names: Names = {"__name__": f"chapter_{chapter}", "shown": None, "printed": ""}
    found = {}
    with _surroundings(by):
        for number, (kind, source, tags) in enumerate(cells(chapter)):
            if kind == "code" and not set(tags) & {"nbval-ignore-output", "raises-exception"}:
                value = None
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    try:
                        value = _execute(source, names, by)
                    except Exception:
                        if not by:  # a cell may insist on what only the course's own seed gives
                            raise
                        found[f"(cell {number} runs)"] = False
                names["shown"] = names["shown"] if value is None else value
                names["printed"] = out.getvalue() or names["printed"]
            words = plain(source)
            found |= {sentence: bool(holds(names)) for sentence, holds in claims if sentence in words}
    return found


def main(chapters: list[str] | None = None) -> None:
    """Print with how many of the other seeds each sentence holds; the course's own seed comes first."""
    print(f"chapter | sentence | own seed | holds in x of {SEEDS}")
    for chapter in chapters or CLAIMS:
        own, *others = (held(chapter, STEP * number) for number in range(SEEDS + 1))
        for sentence in dict.fromkeys([*own, *(sentence for other in others for sentence in other)]):
            count = sum(other.get(sentence, True) for other in others)
            mark = "" if own.get(sentence, True) and count >= SEEDS - 1 else "  <--"
            print(f"{chapter} | {sentence} | {own.get(sentence, True)} | {count}{mark}", flush=True)


SMOOTH = ["Cramér-von Mises", "Anderson-Darling", "Wasserstein", "Energy", "Mean"]
ORDER = ["KS", "Cramér-von Mises", "Anderson-Darling"]
BINNED = ["PSI", "Jensen-Shannon"]


def _power(names, drift):
    """Return the row of the power table shown last whose name begins so, in percent."""
    (column,) = (column for column in names["shown"] if column.startswith(drift))
    return percent(names["shown"])[column]


def _right_by_p(names):
    """Return how many of the twenty nights of chapter 03 the rule by p calls rightly."""
    return np.sum((names["p_values"] < 0.05) == names["drifted"])


def _p(names, line):
    """Return the p-value in a printed line."""
    return float(re.search(r"p = ([^\s,]+)", names["printed"].splitlines()[line])[1])


def _between(low, value, high):
    return bool(np.all((np.asarray(value) >= low) & (np.asarray(value) <= high)))


# What "no drift" does once may reject, as one test of twenty does; what is said of it is said of the seed shown.
FALSE = "false alarms per 1,000 healthy"


def _ends(hits):
    found = stats.binomtest(int(np.sum(hits)), np.size(hits)).proportion_ci(method="wilson")
    return found.low, found.high


# Chapter 05 ------------------------------------------------------------------------------------------------


def _scored(n, day, rule=None, what="precision"):
    """Return a score of a rule on one of the chapter's days."""
    return n["score"](n[day], n["flagged"](n[day]["latency_ms"], rule or n["rule"]))[what]


def _sixty(n, day):
    return n["interval"](n[day].loc[n["flagged"](n[day]["latency_ms"], n["rule"]), "failed"][:60].sum(), 60)


def _false_alarms(rule, mean, sd):
    return 1000 * (stats.norm.cdf(rule[0], mean, sd) + stats.norm.sf(rule[1], mean, sd))


def _labels(n):
    """Return, of the interval and the sequence: wrong on the last morning, on any, too early, day noticed."""
    quiet = n["labels_so_far"](np.full(60, n["precise"]), np.random.default_rng(14))
    drift = n["labels_so_far"](np.repeat([n["precise"], n["imprecise"]], 30), np.random.default_rng(15))
    found = []
    for excludes in (n["interval_excludes"], n["sequence_excludes"]):
        wrong = excludes(n["precise"], *quiet)
        below = excludes(n["precise"], *drift) & (drift[0] / drift[1] < n["precise"])
        early = below[:, :30].any(axis=1)
        noticed = np.median(below[~early, 30:].argmax(axis=1) + 1)
        found.append((wrong[:, -1].mean(), wrong.any(axis=1).mean(), early.mean(), noticed))
    return found


C05 = [
    (
        "Far more than one or two",
        lambda n: n["flagged"](n["recent"], n["rule"]).sum() > 4,
    ),
    (
        "such a rule flags about 3 in 1,000 requests",
        lambda n: _between(1.3, _false_alarms(n["rule"], 150, 20), 5),
    ),
    (
        "Control: most failures lie beyond the limits",
        lambda n: n["flagged"](n["control_day"].query("failed")["latency_ms"], n["rule"]).mean() > 0.75,
    ),
    (
        "after it the precision is about half of what it was",
        lambda n: (
            _scored(n, "control_day") > 0.75
            and _between(0.35, n["shown"]["precision"].iloc[1] / n["shown"]["precision"].iloc[0], 0.65)
        ),
    ),
    (
        "Recall falls less. The wider limits bring the precision back, and let more of the failures through",
        lambda n: (
            (precision := n["shown"]["precision"]).iloc[0] - precision.iloc[1]
            > (recall := n["shown"]["recall"]).iloc[0] - recall.iloc[1]
            and precision.iloc[2] > precision.iloc[0] - 0.12
            and recall.iloc[2] < recall.iloc[1] - 0.15
        ),
    ),
    (
        "is still only a few percent, and yet most flags are wrong",
        lambda n: _scored(n, "drifted_day", what=FALSE) < 50 and _scored(n, "drifted_day") < 0.52,
    ),
    (
        "precision is back near its old value. Recall is not",
        lambda n: (
            n["shown"][FALSE].iloc[2] < n["shown"][FALSE].iloc[1] / 2
            and abs(n["shown"]["precision"].iloc[2] - n["shown"]["precision"].iloc[0]) < 0.1
            and n["shown"]["recall"].iloc[2] < n["shown"]["recall"].iloc[0]
        ),
    ),
    (
        "has almost no false alarms and catches next to nothing",
        lambda n: n["shown"][FALSE].iloc[2] < 0.3 and n["shown"]["recall"].iloc[2] < 0.12,
    ),
    (
        "Failures left inside widen the limits as well, and recall falls",
        lambda n: n["shown"]["recall"].iloc[1] < n["shown"]["recall"].iloc[0] - 0.03,
    ),
    (
        "With a few dozen rows, nearly all rules raise fewer false alarms",
        lambda n: np.mean(n["rates"][32] < n["old_rate"]) > 0.85,
    ),
    (
        "With eight rows most of the rules raise fewer false alarms than the old one, and some raise far more",
        lambda n: np.mean(n["rates"][8] < n["old_rate"]) > 0.5 and n["rates"][8].quantile(0.95) > 50,
    ),
    (
        "scores are those of the control day, up to the noise of counting",
        lambda n: (
            max(abs(n["shown"][what].iloc[0] - n["shown"][what].iloc[2]) for what in ("precision", "recall"))
            < 0.09
        ),
    ),
    (
        "The detector that looks at baskets flags healthy requests of customers who buy more",
        lambda n: n["shown"][FALSE].iloc[3] > 2 * n["shown"][FALSE].iloc[1],
    ),
    (
        "The test does not reject, and the flagged share is what it always was",
        lambda n: "No drift found" in n["printed"],
    ),
    (
        "failures are about as rare among the flagged requests as among all the others",
        lambda n: _scored(n, "new_meaning") < 0.06,
    ),
    (
        "the intervals are wide, and they still do not overlap",
        lambda n: (
            _sixty(n, "new_meaning").high < _sixty(n, "drifted_day").low
            and _sixty(n, "drifted_day").high < _sixty(n, "control_day").low
        ),
    ),
    (
        "and the drift column picks one of them",
        lambda n: list(n["warns"].values()) == [False, True, True, False],
    ),
    (
        "The campaign and the new meaning are no such close calls",
        lambda n: n["shown"]["what to do"].iloc[[0, 2, 3]].tolist() == ["nothing", "ticket", "page"],
    ),
    (
        "On one morning the interval is wrong about as often as it says",
        lambda n: 0.03 < _labels(n)[0][0] < 0.07,
    ),
    (
        "On one of sixty it is wrong several times as often",
        lambda n: _labels(n)[0][1] > 3 * 0.05,
    ),
    (
        "The sequence keeps its promise for all mornings together, with room to spare",
        lambda n: _labels(n)[1][1] < 0.03,
    ),
    (
        "The sequence notices some days after the interval",
        lambda n: 1 <= _labels(n)[1][3] - _labels(n)[0][3] <= 5,
    ),
    (
        "The interval is quick because it also pages where there is nothing",
        lambda n: _labels(n)[0][2] > 0.1 > 0.03 > _labels(n)[1][2],
    ),
]


# Chapter 06 ------------------------------------------------------------------------------------------------


def _corrections(n):
    """Return of each correction: quiet nights with an alarm, drifted metrics found, false share of the flags."""
    table = []
    for flagged_by in n["corrections"].values():
        flags = flagged_by(n["p_three"])
        false = flags[:, 3:].sum(axis=1) / np.maximum(1, flags.sum(axis=1))
        table.append((flagged_by(n["p_quiet"]).any(axis=1).mean(), flags[:, :3].mean(), false.mean()))
    return table


def _sees(n, shift_ms, size):
    return n["seen"].loc[shift_ms, size]


def _remedied(n, name):
    return [arrays[("formula", "blocks", "seen").index(name)].mean() for arrays in n["alarms"].values()]


C06 = [
    (
        "The p-values differ a little",
        lambda n: 0 < np.abs(n["p_values"] - n["by_scipy"].pvalue).max() < 0.01,
    ),
    (
        "One in twenty, or a little less: the promise is kept",
        lambda n: 0.033 < np.mean(n["p_independent"] < 0.05) < 0.06,
    ),
    ("The average is close to what was promised", lambda n: 0.035 < np.mean(n["short_history"]) < 0.065),
    ("The single teams are not", lambda n: min(n["short_history"]) < 0.02 < 0.12 < max(n["short_history"])),
    (
        "With the long history the teams keep much closer to 5 %",
        lambda n: np.std(n["long_history"]) < np.std(n["short_history"]) / 2,
    ),
    (
        "it is not 0, and a million requests are enough to tell",
        lambda n: re.findall("plain alarm (\\w+)", n["printed"])[1:] == ["True"] * 3,
    ),
    (
        "The tolerant one is silent there, and still at 1 ms",
        lambda n: re.findall("tolerant (\\w+)", n["printed"])[1:3] == ["False"] * 2,
    ),
    ("and rings at 3 ms", lambda n: n["printed"].strip().endswith("tolerant True")),
    (
        "On more than half of the quiet nights an alarm rings somewhere",
        lambda n: (n["p_quiet"] < 0.05).any(axis=1).mean() > 0.5,
    ),
    (
        "Each chance is even a little smaller than 5 % here",
        lambda n: 0.035 < (n["p_quiet"] < 0.05).mean() < 0.05,
    ),
    (
        "Both corrections bring quiet nights back to about one alarm in twenty",
        lambda n: all(0.025 < quiet < 0.075 for quiet, *_ in _corrections(n)[1:]),
    ),
    (
        "Bonferroni finds fewer of the drifted metrics",
        lambda n: _corrections(n)[1][1] < _corrections(n)[2][1] < _corrections(n)[0][1],
    ),
    ("with a few percent of false flags beside them", lambda n: 0.01 < _corrections(n)[2][2] < 0.06),
    ("More than half of the quiet days have a false alarm", lambda n: np.mean(n["alarms_a_day"] > 0) > 0.5),
    (
        "The share is below what as many independent checks at the same rate would give",
        lambda n: np.mean(n["alarms_a_day"] > 0) < n["independent"],
    ),
    ("but they come in clusters", lambda n: n["alarms_a_day"].var() > 1.3 * 24 * 0.05 * 0.95),
    ("The budget of one bad day in twenty holds", lambda n: _ends(n["alarms_with_budget"])[0] <= 0.05),
    (
        "Most healthy blocks lie beyond the formula's limit",
        lambda n: np.mean(np.array(n["healthy"]) > n["formula_limit"]) > 0.5,
    ),
    ("Among the healthy blocks the window does not stand out", lambda n: n["reached"] >= 3),
    ("With rho = 0.95 the formula is wrong on most windows", lambda n: _remedied(n, "formula")[-1] > 0.75),
    ("With the blocks the rate stays near 5 %", lambda n: _between(0.01, _remedied(n, "blocks"), 0.11)),
    (
        "At rho = 0.95 the alarm sees a shift of 10 ms in a minority of windows",
        lambda n: _remedied(n, "seen")[-1] < 0.4,
    ),
    ("Against the week, tonight is drift in every run", lambda n: n["alarms_rhythm"]["last week"].all()),
    (
        "Against the last seven nights it still is in most runs",
        lambda n: n["alarms_rhythm"]["same hours, last seven nights"].mean() > 0.5,
    ),
    (
        "keeps the promise: the same hours of the same weekday",
        lambda n: _ends(n["alarms_rhythm"]["same hours, same weekday"])[0] <= 0.05,
    ),
    (
        "The nights of a healthy week lie at its fast end",
        lambda n: np.mean(n["latency_ms"][n["at_night"]] < np.median(n["latency_ms"])) > 0.7,
    ),
    (
        "When both are rounded the KS test gets quieter than promised",
        lambda n: n["rounded"]["both rounded"].mean() < min(0.05, n["rounded"]["both exact"].mean()),
    ),
    ("When one side is rounded the test alarms always", lambda n: n["rounded"]["recent rounded"].all()),
    (
        "goes unseen more often than not, and a shift of 5 ms about nine times in ten",
        lambda n: _sees(n, 15, 8) < 0.5 and 0.87 < 1 - _sees(n, 5, 8) < 0.94,
    ),
    (
        "half the drift takes about four times the requests",
        lambda n: _between(-0.1, [_sees(n, 10, size) - _sees(n, 5, 4 * size) for size in (16, 64)], 0.1),
    ),
    (
        "The promise is kept with room to spare: where the evidence passes 5,000",
        lambda n: n["healthy_runs"].mean() - 1.96 * n["healthy_runs"].std() / 20 > 5_000,
    ),
    ("The drift is found within some dozens of requests", lambda n: 24 < n["drifted_runs"].mean() < 72),
    (
        "Looking at p < 0.05 after each request alarms several times as often as the evidence does",
        lambda n: (n["p_looks"] < 0.05).any(axis=1).mean() > 2.5 * np.mean(n["healthy_runs"] <= 500),
    ),
    (
        "The promise is broken, as it was for the KS formula",
        lambda n: all(runs.mean() < 5_000 / 2 for runs in n["remembering"].values()),
    ),
    (
        "with a short history the rate can be several times the promised one",
        lambda n: max(n["short_history"]) > 2.5 * 0.05,
    ),
]


def _humps(n, service, bw_adjust):
    """Return the smallest number of humps that a morning of a service of chapter 02 has."""
    return min(definitions("02").count_humps(morning, bw_adjust) for morning in n["mornings"][service])


def _day_9_is_slower(days):
    quarters = np.quantile(days, [0.25, 0.5, 0.75], axis=1)
    rise = quarters[:, 8] - np.delete(quarters, 8, axis=1).mean(axis=1)
    return rise[2] > 2 * rise[0] and quarters[1, 8] > np.delete(quarters[1], 8).max() + 5


# Chapter 08 ------------------------------------------------------------------------------------------------


def _row(n, rule):
    return n["table"][rule]


def _caught(n, rule):
    return sum(_row(n, rule)[kind] for kind in n["INCIDENTS"])


def _near_the_budget_and_sees(n, rule):
    return _row(n, rule)["false pages a month"] < 2 and _caught(n, rule) >= 69  # of 72


def _in_the_month(n):
    """Return, of each incident in the month that is drawn, its kind and the slice of its hours."""
    first, last = n["month"].start, n["month"].stop
    events = n["calendar"][n["calendar"]["first"].between(first, last - 1)]
    return [(event.kind, slice(event.first, event.first + event.hours)) for event in events.itertuples()]


def _below_the_peaks(n):
    """Return which incidents of the month that is drawn stay below or near the highest hour of the quiet one."""
    quiet, year = (np.median(n[windows], axis=1) for windows in ("quiet_windows", "year_windows"))
    return [year[hours].max() < 1.05 * quiet[n["month"]].max() for _, hours in _in_the_month(n)]


def _pages_in_the_month(n):
    return [n["year_run"]["drifted"].loc[hours.start : hours.stop - 1].sum() for _, hours in _in_the_month(n)]


def _delay(n, slower_percent):
    """Return the median delays at one false page a month, by the minutes of a window."""
    return {size: np.median(n["delays_in_minutes"](size, slower_percent)) for size in n["SIZES"]}


def _best(delays):
    return min(delays, key=delays.get)


def _wait(n, rule, *kinds):
    """Return the median hours until the page, of each kind."""
    alarms = n["runs"][rule][1]["drifted"].to_numpy()
    return n["hours_until_page"](alarms).median()[list(kinds)]


C08 = [
    ("Most incidents hardly rise above the daily peaks", lambda n: sum(_below_the_peaks(n)) > 3),
    (
        "It catches everything, because it is always on",
        lambda n: _caught(n, "KS p < 0.05") == 72 and _row(n, "KS p < 0.05")["false pages a month"] > 600,
    ),
    (
        "a pager that rings at random would do as well",
        lambda n: abs(n["in_incident"][n["alarms"]].mean() / n["in_incident"].mean() - 1) < 0.1,
    ),
    ("Most incidents pass unseen", lambda n: _caught(n, "budget on D") < 36),
    ("Your alarm asks whether this hour looks like 35 days, and it doesn't", lambda n: bool(n["said"])),
    (
        "With the cycle out, D sees every deployment and every leak, but hardly any timeouts",
        lambda n: (row := _row(n, "+ cycle out"))["deployment"] == row["leak"] == 12 and row["timeouts"] <= 1,
    ),
    (
        "bring those and most of the spread and the bad nodes",
        lambda n: (
            (row := _row(n, "+ sees the tail"))["timeouts"] == 12 and min(row["spread"], row["bad node"]) > 6
        ),
    ),
    (
        "Evidence that adds up catches them reliably",
        lambda n: _row(n, "+ evidence adds up")["slowdown"] >= 10,
    ),
    (
        "about one false page a month or less, as promised",
        lambda n: _row(n, "+ evidence adds up")["false pages a month"] < 1.75,
    ),
    (
        "Of the rules within the budget, only the last finds nearly everything",
        lambda n: (
            [rule for rule in n["table"] if _near_the_budget_and_sees(n, rule)] == ["+ evidence adds up"]
        ),
    ),
    (
        "Adding up is an hour late where one window is enough by itself (deployment, timeouts)",
        lambda n: (
            (
                _wait(n, "+ evidence adds up", "deployment", "timeouts")
                - _wait(n, "+ sees the tail", "deployment", "timeouts")
            ).between(0.5, 1.5)
        ).all(),
    ),
    (
        "early where a drift is small or creeps (slowdown, leak)",
        lambda n: (
            _wait(n, "+ evidence adds up", "slowdown", "leak")
            < _wait(n, "+ sees the tail", "slowdown", "leak")
        ).all(),
    ),
    (
        "The evidence crosses its threshold in each shaded stretch",
        lambda n: min(_pages_in_the_month(n)) > 0,
    ),
    (
        "and often more than once; let the pager group",
        lambda n: np.sum(np.array(_pages_in_the_month(n)) > 1) >= 3,
    ),
    (
        "The best rule of this chapter says nothing at all",
        lambda n: not n["alarms"].any(),
    ),
    (
        "The same numbers, to the last bit",
        lambda n: n["one_by_one"].equals(n["at_once"]) and n["one_by_one"]["drifted"].any(),
    ),
    (
        "The old history pages again and again about an approved release",
        lambda n: (
            n["old"].check_many(n["released"]["2026-02-10":], after=n["old"].start)["drifted"].sum() > 15
        ),
    ),
    (
        "The moved one is about as quiet as the budget says",
        lambda n: n["verdicts"]["drifted"].sum() <= 4,
    ),
    (
        "takes more evidence than a monitor of this metric alone (its threshold is the higher one)",
        lambda n: (
            set(n["hours"].index[n["hours"]["drifted"]].droplevel("window")) == {("/api/07", "host 3")}
            and n["hours"].loc[n["hours"]["drifted"], "once_in"].min() >= 720
            and n["lowest"] > n["alone"].threshold
        ),
    ),
    (
        'nearly all are "missed", whatever the window',
        lambda n: min(np.isinf(n["delays_in_minutes"](size, 0)).mean() for size in n["SIZES"]) > 0.9,
    ),
    (
        "at a threshold that keeps the budget most drifts are missed",
        lambda n: np.isinf(n["delays_in_minutes"](10, 10)).mean() > 0.5,
    ),
    (
        "A window of twelve hours has to fill before it says anything",
        lambda n: (delay := _delay(n, 10))[720] > 2 * min(delay.values()),
    ),
    ("The best lies between, here at one or two hours", lambda n: _best(_delay(n, 10)) in (60, 120)),
    ("slower by a quarter shows first in a short window", lambda n: _best(_delay(n, 25)) <= 30),
    (
        "Windows of 240 and of 480 minutes are too close to call",
        lambda n: (
            (
                delays := [
                    np.median(n["delays_in_minutes"](window, 5, n["long_onsets"], 3 * 24 * 60))
                    for window in (15, 60, 240, 480, 960, 2880)
                ]
            )
            and max(delays[2:4]) < 1.6 * min(delays)
        ),
    ),
    (
        "The fixed baseline pages nearly every hour. The rolling one is about as quiet",
        lambda n: (
            (pages := [numbers(line)[0] for line in n["printed"].splitlines()])[0] > 150
            and max(pages[1:]) <= 5
        ),
    ),
    (
        "gives about one and a half false pages a month",
        lambda n: _between(1.2, numbers(n["printed"])[3], 1.85),
    ),
    (
        "Each unit more makes them about three times as rare",
        lambda n: _between(2, (pages := np.array(numbers(n["printed"])[1::2]))[:-1] / pages[1:], 4),
    ),
    (
        "its predictions are bad for months",
        lambda n: n["shown"].loc["never", "bad hours"] > 60 * 24,
    ),
    (
        "*After 40 h* works and waits too long",
        lambda n: n["shown"]["hours in all"].idxmin() == "after 40 h",
    ),
    (
        "After 3 it relearns all the time, incidents included",
        lambda n: n["shown"].loc["after 3 h", "retrainings"] > 6 + 30,
    ),
    (
        "Without releases and incidents no policy retrains",
        lambda n: (n["shown"]["retrainings"] == 0).all(),
    ),
]


# Every chapter -----------------------------------------------------------------------------------------------

CLAIMS: dict[str, list[Claim]] = {
    "00": [
        (
            "the recent requests are slower, and a little more spread out",
            lambda n: n["slower_by"] > 0 and n["recent"].std() > n["historical"].std(),
        ),
        ("It rings, and it says where the two differ", lambda n: n["result"].drifted),
        ("It does not ring", lambda n: n["printed"].startswith("No drift found")),
        (
            "About two requests in a hundred, on a day without drift",
            lambda n: (
                _between(1, numbers(n["printed"].split("\n")[0])[0], 3.5)
                and _between(1, numbers(n["printed"].split("\n")[1])[0], 3.5)
            ),
        ),
        (
            "About one request in eight, where it was one in fifty",
            lambda n: _between(0.09, np.mean(n["recent"] > 190), 0.165),
        ),
        (
            "several times as many slow requests, from a mean that moved by a tenth",
            lambda n: (
                n["times_as_large"] > 3
                and _between(0.08, n["recent"].mean() / n["historical"].mean() - 1, 0.12)
            ),
        ),
    ],
    "01": [
        (
            "Every number of the recent requests is higher",
            lambda n: (n["shown"].loc["recent"] > n["shown"].loc["historical"]).all(),
        ),
        (
            "The mean of the control is off by 0.5 ms, that of the recent requests by 15.5 ms",
            lambda n: (
                3 * abs(n["control"].mean() - n["historical"].mean())
                < n["recent"].mean() - n["historical"].mean()
            ),
        ),
        (
            "The mean of a day's 500 requests wanders by 0.9 ms",
            lambda n: _between(0.84, n["rows"][500]["means wander by (ms)"], 0.95),
        ),
        (
            "With ten times the requests it wanders a third as far, not a tenth",
            lambda n: _between(
                2.8, n["rows"][500]["means wander by (ms)"] / n["rows"][5_000]["means wander by (ms)"], 3.5
            ),
        ),
        (
            "p99 wanders by more than three times as much as the mean",
            lambda n: n["wander_ms"] > 3 * n["rows"][500]["means wander by (ms)"],
        ),
        (
            "None of 1,000 quiet days comes anywhere near the recent mean",
            lambda n: n["quiet_means"].max() < n["recent"].mean() - 5,
        ),
        (
            "Three incidents that have nothing in common all put the mean at 165 ms",
            lambda n: _between(164.5, n["typical"]["mean"][["slower", "timeouts", "bad node"]], 165.5),
        ),
        (
            "The fourth, the spread, does not move the mean at all",
            lambda n: _between(149.9, n["typical"].loc["spread", "mean"], 150.1),
        ),
        (
            "The mean misses the spread, the median misses the spread and the timeouts, and p5 misses the timeouts",
            lambda n: (
                max(
                    abs(n["shown"].loc[kind, name])
                    for kind, name in [
                        ("spread", "mean"),
                        ("spread", "median"),
                        ("timeouts", "median"),
                        ("timeouts", "p5"),
                    ]
                )
                < 1
            ),
        ),
        ("only by about twice its wandering", lambda n: _between(1.7, n["shown"].loc["bad node", "p5"], 2.6)),
        ("p99 moves in every incident here", lambda n: (n["shown"].drop("no drift")["p99"] > 3).all()),
        (
            "the sd only just moves when everything becomes slower",
            lambda n: _between(3, n["shown"].loc["slower", "sd"], 3.5),
        ),
        (
            "The rule keeps its promise on the normal day and breaks it more than tenfold on the skewed one",
            lambda n: (
                1_000 * (n["normal_another_day"] > n["limit_ms"]).mean() < 2
                and 1_000 * (n["skewed_another_day"] > n["limit_ms"]).mean() > 10
            ),
        ),
        (
            "The normal model, for its part, has requests answered before they were asked",
            lambda n: (n["normal"] < 0).any(),
        ),
        (
            "On day D all five quotients are nearly the same",
            lambda n: _between(1.05, n["shown"].loc["D"] / n["shown"].loc["before"], 1.15),
        ),
        (
            "On day A the low end hardly moves and the high end moves a lot",
            lambda n: (
                n["shown"].loc["A", "p5"] < 1.06 * n["shown"].loc["before", "p5"]
                and n["shown"].loc["A", "p99"] > 1.15 * n["shown"].loc["before", "p99"]
            ),
        ),
        (
            "p99 is the timeout itself, on days with very few timeouts it is far lower",
            lambda n: _between(0.85, (np.quantile(n["days"]["timeouts"], 0.99, axis=1) == 900).mean(), 0.99),
        ),
        (
            "The recurring one is back at its usual level on the last day",
            lambda n: abs(n["means"][-1] - 150) < n["band_ms"],
        ),
        (
            "In all three weeks the late requests nearly double",
            lambda n: _between(1.75, n["shown"].iloc[2:, 0] / n["shown"].iloc[0, 0], 2.15),
        ),
        (
            "a basket of 15 is late about as often as before",
            lambda n: _between(0.85, n["shown"].iloc[2, 2] / n["shown"].iloc[0, 2], 1.15),
        ),
        (
            "one of 15 is late nearly twice as often",
            lambda n: _between(1.7, n["shown"].iloc[3, 2] / n["shown"].iloc[0, 2], 2.2),
        ),
        (
            "the late requests look like late requests always did",
            lambda n: abs(n["shown"].iloc[4, 3] - n["shown"].iloc[0, 3]) < 0.15,
        ),
    ],
    "02": [
        (
            "On the left every curve has several humps, healthy ones too",
            lambda n: min(_humps(n, service, 0.25) for service in n["mornings"]) >= 2,
        ),
        ("On the right even the bad node is one smooth hill", lambda n: _humps(n, "Bad node", 3) == 1),
        (
            "With the narrowest bells nearly every window shows a second hump, bad node or not",
            lambda n: min(n["invented"][0], n["found"][0]) > 0.9,
        ),
        (
            "With wide ones nobody is accused, and nothing is found",
            lambda n: n["invented"][3] == 0 and n["found"][3] < 0.05,
        ),
        (
            "hardly ever invents a hump in windows of this size, and misses the bad node in about three windows of ten",
            lambda n: n["invented"][2] <= 0.05 and _between(0.6, n["found"][2], 0.8),
        ),
        (
            "Its peak is too low as well",
            lambda n: stats.gaussian_kde(n["cache_ms"])(n["at"]).max() < 0.85 * n["true_density"].max(),
        ),
        (
            "Without any drift, 30 requests open about as wide a gap as a real shift of 6 ms does with 500",
            lambda n: 0.75 < numbers(n["printed"])[2] / numbers(n["printed"])[11] < 1.25,
        ),
        (
            "Without drift the rule is right about one time in five, whatever the size",
            lambda n: _between(0.13, [rates[0] for rates in n["rates"].values()], 0.27),
        ),
        (
            "A drift of 5 ms is found in less than half of the line-ups with 50 requests, and in about four of five",
            lambda n: (
                n["rates"]["50 requests"][1] < 0.5 and _between(0.72, n["rates"]["200 requests"][1], 0.88)
            ),
        ),
        ("Day 9 is slower, above all its slow half", lambda n: _day_9_is_slower(n["fortnight"])),
    ],
    "03": [
        (
            "fell by about a third of all requests",
            lambda n: _between(0.25, n["found"]["Recent"].statistic, 0.4),
        ),
        (
            "The control's D is far smaller",
            lambda n: 0 < 2 * n["found"]["Control"].statistic < n["found"]["Recent"].statistic,
        ),
        (
            "It holds no zero: chance always makes a gap",
            lambda n: n["null_distances"].min() > 0,
        ),
        (
            "The control's D is ordinary, no shuffle comes near the recent one",
            lambda n: n["d_control"] < n["high"] and n["null_distances"].max() < n["d_recent"] - 0.05,
        ),
        (
            "Where both can speak they agree, up to the chance in the shuffles",
            lambda n: all(
                abs(float(row["p by shuffling"]) - float(row["p by scipy"]))
                < 0.06 + 0.3 * float(row["p by scipy"])
                for row in n["rows"].values()
            ),
        ),
        ("For the recent requests no shuffle came near", lambda n: n["rows"]["recent"]["b"] == 0),
        (
            "Even the best level of D is right less often than the rule by p",
            lambda n: np.sum((n["distances"] > n["best_level"]) == n["drifted"]) < _right_by_p(n),
        ),
        ("The falling line leaves only night 12 on the wrong side", lambda n: _right_by_p(n) >= 17),
        (
            "No level line has all crosses above it and all dots below",
            lambda n: min(n["distances"][n["drifted"]]) < max(n["distances"][~n["drifted"]]),
        ),
        ("about one in twenty falls below 0.05", lambda n: _between(0.025, n["low_control"], 0.075)),
        (
            "3 ms slower: p is often small, not always",
            lambda n: _between(0.4, n["low_slower"], 0.9),
        ),
        (
            "Its p-values lie anywhere from far below alpha to well above one half",
            lambda n: n["p_slower"].min() < 0.001 and n["p_slower"].max() > 0.6,
        ),
        (
            "The rule kept its promise, about one in twenty of the quiet comparisons",
            lambda n: _between(0.025, n["false_alerts"] / 380, 0.075),
        ),
        (
            "settles near the distance between the two distributions",
            lambda n: _between(0.052, n["growth"]["D, 3 ms"].iloc[-2:], 0.068),
        ),
        (
            "At small sizes it is too large",
            lambda n: n["growth"]["D, 3 ms"].iloc[0] > 0.075,
        ),
        (
            "shrinks towards zero, and the D that the test needs shrinks with it",
            lambda n: (
                n["growth"]["D, no drift"].is_monotonic_decreasing
                and (n["growth"]["D, no drift"] < n["growth"]["D needed"]).all()
            ),
        ),
        ("**p with a drift** falls without end", lambda n: n["growth"]["p, 3 ms"].is_monotonic_decreasing),
        ("goes nowhere", lambda n: _between(0.15, n["growth"]["p, no drift"], 0.9)),
        (
            "requests_needed = 500",
            lambda n: numbers(n["printed"])[3] < 90 <= numbers(n["printed"])[5],
        ),
        ("The doubled spread is found each time", lambda n: "twice the spread       100%" in n["printed"]),
        (
            "The timeouts are found in 8 % of the pairs",
            lambda n: numbers(n["printed"])[-1] - numbers(n["printed"])[0] < 10,
        ),
    ],
    "04": [
        (
            "On the quiet night there is nothing to tell the three apart",
            lambda n: n["p_values"]["quiet"] >= 0.05,
        ),
        (
            "the test rejects about as often as without the outage, on about one night in twenty",
            lambda n: (
                _between(2, numbers(n["printed"])[1::2], 8)
                and abs(numbers(n["printed"])[1] - numbers(n["printed"])[3]) < 3
            ),
        ),
        (
            "365 nights at alpha 0.05 are 365 tosses",
            lambda n: n["low"] - 3 <= n["woken"].sum() <= n["high"] + 3,
        ),
        (
            "carry their crosses without any pattern, and October stands out",
            lambda n: n["rang"][n["slow"]].mean() > 0.5 > 4 * n["rang"][~n["slow"]].mean(),
        ),
        (
            "A smaller alpha lets Mira sleep, and the alarm sleeps through more of the slow nights",
            lambda n: (
                n["shown"].iloc[[1, 3], 2].max() <= 3 and (n["shown"].iloc[:, 3].diff()[[1, 3]] < 0).all()
            ),
        ),
        (
            "A small window misses more slow nights, and rings on quiet ones about as often",
            lambda n: (
                _between(5, n["shown"].iloc[[0, 2], 2], 30)
                and (n["shown"].iloc[[0, 1], 3].to_numpy() > n["shown"].iloc[[2, 3], 3].to_numpy()).all()
            ),
        ),
    ],
    "05": C05,
    "06": C06,
    "07": [
        (
            "Between the two drifts the order turns round",
            lambda n: (
                n["stats"].ks_2samp(n["before"], n["slower"]).statistic
                > n["stats"].ks_2samp(n["before"], n["hanging"]).statistic
                and n["stats"].wasserstein_distance(n["before"], n["slower"])
                < n["stats"].wasserstein_distance(n["before"], n["hanging"])
            ),
        ),
        (
            "By both measures Mira's Tuesday looks much like the control, and the slowdown does not",
            lambda n: all(
                abs(hangs - control) < abs(slower - control)
                for control, slower, hangs in zip(*map(numbers, n["printed"].splitlines()), strict=True)
                if control < 1
            ),
        ),
        (
            "The requests that hang all land in the last bin",
            lambda n: (n["hanging"][n["hanging"] != n["after"]] > np.quantile(n["before"], 0.9)).all(),
        ),
        (
            "KS is behind, and the binned two further behind",
            lambda n: (
                _power(n, "all")["KS"] < _power(n, "all")[SMOOTH].min()
                and _power(n, "all")[BINNED].max() < _power(n, "all")["KS"]
            ),
        ),
        (
            "The others are about equally good, the plain mean among them",
            lambda n: np.ptp(_power(n, "all")[SMOOTH]) <= 5,
        ),
        ("Wasserstein leads", lambda n: _power(n, "a quarter").idxmax() == "Wasserstein"),
        ("The mean hardly sees it", lambda n: _power(n, "a quarter")["Mean"] < 20),
        (
            "KS is weak as well, because the curves cross at the center",
            lambda n: _power(n, "a quarter").drop("Mean").idxmin() == "KS",
        ),
        (
            "Anderson-Darling looks at the ends, and finds far more",
            lambda n: _power(n, "a quarter")["Anderson-Darling"] > _power(n, "a quarter")["KS"] + 20,
        ),
        (
            "Wasserstein catches what KS, Cramér-von Mises, PSI and Jensen-Shannon let pass",
            lambda n: (
                _power(n, "one in")["Wasserstein"] > 95
                and _power(n, "one in")[["KS", "Cramér-von Mises", *BINNED]].max() < 20
            ),
        ),
        (
            "The measures that see only the order do as before",
            lambda n: _between(78, _power(n, "all")[ORDER], 98),
        ),
        (
            "Wasserstein and the mean have lost most of their sight",
            lambda n: _power(n, "all")[["Wasserstein", "Mean"]].max() < 45,
        ),
        (
            "Energy distance stands between the two and does well in both tables",
            lambda n: (
                _power(n, "all")["Wasserstein"] < _power(n, "all")["Energy"] < _power(n, "all")[ORDER].max()
                and _power(n, "all")["Energy"] > 65
            ),
        ),
        (
            "Each rule flags a large share of the smallest windows and few or none of the largest",
            lambda n: n["false_alarms"][50].min() > 0.2 and n["false_alarms"][500].max() < 0.2,
        ),
        (
            "Near 5 % everywhere, give or take three points",
            lambda n: _between(2, [numbers(cell)[1] for cell in n["shown"].to_numpy().flat], 8),
        ),
        (
            "PSI's threshold is about ten times larger or more for the smallest windows than for the largest",
            lambda n: numbers(n["shown"].loc["PSI", 50])[0] > 9 * numbers(n["shown"].loc["PSI", 500])[0],
        ),
        (
            "The sizes alone decide",
            lambda n: numbers(n["printed"])[2] == 0 and numbers(n["printed"].split("\n")[1])[2] == 100,
        ),
        (
            "The statistic was usable all along",
            lambda n: (1 + n["b"]) / 200 >= 0.05 and n["observed"].pvalue < 1e-4,
        ),
        (
            "The rise from one error in a hundred to four is found, and the control passes",
            lambda n: _p(n, 0) >= 0.05 > _p(n, 1),
        ),
        (
            "A table made from the categories of history drops whatever is new",
            lambda n: _p(n, 0) >= 0.05 and numbers(n["printed"].splitlines()[1])[-1] < 1e-3,
        ),
        (
            "each feature by itself has the distribution that it always had",
            lambda n: (
                min(n["stats"].ks_2samp(n["old"][:, i], n["flipped"][:, i]).pvalue for i in range(3))
                >= 0.05 / 3
            ),
        ),
        (
            "On its own training rows the tree tells apart what is the same",
            lambda n: numbers(n["printed"])[0] > 0.65,
        ),
        ("the control falls to about a half", lambda n: _between(0.42, numbers(n["printed"])[1], 0.58)),
        ("The flipped rows stay well above", lambda n: numbers(n["printed"])[3] > 0.6),
        ("and the flipped rows get it", lambda n: n["p"] < 0.034),
        (
            "Latency and payload, both, and the load hardly",
            lambda n: (
                min(n["importance"].importances_mean[:2]) > 0.1
                and min(n["importance"].importances_mean[:2]) > 2 * n["importance"].importances_mean[2]
            ),
        ),
    ],
    "08": C08,
    "09": [
        (
            "the pages come where they should, none of them in the healthy part of the day",
            lambda n: len(n["pages"]) >= 7 and n["pages"].index.min().hour >= 15,
        ),
        (
            "Friday paged for hours, and no other night did",
            lambda n: (
                (alarms := {line.split()[0]: int(line.split()[3]) for line in n["printed"].splitlines()[1:]})
                and alarms.pop("friday") > 4
                and sum(alarms.values()) <= 2
            ),
        ),
        (
            "The second delivery of Saturday held nothing new",
            lambda n: [line.split()[1:5] for line in n["printed"].splitlines()][-2] == ["0", "0", "0", "0"],
        ),
    ],
    "10": [
        (
            "A gap of a third has become a gap of one request in two hundred",
            lambda n: (
                (found := numbers(n["printed"].splitlines()[0])) and found[0] > 0.25 and found[1] < 0.012
            ),
        ),
        (
            "The dashboard shows 242 ms before the drift, after it, and in the control",
            lambda n: _between(241.8, [numbers(line)[-1] for line in n["printed"].splitlines()], 243),
        ),
        (
            "From next to nothing to next to everything, for both",
            lambda n: all(
                numbers(line)[0] < 0.02 and numbers(line)[1] > 0.95 for line in n["printed"].splitlines()
            ),
        ),
        (
            "Growth of 9 %: the two must part, whatever the latencies were",
            lambda n: numbers(n["shown"].loc["growth 9 %", "recent"])[0] > 0.15,
        ),
        (
            "Doubling bounds show less than half of D, those that grow by 9 % most of it",
            lambda n: (
                (least := n["shown"]["recent"].map(lambda text: numbers(text)[0]))["growth 2"]
                < 0.5 * least["every 0.1 ms"]
                and least["growth 9 %"] > 0.8 * least["every 0.1 ms"]
            ),
        ),
        (
            "with it all of them coarsen to a growth of 4.4 %",
            lambda n: (
                (scales := [numbers(line.partition("scale")[2])[0] for line in n["printed"].splitlines()])
                and scales.pop() == 4 < min(scales)
            ),
        ),
        (
            "With a bound every 0.1 ms the formula does about what it promises",
            lambda n: (
                (found := percent(n["shown"]))["no drift"].iloc[:2].max() < 1
                and _between(2.5, found.loc["every 0.1 ms", "no drift"], 7)
                and (np.diff(found["3 ms slower"]) > -1).all()
            ),
        ),
        (
            "Shuffled, about one pair in twenty alarms without drift, on the defaults fewer",
            lambda n: (
                (found := percent(n["shown"])["no drift"])["defaults"] <= 6
                and _between(2, found["growth 9 %"], 8)
            ),
        ),
        (
            "about as often as the formula did with a bound every 0.1 ms",
            lambda n: _between(52, percent(n["shown"]).loc["growth 9 %", "3 ms slower"], 72),
        ),
        (
            "lies above that of all requests",
            lambda n: n["p95s"].mean() > 1.05 * n["p95_of_all"],
        ),
        (
            "The defaults miss most slowdowns",
            lambda n: (
                n["shown"].loc["defaults", "slowdowns"] <= 2 and n["shown"].loc["defaults", "timeouts"] >= 5
            ),
        ),
        ("A drift of 1 % is found", lambda n: "last day: drifted True" in n["printed"]),
        (
            "For a percentile such an error is nothing, for a test it is not",
            lambda n: numbers(n["printed"])[-1] < numbers(n["printed"])[0] < 0.002,
        ),
        ("Percentiles are no draws", lambda n: min(_p(n, 0), _p(n, 1)) > 0.5),
    ],
}

if __name__ == "__main__":
    main(sys.argv[1:])
