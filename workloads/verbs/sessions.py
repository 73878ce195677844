"""exec, attach and port-forward: what may be asked is decided here, with an API server's words; the streams come from
the agent. A `Session` is what a door holds: kubectl's WebSocket, or a terminal in the console.

`*_target` read the database and belong into a thread; opening a target and all of a `Session` belong to an event loop.
"""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson
from django.conf import settings

from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds import registry
from workloads.meta.errors import BadRequest, InternalError, NotFound, StatusError, Unavailable
from workloads.meta.keys import Key
from workloads.verbs import reads, trail
from workloads.verbs.calls import ExecOptions, SessionTarget
from workloads.verbs.drafts import loaded
from workloads.verbs.links import Gone, Kind, Link

JSON = dict[str, Any]

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
ANSWER_SECONDS = 30.0

_ERRORS: dict[int, type[StatusError]] = {400: BadRequest, 404: NotFound, 503: Unavailable}


@dataclass(frozen=True)
class Output:
    stream: Literal["stdout", "stderr"]
    data: bytes


@dataclass(frozen=True)
class Ending:
    """How a session ended: with the exit code of its command, or with the words of what went wrong."""

    exit_code: int = 0
    error: str = ""


class Session:
    """One caller's streams. One task reads; others may write, resize and close meanwhile."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.ending: Ending | None = None
        """Known when `read` has come to the end."""

    async def read(self) -> Output | None:
        """The next piece of output; None at the end. What is not read holds up the process, not memory."""
        while self.ending is None:
            try:
                frame = await self._link.receive()
            except Gone:
                self.ending = Ending(error="the node agent went away, and the session with it")
                break
            if frame.kind in (Kind.STDOUT, Kind.STDERR):
                await self._link.used(len(frame.payload))
                return Output("stdout" if frame.kind == Kind.STDOUT else "stderr", frame.payload)
            if frame.kind == Kind.END:
                told = orjson.loads(frame.payload)
                self.ending = Ending(int(told.get("exitCode", 0)), str(told.get("error", "")))
        return None

    async def write(self, data: bytes) -> None:
        """To stdin. Waits while the process does not read; what comes after its end is dropped."""
        with suppress(Gone):
            await self._link.send_data(Kind.STDIN, data)

    async def end_input(self) -> None:
        """stdin is closed; the output goes on."""
        with suppress(Gone):
            await self._link.send(Kind.EOF)

    async def resize(self, *, columns: int, rows: int) -> None:
        with suppress(Gone):
            await self._link.send(Kind.SIZE, orjson.dumps({"columns": columns, "rows": rows}))

    async def close(self) -> None:
        """Hangs up: a command that still runs gets SIGHUP, and is killed when that does not end it."""
        await self._link.close()


def exec_target(identity: Identity, namespace: str, pod_name: str, options: ExecOptions) -> SessionTarget:
    """Raises NotFound, BadRequest, Forbidden, InternalError (the container does not run)."""
    _check(identity, namespace, pod_name, "exec")
    if not options.command:
        raise BadRequest("you must specify at least one command for the container")
    pod, container = _checked(identity, namespace, pod_name, options, verb="exec in")
    _trail(identity, namespace, pod_name, "exec", f"{container}: {shlex.join(options.command)}")
    order = {"do": "exec", "container": container, "command": list(options.command), **_streams(options)}
    return _target(identity, pod, order)


def attach_target(identity: Identity, namespace: str, pod_name: str, options: ExecOptions) -> SessionTarget:
    """As `exec_target`; the command is the container's own."""
    _check(identity, namespace, pod_name, "attach")
    pod, container = _checked(identity, namespace, pod_name, options, verb="attach to")
    _trail(identity, namespace, pod_name, "attach", container)
    return _target(identity, pod, {"do": "attach", "container": container, **_streams(options)})


def forward_target(identity: Identity, namespace: str, pod_name: str) -> SessionTarget:
    """For `to_port`. Raises NotFound, BadRequest, Forbidden, InternalError."""
    _check(identity, namespace, pod_name, "portforward")
    pod = _read(identity, namespace, pod_name)
    _check_placed(pod)
    phase = pod.get("status", {}).get("phase", "Pending")
    if phase != "Running":
        raise InternalError(f"unable to forward port because pod is not running. Current status={phase}")
    _trail(identity, namespace, pod_name, "portforward", "")
    return _target(identity, pod, {"do": "connect"})


