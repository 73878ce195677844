"""The front door is synchronous, the wire is not. Calls cross over here, into a few threads with their own connections.

The pool bounds how many database connections the API holds; what does not fit waits its turn.

With SQLite a short call waits for nothing but its own processor, and writers for each other. Several such calls at once
only take the interpreter from one another: eight writers were answered 320 times a second by one thread and 215 times
by twelve. So they go through a lane of one thread each; with PostgreSQL, where they wait for its answers, they do not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from workloads.meta.errors import Unavailable
from workloads.store.writing import is_sqlite

T = TypeVar("T")
_log = logging.getLogger(__name__)

_POOL = ThreadPoolExecutor(max_workers=12, thread_name_prefix="kubeapi")
_READS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kubeapi-reads")
_WRITES = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kubeapi-writes")


async def in_thread(call: Callable[[], T]) -> T:
    """What may take its time."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _connected, call)


async def short_read(call: Callable[[], T]) -> T:
    """Of one object."""
    lane = _READS if is_sqlite() else _POOL
    return await asyncio.get_running_loop().run_in_executor(lane, _connected, call)


async def short_write(call: Callable[[], T]) -> T:
    """Of one object."""
    lane = _WRITES if is_sqlite() else _POOL
    return await asyncio.get_running_loop().run_in_executor(lane, _connected, call)


def _connected(call: Callable[[], T]) -> T:
    """A connection that broke or grew too old is replaced before it is used, not after it failed. Raises Unavailable
    while the database is away: clients try again by themselves."""
    close_old_connections()
    try:
        return call()
    except (OperationalError, InterfaceError) as error:
        _log.warning("the database: %s", error)
        raise Unavailable("the database does not answer", retry_after=2) from error
    finally:
        close_old_connections()
