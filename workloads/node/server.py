"""uvicorn on a Unix socket that only this user may open. On a thread of its own: signals belong to the process."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from pathlib import Path

import uvicorn

from workloads.node.streams import Application

logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 2
TICK_SECONDS = 0.2


def serve(application: Application, place: Path, stop: threading.Event) -> None:
    """Until `stop`. Followers are cut off then; they come back to the next agent."""
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
    with listening_at(place) as listener:
        logger.info("streams are served at %s", place)
        asyncio.run(_serve(server, listener, stop))


def listening_at(place: Path) -> socket.socket:
    """A new socket there; one that a dead agent left makes way."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(place))
    finally:
        os.umask(before)
    return listener


async def _serve(server: uvicorn.Server, listener: socket.socket, stop: threading.Event) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not stop.is_set() and not serving.done():
        await asyncio.sleep(TICK_SECONDS)
    server.should_exit = True
    await serving
