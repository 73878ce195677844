"""What lists and gets are answered from: objects as the bytes the API shows, kept in this process and led by the log.

An account's objects of one kind are a *shelf*: listed once, when somebody first asks, then moved on by the log's
entries. Nobody follows the log for it: whoever reads asks for the log's newest entry (one short question) and brings
the shelves there first. So a list sees every write that was answered before it was asked for, whichever process wrote.

The bytes kept are bounded. What has not been asked for the longest goes; an account whose objects of one kind are more
than there is room for is told None, and reads from the store. A reader inside a transaction is told None as well: it
may see what nobody else sees yet.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson
from django.conf import settings
from django.db import connection

from workloads.kinds import registry
from workloads.meta import times
from workloads.meta.keys import Key, Uid
from workloads.meta.owners import owner_of
from workloads.store import changes, objects
from workloads.store.changes import Entry, Tip
from workloads.store.objects import Joined, Page, Row

TOO_FAR = 5000
"""Entries behind which it is cheaper to list again than to read them."""
REFUSED_SECONDS = 60.0
"""How long a shelf that was too large is not tried again."""
OVERHEAD = 1200
"""Bytes a row takes beside its JSON, about."""
_AT_ONCE = 500
_log = logging.getLogger(__name__)

Place = tuple[str, str]
"""Namespace and name."""
_Label = tuple[str, str]
"""Account and kind."""
_Question = tuple[str | None, str | None, "Place | None", int | None]
"""Namespace, name, what it begins behind, and the limit."""
WORTH = 100
"""Rows from which on a page is kept whole until something changes: who lists so many, lists them again."""


@dataclass
class _Shelf:
    """`revision` is of the list it began with; `waiting` are entries that came while that was read."""

    rows: dict[Place, Row] = field(default_factory=dict)
    order: list[Place] = field(default_factory=list)
    size: int = 0
    revision: int = 0
    ready: bool = False
    dropped: bool = False
    waiting: list[Entry] = field(default_factory=list)
    filling: threading.Lock = field(default_factory=threading.Lock)
    whole: dict[_Question, Page] = field(default_factory=dict)
    """The page that was made last."""
    whole_size: int = 0

    def fill(self, page: Page) -> None:
        self.revision = page.revision
        self.rows = {(row.key.namespace, row.key.name): row for row in page.rows}
        self.order = sorted(self.rows)
        self.size = sum(map(_size, page.rows))
        self.ready = True
        for entry in self.waiting:
            self.move_on(entry)
        self.waiting.clear()

    def move_on(self, entry: Entry) -> None:
        if not self.ready:
            self.waiting.append(entry)
            return
        if entry.revision <= self.revision:
            return
        self.forget_whole()
        place = entry.key.namespace, entry.key.name
        before = self.rows.get(place)
        self.size -= _size(before) if before else 0
        if entry.type == "DELETED":
            if before:
                del self.rows[place], self.order[bisect_left(self.order, place)]
            return
        if not before:
            insort(self.order, place)
        self.rows[place] = row = row_of(entry.key, entry.data)
        self.size += _size(row)

    def page(self, question: _Question) -> Page:
        """Of this shelf's revision."""
        namespace, name, after, limit = question
        first, last = self.span(namespace, after)
        places = self.order[first:last]
        if name is not None:
            places = [place for place in places if place[1] == name]
        shown = places if limit is None else places[:limit]
        return Page([self.rows[place] for place in shown], self.revision, remaining=len(places) - len(shown))

    def keep_whole(self, question: _Question, page: Page, *, room: int) -> Page:
        """Where there is room for its bytes once more."""
        self.forget_whole()
        size = sum(len(row.data) for row in page.rows)
        if size > room:
            return page
        kept = self.whole[question] = replace(page, joined=Joined(page.rows))
        self.whole_size = size
        self.size += size
        return kept

    def forget_whole(self) -> None:
        self.size -= self.whole_size
        self.whole_size = 0
        self.whole.clear()

    def span(self, namespace: str | None, after: Place | None) -> tuple[int, int]:
        """Where in `order` the places of a namespace (None: of all) behind `after` begin and end."""
        first, last = 0, len(self.order)
        if namespace is not None:
            first, last = bisect_left(self.order, (namespace, "")), bisect_left(self.order, (namespace + "\0", ""))
        if after is not None:
            first = max(first, bisect_right(self.order, after))
        return first, max(first, last)


