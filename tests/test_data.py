"""A learner's CSV: found by itself where it is clear, refused where it is not, never dropped in silence."""

import gzip
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from utils.alarm.data import DataQualityWarning, load_latencies


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content, name="own.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def clean_minutes(n=6, header="timestamp,latency_ms\n"):
    times = pd.date_range("2024-01-01", periods=n, freq="min")
    return header + "".join(f"{time:%Y-%m-%dT%H:%M:%SZ},{150 + place}\n" for place, time in enumerate(times))


def findings(recording):
    return {(finding.what or finding.noun): (finding.count, finding.line) for finding in recording.findings}


def load_quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        return load_latencies(*arguments, **options)


def test_a_clean_file_is_read_as_it_stands_and_nothing_is_found(write):
    recording = load_latencies(write(clean_minutes()))
    assert recording.column == "latency_ms"
    assert recording.latencies.tolist() == [150, 151, 152, 153, 154, 155]
    assert str(recording.latencies.index[0]) == "2024-01-01 00:00:00+00:00"
    assert recording.findings == () and recording.n_left_out == 0
    assert "6 rows, 2024-01-01 00:00:00 to 2024-01-01 00:05:00" in str(recording)
    assert "nothing missing" in str(recording)
    assert repr(recording) == str(recording)


MESSY = """Time,latency_ms,host,status
2024-01-01 00:00:00,150,a,200
2024-01-01 00:01:00,,a,200
2024-01-01 00:03:00,timeout,b,500
2024-01-01 00:02:00,149,b,200
2024-01-01 00:02:00,149,b,200
2024-01-01 02:04:00,-3,b,200
,5,b,200
2024-01-01 02:05:00,5

2024-01-01 02:06:00,inf,c,200
2024-01-01 02:06:00,151,c,200
2024-01-01 02:07:00,152,c,200
2024-01-01 02:08:00,NaN,c,200
"""


def test_every_trouble_is_counted_with_the_line_on_which_it_begins(write):
    recording = load_quietly(write(MESSY))
    assert findings(recording) == {
        "blank line": (1, 10),
        "without the 4 fields of the others": (1, 9),
        "without a time that can be read": (1, 8),
        "out of order, sorted": (1, 5),
        "identical to an earlier row, kept": (1, 6),
        "with the time of an earlier row, kept": (1, 12),
        "longer than 90 s": (2, 7),
        "with nothing in latency_ms": (2, 3),
        "with no number in latency_ms": (2, 4),
        "in latency_ms, kept": (1, 7),
    }
    assert "2 rows with no number in latency_ms, first at line 4 ('timeout'): left out" in str(recording)
    assert "2 gaps longer than 90 s, first at line 7 (the longest 2.02 h)" in str(recording)
    assert "not numbers, not used: host" in str(recording)


def test_what_is_left_out_and_what_is_kept_add_up_to_the_file(write):
    recording = load_quietly(write(MESSY))
    assert recording.n_rows == 12
    assert recording.latencies.tolist() == [150, 149, 149, -3, 151, 152]
    assert recording.n_left_out == 6
    assert sum(finding.count for finding in recording.findings if finding.left_out) == 6
    # The frame keeps what has a time, with NaN where there is no number.
    assert len(recording.frame) == 10 and recording.frame["latency_ms"].isna().sum() == 4
    assert recording.frame.index.is_monotonic_increasing


