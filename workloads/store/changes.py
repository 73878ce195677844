"""The log: what happened, in the order it was committed. Readers keep their own place (`Cursor`) and may start over.

A reader takes a `batch`, works out what follows from it, and writes that inside `passing(batch)`: its results and its
new place are one transaction, so a crash between any two steps neither loses nor repeats an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Min

from iam import sql
from workloads.meta.keys import Key, Uid
from workloads.store.columns import bytes_out, time_out
from workloads.store.models import Change, Cursor
from workloads.store.writing import write

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Trimmed(Exception):
    """The reader's next entries are gone from the log: list what is there now, then `place` the reader."""


class Moved(Exception):
    """Another reader of the same name has dealt with this batch."""


@dataclass(frozen=True)
class Entry:
    """`data` is the object after the change (for DELETED: its last state, at the deletion's revision);
    `previous` is the object before it, None for ADDED. A watcher with a selector needs both."""

    revision: int
    type: ChangeType
    key: Key
    uid: Uid
    data: bytes
    previous: bytes | None
    at: datetime


@dataclass(frozen=True)
class Tip:
    """A place in the log, and what stands there: another entry of the same number is another log."""

    revision: int
    uid: str
    at: datetime | None


NOTHING = Tip(0, "", None)


@dataclass(frozen=True)
class Span:
    """What happened up to `end`."""

    end: Tip
    entries: list[Entry]


@dataclass(frozen=True)
class Undone:
    """An object that has changed since: `before` is how it was, None when it was not there; `is_there` says whether it
    is now."""

    namespace: str
    name: str
    before: bytes | None
    is_there: bool


@dataclass(frozen=True)
class Batch:
    """What stands behind a reader's place. `end` is its place once the entries are dealt with."""

    reader: str
    start: int
    end: int
    entries: list[Entry]


def head() -> int:
    """The newest revision; 0 in an empty log."""
    return tip().revision


def tip() -> Tip:
    """The newest entry; `NOTHING` in an empty log."""
    return next(iter(_tips("ORDER BY revision DESC LIMIT 1", [])), NOTHING)


def behind(place: Tip, *, limit: int = 500) -> list[Entry] | None:
    """Entries behind `place`, in order, for whoever keeps what the log has said so far. None when `place` is no longer
    the entry it was: it was trimmed, or another database has taken this one's place; what is kept is worth nothing."""
    found = sql.select(f"{_ENTRIES} revision >= %s ORDER BY revision LIMIT %s", [place.revision, limit + 1])
    if not found or _tip(found[0][0], found[0][6], found[0][9]) != place:
        return None
    return [_entry(values) for values in found[1:]]


def tip_at(revision: int) -> Tip:
    """What stands at this place; `NOTHING` where nothing does."""
    return next(iter(_tips("WHERE revision = %s", [revision])), NOTHING)


def between(place: Tip, kind: str, *, account: str, namespace: str | None, limit: int) -> Span | None:
    """What happened to the objects of one kind behind `place`, in a namespace or (None) in the account. None when that
    is no longer the entry it was, or more than `limit` entries are behind it."""
    end = tip()
    if end == place:
        return Span(end, [])
    asked = [kind, place.revision, end.revision, account]
    if namespace is None:
        found = sql.select(_BETWEEN_ALL, [*asked, limit + 1])
    else:
        found = sql.select(_BETWEEN, [*asked, namespace, limit + 1])
    is_whole = tip_at(place.revision) == place  # asked last: a trim meanwhile may have taken some of them
    if not is_whole or len(found) > limit:
        return None
    return Span(end, [_entry(values) for values in found])


def newest(kind: str, *, account: str, limit: int) -> list[Entry]:
    """What happened last to objects of a kind, the newest first; as far as the log reaches back."""
    asked = f"{_ENTRIES} kind = %s AND account = %s ORDER BY revision DESC LIMIT %s"
    return [_entry(values) for values in sql.select(asked, [kind, account, limit])]


def comings(place: Tip, end: Tip, *, account: str) -> list[tuple[str, str, int]] | None:
    """(kind, namespace, +1 or -1) of what came and went behind `place` up to `end`. None when `place` is no longer the
    entry it was."""
    found = sql.select(_COMINGS, [place.revision, end.revision, account])
    if tip_at(place.revision) != place:  # asked last: a trim meanwhile may have taken some of them
        return None
    return [(kind, namespace, 1 if type_ == "ADDED" else -1) for kind, namespace, type_ in found]


