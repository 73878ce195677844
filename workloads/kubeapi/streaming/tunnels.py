"""port-forward as kubectl does it: SPDY/3.1 in a WebSocket, and in it two streams for each connection, one for data and
one for what goes wrong.

kubectl counts no windows: it sends as it likes and grants nothing. So what a pod does not take is held to
`MOST_WAITING` bytes a connection; beyond that nothing more is read from the caller, for all of its connections, as
upstream. Who does count (it has granted something once) is heeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from workloads.client import Session
from workloads.kubeapi.exchange import Socket
from workloads.kubeapi.streaming import spdy
from workloads.kubeapi.streaming.websockets import patiently
from workloads.meta.errors import StatusError

Connect = Callable[[int], Awaitable[Session]]
"""To a port. Raises StatusError with the words for the error stream."""

MOST_WAITING = 1024 * 1024
MOST_STREAMS = 1000
_KNOCK = 2
"""A ping's number: even ones are the server's."""


@dataclass(eq=False)
class _Stream:
    """One of the caller's, as far as this side sends on it."""

    id: int
    window: int | None = None
    """What may still be sent; None while the caller does not count."""
    sent: int = 0
    closed: bool = False

    def grant(self, size: int) -> None:
        if self.window is None:
            self.window = spdy.FIRST_WINDOW - self.sent
        self.window += size


@dataclass(eq=False)
class _Connection:
    """A pair of streams with the same request id; it begins when both are there."""

    port: int
    data: _Stream | None = None
    errors: _Stream | None = None
    waiting: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    """What came for the pod; b"" is the end."""
    bytes_waiting: int = 0
    task: asyncio.Task[None] | None = None


