"""Instants as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def text(moment: datetime) -> str:
    """`2026-11-27T07:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro(moment: datetime) -> str:
    """As Leases have it: `2026-11-27T07:00:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(written: str | None) -> datetime | None:
    """None for what is no instant."""
    if not written:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