def test_rows_left_out_are_warned_of_at_the_callers_line_even_when_no_report_is_printed(write):
    with pytest.warns(
        DataQualityWarning, match=r"own.csv: 6 rows of 12 left out: .*line 4 \('timeout'\)"
    ) as seen:
        load_latencies(write(MESSY))
    assert Path(seen[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_latencies(write(clean_minutes()))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("time;latency_ms\n2024-01-01 00:00;1.5\n2024-01-01 00:01;2.5\n", [1.5, 2.5]),
        ("time;latency_ms\n2024-01-01 00:00;1,5\n2024-01-01 00:01;2,25\n", [1.5, 2.25]),
        ("2024-01-01 00:00;1,5\n2024-01-01 00:01;2,25\n", [1.5, 2.25]),
        ('time,latency_ms\n2024-01-01 00:00,"1,5"\n2024-01-01 00:01,"2,25"\n', [1.5, 2.25]),
        ("time\tlatency_ms\r\n2024-01-01 00:00\t1.5\r\n2024-01-01 00:01\t2.5\r\n", [1.5, 2.5]),
        ("time|latency_ms\n2024-01-01 00:00|1.5\n2024-01-01 00:01|2.5\n", [1.5, 2.5]),
        ("sep=;\ntime;latency_ms\n2024-01-01 00:00;1.5\n2024-01-01 00:01;2.5\n", [1.5, 2.5]),
        ("An export\n\ntime,latency_ms\n2024-01-01 00:00,1.5\n", [1.5]),
        ("# exported by a tool\n# at noon\n\ntime,latency_ms\n2024-01-01 00:00, 1.5\n", [1.5]),
        ('"time" , "latency_ms"\n"2024-01-01 00:00" , "1.5"\n', [1.5]),
        ("\ufefftime,latency_ms\n2024-01-01 00:00,1.5\n", [1.5]),
        ("time,latency_ms\n2024-01-01 00:00,1.5", [1.5]),
        ('time,latency_ms\n2024-01-01 00:00,"1,198.90"\n2024-01-01 00:01,119.89\n', [1198.9, 119.89]),
        ('time,latency_ms\n2024-01-01 00:00,"1,198"\n2024-01-01 00:01,119.89\n', [1198, 119.89]),
        ("time;latency_ms\n2024-01-01 00:00;1.198,90\n2024-01-01 00:01;119,89\n", [1198.9, 119.89]),
        ("time;latency_ms\n2024-01-01 00:00;1 198,90\n2024-01-01 00:01;119,89\n", [1198.9, 119.89]),
        ("time;latency_ms\n2024-01-01 00:00;1\u202f198\n2024-01-01 00:01;119,8\n", [1198, 119.8]),
        ("time;latency_ms\n2024-01-01 00:00;12'001'198.9\n2024-01-01 00:01;119.8\n", [12001198.9, 119.8]),
        ('latency_ms\n"1,234,567"\n12\n', [1234567, 12]),
        ('"1,198.90"\n119.89\n', [1198.9, 119.89]),
        ("time,latency_ms\n2024-01-01 00:00,1e3\n2024-01-01 00:01,+2.\n\n\n", [1000, 2]),
    ],
)
def test_delimiters_decimals_quotes_and_marks_are_found(write, content, expected):
    recording = load_latencies(write(content))
    assert recording.latencies.tolist() == expected
    assert recording.findings == ()


@pytest.mark.parametrize("compress", [gzip.compress, lambda content: content])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_compressed_files_and_other_encodings_are_read(write, compress, encoding):
    path = write(compress(clean_minutes().encode(encoding)), "own.csv.gz")
    assert len(load_latencies(path).latencies) == 6