def undone(kind: str, *, account: str, namespace: str | None, since: int, until: int, limit: int) -> list[Undone]:
    """How the objects that have changed between two revisions were at the first: with them, what is there `until`
    becomes what was there `since`. Raises Trimmed when the log does not reach back so far, or more than `limit` have
    changed."""
    within = "kind = %s AND account = %s AND revision > %s AND revision <= %s"
    values: list[Any] = [kind, account, since, until]
    if namespace is not None:
        within, values = f"{within} AND namespace = %s", [*values, namespace]
    found = sql.select(
        f"""
        SELECT one.namespace, one.name, one.previous, two.type
        FROM (SELECT min(revision) AS one, max(revision) AS two FROM workloads_change
              WHERE {within} GROUP BY namespace, name) AS changed
        JOIN workloads_change AS one ON one.revision = changed.one
        JOIN workloads_change AS two ON two.revision = changed.two
        LIMIT %s""",  # noqa: S608
        [*values, limit + 1],
    )
    if len(found) > limit or since < floor():  # asked last: what was trimmed meanwhile may be missing
        raise Trimmed
    return [
        Undone(namespace, name, before=None if data is None else bytes_out(data), is_there=type != "DELETED")
        for namespace, name, data, type in found
    ]


def floor() -> int:
    """The oldest revision a reader may still start from (entries with revision > floor are all there)."""
    return _place_of(_FLOOR)


def after(
    revision: int, *, kinds: Collection[str] | None = None, account: str | None = None, limit: int = 500
) -> list[Entry]:
    """Entries with a greater revision, in order. Does not check the floor."""
    newer, values = f"{_ENTRIES} revision > %s", list[Any]([revision])
    if account is not None:
        newer, values = f"{newer} AND account = %s", [*values, account]
    if kinds is not None:
        if not kinds:
            return []
        newer, values = f"{newer} AND kind IN ({', '.join(['%s'] * len(kinds))})", [*values, *kinds]
    found = sql.select(f"{newer} ORDER BY revision LIMIT %s", [*values, limit])
    return [_entry(columns) for columns in found]


def batch(reader: str, *, kinds: Collection[str] | None = None, limit: int = 500) -> Batch:
    """The next entries for `reader`; a new reader starts at the beginning of the log. Raises Trimmed."""
    start = _place_of(reader)
    newest = head()
    entries = after(start, kinds=kinds, limit=limit)
    if start < floor():  # asked last: a trim meanwhile may have taken some of them
        raise Trimmed(f"{reader} stopped at {start}, the log now begins behind {floor()}")
    if len(entries) == limit:
        return Batch(reader, start=start, end=entries[-1].revision, entries=entries)
    return Batch(reader, start=start, end=max([newest, start, *(entry.revision for entry in entries)]), entries=entries)


@contextmanager
def passing(batch: Batch) -> Iterator[None]:
    """A transaction that moves the reader's cursor to the batch's end with whatever is written inside.
    Raises Moved when somebody else moved it."""
    with write():
        moved = sql.execute(_MOVE, [batch.end, batch.reader, batch.start])
        if not moved and not batch.start:
            moved = sql.execute(_BEGIN, [batch.reader, batch.end])
        if not moved:
            raise Moved(batch.reader)
        yield


def digest(
    reader: str, handle: Callable[[list[Entry]], None], *, kinds: Collection[str] | None = None, limit: int = 500
) -> int:
    """Hands the next entries to `handle` in the transaction that moves the cursor. Returns how many there were: 0 when
    the reader has caught up. When `handle` raises, nothing has happened. Raises Trimmed, Moved."""
    found = batch(reader, kinds=kinds, limit=limit)
    if found.entries or found.end - found.start >= _IDLE_STRIDE:
        with passing(found):
            if found.entries:
                handle(found.entries)
    return len(found.entries)


def place(reader: str, revision: int) -> None:
    """Puts a reader's cursor: everything up to `revision` has been dealt with in another way."""
    with write():
        Cursor.objects.update_or_create(reader=reader, defaults={"revision": revision})


def trim(*, keep: int, older_than: datetime) -> int:
    """Forgets entries beyond the newest `keep` that are older than `older_than` and that every Cursor has passed.
    Returns how many went. The newest entry always stays: it is the log's head."""
    last = _last_to_go(keep=max(keep, 1), older_than=older_than)
    gone = 0
    while (step := _first_beyond(floor(), last=last)) is not None:
        gone += _forget(step)
    return gone


