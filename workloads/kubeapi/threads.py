"""The front door is synchronous, the wire is not. Calls cross over here, into a few threads with their own connections.

The pool bounds how many database connections the API holds; what does not fit waits its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")

_POOL = ThreadPoolExecutor(max_workers=12, thread_name_prefix="kubeapi")


async def in_thread(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_POOL, _connected, call)


def _connected(call: Callable[[], T]) -> T:
    """A connection that broke or grew too old is replaced before it is used, not after it failed."""
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()
