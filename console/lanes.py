"""The threads pages are made in: a few that stay, each with its own database connection.

Django gives every ASGI request a thread of its own and throws the thread away; a connection that was kept open for the
next request stays behind until the garbage collector comes by (8 readers in a row took all of PostgreSQL's connections
and were answered 500). Here requests and WebSockets share a fixed number of threads: what belongs to one of them runs
on one lane from its first call to its last, and a lane runs one call at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from asgiref.sync import ThreadSensitiveContext
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

LANES = 8
"""How many database connections the console may hold in a process."""


@dataclass(eq=False)
class _Lane:
    """`callers` is how many requests and sockets are on it now; most of them wait."""

    callers: int = 0
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="page"))


class Lanes:
    """An ASGI application around another one."""

    def __init__(self, application: ASGI3Application, *, count: int = LANES) -> None:
        self._application = application
        self._lanes = [_Lane() for _ in range(count)]

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        lane = min(self._lanes, key=lambda lane: lane.callers)
        lane.callers += 1
        try:
            async with ThreadSensitiveContext(executor=lane.thread):
                await self._application(scope, receive, send)
        finally:
            lane.callers -= 1
