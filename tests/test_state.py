"""From one run to the next: what a monitor keeps, the file it is kept in, and what a kill does to it."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utils.alarm import cli
from utils.alarm import state as files
from utils.alarm.cli import main
from utils.alarm.monitor import DriftMonitor

ROOT = Path(__file__).parents[1]
HOUR = 60
DAYS = 6
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def minutes(values, start="2026-03-02", tz="UTC"):
    return pd.Series(values, pd.date_range(start, periods=len(values), freq="min", tz=tz), name="latency_ms")


def requests(rng, hours, start="2026-03-02", rate=40):
    """Return latencies of requests that come at random, some hours with hardly any."""
    sizes = np.where(rng.random(hours) < 0.06, rng.integers(0, 8, hours), rng.poisson(rate, hours))
    sizes[-1] = rate
    seconds = [3_600 * hour + np.sort(rng.uniform(0, 3_599, size)) for hour, size in enumerate(sizes)]
    index = pd.Timestamp(start, tz="UTC") + pd.to_timedelta(np.concatenate(seconds).round(3), unit="s")
    return pd.Series(rng.lognormal(5, 0.2, sizes.sum()).round(1), index, name="latency_ms")


def day(n, step=1):
    return 1 + 0.2 * np.sin(2 * np.pi * np.arange(n) * step / (24 * HOUR))


def stream(kind):
    """Return a monitor and what comes after its history: twenty hours, the last eight a little slower."""
    rng = np.random.default_rng(7)
    options = {"false_alarm_rate": 1 / 50, "accumulate": True}
    n = (24 * DAYS + 20) * HOUR
    if kind == "values":
        values = rng.normal(150, 20, n) * day(n)
        values[-8 * HOUR :] += 12
        history, recent = np.split(values, [24 * DAYS * HOUR])
        options["cycles"] = (24 * HOUR,)
    elif kind == "time":
        values = requests(rng, 24 * DAYS + 20)
        begin = values.index[0].normalize() + pd.Timedelta(days=DAYS)
        values[values.index >= begin + pd.Timedelta(hours=12)] *= 1.1
        history, recent = values[values.index < begin], values[values.index >= begin]
        options |= {"window": "1h", "cycles": "1D", "timezone": "Europe/Berlin"}
    else:
        values = pd.DataFrame(
            {name: rng.normal(150, 20, n) for name in ("read_ms", "write_ms")},
            index=minutes(np.zeros(n)).index,
        )
        values.iloc[::17, 0] = np.nan
        values.iloc[-8 * HOUR :, 1] += 12
        history, recent = values.iloc[: 24 * DAYS * HOUR], values.iloc[24 * DAYS * HOUR :]
        options["window"] = "1h" if kind == "table in time" else HOUR
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # six days are few to tell a cycle by
        return DriftMonitor(history, **options), recent


STREAMS = ("values", "time", "table", "table in time")


@pytest.fixture(scope="module")
def streams():
    return {kind: stream(kind) for kind in STREAMS}


def again(monitor):
    """Return a monitor that has judged nothing since history ended."""
    monitor.state, monitor._has_judged = monitor.start, False
    return monitor


def at_once(monitor, recent):
    check = monitor.check_frame if isinstance(recent, pd.DataFrame) else monitor.check_many
    return check(recent, after=monitor.start)


def end_of(monitor, recent):
    """Return when the last window of these rows has ended; windows of so many values end by themselves."""
    return recent.index[-1].ceil("h") if monitor.by_time else None


def together(tables):
    """Return the tables of several runs as one, its windows numbered as they came."""
    tables = [table for table in tables if len(table)]
    index = tables[0].index
    if isinstance(index, pd.RangeIndex):
        return pd.concat(tables, ignore_index=True).rename_axis(index.names)
    return pd.concat(tables)


@pytest.mark.parametrize("kind", STREAMS)
def test_hour_by_hour_through_a_file_is_the_same_as_all_at_once_bit_for_bit(streams, tmp_path, kind):
    monitor, recent = again(streams[kind][0]), streams[kind][1]
    whole, path, tables = at_once(monitor, recent), tmp_path / "alarm.npz", []
    monitor.save(path)
    for part in np.array_split(np.arange(len(recent)), 20):
        monitor = DriftMonitor.load(path)
        rows = recent[part] if isinstance(recent, np.ndarray) else recent.iloc[part]
        tables.append(
            monitor.follow(rows, until=end_of(monitor, recent) if part[-1] == len(recent) - 1 else None)
        )
        monitor.save(path)
    pd.testing.assert_frame_equal(together(tables), whole, check_exact=True, check_freq=False)
    assert whole["drifted"].any() and len(whole) % 20 == 0
    assert np.isfinite(monitor.state.evidence).all()


def cuts(n, most=8):
    """Parts of a stream of n rows: each may begin before the last one's end, be a repeat of it, or be empty."""
    part = st.tuples(st.integers(0, n // 4), st.integers(0, n // 6), st.booleans())
    return st.lists(part, max_size=most)


def parts_of(recent, cut):
    done, parts = 0, []
    for step, overlap, repeated in cut:
        begin, end = max(0, done - overlap), min(len(recent), done + step)
        parts += [recent.iloc[begin:end]] * (1 + repeated)
        done = max(done, end)
    return [*parts, recent.iloc[max(0, done - 5) :]]


@pytest.mark.parametrize("kind", ["time", "table", "table in time"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_a_stream_is_cut_repeated_and_overlapped_the_windows_are_the_same(streams, kind, data):
    monitor, recent = again(streams[kind][0]), streams[kind][1]
    parts = parts_of(recent, data.draw(cuts(len(recent))))
    tables = [monitor.follow(part) for part in parts]
    tables.append(monitor.follow(recent.iloc[:0], until=end_of(monitor, recent)))
    pd.testing.assert_frame_equal(
        together(tables), at_once(monitor, recent), check_exact=True, check_freq=False
    )
    state = monitor.state
    assert (state.skipped, state.late) == (sum(map(len, parts)) - len(recent), 0)
    assert state.last_time == recent.index[-1]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=st.lists(st.integers(0, 20 * HOUR), max_size=8).map(sorted))
def test_values_without_times_may_be_cut_anywhere(streams, edges):
    monitor, recent = again(streams["values"][0]), streams["values"][1]
    tables = [monitor.follow(part) for part in np.split(recent, edges)]
    pd.testing.assert_frame_equal(together(tables), at_once(monitor, recent), check_exact=True)
    assert len(monitor.state.leftover) == 0 and monitor.state.next_start == (24 * DAYS + 20) * HOUR


@pytest.fixture(scope="module")
def small():
    """Return a monitor of fifty hours of minutes, and the ten hours that follow."""
    values = minutes(np.random.default_rng(3).normal(150, 20, 60 * HOUR))
    return DriftMonitor(values.iloc[: 50 * HOUR], "1h", 1 / 50), values.iloc[50 * HOUR :]


def test_rows_that_were_seen_are_skipped_late_ones_are_counted_and_said_and_leftovers_wait(small):
    monitor, recent = again(small[0]), small[1]
    late = recent.iloc[[30, 31]]
    assert len(monitor.follow(recent.iloc[:130].drop(late.index))) == 2
    state = monitor.state
    assert (state.windows, state.skipped, state.late, len(state.leftover)) == (2, 0, 0, 10)
    assert state.next_start == recent.index[120]
    with pytest.warns(UserWarning, match=r"^2 rows came after their window had been judged .*02:30"):
        assert len(monitor.follow(recent.iloc[:140])) == 0
    state = monitor.state
    assert (state.windows, state.skipped, state.late, len(state.leftover)) == (2, 128, 2, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(monitor.follow(recent.iloc[140:180])) == 1


def test_rows_of_history_that_come_again_are_skipped(small):
    monitor, recent = again(small[0]), small[1]
    assert len(monitor.follow(pd.concat([monitor.historical.iloc[-90:], recent.iloc[:60]]))) == 1
    assert (monitor.state.skipped, monitor.state.late) == (90, 0)


def test_an_hour_of_silence_is_a_window_and_is_not_judged(small, tmp_path):
    monitor, recent = again(small[0]), small[1]
    silent = recent.drop(recent.index[60:120])
    tables = []
    for part in (silent.iloc[:60], silent.iloc[:0], silent.iloc[60:]):
        tables.append(monitor.follow(part))
        monitor.save(tmp_path / "alarm.npz")
        monitor = DriftMonitor.load(tmp_path / "alarm.npz")
    rows = pd.concat(tables)["rows"]
    assert rows.tolist() == [60, 0] + 8 * [60]
    assert monitor.state.windows == 9
    assert len(monitor.follow(silent.iloc[:0], until=recent.index[-1] + pd.Timedelta(minutes=121))) == 2


def test_a_first_hour_with_too_few_rows_hides_no_silence_after_it(small):
    monitor, recent = again(small[0]), small[1]
    few, later = recent.iloc[57:60], recent.iloc[180:240]
    tables = pd.concat([monitor.follow(few), monitor.follow(later)])
    pd.testing.assert_frame_equal(
        tables, at_once(monitor, pd.concat([few, later])), check_exact=True, check_freq=False
    )
    assert tables["rows"].tolist() == [3, 0, 0, 60]


def test_a_state_of_another_monitor_is_refused(small, streams):
    monitor, recent = again(small[0]), small[1]
    other = DriftMonitor(monitor.historical, "30min", 1 / 50)
    for method in (monitor.check_many, monitor.check):
        with pytest.raises(ValueError, match="after comes from another monitor"):
            method(recent.iloc[:60], after=other.start)
    assert monitor.check_many(
        recent.iloc[:60], after=DriftMonitor(monitor.historical, "1h", 1 / 50).start
    ).size


# --- the file ----------------------------------------------------------------------------------------------


def names_and_zones():
    zones = [None, "UTC", "Europe/Berlin", "+05:45", timezone(timedelta(hours=-3, minutes=-30), "NST")]
    for name, zone in zip(["latency_ms", None, 7, np.int64(8), "queue"], zones, strict=True):
        values = minutes(np.random.default_rng(1).normal(150, 20, 10 * HOUR), tz=zone).rename(name)
        values.attrs["unit"] = "s" if name == "queue" else ""
        yield values


@pytest.mark.parametrize("values", list(names_and_zones()), ids=lambda values: str(values.index.tz))
def test_a_series_comes_back_with_its_name_unit_and_zone(tmp_path, values):
    path = tmp_path / "alarm.npz"
    before = DriftMonitor(values.iloc[: 9 * HOUR], "1h", 1 / 9)
    before.follow(values.iloc[9 * HOUR + 10 :])
    before.save(path)
    after = DriftMonitor.load(path)
    assert (after.name, after.unit, repr(after)) == (before.name, before.unit, repr(before))
    for kept, was in ((after.historical, before.historical), (after.state.leftover, before.state.leftover)):
        pd.testing.assert_series_equal(kept, was, check_exact=True, check_freq=False, check_index=False)
        assert kept.index.equals(was.index)
        assert (kept.index.tz is None) == (was.index.tz is None)
        if was.index.tz is not None:
            assert [t.utcoffset() for t in kept.index[:1]] == [t.utcoffset() for t in was.index[:1]]


@pytest.mark.parametrize(
    "columns",
    [
        ["read_ms", "write_ms"],
        [3, np.int64(4)],
        pd.Index(["read", "write"], name="metric"),
        pd.MultiIndex.from_product([["read"], ["p50", "p99"]], names=["service", None]),
        pd.Index([("read", "p50"), ("read", "p99")], tupleize_cols=False),
    ],
    ids=str,
)
def test_a_table_comes_back_with_its_columns(tmp_path, columns):
    values = np.random.default_rng(1).normal(150, 20, (100 * HOUR, 2))
    frame = pd.DataFrame(values, index=minutes(values[:, 0]).index, columns=columns)
    DriftMonitor(frame, "1h", 1 / 40).save(tmp_path / "alarm.npz")
    after = DriftMonitor.load(tmp_path / "alarm.npz").historical
    pd.testing.assert_frame_equal(
        after, frame, check_exact=True, check_freq=False, check_index_type=False, check_column_type=False
    )
    assert after.index.equals(frame.index)
    assert after.columns.names == frame.columns.names


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda values: values.rename(pd.Timestamp("2026-01-01")),
            "historical has the name Timestamp.*a text",
        ),
        (
            lambda values: values.tz_convert("dateutil/Europe/Berlin"),
            "historical has the time zone .*tz_convert",
        ),
    ],
)
def test_what_no_file_can_hold_is_refused_when_it_is_saved(tmp_path, change, sentence):
    monitor = DriftMonitor(change(minutes(np.random.default_rng(1).normal(150, 20, 9 * HOUR))), "1h", 1 / 9)
    with pytest.raises((TypeError, ValueError), match=sentence):
        monitor.save(tmp_path / "alarm.npz")
    assert not (tmp_path / "alarm.npz").exists()


@pytest.mark.parametrize("window", [timedelta(hours=1), pd.Timedelta("1h"), "60min"])
def test_a_window_comes_back_however_it_was_given(small, tmp_path, window):
    before = DriftMonitor(small[0].historical, window, 1 / 50)
    before.save(tmp_path / "alarm.npz")
    assert DriftMonitor.load(tmp_path / "alarm.npz").start.monitor == before.start.monitor


def test_about_is_given_back(small, tmp_path):
    small[0].save(tmp_path / "alarm.npz", about={"file": "march.csv", "untold": [1, None]})
    assert DriftMonitor.load(tmp_path / "alarm.npz").about == {"file": "march.csv", "untold": [1, None]}


@pytest.mark.parametrize("rate", [1, 20])
def test_the_file_of_35_days_of_minutes_is_smaller_than_5_mb(tmp_path, rate):
    rng = np.random.default_rng(5)
    values = minutes(rng.normal(150, 20, 36 * 24 * HOUR).round(2))
    if rate > 1:  # requests, and so no regular times
        values = values.set_axis(values.index + pd.to_timedelta(rng.uniform(0, 59, len(values)), unit="s"))
    monitor = DriftMonitor(values.iloc[: 35 * 24 * HOUR], "1h", 1 / 720)
    monitor.follow(values.iloc[35 * 24 * HOUR :])
    monitor.save(tmp_path / "alarm.npz")
    assert 100_000 < (tmp_path / "alarm.npz").stat().st_size < 5_000_000


@pytest.fixture
def saved(small, tmp_path):
    """Return the path of a file in which a monitor is kept that has judged three windows."""
    monitor, recent = again(small[0]), small[1]
    monitor.follow(recent.iloc[:190])
    monitor.save(tmp_path / "alarm.npz")
    return tmp_path / "alarm.npz"


def rewritten(path, **changes):
    """Write the file's arrays anew, some of them changed."""
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | changes))


