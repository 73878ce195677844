"""port-forward: tunnelled SPDY for kubectl 1.31 and newer (`tunnels`), and the plain WebSocket form, in which each port
that the query names is one connection and has two channels, data and errors, that begin with the port's number."""

from __future__ import annotations

import asyncio
from functools import partial

from workloads.client import Client, Session, SessionTarget, check_agent, open_session, to_port
from workloads.kubeapi.exchange import Query, Request, Socket, Upgrade
from workloads.kubeapi.streaming import channels
from workloads.kubeapi.streaming.channels import Channels
from workloads.kubeapi.streaming.tunnels import Tunnel
from workloads.kubeapi.streaming.websockets import patiently
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import BadRequest, StatusError

TUNNEL = "SPDY/3.1+portforward.k8s.io"
_PLAIN = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io", "portforward.k8s.io", "")
_WITHOUT = (
    "port-forward is served over WebSockets, not over SPDY alone: use kubectl 1.31 or newer "
    "(there, leave KUBECTL_PORT_FORWARD_WEBSOCKETS as it is)"
)
_MOST_PORTS = 50


async def answer(request: Request, client: Client, namespace: str, pod: str) -> Upgrade:
    """Raises BadRequest, NotFound, Forbidden, InternalError, Unavailable."""
    ports = _ports(request.query)
    target = await in_thread(lambda: client.forward_target(namespace, pod))
    await check_agent(target)
    forward = _Forward(target, f"{pod}_{namespace}")

    async def run(socket: Socket, protocol: str) -> None:
        if protocol == TUNNEL:
            await Tunnel(socket, forward.connect).run()
        elif ports:
            await _Plain(socket, channels.channels(protocol), forward).run(ports)

    return Upgrade((TUNNEL, *_PLAIN), run, _WITHOUT)


class _Forward:
    def __init__(self, target: SessionTarget, pod: str) -> None:
        self._target = target
        self._pod = pod

    async def connect(self, port: int) -> Session:
        """Raises StatusError in the words of a kubelet."""
        try:
            return await open_session(to_port(self._target, port))
        except StatusError as error:
            uid = self._target.order["uid"]
            error.message = f"error forwarding port {port} to pod {self._pod}, uid {uid}: {error.message}"
            raise


class _Plain:
    """Channels 2n and 2n + 1 are the nth port's. It ends when every connection has."""

    def __init__(self, socket: Socket, codec: Channels, forward: _Forward) -> None:
        self._socket = socket
        self._codec = codec
        self._forward = forward
        self._sessions: dict[int, asyncio.Future[Session | None]] = {}

    async def run(self, ports: tuple[int, ...]) -> None:
        loop = asyncio.get_running_loop()
        for number, port in enumerate(ports):
            self._sessions[2 * number] = loop.create_future()
            for channel in (2 * number, 2 * number + 1):
                await self._send(channel, port.to_bytes(2, "little"))
        carried = asyncio.gather(*(self._carry(2 * number, port) for number, port in enumerate(ports)))
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.wait((carried, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            carried.cancel()
            listening.cancel()
            await asyncio.gather(carried, listening, return_exceptions=True)

    async def _carry(self, channel: int, port: int) -> None:
        session = None
        try:
            session = await self._forward.connect(port)
            self._sessions[channel].set_result(session)
            while output := await session.read():
                await self._send(channel, output.data)
            words = session.ending.error if session.ending else ""
        except StatusError as error:
            self._sessions[channel].set_result(None)
            words = error.message
        finally:
            if session:
                await session.close()
        if words:
            await self._send(channel + 1, words.encode())

    async def _listen(self) -> None:
        """Until the caller goes. One connection that does not read holds up the others, as upstream."""
        while (message := await self._socket.receive()) is not None:
            received = self._codec.decode(message)
            opened = self._sessions.get(received.channel) if received else None
            if received and received.data and opened and (session := await asyncio.shield(opened)):
                await patiently(session.write(received.data), partial(self._send, received.channel, b""))

    async def _send(self, channel: int, data: bytes) -> None:
        await self._socket.send(self._codec.encode(channel, data))


def _ports(query: Query) -> tuple[int, ...]:
    """Raises BadRequest."""
    texts = [text for value in query.texts("ports") for text in value.split(",") if text]
    if len(texts) > _MOST_PORTS:
        raise BadRequest(f"at most {_MOST_PORTS} ports can be forwarded at once")
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536):
            raise BadRequest(f'query parameter ports: "{text}" is not a port: it must be from 1 to 65535')
    return tuple(map(int, texts))