class Cache:
    """One a process; any thread may ask. `limit` gives how many bytes may be kept."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._guard = threading.Lock()
        """Held for moments, never while the database is asked."""
        self._catching_up = threading.Lock()
        """One reads the log for all."""
        self._shelves: dict[_Label, _Shelf] = {}
        """The one asked for last comes last."""
        self._refused: dict[_Label, float] = {}
        self._tip: Tip | None = None
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes kept, about."""
        return self._size

    def row(self, key: Key, *, at_least: int) -> Row | None:
        """Of this revision or a newer one, if it is kept already. None: ask the store."""
        if connection.in_atomic_block:
            return None
        self._reach()
        with self._guard:
            shelf = self._shelves.get((key.account, key.kind))
            if shelf is None or not shelf.ready or self._tip is None:
                return None
            if at_least > max(shelf.revision, self._tip.revision):
                return None
            return shelf.rows.get((key.namespace, key.name))

    def page(
        self,
        kind: str,
        *,
        account: str,
        namespace: str | None = None,
        name: str | None = None,
        after: Place | None = None,
        limit: int | None = None,
    ) -> Page | None:
        """As `objects.scan` would give it; None: ask the store."""
        shelf = self._shelf_at((account, kind))
        if shelf is None:
            return None
        with self._guard:
            if shelf.dropped or self._tip is None:
                return None
            revision = max(shelf.revision, self._tip.revision)
            question = namespace, name, after, limit
            page = shelf.whole.get(question) or shelf.page(question)
            if page.joined is None and len(page.rows) >= WORTH:
                before = shelf.size
                page = shelf.keep_whole(question, page, room=self._limit() - self._size + shelf.whole_size)
                self._size += shelf.size - before
        return replace(page, revision=revision)

    def clear(self) -> None:
        with self._catching_up:
            self._begin(None)
        self._refused.clear()

    def _shelf_at(self, label: _Label) -> _Shelf | None:
        """Filled and brought to where the reader wants it."""
        if connection.in_atomic_block or self._is_refused(label):
            return None
        self._reach()
        with self._guard:
            shelf = self._shelves.pop(label, None) or _Shelf()
            self._shelves[label] = shelf
        if not shelf.ready:
            self._fill(label, shelf)
        return None if shelf.dropped else shelf

    def _is_refused(self, label: _Label) -> bool:
        return label in self._refused and time.monotonic() < self._refused[label]

    def _reach(self) -> None:
        """To the log's end, for whatever revision is asked: `kubectl rollout status` reads with resourceVersion 0 right
        after a write, and what it was told of a moment ago would be a lie by then."""
        place = self._tip
        if place is None or changes.tip() != place:
            with self._catching_up:
                self._catch_up()

    def _catch_up(self) -> None:
        """To the log's end. Nothing is kept over a gap."""
        newest = changes.tip()
        while self._tip != newest:
            place = self._tip
            if place is None or not place.revision or not 0 < newest.revision - place.revision <= TOO_FAR:
                return self._begin(newest)
            entries = changes.behind(place, limit=_AT_ONCE)
            if not entries:
                return self._begin(newest)
            self._move_on(entries)
            if self._tip is not None and self._tip.revision >= newest.revision:
                return None
        return None

    def _begin(self, place: Tip | None) -> None:
        with self._guard:
            for shelf in self._shelves.values():
                shelf.dropped = True
            self._shelves.clear()
            self._size = 0
            self._tip = place

    def _move_on(self, entries: list[Entry]) -> None:
        broken: dict[_Label, _Shelf] = {}
        with self._guard:
            for entry in entries:
                label = entry.key.account, entry.key.kind
                shelf = self._shelves.get(label)
                if shelf is None or label in broken:
                    continue
                before = shelf.size
                try:
                    shelf.move_on(entry)
                except Exception:
                    _log.exception("%s cannot be kept: its like are read from the store", entry.key)
                    broken[label] = shelf
                self._size += shelf.size - before
            last = entries[-1]
            self._tip = Tip(last.revision, last.uid, last.at)
        for label, shelf in broken.items():
            self._refuse(label, shelf)
        if self._size > self._limit():
            self._make_room()

    def _fill(self, label: _Label, shelf: _Shelf) -> None:
        """By one reader; others of the same shelf wait."""
        account, kind = label
        with shelf.filling:
            if shelf.ready or shelf.dropped:
                return
            try:
                fits = objects.weight(kind, account=account) <= self._limit()
                page = objects.scan(kind, account=account) if fits else None
            except BaseException:
                self._drop(label, shelf)
                raise
            if page is None:
                self._refuse(label, shelf)
                return
            with self._guard:
                if not shelf.dropped:
                    shelf.fill(page)
                    self._size += shelf.size
        if self._size > self._limit():
            self._make_room()

    def _make_room(self) -> None:
        """The one asked for last goes last; when it is too large by itself, it is not tried again for a while."""
        while self._size > self._limit():
            with self._guard:
                ready = [(label, shelf) for label, shelf in self._shelves.items() if shelf.ready]
            if not ready:
                return
            if len(ready) == 1:
                self._refuse(*ready[0])
                return
            self._drop(*ready[0])

    def _refuse(self, label: _Label, shelf: _Shelf) -> None:
        self._refused[label] = time.monotonic() + REFUSED_SECONDS
        self._drop(label, shelf)

    def _drop(self, label: _Label, shelf: _Shelf) -> None:
        with self._guard:
            if self._shelves.get(label) is shelf:
                del self._shelves[label]
                self._size -= shelf.size
            shelf.dropped = True


def row_of(key: Key, data: bytes) -> Row:
    """The row that the store has, or had, for this object."""
    obj = orjson.loads(data)
    metadata, facts = obj["metadata"], registry.kind(key.kind).facts(obj)
    return Row(
        key=key,
        uid=Uid(metadata["uid"]),
        revision=int(metadata["resourceVersion"]),
        labels=metadata.get("labels") or {},
        owner_uid=facts.about or owner_of(metadata),
        phase=facts.phase,
        node=facts.node,
        created=times.parse(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        data=data,
    )


def _size(row: Row) -> int:
    return len(row.data) + OVERHEAD


CACHE = Cache(lambda: int(settings.READ_CACHE))
