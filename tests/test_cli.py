"""The detect-drift command: its exit status is the verdict, and 1 means drift and nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

# Fixtures of the pager's own tests: a running Alertmanager, and loopback addresses reached without a proxy.
from tests.test_alertmanager import (  # noqa: F401
    free_port,
    needs_alertmanager,
    no_proxy_and_short_pauses,
    real,
    wait_until,
)
from utils.alarm import cli
from utils.alarm.cli import CANNOT_SAY, DRIFT, LOST_NUMBERS, NO_DRIFT, _in_a_shell, main
from utils.alarm.drift import detect_drift
from utils.alarm.monitor import DriftMonitor
from utils.alarm.state import locked

ROOT = Path(__file__).parents[1]
EIGHTY_WINDOWS = ("--budget", "1/50")


@pytest.fixture
def csv(tmp_path):
    """Return a function that writes latencies to a CSV file, one a minute, and returns its path as text."""

    def write(name, latencies, first_minute=0):
        times = 1_704_067_200 + 60 * (first_minute + np.arange(len(latencies)))
        rows = "".join(f"{time},{latency}\n" for time, latency in zip(times, latencies, strict=True))
        path = tmp_path / name
        path.write_text("ts,latency_ms\n" + rows)
        return str(path)

    return write


@pytest.fixture
def files(csv):
    """Return a history of 80 windows, and three recent files: healthy, slower, and one of words and gaps."""
    rng = np.random.default_rng(42)
    healthy = rng.normal(150, 20, size=180).round(2)
    return {
        "history": csv("history.csv", rng.normal(150, 20, size=80 * 60).round(2)),
        "healthy": csv("healthy.csv", healthy, 5_000),
        "slower": csv("slower.csv", [*healthy[:60], *(healthy[60:] + 60)], 5_000),
        "broken": csv("broken.csv", ["timeout" if i % 10 == 0 else v for i, v in enumerate(healthy)], 5_000),
    }


def test_the_same_history_gives_0_for_a_healthy_file_and_1_for_a_slower_one(files, capsys):
    assert main([files["history"], files["healthy"], *EIGHTY_WINDOWS]) == NO_DRIFT == 0
    assert "verdict:  No drift found" in capsys.readouterr().out
    assert main([files["history"], files["slower"], *EIGHTY_WINDOWS]) == DRIFT == 1
    printed = capsys.readouterr()
    assert (
        "verdict:  Drift in latency_ms: recent is slower from 2024-01-04 12:20 UTC" in printed.out
        and printed.err == ""
    )
    assert "3 judged, 2 in alarm" in printed.out
    assert "first window in alarm: number 2, from 2024-01-04 12:20:00+00:00" in printed.out


def test_without_options_one_hour_of_minutes_is_a_window_and_one_alarm_in_thirty_days_the_budget(
    files, capsys
):
    assert main([files["history"], files["healthy"]]) == CANNOT_SAY
    printed = capsys.readouterr()
    assert "80 blocks of 60" in printed.out + printed.err
    assert "43,140 observations" in printed.out + printed.err  # 719 blocks: p-values of 1/720


def test_what_is_printed_suffices_to_repeat_the_verdict(files, capsys):
    main([files["history"], files["healthy"], "--budget", "0.02", "--window", "30", "--tolerance", "0.1"])
    printed = capsys.readouterr().out
    assert "settings: column latency_ms, window 30, budget 1/50, tolerance 0.1, statistic ks" in printed
    assert "history.csv: 4,800 rows, 2024-01-01 00:00:00" in printed and "healthy.csv: 180 rows" in printed


def test_a_tolerance_that_the_drift_does_not_exceed_turns_1_into_0(files):
    arguments = [files["history"], files["slower"], *EIGHTY_WINDOWS]
    assert main(arguments) == DRIFT
    assert main([*arguments, "--tolerance", "0.95"]) == NO_DRIFT


def test_evidence_adds_up_over_the_windows_of_a_file_when_asked(files, csv, capsys):
    quiet = np.random.default_rng(18).normal(150, 20, size=8 * 60).round(2)
    for moved, accumulated in ((0, NO_DRIFT), (5, DRIFT)):
        arguments = [files["history"], csv("slightly.csv", quiet + moved, 5_000), *EIGHTY_WINDOWS]
        assert main(arguments) == NO_DRIFT
        assert main([*arguments, "--accumulate"]) == accumulated
    printed = capsys.readouterr().out
    assert "statistic ks, accumulated" in printed and "evidence added up over the windows" in printed


def test_values_that_fill_no_window_are_mentioned(files, capsys):
    main([files["history"], files["healthy"], *EIGHTY_WINDOWS, "--window", "70"])
    assert "the last 40 values fill no window and were not judged" in capsys.readouterr().out


def test_options_reach_the_monitor(files, monkeypatch):
    seen = {}

    class Spy(Exception):
        pass

    def spy(historical, *arguments, **options):
        seen.update(options, arguments=arguments, n=len(historical))
        raise Spy

    monkeypatch.setattr("utils.alarm.monitor.DriftMonitor", spy)
    options = "--window 40 --budget 1/99 --tolerance 0.2 --statistic ks tail --cycles 1D 7D".split()
    main([files["history"], files["healthy"], *options])
    assert seen["arguments"] == (40, 1 / 99) and seen["n"] == 4_800
    assert seen["statistic"] == ("ks", "tail") and seen["cycles"] == ("1D", "7D") and seen["tolerance"] == 0.2


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_is_written_and_changes_no_verdict(files, tmp_path, ending):
    picture = tmp_path / f"picture.{ending}"
    assert main([files["history"], files["slower"], *EIGHTY_WINDOWS, "--picture", str(picture)]) == DRIFT
    assert picture.stat().st_size > 5_000


@pytest.mark.parametrize("name", ["missing/picture.png", "picture.nonsense"])
def test_a_picture_that_cannot_be_written_does_not_withhold_the_verdict(files, tmp_path, capsys, name):
    arguments = [files["history"], files["slower"], *EIGHTY_WINDOWS, "--picture", str(tmp_path / name)]
    assert main(arguments) == DRIFT
    printed = capsys.readouterr()
    assert "verdict:  Drift" in printed.out and "picture not written" in printed.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["history", "nowhere"], "is not there"),
        (["nowhere", "healthy"], "is not there"),
        (["healthy", "slower"], "3 blocks of 60 in historical support no rate below 1/4"),
        (["history", "healthy", "--budget", "1/50", "--window", "500"], "support no rate"),
        (["history", "healthy", "--budget", "1/5", "--window", "200"], "180 values and a window takes 200"),
        (["history", "healthy", "--window", "0"], "window is 0"),
        (["history", "healthy", "--budget", "2"], "must lie between 0 and 1"),
        (["history", "healthy", "--column", "p95"], "no column 'p95'"),
        (["history", "healthy", "--budget", "1/50", "--statistic", "mean"], "statistic"),
        (["history", "healthy", "--budget", "1/50", "--cycles", "weekly"], "cycles"),
    ],
)
def test_what_cannot_be_said_is_2_and_one_sentence_says_why(files, capsys, arguments, reason):
    assert main([files.get(argument, argument) for argument in arguments]) == CANNOT_SAY == 2
    printed = capsys.readouterr()
    assert "verdict" not in printed.out
    assert printed.err.startswith("can't say: ") and printed.err.count("\n") == 1
    assert reason in printed.err


def test_words_are_left_out_with_a_report_when_history_has_as_many(csv, files, capsys):
    rows = [value if i % 10 else "timeout" for i, value in enumerate(np.tile([150, 151, 149, 152.5], 1_500))]
    history = csv("wordy.csv", rows)
    assert main([history, files["broken"], *EIGHTY_WINDOWS]) in (NO_DRIFT, DRIFT)
    assert (
        "18 rows with no number in latency_ms, first at line 2 ('timeout'): left out"
        in capsys.readouterr().out
    )


def test_a_reason_names_the_options_of_the_shell(files, tmp_path, capsys):
    dates, commas = tmp_path / "dates.csv", tmp_path / "commas.csv"
    dates.write_text("time,latency_ms\n" + "31.01.2024 10:00,150\n" * 60)
    commas.write_text('latency_ms\n"1,234"\n' + "150\n" * 59)
    assert main([str(dates), str(dates)]) == CANNOT_SAY
    assert "pass --time-format ..., such as '%d/%m/%Y %H:%M'" in capsys.readouterr().err
    assert main([files["history"], str(commas)]) == CANNOT_SAY
    assert "pass --decimal ',' for the first, --decimal '.' for the second" in capsys.readouterr().err
    assert main([files["history"], str(commas), "--decimal", ".", *EIGHTY_WINDOWS]) in (NO_DRIFT, DRIFT)


def test_lists_may_be_written_with_commas_and_mean_each_of_them(files, capsys):
    arguments = [files["history"], files["healthy"], *EIGHTY_WINDOWS]
    assert main([*arguments, "--statistic", "ks,tail", "--cycles", "8h,1D"]) in (NO_DRIFT, DRIFT)
    assert "statistic ks tail, cycles 8h 1D" in capsys.readouterr().out


@pytest.mark.parametrize(
    "crash",
    [RuntimeError("a bug"), MemoryError(), KeyboardInterrupt(), ImportError("no pandas"), KeyError("x")],
)
def test_a_crash_is_no_drift(files, monkeypatch, capsys, crash):
    def crashing(*arguments, **options):
        raise crash

    monkeypatch.setattr("utils.alarm.monitor.DriftMonitor", crashing)
    assert main([files["history"], files["healthy"]]) == CANNOT_SAY
    expected = "interrupted" if isinstance(crash, KeyboardInterrupt) else type(crash).__name__
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["one.csv"], ["a", "b", "--budget", "1/0"], ["a", "b", "--bogus"]])
def test_a_wrong_command_line_is_2_too(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == CANNOT_SAY
    assert "usage: detect-drift" in capsys.readouterr().err


def test_the_help_tells_the_exit_status(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "0 no drift found, 1 drift, 2 can't say" in capsys.readouterr().out


def test_the_command_itself_exits_with_the_verdict(files):
    command = Path(sys.executable).with_name("detect-drift")
    start = [str(command)] if command.exists() else [sys.executable, "-m", "utils.alarm.cli"]
    done = subprocess.run(
        [*start, files["history"], files["slower"], *EIGHTY_WINDOWS],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (DRIFT, "")


def test_the_verdict_rests_on_the_window_that_is_named(files):
    # The same comparison by the library's own function: window 2 of the slower file, and not window 1.
    historical = np.loadtxt(files["history"], delimiter=",", skiprows=1)[:, 1]
    recent = np.loadtxt(files["slower"], delimiter=",", skiprows=1)[:, 1]
    assert not detect_drift(historical, recent[:60], alpha=0.001)
    assert detect_drift(historical, recent[60:120], alpha=0.001)


def test_a_cycle_is_said_with_its_shape_and_a_doubt_is_printed_as_a_note(csv, capsys):
    rng = np.random.default_rng(8)
    day = 150 * np.exp(0.2 * np.sin(2 * np.pi * np.arange(7 * 1_440) / 1_440))
    values = (day + rng.normal(0, 10, size=day.size)).round(2)
    history, recent = csv("days.csv", values[: 5 * 1_440]), csv("day.csv", values[-1_440:], 6 * 1_440)
    main([history, recent, "--budget", "1/50", "--cycles", "1D"])
    printed = capsys.readouterr()
    assert "cycles 1D (sines, multiplying)" in printed.out and printed.err == ""
    assert "note:     historical covers 5 periods" in printed.out and "as --budget says" in printed.out
    assert main([history, recent, "--budget", "1/50", "--holidays", "2024-01-04"]) == CANNOT_SAY
    assert "holidays belong to a weekly cycle" in capsys.readouterr().err


# --- one JSON object, and a status, in every case ----------------------------------------------------------


HOUR = 60
HOURLY = ("--window", "1h", "--budget", "1/50")


class Hours:
    """A service's minutes, as files of some hours; hours before 0 are history."""

    def __init__(self, folder):
        self.folder = folder
        rng = np.random.default_rng(3)
        times = pd.date_range("2026-03-02", periods=84 * HOUR, freq="min", tz="UTC")
        self.values = pd.Series(rng.normal(150, 20, times.size).round(2), times, name="latency_ms")
        self.history, self.state = self.write("history.csv", -60, 0), str(folder / "alarm.npz")

    def rows(self, first, end):
        return self.values.iloc[(60 + first) * HOUR : (60 + end) * HOUR]

    def write(self, name, first, end, change=lambda rows: rows):
        path = self.folder / name
        change(self.rows(first, end)).to_csv(path, index_label="time")
        return str(path)

    def text(self, name, text):
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def run(self, recent, *options):
        """Run with the state file."""
        return main([self.history, recent, *HOURLY, "--state", self.state, *options])

    def about(self):
        return DriftMonitor.load(self.state).about


