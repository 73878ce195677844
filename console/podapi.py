"""The web process's door for pods: a socket at an address of its own, waited for as long as it cannot be had.

Another web process of this installation may have it, another installation, or this process may not listen below port
1024: all three are said once, and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

from workloads.runtimes import routes
from workloads.runtimes.services import PORT

log = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 5.0


async def listener(address: str, stopping: asyncio.Event) -> socket.socket | None:
    """None when there is no such address, or it is time to stop."""
    said = ""
    while address and not stopping.is_set():
        problem, found = await asyncio.to_thread(_listen, address)
        if found is not None:
            return found
        if problem != said:
            log.warning("the Kubernetes API is not offered to pods: %s", problem)
            said = problem
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TRY_AGAIN_SECONDS)
    return None


def _listen(address: str) -> tuple[str, socket.socket | None]:
    if problem := routes.make_local(address):
        return problem, None
    try:
        return "", socket.create_server((address, PORT), backlog=2048)
    except OSError as error:
        return f"{address}:{PORT} cannot be listened on: {error.strerror}", None