def another_version(path):
    with np.load(path) as file:
        facts = json.loads(file["facts"].tobytes())
    rewritten(path, facts=np.frombuffer(json.dumps(facts | {"version": 99}).encode(), np.uint8))


def foreign_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")


def one_array(path):
    with open(path, "wb") as file:
        np.save(file, np.arange(3))


def pickled(path):
    rewritten(path, evidence=np.array([{}, {}], object))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (another_version, "saved in version 99 of this format, and this program reads version 1; save the"),
        (lambda path: path.write_bytes(b""), "holds no saved monitor"),
        (lambda path: path.write_text("time,latency_ms\n0,150\n"), "holds no saved monitor"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1_000]), "holds no saved monitor"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "holds no saved monitor"),
        (lambda path: np.savez(path, x=np.arange(3)), "holds no saved monitor"),
        (lambda path: rewritten(path, facts=np.arange(9)), "holds no saved monitor"),
        (lambda path: rewritten(path, facts=np.frombuffer(b"[]", np.uint8)), "holds no saved monitor"),
        (foreign_zip, "holds no saved monitor"),
        (one_array, "holds no saved monitor"),
        (pickled, "holds no saved monitor"),
        (lambda path: (path.unlink(), path.mkdir()), "can't be read .*directory"),
        (lambda path: path.unlink(), "can't be read .*No such file"),
    ],
)
def test_a_file_that_cannot_be_gone_on_from_is_refused_in_one_sentence(saved, damage, sentence):
    damage(saved)
    with pytest.raises((ValueError, OSError), match=sentence) as error:
        DriftMonitor.load(saved)
    assert str(error.value).startswith(str(saved)) and str(error.value).count("\n") == 0
    assert str(error.value).endswith(".")


