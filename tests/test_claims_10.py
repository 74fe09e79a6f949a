"""The claims of chapter 10, by its own functions and cells, with other seeds."""

import contextlib
import io
from functools import cache
from types import SimpleNamespace
from unittest import mock

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests import seeds
from tests.chapter import definitions
from utils.alarm.counts import count_into_buckets, shuffled_p_value
from utils.exercises import chapter_10, verdict

chapter = definitions("10")
CLIENT = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]  # the library's, in ms
SEEDS = pytest.mark.parametrize("by", [1_000, 2_000])  # what is added to each seed of a cell


def run(by, *parts, smaller=("", ""), **names):
    """Run the chapter's cells that hold these texts, with its seeds moved, and return what they leave."""
    names = {**vars(chapter), **names, "printed": "", "check": lambda *_: None}
    for part in parts:
        (source,) = (cell for kind, cell, _ in seeds.cells("10") if kind == "code" and part in cell)
        with seeds._surroundings(by), contextlib.redirect_stdout(io.StringIO()) as out:
            names["shown"] = seeds._execute(source.replace(*smaller), names, by)
        names["printed"] += out.getvalue()
    return SimpleNamespace(**names)


def prints(text, *expected, error=6e-4):
    found = iter(seeds.numbers(text))  # in this order, and others may stand between
    return all(any(abs(n - one) < error for n in found) for one in np.hstack([*map(np.ravel, expected)]))


@cache
def begun(by):
    cells = (
        "def draw_possible",
        "def gap_at",
        "np.quantile(latencies",
        "= compare_counts(counts",
        "layouts = {",
    )
    return run(by, "def metrics_page", "def counts_on", *cells)


@SEEDS
def test_a_gap_of_a_third_nearly_vanishes_in_the_clients_buckets_and_in_the_dashboards_percentile(by):
    one = begun(by)
    for each in ([5, 5.1, 9.9, 80, 100, 100.1, 20_000, 10_000], *one.samples.values()):
        assert chapter.counts_on(chapter.metrics_page(each)).equals(count_into_buckets(each, CLIENT))
    distances = [stats.ks_2samp(one.historical, each).statistic for each in one.samples.values()]
    gaps = [chapter.gap_at_bounds(one.counts["historical"], each) for each in one.counts.values()]
    assert 0.25 < distances[1] < 0.42 and max(distances[2], 5 * max(gaps)) < 0.07
    assert prints(one.printed, np.transpose([distances, gaps])[1:])
    bounds, true = np.array([*CLIENT, np.inf]), [np.quantile(one.samples[name], 0.95) for name in one.samples]
    dashboard = [chapter.quantile_from_counts(bounds, each.to_numpy(), 0.95) for each in one.counts.values()]
    assert dashboard == pytest.approx([242.4] * 3, abs=0.2) and true == pytest.approx([182, 200, 182], abs=3)
    assert prints(one.printed, np.transpose([true, dashboard]), error=0.06)


def test_what_can_be_had_by_hand():
    pair = np.array([[1, 1, 4, 4], [2, 2, 3, 3]])  # from behind the last digit of the gap differs
    assert chapter.gap_at_bounds(*pair) == chapter.gap_at_bounds(*pair[::-1, ::-1]) == 0.2
    counts = np.array([[96, 4, 0, 0], [0, 80, 20, 0]])
    found = [chapter.quantile_from_counts(np.array([100, 200, 400, np.inf]), each, 0.95) for each in counts]
    assert found == pytest.approx([100 * 95 / 96, 350])
    pair = [count_into_buckets(each, [100, 250]) for each in ([150, 151, 152, 300], [247, 248, 249, 300])]
    assert chapter.at_most(*pair) == chapter.at_most(*pair[::-1]) == 0.75, "which these latencies have"
    assert chapter.increase(np.array([5, 9, 9, 2, 2, 7, 3])) == 4 + 0 + 2 + 0 + 5 + 3
    for number, name in {1: "quantile_from_counts", 2: "at_most", 4: "increase"}.items():
        assert verdict(f"10.{number}", getattr(chapter, name)).state == "right"