@pytest.fixture
def hours(tmp_path):
    return Hours(tmp_path)


def slower(rows):
    return rows + 60


def nothing(rows):
    return rows.iloc[:0]


def words(rows):
    return rows.astype(object).mask(rows > 0, "timeout")


def gaps(rows):
    return rows.mask(np.arange(len(rows)) % 2 == 0)


CASES = {
    "healthy": (lambda h: h.write("r.csv", 0, 2), NO_DRIFT, "No drift found in latency_ms"),
    "slower": (lambda h: h.write("r.csv", 0, 2, slower), DRIFT, "Drift in latency_ms: recent is slower"),
    "not there": (lambda h: str(h.folder / "r.csv"), CANNOT_SAY, "can't say: .*r.csv is not there"),
    "a folder": (lambda h: str(h.folder), CANNOT_SAY, "can't say: "),
    "no text": (lambda h: h.text("r.csv", "\x00 a picture"), CANNOT_SAY, "can't say: .*not a text file"),
    "words": (
        lambda h: h.write("r.csv", 0, 2, words),
        LOST_NUMBERS,
        "the service lost its numbers: .*no number",
    ),
    "half": (lambda h: h.write("r.csv", 0, 2, gaps), LOST_NUMBERS, "lost its numbers: 60 of 120 recent rows"),
    "an empty column": (
        lambda h: h.write("r.csv", 0, 2, lambda rows: rows * np.nan),
        LOST_NUMBERS,
        "lost its numbers: .*no number",
    ),
    "header only": (lambda h: h.write("r.csv", 0, 2, nothing), LOST_NUMBERS, "no rows below it"),
    "empty": (lambda h: h.text("r.csv", ""), LOST_NUMBERS, "lost its numbers: r.csv is empty"),
    "few": (
        lambda h: h.write("r.csv", 0, 1, lambda rows: rows[:3]),
        LOST_NUMBERS,
        "lost its numbers: the window from 2026-03-04 12:00:00.* holds 3 values, fewer than 10; see that it runs",
    ),
}


