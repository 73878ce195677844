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
from workloads.meta.errors import BadRequest, Cause, Invalid, NotBuilt, NotFound, StatusError, Unavailable

_ERRORS: dict[int, type[StatusError]] = {400: BadRequest, 404: NotFound}


async def answer(request: Request, client: Client, namespace: str, pod: str) -> Stream:
    """Errors come before the first byte. Raises NotFound, BadRequest, Unavailable."""
    options = _options(request.query, pod)
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


def _options(query: Query, pod: str) -> LogOptions:
    """Raises BadRequest for what cannot be read, Invalid for what makes no sense, as upstream."""
    if query.one_of("stream", ("All", "Stdout", "Stderr"), default="All") != "All":
        raise NotBuilt("stdout and stderr are kept as one log: ask for stream=All")
    seconds, moment = _whole(query, "sinceSeconds"), _moment(query)
    tail, limit = _whole(query, "tailLines"), _whole(query, "limitBytes")
    causes = []
    if tail is not None and tail < 0:
        causes.append(Cause("tailLines", f"Invalid value: {tail}: must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        causes.append(Cause("limitBytes", f"Invalid value: {limit}: must be greater than 0"))
    if seconds is not None and moment is not None:
        both = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(Cause("", both, reason="FieldValueForbidden"))
    elif seconds is not None and seconds < 1:
        causes.append(Cause("sinceSeconds", f"Invalid value: {seconds}: must be greater than 0"))
    if causes:
        raise Invalid.of("PodLogOptions", pod, tuple(causes))
    if seconds is not None:
        moment = datetime.now(UTC) - timedelta(seconds=min(seconds, 10**9))
    return LogOptions(
        container=query.text("container"),
        follow=query.flag("follow"),
        tail=tail,
        since=moment,
        timestamps=query.flag("timestamps"),
        previous=query.flag("previous"),
        limit_bytes=limit,
    )


def _whole(query: Query, name: str) -> int | None:
    """Raises BadRequest."""
    text = query.text(name)
    if not text:
        return None
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise BadRequest(f'query parameter {name}: "{text}" is not a whole number')
    return int(text)


def _moment(query: Query) -> datetime | None:
    text = query.text("sinceTime")
    try:
        return times.parse(text) if text else None
    except ValueError as error:
        raise BadRequest(f"sinceTime: {error}") from None


def _error(status: int, body: bytes) -> StatusError:
    """The agent's Status as our own error; what it says of itself (401, 500) is its trouble, not the caller's."""
    try:
        message = str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = f"the node agent answered {status}"
    return _ERRORS.get(status, Unavailable)(message)
