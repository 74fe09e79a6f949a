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

from tests.chapter import SOLUTIONS
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
    with contextlib.ExitStack() as stack:
        stack.enter_context(plt.rc_context())
        plt.switch_backend("agg")
        stack.enter_context(mock.patch.object(np.random, "default_rng", moved))
        stack.enter_context(mock.patch.object(plt, "show", lambda: plt.close("all")))
        stack.enter_context(mock.patch.multiple(exercises, **silent))
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
    (row,) = (row for row in names["shown"].index if row.startswith(drift))
    return percent(names["shown"]).loc[row]


def _p_in_title(ax):
    """Return the p-value in a panel's title."""
    return float(ax.get_title("left").split("p = ")[1])


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


def _day(n, day, what):
    """Return a score of the rule on one day, the ends of an interval, or the share of a kind that is flagged."""
    day = n[{"new": "new_meaning"}.get(day, f"{day}_day")]
    flags, failed = n["flagged"](day["latency_ms"]), day["failed"]
    slow = day["latency_ms"] > day["latency_ms"].median()
    scores = n["score"](flags, failed) | {
        "precision ends": _ends(failed[flags]),
        "of sixty": _ends(failed[flags][:60]),
        "timeouts": flags[failed & slow].mean(),
        "refusals": flags[failed & ~slow].mean(),
    }
    return scores[what]


def _change(n, what):
    return _day(n, "drifted", what) - _day(n, "control", what)


def _per_1000(n, latencies):
    return 1000 * np.mean(n["flagged"](n[latencies]))


def _redrawn(n):
    """Return what the rules of many histories flag per 1,000, without drift and with it."""
    histories = np.random.default_rng(5).normal(150, 20, size=(2_000, 1_000))
    center, spread = histories.mean(axis=1), histories.std(axis=1)
    services = (stats.norm(150, 20), stats.norm(165, 22))
    return [1000 * (s.cdf(center - 3 * spread) + s.sf(center + 3 * spread)) for s in services]


def _factors(n):
    quiet, drifted = _redrawn(n)
    return drifted / quiet


def _precision_at(n, failing, day):
    return n["expected_precision"](failing, _day(n, day, "recall"), _day(n, day, FALSE) / 1000)


def _models(n):
    table = n["scores_at_equal_cost"](n["how_odd"], {day: n[f"{day}_day"] for day in ("control", "drifted")})
    return {day: table.loc[day].set_axis(["rule", "forest", "payload"]) for day in ("control", "drifted")}


def _campaign(n):
    detectors = {"rule": n["how_odd"]["three-sigma rule"], "greedy": n["mahalanobis"](n["three_columns"])}
    days = {day: n[f"{day}_day"] for day in ("control", "campaign")}
    return n["scores_at_equal_cost"](detectors, days)


def _campaign_moves(n, what):
    table = _campaign(n)[what]
    return abs(table["campaign", "rule"] - table["control", "rule"])


def _next_day(n, trained_on, what):
    """Return a score on the next day, of the old rule or of one trained anew."""
    pair = (n["low"], n["high"])
    if trained_on == "clean":
        pair = n["limits"](n["clean"])
    elif trained_on != "old":
        pair = n["limits"](n["training_sets"][f"recent, {trained_on}"])
    return n["score_limits"](pair, n["next_day"])[what]


def _worths(n):
    """Return mean precision and recall of old rules without drift, old rules drifted, retrained rules."""
    pairs = (("histories", "before"), ("histories", "after"), ("retrainings", "after"))
    return [[share.mean() for share in n["worth"](n[rows], n[service])] for rows, service in pairs]


def _by_rows(n, rows):
    return n["retrained_rates"](rows, np.random.default_rng(8))


def _better(n, rows):
    return np.mean(_by_rows(n, rows) < n["old_rate"])


def _robust_moves(n):
    quiet, incident = (np.array(rows) for rows in (n["last_1000"]["latency_ms"], n["during_incident"]))
    return n["robust_limits"](incident)[1] - n["robust_limits"](quiet)[1]


