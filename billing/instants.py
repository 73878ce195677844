"""Instants of the ledger: whole microseconds since 1970, UTC. Integers sum alike in Python and in every database.

Pure. A `datetime` is only what people and Kubernetes see; daylight saving does not exist here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workloads.meta import times

Instant = int

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of(moment: datetime) -> Instant:
    """Exact. Raises ValueError for a datetime that does not say its zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} does not say its time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(instant: Instant) -> datetime:
    return _EPOCH + timedelta(microseconds=instant)


def parse(text: str) -> Instant:
    """Reads RFC 3339; digits beyond the microsecond are cut. Raises ValueError with a sentence."""
    return of(times.parse(text))


def text(instant: Instant) -> str:
    """`2026-02-03T10:09:06.000000Z`."""
    return times.format_micro(moment(instant))


def now() -> Instant:
    return of(datetime.now(UTC))


def hour(instant: Instant) -> Instant:
    """The full hour at or before `instant`."""
    return instant - instant % HOUR


def day(instant: Instant) -> Instant:
    """Midnight UTC at or before `instant`."""
    return instant - instant % DAY


def month(instant: Instant) -> Instant:
    """The first instant of the month, UTC."""
    return of(moment(day(instant)).replace(day=1))


def next_month(instant: Instant) -> Instant:
    """The first instant of the month after."""
    return month(month(instant) + 32 * DAY)
