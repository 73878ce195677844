"""Where pods ask for names: a UDP and a TCP port at the installation's own address. What is answered is `names`'."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, cast

from django.db import connection

from workloads.elb.messages import LONGEST_QUESTION
from workloads.elb.names import Names
from workloads.elb.resolvers import Resolvers
from workloads.routing.zone import Directory, Home
from workloads.store import hosts

log = logging.getLogger(__name__)

MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ONE = 400, 50
IDLE_SECONDS = 10.0
TRY_AGAIN_SECONDS = 1.0
API_SECONDS = 5.0


async def serve(
    directory: Directory,
    *,
    address: str,
    port: int = 53,
    stop: asyncio.Event,
    api: Callable[[], str] | None = None,
    resolvers: Resolvers | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """Until `stop`. `api` tells where pods reach the Kubernetes API, and may take its time. An address that cannot be
    had is waited for. Questions that come before `ready`, when the directory knows everybody, wait for their answer."""
    known = _Known(api or _told_api)
    names = Names(directory, address=address, api=lambda: known.api, resolvers=resolvers or Resolvers(own=address))
    sockets = await _open(address, port, stop)
    if sockets is None:
        return
    await known.look()
    keeping = asyncio.create_task(known.keep())
    try:
        if ready is not None:
            await _either(ready, stop)
        await _serve(names, *sockets, stop)
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


class _Known:
    """What is read on a thread now and then."""

    def __init__(self, read: Callable[[], str]) -> None:
        self.api = ""
        self._read = read

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(API_SECONDS)
            await self.look()

    async def look(self) -> None:
        try:
            self.api = await asyncio.to_thread(self._read)
        except Exception:
            log.exception("it cannot be read where pods reach the API; what was known goes on")


def _told_api() -> str:
    try:
        return str((hosts.get(hosts.API) or {}).get("address", ""))
    finally:
        connection.close()


async def _open(address: str, port: int, stop: asyncio.Event) -> tuple[socket.socket, socket.socket] | None:
    """None when it is time to stop."""
    said = ""
    while not stop.is_set():
        try:
            return _bound(address, port)
        except OSError as error:
            problem = f"{address}:{port} cannot be listened on: {error.strerror}"
        if problem != said:
            log.warning("pods get no answers to names: %s", problem)
            said = problem
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TRY_AGAIN_SECONDS)
    return None


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _bound(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """For UDP and for TCP. Raises OSError."""
    with contextlib.ExitStack() as opened:
        udp = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.setblocking(False)
        udp.bind((address, port))
        tcp = opened.enter_context(socket.create_server((address, port), backlog=256))
        opened.pop_all()
    return udp, tcp


async def _serve(names: Names, udp: socket.socket, tcp: socket.socket, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    connections = _Connections(names)
    transport, datagrams = await loop.create_datagram_endpoint(lambda: _Datagrams(names), sock=udp)
    server = await asyncio.start_server(connections.serve, sock=tcp)
    log.info("pods' questions for names are answered at %s:%s", *udp.getsockname())
    try:
        await stop.wait()
    finally:
        server.close()
        transport.close()
        connections.close()
        await datagrams.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, names: Names) -> None:
        self._names = names
        self._later = set[asyncio.Task[None]]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            reply = self._names.reply(data, addr[0], tcp=False)
        except Exception:
            log.exception("a question of %s could not be answered", addr[0])
            return
        if isinstance(reply, bytes):
            self._transport.sendto(reply, addr)
        elif reply is not None:
            task = asyncio.create_task(self._send(reply, addr))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    def error_received(self, exc: Exception) -> None:
        """An asker that has gone: nobody to tell."""

    async def _send(self, reply: Coroutine[Any, Any, bytes], addr: tuple[str, int]) -> None:
        try:
            wire = await reply
        except Exception:
            log.exception("a question of %s could not be passed on", addr[0])
            return
        if not self._transport.is_closing():
            self._transport.sendto(wire, addr)

    async def close(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)


class _Connections:
    """One question after the other on each; who has too many, or says nothing, is hung up on."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._open = Counter[Home | None]()
        self._writers = set[asyncio.StreamWriter]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asker = writer.get_extra_info("peername")[0]
        home = self._names.home(asker)
        if self._open[home] >= MOST_CONNECTIONS_OF_ONE or self._open.total() >= MOST_CONNECTIONS:
            writer.close()
            return
        self._open[home] += 1
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer, asker):
                pass
        except (OSError, EOFError, TimeoutError):
            pass
        except Exception:
            log.exception("a question of %s could not be answered", asker)
        finally:
            self._writers.discard(writer)
            self._open[home] -= 1
            if not self._open[home]:
                del self._open[home]
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asker: str) -> bool:
        async with asyncio.timeout(IDLE_SECONDS):
            length = int.from_bytes(await reader.readexactly(2), "big")
            if length > LONGEST_QUESTION:
                return False
            wire = await reader.readexactly(length)
        reply = self._names.reply(wire, asker, tcp=True)
        if reply is None:
            return False
        answer = reply if isinstance(reply, bytes) else await reply
        writer.write(len(answer).to_bytes(2, "big") + answer)
        async with asyncio.timeout(IDLE_SECONDS):
            await writer.drain()
        return True

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
