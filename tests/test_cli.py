"""The detect-drift command: its exit status is the verdict, and 1 means drift and nothing else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utils.alarm.cli import CANNOT_SAY, DRIFT, NO_DRIFT, main
from utils.alarm.drift import detect_drift

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
    assert "verdict:  Drift: recent is slower" in printed.out and printed.err == ""
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
        (["history", "broken", "--budget", "1/50"], "18 of 180 recent rows hold no usable number"),
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