@pytest.mark.parametrize(
    ("cells", "expected", "how"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"], "2024-01-01 00:01:00+00:00", "in UTC"),
        (["2024-01-01T01:00:00+01:00", "2024-01-01T01:01:00+01:00"], "2024-01-01 00:01:00+00:00", "in UTC"),
        # The clocks go forward between these two: one minute apart, not an hour and a minute.
        (["2024-03-31T01:59:00+01:00", "2024-03-31T03:00:00+02:00"], "2024-03-31 01:00:00+00:00", "in UTC"),
        (["2024-01-01 00:00:00 UTC", "2024-01-01 00:01:00 UTC"], "2024-01-01 00:01:00+00:00", "in UTC"),
        (
            ["2024-01-01 00:00:00 +0000 UTC", "2024-01-01 00:01:00 +0000 UTC"],
            "2024-01-01 00:01:00+00:00",
            "UTC",
        ),
        (["2024-01-01 01:00:00+01", "2024-01-01 01:01:00+01"], "2024-01-01 00:01:00+00:00", "in UTC"),
        (["2024-01-01 00:00:00", "2024-01-01 00:01:00.500"], "2024-01-01 00:01:00.500000", "no time zone"),
        (["2024/01/01 00:00", "2024/01/01 00:01"], "2024-01-01 00:01:00", "no time zone"),
        (["1704067200", "1704067260.5"], "2024-01-01 00:01:00.500000+00:00", "s since 1970"),
        (["1704067200000", "1704067260500"], "2024-01-01 00:01:00.500000+00:00", "ms since 1970"),
        (["1704067200000000", "1704067260500000"], "2024-01-01 00:01:00.500000+00:00", "µs since 1970"),
        (["1704067200000000000", "1704067260000000000"], "2024-01-01 00:01:00+00:00", "ns since 1970"),
    ],
)
@pytest.mark.parametrize("header", ["ts,latency_ms\n", ""])
def test_times_are_read_the_same_however_they_are_written(write, cells, expected, how, header):
    recording = load_latencies(write(header + f"{cells[0]},1\n{cells[1]},2\n"))
    assert str(recording.latencies.index[1]) == expected
    assert how in str(recording)


def test_a_log_that_writes_a_comma_before_the_milliseconds_is_read(write):
    recording = load_latencies(write("time;latency_ms\n2024-01-01 00:00:00,123;1\n2024-01-01 00:00:01,5;2\n"))
    assert recording.latencies.index[0] == pd.Timestamp("2024-01-01 00:00:00.123")


@pytest.mark.parametrize(
    ("name", "in_ms"),
    [
        ("latency_ms", 2),
        ("latency", 2),
        ("duration_s", 2_000),
        ("http_request_duration_seconds", 2_000),
        ("durationSeconds", 2_000),
        ("Response Time (sec)", 2_000),
        ("took_us", 0.002),
        ("elapsed [µs]", 0.002),
        ("elapsed_nanoseconds", 2e-6),
        ("p95Ms", 2),
        ("requests_per_s", 2),
        ("hits_s", 2),  # could be a rate; only a word for a duration makes it seconds
        ("s", 2),
    ],
)
def test_the_unit_in_a_name_makes_milliseconds_and_the_report_says_so(write, name, in_ms):
    recording = load_latencies(write(f"timestamp,{name}\n2024-01-01 00:00,2\n"))
    assert recording.column == name
    assert recording.latencies.tolist() == pytest.approx([in_ms])
    assert ("by its name" in str(recording)) == (in_ms != 2 or name.lower().endswith("ms"))


def test_without_times_the_order_of_the_file_stands(write):
    recording = load_quietly(write("150\n\n149\nabc\n148\n"))
    assert recording.latencies.tolist() == [150, 149, 148]
    assert "order of the file" in str(recording)
    assert findings(recording)["with no number in column 1"] == (1, 4)


def test_an_empty_line_in_a_file_of_one_column_is_counted(write):
    assert findings(load_quietly(write("latency_ms\n150\n\n149\n"))) == {"blank line": (1, 3)}


def test_of_several_columns_the_one_named_for_a_latency_is_taken_and_the_others_stay_in_the_frame(write):
    recording = load_latencies(
        write("time,requests,latency_ms\n2024-01-01 00:00,5,3\n2024-01-01 00:01,6,4\n")
    )
    assert recording.column == "latency_ms"
    assert recording.frame.columns.tolist() == ["requests", "latency_ms"]


def test_when_several_columns_could_be_it_none_is_guessed(write):
    path = write("time,p50_ms,p99_ms\n2024-01-01 00:00,5,30\n2024-01-01 00:01,6,40\n")
    recording = load_latencies(path)
    assert recording.column is None and recording.n_left_out == 0
    with pytest.raises(ValueError, match=r"several columns of numbers \(p50_ms, p99_ms\).*column="):
        recording.latencies  # noqa: B018
    assert load_latencies(path, column="p99_ms").latencies.tolist() == [30, 40]


