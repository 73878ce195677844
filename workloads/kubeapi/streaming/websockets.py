"""A request becomes a WebSocket. Until then every failure is an HTTP Status, which kubectl prints; who comes without a
WebSocket (kubectl before 1.30 speaks SPDY) is told so, when nothing else is wrong with the request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar

from workloads.kubeapi import vigils
from workloads.kubeapi.exchange import Reply, Socket, Stream, Upgrade, failure
from workloads.meta.errors import BadRequest, NotBuilt, StatusError

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

T = TypeVar("T")

PROBE_SECONDS = 15.0
"""How often a caller is looked for that cannot be read from meanwhile."""

_FAREWELL_SECONDS = 2.0
_LONGEST_REASON = 123
"""Bytes of a close frame's reason."""

_log = logging.getLogger(__name__)


async def serve(scope: Scope, receive: Receive, send: Send, answer: Reply | Stream | Upgrade) -> None:
    await receive()
    if isinstance(answer, Stream):
        answer = failure(NotBuilt("this address answers plain requests only, not WebSockets"))
    protocol = _chosen(scope["subprotocols"], answer.protocols) if isinstance(answer, Upgrade) else None
    if isinstance(answer, Upgrade) and protocol is not None:
        await _run(answer, protocol, receive, send)
        return
    if isinstance(answer, Upgrade):
        offered = ", ".join(scope["subprotocols"])
        served = ", ".join(filter(None, answer.protocols))
        answer = failure(BadRequest(f"none of the protocols {offered} is served here, but {served}"))
    await _refuse(scope, send, answer)


def without(upgrade: Upgrade) -> StatusError:
    """For who asked for it plainly."""
    return BadRequest(upgrade.otherwise)


async def patiently(waiting: Awaitable[T], knock: Callable[[], Awaitable[None]]) -> T:
    """Waits, and knocks at the caller's meanwhile: one that has gone cannot be heard while nothing is read from it.
    Raises OSError when it has."""
    task = asyncio.ensure_future(waiting)
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=PROBE_SECONDS)
            if done:
                return task.result()
            await knock()
    finally:
        task.cancel()


class _Socket:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._gone = False

    async def receive(self) -> bytes | None:
        if self._gone:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._gone = True
            return None
        data: bytes | None = message.get("bytes")
        return str(message.get("text") or "").encode() if data is None else data

    async def send(self, data: bytes | str) -> None:
        if self._gone:
            raise OSError("the caller has gone")
        name = "text" if isinstance(data, str) else "bytes"
        await self._send({"type": "websocket.send", name: data})

    async def close(self, *, code: int = 1000, reason: str = "") -> None:
        if not self._gone:
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


async def _run(upgrade: Upgrade, protocol: str, receive: Receive, send: Send) -> None:
    with suppress(OSError):
        await send({"type": "websocket.accept", "subprotocol": protocol or None})
        socket = _Socket(receive, send)
        try:
            refusal = await _run_while_allowed(upgrade, socket, protocol)
        except OSError:
            return
        except Exception:
            _log.exception("a session broke off")
            refusal = None
        if refusal is None:
            await socket.close()
        else:
            await _take_leave(upgrade, socket, protocol, refusal)


async def _run_while_allowed(upgrade: Upgrade, socket: Socket, protocol: str) -> StatusError | None:
    """Why it had to end; None when it came to its own end. Raises OSError when the caller goes."""
    with vigils.over(upgrade.standing) as ended:
        running = asyncio.ensure_future(upgrade.run(socket, protocol))
        try:
            await asyncio.wait((running, ended) if ended else (running,), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
                return None
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return ended.result() if ended else None


async def _take_leave(upgrade: Upgrade, socket: _Socket, protocol: str, refusal: StatusError) -> None:
    """With a sentence. A caller that does not read is not waited for."""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            if upgrade.farewell:
                await upgrade.farewell(socket, protocol, refusal)
            await socket.close(code=1008, reason=refusal.message.encode()[:_LONGEST_REASON].decode(errors="ignore"))


async def _refuse(scope: Scope, send: Send, answer: Reply) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": "not supported"})
        return
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in answer.headers]
    headers.append((b"connection", b"close"))  # as it is: nobody shall send another request into it
    status = answer.status if answer.status >= 400 else 501
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _chosen(offered: list[str], served: tuple[str, ...]) -> str | None:
    if not offered:
        return "" if "" in served else None
    return next((name for name in offered if name in served), None)