def test_what_was_never_alike_is_no_history(hours, capsys):
    growing = hours.write("growing.csv", -60, 0, lambda rows: rows + np.arange(rows.size) / 10)
    assert main([growing, hours.write("r.csv", 0, 2), *HOURLY]) == CANNOT_SAY
    assert re.search(r"history's second half .* in \d\d+% of pairs of windows", capsys.readouterr().err)


def test_seconds_beside_milliseconds_are_asked_for_and_a_thousandfold_drift_of_known_units_is_drift(
    hours, capsys
):
    def unnamed(rows):
        return rows.rename("latency")

    history = hours.write("h.csv", -60, 0, unnamed)
    for name, factor in (("seconds.csv", 1_000), ("micros.csv", 0.001)):
        recent = hours.write(name, 0, 2, lambda rows, factor=factor: unnamed(rows) / factor)
        assert main([history, recent, *HOURLY]) == CANNOT_SAY
        assert "name the unit in the columns" in capsys.readouterr().err
    far = hours.write("far.csv", 0, 2, lambda rows: rows * 1_000)
    assert main([hours.history, far, *HOURLY]) == DRIFT
    seconds = hours.write("s.csv", 0, 2, lambda rows: (rows / 1_000).rename("latency_s"))
    assert main([hours.history, seconds, *HOURLY]) == NO_DRIFT
    assert "latency_s stands for latency_ms" in capsys.readouterr().out


def test_a_change_of_clocks_asks_whose_clock_the_cycles_follow(hours, capsys):
    def local(offset):
        return lambda rows: rows.set_axis([f"{t:%Y-%m-%dT%H:%M:%S}{offset}" for t in rows.index])

    history, recent = (
        hours.write("h.csv", -60, 0, local("+01:00")),
        hours.write("r.csv", 0, 2, local("+02:00")),
    )
    assert main([history, recent, *HOURLY, "--cycles", "8h"]) == CANNOT_SAY
    assert "written at +01:00 and at +02:00" in capsys.readouterr().err
    assert main([history, recent, *HOURLY]) == NO_DRIFT


def test_what_the_library_says_to_pass_is_said_as_options():
    told = "say where=['host=a b', 'm=x'], or where=['host=*', 'm=*'] for all; column=..., decimal=','"
    said = "say --where 'host=a b' --where m=x, or --where 'host=*' --where 'm=*' for all; --column ..., --decimal ','"
    assert _in_a_shell(told) == said