def _cases(n, column):
    return [n["verdict_on"](day)[column] for day in n["four_days"].values()]


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
        "such a rule flags about 3 in 1,000 requests",
        lambda n: 2.5 <= _redrawn(n)[0].mean() < 3.5,
    ),
    (
        "while the no-drift control stays well below that",
        lambda n: 2 * _per_1000(n, "no_drift") < _per_1000(n, "recent"),
    ),
    (
        "it lies between seven and eight on average",
        lambda n: 7 < _factors(n).mean() < 8,
    ),
    (
        "the drift multiplies its flags several times over",
        lambda n: _factors(n).min() > 3,
    ),
    (
        "more than three flags in four are failures",
        lambda n: _day(n, "control", "precision") > 0.75,
    ),
    (
        "after it the precision is about half of what it was",
        lambda n: 0.35 < _day(n, "drifted", "precision") / _day(n, "control", "precision") < 0.65,
    ),
    (
        "Recall falls too, though less",
        lambda n: _change(n, "precision") < _change(n, "recall") < 0,
    ),
    (
        "For precision the two intervals are far apart",
        lambda n: _day(n, "control", "precision ends")[0] > _day(n, "drifted", "precision ends")[1] + 0.1,
    ),
    (
        "pushes the timeouts further out",
        lambda n: _change(n, "timeouts") > 0 > _change(n, "refusals"),
    ),
    (
        "of a drifted day is still only a few percent",
        lambda n: 10 < _day(n, "drifted", FALSE) < 50,
    ),
    (
        "Where failures are common, the drift costs little",
        lambda n: _precision_at(n, 0.3, "control") - _precision_at(n, 0.3, "drifted") < 0.1,
    ),
    (
        "most flags are wrong even without drift, and after it nearly all of them are",
        lambda n: _precision_at(n, 0.001, "control") < 0.5 and _precision_at(n, 0.001, "drifted") < 0.1,
    ),
    (
        "The forest catches no more than the rule",
        lambda n: _models(n)["control"]["recall"]["forest"] <= _models(n)["control"]["recall"]["rule"] + 0.01,
    ),
    (
        "nearly every failure is caught at the same price",
        lambda n: _models(n)["control"]["recall"]["payload"] > 0.97,
    ),
    (
        "This is the better model, and it ages worse",
        lambda n: _models(n)["drifted"][FALSE].idxmax() == "payload",
    ),
    (
        "Most of the false alarms are gone",
        lambda n: _next_day(n, "clean", FALSE) < _next_day(n, "old", FALSE) / 2,
    ),
    (
        "and precision is back near its old value",
        lambda n: abs(_next_day(n, "clean", "precision") - _day(n, "control", "precision")) < 0.1,
    ),
    (
        "The recall is not what it was on the control day",
        lambda n: _next_day(n, "clean", "recall") < _day(n, "control", "recall"),
    ),
    (
        "Precision comes back, nearly all of it",
        lambda n: abs(_worths(n)[0][0] - _worths(n)[2][0]) < 0.03,
    ),
    (
        "on average it is even a little lower than the old rule's",
        lambda n: 0 < _worths(n)[1][1] - _worths(n)[2][1] < 0.06,
    ),
    (
        "has almost no false alarms and catches next to nothing",
        lambda n: (
            _next_day(n, "during an incident", FALSE) < 0.3
            and _next_day(n, "during an incident", "recall") < 0.12
        ),
    ),
    (
        "Failures left inside widen the limits, and recall pays for it",
        lambda n: _next_day(n, "failures inside", "recall") < _next_day(n, "clean", "recall") - 0.03,
    ),
    (
        "as in the incident above, these limits move a long way too",
        lambda n: _robust_moves(n) > 20,
    ),
    (
        "With eight rows most of the rules beat the old one, and their average is still worse",
        lambda n: _better(n, 8) > 0.5 and _by_rows(n, 8).mean() > n["old_rate"],
    ),
    (
        "A large drift by any test, and a real one",
        lambda n: n["detect_drift"](n["log"]["basket_eur"], n["campaign_day"]["basket_eur"]).statistic > 0.3,
    ),
    (
        "Its scores are those of the control day, up to the noise of counting",
        lambda n: max(_campaign_moves(n, "precision"), _campaign_moves(n, "recall")) < 0.08,
    ),
    (
        "it flags healthy customers for buying more",
        lambda n: _campaign(n)[FALSE]["campaign", "greedy"] > 2 * _campaign(n)[FALSE]["control", "greedy"],
    ),
    (
        "The test does not reject, and it has no reason to",
        lambda n: not n["detect_drift"](n["historical"], n["new_meaning"]["latency_ms"][:500]).drifted,
    ),
    (
        "failures are as frequent among the flagged requests as among all the others",
        lambda n: _day(n, "new", "precision") < 0.05,
    ),
    (
        "with sixty flags the intervals are wide, and they still do not overlap",
        lambda n: (
            _day(n, "new", "of sixty")[1] < _day(n, "drifted", "of sixty")[0]
            and _day(n, "drifted", "of sixty")[1] < _day(n, "control", "of sixty")[0]
        ),
    ),
    (
        "and the drift column picks one of them",
        lambda n: _cases(n, "drift") == ["no", "yes", "yes", "no"],
    ),
    (
        "The campaign and the new meaning are no such close calls",
        lambda n: _cases(n, "what to do")[::2] + _cases(n, "what to do")[3:] == ["nothing", "ticket", "page"],
    ),
    (
        "it grows with the false alarms",
        lambda n: _change(n, "flagged per 1,000") > 0 < _change(n, FALSE),
    ),
    (
        "precision and recall stay well above one half",
        lambda n: min(n["scores_a"]["precision"], n["scores_a"]["recall"]) > 0.6,
    ),
    (
        "most of what is flagged did fail. But most failures look like ordinary requests",
        lambda n: n["scores_b"]["recall"] < 0.5 < n["scores_b"]["precision"],
    ),
    (
        "The drift test did not reject: so few requests",
        lambda n: not n["detect_drift"](n["historical"], n["night_b"]["latency_ms"]).drifted,
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
    (
        "precision fell by about half, and recall fell less",
        lambda n: 0.35 < _day(n, "drifted", "precision") / _day(n, "control", "precision") < 0.65,
    ),
    (
        "a few dozen beat the old rule, about a hundred make a good one likely",
        lambda n: _better(n, 32) > 0.85 and np.mean(_by_rows(n, 128) < 0.01) > 0.95,
    ),
]


