"""Connections of layer 4 to workloads that sleep: Envoy sends them here, each port of a Service to a Unix socket of its
own; they wait as requests do, and are then passed on to a pod, byte by byte, until one side ends them.

Only those that found it asleep come this way: Envoy itself connects all later ones. A socket that was opened stays
open while its Service may sleep, so that nobody who was sent here finds it closed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import socket
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workloads.meta.keys import Key

log = logging.getLogger(__name__)

Place = tuple[str, int]
TRIES = 3
CONNECT_SECONDS = 1.0
AT_ONCE = 64 * 1024
MOST_OF_ACCOUNT = 100
"""Ports of Services whose connections may wait here; there are only so many sockets for all."""
_BACKLOG = 512


@dataclass
class _Opened:
    service: Key
    path: Path
    server: asyncio.Task[asyncio.Server]


class Relay:
    """`wait` is asked whether a connection may go on ("" or why not), `places` where to."""

    def __init__(
        self, folder: Path, *, wait: Callable[[Key], Awaitable[str]], places: Callable[[Key, int], list[Place]]
    ) -> None:
        self._folder, self._wait, self._places = folder, wait, places
        self._opened: dict[str, _Opened] = {}

    def path(self, service: Key, port: int, cluster: str) -> str:
        """Where connections for that port arrive; listens there from now on. Raises OSError when there cannot be one
        more socket, of this account or at all."""
        known = self._opened.get(cluster)
        if known is None:
            if sum(one.service.account == service.account for one in self._opened.values()) >= MOST_OF_ACCOUNT:
                raise OSError(f"the account has {MOST_OF_ACCOUNT} such ports already")
            known = self._opened[cluster] = self._open(service, port, cluster)
        return str(known.path)

    def keep(self, services: Collection[Key]) -> None:
        """Only those of these Services."""
        for cluster, known in list(self._opened.items()):
            if known.service not in services:
                del self._opened[cluster]
                known.server.add_done_callback(lambda done: done.result().close())
                known.path.unlink(missing_ok=True)

    def _open(self, service: Key, port: int, cluster: str) -> _Opened:
        """Bound before Envoy is told of it; served as soon as the loop comes to it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{hashlib.sha256(cluster.encode()).hexdigest()[:16]}.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._pass(service, port, reader, writer)
            except OSError as error:
                log.info("a connection to %s ended: %s", service, error)
            finally:
                writer.close()

        started = asyncio.start_unix_server(serve, sock=listener, limit=AT_ONCE)
        return _Opened(service, path, asyncio.create_task(started))

    async def _pass(self, service: Key, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refusal = await self._wait(service)
        if refusal:
            log.warning("a connection is closed: %s", refusal)
            return
        pod = await self._connected(service, port)
        if pod is None:
            log.warning("a connection is closed: no pod of %s takes it", service)
            return
        try:
            await asyncio.gather(_copied(reader, pod[1]), _copied(pod[0], writer))
        finally:
            pod[1].close()

    async def _connected(self, service: Key, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        places = self._places(service, port)
        for address, number in random.sample(places, min(TRIES, len(places))):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, number, limit=AT_ONCE)
        return None


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """To the end, which is passed on, too: the other way may go on."""
    while data := await reader.read(AT_ONCE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
