"""The benchmarks are run by hand; what can be held about them cheaply is held here."""

import pytest

from tests.benchmarks import buckets, growth
from tests.benchmarks.pager import Service, measure
from utils.alarm.monitor import FEWEST_BLOCKS


@pytest.mark.parametrize(("history", "window"), [sizes for panel in growth.SIZES for sizes in panel])
def test_a_monitor_takes_every_size_whose_growth_is_measured(history, window):
    assert history >= FEWEST_BLOCKS * window


@pytest.mark.slow
def test_on_counts_whose_bounds_grow_by_9_percent_a_pager_keeps_its_promise_and_misses_as_little():
    found = measure(buckets.ON_CALL["growth 9 %"], Service(), range(200, 216))
    assert 0.4 <= found.quiet_pages <= 1.6 and 0.4 <= found.false_pages <= 1.6
    assert min(found.caught.values()) >= 0.9
    coarse = measure(buckets.ON_CALL["Prometheus' defaults"], Service(), range(200, 204), control=False)
    assert coarse.caught["shift 10 %"] < 0.3


@pytest.mark.slow
def test_p_values_have_their_size_and_fine_counts_the_power_of_raw_values():
    sizes, powers = buckets.rates(trials=1_000), buckets.rates(shift_ms=3.0, trials=300)
    for name in ("growth 9 %", "growth 4.4 %", "20 quantiles"):
        for rule in ("shuffled", "compare_counts"):
            assert sizes[f"{name}, {rule}"] == pytest.approx([0.05, 0.01], abs=0.017)
    assert powers["growth 9 %, compare_counts"][0] > powers["raw values, KS"][0] - 0.08


@pytest.mark.slow
def test_counting_in_duckdb_stays_within_512_megabytes_and_all_ways_count_the_same():
    found = list(buckets.large(2_000_000))
    assert len({checksum for *_, checksum in found[1:]}) == 1
    assert next(peak for name, *_, peak, _ in found if "DuckDB" in name) < 512
