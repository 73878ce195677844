"""Between the database's values and Python's: times and bytes come back differently from SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection


def time_in(value: datetime) -> Any:
    """As the open database stores it."""
    return connection.ops.adapt_datetimefield_value(value)


def time_out(value: Any) -> datetime:
    """SQLite keeps text without a zone; all of it is UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def bytes_out(value: Any) -> bytes:
    return value if isinstance(value, bytes) else bytes(value)
