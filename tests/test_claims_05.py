"""The claims of chapter 05, by its own functions, with other seeds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.chapter import definitions
from utils.alarm import warn_if_drift
from utils.exercises import verdict
from utils.simulate import course_latencies, night

SEEDS = [101, 102, 103]
AFTER = {"mean_ms": 165, "sd_ms": 22}
PRECISION, RECALL, FALSE = "precision", "recall", "false alarms per 1,000 healthy"
chapter = definitions("05")


@pytest.fixture(params=SEEDS)
def world(request):
    """A history and days, drawn anew."""
    rng = np.random.default_rng(request.param)
    rule = chapter.limits(course_latencies(request.param)[0])
    control, drifted = chapter.service_day(rng), chapter.service_day(rng, **AFTER)
    return SimpleNamespace(**locals())


def scored(day, rule):
    return chapter.score(day, chapter.flagged(day["latency_ms"], rule))


# What the functions say of themselves ----------------------------------------------------------------------


def test_a_request_is_flagged_beyond_either_limit():
    assert chapter.limits(np.array([130.0, 170.0])) == (90, 210)
    assert chapter.limits(np.array([130.0, 170.0]), 4) == (70, 230)
    flags = chapter.flagged(np.array([89, 90, 150, 210, 211]), (90, 210))
    assert flags.tolist() == [True, False, False, False, True]


def test_scores_count_flags_failures_and_healthy_requests():
    day = pd.DataFrame({"latency_ms": np.arange(300.0), "failed": np.arange(300) >= 293})  # the slowest seven
    assert list(scored(day, (11, 297)).items()) == [
        ("flagged per 1,000", 43.3),  # 0 to 10, 298 and 299
        (FALSE, 37.5),
        (PRECISION, 0.15),
        (RECALL, 0.29),
    ]
    assert np.round(chapter.interval(3, 10), 2).tolist() == [0.11, 0.6]


def test_a_day_is_the_course_s_service_with_two_kinds_of_failure_of_80_ms():
    day = chapter.service_day(np.random.default_rng(101), sd_ms=1e-9, failing=0.1, basket_eur=75)
    away_ms = (day["latency_ms"] - 150).round(6)
    assert set(away_ms[day["failed"]]) == {-80, 80} and set(away_ms[~day["failed"]]) == {0}
    assert (away_ms > 0).mean() == pytest.approx((away_ms < 0).mean(), abs=0.01)
    assert len(day) == 20_000 and day["failed"].mean() == pytest.approx(0.1, abs=0.01)
    assert day["basket_eur"].agg(["mean", "std"]).tolist() == pytest.approx([75, 15], rel=0.02)


# What drift does to the rule, and what retraining does -----------------------------------------------------


def test_precision_falls_by_about_half_recall_less_and_wider_limits_turn_that_round(world):
    before, after = scored(world.control, world.rule), scored(world.drifted, world.rule)
    wider = scored(world.drifted, chapter.limits(course_latencies(world.request.param)[0], 4))
    assert after[PRECISION] < 0.65 * before[PRECISION]
    assert before[RECALL] - after[RECALL] < before[PRECISION] - after[PRECISION]
    assert wider[PRECISION] > before[PRECISION] - 0.1 and wider[RECALL] < after[RECALL] - 0.15


def test_what_the_rule_is_retrained_on_decides_what_it_is_worth(world):
    rows, next_day = (chapter.service_day(world.rng, **AFTER, requests=size) for size in (1_000, 20_000))
    clean = rows.loc[~rows["failed"], "latency_ms"]
    trained_on = {
        "clean": clean,
        "failures inside": rows["latency_ms"],
        "incident": rows["latency_ms"] + 80 * (world.rng.random(1_000) < 0.3),
    }
    worth = {name: scored(next_day, chapter.limits(each)) for name, each in trained_on.items()}
    assert abs(worth["clean"][PRECISION] - scored(world.control, world.rule)[PRECISION]) < 0.1
    assert worth["incident"][RECALL] < 0.15 and worth["incident"][FALSE] < 0.5
    assert worth["failures inside"][RECALL] < worth["clean"][RECALL] - 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_a_few_dozen_rows_raise_fewer_false_alarms_than_the_old_rule(seed):
    old = 1_000 * (stats.norm.cdf(90, 165, 22) + stats.norm.sf(210, 165, 22))
    rates = {rows: chapter.retrained_rates(rows, np.random.default_rng(seed)) for rows in (8, 32)}
    assert 0.5 < np.mean(rates[8] < old) < 0.8 and np.mean(rates[32] < old) > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_the_answers_in_numbers_can_be_found_by_simulation(seed, monkeypatch):
    rng, (historical, _) = np.random.default_rng(seed), course_latencies()
    rare = chapter.service_day(rng, **AFTER, requests=1_000_000, failing=0.001)
    assert verdict("5.2", scored(rare, chapter.limits(historical))[PRECISION]).state == "right"
    monkeypatch.setitem(chapter.recall_after.__globals__, "next_day", chapter.service_day(rng, **AFTER))
    smallest = next(share for share in np.arange(1, 10) / 100 if chapter.recall_after(share) < 0.5)
    assert verdict("5.3", smallest).state == "right"
    smallest = next(
        flags for flags in range(12, 600, 12) if chapter.interval(5 * flags // 12, flags).high < 0.5
    )
    assert verdict("5.4", smallest).state == "right"


# Drift and harm --------------------------------------------------------------------------------------------


def test_the_four_cases_come_out_as_in_the_table(world, monkeypatch):
    monkeypatch.setitem(chapter.warned.__globals__, "warn_on_drift", warn_if_drift)
    campaign = chapter.service_day(world.rng, basket_eur=75)
    new_meaning = world.control.assign(failed=world.rng.random(len(world.control)) < 0.02)
    last_month = chapter.service_day(world.rng, requests=1_000, failing=0)
    found = []
    for day in (world.control, world.drifted, campaign, new_meaning):
        warns = any(chapter.warned(last_month[c], day[c][:500]) for c in ("latency_ms", "basket_eur"))
        found.append((warns, chapter.what_to_do(scored(day, world.rule), warns)))
    assert found == [(False, "nothing"), (True, "page"), (True, "ticket"), (False, "page")]
    assert chapter.what_to_do({PRECISION: 0.5, RECALL: 0.5}, False) == "nothing"


def test_sixty_flags_looked_at_by_hand_tell_three_days_apart(world):
    new_meaning = world.control.assign(failed=world.rng.random(len(world.control)) < 0.02)
    lowest, middle, highest = (
        chapter.interval(day.loc[chapter.flagged(day["latency_ms"], world.rule), "failed"][:60].sum(), 60)
        for day in (new_meaning, world.drifted, world.control)
    )
    assert lowest.high < middle.low and middle.high < highest.low, "the intervals overlap"


def test_the_three_nights_are_what_their_exercise_says():
    rule, found = chapter.limits(course_latencies()[0]), {}
    for name in "ABC":
        requests = night(name)
        flags, failed = chapter.flagged(requests["latency_ms"], rule), requests["failed"]
        shares = {PRECISION: failed[flags], RECALL: flags[failed]}
        harmed = [what for what, hits in shares.items() if chapter.interval(hits.sum(), len(hits)).high < 0.5]
        found[name] = harmed[0] if harmed else "don't page"
        assert shares[PRECISION].mean() < 0.5 or name != "C", "night C would not page by its precision alone"
    assert verdict("5.5", found).state == "right"


# Ten labels every morning ----------------------------------------------------------------------------------


def test_the_sequence_leaves_out_what_all_shares_explain_twenty_times_better_and_the_interval_is_wilsons():
    failed, labels = np.array([[0, 3, 9, 17, 40]]), np.array([10, 20, 30, 40, 50])
    shares = (np.arange(100_000) + 0.5) / 100_000
    for share in (0.05, 0.3, 0.5, 0.85):
        explained = [np.mean(stats.binom.pmf(*each, shares)) for each in zip(failed[0], labels, strict=True)]
        expected = explained >= 20 * stats.binom.pmf(failed[0], labels, share)
        assert chapter.sequence_excludes(share, failed, labels)[0].tolist() == expected.tolist()
        ends = [
            stats.binomtest(int(some), int(of)).proportion_ci(method="wilson")
            for some, of in zip(failed[0], labels, strict=True)
        ]
        outside = [not end.low <= share <= end.high for end in ends]
        assert chapter.interval_excludes(share, failed, labels)[0].tolist() == outside


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sequence_holds_on_all_mornings_together_and_the_interval_on_one_only(seed):
    failed, labels = chapter.labels_so_far(np.full(60, 0.85), np.random.default_rng(seed))
    assert failed.shape == (2_000, 60) and labels.tolist() == list(range(10, 601, 10))
    interval, sequence = (
        excludes(0.85, failed, labels) for excludes in (chapter.interval_excludes, chapter.sequence_excludes)
    )
    assert interval[:, -1].mean() == pytest.approx(0.05, abs=0.02) and interval.any(axis=1).mean() > 0.2
    assert 0 < sequence.any(axis=1).mean() <= 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_drift_the_sequence_is_some_days_slower_and_seldom_too_early(seed):
    failed, labels = chapter.labels_so_far(np.repeat([0.85, 0.4], 30), np.random.default_rng(seed))
    days = {}
    for excludes in (chapter.interval_excludes, chapter.sequence_excludes):
        below = excludes(0.85, failed, labels) & (failed / labels < 0.85)
        quiet = ~below[:, :30].any(axis=1)
        assert below[quiet, 30:].any(axis=1).all()
        days[excludes] = quiet.mean(), np.median(below[quiet, 30:].argmax(axis=1) + 1)
    interval, sequence = days.values()
    assert interval[0] < 0.9 and sequence[0] > 0.98
    assert 1 <= sequence[1] - interval[1] <= 4
