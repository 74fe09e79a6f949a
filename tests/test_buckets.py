"""Counts in buckets from Prometheus, OpenTelemetry and tables: the same counts from all of them, or a clear refusal."""

import copy
import gzip
import json
import math
import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from utils.alarm.buckets import increases, load_counts

START, HOUR = 1_795_900_000, 3_600
BOUNDS = ["0.1", "0.25", "1.0", "+Inf"]
COUNTS = np.array([[3, 40, 9, 0], [5, 44, 7, 1], [2, 39, 11, 0], [4, 61, 8, 2], [1, 30, 5, 0], [6, 33, 9, 1]])
TOTALS = np.cumsum(COUNTS, axis=0)


def prometheus(counts=COUNTS, bounds=BOUNDS, **labels):
    """Return an answer of query_range; None in `counts` is a sample that is not there."""
    rows = np.asarray(counts, object)
    below = [np.cumsum([n or 0 for n in row]) for row in rows]
    series = [
        {
            "metric": labels | {"le": le},
            "values": [
                [START + i * HOUR, str(below[i][j])] for i in range(len(rows)) if rows[i][j] is not None
            ],
        }
        for j, le in enumerate(bounds)
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": series[::-1]}}


def native(*rows):
    """Return an answer of query_range whose rows are lists of (rule, low, high, count)."""
    texts = [[[rule, str(low), str(high), str(n)] for rule, low, high, n in row] for row in rows]
    rows = [[START + i * HOUR, {"count": "0", "sum": "0", "buckets": row}] for i, row in enumerate(texts)]
    result = [{"metric": {}, "histograms": rows}]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def quietly(source, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_counts(source, **options)


def test_a_row_begins_a_step_before_its_stamp_and_holds_what_is_between_two_bounds():
    counts = quietly(prometheus(), unit="s")
    assert counts.to_numpy().tolist() == COUNTS.tolist()
    assert counts.index[0] == pd.Timestamp(START - HOUR, unit="s", tz="UTC")
    assert [str(bucket) for bucket in counts.columns] == [
        "(0.0, 0.1]",
        "(0.1, 0.25]",
        "(0.25, 1.0]",
        "(1.0, inf]",
    ]
    assert counts.attrs["unit"] == "s" and counts.columns.name is None


def test_a_real_answer_of_a_classic_histogram():  # sum by (le) (increase(latency_seconds_bucket[5s])), Prometheus 2.42
    values = {
        "+Inf": ["2000.7505629221919", "2001.9990004997503", "1998.75"],
        "0.1": ["8.753752814583187", "8.749062734316206", "10"],
        "0.25": ["2000.7505629221919", "2001.9990004997504", "1998.75"],  # above +Inf by a rounding
    }
    series = [
        {"metric": {"le": le}, "values": [[1795900153 + 5 * i, n] for i, n in enumerate(texts)]}
        for le, texts in values.items()
    ]
    counts = quietly({"status": "success", "data": {"resultType": "matrix", "result": series}})
    assert counts.index[1] - counts.index[0] == pd.Timedelta("5s")
    assert counts.iloc[0].tolist() == pytest.approx([8.7537528, 1991.9968101, 0])
    assert counts.iloc[1, 2] == 0


def test_a_file_may_be_packed_and_is_not_changed_when_given_as_a_dict(tmp_path):
    path = tmp_path / "night.json.gz"
    path.write_bytes(gzip.compress(json.dumps(prometheus()).encode()))
    answer = prometheus()
    pd.testing.assert_frame_equal(load_counts(path), load_counts(answer))
    assert answer == prometheus()
    pd.testing.assert_frame_equal(
        load_counts(answer["data"]["result"]), load_counts(answer)
    )  # as promtool writes it


def test_lost_hours_are_no_rows_and_spellings_of_a_bound_are_one():
    answer = prometheus()
    for one in answer["data"]["result"]:
        del one["values"][2]
    first, second = copy.deepcopy(answer["data"]["result"][1]), answer["data"]["result"][1]
    second["metric"]["le"], second["values"], first["values"] = "1", second["values"][3:], first["values"][:3]
    answer["data"]["result"].append(first)
    assert quietly(answer).to_numpy().tolist() == np.delete(COUNTS, 2, axis=0).tolist()


def test_native_histograms_leave_out_what_is_empty():
    growth = 2 ** (1 / 8)
    counts = quietly(
        native(
            [(3, -0.001, 0.001, 2.5), (0, growth**-4, growth**-3, 7.5)],
            [(0, growth**-2, growth**-1, 4.25), (0, growth**-3, growth**-2, 1)],
            [],
        )
    )
    assert counts.to_numpy().tolist() == [[2.5, 0, 7.5, 0, 0, 0], [0, 0, 0, 1, 4.25, 0], [0] * 6]
    assert counts.columns.right[:-1].to_numpy() == pytest.approx([0.001, *growth ** np.arange(-4.0, 0)])


def test_native_histograms_of_several_schemas_come_to_the_coarsest():
    fine = [
        (0, "0.1051120519067143", "0.11462550540058389", 3),
        (0, "0.11462550540058389", "0.125", 4),
    ]  # schema 3
    coarse = [(0, "0.08838834764831843", "0.125", 5), (0, "0.125", "0.17677669529663687", 6)]  # schema 1
    counts = quietly(native(fine, coarse))
    assert counts.to_numpy().tolist() == [[0, 7, 0, 0], [0, 5, 6, 0]]
    other = quietly(native(coarse, coarse))
    assert other.columns.equals(counts.columns)  # bit by bit, so that another day's can be compared


def test_native_histograms_with_bounds_of_their_own_keep_those_that_none_straddles():
    counts = quietly(native([(0, "-Inf", 5, 1), (0, 5, 10, 2)], [(0, 5, 25, 3), (0, 25, "+Inf", 4)]))
    assert counts.to_numpy().tolist() == [[1, 2, 0], [0, 3, 4]]
    assert counts.columns.right.tolist() == [5, 25, math.inf]


@pytest.mark.parametrize("shape", ["classic", "native"])
def test_totals_are_told_from_counts_and_differenced(shape):
    totals = np.concatenate([TOTALS, [[2, 9, 3, 0], [4, 30, 8, 1], [5, 50, 9, 1], [9, 90, 12, 2]]])
    lows, highs = [0.001, 1, 2, 4], [1, 2, 4, 8]
    rows = [[(0, low, high, n) for low, high, n in zip(lows, highs, row, strict=True) if n] for row in totals]
    with pytest.warns(UserWarning, match="totals since the service's start"):
        counts = load_counts(prometheus(totals) if shape == "classic" else native(*rows))
    values = counts.to_numpy()[:, :4] if shape == "classic" else counts.to_numpy()[:, -5:-1]
    if shape == "classic":
        assert values[:5].tolist() == COUNTS[1:].tolist()
        assert values[5:7].tolist() == [[2, 9, 3, 0], [2, 21, 5, 1]]
    assert counts.to_numpy().sum() == COUNTS[1:].sum() + 113
    assert counts.index[0] == pd.Timestamp(START, unit="s", tz="UTC")


def test_counts_that_rise_for_a_while_or_have_fractions_are_no_totals():
    for counts in (
        COUNTS,
        TOTALS[:3],
        TOTALS + 0.25,
        np.tile(COUNTS[0], (30, 1)),
        np.concatenate([TOTALS, TOTALS[::-1]]),
    ):
        assert quietly(prometheus(counts)).to_numpy().tolist() == counts.tolist()


def test_a_name_says_that_they_are_totals():
    with pytest.warns(UserWarning, match="totals"):
        counts = load_counts(prometheus(TOTALS[:2], __name__="http_request_duration_seconds_bucket"))
    assert counts.to_numpy().tolist() == [COUNTS[1].tolist()]
    assert (counts.columns.name, counts.attrs["unit"]) == ("http_request_duration_seconds", "s")
    assert quietly(prometheus(__name__="job:latency_ms:increase1h")).attrs["unit"] == ""


def test_increases_count_from_zero_after_a_restart_and_refuse_when_only_one_of_several_restarted():
    totals = pd.DataFrame({"a": [100, 110, 121, 4, 14], "b": [7, 7, 9, 1, 1]}, index=list("vwxyz"))
    grown = increases(totals)
    assert grown.to_numpy().tolist() == [[10, 0], [11, 2], [4, 1], [10, 0]]
    assert list(grown.index) == list("vwxy")
    with pytest.raises(
        ValueError, match="fall at y but not to the beginning.*increase of each before the sum"
    ):
        increases(totals.assign(a=[100, 110, 121, 64, 74]))


def test_bounds_that_change_are_merged_away_and_rows_without_one_left_out():
    changed = COUNTS.astype(object).repeat(2, axis=0)
    changed = np.insert(changed, 2, 0, axis=1)
    changed[:6, 1], changed[6:, 2] = None, None
    with pytest.warns(UserWarning, match=r"bounds 0.25, 0.3: they are merged"):
        counts = load_counts(prometheus(changed, ["0.1", "0.25", "0.3", "1", "+Inf"]))
    assert counts.columns.right.tolist() == [0.1, 1, math.inf] and len(counts) == 12
    lost = COUNTS.astype(object).repeat(2, axis=0)
    lost[3, 1] = None
    with pytest.warns(UserWarning, match="1 row left out in which a bound is missing"):
        assert len(load_counts(prometheus(lost))) == 11


def test_rows_of_nan_and_warnings_of_prometheus_are_told():
    answer = prometheus() | {"warnings": ["a store did not answer"]}
    answer["data"]["result"][0]["values"][4][1] = "NaN"
    with pytest.warns(UserWarning) as told:
        assert load_counts(answer).to_numpy().tolist() == np.delete(COUNTS, 4, axis=0).tolist()
    assert "a store did not answer" in str(told[0].message) and "1 row left out that hold NaN" in str(
        told[1].message
    )
    assert told[0].filename == __file__


def without(answer, le):
    answer["data"]["result"] = [one for one in answer["data"]["result"] if one["metric"]["le"] not in le]
    return answer


def of_type(kind):
    return {"status": "success", "data": {"resultType": kind, "result": []}}


HOSTS = prometheus(instance="a")
HOSTS["data"]["result"] += prometheus(instance="b")["data"]["result"]
ERROR = {"status": "error", "errorType": "bad_data", "error": "1:50: parse error: unclosed left parenthesis"}
CUMULATIVE = pd.DataFrame(
    [
        (hour, float(le), 9 + i)
        for hour in pd.date_range("2026", periods=4, freq="h")
        for i, le in enumerate(BOUNDS)
    ],
    columns=["hour", "le", "count"],
)
TABLE = pd.DataFrame({"hour": pd.to_datetime(["2026-03-02"]), "le": [1.0], "count": [3]})


def test_small_falls_of_increase_are_none():
    cold = prometheus(
        [*COUNTS, [100.5, 1098.3, 4.5, -5]]
    )  # a counter that began within the hour, by promtool
    assert quietly(cold).to_numpy()[-1] == pytest.approx([100.5, 1098.3, 4.5, 0])


def test_a_bound_that_not_all_hosts_have_is_merged_away_or_its_row_left_out():
    rolling = prometheus()
    rolling["data"]["result"][1]["values"][2][1] = "1"  # of le=1.0: fewer than at 0.25
    with pytest.warns(UserWarning, match="fall from le=0.25 to le=1, .*: it is merged"):
        assert load_counts(rolling).columns.right.tolist() == [0.1, 0.25, math.inf]
    rolling = prometheus(np.tile(COUNTS, (2, 1)))
    rolling["data"]["result"][1]["values"][2][1] = "1"
    with pytest.warns(UserWarning, match="1 row left out in which the counts fall"):
        assert len(load_counts(rolling)) == 11
    several = prometheus()
    several["data"]["result"][0]["values"][2][1] = "1"  # of +Inf
    with pytest.raises(ValueError, match="no histogram, or several"):
        load_counts(several)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (ERROR, "unclosed left parenthesis'"),
        (of_type("matrix"), "is empty: check the metric's name"),
        (of_type("vector"), "type vector, of one moment"),
        (without(prometheus(), ["+Inf"]), r'le="\+Inf" is missing'),
        (without(prometheus(), BOUNDS[:3]), r"no bound but \+Inf"),
        (HOSTS, r"differ by instance.*sum by \(le\) \(increase"),
        (prometheus(COUNTS[:1]), "one row only"),
        (
            of_type("matrix") | {"data": {"resultType": "matrix", "result": [{"metric": {}, "values": []}]}},
            "label le",
        ),
        (native([(0, 1, 2, 1)], [(1, -2, -1, 1)]), "negative values"),
        (native([], []), "nothing is counted above zero"),
        (TABLE.drop(columns="le"), "the columns are hour, count: one of times"),
        (TABLE.assign(day=TABLE["hour"]), "one of times"),
        (TABLE.assign(le=np.nan), "missing, first in row 0"),
        (TABLE.assign(count=-1), "negative"),
        (CUMULATIVE, "the counts only rise over le"),
        ([], "no data points"),
        ({"p95": 1}, "neither an answer"),
    ],
)
def test_what_is_refused(source, words):
    with pytest.raises(ValueError, match=f"^source.*{words}"):
        load_counts(source)


