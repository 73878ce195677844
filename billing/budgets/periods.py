"""When a budget's period begins and ends: days and months are UTC's, a total has no end. Pure."""

from __future__ import annotations

from billing import instants
from billing.instants import HOUR, Instant

MONTHLY, DAILY, TOTAL = "monthly", "daily", "total"
_DAY = 24 * HOUR


def start(period: str, at: Instant, *, counted_from: Instant) -> Instant:
    """Of the period that `at` lies in."""
    if period == DAILY:
        return instants.day(at)
    return instants.month(at) if period == MONTHLY else counted_from


def end(period: str, start: Instant) -> Instant | None:
    """When the period that began at `start` is over; None for a total."""
    if period == DAILY:
        return start + _DAY
    return instants.month(start + 32 * _DAY) if period == MONTHLY else None