def test_rows_are_chosen_and_a_state_remembers_how(hours, capsys):
    def hosts(rows):
        both = (
            pd.DataFrame({"latency_ms": rows, "host": "a"}),
            pd.DataFrame({"latency_ms": rows + 90, "host": "b"}),
        )
        return pd.concat(both).sort_index(kind="stable")

    hours.history, recent = hours.write("h.csv", -60, 0, hosts), hours.write("r.csv", 0, 2, hosts)
    assert hours.run(recent) == CANNOT_SAY
    assert "--where host=a, or --where 'host=*' for all" in capsys.readouterr().err
    assert hours.run(recent, "--where", "host=a") == NO_DRIFT
    assert hours.run(recent, "--where", "host=b") == CANNOT_SAY
    assert "begun with --where host=a" in capsys.readouterr().err


@pytest.mark.parametrize("case", CASES)
def test_json_is_one_object_with_the_status_that_the_run_exits_with(hours, capsys, case):
    recent, status, sentence = CASES[case]
    arguments = [hours.history, recent(hours), *HOURLY]
    assert main([*arguments, "--json"]) == status
    printed = capsys.readouterr()
    report = json.loads(printed.out, parse_constant=pytest.fail)
    assert printed.out.count("\n") == 1 and report["status"] == status
    assert re.search(sentence, report["verdict"])
    assert printed.err == ("" if status in (NO_DRIFT, DRIFT) else report["verdict"] + "\n")
    assert main(arguments) == status
    printed = capsys.readouterr()
    assert report["verdict"] in (printed.out if status in (NO_DRIFT, DRIFT) else printed.err)
    assert "verdict:" not in printed.out or status in (NO_DRIFT, DRIFT)


def test_json_tells_each_window_with_its_numbers_and_what_is_not_there_is_null(hours, capsys):
    recent = hours.write("r.csv", 0, 3, lambda rows: pd.concat([slower(rows[:60]), rows[60:63], rows[120:]]))
    assert main([hours.history, recent, *HOURLY, "--json"]) == DRIFT
    report = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    slow, thin, healthy = report["windows"]
    assert [w["drifted"] for w in report["windows"]] == [True, False, False]
    assert [w["rows"] for w in report["windows"]] == [60, 3, 60]
    assert slow["statistic"] > slow["threshold"] and slow["unit"] == "ms" and slow["direction"] == "slower"
    assert slow["start"] == "2026-03-04 12:00:00+00:00" and slow["verdict"] == report["verdict"]
    assert thin["statistic"] is thin["p_value"] is None and "too few" in thin["verdict"]
    assert (report["firing_since"] is None) == (healthy["p_value"] > 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--bogus"],
        ["--until", "soon"],
        ["--label", "team"],
        ["--exclude", "2026-03-01"],
        ["--budget", "1/0"],
    ],
)
def test_a_wrong_command_line_is_a_json_object_too(hours, capsys, wrong):
    with pytest.raises(SystemExit) as stop:
        main([hours.history, hours.history, "--json", *wrong])
    printed = capsys.readouterr()
    assert stop.value.code == json.loads(printed.out)["status"] == CANNOT_SAY
    assert wrong[0] in printed.err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nobody_to_print_to_is_no_drift(hours, options):
    command = [
        sys.executable,
        "-m",
        "utils.alarm",
        hours.history,
        hours.write("r.csv", 0, 2, slower),
        *HOURLY,
    ]
    with open("/dev/full", "w") as full:
        done = subprocess.run([*command, *options], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == CANNOT_SAY
    assert done.stderr.startswith("can't say: ") and done.stderr.count("\n") == 1


# --- from one run to the next ------------------------------------------------------------------------------


def test_runs_that_overlap_judge_each_hour_once(hours, capsys):
    for first, printed in ((0, "1 judged"), (1, "60 seen before"), (1, "nothing to judge yet")):
        assert hours.run(hours.write("r.csv", max(0, first - 1), first + 1)) == NO_DRIFT
        assert printed in capsys.readouterr().out
    assert DriftMonitor.load(hours.state).state.windows == 2
    assert hours.run(hours.write("r.csv", 1, 2), "--json") == NO_DRIFT
    report = json.loads(capsys.readouterr().out)
    assert report["windows"] == [] and (report["skipped"], report["late"], report["waiting"]) == (60, 0, 0)


def test_until_ends_a_window_and_a_silent_hour_is_a_service_without_numbers(hours, capsys):
    part = hours.write("r.csv", 0, 1, lambda rows: rows[:40])
    assert hours.run(part) == NO_DRIFT
    assert "40 wait for their window" in capsys.readouterr().out
    assert hours.run(part, "--until", "2026-03-04T13:00") == NO_DRIFT
    assert "1 judged" in capsys.readouterr().out
    assert hours.run(part, "--until", "2026-03-04T14:05", "--json") == LOST_NUMBERS
    printed = capsys.readouterr()
    (silent,) = json.loads(printed.out)["windows"]
    assert (silent["rows"], silent["drifted"], silent["statistic"]) == (0, False, None)
    assert (
        "the window from 2026-03-04 13:00:00+00:00 holds 0 values, fewer than 10; see that it runs"
        in printed.err
    )
    assert hours.run(hours.write("r.csv", 2, 3)) == NO_DRIFT


def test_until_now_reaches_to_this_minute(hours):
    moved = pd.Timestamp.now("UTC").floor("h") - hours.values.index[62 * HOUR]
    hours.values = hours.values.shift(freq=moved)
    hours.history = hours.write("history.csv", -60, 0)
    recent = hours.write("r.csv", 0, 1)  # the hour before the last one
    assert hours.run(recent) == NO_DRIFT
    assert hours.run(recent, "--until", "now") == LOST_NUMBERS
    assert DriftMonitor.load(hours.state).state.next_start == pd.Timestamp.now("UTC").floor("h")


def test_a_silent_hour_is_lost_numbers_also_when_the_hour_before_it_was_healthy(hours):
    assert hours.run(hours.write("r.csv", 0, 1), "--until", "2026-03-04T14:00") == LOST_NUMBERS


@pytest.mark.parametrize("options", [["--state"], ["--window", "60", "--state"], []])
def test_until_without_windows_in_time_and_a_state_is_refused(hours, capsys, options):
    window = [] if "--window" in options or options else HOURLY
    state = [hours.state] if options else []
    arguments = [hours.history, hours.write("r.csv", 0, 1), *window, *options, *state, "--budget", "1/50"]
    assert main([*arguments, "--until", "now"]) == CANNOT_SAY
    assert "--until ends windows in time" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--window", "30min"],
            "was begun with --window 1h, and this run has --window 30min: give the same again, or a new",
        ),
        (["--budget", "1/40"], "was begun with --budget 1/50, and this run has --budget 1/40"),
        (["--accumulate"], "was begun with no --accumulate, and this run has --accumulate:"),
        (
            ["--timezone", "Europe/Berlin"],
            "was begun with no --timezone, and this run has --timezone Europe/Berlin:",
        ),
        (
            ["--statistic", "ks", "tail"],
            "was begun with --statistic ks, and this run has --statistic ks tail:",
        ),
        (["--minimum", "5"], "was begun with --minimum 10, and this run has --minimum 5:"),
    ],
)
def test_a_state_goes_on_with_the_options_it_was_begun_with(hours, capsys, options, sentence):
    recent = hours.write("r.csv", 0, 1)
    hours.run(recent)
    before = Path(hours.state).read_bytes()
    assert hours.run(recent, *options) == CANNOT_SAY
    assert sentence in capsys.readouterr().err
    assert Path(hours.state).read_bytes() == before