@SEEDS
def test_the_true_d_lies_between_what_each_layout_shows_and_allows_and_where_bounds_are_matters(by):
    one, table = begun(by), {}
    for name in ("control", "recent"):
        true = stats.ks_2samp(one.historical, one.samples[name]).statistic
        for layout, bounds in one.layouts.items():
            pair = [count_into_buckets(one.samples[each], bounds) for each in ("historical", name)]
            least, most = table[name, layout] = chapter.gap_at_bounds(*pair), chapter.at_most(*pair)
            assert least - 1e-9 <= true <= most + 1e-9 and prints(one.shown[name][layout], least, most)
    assert prints(one.printed, table["recent", "defaults"], table["control", "defaults"])
    assert list(one.layouts["defaults"]) == CLIENT
    assert [len(each) for each in one.layouts.values()] == [14, 12, 82, 20, 3_900]
    assert count_into_buckets(one.historical, one.layouts["20 quantiles"]).between(24, 51).all()
    least, most = np.array([table["recent", layout] for layout in one.layouts]).T
    assert least[0] < 0.02 and min(most[0], table["control", "defaults"][1]) > 0.98
    assert 0.15 < least[1] / true < 0.4 and (least[2:] / true > [0.75, 0.9, 0.98]).all()
    assert (np.diff(most - least) < -0.03).all() and most[4] - least[4] < 0.01
    told, samples = run(0, "in (samples |", **vars(one)), [*one.samples.values(), [*one.historical, 30_000]]
    for latencies, line in zip(samples, told.printed.splitlines()[-4:], strict=True):
        point = chapter.otel_point(latencies)
        place = np.ceil(np.log2(latencies) * 2**point.scale).astype(int) - 1
        counts = np.bincount(place - place.min()).tolist()
        assert list(point.positive.bucket_counts)[: len(counts)] == counts and 80 < len(counts) <= 160
        percent = 100 * (2 ** (1 / 2**point.scale) - 1)
        assert prints(line, point.scale, percent, place.min(), counts[:4], error=0.06)
        assert point.scale > 4 or (point.scale == 4 and told.point.max == max(latencies) == 30_000)


@SEEDS
def test_pairs_are_of_1000_and_500_requests_and_a_formula_alarms_too_rarely_where_shuffling_does_not(by):
    rng, normal, one = np.random.default_rng(by), stats.norm.cdf, begun(by)
    shares = chapter.many_counts([130, 170], 10**6, 3, rng, 4)[:, :2] / 1e6
    assert shares == pytest.approx(np.tile(np.diff(normal([-9, -1.15, 0.85])), (4, 1)), abs=0.003)
    pairs, said = [], np.tile([0.01, 0.05, 0.051, 0.9], 100).tolist()
    assert chapter.share_alarming(lambda *pair: pairs.append(pair) or said.pop(), [170], 10, 400) == 0.5
    assert (np.sum(pairs, axis=2) == [1_000, 500]).all() and not said
    assert np.mean(pairs, axis=0)[:, 0] / [1_000, 500] == pytest.approx(normal([1, 0.5]), abs=0.005)
    said = run(by, "{compare_counts(*pair)}", **vars(one)).printed.split("growth 9 %")
    assert "No drift found" in said[0] and "Drift: recent is slower" in said[1]
    names, known = ["growth 2", "growth 9 %", "every 0.1 ms"], {"layouts": one.layouts, "shuffling": rng}
    with seeds._surroundings(by), mock.patch.dict(chapter.judge.__globals__, known):
        formula = seeds.percent(chapter.shares_alarming(chapter.by_formula, names, 300))
        shuffled = seeds.percent(chapter.shares_alarming(chapter.by_shuffling, names[:2], 300))
        for seed in range(by, by + 3):
            pair = [chapter.many_counts(np.arange(110, 190, 9), size, 0, rng, 1)[0] for size in (600, 400)]
            gap = np.sqrt(600 * 400 / 1_000) * chapter.gap_at_bounds(*pair)
            assert chapter.by_formula(*pair) == pytest.approx(stats.kstwobign.sf(gap))
            chapter.judge.__globals__["shuffling"], again = (np.random.default_rng(seed) for _ in range(2))
            assert chapter.by_shuffling(*pair) == shuffled_p_value(*pair, shuffles=199, rng=again)
    (calm, slower), (usual, seen) = formula.to_numpy().T, shuffled.to_numpy().T
    assert calm[0] < 2 and calm[1] < 4 and 1 < calm[2] < 9 and slower[0] < 3 and 25 < slower[1] < 50
    assert 1 < min(usual) <= max(usual) < 9 and slower[1] + 10 < seen[1] == pytest.approx(slower[2], abs=10)


@SEEDS
def test_bounds_are_where_drifts_are_and_increases_and_hosts_add_up(by):
    bounds, middle = run(by, "six_bounds = ").six_bounds, [140, 145, 150, 155, 160, 165]
    assert verdict("10.3", bounds).state == "right" and 150 in bounds and bounds[-1] > 150 + 6 * 20
    with seeds._surroundings(by):
        assert min(chapter_10._seen(bounds)) > 0.6 > min(chapter_10._seen(middle))
    one = run(by, "# the restart")
    came, lost, last = one.answered[1:].sum(), one.answered[100], one.scraped[-1] - one.scraped[0]
    assert prints(one.printed, came, lost, 100, last) and one.scraped.size == 175 and came > 2 * last
    assert chapter.increase(one.scraped) == came - lost and abs(came / 179 - 40) < 2
    one, course = (run(at, "traffic = ", "p95_of_all = ", layouts=begun(at).layouts) for at in (by, 0))
    hosts, of_all = list(one.drawn.values()), one.p95_of_all
    true = [np.quantile(each, 0.95) for each in (*hosts, np.concatenate(hosts))]
    assert [*one.p95s, of_all] == pytest.approx(true, abs=12) and [*map(len, hosts)] == [8_000, 6_000, 500]
    assert prints(one.printed, one.p95s, np.mean(one.p95s), error=0.06) and np.mean(one.p95s) > of_all + 25
    assert verdict("10.5", course.p95_of_all).state == "right"


