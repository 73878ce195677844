"""The ASGI application: bytes in, bytes out. Every failure is answered with a Status, whatever went wrong.

Kept bare on purpose: no Django middleware stands between a request and its verb.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from workloads.kubeapi import compression, connections, routes, telemetry, vigils
from workloads.kubeapi.exchange import Asked, Outlet, Query, Reply, Request, Stream, Upgrade, failure
from workloads.kubeapi.streaming import websockets
from workloads.meta.errors import NotBuilt, NotFound, StatusError, Timeout, TooLarge
from workloads.meta.manifests import LONGEST

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger(__name__)
ASKED = "cci.asked"
"""Where in a scope it is noted what a request asks for."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SHORT = 64 * 1024
"""Bytes of a body that nobody waits for until they are taken."""
_AT_ONCE = 1024 * 1024
"""Bytes of a long body that are sent together."""


class _Gone(Exception):
    """The caller hung up before the request was whole, or takes nothing of the answer: there is nobody to answer."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _serve(scope, receive, send)
    elif scope["type"] == "websocket":
        await _serve_websocket(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _live(receive, send)


async def for_pods(scope: Scope, receive: Receive, send: Send) -> None:
    """The same for those inside pods, who have tokens already: nobody tries passwords from there."""
    if scope.get("path", "").lstrip("/").partition("/")[0] in ("iam", "v3"):
        await _reply(failure(NotFound("the server could not find the requested resource")), send)
        return
    await application(scope, receive, send)


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    asked, begun = Asked(), time.perf_counter()
    try:
        answer = await _answer({**scope, ASKED: asked}, receive)
        if isinstance(answer, Stream):
            await _serve_stream(answer, scope, receive, send, asked)
            return
        if isinstance(answer, Upgrade):
            answer = failure(websockets.without(answer))
        try:
            await _reply(await compression.fitting(answer, scope), send)
        finally:
            telemetry.count(_what(scope, asked), answer.status, time.perf_counter() - begun)
    except _Gone:
        return
    finally:
        asked.leave()


async def _serve_stream(stream: Stream, scope: Scope, receive: Receive, send: Send, asked: Asked) -> None:
    what = _what(scope, asked)
    telemetry.opened(what)
    try:
        await _stream(stream, receive, send, scope.get(connections.AT_ONCE))
    finally:
        telemetry.closed(what)


async def _serve_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    asked, scope = Asked(), {**scope, "method": "GET"}
    try:
        answer = await _answer({**scope, ASKED: asked}, receive)
    finally:
        asked.leave()
    what = _what(scope, asked)
    telemetry.opened(what)
    try:
        await websockets.serve(scope, receive, send, answer)
    finally:
        telemetry.closed(what)


def _what(scope: Scope, asked: Asked) -> telemetry.What:
    """Paths that lead to no resource count together: callers may invent as many as they like."""
    if not asked.verb:
        return (scope["method"] if scope["method"] in _METHODS else "other"), "", "", ""
    return asked.verb, asked.group, asked.resource, asked.subresource


def _request(scope: Scope, receive: Receive) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=Query(scope.get("query_string", b"")),
        headers=headers,
        address=client[0] if client else "",
        read=lambda: _read(headers, receive),
        asked=scope.get(ASKED) or Asked(),
    )


async def _read(headers: dict[str, str], receive: Receive) -> bytes:
    """The whole body, of at most `LONGEST` bytes; what is announced longer is not even begun. Raises Timeout when it
    takes longer than upstream lets a request take."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > LONGEST:
        raise _too_large()
    try:
        async with asyncio.timeout(connections.BODY_SECONDS):
            return await _read_whole(receive)
    except TimeoutError:
        raise Timeout("Timeout: request did not complete within the allotted timeout") from None


async def _read_whole(receive: Receive) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LONGEST:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge.of_request(f"limit is {LONGEST}")


async def _answer(scope: Scope, receive: Receive) -> Reply | Stream | Upgrade:
    place = scope.get("method", "GET"), scope["path"]
    try:
        return await routes.answer(_request(scope, receive))
    except StatusError as error:
        if error.code >= 500 and not isinstance(error, NotBuilt):
            _log.warning("%s %s: %s", *place, error.message)
        return failure(error)
    except _Gone:
        raise
    except Exception:
        _log.exception("%s %s failed", *place)
        return failure(StatusError("the server could not process the request; its log says why"))


async def _reply(reply: Reply, send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type.encode("latin-1")),
        (b"content-length", str(len(reply.body)).encode()),
        *((name.encode("latin-1"), value.encode("utf-8")) for name, value in reply.headers),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if len(reply.body) <= _SHORT:
        await send({"type": "http.response.body", "body": reply.body})
        return
    body = memoryview(reply.body)
    for start in range(0, len(body), _AT_ONCE):
        await _send_patiently(send, {"body": body[start : start + _AT_ONCE], "more_body": True})
    await _send_patiently(send, {"body": b""})


async def _send_patiently(send: Send, piece: Message) -> None:
    """In pieces: a caller takes one while the next is encrypted, and others are answered in between. Who takes nothing
    is waited for as long as upstream gives a request. Raises _Gone."""
    try:
        async with asyncio.timeout(connections.BODY_SECONDS):
            await send({"type": "http.response.body", **piece})
    except TimeoutError:
        raise _Gone from None


async def _stream(stream: Stream, receive: Receive, send: Send, at_once: Callable[[bytes], bool] | None) -> None:
    """Sends until the stream ends, the caller hangs up or may not go on, whichever is first. `at_once` is the
    connection's short way, if it has one."""
    headers = [(b"content-type", stream.content_type.encode("latin-1")), (b"cache-control", b"no-cache, private")]
    headers += [(name.encode("latin-1"), value.encode("utf-8")) for name, value in stream.headers]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    sent, outlet = _Sent(), stream.outlet or Outlet()
    outlet.open = at_once
    pump = asyncio.ensure_future(_pump(stream.chunks, send, sent))
    gone = asyncio.ensure_future(_until_gone(receive))
    with vigils.over(stream.standing) as ended:
        ends = (pump, gone, ended) if ended else (pump, gone)
        try:
            while not (await asyncio.wait(ends, timeout=stream.stall_seconds, return_when=_FIRST))[0]:
                if sent.stalled():
                    _log.info("a watcher that takes nothing of what is sent is hung up on")
                    break
        finally:
            outlet.open = None
            is_over = pump.done() or gone.done()
            for task in (pump, gone):
                task.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)
        if ended and ended.done() and not is_over:
            await _tell_last(stream.last_words(ended.result()), send)


async def _tell_last(words: bytes, send: Send) -> None:
    """A caller that does not read is not waited for."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await send({"type": "http.response.body", "body": words})


_LAST_WORDS_SECONDS = 2.0


_FIRST = asyncio.FIRST_COMPLETED


class _Sent:
    """How many chunks were begun and taken."""

    def __init__(self) -> None:
        self.begun = self.taken = self.seen = 0

    def stalled(self) -> bool:
        """Whether the chunk that was on its way when this was asked last still is."""
        before, self.seen = self.seen, self.begun
        return self.taken < self.begun == before


async def _pump(chunks: AsyncIterator[bytes], send: Send, sent: _Sent) -> None:
    async with contextlib.aclosing(chunks):  # type: ignore[type-var]
        try:
            async for chunk in chunks:
                sent.begun += 1
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                sent.taken += 1
        except Exception:
            _log.exception("a stream broke off")
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