def test_another_column_of_times_can_be_asked_for(write):
    path = write(
        "time,end,latency_ms\n2024-01-01 00:00,2024-01-01 00:05,3\n2024-01-01 00:01,2024-01-01 00:02,4\n"
    )
    assert "also times, not used: end" in str(load_latencies(path))
    assert load_latencies(path).latencies.tolist() == [3, 4]
    assert load_latencies(path, time="end").latencies.tolist() == [4, 3]


def test_the_row_numbers_that_pandas_writes_are_no_latencies(write):
    frame = pd.DataFrame(
        {"timestamp": pd.date_range("2024-01-01", periods=5, freq="min"), "value": range(5, 10)}
    )
    recording = load_latencies(write(frame.to_csv()))
    assert recording.column == "value" and "row counter" in str(recording)


def test_two_columns_of_one_name_stay_apart(write):
    recording = load_latencies(write("time,value,value\n2024-01-01 00:00,5,1\n"), column="value (2)")
    assert recording.latencies.tolist() == [1]
    with pytest.raises(ValueError, match="two columns called 'value': pass column='value .2.' for the later"):
        load_latencies(recording.path, column="value")


def test_a_file_with_the_newest_first_is_turned_around_and_is_no_disorder(write):
    header, *rows = clean_minutes().splitlines()
    recording = load_latencies(write("\n".join([header, *reversed(rows)])))
    assert recording.latencies.tolist() == [150, 151, 152, 153, 154, 155]
    assert recording.findings == () and "newest first" in str(recording)


def test_sorting_keeps_rows_of_one_time_in_the_order_of_the_file(write):
    times = ["00:02", "00:01", "00:01", "00:00", "00:01"]
    rows = "".join(f"2024-01-01 {time},{place}\n" for place, time in enumerate(times))
    assert load_latencies(write("time,latency_ms\n" + rows)).latencies.tolist() == [3, 1, 2, 4, 0]


def test_requests_at_random_moments_have_no_gaps_and_an_outage_among_them_is_one(write):
    rng = np.random.default_rng(42)
    seconds = np.cumsum(rng.exponential(1.0, size=2_000))
    seconds[1_200:] += 600

    def file(moments):
        return write("time,latency_ms\n" + "".join(f"{1_704_067_200 + s:.6f},1\n" for s in moments))

    recording = load_latencies(file(seconds))
    (finding,) = recording.findings
    assert (finding.noun, finding.count, finding.line) == ("gap", 1, 1_202)
    assert "irregularly" in str(recording)
    assert load_latencies(file(seconds[:1_200])).findings == ()