class Tunnel:
    """Belongs to one WebSocket."""

    def __init__(self, socket: Socket, connect: Connect) -> None:
        self._socket = socket
        self._connect = connect
        self._reader, self._writer = spdy.Reader(), spdy.Writer()
        self._streams: dict[int, _Stream] = {}
        self._connections: dict[str, _Connection] = {}
        self._of_stream: dict[int, tuple[str, _Connection]] = {}
        self._session = _Stream(0)
        self._changed = asyncio.Condition()
        """Something was taken by a pod, granted or closed."""

    async def run(self) -> None:
        """Until the caller goes, or speaks nonsense."""
        try:
            while (message := await self._socket.receive()) is not None:
                for event in self._reader.receive(message):
                    await self._handle(event)
        except (spdy.Nonsense, OSError):
            with suppress(OSError):
                await self._socket.send(self._writer.go_away(max(self._streams, default=0)))
        finally:
            tasks = [one.task for one in self._connections.values() if one.task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, event: spdy.Event) -> None:
        match event:
            case spdy.Opened():
                await self._open(event)
            case spdy.Data():
                await self._take(event)
            case spdy.Reset():
                await self._reset(event.stream)
            case spdy.Ping() if event.id % 2:
                await self._socket.send(self._writer.ping(event.id))
            case spdy.Granted():
                stream = self._streams.get(event.stream) if event.stream else self._session
                if stream:
                    stream.grant(event.size)
                    await self._wake()

    async def _open(self, opened: spdy.Opened) -> None:
        id, kind, port = opened.stream, opened.headers.get("streamtype"), _port(opened.headers)
        if len(self._streams) >= MOST_STREAMS:
            await self._socket.send(self._writer.reset(id, spdy.REFUSED_STREAM))
            return
        if kind not in ("data", "error") or port is None or id in self._streams:
            await self._socket.send(self._writer.reset(id, spdy.PROTOCOL_ERROR))
            return
        request = opened.headers.get("requestid") or f"port {port} of {id - (kind == 'data') * 2}"
        connection = self._connections.setdefault(request, _Connection(port))
        stream = self._streams[id] = _Stream(id)
        self._of_stream[id] = (request, connection)
        await self._socket.send(self._writer.reply(id))
        if kind == "error":
            connection.errors = stream
        else:
            connection.data = stream
            if opened.ends:
                connection.waiting.put_nowait(b"")
        if connection.data and connection.errors and connection.task is None:
            connection.task = asyncio.create_task(self._carry(request, connection, connection.data, connection.errors))

    async def _take(self, data: spdy.Data) -> None:
        _, connection = self._of_stream.get(data.stream, ("", None))
        if connection is None or connection.data is None or connection.data.id != data.stream:
            await self._grant(self._session.id, len(data.data))
            return
        if data.data:
            connection.bytes_waiting += len(data.data)
            connection.waiting.put_nowait(data.data)
        if data.ends:
            connection.waiting.put_nowait(b"")
        if connection.bytes_waiting > MOST_WAITING:
            await patiently(self._room_in(connection), self._knock)

    async def _room_in(self, connection: _Connection) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: connection.bytes_waiting <= MOST_WAITING)

    async def _knock(self) -> None:
        await self._socket.send(self._writer.ping(_KNOCK))

    async def _reset(self, id: int) -> None:
        _, connection = self._of_stream.get(id, ("", None))
        if connection is None or connection.data is None or connection.data.id != id:
            return
        if connection.task:
            connection.task.cancel()

    async def _carry(self, request: str, connection: _Connection, data: _Stream, errors: _Stream) -> None:
        """One connection, from its pod's first byte to its end."""
        try:
            words = await self._joined(connection, data)
            if words:
                await self._send(errors, words.encode())
            for stream in (data, errors):
                await self._socket.send(self._writer.data(stream.id, b"", ends=True))
        except OSError:
            return  # the caller has gone, which whoever reads from it will notice
        finally:
            self._forget(request, connection)
            await self._wake()

    async def _joined(self, connection: _Connection, data: _Stream) -> str:
        """Both ways, until the pod ends it; the words of what went wrong, if anything did."""
        try:
            session = await self._connect(connection.port)
        except StatusError as error:
            return error.message
        upward = asyncio.create_task(self._to_pod(connection, data, session))
        try:
            while output := await session.read():
                await self._send(data, output.data)
            return session.ending.error if session.ending else ""
        finally:
            upward.cancel()
            await session.close()  # before anything else that a second cancellation could interrupt
            await asyncio.gather(upward, return_exceptions=True)

    async def _to_pod(self, connection: _Connection, data: _Stream, session: Session) -> None:
        while piece := await connection.waiting.get():
            await session.write(piece)
            connection.bytes_waiting -= len(piece)
            await self._wake()
            await self._grant(data.id, len(piece))
            await self._grant(self._session.id, len(piece))
        await session.end_input()

    async def _send(self, stream: _Stream, data: bytes) -> None:
        """Waits for whoever counts."""
        view = memoryview(data)
        while view:
            size = min(len(view), await self._window(stream))
            for counted in (stream, self._session):
                counted.sent += size
                if counted.window is not None:
                    counted.window -= size
            await self._socket.send(self._writer.data(stream.id, bytes(view[:size])))
            view = view[size:]

    async def _window(self, stream: _Stream) -> int:
        def open() -> int:
            return min(one.window if one.window is not None else MOST_WAITING for one in (stream, self._session))

        if (size := open()) > 0:
            return size
        async with self._changed:
            await self._changed.wait_for(lambda: open() > 0)
        return open()

    async def _grant(self, id: int, size: int) -> None:
        if size:
            with suppress(OSError):
                await self._socket.send(self._writer.grant(id, size))

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _forget(self, request: str, connection: _Connection) -> None:
        """What still comes for it is dropped, and holds up nobody."""
        connection.bytes_waiting = 0
        self._connections.pop(request, None)
        for stream in (connection.data, connection.errors):
            if stream:
                self._of_stream.pop(stream.id, None)
                self._streams.pop(stream.id, None)


def _port(headers: Mapping[str, str]) -> int | None:
    text = headers.get("port", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536 else None