# Chapter 06 ------------------------------------------------------------------------------------------------


def _may_be(promised, alarms):
    """Return whether the 95 % interval of the rate holds what was promised."""
    low, high = _ends(alarms)
    return low <= promised <= high


def _corrections(n):
    """Return of each correction: quiet nights with an alarm, drifted metrics found, false share of the flags."""
    table = []
    for flagged_by in n["corrections"].values():
        flags = flagged_by(n["p_three"])
        false = flags[:, 3:].sum(axis=1) / np.maximum(1, flags.sum(axis=1))
        table.append((flagged_by(n["p_quiet"]).any(axis=1).mean(), flags[:, :3].mean(), false.mean()))
    return table


def _eight(n):
    """Return how often a window of eight sees a shift of 5 ms, and of 15 ms."""
    return [n["share_seen"](shift_ms, 8, windows=20_000) for shift_ms in (5, 15)]


def _as_before(n):
    return max(abs(n["alarms_formula"][rho].mean() - n["alarms_ks"][rho].mean()) for rho in n["rhos"])


C06 = [
    (
        "The p-values differ a little",
        lambda n: 0 < np.abs(n["p_values"] - [one.pvalue for one in n["by_scipy"]]).max() < 0.01,
    ),
    (
        "One in twenty, or a little less: the promise holds",
        lambda n: 0.033 < np.mean(n["p_independent"] < 0.05) < 0.06,
    ),
    (
        "The average is close to what was promised",
        lambda n: 0.035 < np.mean(n["short_history"]) < 0.065,
    ),
    (
        "The single teams are not",
        lambda n: min(n["short_history"]) < 0.02 < 0.12 < max(n["short_history"]),
    ),
    (
        "With the long history the teams keep much closer to 5 %",
        lambda n: np.std(n["long_history"]) < np.std(n["short_history"]) / 2,
    ),
    (
        "and a million requests are enough to tell",
        lambda n: n["result"].drifted,
    ),
    (
        "Without a tolerance the alarm is within its promise where nothing has moved",
        lambda n: n["busy"][0]["plain"] <= stats.binom.ppf(0.975, 200, 0.05) / 200,
    ),
    (
        "rings on every one of the 200 days with a shift of 0.2 ms",
        lambda n: n["busy"][0.2]["plain"] == 1,
    ),
    (
        "With it, it is silent there, still nearly silent at 1 ms",
        lambda n: n["busy"][0.2]["tolerance 0.02"] == 0 and n["busy"][1]["tolerance 0.02"] < 0.05,
    ),
    (
        "and certain at 3 ms",
        lambda n: n["busy"][3]["tolerance 0.02"] == 1,
    ),
    (
        "On more than half of the quiet nights an alarm rings somewhere",
        lambda n: (n["p_quiet"] < 0.05).any(axis=1).mean() > 0.5,
    ),
    (
        "Each chance is even a little smaller than that",
        lambda n: 0.035 < (n["p_quiet"] < 0.05).mean() < 0.05,
    ),
    (
        "Both corrections bring quiet nights back to about one alarm in twenty",
        lambda n: all(0.025 < quiet < 0.075 for quiet, *_ in _corrections(n)[1:]),
    ),
    (
        "Bonferroni pays with fewer drifted metrics found",
        lambda n: _corrections(n)[1][1] < _corrections(n)[2][1] < _corrections(n)[0][1],
    ),
    (
        "at the price of a few percent of false flags",
        lambda n: 0.01 < _corrections(n)[2][2] < 0.06,
    ),
    (
        "More than half of the quiet days have a false alarm",
        lambda n: (n["p_hourly"] < 0.05).any(axis=1).mean() > 0.5,
    ),
    (
        "The share is below what independent checks would give",
        lambda n: (n["p_hourly"] < 0.05).any(axis=1).mean() < 1 - 0.95**24,
    ),
    (
        "the number of false alarms a day is about one in twenty of 24",
        lambda n: 0.8 < (n["p_hourly"] < 0.05).sum(axis=1).mean() / (24 / 20) < 1.2,
    ),
    (
        "but they come in clusters",
        lambda n: (n["p_hourly"] < 0.05).sum(axis=1).var() > 1.3 * 24 * 0.05 * 0.95,
    ),
    (
        "The budget of one bad day in twenty holds",
        lambda n: _ends(n["alarms_with_budget"])[0] <= 0.05,
    ),
    (
        "With rho = 0.95 the alarm is wrong about nine times in ten",
        lambda n: 0.84 < n["alarms_ks"][0.95].mean() < 0.95,
    ),
    (
        "At rho = 0.9 it rejects about three healthy windows in four",
        lambda n: 0.65 < n["alarms_ks"][0.9].mean() < 0.83,
    ),
    (
        "Most healthy blocks lie beyond the limit that the formula draws",
        lambda n: np.mean(np.array(n["healthy"]) > n["formula_limit"]) > 0.5,
    ),
    (
        "Against them, the window does not stand out",
        lambda n: n["reached"] >= 3,
    ),
    (
        "On the same windows the formula is wrong about as often as before",
        lambda n: _as_before(n) < 0.12,
    ),
    (
        "With the blocks the rate stays near 5 %",
        lambda n: all(0.01 < n["alarms_blocks"][rho].mean() < 0.11 for rho in n["rhos"]),
    ),
    (
        "at rho = 0.95 the alarm sees a shift of 10 ms in a minority of windows",
        lambda n: n["seen_blocks"][0.95].mean() < 0.4,
    ),
    (
        "Against the week, every night is drift",
        lambda n: n["alarms_rhythm"]["last week"].all(),
    ),
    (
        "Against the last seven nights most nights still are",
        lambda n: n["alarms_rhythm"]["same hours, last seven nights"].mean() > 0.5,
    ),
    (
        "keeps the promise: the same hours of the same weekday",
        lambda n: _ends(n["alarms_rhythm"]["same hours, same weekday"])[0] <= 0.05,
    ),
    (
        "Like with like takes care of the cycle, not of the autocorrelation",
        lambda n: n["both_lies"].mean() > 0.2,
    ),
    (
        "When both are rounded the KS test gets quieter than promised",
        lambda n: n["rounded"]["both rounded"].mean() < min(0.05, n["rounded"]["both exact"].mean()),
    ),
    (
        "When one side is rounded the test alarms always",
        lambda n: n["rounded"]["recent rounded"].all(),
    ),
    (
        "The careless D is larger than the careful one ever gets",
        lambda n: n["careless"].min() > n["careful"].max(),
    ),
    (
        "takes its p-value from a formula without ties and rejects every healthy pair",
        lambda n: all(n["alarms_retries"]["Cramér-von Mises"]),
    ),
    (
        "The KS test hardly ever rejects",
        lambda n: np.mean(n["alarms_retries"]["KS"]) < 0.05,
    ),
    (
        "The chi-square test is made for counts, and keeps its promise here",
        lambda n: _may_be(0.05, n["alarms_retries"]["chi-square"]),
    ),
    (
        "goes unseen more often than not, and a shift of 5 ms about nine times in ten",
        lambda n: _eight(n)[1] < 0.5 and 0.87 < 1 - _eight(n)[0] < 0.93,
    ),
    (
        "half the drift takes about four times the requests",
        lambda n: n["share_seen"](5, 3 * 44) < n["share_seen"](10, 44) < n["share_seen"](5, 5 * 44),
    ),
    (
        "moves the curve to the right by two steps of the doubling scale",
        lambda n: abs(n["share_seen"](5, 256) - n["share_seen"](10, 64)) < 0.1,
    ),
    (
        "Fewer than two hundred requests for 5 ms",
        lambda n: n["requests_needed"](5) < 200,
    ),
    (
        "The promise is kept with room to spare: where the evidence passes 5,000",
        lambda n: n["healthy_runs"].mean() - 1.96 * n["healthy_runs"].std() / 20 > 5_000,
    ),
    (
        "The drift is found within some dozens of requests",
        lambda n: 24 < n["drifted_runs"].mean() < 72,
    ),
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
    (
        "Blocks paid with power",
        lambda n: n["seen_blocks"][0.95].mean() < n["seen_blocks"][0].mean() - 0.4,
    ),
    (
        "a few hundred independent ones see 5 ms reliably",
        lambda n: n["share_seen"](5, 300) > 0.9,
    ),
]