def test_a_state_goes_on_with_the_history_it_was_begun_with(hours, capsys):
    recent = hours.write("r.csv", 0, 1)
    hours.run(recent)
    hours.write("history.csv", -60, 0, slower)
    assert hours.run(recent) == CANNOT_SAY
    assert "was begun with another history than" in capsys.readouterr().err


def test_a_second_run_at_the_same_time_is_refused(hours, capsys):
    recent = hours.write("r.csv", 0, 1)
    with locked(hours.state):
        assert hours.run(recent) == CANNOT_SAY
    assert capsys.readouterr().err.endswith(
        "alarm.npz is in use by another run; wait until it has ended, or give each its own file.\n"
    )
    assert hours.run(recent) == NO_DRIFT


def test_evidence_of_one_window_is_no_verdict_and_the_sentence_says_what_helps(hours, capsys):
    recent = hours.write("r.csv", 0, 1)
    assert main([hours.history, recent, *HOURLY, "--accumulate"]) == CANNOT_SAY
    assert re.search(
        r"it takes \d windows in a row to alarm, and there are 1: give a longer file, or go on with --state\.$",
        capsys.readouterr().err,
    )
    assert hours.run(recent, "--accumulate") == CANNOT_SAY
    assert capsys.readouterr().err.endswith("and there are 1: the next runs will tell.\n")
    assert hours.run(hours.write("r.csv", 1, 4), "--accumulate") == NO_DRIFT


def test_a_time_zone_moves_the_windows_and_the_verdict_names_it(hours, capsys):
    recent = hours.write("r.csv", 0, 2, slower)
    assert main([hours.history, recent, *HOURLY, "--timezone", "Asia/Kathmandu"]) == DRIFT
    printed = capsys.readouterr().out
    assert "clock of Asia/Kathmandu" in printed and "from 2026-03-04 17:00 +0545" in printed
    assert main([hours.history, recent, *HOURLY, "--timezone", "Kathmandu"]) == CANNOT_SAY
    assert "can't say: --timezone is 'Kathmandu', but must be a name" in capsys.readouterr().err


def test_an_incident_is_left_out_of_history(hours, capsys):
    hours.values.iloc[10 * HOUR : 13 * HOUR] += 60
    hours.history = hours.write("history.csv", -60, 0)
    recent = hours.write("r.csv", 0, 2, slower)
    assert main([hours.history, recent, *HOURLY]) == NO_DRIFT  # as slow as the incident
    incident = "2026-03-02T10:00/2026-03-02T13:00"
    assert main([hours.history, recent, *HOURLY, "--exclude", incident]) == DRIFT
    capsys.readouterr()
    assert main([hours.history, recent, *HOURLY, "--exclude", "2025-03-02/2025-03-03"]) == CANNOT_SAY
    assert "can't say: --exclude holds 2025-03-02" in capsys.readouterr().err


def test_a_window_needs_as_many_values_as_minimum_says(hours, capsys):
    recent = hours.write("r.csv", 0, 2, lambda rows: rows[::4])
    assert main([hours.history, recent, *HOURLY]) == NO_DRIFT
    assert main([hours.history, recent, *HOURLY, "--minimum", "20"]) == CANNOT_SAY
    assert "holds 15 values, fewer than 20" in capsys.readouterr().err
    assert main([hours.history, recent, *HOURLY, "--minimum", "40"]) == LOST_NUMBERS


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("options", [[*HOURLY], ["--budget", "1/50"]])
def test_the_picture_shows_the_window_in_alarm_also_when_its_rows_waited(hours, monkeypatch, options, length):
    shown = []
    monkeypatch.setattr(cli, "_draw", lambda path, historical, window, *_: shown.append(list(window)))
    hours.values.iloc[62 * HOUR :] += 60
    arguments = [hours.history, "", *options, "--state", hours.state, "--picture", "p.png"]
    for half in (1, 3, 5, 7):  # files of one hour begin where the last one ended, those of two have seen rows
        rows = hours.values.iloc[60 * HOUR + max(0, 30 * half - 60 * length) : 60 * HOUR + 30 * half]
        arguments[1] = hours.write("r.csv", 0, 0, lambda _, rows=rows: rows)
        main(arguments)
    assert shown == [hours.rows(hour, hour + 1).tolist() for hour in range(3)]


