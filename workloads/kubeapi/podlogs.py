"""A container's log, passed on from the agent chunk by chunk. No thread waits for it: a follow may last for days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import orjson

from workloads.client import Client, LogOptions, LogTarget
from workloads.kubeapi.exchange import Query, Request, Stream
from workloads.kubeapi.threads import in_thread
from workloads.meta import times
from workloads.meta.errors import BadRequest, NotBuilt, NotFound, StatusError, Unavailable

_ERRORS: dict[int, type[StatusError]] = {400: BadRequest, 404: NotFound}


async def answer(request: Request, client: Client, namespace: str, pod: str) -> Stream:
    """Errors come before the first byte. Raises NotFound, BadRequest, Unavailable."""
    options = _options(request.query)
    target = await in_thread(lambda: client.log_target(namespace, pod, options))
    agent = httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=target.socket),
        base_url="http://agent",
        timeout=httpx.Timeout(10, read=None),
    )
    try:
        response = await _open(agent, target)
    except BaseException:
        await agent.aclose()
        raise
    return Stream(_chunks(agent, response, options.limit_bytes), content_type="text/plain")


async def _open(agent: httpx.AsyncClient, target: LogTarget) -> httpx.Response:
    asked = agent.build_request("GET", target.path, params=dict(target.params), headers=dict(target.headers))
    try:
        response = await agent.send(asked, stream=True)
        if response.status_code == 200:
            return response
        raise _error(response.status_code, await response.aread())
    except httpx.TransportError as error:
        raise Unavailable(f"the node agent does not answer, logs cannot be read now: {error}") from error


async def _chunks(agent: httpx.AsyncClient, response: httpx.Response, limit: int | None) -> AsyncIterator[bytes]:
    """At most `limit` bytes. What was read stays read when the agent goes away in the middle."""
    try:
        async for chunk in response.aiter_raw():
            if limit is not None:
                chunk, limit = chunk[:limit], limit - len(chunk[:limit])
            if chunk:
                yield chunk
            if limit == 0:
                return
    except httpx.TransportError:
        return
    finally:
        await response.aclose()
        await agent.aclose()


def _options(query: Query) -> LogOptions:
    """Raises BadRequest."""
    if query.one_of("stream", ("All", "Stdout", "Stderr"), default="All") != "All":
        raise NotBuilt("stdout and stderr are kept as one log: ask for stream=All")
    return LogOptions(
        container=query.text("container"),
        follow=query.flag("follow"),
        tail=query.number("tailLines"),
        since=_since(query),
        timestamps=query.flag("timestamps"),
        previous=query.flag("previous"),
        limit_bytes=_limit(query),
    )


def _since(query: Query) -> datetime | None:
    seconds, moment = query.number("sinceSeconds"), query.text("sinceTime")
    if seconds is not None and moment:
        raise BadRequest("at most one of sinceTime or sinceSeconds may be specified")
    if seconds is not None:
        if seconds < 1:
            raise BadRequest("sinceSeconds must be greater than 0")
        return datetime.now(UTC) - timedelta(seconds=min(seconds, 10**9))
    try:
        return times.parse(moment) if moment else None
    except ValueError as error:
        raise BadRequest(f"sinceTime: {error}") from None


def _limit(query: Query) -> int | None:
    limit = query.number("limitBytes")
    if limit == 0:
        raise BadRequest("limitBytes must be greater than 0")
    return limit


def _error(status: int, body: bytes) -> StatusError:
    """The agent's Status as our own error; what it says of itself (401, 500) is its trouble, not the caller's."""
    try:
        message = str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = f"the node agent answered {status}"
    return _ERRORS.get(status, Unavailable)(message)
