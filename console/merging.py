"""The logs of several containers as one, in time order: what was written so far by merging, then what comes.

    2026-11-27T10:00:00.123456789Z web-7f9/app the line

A line without a time in front is the console's own. Containers come and go while somebody follows: every few seconds
`find` says who is new. What comes is put in order within a moment, which is how far lines of different pods may be
late. Knows nothing of accounts; no I/O but what it was given.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime

from workloads.meta import times
from workloads.meta.errors import StatusError

MOST_SOURCES = 50
"""An account reads 100 logs of a host at once; one reader has no more than half of them."""
LOOK_AGAIN_SECONDS = 2.0
HOLD_SECONDS = 0.15
"""For how long lines wait for those of other pods that were written before them."""
_PIECE = 64 * 1024
_MOST_WAITING = 64
"""Chunks that the reader has not taken yet; whoever writes more waits."""

Line = tuple[str, bytes, bytes]
"""When (comparable), whose, the line as it is sent."""


@dataclass(frozen=True)
class Source:
    """One life of one container: after a restart it is another. `label` is `pod/container`."""

    label: str
    life: str
    running: bool


@dataclass(frozen=True)
class Found:
    """`more` are the containers that are too many to be read."""

    sources: Sequence[Source]
    more: int = 0


@dataclass(frozen=True)
class Ask:
    """How to read one source: the last `tail` lines, or those since; everything when neither is said."""

    follow: bool
    tail: int | None
    since: datetime | None


@dataclass(frozen=True)
class Words:
    """Sentences of the console, in the reader's language. Those with %(name)s take a pod's container, or a number."""

    came: str
    left: str
    more: str
    nothing: str


Find = Callable[[], Awaitable[Found]]
Open = Callable[[Source, Ask], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Raises StatusError when there is nothing to read (yet)."""


class Merge:
    """One reader's. `times_shown` is whether lines carry their time."""

    def __init__(self, find: Find, opened: Open, words: Words, *, times_shown: bool = True) -> None:
        self._find, self._open, self._words, self._times = find, opened, words, times_shown
        self._told: dict[str, str] = {}
        """By label: the time of the newest line sent."""
        self._read: set[str] = set()
        """Lives that have ended and were read to the end."""
        self._running: dict[str, str] = {}
        self._more = 0

    async def read(self, *, tail: int | None, since: datetime | None) -> AsyncIterator[bytes]:
        """What was written so far, exactly in time order."""
        found = await self._find()
        if found.more:
            self._more = found.more
            yield _note(self._words.more % {"name": found.more})
        each = None if tail is None else max(100, tail // max(1, len(found.sources)))
        ask = Ask(follow=False, tail=each, since=since)
        lines = [_Lines(source, self._open(source, ask)) for source in found.sources]
        try:
            async for piece in self._merged(lines):
                yield piece
        finally:
            for one in lines:
                await one.close()
        self._read = {source.life for source in found.sources if not source.running}
        self._running = _running(found)

    async def follow(self, *, tail: int | None, since: datetime | None) -> AsyncIterator[bytes]:
        """The same, and what comes after it, until the reader leaves or `find` refuses."""
        async for piece in self.read(tail=tail, since=since):
            yield piece
        if not self._read and not self._running:
            yield _note(self._words.nothing)
        coming: asyncio.Queue[list[Line]] = asyncio.Queue(_MOST_WAITING)
        readers: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                try:
                    found = await self._find()
                except StatusError as refusal:
                    yield _note(refusal.message)
                    return
                for words in self._news(found):
                    yield _note(words)
                self._attend(found, readers, coming)
                async for piece in self._until_next_look(coming):
                    yield piece
        finally:
            for task in readers.values():
                task.cancel()
            await asyncio.gather(*readers.values(), return_exceptions=True)

    def _news(self, found: Found) -> list[str]:
        """Who came and who left since the last look."""
        running = _running(found)
        before, self._running = self._running, running
        came = [self._words.came % {"name": label} for life, label in running.items() if life not in before]
        left = [self._words.left % {"name": label} for life, label in before.items() if life not in running]
        more = [self._words.more % {"name": found.more}] if found.more not in (0, self._more) else []
        self._more = found.more
        return [*left, *came, *more]

    def _attend(self, found: Found, readers: dict[str, asyncio.Task[None]], coming: asyncio.Queue[list[Line]]) -> None:
        """Everybody who runs has a reader; who has ended is read to the end once."""
        for source in found.sources:
            task = readers.get(source.life)
            if task is not None and not task.done():
                continue
            if not source.running and (task is not None or source.life in self._read):
                self._read.add(source.life)
                continue
            readers[source.life] = asyncio.ensure_future(self._read_one(source, coming))
        present = {source.life for source in found.sources}
        for life in [life for life, task in readers.items() if task.done() and life not in present]:
            del readers[life]

    async def _read_one(self, source: Source, coming: asyncio.Queue[list[Line]]) -> None:
        """Until its end, from the last line sent on. What cannot be read is tried again at a later look."""
        last = self._told.get(source.label, "")
        rest = b""
        with suppress(StatusError):
            async with self._open(source, Ask(follow=True, tail=None, since=_moment(last))) as chunks:
                async for chunk in chunks:
                    *whole, rest = (rest + chunk).split(b"\n")
                    if lines := [line for line in _lines(source.label, whole) if line[0] > last or not line[0]]:
                        await coming.put(lines)
                if rest:
                    await coming.put(_lines(source.label, [rest]))

    async def _until_next_look(self, coming: asyncio.Queue[list[Line]]) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        until = now() + LOOK_AGAIN_SECONDS
        while (left := until - now()) > 0:
            try:
                held = await asyncio.wait_for(coming.get(), left)
            except TimeoutError:
                return
            await asyncio.sleep(HOLD_SECONDS)
            while not coming.empty():
                held += coming.get_nowait()
            yield b"".join(map(self._said, sorted(held, key=_when)))

    async def _merged(self, sources: list[_Lines]) -> AsyncIterator[bytes]:
        begun = await asyncio.gather(*(one.next() for one in sources))
        heap = [(line[0], number, line) for number, line in enumerate(begun) if line is not None]
        heapq.heapify(heap)
        gathered = bytearray()
        while heap:
            _when, number, line = heap[0]
            gathered += self._said(line)
            following = sources[number].ready() or await sources[number].next()
            if following is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (following[0], number, following))
            if len(gathered) >= _PIECE:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    def _said(self, line: Line) -> bytes:
        when, label, text = line
        self._told[label.decode()] = when or self._told.get(label.decode(), "")
        stamp, _, rest = text.partition(b" ") if when else (b"", b"", text)
        return b" ".join((stamp, label, rest) if self._times and stamp else (label, rest)) + b"\n"