def test_reading_changes_neither_the_file_nor_the_current_directory(write):
    path = write(MESSY)
    before = path.read_bytes()
    load_quietly(path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", {}, "is empty"),
        ("\n \n", {}, "is empty"),
        ("# only a comment\n", {}, "only comments"),
        ("time,latency_ms\n", {}, "a header and no rows"),
        ("time,latency_ms\n2024-01-01,a,b\n", {}, "no row has as many"),
        ("time,latency_ms\n2024-01-01 00:00,\n", {}, "no column of numbers, every entry is empty"),
        ("time,p95\n2024-01-01 00:00,153 MB\n", {}, "no column of numbers, only entries such as '153 MB'"),
        ("time,latency\n01/02/2024 10:00,5\n", {}, r"'01/02/2024 10:00' in column 'time' .*time_format="),
        ("time,latency\n10:00:01,5\n", {}, "'10:00:01'.*time_format="),
        ("timestamp,v\n2024-01-31 10:00:00 CET,5\n", {}, "'2024-01-31 10:00:00 CET'.*time_format="),
        ("ts,v\n1704067200,5\n1704067260000,6\n", {}, "times in s and in ms since 1970"),
        ("date,time,v\n2024-01-01,10:00,5\n2024-01-02,10:01,6\n", {}, "only days and column 'time' the time"),
        (
            'time,v,note\n2024-01-01 00:00,5,"ok\n2024-01-01 00:01,6,ok\n',
            {},
            "never closed.* line 2: close it",
        ),
        ('latency\n"1,234"\n999\n', {}, r"may be 1\.234 or 1234: .*decimal='\.' for the second"),
        ("time,latency\n2024-01-01 00:00,5,a\n", {}, "the header has 2 fields, the first row 3"),
        ("time,latency\n01/02/2024,5\n", {"time_format": "%Y"}, "not as '%Y'"),
        ("time;latency\n2024-01-01 00:00;1,234\n", {}, r"may be 1\.234 or 1234: pass decimal=','"),
        (
            "time,v\n2024-01-01T00:00:00Z,1\n2024-01-01T00:00:00,2\n",
            {},
            "with and without a time zone.*line 3",
        ),
        ("time,latency\n2024-01-01 00:00,5\n", {"column": "p95"}, "no column 'p95'.*it has time, latency"),
        ("time,latency\n2024-01-01 00:00,5\n", {"column": "time"}, "holds the times"),
        ("time,latency\n2024-01-01 00:00,5\n", {"time": "when"}, "no column 'when'"),
        ("time,latency\n2024-01-01 00:00,5\n", {"time": "latency"}, "times such as '5'"),
        (
            "time,host,v\n2024-01-01 00:00,a,1\n",
            {"column": "host"},
            "holds no number, only entries such as 'a'",
        ),
        ("time,latency\n2024-01-01 00:00,5\n", {"decimal": ";"}, "decimal must be"),
        (b"time,gr\xf6sse\n2024-01-01 00:00,5\n", {}, "not UTF-8 text, first at line 1"),
        (b"PK\x03\x04 a workbook", {}, "damaged zip"),
        (b"PAR1\x00\x15\x04", {}, "damaged content"),
        (gzip.compress(b"time,latency_ms\n")[:12], {}, "damaged gzip"),
        (gzip.compress(b"time,latency_ms\n")[:10] + b"\xff" * 20, {}, "damaged gzip"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_in_one_sentence(write, content, options, words):
    with pytest.raises(ValueError, match=words) as error:
        load_latencies(write(content), **options)
    message = str(error.value)
    assert "\n" not in message and message.endswith((".", "(month first)."))


def test_an_ambiguous_number_or_date_is_read_once_it_is_said_how(write):
    path = write("time;latency\n02/01/2024 10:00;1,234\n")
    recording = load_latencies(path, decimal=",", time_format="%d/%m/%Y %H:%M")
    assert recording.latencies.tolist() == [1.234]
    assert str(recording.latencies.index[0]) == "2024-01-02 10:00:00"


def test_with_a_decimal_comma_a_point_is_no_decimal(write):
    recording = load_quietly(write("a;latency\nx;1,5\nx;1.234\nx;2,25\n"), decimal=",")
    assert recording.latencies.tolist() == [1.5, 2.25]
    assert findings(recording) == {"with no number in latency": (1, 3)}


def test_with_a_decimal_point_a_comma_sets_thousands_apart_and_one_that_does_not_is_counted(write):
    recording = load_quietly(write('latency\n"1,234"\n"1,5"\n999\n'), decimal=".")
    assert recording.latencies.tolist() == [1234, 999] and "thousands separators" in str(recording)
    assert findings(recording) == {"with no number in latency": (1, 3)}


def test_one_odd_number_does_not_turn_the_others_around(write):
    recording = load_quietly(write("latency;x\n" + "1,5;a\n" * 9 + "1.25;a\n"))
    assert recording.latencies.tolist() == [1.5] * 9
    assert findings(recording) == {"with no number in latency": (1, 11)}


def test_rows_that_a_pair_of_stray_quotes_swallows_are_said(write):
    rows = [f"2024-01-01 00:0{minute},{minute},ok\n" for minute in range(6)]
    rows[1], rows[4] = rows[1].replace("ok", '"oops'), rows[4].replace("ok", 'oops"')
    recording = load_quietly(write("time,latency_ms,note\n" + "".join(rows)))
    assert findings(recording)["that takes several lines"] == (1, 3)
    assert "(up to 4 lines)" in str(recording)


def test_a_path_that_is_no_file_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not there: check the path"):
        load_latencies(tmp_path / "missing.csv")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_latencies(str(tmp_path))


def test_a_column_of_nothing_but_text_numbers_beside_words_counts_the_words(write):
    rows = "".join(f"2024-01-01 00:{minute:02},{minute}\n" for minute in range(10))
    recording = load_quietly(
        write("time,latency_ms\n" + rows + "2024-01-01 00:10,1_000\n2024-01-01 00:11,0x1F\n")
    )
    assert findings(recording) == {"with no number in latency_ms": (2, 12)}
    assert len(recording.latencies) == 10


# Where one reading of a file ends and the next one begins ----------------------------------------------------


def irregular(gap_s, n=60):
    """Return requests at random moments, some 20 s apart, with one gap of so many usual steps of 10 s."""
    steps = np.resize([10.0, 4.0, 37.0, 10.0, 19.0, 2.0], n)
    steps[n // 2] = gap_s
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(steps), unit="s")
    return "time,latency_ms\n" + "".join(f"{time:%Y-%m-%d %H:%M:%S},{i}\n" for i, time in enumerate(times))


def test_arrivals_at_random_have_a_gap_where_it_is_longer_than_twenty_usual_steps(write):
    assert "gap" not in str(load_latencies(write(irregular(195))).findings)
    assert findings(load_latencies(write(irregular(205)))) == {"longer than 3.33 min": (1, 32)}


@pytest.mark.parametrize(("forward", "turned"), [(1, True), (4, False)])
def test_a_file_is_newest_first_only_if_nearly_all_of_its_steps_go_back(write, forward, turned):
    minutes = list(range(20, 0, -1))
    for place in range(forward):
        minutes[4 * place : 4 * place + 2] = minutes[4 * place : 4 * place + 2][::-1]
    rows = "".join(f"2024-01-01 00:{minute:02d}:00,{minute}\n" for minute in minutes)
    recording = load_latencies(write("time,latency_ms\n" + rows))
    assert ("newest first in the file: turned around" in recording.notes) is turned
    assert any("out of order, sorted" in str(finding) for finding in recording.findings) is not turned
    assert recording.latencies.tolist() == sorted(minutes)


@pytest.mark.parametrize("numbers", [3, 5])
def test_a_column_is_one_of_numbers_if_half_of_what_it_holds_are(write, numbers):
    cells = ["1.5"] * numbers + ["slow"] * (10 - numbers)
    rows = "".join(f"2024-01-01 00:0{i}:00,{150 + i},{cell}\n" for i, cell in enumerate(cells))
    recording = load_quietly(write("time,latency_ms,size_mb\n" + rows))
    assert ("size_mb" in recording.frame) is (numbers >= 5)
    assert ("not numbers, not used: size_mb" in recording.notes) is (numbers < 5)


@pytest.mark.parametrize("readable", [3, 5])
def test_a_column_holds_times_if_half_of_its_rows_can_be_read(write, readable):
    cells = [f"2024-01-01 00:0{i}:00" for i in range(readable)] + ["noon"] * (10 - readable)
    rows = "".join(f"{cell},{150 + i}\n" for i, cell in enumerate(cells))
    path = write("when,latency_ms\n" + rows)
    if readable >= 5:
        assert len(load_quietly(path).frame) == readable
    else:
        with pytest.raises(ValueError, match="times such as '2024-01-01 00:00:00' in column 'when' are not"):
            load_quietly(path)