def test_other_types_and_files_are_refused(tmp_path):
    with pytest.raises(TypeError, match="source is neither"):
        load_counts(5)
    (tmp_path / "a.json").write_text('{"status": "succ')
    with pytest.raises(ValueError, match="a.json is no whole JSON: fetch it again"):
        load_counts(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match="is not there"):
        load_counts(tmp_path / "b.json")


def test_tables_are_pivoted_and_what_is_in_the_model_passes():
    table = pd.DataFrame({"le": ["5", "10", "+Inf", "5", "5"], "count": [1, 2, 3, 4, 5]})
    table["hour"] = pd.to_datetime(["2026-03-02 01:00"] * 3 + ["2026-03-02 00:00"] * 2)
    counts = quietly(table, unit="ms")
    assert counts.to_numpy().tolist() == [[9, 0, 0], [1, 2, 3]]
    pd.testing.assert_frame_equal(quietly(counts), counts)
    rows = table.assign(le=[0, 10, 5, 5, 5])  # noqa: F841, which DuckDB sees; none above the last, and zeros
    counts = quietly(duckdb.sql("SELECT hour, le, sum(count)::INT AS count FROM rows GROUP BY ALL"))
    assert counts.to_numpy().tolist() == [[9, 0, 0], [4, 2, 0]]
    assert [str(bucket) for bucket in counts.columns] == ["(0.0, 5.0]", "(5.0, 10.0]", "(10.0, inf]"]


