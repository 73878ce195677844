"""One object, read where nobody may wait: on the event loop. SQLite alone.

Django lets no event loop ask its database, and with a server behind it that is right. A row of a local file is read in
less time than it takes to hand the question to a thread and the answer back. So each thread that asks here has a
connection of its own, which only reads, never waits for a lock, and begins and ends with each question: it sees every
write that was answered. Whatever does not succeed at once is told None, and is asked in the ordinary way.
"""

from __future__ import annotations

import sqlite3
import threading

from django.db import connection

from workloads.meta.keys import Key
from workloads.store.columns import bytes_out

_mine = threading.local()
_ONE = "SELECT data FROM workloads_object WHERE account = ? AND kind = ? AND namespace = ? AND name = ?"


def data(key: Key) -> bytes | None:
    """The object's stored bytes. None: ask `objects.read`."""
    if connection.vendor != "sqlite":
        return None
    try:
        found = _connected(str(connection.settings_dict["NAME"])).execute(_ONE, key).fetchall()
    except sqlite3.Error:
        hang_up()
        return None
    return bytes_out(found[0][0]) if found else None


def hang_up() -> None:
    """Closes this thread's connection."""
    open_one = getattr(_mine, "connection", None)
    _mine.connection = None
    if open_one is not None:
        open_one.close()


def _connected(file: str) -> sqlite3.Connection:
    """Raises sqlite3.Error. Tests change the file."""
    if getattr(_mine, "connection", None) is None or _mine.file != file:
        hang_up()
        _mine.connection, _mine.file = sqlite3.connect(file, timeout=0, isolation_level=None, uri=True), file
        _mine.connection.execute("PRAGMA query_only = ON")
    found: sqlite3.Connection = _mine.connection
    return found
