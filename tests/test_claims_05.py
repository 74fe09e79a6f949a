"""What chapter 05 claims, with seeds that the chapter does not use."""

import numpy as np
import pytest
from scipy import stats
from sklearn.covariance import EmpiricalCovariance
from sklearn.ensemble import IsolationForest

from utils.alarm.drift import detect_drift
from utils.simulate import course_latencies, night

SEEDS = pytest.mark.parametrize("seed", [101, 102, 103])
BEFORE, AFTER = (150, 20), (165, 22)
LATENCY, PAYLOAD, BASKET = 0, 1, 2


def _day(rng, service=BEFORE, *, basket_eur=60, requests=20_000, failing=0.02):
    """Return latency, payload and basket as columns, and the labels, as the chapter's service_day does."""
    mean_ms, sd_ms = service
    payload_kb = rng.normal(100, 25, requests)
    latency_ms = mean_ms + 0.64 * (payload_kb - 100) + rng.normal(0, np.sqrt(sd_ms**2 - 16**2), requests)
    failed = rng.random(requests) < failing
    latency_ms += failed * rng.choice([-80, 80], requests)
    return np.column_stack([latency_ms, payload_kb, rng.normal(basket_eur, 15, requests)]), failed


def _limits(latency_ms):
    return latency_ms.mean() - 3 * latency_ms.std(), latency_ms.mean() + 3 * latency_ms.std()


def _flags(limits, day):
    return (day[0][:, LATENCY] < limits[0]) | (day[0][:, LATENCY] > limits[1])


def _false_alarms(flags, day):
    return np.mean(flags[~day[1]])


def _precision(flags, day):
    return np.mean(day[1][flags])


def _recall(flags, day):
    return np.mean(flags[day[1]])


def _interval(hits):
    return stats.binomtest(int(np.sum(hits)), len(hits)).proportion_ci(method="wilson")


@pytest.fixture(params=[101, 102, 103])
def world(request):
    """Limits from one history, a control day and a drifted day."""
    rng = np.random.default_rng(request.param)
    limits = _limits(rng.normal(*BEFORE, 1_000))
    return rng, limits, _day(rng), _day(rng, AFTER)


def test_the_latencies_of_the_simulated_day_are_those_of_the_course():
    (columns, _) = _day(np.random.default_rng(101), failing=0)
    assert columns[:, LATENCY].mean() == pytest.approx(150, abs=1)
    assert columns[:, LATENCY].std() == pytest.approx(20, abs=0.5)


def test_a_three_sigma_rule_flags_several_times_as_many_recent_requests():
    shares = []
    for seed in range(101, 131):
        historical, recent = course_latencies(seed)
        _, control = course_latencies(seed, drifted=False)
        low, high = _limits(historical)
        shares.append([np.mean((sample < low) | (sample > high)) for sample in (historical, control, recent)])
    before, control, after = np.mean(shares, axis=0)
    assert 0.0015 < before < 0.004 and 0.0015 < control < 0.005
    assert 5 < after / control < 12


def test_precision_falls_by_more_than_a_quarter_and_the_intervals_do_not_touch(world):
    _, limits, control, drifted = world
    before, after = (
        _interval(control[1][_flags(limits, control)]),
        _interval(drifted[1][_flags(limits, drifted)]),
    )
    assert after.high < before.low
    assert _precision(_flags(limits, control), control) - _precision(_flags(limits, drifted), drifted) > 0.25


def test_recall_falls_less_than_precision_and_falls_for_refusals_only(world):
    _, limits, control, drifted = world
    recalls = {}
    for name, day in (("control", control), ("drifted", drifted)):
        slow = day[0][:, LATENCY] > np.median(day[0][:, LATENCY])
        flags = _flags(limits, day)
        recalls[name] = [np.mean(flags[day[1] & slow]), np.mean(flags[day[1] & ~slow])]
    assert recalls["drifted"][0] > recalls["control"][0]
    assert recalls["drifted"][1] < recalls["control"][1] - 0.1
    lost = np.mean(recalls["control"]) - np.mean(recalls["drifted"])
    precision = [_precision(_flags(limits, day), day) for day in (control, drifted)]
    assert lost < precision[0] - precision[1]


def test_at_equal_cost_a_forest_catches_no_more_and_the_sharper_model_ages_worse(world):
    rng, limits, control, drifted = world
    control, drifted = [(columns[:8_000], failed[:8_000]) for columns, failed in (control, drifted)]
    log, _ = _day(rng, requests=1_000, failing=0)
    forest = IsolationForest(random_state=0).fit(log[:, [LATENCY]])
    sharp = EmpiricalCovariance().fit(log[:, [LATENCY, PAYLOAD]])
    how_odd = {
        "rule": lambda columns: np.abs(columns[:, LATENCY] - np.mean(limits)),
        "forest": lambda columns: -forest.score_samples(columns[:, [LATENCY]]),
        "sharp": lambda columns: sharp.mahalanobis(columns[:, [LATENCY, PAYLOAD]]),
    }
    recall, false_alarms = {}, {}
    for name, oddness in how_odd.items():
        line = np.quantile(oddness(control[0])[~control[1]], 0.997)
        recall[name] = _recall(oddness(control[0]) > line, control)
        false_alarms[name] = _false_alarms(oddness(drifted[0]) > line, drifted)
    assert recall["forest"] < recall["rule"] + 0.03
    assert recall["sharp"] > recall["rule"] + 0.08
    assert false_alarms["sharp"] > 1.5 * false_alarms["rule"]


