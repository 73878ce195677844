"""A container's log: what may be asked is decided here, with a kubelet's words; the bytes come from the agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
from django.conf import settings

from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds import registry
from workloads.meta import times
from workloads.meta.errors import BadRequest, NotFound, StatusError, Unavailable
from workloads.meta.keys import Key
from workloads.verbs import reads
from workloads.verbs.calls import LogOptions, LogTarget
from workloads.verbs.drafts import loaded

JSON = dict[str, Any]

_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}
_ERRORS: dict[int, type[StatusError]] = {400: BadRequest, 404: NotFound}


def target(identity: Identity, namespace: str, pod_name: str, options: LogOptions) -> LogTarget:
    """Where to GET the log. Raises NotFound and BadRequest."""
    kind = registry.kind("Pod")
    authorize.check(identity, kind, "get", namespace=namespace, name=pod_name, subresource="log")
    pod = loaded(reads.row(kind, Key(identity.account, kind.name, namespace, pod_name)))
    container = _container(pod, options.container)
    if options.attempt is None:
        _check_started(pod, container, previous=options.previous)
    return at_agent(identity.account, pod["metadata"]["uid"], container, options)


def at_agent(account: str, uid: str, container: str, options: LogOptions) -> LogTarget:
    """Whatever the names are, the path leads to that one log. Whose it is, the caller has checked, and the agent checks
    it again."""
    return LogTarget(
        socket=str(settings.AGENT_SOCKET),
        path=f"/v1/pods/{quote(uid, safe='')}/containers/{quote(container, safe='')}/log",
        params={"account": account, **_params(options)},
        headers={"Authorization": f"Bearer {settings.AGENT_TOKEN}"},
    )


def stream(target: LogTarget, *, limit_bytes: int | None) -> Iterator[bytes]:
    """Opens the stream now, so that errors come now. Raises Unavailable when the agent does not answer."""
    if not Path(target.socket).exists():
        raise Unavailable("the node agent is not running, logs cannot be read now")
    client = httpx.Client(
        transport=httpx.HTTPTransport(uds=target.socket, verify=False),
        base_url="http://agent",
        timeout=httpx.Timeout(10, read=None),
    )
    try:
        response = client.send(
            client.build_request("GET", target.path, params=target.params, headers=target.headers), stream=True
        )
        if response.status_code != 200:
            raise _error(response)
    except httpx.TransportError as error:
        client.close()
        raise Unavailable(f"the node agent does not answer, logs cannot be read now: {error}") from error
    except StatusError:
        client.close()
        raise
    return _Chunks(client, response, limit_bytes)


class _Chunks(Iterator[bytes]):
    """The log, chunk by chunk, at most `limit` bytes. Hangs up at the end, on `close`, or when nobody holds it."""

    def __init__(self, client: httpx.Client, response: httpx.Response, limit: int | None) -> None:
        self._client, self._response, self._left = client, response, limit
        self._raw = response.iter_raw()

    def __next__(self) -> bytes:
        chunk = b"" if self._left == 0 else self._next()
        if not chunk:
            self.close()
            raise StopIteration
        if self._left is None:
            return chunk
        chunk = chunk[: self._left]
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._response.close()
        self._client.close()

    def __del__(self) -> None:
        self.close()

    def _next(self) -> bytes:
        """b"" at the end, also when the agent went away in the middle: what was read stays read."""
        try:
            return next((chunk for chunk in self._raw if chunk), b"")
        except httpx.TransportError:
            return b""


def _container(pod: JSON, asked: str) -> str:
    name = pod["metadata"]["name"]
    names = [container["name"] for container in pod["spec"]["containers"]]
    inits = [container["name"] for container in pod["spec"].get("initContainers") or ()]
    if asked:
        if asked not in (*names, *inits):
            raise BadRequest(f"container {asked} is not valid for pod {name}")
        return asked
    if len(names) > 1:
        choice = f"choose one of: [{' '.join(names)}]"
        if inits:
            choice += f" or one of the init containers: [{' '.join(inits)}]"
        raise BadRequest(f"a container name must be specified for pod {name}, {choice}")
    return str(names[0])


def _check_started(pod: JSON, container: str, *, previous: bool) -> None:
    """As a kubelet's validateContainerLogStatus: there must have been a process to log anything."""
    name, status = pod["metadata"]["name"], _status_of(pod, container)
    ended_before = (status.get("lastState") or {}).get("terminated")
    if previous:
        if not ended_before:
            raise BadRequest(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    state = status.get("state") or {}
    if "running" in state or "terminated" in state or ended_before:
        return
    reason = (state.get("waiting") or {}).get("reason") or _pending_reason(pod)
    raise BadRequest(f'container "{container}" in pod "{name}" is waiting to start: {_WAITING.get(reason, reason)}')


def _status_of(pod: JSON, container: str) -> JSON:
    stored = pod.get("status") or {}
    for status in (*(stored.get("initContainerStatuses") or ()), *(stored.get("containerStatuses") or ())):
        if status.get("name") == container:
            return dict(status)
    return {}


def _pending_reason(pod: JSON) -> str:
    """Why a pod has no container statuses yet: it found no room, or its turn has not come."""
    for condition in pod.get("status", {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return condition.get("reason") or "Unschedulable"
    return "ContainerCreating"


def _params(options: LogOptions) -> dict[str, str]:
    asked = {
        "follow": "true" if options.follow else "",
        "tail": "" if options.tail is None else str(options.tail),
        "since": times.format_micro(options.since) if options.since else "",
        "timestamps": "true" if options.timestamps else "",
        "previous": "true" if options.previous else "",
        "attempt": "" if options.attempt is None else str(options.attempt),
    }
    return {name: value for name, value in asked.items() if value}


def _error(response: httpx.Response) -> StatusError:
    """The agent's Status as our own error; anything it says of itself (401, 500) is its trouble, not the caller's."""
    try:
        message = orjson.loads(response.read())["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError, httpx.TransportError):
        message = f"the node agent answered {response.status_code}"
    return _ERRORS.get(response.status_code, Unavailable)(str(message))