def retire(*, keep: int, unread_since: datetime) -> list[str]:
    """Forgets the place of readers that are dead: behind the newest `keep` entries, with one to read that is older than
    `unread_since`. They hold up no `trim` any more, and are told Trimmed should they come back. Returns their names."""
    kept = _beyond_newest(keep)
    behind = Cursor.objects.exclude(reader=_FLOOR).filter(revision__lt=kept).values_list("reader", "revision")
    gone = []
    for reader, revision in behind:
        unread = Change.objects.filter(revision__gt=revision).order_by("revision").values_list("at", flat=True).first()
        if unread is not None and unread < unread_since:
            with write():
                gone += [reader] * Cursor.objects.filter(reader=reader, revision=revision).delete()[0]
    return gone


_FLOOR = "log:floor"
"""The reader whose place is the floor: it has a row, so that the floor survives with the log."""
_IDLE_STRIDE = 1000
"""A reader of some kinds moves its cursor over the others only now and then, but often enough not to hold up `trim`."""
_TRIM_STEP = 500
"""Entries removed in one transaction, so that no writer waits long."""
_COLUMNS = ("revision", "type", "account", "kind", "namespace", "name", "uid", "data", "previous", "at")


_ENTRIES = f"SELECT {', '.join(_COLUMNS)} FROM workloads_change WHERE"  # noqa: S608
_BETWEEN = f"""
    {_ENTRIES} kind = %s AND revision > %s AND revision <= %s AND account = %s AND namespace = %s
    ORDER BY revision LIMIT %s"""
_BETWEEN_ALL = _BETWEEN.replace(" AND namespace = %s", "")
_COMINGS = """
    SELECT kind, namespace, type FROM workloads_change
    WHERE revision > %s AND revision <= %s AND account = %s AND type <> 'MODIFIED'"""
_MOVE = "UPDATE workloads_cursor SET revision = %s WHERE reader = %s AND revision = %s"
_BEGIN = "INSERT INTO workloads_cursor (reader, revision) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def _place_of(reader: str) -> int:
    """0 of a reader that is new."""
    found = sql.select("SELECT revision FROM workloads_cursor WHERE reader = %s", [reader])
    return int(found[0][0]) if found else 0


def _entry(values: tuple[Any, ...]) -> Entry:
    revision, type_, account, kind, namespace, name, uid, data, previous, at = values
    key = Key(account, kind, namespace, name)
    before, moment = None if previous is None else bytes_out(previous), time_out(at)
    return Entry(revision, type_, key, Uid(uid), data=bytes_out(data), previous=before, at=moment)


def _tips(how: str, values: list[Any]) -> Iterator[Tip]:
    for found in sql.select(f"SELECT revision, uid, at FROM workloads_change {how}", values):  # noqa: S608
        yield _tip(*found)


def _tip(revision: int, uid: str, at: Any) -> Tip:
    return Tip(revision, uid, time_out(at))


def _last_to_go(*, keep: int, older_than: datetime) -> int:
    """The revision up to which nobody needs the log. 0: everything is needed."""
    young = Change.objects.filter(at__gte=older_than).order_by("revision").values_list("revision", flat=True).first()
    slowest = Cursor.objects.exclude(reader=_FLOOR).aggregate(revision=Min("revision"))["revision"]
    limits = [_beyond_newest(keep)]
    if young is not None:
        limits.append(young - 1)
    if slowest is not None:
        limits.append(slowest)
    return min(limits)


def _beyond_newest(keep: int) -> int:
    """The newest revision behind the newest `keep`; 0 when there is none."""
    return Change.objects.order_by("-revision").values_list("revision", flat=True)[keep : keep + 1].first() or 0


def _first_beyond(start: int, *, last: int) -> int | None:
    """The end of the next step of a trim up to `last`, or None when nothing is left to forget."""
    some = Change.objects.filter(revision__gt=start, revision__lte=last).order_by("revision")
    step = list(some.values_list("revision", flat=True)[:_TRIM_STEP])
    return step[-1] if step else None


def _forget(last: int) -> int:
    with write():
        Cursor.objects.update_or_create(reader=_FLOOR, defaults={"revision": last})
        return sql.execute("DELETE FROM workloads_change WHERE revision <= %s", [last])
