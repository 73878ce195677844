"""exec, attach and port-forward: from the cluster's API server, by SPDY/3.1 or WebSocket, to CCI's API, by WebSocket.

exec and attach by SPDY have a stream for each of stdin, stdout, stderr, errors and sizes; in CCI's WebSocket they are
channels. port-forward is SPDY on both sides, in CCI's WebSocket as messages: its bytes go through unread. Both ends are
read no faster than the other takes it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from burst import spdy
from burst.api import Api, ApiError, path
from burst.serving import PIECE, Exchange

V5 = "v5.channel.k8s.io"
COMMAND_PROTOCOLS = (V5, "v4.channel.k8s.io")
"""Of SPDY callers; v5 differs from v4 in WebSockets alone."""
WEBSOCKET_PROTOCOLS = (V5, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")
FORWARD_PROTOCOL = "portforward.k8s.io"
TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"
MOST_MESSAGE = 8 * 1024 * 1024
"""Of a WebSocket's caller, in bytes or characters."""
STREAMS_SECONDS = 30.0
"""Within which a caller opens its streams."""

_CHANNELS = {"stdin": 0, "stdout": 1, "stderr": 2, "error": 3, "resize": 4}
_CLOSE = 255
_TOO_BIG, _TOO_BIG_SENTENCE = 1009, "a message of more than 8 MiB"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Command:
    """One exec or attach in a pod of CCI. `params` are those of CCI's API."""

    def __init__(self, cci: Api, namespace: str, pod: str, verb: str, params: list[tuple[str, str]]) -> None:
        self._cci, self._address, self._params = cci, path("pods", namespace, pod, verb), params

    @asynccontextmanager
    async def opened(self, protocols: tuple[str, ...]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Raises ApiError."""
        async with self._cci.websocket(self._address, self._params, protocols) as socket:
            yield socket

    @property
    def streams(self) -> set[str]:
        """Those that the caller opens."""
        wanted = {name for name, value in self._params if value == "true"}
        return {"error"} | (wanted & {"stdin", "stdout", "stderr"}) | ({"resize"} if "tty" in wanted else set())


async def serve_command(exchange: Exchange, command: Command) -> None:
    """Raises ApiError before anything was answered."""
    if exchange.request.header("upgrade").lower() == "websocket":
        await _serve_websocket(exchange, command)
        return
    chosen = await _negotiated(exchange, COMMAND_PROTOCOLS)
    if chosen is None:
        return
    async with command.opened((V5,)) as socket:
        tail = await _switch(exchange, chosen)
        await _Streams(exchange, socket, command.streams).run(tail)


async def serve_forward(exchange: Exchange, cci: Api, namespace: str, pod: str) -> None:
    """Raises ApiError before anything was answered."""
    if exchange.request.header("upgrade").lower() == "websocket":
        sentence = "port-forward is served by SPDY/3.1; a kube-apiserver from 1.30 on asks for it so\n"
        await exchange.reply(501, sentence)
        return
    chosen = await _negotiated(exchange, (FORWARD_PROTOCOL,))
    if chosen is None:
        return
    async with cci.websocket(path("pods", namespace, pod, "portforward"), [], (TUNNEL_PROTOCOL,)) as socket:
        tail = await _switch(exchange, chosen)
        await _first_of(_bytes_up(exchange, socket, tail), _bytes_down(exchange, socket))


async def output(command: Command, limit: int) -> tuple[bytes, bytes]:
    """What a command wrote, and the Status that it ended with. Raises ApiError."""
    written, status = bytearray(), b""
    async with command.opened((V5,)) as socket:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, data = message.data[0], message.data[1:]
            if channel == _CHANNELS["error"]:
                status = data
            elif channel in (1, 2) and len(written) < limit:
                written += data
    return bytes(written[:limit]), status


# --- SPDY ---------------------------------------------------------------------------------------------------------


class _Streams:
    """The caller's SPDY streams and CCI's channels."""

    def __init__(self, exchange: Exchange, socket: aiohttp.ClientWebSocketResponse, expected: set[str]) -> None:
        self._exchange, self._socket, self._expected = exchange, socket, expected
        self._reader, self._writer = spdy.Reader(), spdy.Writer()
        self._ids: dict[str, int] = {}
        self._types: dict[int, str] = {}
        self._complete = asyncio.Event()

    async def run(self, tail: bytes) -> None:
        await _first_of(self._up(tail), self._down())

    async def _up(self, data: bytes) -> None:
        """From the caller, until it goes."""
        try:
            while True:
                for event in self._reader.receive(data):
                    await self._handle(event)
                if not (data := await self._exchange.reader.read(PIECE)):
                    return
        except spdy.Nonsense:
            await self._write(self._writer.go_away(max(self._types, default=0)))

    async def _handle(self, event: spdy.Event) -> None:
        match event:
            case spdy.Opened():
                await self._open(event)
            case spdy.Data():
                await self._take(event)
            case spdy.Ping() if event.id % 2:
                await self._write(self._writer.ping(event.id))

    async def _open(self, opened: spdy.Opened) -> None:
        kind = opened.headers.get("streamtype", "")
        if kind not in _CHANNELS or kind in self._ids:
            await self._write(self._writer.reset(opened.stream, spdy.PROTOCOL_ERROR))
            return
        self._ids[kind], self._types[opened.stream] = opened.stream, kind
        await self._write(self._writer.reply(opened.stream))
        if self._expected <= self._ids.keys():
            self._complete.set()

    async def _take(self, data: spdy.Data) -> None:
        kind = self._types.get(data.stream, "")
        if kind not in ("stdin", "resize"):
            return
        channel = _CHANNELS[kind]
        if data.data:
            await self._socket.send_bytes(bytes((channel,)) + data.data)
        if data.ends and kind == "stdin":
            await self._socket.send_bytes(bytes((_CLOSE, channel)))

    async def _down(self) -> None:
        """From CCI, until the command has ended and said how."""
        async with asyncio.timeout(STREAMS_SECONDS):
            await self._complete.wait()
        kinds = {number: kind for kind, number in _CHANNELS.items()}
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            stream = self._ids.get(kinds.get(message.data[0], ""))
            if stream is not None and len(message.data) > 1:
                await self._write(self._writer.data(stream, message.data[1:]))
        for stream in self._types:
            await self._write(self._writer.data(stream, b"", ends=True))
        await self._write(self._writer.go_away(max(self._types, default=0)))

    async def _write(self, data: bytes) -> None:
        self._exchange.writer.write(data)
        await self._exchange.writer.drain()


async def _negotiated(exchange: Exchange, served: tuple[str, ...]) -> str | None:
    """The first protocol that both speak; None when that was refused, in upstream's words."""
    request = exchange.request
    if request.header("upgrade").lower() != "spdy/3.1":
        await exchange.reply(400, "unable to upgrade: this address answers SPDY/3.1 and WebSockets\n")
        return None
    offered = request.header_values("x-stream-protocol-version")
    chosen = next((name for name in offered if name in served), None)
    if chosen is None:
        listed = f"client supports [{' '.join(offered)}], server accepts [{' '.join(served)}]"
        await exchange.reply(403, f"unable to upgrade: unable to negotiate protocol: {listed}\n")
    return chosen


async def _switch(exchange: Exchange, protocol: str) -> bytes:
    headers = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", protocol)]
    return await exchange.take_over(headers)


async def _bytes_up(exchange: Exchange, socket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
    while True:
        if data:
            await socket.send_bytes(data)
        if not (data := await exchange.reader.read(PIECE)):
            return


async def _bytes_down(exchange: Exchange, socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            exchange.writer.write(message.data)
            await exchange.writer.drain()


# --- WebSocket ----------------------------------------------------------------------------------------------------


async def _serve_websocket(exchange: Exchange, command: Command) -> None:
    """CCI speaks the same channels: messages go through as they are."""
    request = exchange.request
    offered = request.header_values("sec-websocket-protocol")
    chosen = next((name for name in offered if name in WEBSOCKET_PROTOCOLS), None)
    key = request.header("sec-websocket-key")
    if chosen is None or not key:
        await exchange.reply(400, f"none of the protocols {', '.join(offered)} is served here\n")
        return
    async with command.opened((chosen,)) as socket:
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
        headers = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", accept)]
        tail = await exchange.take_over([*headers, ("Sec-WebSocket-Protocol", chosen)])
        frames = Frames(ConnectionType.SERVER, trailing_data=tail)
        await _first_of(_messages_up(exchange, socket, frames), _messages_down(exchange, socket, frames))


async def _messages_up(exchange: Exchange, socket: aiohttp.ClientWebSocketResponse, frames: Frames) -> None:
    """A message comes in pieces, as it was read and as its caller cut it; it is sent on whole."""
    binary = bytearray()
    text: list[str] = []
    length = 0
    while True:
        for event in frames.events():
            if isinstance(event, BytesMessage | TextMessage):
                length += len(event.data)
                if length > MOST_MESSAGE:
                    await _send(exchange, frames.send(CloseConnection(code=_TOO_BIG, reason=_TOO_BIG_SENTENCE)))
                    return
                if event.message_finished:
                    length = 0
            match event:
                case BytesMessage():
                    binary += event.data
                    if event.message_finished:
                        await socket.send_bytes(bytes(binary))
                        binary.clear()
                case TextMessage():
                    text.append(event.data)
                    if event.message_finished:
                        await socket.send_str("".join(text))
                        text.clear()
                case Ping():
                    await _send(exchange, frames.send(event.response()))
                case Pong():
                    pass
                case CloseConnection():
                    await _send(exchange, frames.send(event.response()))
                    return
        if not (data := await exchange.reader.read(PIECE)):
            return
        frames.receive_data(data)


async def _messages_down(exchange: Exchange, socket: aiohttp.ClientWebSocketResponse, frames: Frames) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            await _send(exchange, frames.send(BytesMessage(data=message.data)))
        elif message.type is aiohttp.WSMsgType.TEXT:
            await _send(exchange, frames.send(TextMessage(data=message.data)))
    await _send(exchange, frames.send(CloseConnection(code=1000)))


async def _send(exchange: Exchange, data: bytes) -> None:
    exchange.writer.write(data)
    await exchange.writer.drain()


async def _first_of(*works: object) -> None:
    """Until one of them has ended; an error of any is raised, a caller that has gone is none."""
    tasks = [asyncio.ensure_future(work) for work in works if asyncio.iscoroutine(work)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, (OSError, aiohttp.ClientError, TimeoutError)):
            raise result


__all__ = ("ApiError", "Command", "output", "serve_command", "serve_forward")
