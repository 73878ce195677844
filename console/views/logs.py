"""A container's output as a stream of text lines, for the page's log behaviour and for download.

The front door checks everything and says where to GET; the bytes pass through here without a thread of their own, so
that any number of readers may follow, and one that leaves is let go at once. Whoever follows and loses the right or the
session is hung up on within seconds (`console.vigils`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import partial
from uuid import UUID

import httpx
import orjson
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from console import vigils
from console.access import open_visit, still_signed_in
from iam.identities import identity_of
from workloads.client import Client, LogOptions, LogTarget
from workloads.meta import times
from workloads.meta.errors import NotFound, StatusError, Unauthorized, Unavailable

Standing = tuple[tuple[str, ...], vigils.Check]
"""The question that streams share, and who answers it."""

_TAIL = 1000
_LONGEST_TAIL = 100_000


async def stream(request: HttpRequest, *, namespace: str, name: str) -> HttpResponseBase:
    """`container`, `tail`, `since`, `previous`, `follow` as kubectl has them, `attempt` by its number; `download` names
    a file."""
    standing: Standing | None = None
    if request.GET.get("follow") == "true":
        question = (request.session.session_key or "", namespace, name)
        standing = question, partial(_refusal_now, request, namespace, name)
    return await _answer(request, lambda: target_of(request, namespace, name), name=name, standing=standing)


async def ended_stream(request: HttpRequest, *, uid: UUID) -> HttpResponseBase:
    """The same of a pod that is gone."""
    return await _answer(request, lambda: _ended_target(request, str(uid)), name=str(uid))


stream.guarded = True  # type: ignore[attr-defined]
ended_stream.guarded = True  # type: ignore[attr-defined]


async def _answer(
    request: HttpRequest, find: Callable[[], LogTarget], *, name: str, standing: Standing | None = None
) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405)
    try:
        client, upstream = await open_at_agent(await sync_to_async(find)())
    except StatusError as refusal:
        return HttpResponse(refusal.message, status=refusal.code, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(_chunks(client, upstream, standing), content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{name}.log"'
    return response


def target_of(request: HttpRequest, namespace: str, name: str) -> LogTarget:
    visit = open_visit(request, namespace=namespace)
    return visit.client.log_target(namespace, name, options_of(request))


def _ended_target(request: HttpRequest, uid: str) -> LogTarget:
    return open_visit(request).client.ended_log_target(uid, options_of(request))


def options_of(request: HttpRequest) -> LogOptions:
    asked, since = request.GET, _moment(request.GET.get("since", ""))
    tail = _number(asked.get("tail", ""))
    return LogOptions(
        container=asked.get("container", ""),
        follow=asked.get("follow") == "true",
        tail=None if since or asked.get("download") else min(_TAIL if tail is None else tail, _LONGEST_TAIL),
        since=since,
        timestamps=asked.get("timestamps", "true") == "true",
        previous=asked.get("previous") == "true",
        attempt=_number(asked.get("attempt", "")),
    )


def _number(text: str) -> int | None:
    """None for what is no number, or none that counts anything here."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _moment(text: str) -> datetime | None:
    try:
        return times.parse(text) if text else None
    except ValueError:
        return None


async def open_at_agent(target: LogTarget) -> tuple[httpx.AsyncClient, httpx.Response]:
    """Opens the stream now, so that errors come before the first byte. Raises StatusError."""
    client = httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=target.socket),
        base_url="http://agent",
        timeout=httpx.Timeout(10, read=None),
    )
    try:
        request = client.build_request("GET", target.path, params=dict(target.params), headers=dict(target.headers))
        response = await client.send(request, stream=True)
        if response.status_code != 200:
            raise _refusal(response.status_code, await response.aread())
    except httpx.TransportError as error:
        await client.aclose()
        raise Unavailable(f"The node agent does not answer, logs cannot be read now: {error}") from error
    except StatusError:
        await client.aclose()
        raise
    return client, response


async def _chunks(
    client: httpx.AsyncClient, response: httpx.Response, standing: Standing | None
) -> AsyncIterator[bytes]:
    """Hangs up when the reader leaves or may read no more; an agent that goes away ends the text."""
    coming = aiter(response.aiter_raw())
    try:
        with vigils.over(*standing) if standing else nullcontext() as ended:
            while (chunk := await next_chunk(coming, ended)) is not None:
                yield chunk
    except httpx.TransportError:
        return
    finally:
        await response.aclose()
        await client.aclose()


async def next_chunk(coming: AsyncIterator[bytes], ended: vigils.Ended | None) -> bytes | None:
    """None at the end, whichever it is."""
    if ended is None:
        return await anext(coming, None)
    reading: asyncio.Future[bytes | None] = asyncio.ensure_future(anext(coming, None))
    try:
        await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
        return None if ended.done() else await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, httpx.TransportError):
            await reading


def _refusal_now(request: HttpRequest, namespace: str, name: str) -> StatusError | None:
    close_old_connections()
    try:
        user = still_signed_in(request)
    except Unauthorized as refusal:
        return refusal
    return Client(identity_of(user)).refusal("get", "Pod", namespace, name=name, part="log")


def _refusal(code: int, body: bytes) -> StatusError:
    try:
        message = str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = f"The node agent answered {code}."
    return NotFound(message) if code == 404 else Unavailable(message)