def test_numbers_without_times_go_on_where_they_ended_and_have_a_picture(tmp_path, capsys):
    rng = np.random.default_rng(3)
    values, files = rng.normal(150, 20, 60 * 62), []
    values[60 * 61 :] += 60
    for name, rows in zip(("history", "first", "second"), np.split(values, [3_600, 3_690]), strict=True):
        files.append(tmp_path / name)
        files[-1].write_text("latency_ms\n" + "".join(f"{row:.2f}\n" for row in rows))
    options = ["--budget", "1/50", "--state", str(tmp_path / "s.npz"), "--picture", str(tmp_path / "p.svg")]
    assert main([str(files[0]), str(files[1]), *options]) == NO_DRIFT
    assert "30 wait for their window" in capsys.readouterr().out
    (tmp_path / "p.svg").unlink()
    assert main([str(files[0]), str(files[2]), *options]) == DRIFT
    printed = capsys.readouterr()
    assert printed.err == "" and "on since 3660, until" in printed.out
    assert (tmp_path / "p.svg").stat().st_size > 5_000


# --- the drill ---------------------------------------------------------------------------------------------


def test_a_self_test_rings_and_changes_no_state(hours, capsys):
    recent = hours.write("r.csv", 0, 2)
    assert main([hours.history, recent, *HOURLY, "--self-test"]) == NO_DRIFT
    assert re.search(
        r"the alarm works: the recent latencies, [\d.]+ % longer, would ring\.", capsys.readouterr().out
    )
    assert hours.run(recent, "--self-test", "--json") == NO_DRIFT
    report = json.loads(capsys.readouterr().out)
    assert 1 < report["factor"] < 2 and report["after_windows"] in (1, 2)
    assert not Path(hours.state).exists()
    hours.run(hours.write("s.csv", 0, 2, slower))
    before = Path(hours.state).read_bytes()
    assert hours.run(recent, "--self-test") == NO_DRIFT
    assert Path(hours.state).read_bytes() == before


def test_a_self_test_that_cannot_ring_is_2(hours, capsys):
    recent = hours.write("r.csv", 0, 1, lambda rows: rows * 0)
    assert main([hours.history, recent, *HOURLY, "--self-test"]) == CANNOT_SAY
    assert (
        capsys.readouterr().err
        == "can't say: even latencies 3 times as long ring no alarm within six windows.\n"
    )


def test_a_self_test_says_nothing_of_what_nobody_has_heard_of(hours, capsys, monkeypatch):
    monkeypatch.setattr(cli, "_posted", lambda *_: False)
    assert hours.run(hours.write("r.csv", 0, 1, slower)) == DRIFT
    assert hours.run(hours.write("r.csv", 1, 2), "--self-test") == NO_DRIFT
    assert hours.about()["unposted"]["since"] == "2026-03-04 12:00:00+00:00"


def released(rows):
    return rows * 1.25


@pytest.mark.parametrize(
    ("how", "told", "budget"),
    [
        ("rescale", r"history is times 1\.2\d+; what comes is judged by it", "1/50"),
        ("restart", "history is begun anew, with 20 windows", "1/21"),
    ],
)
def test_an_approved_release_rings_no_longer_and_the_old_speed_does(hours, capsys, how, told, budget):
    assert hours.run(hours.write("r.csv", 0, 3, released)) == DRIFT
    assert hours.about()["firing"]
    since = hours.write("since.csv", 0, 20, released)
    assert hours.run(since, "--rebase", how) == NO_DRIFT
    printed = capsys.readouterr().out
    assert re.search(f"verdict:  nothing judged: {told}", printed)
    assert f"with a budget of {budget}." in printed and not hours.about()["firing"]
    assert hours.run(hours.write("r.csv", 1, 4, released)) == NO_DRIFT
    printed = capsys.readouterr().out
    assert "1 judged" in printed and f"budget {budget}, tolerance" in printed
    assert hours.run(hours.write("r.csv", 4, 5)) == DRIFT


def test_a_history_that_began_anew_is_extended_until_it_supports_its_budget(hours, capsys):
    hours.run(hours.write("r.csv", 0, 1))
    for how, end, told in (
        ("restart", 12, "budget of 1/13"),
        ("extend", 24, "2 of 24 windows are in alarm and were left out"),
    ):
        assert hours.run(hours.write("since.csv", 0, end, released), "--rebase", how) == NO_DRIFT
        assert told in capsys.readouterr().out
    assert DriftMonitor.load(hours.state).false_alarm_rate == pytest.approx(1 / 23)


@pytest.mark.parametrize(
    ("how", "recent", "told"),
    [
        (
            "rescale",
            lambda h: h.write("r.csv", -9, 3),
            "r.csv begins before history ends; give the healthy rows",
        ),
        (
            "rescale",
            lambda h: h.write("r.csv", 0, 9),
            "times (0.9|1.0).*, no more than chance, and the alarm is on",
        ),
        (
            "rescale",
            lambda h: h.write("r.csv", 0, 3, nothing),
            "--rebase takes healthy measurements; the state",
        ),
        ("restart", lambda h: h.write("r.csv", 0, 3), "recent has 3 whole windows, and 4 are the fewest"),
        ("extend", lambda h: h.write("r.csv", 1, 4, slower), "recent has no window that is not in alarm"),
    ],
)
def test_a_rebase_by_the_wrong_rows_changes_nothing(hours, capsys, how, recent, told):
    assert hours.run(hours.write("r.csv", 0, 1, slower)) == DRIFT
    before, firing = Path(hours.state).read_bytes(), hours.about()["firing"]
    assert hours.run(recent(hours), "--rebase", how) == CANNOT_SAY
    assert re.search(told, capsys.readouterr().err)
    assert Path(hours.state).read_bytes() == before and firing


@pytest.mark.parametrize("options", [["--self-test"], ["--until", "2026-03-05"], []])
def test_a_rebase_needs_a_state_that_was_begun_and_judges_nothing(hours, capsys, options):
    told = "--rebase changes the history in a --state file" if options else "alarm.npz is not there; --rebase"
    assert hours.run(hours.write("r.csv", 0, 2), "--rebase", "rescale", *options) == CANNOT_SAY
    assert told in capsys.readouterr().err