# --- OpenTelemetry -----------------------------------------------------------------------------------------


def measured(hours, cumulative=False, view=None):
    """Return the data points that the SDK exports, one an hour."""
    one = AggregationTemporality.CUMULATIVE if cumulative else AggregationTemporality.DELTA
    reader = InMemoryMetricReader(preferred_temporality={Histogram: one})
    provider = MeterProvider([reader], views=[View(instrument_name="*", aggregation=view)] if view else ())
    histogram, points = provider.get_meter("test").create_histogram("latency", "ms"), []
    for latencies in hours:
        for latency in latencies:
            histogram.record(latency)
        data = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data
        points += data.data_points
    return points


EXPONENTIAL = ExponentialBucketHistogramAggregation(max_size=20)
LATENCIES = np.random.default_rng(42).gamma(8, 12, (5, 400))
LATENCIES[2, 0] = 30_000  # which coarsens the scale from then on


@pytest.mark.parametrize("view", [None, EXPONENTIAL])
@pytest.mark.parametrize("cumulative", [False, True])
def test_points_of_the_sdk_count_what_was_recorded(view, cumulative):
    counts = quietly(measured(LATENCIES, cumulative, view), unit="ms")
    expected = [np.histogram(hour, [*counts.columns.left, math.inf])[0] for hour in LATENCIES[cumulative:]]
    assert counts.to_numpy().tolist() == np.array(expected).tolist()
    assert counts.columns[0].left == 0 and counts.index.tz is not None