@pytest.mark.parametrize("by", [1_000])  # four seconds a seed
def test_in_buckets_that_grow_by_9_percent_the_alarm_misses_little_and_on_the_defaults_each_slowdown(by):
    quiet, alarms, monitor = np.arange(720) < 5, np.zeros(720, dtype=bool), mock.Mock()
    alarms[[24, 81 + 5, 138 - 1, 195 + 6, 252 + 2, 252 + 3]] = True
    monitor.return_value.check_many = lambda month, after: pd.DataFrame({"drifted": month})
    with mock.patch.dict(chapter.judge.__globals__, DriftMonitor=monitor):
        found = chapter.judge("history", quiet, alarms)
    assert found == {"false alarms": 5, "slowdowns": 2, "timeouts": 1}
    every = {"statistic": ("ks", "wasserstein", "tail"), "cycles": ("1D", "7D"), "accumulate": True}
    monitor.assert_called_once_with("history", "1h", 1 / 720, **every)
    with pytest.warns(match="no cycle can be taken"), pytest.warns(match="the threshold went from"):
        one = run(by, "MONTH = ", "def hourly", "table = {", layouts=begun(by).layouts)
    assert (one.history.size, one.quiet.size, len(one.STARTS)) == (35 * 1_440, 30 * 1_440, 12)
    ratio = (one.incidents / one.quiet).to_numpy().reshape(-1, 60)
    inside = [first + hour for first in range(24, 24 + 12 * 57, 57) for hour in range(6)]
    assert (np.delete(ratio, inside, axis=0) == 1).all() and (ratio[inside] != 1).any(axis=1).mean() > 0.95
    assert one.of_hours[2].iloc[25].equals(count_into_buckets(one.incidents[1_500:1_560], CLIENT))
    table = pd.DataFrame(one.table).T
    assert table["false alarms"].max() <= 2 and table["timeouts"].min() == 6
    assert table.loc["latencies", "slowdowns"] >= 5 and table.loc["growth 9 %", "slowdowns"] >= 4
    assert table.loc["defaults", "slowdowns"] <= 2


def test_one_query_counts_as_count_into_buckets_does_and_a_sketch_is_no_sample(tmp_path, request):
    request.addfinalizer(lambda: duckdb.sql("RESET memory_limit; RESET threads"))
    bounds, path = begun(0).layouts["growth 9 %"], str(tmp_path / "tricky.parquet")
    values = np.concatenate([bounds, np.nextafter(bounds, 0), np.nextafter(bounds, np.inf)])
    times = pd.date_range("2026-03-02 00:30", periods=values.size, freq="13min")
    duckdb.from_df(pd.DataFrame({"time": times, "latency_ms": values})).write_parquet(path)
    cells, smaller = ("SET memory_limit", "by_pandas = "), ("2_000_000", "200_000")
    one = run(1_000, "folder = ", *cells, smaller=smaller, layouts=begun(0).layouts)
    for found in (run(0, *cells, layouts=begun(0).layouts, path=path), one):
        by_hour = found.requests.groupby(found.requests["time"].dt.floor("h"))["latency_ms"]
        expected = np.array([count_into_buckets(each, bounds) for _, each in by_hour])
        assert found.counted["count"].tolist() == found.by_pandas.tolist() == expected.ravel().tolist()
        assert found.counted["le"].tolist() == [*bounds, np.inf] * len(expected)
        assert found.counted["hour"].tolist() == np.repeat([*by_hour.groups], len(bounds) + 1).tolist()
    daily = one.requests.groupby(one.requests["time"].dt.floor("D"))["latency_ms"].median() / np.exp(5)
    assert daily.to_numpy() == pytest.approx([1] * 13 + [1.01], abs=0.005) and len(one.requests) == 200_000
    drifted, quiet = run(1_000, "hours = load_counts", **vars(one)).printed.splitlines()[-2:]
    gap = chapter.gap_at_bounds(expected[: 12 * 24].sum(axis=0), expected[13 * 24 :].sum(axis=0))
    assert "True" in drifted and "False" in quiet and prints(drifted, gap, error=6e-5) and 0.02 < gap < 0.04
    one = run(1_000, "SHARES = ", "old, new, quiet = ", requests=one.requests)
    off, few, far, many, near = seeds.numbers(one.printed)[:5]
    assert [far * few**0.5, near * many**0.5] == pytest.approx([1.358 * 2**0.5] * 2, rel=0.05)
    assert off == pytest.approx(np.abs(one.error).max(), abs=6e-5) and near < off < far
    assert np.median(one.new - one.old) == pytest.approx(3, abs=0.1) and chapter.SHARES[-1] == 0.99
    assert min(stats.ks_2samp(one.old, each).pvalue for each in (one.new, one.quiet)) > 0.5
