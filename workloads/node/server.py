"""uvicorn on a Unix socket that only this user may open. On a thread of its own: signals belong to the process."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from pathlib import Path

import uvicorn

from workloads.node.sessions import Sessions
from workloads.node.streams import Application
from workloads.verbs.sessions import sessions_beside
from workloads.verbs.sockets import listening_at

logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 2
TICK_SECONDS = 0.2


def serve(application: Application, place: Path, stop: threading.Event) -> None:
    """Until `stop`. Followers are cut off then; they come back to the next agent. Sessions have a socket beside it."""
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    server = uvicorn.Server(config)
    with listening_at(sessions_beside(place)) as sessions, listening_at(place) as listener:
        logger.info("streams are served at %s", place)
        asyncio.run(_serve(server, application.sessions, (listener, sessions), stop))


async def _serve(
    server: uvicorn.Server,
    sessions: Sessions,
    listeners: tuple[socket.socket, socket.socket],
    stop: threading.Event,
) -> None:
    streams, lines = listeners
    serving = asyncio.create_task(server.serve(sockets=[streams]))
    async with await asyncio.start_unix_server(sessions.serve, sock=lines) as lined:
        while not stop.is_set() and not serving.done():
            await asyncio.sleep(TICK_SECONDS)
        lined.close()
        await sessions.close()
    server.should_exit = True
    await serving