def test_retraining_brings_back_precision_but_not_recall():
    rng = np.random.default_rng(101)

    def worth(training, service):
        center, spread = training.mean(axis=1), training.std(axis=1)

        def outside(shift_ms):
            healthy = stats.norm(*service)
            return healthy.cdf(center - 3 * spread - shift_ms) + healthy.sf(center + 3 * spread - shift_ms)

        recall = (outside(-80) + outside(80)) / 2
        return np.mean(0.02 * recall / (0.02 * recall + 0.98 * outside(0))), np.mean(recall)

    histories = rng.normal(*BEFORE, (2_000, 1_000))
    healthy, stale = worth(histories, BEFORE), worth(histories, AFTER)
    retrained = worth(rng.normal(*AFTER, (2_000, 1_000)), AFTER)
    assert stale[0] < 0.5 < healthy[0]
    assert retrained[0] == pytest.approx(healthy[0], abs=0.03)
    assert retrained[1] < stale[1] < healthy[1]


def test_what_the_rule_is_retrained_on_decides_what_it_is_worth(world):
    rng, limits, _, next_day = world
    rows, failed = _day(rng, AFTER, requests=1_000)
    rows = rows[:, LATENCY]
    history = rng.normal(*BEFORE, 1_000)
    trained = {
        "clean": rows[~failed],
        "failures inside": rows,
        "mixed": np.concatenate([history, rows[~failed]]),
        "incident": rows + 80 * (rng.random(1_000) < 0.3),
    }
    flags = {name: _flags(_limits(sample), next_day) for name, sample in trained.items()}
    assert _recall(flags["incident"], next_day) < 0.15
    assert _false_alarms(flags["incident"], next_day) < 0.0005
    assert _recall(flags["failures inside"], next_day) < _recall(flags["clean"], next_day) - 0.05
    assert _recall(flags["mixed"], next_day) < _recall(flags["clean"], next_day) + 0.03


@SEEDS
def test_a_few_dozen_rows_beat_the_old_rule_more_often_than_not_but_a_handful_is_a_lottery(seed):
    rng = np.random.default_rng(seed)
    service = stats.norm(*AFTER)
    low, high = 90, 210

    def share_better(rows):
        samples = service.rvs((2_000, rows), random_state=rng)
        center, spread = samples.mean(axis=1), samples.std(axis=1)
        rates = service.cdf(center - 3 * spread) + service.sf(center + 3 * spread)
        return np.mean(rates < service.cdf(low) + service.sf(high))

    assert share_better(8) < 0.75
    assert share_better(32) > 0.9


def test_a_drift_of_an_ignored_column_is_found_and_does_no_harm(world):
    rng, limits, control, _ = world
    log, _ = _day(rng, requests=1_000, failing=0)
    campaign = _day(rng, basket_eur=75)
    assert detect_drift(log[:, BASKET], campaign[0][:, BASKET]).drifted
    for share in (_precision, _recall):
        before, after = share(_flags(limits, control), control), share(_flags(limits, campaign), campaign)
        assert before == pytest.approx(after, abs=0.08)
    greedy = EmpiricalCovariance().fit(log)
    line = np.quantile(greedy.mahalanobis(control[0])[~control[1]], 0.997)
    assert _false_alarms(greedy.mahalanobis(campaign[0]) > line, campaign) > 0.006


def test_a_new_meaning_of_the_same_latencies_leaves_flags_that_are_worth_nothing(world):
    rng, limits, control, _ = world
    new_meaning = (control[0], rng.random(len(control[1])) < 0.02)
    flags = _flags(limits, new_meaning)
    assert _precision(flags, new_meaning) < 0.06 and _recall(flags, new_meaning) < 0.06


def test_thirty_flags_looked_at_by_hand_tell_a_new_meaning_from_a_day_without_drift(world):
    rng, limits, control, _ = world
    flags = _flags(limits, control)
    new_labels = rng.random(len(control[1])) < 0.02
    assert _interval(new_labels[flags][:30]).high < _interval(control[1][flags][:30]).low


def test_the_drift_test_and_the_right_decision_disagree_on_both_nights():
    historical, _ = course_latencies()
    limits = _limits(historical)
    for name, drifted, harmed in (("A", True, False), ("B", False, True)):
        requests = night(name)
        assert detect_drift(historical, requests["latency_ms"]).drifted is drifted
        flags = ~requests["latency_ms"].between(*limits)
        intervals = _interval(requests["failed"][flags]), _interval(flags[requests["failed"]])
        assert bool(min(interval.high for interval in intervals) < 0.5) is harmed
        assert bool(min(interval.low for interval in intervals) > 0.5) is not harmed
