"""exec and attach: one WebSocket, one session of the agent, their streams as channels."""

from __future__ import annotations

import asyncio

import orjson

from workloads.client import Client, Ending, ExecOptions, Session, SessionTarget, check_agent, open_session
from workloads.kubeapi.exchange import Query, Request, Socket, Upgrade
from workloads.kubeapi.streaming import channels
from workloads.kubeapi.streaming.channels import ERROR, RESIZE, STDERR, STDIN, STDOUT, Channels
from workloads.kubeapi.streaming.websockets import patiently
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import InternalError, StatusError

_WITHOUT = (
    "exec, attach and cp are served over WebSockets, not over SPDY: use kubectl 1.30 or newer "
    "(there, leave KUBECTL_REMOTE_COMMAND_WEBSOCKETS as it is)"
)


async def exec(request: Request, client: Client, namespace: str, pod: str) -> Upgrade:
    """Raises BadRequest, NotFound, Forbidden, InternalError, Unavailable."""
    options = _options(request.query, command=tuple(request.query.texts("command")))
    return await _upgrade(await in_thread(lambda: client.exec_target(namespace, pod, options)), options)


async def attach(request: Request, client: Client, namespace: str, pod: str) -> Upgrade:
    """As `exec`."""
    options = _options(request.query, command=())
    return await _upgrade(await in_thread(lambda: client.attach_target(namespace, pod, options)), options)


async def _upgrade(target: SessionTarget, options: ExecOptions) -> Upgrade:
    await check_agent(target)

    async def run(socket: Socket, protocol: str) -> None:
        await _run(socket, protocol, target, options)

    async def farewell(socket: Socket, protocol: str, error: StatusError) -> None:
        await _tell(socket, protocol, error.body(), words=error.message)

    return Upgrade(channels.PROTOCOLS, run, _WITHOUT, farewell=farewell)


def _options(query: Query, *, command: tuple[str, ...]) -> ExecOptions:
    """Raises BadRequest."""
    return ExecOptions(
        command=command,
        container=query.text("container"),
        stdin=query.flag("stdin"),
        stdout=query.flag("stdout"),
        stderr=query.flag("stderr"),
        tty=query.flag("tty"),
    )


async def _run(socket: Socket, protocol: str, target: SessionTarget, options: ExecOptions) -> None:
    """What fails from here on is told on the error channel, as upstream does. Raises OSError when the caller goes."""
    codec = channels.channels(protocol)
    try:
        session = await open_session(target)
    except StatusError as error:
        await _tell(socket, protocol, error.body(), words=error.message)
        return
    try:
        await socket.send(codec.encode(STDOUT if options.stdout else ERROR, b""))  # it has begun
        ending = await _carry(socket, codec, session, options)
    finally:
        await session.close()
    if ending is not None:
        await _tell_ending(socket, protocol, ending)


async def _carry(socket: Socket, codec: Channels, session: Session, options: ExecOptions) -> Ending | None:
    """Both ways at once, until the session ends; None when the caller has gone before."""
    incoming = asyncio.ensure_future(_from_caller(socket, codec, session, options))
    outgoing = asyncio.ensure_future(_to_caller(socket, codec, session))
    try:
        await asyncio.wait((incoming, outgoing), return_when=asyncio.FIRST_COMPLETED)
        return outgoing.result() if outgoing.done() else None
    finally:
        for task in (incoming, outgoing):
            task.cancel()
        await asyncio.gather(incoming, outgoing, return_exceptions=True)


async def _from_caller(socket: Socket, codec: Channels, session: Session, options: ExecOptions) -> None:
    async def knock() -> None:
        await socket.send(codec.encode(STDOUT, b""))

    while (message := await socket.receive()) is not None:
        received = codec.decode(message)
        if received is None:
            continue
        if received.channel == STDIN and options.stdin:
            if received.closes:
                await session.end_input()
            elif received.data:
                await patiently(session.write(received.data), knock)
        elif received.channel == RESIZE and options.tty and (size := channels.terminal_size(received.data)):
            await session.resize(columns=size[0], rows=size[1])


async def _to_caller(socket: Socket, codec: Channels, session: Session) -> Ending | None:
    while output := await session.read():
        await socket.send(codec.encode(STDERR if output.stream == "stderr" else STDOUT, output.data))
    return session.ending


async def _tell_ending(socket: Socket, protocol: str, ending: Ending) -> None:
    if ending.error:
        error = InternalError(f"Internal error occurred: {ending.error}")
        await _tell(socket, protocol, error.body(), words=error.message)
        return
    status = channels.exit_status(ending.exit_code)
    await _tell(socket, protocol, status, words=str(status.get("message", "")))


async def _tell(socket: Socket, protocol: str, status: dict[str, object], *, words: str) -> None:
    codec = channels.channels(protocol)
    told = orjson.dumps(status) if channels.tells_status(protocol) else words.encode()
    if told:
        await socket.send(codec.encode(ERROR, told))
