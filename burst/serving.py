"""A small HTTPS server for what calls the add-on: the cluster's API server, as a kubelet's and a webhook's caller.

h11 reads and writes HTTP/1.1; a handler gets an `Exchange`, answers it, and may take the connection over (SPDY,
WebSocket). Every request is bounded, and so is what all of them hold: anybody may connect. A body is read when its
handler wants it, which is after it knows who asks.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

JSON = dict[str, Any]

MOST_BODY = 8 * 1024 * 1024
SMALL_BODY = 64 * 1024
"""Of requests whose body nobody reads."""
MOST_BODIES = 16 * 1024 * 1024
"""Of all requests of one server that are being answered."""
MOST_CONNECTIONS = 256
"""Of one server; who comes then waits. One with TLS takes about half a MiB."""
HANDSHAKE_SECONDS = 10.0
HEADERS_SECONDS = 60.0
PIECE = 64 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    """Names in lower case."""
    certificate: JSON = field(default_factory=dict)
    """Of the caller, as `ssl` tells it; {} without one."""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def header_values(self, name: str) -> list[str]:
        return [one.strip() for key, value in self.headers if key == name for one in value.split(",") if one.strip()]

    def one(self, name: str) -> str:
        return next((value for key, value in self.query if key == name), "")

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]


@dataclass
class Room:
    """For the bodies of one server's requests, in bytes."""

    left: int = MOST_BODIES

    def take(self, length: int) -> None:
        """Raises h11.RemoteProtocolError."""
        if length > self.left:
            raise h11.RemoteProtocolError("too many bodies at once", error_status_hint=503)
        self.left -= length


class Exchange:
    """A request and its answer. Raises OSError when the caller has gone."""

    def __init__(
        self,
        request: Request,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        room: Room,
    ) -> None:
        self.request = request
        self.reader, self.writer = reader, writer
        self.answered = self.taken_over = False
        self._connection, self._room, self._held = connection, room, 0

    async def body(self, most: int) -> bytes:
        """Up to its end, or to where the caller wants another protocol. Raises h11.RemoteProtocolError."""
        data = bytearray()
        try:
            async with asyncio.timeout(HEADERS_SECONDS):
                while self._connection.their_state is h11.SEND_BODY:
                    event = self._connection.next_event()
                    if event is h11.NEED_DATA:
                        await _receive(self._connection, self.reader, self.writer)
                    elif isinstance(event, h11.Data):
                        if len(data) + len(event.data) > most:
                            raise h11.RemoteProtocolError("the body is too long", error_status_hint=413)
                        self._room.take(len(event.data))
                        self._held += len(event.data)
                        data += event.data
        except TimeoutError:
            raise h11.RemoteProtocolError("the body does not come", error_status_hint=408) from None
        return bytes(data)

    def finished(self) -> None:
        """Nobody has its body any more."""
        self._room.left += self._held
        self._held = 0

    async def reply(
        self, status: int, body: bytes | str = b"", content_type: str = "text/plain; charset=utf-8"
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        headers = [("content-type", content_type), ("content-length", str(len(data)))]
        await self._send(h11.Response(status_code=status, headers=headers))
        await self.send(data)
        await self.end()

    async def reply_json(self, body: JSON, status: int = 200) -> None:
        await self.reply(status, json.dumps(body), "application/json")

    async def begin(self, content_type: str) -> None:
        """A body of unknown length follows by `send`."""
        headers = [("content-type", content_type), ("transfer-encoding", "chunked")]
        await self._send(h11.Response(status_code=200, headers=headers))

    async def send(self, data: bytes) -> None:
        if data:
            await self._send(h11.Data(data=data))

    async def end(self) -> None:
        await self._send(h11.EndOfMessage())

    async def take_over(self, headers: list[tuple[str, str]]) -> bytes:
        """Switches protocols; from now on the connection is the handler's. What the caller has sent already."""
        await self.body(SMALL_BODY)
        await self._send(h11.InformationalResponse(status_code=101, headers=headers))
        self.taken_over = True
        return self._connection.trailing_data[0]

    async def until_hung_up(self, work: Awaitable[None]) -> None:
        """`work`, ended when the caller goes; it is given up to nobody's answer."""
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self.reader.read(1))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (working, watching):
                if not one.done():
                    one.cancel()
            results = await asyncio.gather(working, watching, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _send(self, event: h11.Event) -> None:
        self.answered = True
        data = self._connection.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()


Handler = Callable[[Exchange], Awaitable[None]]


class Server:
    """Listens until it is closed; conversations that go on then go on."""

    def __init__(self, handler: Handler, listener: socket.socket, context: ssl.SSLContext | None, most: int) -> None:
        self.sockets = [listener]
        self._handler, self._context, self._room = handler, context, Room()
        self._free = asyncio.Semaphore(most)
        self._conversations: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept(listener))

    def close(self) -> None:
        self._accepting.cancel()
        for listener in self.sockets:
            listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        """A connection has its place before the first byte of TLS is read, and keeps it to its end."""
        loop = asyncio.get_running_loop()
        while True:
            await self._free.acquire()
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                self._free.release()
                log.warning("a connection cannot be taken: %s", error)
                await asyncio.sleep(1)
                continue
            conversation = asyncio.create_task(self._connected(connection))
            self._conversations.add(conversation)
            conversation.add_done_callback(self._ended)

    def _ended(self, conversation: asyncio.Task[None]) -> None:
        self._conversations.discard(conversation)
        self._free.release()

    async def _connected(self, connection: socket.socket) -> None:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await _streams(connection, self._context)
            await _converse(self._handler, reader, writer, self._room)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
            log.debug("a caller has gone")
        except Exception:
            log.exception("a request broke off")
        finally:
            if writer is None:
                connection.close()
            else:
                writer.close()
                with suppress(OSError, ssl.SSLError, TimeoutError):
                    async with asyncio.timeout(5):
                        await writer.wait_closed()


