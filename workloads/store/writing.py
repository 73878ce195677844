"""One write at a time.

SQLite lets one connection write and makes the others poll, unfairly: second-long outliers were measured with eight
writers. So the threads of a process queue at a lock, and processes queue at a file lock beside the database; both wake
the next in line at once. Whoever is inside a transaction already is the writer and takes neither
(waiting for them would deadlock). PostgreSQL needs none of this.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from django.db import connection, transaction

_threads = threading.Lock()


def is_sqlite() -> bool:
    return connection.vendor == "sqlite"


@contextmanager
def write() -> Iterator[None]:
    """A transaction that may write. Inside another transaction it is a savepoint of that one."""
    if connection.in_atomic_block or not is_sqlite():
        with transaction.atomic():
            yield
        return
    with _threads, _processes(), transaction.atomic():
        yield


@contextmanager
def _processes() -> Iterator[None]:
    """Opened anew each time: a lock belongs to the open file, which a fork would share."""
    path = _lock_path()
    if path is None:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock_path() -> str | None:
    return _beside(str(connection.settings_dict["NAME"]))


@lru_cache(maxsize=8)
def _beside(name: str) -> str | None:
    """The database file; None for a database in memory, which only one process can see."""
    if name.startswith("file:") or name == ":memory:":
        return None
    return str(Path(name).with_suffix(".write-lock"))