def test_an_extended_history_ends_no_alarm(hours):
    assert hours.run(hours.write("r.csv", 0, 1, slower)) == DRIFT
    assert hours.run(hours.write("r.csv", 1, 8), "--rebase", "extend") == NO_DRIFT
    assert hours.about()["firing"]


def test_rows_whose_clock_is_ahead_are_told_and_end_no_window(hours, capsys):
    until = "2026-03-04T13:00"  # where hour 0 ends
    ahead = hours.rows(0, 1).iloc[:5].set_axis(hours.rows(3, 4).index[:5])
    assert (
        hours.run(
            hours.write("r.csv", 0, 1, lambda rows: pd.concat([rows, ahead])), "--until", until, "--json"
        )
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    (note,) = report["notes"]
    assert note.startswith("5 rows lie after 2026-03-04 13:00:00") and len(report["windows"]) == 1
    assert hours.run(hours.write("r.csv", 1, 2), "--until", "2026-03-04T14:00", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (len(report["windows"]), report["late"], report["notes"]) == (1, 0, [])


# --- to the pager ------------------------------------------------------------------------------------------


def test_an_alarm_goes_on_until_a_window_is_calm(hours, capsys):
    for hour, changes, on in ((0, None, False), (1, slower, True), (2, slower, True)):
        hours.run(hours.write("r.csv", hour, hour + 1, changes or (lambda rows: rows)))
        printed = capsys.readouterr().out
        firing = hours.about()["firing"]
        assert (firing and firing["since"]) == ("2026-03-04 13:00:00+00:00" if on else None)
        assert ("alarm:    on since 2026-03-04 13:00:00+00:00, until a window is calm" in printed) == on
        assert ("a healthy service rings about once in 2.08 days, on average" in printed) == on
    for hour in range(3, 15):  # half of the healthy windows end it
        hours.run(hours.write("r.csv", hour, hour + 1), "--json")
        report = json.loads(capsys.readouterr().out)
        assert (report["firing_since"] is None) == (report["windows"][0]["p_value"] > 0.5)
        if report["firing_since"] is None:
            return
    pytest.fail("the alarm never ended")


@needs_alertmanager
def test_evidence_that_starts_again_after_its_alarm_ends_no_alert(hours, real, tmp_path):  # noqa: F811
    service = f"history-{tmp_path.name}".replace("-", "_")
    Path(hours.history).rename(tmp_path / f"{service}.csv")
    hours.history = str(tmp_path / f"{service}.csv")
    options = ["--accumulate", "--alertmanager", real.url, "--label", "team=shop"]
    statuses, active = [], []
    for hour in range(12):
        change = (lambda rows: rows + 25) if hour < 9 else (lambda rows: rows)
        statuses.append(hours.run(hours.write("r.csv", hour, hour + 1, change), *options))
        active.append(len(real.active(service)))
        alarms = [i for i, status in enumerate(statuses) if status == DRIFT]
        if len(alarms) == 1 and hour == alarms[0]:
            wait_until(lambda: real.pager(service))
    begun = statuses.index(DRIFT)
    assert NO_DRIFT in statuses[begun:9] and statuses.count(DRIFT) > 1  # evidence was taken and grew again
    assert active[begun:9] == [1] * (9 - begun) and active[:begun] == [0] * begun and active[-1] == 0
    wait_until(lambda: len(real.pager(service)) == 2)
    assert [page["status"] for page in real.pager(service)] == ["firing", "resolved"]
    (firing, _) = real.pager(service)
    assert firing["labels"] == {
        "alertname": "DataDrift",
        "service": service,
        "column": "latency_ms",
        "team": "shop",
    }
    assert "recent is slower from 2026-03-0" in firing["annotations"]["summary"]


@needs_alertmanager
def test_lost_numbers_and_a_self_test_are_alerts_of_their_own(hours, real, tmp_path):  # noqa: F811
    service = "lost"
    Path(hours.history).rename(tmp_path / f"{service}.csv")
    hours.history = str(tmp_path / f"{service}.csv")
    post = ["--alertmanager", real.url]
    healthy, empty = hours.write("r.csv", 0, 1), hours.text("empty.csv", "")

    def active():
        return sorted(found["labels"]["alertname"] for found in real.active(service))

    assert hours.run(healthy, "--self-test", *post) == NO_DRIFT
    assert active() == ["DataDriftSelfTest"]
    assert hours.run(empty, *post) == LOST_NUMBERS
    assert active() == ["DataDriftSelfTest", "DataLost"]
    assert hours.run(healthy, *post) == NO_DRIFT
    assert hours.run(empty, "--self-test", *post) == LOST_NUMBERS
    assert active() == []


def test_a_verdict_stands_and_is_told_once_whether_the_pager_answers_or_not(hours, capsys):
    down = ["--alertmanager", f"http://127.0.0.1:{free_port()}"]
    statuses = [
        hours.run(hours.write("r.csv", hour, hour + 1, change), *down)
        for hour, change in ((0, slower), (0, slower), (1, lambda rows: rows))
    ]
    assert statuses == [DRIFT, NO_DRIFT, NO_DRIFT]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and all(line.startswith("alert not delivered: http://127") for line in errors)


@needs_alertmanager
def test_a_page_that_was_not_taken_is_posted_when_the_pager_answers_again(hours, real, tmp_path):  # noqa: F811
    Path(hours.history).rename(tmp_path / "late.csv")
    hours.history = str(tmp_path / "late.csv")
    hours.run(hours.write("r.csv", 0, 1, slower), "--alertmanager", f"http://127.0.0.1:{free_port()}")
    for hour in range(1, 15):
        hours.run(hours.write("r.csv", hour, hour + 1), "--alertmanager", real.url)
        (alert,) = real.active("late") or [None]
        if hour == 1:
            assert (
                "Drift in latency_ms: recent is slower from 2026-03-04 12:00"
                in alert["annotations"]["summary"]
            )
        if alert is None:
            return
    pytest.fail("the alert never ended")


def test_a_full_disk_withholds_no_verdict(hours, capsys, monkeypatch):
    assert hours.run(hours.write("r.csv", 0, 1)) == NO_DRIFT

    def full(*_, **__):
        raise OSError("s.npz can't be written (No space left on device).")

    monkeypatch.setattr(DriftMonitor, "save", full)
    assert hours.run(hours.write("r.csv", 1, 2, slower)) == DRIFT
    printed = capsys.readouterr()
    assert "verdict:  Drift" in printed.out and "state not kept" in printed.err


def test_a_service_stays_lost_until_a_window_is_judged(hours):
    assert hours.run(hours.write("r.csv", 0, 1), "--until", "2026-03-04T14:00") == LOST_NUMBERS
    assert hours.run(hours.write("r.csv", 0, 1), "--until", "2026-03-04T14:20") == LOST_NUMBERS
    assert hours.run(hours.write("r.csv", 2, 3)) == NO_DRIFT
    assert hours.run(hours.write("r.csv", 2, 3)) == NO_DRIFT


def test_rows_that_all_come_late_are_no_health(hours, capsys):
    assert hours.run(hours.write("r.csv", 0, 1), "--until", "2026-03-05T06:00") == LOST_NUMBERS
    assert hours.run(hours.write("r.csv", 1, 2, slower)) == LOST_NUMBERS  # still
    assert hours.run(hours.write("r.csv", 18, 20)) == NO_DRIFT
    capsys.readouterr()
    assert hours.run(hours.write("r.csv", 2, 3, slower)) == CANNOT_SAY
    assert "can't say: 60 of 60 new rows lie before" in capsys.readouterr().err


def test_a_dead_service_is_lost_though_a_late_row_trickles_in(hours):
    assert hours.run(hours.write("r.csv", 0, 1), "--until", "2026-03-04T13:00") == NO_DRIFT
    for hour in (14, 15):
        late = hours.write("late.csv", 1, 2, lambda rows, hour=hour: rows.iloc[hour : hour + 1])
        assert hours.run(late, "--until", f"2026-03-04T{hour}:00") == LOST_NUMBERS
        assert hours.about()["lost"]


def test_a_few_late_rows_and_a_file_twice_are_no_trouble(hours, capsys):
    hours.history = hours.write("history.csv", -60, 0, lambda rows: rows.iloc[:-30])
    both = hours.write("r.csv", -1, 1)  # with the half hour that ends history's last window
    assert [hours.run(both) for _ in range(3)] == [NO_DRIFT] * 3
    assert DriftMonitor.load(hours.state).state.late == 0
    late = hours.write("late.csv", 0, 1, lambda rows: rows.iloc[:3] + 1)
    assert hours.run(late) == NO_DRIFT
    assert "3 late" in capsys.readouterr().out


def test_a_file_that_is_ahead_as_a_whole_is_no_health(hours, capsys):
    hours.run(hours.write("r.csv", 0, 1))
    assert hours.run(hours.write("r.csv", 4, 5), "--until", "2026-03-04T14:00", "--json") == LOST_NUMBERS
    assert (
        hours.run(hours.write("r.csv", 4, 5), "--until", "2026-03-04T14:20", "--json") == LOST_NUMBERS
    )  # still
    hours.run(hours.write("r.csv", 2, 3))
    capsys.readouterr()
    assert hours.run(hours.write("r.csv", 6, 7), "--until", "2026-03-04T15:20", "--json") == CANNOT_SAY
    report = json.loads(capsys.readouterr().out)
    assert report["ahead"] == 60 and "60 of 60 new rows lie before 2026-03-04 15:00" in report["verdict"]


def test_times_without_a_zone_that_cannot_be_utc_are_told(hours, capsys):
    hours.values = hours.values.tz_localize(None)
    hours.history = hours.write("history.csv", -60, 0)
    for offset, told in ((0, False), (1, True), (-5, True)):
        until = (
            hours.rows(0, 1).index[-1] + pd.Timedelta(minutes=6) - pd.Timedelta(hours=offset)
        ).tz_localize("UTC")
        hours.run(hours.write("r.csv", 0, 1), "--until", until.isoformat())
        assert ("times without a zone are read as UTC" in capsys.readouterr().out) == told


def test_most_rows_late_are_no_health_though_some_are_new(hours, capsys):
    ahead = hours.rows(20, 22).iloc[:90]
    assert hours.run(hours.write("r.csv", 0, 12, lambda rows: pd.concat([rows, ahead]))) == NO_DRIFT
    few = hours.rows(21, 22).iloc[30:40]
    assert hours.run(hours.write("r.csv", 12, 13, lambda rows: pd.concat([rows, few]))) == CANNOT_SAY
    assert "can't say: 60 of 70 new rows lie before" in capsys.readouterr().err


def test_a_service_that_is_silent_at_night_is_healthy_at_night_and_lost_at_noon(hours, capsys):
    night = hours.values.index.hour < 6
    hours.values = hours.values[~night]
    whole = hours.values[hours.values.index < "2026-03-04"]
    hours.history = hours.write("history.csv", 0, 0, lambda _: whole)
    day = hours.values[hours.values.index >= "2026-03-04"]
    morning = hours.write("r.csv", 0, 0, lambda _: day[day.index < "2026-03-04T08:00"])
    assert hours.run(morning, "--until", "2026-03-04T05:30", "--budget", "1/30") == NO_DRIFT
    assert hours.run(morning, "--until", "2026-03-04T10:00", "--budget", "1/30") == LOST_NUMBERS


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--alertmanager", "host:9093"], "can't say: url is 'host:9093': write http://host:9093"),
        (["--label", "a-b=c"], "can't say: The label 'a-b' needs another name"),
    ],
)
def test_a_pager_that_cannot_be_reached_by_that_name_is_said_before_anything_is_judged(
    hours, capsys, option, sentence
):
    assert hours.run(hours.write("r.csv", 0, 1), *option) == CANNOT_SAY
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.out == "" and not Path(hours.state).exists()
