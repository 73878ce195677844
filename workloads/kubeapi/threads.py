"""The front door is synchronous, the wire is not. Calls cross over here, into a few threads with their own connections.

The pool bounds how many database connections the API holds; what does not fit waits its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from workloads.meta.errors import Unavailable

T = TypeVar("T")
_log = logging.getLogger(__name__)

_POOL = ThreadPoolExecutor(max_workers=12, thread_name_prefix="kubeapi")


async def in_thread(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_POOL, _connected, call)


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
