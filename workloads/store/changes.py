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

from django.db import connection
from django.db.models import Max, Min

from workloads.meta.keys import Key, Uid
from workloads.store.columns import bytes_out
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
class Batch:
    """What stands behind a reader's place. `end` is its place once the entries are dealt with."""

    reader: str
    start: int
    end: int
    entries: list[Entry]


def head() -> int:
    """The newest revision; 0 in an empty log."""
    return Change.objects.aggregate(head=Max("revision"))["head"] or 0


def floor() -> int:
    """The oldest revision a reader may still start from (entries with revision > floor are all there)."""
    return Cursor.objects.filter(reader=_FLOOR).values_list("revision", flat=True).first() or 0


def after(
    revision: int, *, kinds: Collection[str] | None = None, account: str | None = None, limit: int = 500
) -> list[Entry]:
    """Entries with a greater revision, in order. Does not check the floor."""
    newer = Change.objects.filter(revision__gt=revision)
    if account is not None:
        newer = newer.filter(account=account)
    if kinds is not None:
        newer = newer.filter(kind__in=kinds)
    return [_entry(values) for values in newer.order_by("revision").values_list(*_COLUMNS)[:limit]]


def batch(reader: str, *, kinds: Collection[str] | None = None, limit: int = 500) -> Batch:
    """The next entries for `reader`; a new reader starts at the beginning of the log. Raises Trimmed."""
    known = Cursor.objects.filter(reader=reader).values_list("revision", flat=True).first()
    start = known or 0
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
        Cursor.objects.get_or_create(reader=batch.reader)
        behind = Cursor.objects.filter(reader=batch.reader, revision=batch.start)
        if not behind.update(revision=batch.end):
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


def _entry(values: tuple[Any, ...]) -> Entry:
    revision, type_, account, kind, namespace, name, uid, data, previous, at = values
    key = Key(account, kind, namespace, name)
    before = None if previous is None else bytes_out(previous)
    return Entry(revision, type_, key, Uid(uid), data=bytes_out(data), previous=before, at=at)


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
    with write(), connection.cursor() as cursor:
        Cursor.objects.update_or_create(reader=_FLOOR, defaults={"revision": last})
        cursor.execute("DELETE FROM workloads_change WHERE revision <= %s", [last])
        return int(cursor.rowcount)