def _gaps(n, shift_ms, size):
    """Return the widest gaps of chapter 02 in 200 draws of so many recent requests."""
    rng = np.random.default_rng(size)
    before, after = rng.normal(150, 20, (200, 1_000)), rng.normal(150 + shift_ms, 20, (200, size))
    return np.array([n["widest_gap"](*pair)[0] for pair in zip(before, after, strict=True)])


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


def _above_the_usual(n):
    """Return by how much the highest hour of each of the month's incidents is above that of the quiet month."""
    highest = n["hourly"]["quiet"][n["month"]].max()
    return {kind: n["hourly"]["year"][hours].max() / highest for kind, hours in _in_the_month(n)}


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


def _pages_told(printed):
    """Return the false pages and the incidents found that each rule's line tells, by its name."""
    lines = [line for line in str(printed).splitlines() if "false pages" in line]
    return {line[:17].strip(): tuple(int(x) for x in numbers(line[17:])[:2]) for line in lines}


C08 = [
    (
        "the end of the leak rises above the daily peaks, most of the other incidents hardly show",
        lambda n: (
            (above := _above_the_usual(n)).pop("leak") > 1.05 and sum(x < 1.05 for x in above.values()) >= 4
        ),
    ),
    (
        "It catches everything, because it is always on",
        lambda n: _caught(n, "KS p < 0.05") == 72 and _row(n, "KS p < 0.05")["false pages a month"] > 600,
    ),
    (
        "a pager that rings at random would do as well",
        lambda n: abs(n["in_incident"][n["alarms"]].mean() / n["in_incident"].mean() - 1) < 0.1,
    ),
    ("Most incidents pass unseen", lambda n: _caught(n, "budget on D") < 36),
    (
        "Left in, the cycle puts its alarms on its top and its bottom",
        lambda n: (
            min(n["rates"]["cycle left in"][[6, 18]]) > 0.15
            and max(n["rates"]["cycle left in"][[0, 12]]) < 0.02
        ),
    ),
    (
        "Taken out, each hour has about its share",
        lambda n: _between(0.04, n["rates"]["cycle taken out"], 0.18),
    ),
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
        "the evidence crosses its threshold in each shaded stretch",
        lambda n: min(_pages_in_the_month(n)) > 0,
    ),
    (
        "and often more than once, because it starts again",
        lambda n: np.sum(np.array(_pages_in_the_month(n)) > 1) >= 3,
    ),
    (
        "But it warns, in most weeks of the leak",
        lambda n: n["warned"]["rolling", "leak"] > 26 > 5 > n["warned"]["rolling", "no leak"],
    ),
    (
        "finds the cycle that it should take out",
        lambda n: _pages_told(n["printed"])["single windows"][0] > 2,
    ),
    (
        "the best rule of this chapter says nothing at all",
        lambda n: _pages_told(n["printed"])["evidence adds up"] == (0, 0),
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
        "Nothing was broken on day 358, and the monitor paged",
        lambda n: _row(n, "+ evidence adds up")["holiday pages"] > 0,
    ),
    (
        "Faster while the shop is usually busy, slower while it usually sleeps",
        lambda n: all(
            row.direction == ("faster" if hour % 24 < 12 else "slower")
            for hour, row in n["on_holiday"][n["on_holiday"]["drifted"]].iterrows()
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
        "a window of twelve hours has to fill before it says anything",
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
        "in hundreds of hours of the second, and hardly stops after that",
        lambda n: (
            (pages := n["quarters"]["fixed", "leak"])[0] > 20
            and pages[1] > 500
            and min(pages[2:]) > 0.9 * 2_184
        ),
    ),
    (
        "The rolling one sends a page now and then, hardly more than in the year in which nothing happens",
        lambda n: (
            n["quarters"]["rolling", "leak"].sum() < min(60, n["quarters"]["rolling", "no leak"].sum() + 30)
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
        (
            "About two requests in a hundred, on a day without drift",
            lambda n: (
                _between(1, numbers(n["printed"].split("\n")[0])[0], 3.5)
                and _between(1, numbers(n["printed"].split("\n")[1])[0], 3.5)
            ),
        ),
        (
            "About one request in eight, where it was one in fifty",
            lambda n: _between(0.09, n["slow_share"], 0.165),
        ),
        (
            "several times as many slow requests, from a mean that moved by a tenth",
            lambda n: (
                n["slow_share"] > 3 * np.mean(n["historical"] > 190)
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
        ("The means of 500 wander by 0.9 ms", lambda n: round(n["wander_ms"], 1) == 0.9),
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
        ("at about twice its wandering", lambda n: _between(1.7, n["shown"].loc["bad node", "p5"], 2.6)),
        ("p99 moves in every row here", lambda n: (n["shown"].drop("no drift")["p99"] > 3).all()),
        (
            "The sd hardly notices that everything has become slower",
            lambda n: n["shown"].loc["slower"].idxmin() == "sd",
        ),
        (
            "it stands at about three times its wandering",
            lambda n: _between(2.7, n["shown"].loc["slower", "sd"], 3.5),
        ),
        (
            "it wanders more than three times as far as the mean does",
            lambda n: n["wandering"]["p99"] > 3 * n["wandering"]["mean"],
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
            "Without drift they hardly ever leave the band around 150 ms",
            lambda n: np.sum(abs(n["daily_means"]["no drift"] - 150) > n["band_ms"]) <= 1,
        ),
        (
            "On quiet days a mean should hardly ever leave it",
            lambda n: np.sum(abs(n["daily_means"]["no drift"] - 150) > n["band_ms"]) <= 1,
        ),
        (
            "The recurring one hardly leaves it but for a spike on every seventh day",
            lambda n: (
                (abs(n["daily_means"]["recurring"] - 150) > n["band_ms"])[6::7].all()
                and np.sum(abs(n["daily_means"]["recurring"] - 150) > n["band_ms"]) <= 9
            ),
        ),
        (
            "By their last day, the sudden and the gradual drift are twins",
            lambda n: (
                abs(n["story"]["sudden"]["last day (ms)"] - n["story"]["gradual"]["last day (ms)"])
                < 2 * n["band_ms"]
            ),
        ),
        (
            "The recurring one is back at its usual level on the last day",
            lambda n: abs(n["story"]["recurring"]["last day (ms)"] - 150) < n["band_ms"],
        ),
        (
            "yet left the band only when it had grown beyond the wandering",
            lambda n: n["story"]["gradual"]["first day outside"] > 20 / np.sqrt(500) / 0.25,
        ),
        (
            "In all three weeks the late requests nearly double",
            lambda n: _between(1.75, n["shown"].iloc[0, 2:] / n["shown"].iloc[0, 0], 2.1),
        ),
        (
            "a basket of 10 or of 15 is late about as often as before",
            lambda n: _between(
                0.7, n["shown"]["data drift"].iloc[2:4] / n["shown"]["before"].iloc[2:4], 1.35
            ),
        ),
        (
            "each is late two or three times as often",
            lambda n: _between(
                1.75, n["shown"]["concept drift"].iloc[2:4] / n["shown"]["before"].iloc[2:4], 3.5
            ),
        ),
        (
            "the late requests look like late requests always did, and so do the others",
            lambda n: _between(
                -0.15, n["shown"]["label shift"].iloc[4:] - n["shown"]["before"].iloc[4:], 0.15
            ),
        ),
    ],
    "02": [
        ("It also looks wider and lower", lambda n: n["recent"].std() > n["historical"].std()),
        (
            "On the left every morning has several humps, healthy ones too",
            lambda n: min(n["humps"][::3]) >= 3,
        ),
        ("On the right even the bad node is one smooth hill", lambda n: n["humps"][2] == 1),
        (
            "With narrow bells the bad node is always found, and a healthy service is accused nearly as often",
            lambda n: n["rows"][0][3] == 1 and n["rows"][0][2] > 0.9,
        ),
        (
            "With wide ones nobody is accused, and nothing is found",
            lambda n: n["rows"][3][2] == 0 and n["rows"][3][3] < 0.05,
        ),
        (
            "hardly ever invents a hump in windows of this size, and misses the bad node in about one window of three",
            lambda n: n["rows"][2][2] <= 0.05 and _between(0.55, n["rows"][2][3], 0.8),
        ),
        ("still puts about a tenth of its area", lambda n: _between(0.07, n["leak"], 0.13)),
        (
            "the smaller one gets wider bells, so it leaks more",
            lambda n: n["leaks"]["area below 0 ms"][4] > n["leaks"]["area below 0 ms"][0],
        ),
        (
            "the bandwidth grows several times over, and the peak sinks to about half or less",
            lambda n: n["rows"][3][2] > 3 * n["rows"][0][2] and n["rows"][3][3] < 0.6 * n["rows"][0][3],
        ),
        (
            "Several of these pairs would have started a discussion",
            lambda n: np.sum(np.array(n["gaps_ms"]) > 5) >= 2,
        ),
        (
            "half of the quiet pairs or more have peaks over 5 ms apart",
            lambda n: numbers(n["printed"])[2] > 45,
        ),
        (
            "it wanders more than the median does",
            lambda n: numbers(n["printed"])[2] > numbers(n["printed"])[3],
        ),
        (
            "With 500 requests the medians have settled, and the peaks not yet",
            lambda n: n["medians_apart"] <= 0.02 and n["peaks_apart"] > 0.15,
        ),
        (
            "Without drift the rule is right about one time in twenty, whatever the size",
            lambda n: _between(0.02, [shares[0] for shares in n["picked"].values()], 0.085),
        ),
        (
            "needs windows of hundreds of requests before even a tireless rule picks it out half of the time",
            lambda n: (
                n["picked"]["50 requests"][1] < 0.35 and _between(0.4, n["picked"]["200 requests"][1], 0.6)
            ),
        ),
        (
            "Without any drift, 30 requests may open a gap as wide as a real shift of 8 ms does with 500",
            lambda n: 0.15 < np.mean(_gaps(n, 0, 30) >= _gaps(n, 8, 500)) < 0.85,
        ),
        (
            "The median of day 9 lies well outside the others, and its box is far taller",
            lambda n: (
                n["medians"][8] > n["others"].max() + 5
                and n["spans"][8] > 1.5 * np.delete(n["spans"], 8).max()
            ),
        ),
    ],
    "03": [
        (
            "About half of the historical requests are that fast, and only a quarter of the recent ones",
            lambda n: (
                _between(0.45, np.mean(n["historical"] <= 150), 0.55)
                and _between(0.2, np.mean(n["recent"] <= 150), 0.3)
            ),
        ),
        (
            "The control's gap is small there, but it is not zero",
            lambda n: 0 < abs(np.mean(n["historical"] <= 150) - np.mean(n["control"] <= 150)) < 0.1,
        ),
        (
            "fell by about three tenths of all requests",
            lambda n: _between(0.24, n["ks_2samp"](n["historical"], n["recent"]).statistic, 0.36),
        ),
        (
            "The control's D is far smaller, but it isn't zero",
            lambda n: (
                0
                < 2 * n["ks_2samp"](n["historical"], n["control"]).statistic
                < n["ks_2samp"](n["historical"], n["recent"]).statistic
            ),
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
            "The control's D, {d_control:.3f}, stands among the shuffles",
            lambda n: n["null_distances"].min() < n["d_control"] < n["null_distances"].max(),
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
        ("About one in twenty falls below 0.05", lambda n: _between(0.025, n["low_control"], 0.075)),
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
            "about half of the alerts or more ring on nothing in such a month",
            lambda n: n["false_alerts"] / n["alerts"] > 0.45,
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
        (
            "A shift of 3 ms: far plainer to 5,000 requests than to 50",
            lambda n: 1_000 * _p_in_title(n["axes"][1, 2]) < _p_in_title(n["axes"][1, 0]),
        ),
        (
            'Slower requests are found by `"less"`, and `"greater"` is as silent',
            lambda n: float(n["p_values"]["less"][0]) < 0.05 and float(n["p_values"]["greater"][0]) > 0.8,
        ),
        (
            "both one-sided tests reject",
            lambda n: max(float(n["p_values"][side][2]) for side in ("less", "greater")) < 0.05,
        ),
        (
            "The false alarms of both sides add up",
            lambda n: (
                abs(np.mean(n["smaller_p"] < 0.05) - sum(np.mean(p < 0.05) for p in n["p_of_side"].values()))
                < 0.005
            ),
        ),
        (
            "the test cries wolf",
            lambda n: (
                _between(10, numbers(n["printed"])[3], 30) and _between(60, numbers(n["printed"])[5], 85)
            ),
        ),
        (
            "a little for whole milliseconds, plainly for coarse steps",
            lambda n: n["shown"]["median p, no drift"].astype(float).is_monotonic_increasing,
        ),
        (
            "The false alarms get rarer than promised, and so do the true ones",
            lambda n: all(
                percent(n["shown"].iloc[:, 1:])[column].is_monotonic_decreasing
                for column in n["shown"].columns[1:]
            ),
        ),
        (
            "scipy's is larger, and on this pair",
            lambda n: n["result"].pvalue > (1 + n["b"]) / 1_000,
        ),
        ("Both see the shift", lambda n: percent(n["shown"]).loc["5 ms slower"].min() > 80),
        (
            "The doubled spread is seen by KS each time",
            lambda n: percent(n["shown"]).loc["twice the spread", "KS"] == 100,
        ),
        (
            "Mann-Whitney rejects about as often as without any drift",
            lambda n: abs(percent(n["shown"])["Mann-Whitney"].iloc[[0, 2]].diff().iloc[1]) <= 5,
        ),
        (
            "is close to invisible here",
            lambda n: percent(n["shown"]).loc["one in fifty times out"].max() < 20,
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
            "The measured rate follows the promised one",
            lambda n: np.max(abs(n["rates"] - n["alphas"])) < 0.045,
        ),
        (
            "rings on most quiet nights when windows are small and on hardly any when they are large",
            lambda n: percent(n["shown"]).iloc[0, 0] > 50 and percent(n["shown"]).iloc[3, 0] <= 1.5,
        ),
        (
            "its column stays near 5 % from top to bottom",
            lambda n: _between(2, percent(n["shown"]).iloc[:, 1], 8),
        ),
        (
            "Both curves begin near alpha, where nothing has changed, and both end at the top",
            lambda n: (
                _between(0.01, [n["power"][100][0], n["power"][500][0]], 0.11)
                and min(n["power"][100][-1], n["power"][500][-1]) > 0.97
            ),
        ),
        (
            "is found on most nights with 500 requests and on a minority of them with 100",
            lambda n: n["small"] < 0.5 < n["large"],
        ),
        ("the gap between the curves is far wider", lambda n: n["large"] - n["small"] > 0.25),
        (
            "the alarm then sleeps through more of the small drifts",
            lambda n: percent(n["shown"].iloc[:, 1:2]).iloc[:, 0].is_monotonic_decreasing,
        ),
        ("With a tolerance of 0.3 it stays silent", lambda n: not n["tolerant"].drifted),
    ],
    "05": C05,
    "06": C06,
    "07": [
        (
            "The order turns round",
            lambda n: (
                n["stats"].ks_2samp(n["before"], n["slower"]).statistic
                > n["stats"].ks_2samp(n["before"], n["hanging"]).statistic
                and n["stats"].wasserstein_distance(n["before"], n["slower"])
                < n["stats"].wasserstein_distance(n["before"], n["hanging"])
            ),
        ),
        (
            "The requests that hang all land in the last bin",
            lambda n: (n["hanging"][n["hanging"] != n["after"]] > np.quantile(n["before"], 0.9)).all(),
        ),
        (
            "so that KS may ring less often than it is allowed to",
            lambda n: _between(1, _power(n, "none")["KS"], 7),
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
            "each less far out, and the same order of measures in a milder form",
            lambda n: all(
                _power(n, "one node")["Wasserstein"]
                > _power(n, "one node")[["KS", "Cramér-von Mises", *BINNED]]
            ),
        ),
        (
            "is as visible as the shift whose average it shares",
            lambda n: (_power(n, "leak") - _power(n, "all")).abs().max() <= 5,
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
        ("Dozens of times the promise", lambda n: np.mean(n["flagged"]) > 24 * n["stats"].norm.sf(3)),
        (
            "Near 5 % everywhere, give or take three points",
            lambda n: _between(2, [numbers(cell)[1] for cell in n["shown"].to_numpy().flat], 8),
        ),
        (
            "PSI's threshold is about ten times larger or more for the smallest windows than for the largest",
            lambda n: numbers(n["shown"].loc["PSI", 50])[0] > 9 * numbers(n["shown"].loc["PSI", 500])[0],
        ),
        (
            "Never, or always",
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
            "Calibrated, the three are nearly interchangeable where shares move",
            lambda n: (
                max(
                    np.ptp(percent(n["shown"]).loc[row].to_numpy().reshape(2, 3), axis=1).max()
                    for row in n["shown"].index[[1, 4]]
                )
                <= 8
            ),
        ),
        (
            "PSI's logarithm makes much of it",
            lambda n: (
                percent(n["shown"]).iloc[2, [1, 4]].to_numpy()
                > percent(n["shown"]).iloc[2, [0, 3]].to_numpy()
            ).all(),
        ),
        (
            "the first line does not see one of them",
            lambda n: n["stats"].chi2_contingency([n["old_counts"], n["known_only"]]).pvalue >= 0.05,
        ),
        ("Both numbers leave no doubt", lambda n: n["result"].pvalue < 1e-3),
        (
            "two draws of the same shares look far apart",
            lambda n: [numbers(line)[1] for line in n["printed"].splitlines()] == [0, 0, 100],
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
        (
            "Given the product of the two, it does better than the tree",
            lambda n: n["straight"] < 0.58 and n["bent"] > n["auc"],
        ),
    ],
    "08": C08,
    "09": [
        (
            "the pages come where they should, none of them in the healthy part of the day",
            lambda n: len(n["pages"]) >= 7 and n["pages"].index.min().hour >= 15,
        ),
        (
            "Friday paged for hours, and hardly another night did",
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
        (
            "By UTC it is an hour early, day after day, until October",
            lambda n: (
                (told := [numbers(line)[0] for line in n["printed"].splitlines()])[1] > 3 * max(1, told[0])
            ),
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
            "the defaults miss nearly every slowdown",
            lambda n: n["shown"].loc["defaults", "slowdown"] <= 1,
        ),
        (
            "But latencies show by how much they moved, and the defaults don't",
            lambda n: (
                (moved := [float(x) for x in re.findall(r"values moved by ([\d.]+)", n["printed"])])[0] > 8
                and moved[1] < 3
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