def test_no_flipped_byte_goes_unseen(saved):
    # Where a flip hits what nobody reads, such as a time stamp of the zip, everything must be as it was.
    whole, rng = saved.read_bytes(), np.random.default_rng(11)
    before, refused = DriftMonitor.load(saved), 0
    for place in rng.integers(0, len(whole), 60).tolist() + list(range(0, 60, 7)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(flipped)
        try:
            arrays, facts = files.read(saved)
        except ValueError as error:
            assert "holds no saved monitor" in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(arrays["history_values"], before.historical)
            assert facts["state"]["windows"] == 3
    assert refused >= 60


def test_what_a_kill_left_behind_does_no_harm(saved, small):
    new = saved.with_name("alarm.npz.new")
    new.write_bytes(saved.read_bytes()[:1_000])
    monitor = DriftMonitor.load(saved)
    assert monitor.state.windows == 3
    assert len(monitor.follow(small[1].iloc[:240])) == 1
    monitor.save(saved)
    assert not new.exists() and DriftMonitor.load(saved).state.windows == 4


def test_of_two_processes_the_second_is_refused_in_one_sentence_and_the_lock_ends_with_its_process(
    saved, small
):
    code = "import sys; from utils.alarm.state import locked\n"
    code += "with locked(sys.argv[1]):\n print('held', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(saved)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        before = saved.read_bytes()
        for path in (saved, os.path.relpath(saved)):
            with pytest.raises(
                BlockingIOError, match="is in use by another run; wait until it has ended, or"
            ):
                small[0].save(path)
        assert saved.read_bytes() == before
        DriftMonitor.load(saved)  # reading is free: the file is replaced as a whole
    finally:
        other.kill()
        other.communicate()
    small[0].save(saved)


def test_whoever_holds_the_lock_may_save_under_any_spelling_of_the_path(saved, small):
    with files.locked(saved):
        small[0].save(os.path.relpath(saved))
    with files.locked(saved):
        pass


@pytest.mark.parametrize("path", ["nowhere/alarm.npz", "."])
def test_a_path_that_cannot_be_written_is_said_in_one_sentence(small, tmp_path, path):
    with pytest.raises(OSError, match=r"can't be (locked|written) \(.*\); .*\.$"):
        small[0].save(tmp_path / path)


def test_a_full_disk_leaves_the_old_file(saved, small, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"can't be written \(No space left on device\); make room for it"):
        small[0].save(saved)
    assert saved.read_bytes() == before


# --- kills -------------------------------------------------------------------------------------------------


class Cron:
    """Hourly files, each of the last three hours, and a command that is run on one after the other.

    `told` has every output that ended: the windows it tells, as they stand in its JSON.
    """

    def __init__(self, folder, hours=8):
        self.folder, self.told, self.kills, self.dies_at = folder, [], 0, None
        values = minutes(np.random.default_rng(9).normal(150, 20, (60 + hours) * HOUR).round(2))
        values.iloc[-4 * HOUR :] += 25
        self.history = folder / "history.csv"
        values.iloc[: 60 * HOUR].to_csv(self.history, index_label="time")
        self.exports = [folder / f"{hour}.csv" for hour in range(hours)]
        for hour, path in enumerate(self.exports):
            end = (61 + hour) * HOUR
            values.iloc[end - 3 * HOUR + 7 : end + 7].to_csv(path, index_label="time")
        self.state, self.out = folder / "alarm.npz", folder / "out"

    def arguments(self, export):
        options = "--window 1h --budget 1/50 --accumulate --json --state".split()
        return [str(self.history), str(export), *options, str(self.state)]

    def forked(self, export):
        """Start a run in a copy of this process, which has imported everything, and return its id."""
        process = os.fork()
        if process:
            return process
        try:
            if self.dies_at:
                self.die_at(*self.dies_at)
            with open(self.out, "w") as sys.stdout, open(os.devnull, "w") as sys.stderr:
                status = main(self.arguments(export))
        finally:
            os._exit(locals().get("status", 99))

    def die_at(self, owner, name, call, before):
        """Make this process kill itself before, or after, so many calls of a function."""
        original, calls = getattr(owner, name), itertools.count(1)

        def deadly(*arguments, **options):
            last = next(calls) == call
            if last and before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*arguments, **options)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(owner, name, deadly)

    def command(self, export):
        """Start the command itself, and return its id."""
        start = [sys.executable, "-m", "utils.alarm", *self.arguments(export)]
        with open(self.out, "w") as out:
            return subprocess.Popen(start, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT).pid

    def run(self, start, export, kill_after=None):
        """Run to the end, or kill after so many seconds; return whether it came to its end."""
        process = start(export)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if self.out.read_text().endswith("\n"):
            self.told.append(json.loads(self.out.read_text())["windows"])
        self.kills += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 1, 2)
        return not os.WIFSIGNALED(status)

    def seconds(self, start, export):
        """Return how long a run takes that nobody kills."""
        begin = time.monotonic()
        assert self.run(start, export)
        return time.monotonic() - begin

    def go_back(self, moment):
        """Make everything as it was at a moment: the content of the state file, and what had been told."""
        content, told = moment
        self.state.unlink(missing_ok=True) if content is None else self.state.write_bytes(content)
        self.told = list(told)

    def moment(self):
        return self.state.read_bytes(), list(self.told)

    def ended(self):
        """Return what the state says, and each window as it was told, all tellings of it being the same."""
        state, windows = DriftMonitor.load(self.state).state, {}
        for window in (window for told in self.told for window in told):
            assert windows.setdefault(window["start"], window) == window
        rows = state.leftover.tolist()
        return (state.next_start, state.windows, state.evidence.tolist(), rows, state.late), windows