def otlp(points, kind="exponentialHistogram", temporality=1, name="latency_ms", unit="", host="a"):
    """Return OTLP's JSON of points, each the hours it begins and ends, and its own fields."""
    stamps = {"startTimeUnixNano": 0, "timeUnixNano": 1}
    points = [
        {key: str(int(START + HOUR * span[i]) * 10**9) for key, i in stamps.items()} | fields
        for span, fields in points
    ]
    data = {"aggregationTemporality": temporality, "dataPoints": points}
    attributes = [{"key": "host.name", "value": {"stringValue": host}}]
    metrics = [{"name": "requests", "sum": {}}, {"name": name, "unit": unit, kind: data}]
    scopes = {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": metrics}]}
    return {"resourceMetrics": [scopes]}


def exponential(*counts, scale=0, offset=0, **fields):
    return {"scale": scale, "positive": {"offset": offset, "bucketCounts": [str(n) for n in counts]}} | fields


def explicit(*counts, bounds=(0, 5, 10)):
    return {"explicitBounds": list(bounds), "bucketCounts": [str(n) for n in counts]}


def test_a_file_of_the_collector_has_an_export_a_line_and_hosts_add_up(tmp_path):
    lines = [
        otlp([((0, 1), exponential(1, 2, 3, 4, scale=1, offset=-3, zeroCount="7"))]),
        otlp([((0, 1), exponential(5))], host="b"),
        otlp([((1, 2), exponential(8, scale=0, offset=1)), ((2, 3), {"flags": 1})]),
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    counts = quietly(path)
    assert counts.columns.right[1:].tolist() == [0.25, 0.5, 1, 2, 4, math.inf]
    assert counts.to_numpy().tolist() == [[7, 0, 1, 5, 9, 0, 0], [0, 0, 0, 0, 0, 8, 0]]
    assert counts.index[1] == pd.Timestamp(START + HOUR, unit="s", tz="UTC")
    assert (counts.columns.name, counts.attrs["unit"]) == ("latency_ms", "ms")


def test_cumulative_points_are_differenced_from_each_start():
    first = [
        ((-9, 1), explicit(0, 90, 9, 9)),
        ((-9, 2), explicit(0, 92, 9, 9)),
        ((2, 3), explicit(0, 95, 9, 9)),
    ]
    later = [((1.5, 2), explicit(1, 6, 0, 0)), ((1.5, 3), explicit(1, 6, 1, 0))]
    both = [
        otlp(first, "histogram", "AGGREGATION_TEMPORALITY_CUMULATIVE"),
        otlp(later, "histogram", 2, host="b"),
    ]
    counts = quietly(both, unit="s")
    stamps = [pd.Timestamp(START + HOUR * begin, unit="s", tz="UTC") for begin in (1, 1.5, 2)]
    assert list(counts.index) == stamps and counts.attrs["unit"] == "s"
    assert counts.to_numpy().tolist() == [[2, 0, 0], [7, 0, 0], [95, 10, 9]]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([otlp([], name="a"), otlp([], name="b")], r"several histograms among its metrics \(a, b\)"),
        (otlp([], kind="gauge"), r"no histogram among its metrics \(latency_ms, requests\)"),
        (otlp([]), "no data points"),
        (
            otlp([((0, 1), exponential(1, negative={"offset": 0, "bucketCounts": ["0", "2"]}))]),
            "negative values",
        ),
        (otlp([((0, 1), exponential(1)), ((0, 1), explicit(0, 1, 2, 3))]), "some explicit bounds"),
        (otlp([((-START / HOUR, 1), exponential(1))]), "set startTimeUnixNano"),
        (otlp([((0, 1), exponential(1))], temporality=2), "no row that can be used"),
    ],
)
def test_what_is_refused_of_opentelemetry(source, words):
    with pytest.raises(ValueError, match=f"^source.*{words}"):
        load_counts(source)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), min_size=1, max_size=4),
    st.lists(st.integers(-2, 6), min_size=4, max_size=4),
)
def test_values_put_in_at_a_fine_scale_and_merged_are_as_those_put_in_at_the_coarsest(hours, scales):
    def index(value, scale):
        return math.ceil(round(math.log2(value / 1000) * 2.0**scale, 9)) - 1

    def points(scales):
        for i, (values, scale) in enumerate(zip(hours, scales, strict=False)):
            places = [index(value, scale) for value in values]
            counts = np.bincount(np.array(places) - min(places))
            yield (i, i + 1), exponential(*counts, scale=scale, offset=min(places))

    used = scales[: len(hours)]
    merged, direct = quietly(otlp(points(used))), quietly(otlp(points([min(used)] * len(used))))
    assert merged.columns.equals(direct.columns)
    assert merged.to_numpy().tolist() == direct.to_numpy().tolist()
    assert merged.sum(axis=1).tolist() == [len(values) for values in hours]


def test_a_single_request_of_an_hour_at_the_finest_scale_makes_no_million_buckets():
    points = [((i, i + 1), exponential(1, scale=20, offset=i * 2**20 + i)) for i in range(4)]
    counts = quietly(otlp(points))
    assert counts.shape[1] < 1_100 and counts.sum(axis=1).tolist() == [1] * 4
