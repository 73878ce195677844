"""The line between whoever holds a session and the agent: frames over a Unix socket, both ways at once.

A frame is one byte of kind, four of length, and so many bytes. Data is counted: a sender has at most `WINDOW_BYTES` on
their way that the other side has not used yet, each frame counted with `FRAME_BYTES` for itself. So both sides can
always read, notice at once when the other has gone, and keep no more than a window, however slowly the other end reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

WINDOW_BYTES = 256 * 1024
CHUNK_BYTES = 32 * 1024
FRAME_BYTES = 64
GRANT_BYTES = WINDOW_BYTES // 4
"""What was used is said in portions, or the answers to it would come in crumbs."""
LONGEST = 1024 * 1024
MOST_WAITING = 2 * WINDOW_BYTES // FRAME_BYTES
"""Frames that nobody has taken yet: more than data can be, so somebody floods."""


class Kind(IntEnum):
    ORDER = 1
    """What is wanted, as JSON: the first frame of a session."""
    READY = 2
    REFUSED = 3
    """A `Status`."""
    STDIN = 10
    STDOUT = 11
    STDERR = 12
    EOF = 20
    """Nothing more comes from the side that says so."""
    SIZE = 21
    """Of the caller's terminal, as JSON."""
    USED = 22
    """So many bytes, as text: they may be sent again."""
    END = 23
    """How the session ended, as JSON. The last frame."""


DATA = (Kind.STDIN, Kind.STDOUT, Kind.STDERR)


@dataclass(frozen=True)
class Frame:
    kind: Kind
    payload: bytes = b""


class Gone(Exception):
    """The other side of the line has gone, or made no sense."""


class Link:
    """Belongs to one event loop. One task receives, several may send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: deque[Frame] = deque()
        self._arrived = asyncio.Event()
        self._credit = WINDOW_BYTES
        self._unused = WINDOW_BYTES
        self._to_grant = 0
        self._may_send = asyncio.Event()
        self._may_send.set()
        self.gone = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def receive(self) -> Frame:
        """The next frame; data counts as on its way until `used` says otherwise. Raises Gone."""
        while not self._waiting:
            if self.gone.is_set():
                raise Gone
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def used(self, size: int) -> None:
        """A data frame of that size has been taken: there is room for as much again."""
        self._to_grant += size + FRAME_BYTES
        if self._to_grant < GRANT_BYTES:
            return
        granted, self._to_grant = self._to_grant, 0
        self._unused += granted  # before it is said: the answer may be there before this goes on
        with suppress(Gone):
            await self.send(Kind.USED, str(granted).encode())

    async def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Raises Gone."""
        if self.gone.is_set():
            raise Gone
        try:
            self._writer.write(bytes((kind,)) + len(payload).to_bytes(4, "big") + payload)
            await self._writer.drain()
        except OSError as error:
            self._lost()
            raise Gone from error

    async def send_data(self, kind: Kind, data: bytes) -> None:
        """Waits until there is room for it on the other side. Raises Gone."""
        view = memoryview(data)
        while view:
            piece = view[:CHUNK_BYTES]
            while self._credit < len(piece) + FRAME_BYTES and not self.gone.is_set():
                self._may_send.clear()
                await self._may_send.wait()
            self._credit -= len(piece) + FRAME_BYTES
            await self.send(kind, bytes(piece))
            view = view[len(piece) :]

    async def finish(self, kind: Kind, payload: bytes) -> None:
        """The last frame. Who closes first may break off what the other has not read yet: that is left to the other."""
        await self.send(kind, payload)
        await self.gone.wait()

    async def close(self) -> None:
        """Closed at once; what is awaited is only that the other side learns of it."""
        self._listening.cancel()
        self._lost()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _listen(self) -> None:
        try:
            while True:
                head = await self._reader.readexactly(5)
                kind, length = Kind(head[0]), int.from_bytes(head[1:], "big")
                if length > LONGEST or len(self._waiting) > MOST_WAITING:
                    return
                self._take(Frame(kind, await self._reader.readexactly(length)))
        except (OSError, EOFError, ValueError):
            return
        finally:
            self._lost()

    def _take(self, frame: Frame) -> None:
        """Raises ValueError when the other side sends more than it may."""
        if frame.kind == Kind.USED:
            self._credit += int(frame.payload)
            self._may_send.set()
            return
        if frame.kind in DATA:
            self._unused -= len(frame.payload) + FRAME_BYTES
            if self._unused < 0:
                raise ValueError("more data than there is room for")
        self._waiting.append(frame)
        self._arrived.set()

    def _lost(self) -> None:
        self.gone.set()
        self._arrived.set()
        self._may_send.set()
