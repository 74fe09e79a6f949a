"""What an alarm keeps from one run to the next, and the file it is kept in.

A run under cron is a process of its own. What it needs to know of the runs before it is one `State`; `save` and
`load` of a monitor keep it in one file, together with the history, the settings and the threshold.
"""

import contextlib
import io
import json
import os
from dataclasses import dataclass, field
from datetime import timezone
from types import SimpleNamespace

import numpy as np
import pandas as pd

from .cycles import Cycles

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

VERSION = 1
_HELD = set()  # files that this process has locked
REMEMBERED = 50_000  # rows: of so many one can tell a row that comes again from one that comes late


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """How far a monitor has come. It never changes; each run makes a new one.

    Attributes
    ----------
    monitor : int
        Whose state it is.
    next_start : int or Timestamp
        Where the next window begins: in values counted from history's first, or in time.
    evidence : array, shape (metrics, 2)
        What has been accumulated for slower and for faster.
    windows : int
        How many windows have been judged since history ended.
    last_time : Timestamp or None
        The time of the latest row that was seen.
    leftover : Series, DataFrame, array or None
        Rows that were seen and wait for their window to be full.
    skipped, late, ahead : int
        Rows left out so far: those that had been seen before, those that came after their window was judged, and
        those whose clock was ahead.
    """

    monitor: int
    next_start: object
    evidence: np.ndarray
    windows: int = 0
    last_time: object = None
    leftover: object = None
    skipped: int = 0
    late: int = 0
    ahead: int = 0
    judged_until: object = field(default=None, repr=False)
    _seen: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64), repr=False)
    _seen_times: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)


@contextlib.contextmanager
def locked(path):
    """Keep the file for this process while it reads, judges and writes; a second one gets a BlockingIOError.

    The lock ends with the process, however it ends. It lies on a file of its own beside the state, because the
    state's own file is replaced by each run.
    """
    try:
        lock = open(f"{path}.lock", "a")
    except OSError as error:
        raise _failed(
            error, path, "can't be locked", "name a folder that is there and may be written"
        ) from None
    with lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BlockingIOError(
                    f"{path} is in use by another run; wait until it has ended, or give each its own file."
                ) from None
        _HELD.add(os.path.realpath(path))
        try:
            yield
        finally:
            _HELD.discard(os.path.realpath(path))


