"""A small HTTPS server for what calls the add-on: the cluster's API server, as a kubelet's and a webhook's caller.

h11 reads and writes HTTP/1.1; a handler gets an `Exchange`, answers it, and may take the connection over (SPDY,
WebSocket). Every request is bounded.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

JSON = dict[str, Any]

MOST_BODY = 8 * 1024 * 1024
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
    body: bytes = b""
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


class Exchange:
    """A request and its answer. Raises OSError when the caller has gone."""

    def __init__(
        self, request: Request, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self.reader, self.writer = reader, writer
        self.answered = self.taken_over = False
        self._connection = connection

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


async def serve(handler: Handler, *, host: str, port: int, context: ssl.SSLContext | None) -> asyncio.Server:
    """Close it to end it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(handler, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
            log.debug("a caller has gone")
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a request broke off")
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(5):
                    await writer.wait_closed()

    return await asyncio.start_server(connected, host, port, ssl=context, limit=PIECE)


async def _converse(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request after the other, until somebody ends it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=PIECE)
    while True:
        try:
            request = await _read(connection, reader, writer)
        except h11.RemoteProtocolError as error:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await Exchange(Request("", "", [], []), connection, reader, writer).reply(
                    error.error_status_hint, f"{error}\n"
                )
            return
        if request is None:
            return
        exchange = Exchange(request, connection, reader, writer)
        try:
            await handler(exchange)
        except Exception:
            if exchange.answered:
                raise
            log.exception("%s %s stumbled", request.method, request.path)
            await exchange.reply(500, "the add-on stumbled over this request; its log says more\n")
        if exchange.taken_over or connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return
        connection.start_next_cycle()


async def _read(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """None when the caller has gone. The body is read whole, except where the caller wants another protocol."""
    head: h11.Request | None = None
    body = bytearray()
    async with asyncio.timeout(HEADERS_SECONDS):
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                data = await reader.read(PIECE)
                connection.receive_data(data)
                if not data and head is None:
                    return None
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MOST_BODY:
                    raise h11.RemoteProtocolError("the body is too long", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                break
            else:
                return None
    if head is None:
        return None
    parts = urlsplit(head.target.decode("latin-1"))
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in head.headers]
    certificate = writer.get_extra_info("peercert") or {}
    query = parse_qsl(parts.query, keep_blank_values=True)
    return Request(head.method.decode(), unquote(parts.path), query, headers, bytes(body), certificate)