def _trail(identity: Identity, namespace: str, pod_name: str, what: str, message: str) -> None:
    key = Key(identity.account, "Pod", namespace, pod_name)
    trail.of_call(identity, registry.kind("Pod"), "create", key, subresource=what, message=message)


def to_port(target: SessionTarget, port: int) -> SessionTarget:
    """One connection to a port of the pod: what is read is stdout."""
    return replace(target, order={**target.order, "port": port})


async def opened(target: SessionTarget) -> Session:
    """Raises NotFound, BadRequest, Unavailable in the agent's words."""
    link = await _linked(target)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await link.send(Kind.ORDER, orjson.dumps({**target.order, "token": settings.AGENT_TOKEN}))
            frame = await link.receive()
    except (Gone, TimeoutError):
        await link.close()
        raise Unavailable("the node agent does not answer") from None
    except BaseException:
        await link.close()
        raise
    if frame.kind == Kind.READY:
        return Session(link)
    await link.close()
    raise _error(frame.payload)


async def check_agent(target: SessionTarget) -> None:
    """For who only wants to know whether a session could be opened. Raises Unavailable."""
    await (await _linked(target)).close()


def sessions_beside(streams: Path) -> Path:
    """Where the agent takes sessions, beside its socket for everything else."""
    return streams.with_name("sessions.sock")


async def _linked(target: SessionTarget) -> Link:
    try:
        return Link(*await asyncio.open_unix_connection(target.socket))
    except OSError as error:
        raise Unavailable(f"the node agent does not answer: {error.strerror or error}") from error


def _check(identity: Identity, namespace: str, pod_name: str, subresource: str) -> None:
    """A session changes what runs, so its right is `create`, also where the request is a GET, as a WebSocket's is: the
    right to read a pod's parts lets nobody in."""
    kind = registry.kind("Pod")
    authorize.check(identity, kind, "create", namespace=namespace, name=pod_name, subresource=subresource)


def _read(identity: Identity, namespace: str, pod_name: str) -> JSON:
    kind = registry.kind("Pod")
    return loaded(reads.row(kind, Key(identity.account, kind.name, namespace, pod_name)))


def _checked(identity: Identity, namespace: str, pod_name: str, options: ExecOptions, *, verb: str) -> tuple[JSON, str]:
    if not (options.stdin or options.stdout or options.stderr):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    pod = _read(identity, namespace, pod_name)
    container = _container(pod, options.container)
    _check_placed(pod)
    _check_running(pod, container, verb=verb)
    return pod, container


def _container(pod: JSON, asked: str) -> str:
    """The one that is named, that the pod calls its default, or its first."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    names = [one["name"] for one in (*spec["containers"], *(spec.get("initContainers") or ()))]
    if asked and asked not in names:
        raise BadRequest(f"container {asked} is not valid for pod {name}")
    default = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER, "")
    return asked or (default if default in names else str(names[0]))


def _check_placed(pod: JSON) -> None:
    if not pod["spec"].get("nodeName"):
        raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")


def _check_running(pod: JSON, container: str, *, verb: str) -> None:
    """As a kubelet answers: 500."""
    status = pod.get("status") or {}
    known = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    state = next((one.get("state") or {} for one in known if one.get("name") == container), {})
    if "terminated" in state:
        raise InternalError(f'cannot {verb} a stopped container: container "{container}" has ended')
    if "running" not in state:
        raise InternalError(f'container not found ("{container}")')


def _streams(options: ExecOptions) -> JSON:
    """A terminal has one output."""
    return {
        "stdin": options.stdin,
        "stdout": options.stdout,
        "stderr": options.stderr and not options.tty,
        "tty": options.tty,
    }


def _target(identity: Identity, pod: JSON, order: JSON) -> SessionTarget:
    place = str(sessions_beside(settings.AGENT_SOCKET))
    return SessionTarget(place, {"account": identity.account, "uid": pod["metadata"]["uid"], **order})


def _error(payload: bytes) -> StatusError:
    """The agent's Status as our own error; what it says of itself (401) is its trouble, not the caller's."""
    try:
        told = orjson.loads(payload)
        return _ERRORS.get(told["code"], Unavailable)(str(told["message"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Unavailable("the node agent answered what nobody understands")