def write(path, arrays, facts):
    """Write arrays and facts into one file, in one step: whoever reads it finds the old file or the new one."""
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps({"version": VERSION} | facts).encode(), np.uint8)
    np.savez_compressed(buffer, facts=text, **arrays)
    with contextlib.nullcontext() if os.path.realpath(path) in _HELD else locked(path):
        try:
            with open(f"{path}.new", "wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(f"{path}.new", path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(f"{path}.new")
            raise _failed(
                error, path, "can't be written", "make room for it; it is as it was before"
            ) from None


def read(path):
    """Return the arrays and facts of a file that `write` wrote."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop("facts").tobytes())
        version = facts.pop("version")
    except OSError as error:
        raise _failed(error, path, "can't be read", "give the file that save wrote") from None
    except Exception:  # whatever numpy, zipfile, zlib and json say of a damaged file
        raise ValueError(
            f"{path} holds no saved monitor, or a damaged one; give the file that save wrote, or a new name."
        ) from None
    if version != VERSION:
        raise ValueError(
            f"{path} was saved in version {version} of this format, and this program reads version {VERSION}; "
            "save the monitor anew."
        )
    return arrays, facts


def _failed(error, path, what, help):
    """Return an error of the system's as one sentence."""
    return type(error)(f"{path} {what} ({error.strerror or error}); {help}.")


# --- rows as arrays ----------------------------------------------------------------------------------------


def pack(name, rows):
    """Return arrays, by names that begin with `name`, and facts, of rows with or without times."""
    if rows is None:
        return {}, None
    index, columns = getattr(rows, "index", None), getattr(rows, "columns", None)
    values = rows if columns is None else rows.to_numpy(float, na_value=np.nan)
    arrays, facts = {f"{name}_values": np.asarray(values, float)}, {"kind": type(rows).__name__}
    if isinstance(index, pd.DatetimeIndex):
        nanoseconds = index.as_unit("ns").asi8
        arrays[f"{name}_times"] = np.diff(nanoseconds, prepend=0)  # steps are alike, and so take no room
        facts |= {"zone": None if index.tz is None else _zone_name(index.tz)}
    if isinstance(columns, pd.IntervalIndex):
        ends = [*columns.left, columns.right[-1]]
        facts |= {"bounds": ends, "name": _plain(columns.name), "unit": rows.attrs.get("unit", "")}
    elif columns is not None:
        facts |= {"columns": _plain(list(columns)), "levels": _plain(list(columns.names))}
    elif isinstance(rows, pd.Series):
        facts |= {"name": _plain(rows.name), "unit": rows.attrs.get("unit", "")}
    return arrays, facts


def unpack(name, arrays, facts):
    """Return the rows that were packed."""
    if facts is None:
        return None
    values, index = arrays[f"{name}_values"], None
    if "zone" in facts:
        index = pd.DatetimeIndex(np.cumsum(arrays[f"{name}_times"]))
        index = index if facts["zone"] is None else index.tz_localize("UTC").tz_convert(facts["zone"])
    if "bounds" in facts:
        columns = pd.IntervalIndex.from_breaks(facts["bounds"], name=_label(facts["name"]))
        rows = pd.DataFrame(values, index=index, columns=columns)
        rows.attrs["unit"] = facts["unit"]
        return rows
    if facts["kind"] == "DataFrame":
        names = [_label(name) for name in facts["columns"]]
        if len(facts["levels"]) > 1:
            names = pd.MultiIndex.from_tuples(names, names=facts["levels"])
        else:
            names = pd.Index(names, name=facts["levels"][0], tupleize_cols=False)
        return pd.DataFrame(values, index=index, columns=names)
    if facts["kind"] == "Series":
        rows = pd.Series(values, index=index, name=_label(facts["name"]))
        rows.attrs["unit"] = facts["unit"]
        return rows
    return values


def _plain(name):
    """Return a name, of a column or of several, as JSON can hold it."""
    if isinstance(name, (list, tuple)):
        return [_plain(part) for part in name]
    name = name.item() if isinstance(name, np.generic) else name
    if not isinstance(name, (str, int, float, type(None))):
        raise TypeError(
            f"historical has the name {name!r}, which no file can hold; give it a text as its name."
        )
    return name


def _label(name):
    return tuple(map(_label, name)) if isinstance(name, list) else name


def _zone_name(zone):
    """Return the name under which a zone is found again; fixed distances from UTC have many kinds."""
    fixed = zone.utcoffset(None)
    name = str(zone if fixed is None else timezone(fixed))
    try:
        pd.Timestamp(0, tz=name)
    except Exception:  # each library of time zones has an error of its own
        raise ValueError(
            f'historical has the time zone {zone!r}, whose name no file can hold; use tz_convert("Europe/Berlin").'
        ) from None
    return name


def pack_cycles(clock, cycles):
    """Return facts of cycles that were told from another history."""
    calendar = [clock.calendar[0], list(clock.calendar[1])]
    return {
        "origin": clock.origin.isoformat(),
        "zone": None if clock.origin.tz is None else str(clock.origin.tz),
        "periods": clock.periods,
        "calendar": calendar,
        "cycles": [one.facts() for one in cycles.values()],
    }


def unpack_cycles(facts, names):
    """Return a clock, and cycles by name, as a monitor takes them."""
    origin = pd.Timestamp(facts["origin"])
    origin = origin if facts["zone"] is None else origin.tz_convert(facts["zone"])
    clock = SimpleNamespace(origin=origin, periods=facts["periods"], calendar=facts["calendar"])
    return clock, {name: Cycles.of_facts(one) for name, one in zip(names, facts["cycles"], strict=True)}