def undisturbed(cron, start):
    """Run all files; return what is then told, the moment after the first run, and how long runs take."""
    seconds, after_first = [], None
    for export in cron.exports:
        seconds.append(cron.seconds(start, export))
        after_first = after_first or cron.moment()
    ended = cron.ended()
    assert len(ended[1]) == len(cron.exports) and any(window["drifted"] for window in ended[1].values())
    return ended, after_first, seconds


def kill_many(cron, start, kills):
    """Run all files until so many runs were killed at random, and compare each series with an undisturbed one."""
    rng = random.Random(kills)
    ended, after_first, seconds = undisturbed(cron, start)
    # The first run builds the monitor, which takes long: only one series begins with it.
    moment, exports, spans = (None, []), cron.exports, [seconds[0]] + [max(seconds[1:])] * len(seconds[1:])
    while cron.kills < kills:
        cron.go_back(moment)
        for export, span in zip(exports, spans, strict=True):
            while rng.random() < 0.8 and cron.kills < kills:
                cron.run(start, export, kill_after=rng.uniform(0, 1.1 * span))
            cron.run(start, export)
        assert cron.ended() == ended
        moment, exports, spans = after_first, cron.exports[1:], spans[-len(cron.exports[1:]) :]


PLACES = {
    "before anything is kept": (DriftMonitor, "save", 1, True),
    "while it is written": (os, "fsync", 1, True),
    "before the new file takes the old one's place": (os, "replace", 1, True),
    "kept and not told": (cli, "_tell", 1, True),
    "told and not kept as told": (cli, "_tell", 1, False),
    "while it is kept as told": (os, "replace", 2, True),
    "at its end": (os, "replace", 2, False),
}


@needs_fork
def test_wherever_a_run_is_killed_each_window_is_judged_once_and_told(tmp_path):
    cron = Cron(tmp_path, hours=3)
    ended, after_first, _ = undisturbed(cron, cron.forked)
    for place in PLACES.values():
        cron.go_back(after_first)
        for export in cron.exports[1:]:
            cron.dies_at = place
            assert not cron.run(cron.forked, export)
            cron.dies_at = None
            assert cron.run(cron.forked, export)
        assert cron.ended() == ended
    assert cron.kills == 2 * len(PLACES)


@needs_fork
@pytest.mark.parametrize("kills", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_runs_that_are_killed_lose_no_window_judge_none_twice_and_tell_each(tmp_path, kills):
    cron = Cron(tmp_path)
    kill_many(cron, cron.forked, kills)
    assert cron.kills == kills


@needs_fork
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_the_command_itself_survives_kills(tmp_path, kills):
    cron = Cron(tmp_path, hours=3)
    kill_many(cron, cron.command, kills)