class _Lines:
    """One source, line by line."""

    def __init__(self, source: Source, opening: AbstractAsyncContextManager[AsyncIterator[bytes]]) -> None:
        self._source, self._opening = source, opening
        self._chunks: AsyncIterator[bytes] | None = None
        self._rest = b""
        self._ready: list[Line] = []
        self._ended = False

    def ready(self) -> Line | None:
        return self._ready.pop() if self._ready else None

    async def next(self) -> Line | None:
        while not self._ready and not self._ended:
            await self._fetch()
        return self.ready()

    async def close(self) -> None:
        if self._chunks is not None:
            self._chunks = None
            await self._opening.__aexit__(None, None, None)

    async def _fetch(self) -> None:
        try:
            if self._chunks is None:
                self._chunks = await self._opening.__aenter__()
            chunk = await anext(self._chunks, None)
        except StatusError:
            self._ended = True
            return
        *whole, rest = (self._rest + (chunk or b"")).split(b"\n")
        self._rest = rest
        if chunk is None:
            self._ended = True
            whole = [*whole, rest] if rest else whole
        self._ready = _lines(self._source.label, whole)[::-1]


def _lines(label: str, texts: Sequence[bytes]) -> list[Line]:
    return [(_stamp(text), label.encode(), text) for text in texts]


def _running(found: Found) -> dict[str, str]:
    """life -> label"""
    return {source.life: source.label for source in found.sources if source.running}


def _stamp(text: bytes) -> str:
    """Of the line, with all its digits, so that texts compare as times do; "" when it carries none."""
    head = text.partition(b" ")[0]
    if len(head) < 20 or head[10:11] != b"T" or not head.endswith(b"Z"):
        return ""
    return head[:-1].decode("latin-1").ljust(29, "0" if b"." in head else ".")


def _when(line: Line) -> str:
    return line[0]


def _moment(stamp: str) -> datetime | None:
    return times.parse(f"{stamp.rstrip('.')[:26]}Z") if stamp else None


def _note(words: str) -> bytes:
    return f"{words}\n".encode()
