"""What the agent answers on its socket: see the contract in `workloads.node`. A bare ASGI application.

A log that is followed blocks a thread for as long as somebody reads it, so there are only so many, and no account has
all of them; who comes when they are taken is told to come back. A reader that leaves ends the read at once.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl

import orjson

from workloads.meta import times
from workloads.meta.errors import BadRequest, MethodNotAllowed, NotFound, StatusError, Unauthorized, Unavailable
from workloads.meta.keys import Uid
from workloads.node.sessions import Sessions
from workloads.node.usage import Figure, Sampler
from workloads.node.usageseries import GRAINS
from workloads.runtimes.base import LogStream, Runtime, RuntimeFault

Message = MutableMapping[str, Any]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

T = TypeVar("T")

MOST_STREAMS, MOST_OF_ACCOUNT = 300, 100
CHUNK_BYTES = 64 * 1024

_LOG = re.compile(r"/v1/pods/([^/]+)/containers/([^/]+)/log")
_JSON = b"application/json"


@dataclass(frozen=True)
class _LogQuery:
    account: str
    follow: bool
    tail: int | None
    since: datetime | None
    timestamps: bool
    previous: bool
    attempt: int | None = None


class Application:
    def __init__(
        self,
        runtime: Runtime,
        *,
        token: str,
        sampler: Sampler | None = None,
        most_streams: int = MOST_STREAMS,
        most_of_account: int = MOST_OF_ACCOUNT,
    ) -> None:
        self._runtime = runtime
        self._sampler = sampler or Sampler(runtime)
        self._token = f"Bearer {token}".encode()
        self.sessions = Sessions(runtime, token=token)
        """Served on a socket of their own."""
        self._most, self._most_of_account = most_streams, most_of_account
        self._open: Counter[str] = Counter()
        # reads may all block; the short calls beside them never wait for one
        self._readers = ThreadPoolExecutor(most_streams, thread_name_prefix="log")
        self._calls = ThreadPoolExecutor(4, thread_name_prefix="call")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._answer(scope, receive, send)
        except RuntimeFault as fault:
            await _send_json(send, Unavailable(str(fault)).body(), code=503)
        except StatusError as error:
            await _send_json(send, error.body(), code=error.code)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/healthz":
            await _send_json(send, {"status": "ok"})
            return
        self._authenticate(scope)
        if scope["method"] != "GET":
            raise MethodNotAllowed(f"{scope['method']} is not served here, only GET")
        if path == "/v1/capacity":
            await _send_json(send, await self._call(self._capacity))
        elif path == "/v1/images":
            await _send_json(send, await self._call(self._images))
        elif path == "/v1/usage":
            await _send_json(send, await self._call(lambda: self._usage(_uids(scope))))
        elif path == "/v1/usage/history":
            await _send_json(send, await self._call(lambda: self._history(_uids(scope), _grain(scope))))
        elif match := _LOG.fullmatch(path):
            await self._log(Uid(match[1]), match[2], _log_query(scope), receive, send)
        else:
            raise NotFound(f"the agent serves nothing at {path}")

    def _authenticate(self, scope: Scope) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, self._token):
            raise Unauthorized("the agent's token is missing or wrong")

    async def _call(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._calls, function)

    async def _read(self, function: Callable[[], T]) -> T:
        """There is a thread for each log that is open. Opening one may take as long as reading it: text is made of it
        first when it was taken just now."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, function)

    def _capacity(self) -> dict[str, int]:
        found = self._runtime.capacity()
        return {"cpuMillis": found.cpu_millis, "memoryBytes": found.memory_bytes}

    def _images(self) -> dict[str, list[dict[str, Any]]]:
        images = self._runtime.images()
        return {"items": [{"name": one.name, "id": one.id, "sizeBytes": one.size_bytes} for one in images]}

    def _usage(self, uids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        return {"items": [figure(one) for one in self._sampler.figures(uids)]}

    def _history(self, uids: Collection[str], grain: str) -> dict[str, Any]:
        found, step = self._sampler.history(uids, grain), GRAINS[grain].step
        return {
            "uids": found.uids,
            "stepSeconds": step.total_seconds(),
            **{
                gauge: [[one.at.timestamp(), one.average, one.least, one.most] for one in steps]
                for gauge, steps in found.gauges.items()
            },
        }

    async def _log(self, uid: Uid, container: str, query: _LogQuery, receive: Receive, send: Send) -> None:
        if self._open.total() >= self._most or self._open[query.account] >= self._most_of_account:
            most = min(self._most, self._most_of_account)
            raise Unavailable(f"{most} logs are being read already: come back soon", retry_after=5)
        self._open[query.account] += 1
        try:
            stream = await self._read(lambda: self._open_log(uid, container, query))
            await self._stream(stream, receive, send, follow=query.follow)
        finally:
            self._open[query.account] -= 1

    def _open_log(self, uid: Uid, container: str, query: _LogQuery) -> LogStream:
        try:
            return self._runtime.logs(
                uid,
                container,
                follow=query.follow,
                tail=query.tail,
                since=query.since,
                timestamps=query.timestamps,
                previous=query.previous,
                attempt=query.attempt,
                account=query.account,
            )
        except KeyError:
            which = "previous terminated container" if query.previous else "container"
            raise NotFound(f'{which} "{container}" of pod {uid} has no log on this node') from None
        except OSError as error:
            raise Unavailable(f"the log cannot be read now: {error}") from error

    async def _stream(self, stream: LogStream, receive: Receive, send: Send, *, follow: bool) -> None:
        """The headers go out before the first line is there: a follower waits for lines, not for an answer."""
        await _send_start(send, code=200, content_type=b"text/plain; charset=utf-8")
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        left = asyncio.create_task(_until_left(receive))
        left.add_done_callback(lambda _: stream.close())
        try:
            while not left.done() and (chunk := await self._next(stream, least=0 if follow else CHUNK_BYTES)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            left.cancel()

    async def _next(self, stream: LogStream, *, least: int) -> bytes:
        """b"" at the end, also when the runtime goes away in the middle: the status line is long sent. A follower gets
        what there is, line by line; who reads only what is there gets pieces of at least `least` bytes."""

        def read() -> bytes:
            gathered = bytearray()
            with suppress(RuntimeFault):
                for piece in stream:
                    gathered += piece
                    if gathered and len(gathered) >= least:
                        break
            return bytes(gathered)

        return await self._read(read)


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _log_query(scope: Scope) -> _LogQuery:
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    if not query.get("account"):
        raise BadRequest("account is missing: say whose log it is")
    return _LogQuery(
        account=query["account"],
        follow=_flag(query, "follow"),
        tail=_number(query, "tail", "a number of lines"),
        since=_since(query.get("since")),
        timestamps=_flag(query, "timestamps"),
        previous=_flag(query, "previous"),
        attempt=_number(query, "attempt", "the number of an attempt"),
    )


def _uids(scope: Scope) -> Collection[str]:
    return frozenset(parse_qs(scope["query_string"].decode("latin-1")).get("uid", ()))


def _grain(scope: Scope) -> str:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    name: str = query.get("grain", ["hour"])[0]
    if name not in GRAINS:
        raise BadRequest(f"grain={name!r} is not one of {', '.join(GRAINS)}")
    return name


def figure(one: Figure) -> dict[str, Any]:
    """As `/v1/usage` tells it."""
    return {
        "uid": one.uid,
        "container": one.container,
        "cpuNanocores": one.cpu_nanocores,
        "memoryBytes": one.memory_bytes,
        "at": times.format_micro(one.at),
        "windowSeconds": one.window.total_seconds(),
    }


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _number(query: Mapping[str, str], name: str, meaning: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise BadRequest(f"{name}={text!r} is not {meaning}")
    return int(text)


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return times.parse(text)
    except ValueError as error:
        raise BadRequest(f"since: {error}") from error


async def _send_json(send: Send, body: dict[str, Any], *, code: int = 200) -> None:
    await _send_start(send, code=code, content_type=_JSON)
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


async def _send_start(send: Send, *, code: int, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": code, "headers": [(b"content-type", content_type)]})