async def serve(
    handler: Handler, *, host: str, port: int, context: ssl.SSLContext | None, most: int = MOST_CONNECTIONS
) -> Server:
    """Close it to end it. `host`: "" for every address of this machine."""
    if not host and socket.has_dualstack_ipv6():
        listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)
    else:
        listener = socket.create_server((host, port), backlog=100)
    listener.setblocking(False)
    return Server(handler, listener, context, most)


async def _streams(
    connection: socket.socket, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    reader = asyncio.StreamReader(limit=PIECE)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        connection,
        ssl=context,
        ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _converse(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: Room) -> None:
    """One request after the other, until somebody ends it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=PIECE)
    while True:
        try:
            request = await _head(connection, reader, writer)
        except h11.RemoteProtocolError as error:
            await _reply_nonsense(Exchange(Request("", "", [], []), connection, reader, writer, room), error)
            return
        if request is None:
            return
        exchange = Exchange(request, connection, reader, writer, room)
        try:
            await handler(exchange)
        except h11.RemoteProtocolError as error:
            if exchange.answered:
                raise
            await _reply_nonsense(exchange, error)
        except Exception:
            if exchange.answered:
                raise
            log.exception("%s %s stumbled", request.method, request.path)
            await exchange.reply(500, "the add-on stumbled over this request; its log says more\n")
        finally:
            exchange.finished()
        if exchange.taken_over or not _is_over(connection):
            return
        connection.start_next_cycle()


async def _reply_nonsense(exchange: Exchange, error: h11.RemoteProtocolError) -> None:
    if exchange._connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
        await exchange.reply(error.error_status_hint, f"{error}\n")


def _is_over(connection: h11.Connection) -> bool:
    """Whether another request may follow: not where a body was sent that nobody has read."""
    with suppress(h11.RemoteProtocolError):
        if connection.their_state is h11.SEND_BODY:
            connection.next_event()
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE


async def _head(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """None when the caller has gone."""
    async with asyncio.timeout(HEADERS_SECONDS):
        while (event := connection.next_event()) is h11.NEED_DATA:
            if not await _receive(connection, reader, writer):
                return None
    if not isinstance(event, h11.Request):
        return None
    parts = urlsplit(event.target.decode("latin-1"))
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in event.headers]
    certificate = writer.get_extra_info("peercert") or {}
    query = parse_qsl(parts.query, keep_blank_values=True)
    return Request(event.method.decode(), unquote(parts.path), query, headers, certificate)


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """More of what the caller sends; False when that was all."""
    if connection.they_are_waiting_for_100_continue:
        writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
    data = await reader.read(PIECE)
    connection.receive_data(data)
    return bool(data)
