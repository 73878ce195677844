"""Statements of the hot paths, as cheap as the driver has them.

A small question costs SQLite a third of what Django's cursor adds to it, and a write asks ten. These go to the driver's
own connection: the same one, inside the same transaction, with the same errors. PostgreSQL's, and those that somebody
listens to (tests that count them), go through Django's cursor.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

__all__ = ("execute", "select")


def select(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows. Places for values are written `%s`. Raises Django's database errors."""
    database = connections[DEFAULT_DB_ALIAS]
    if _is_plain(database):
        return _asked(database, statement, values).fetchall()
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(statement: str, values: Sequence[Any] = ()) -> int:
    """How many rows it wrote. As `select`."""
    database = connections[DEFAULT_DB_ALIAS]
    if _is_plain(database):
        return _asked(database, statement, values).rowcount
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _is_plain(database: Any) -> bool:
    return database.vendor == "sqlite" and not database.execute_wrappers and not database.queries_logged


def _asked(database: Any, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
    database.ensure_connection()
    database.validate_no_broken_transaction()
    driver: sqlite3.Connection = database.connection
    try:
        return driver.execute(_translated(statement), values)
    except sqlite3.Error:
        with database.wrap_database_errors:  # into Django's, and the connection is known to have failed
            raise


@lru_cache(maxsize=512)
def _translated(statement: str) -> str:
    return statement.replace("%s", "?")
