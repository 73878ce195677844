"""Times as Kubernetes writes them, and durations as kubectl prints them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNKNOWN = "<unknown>"

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse(text: str) -> datetime:
    """An aware UTC datetime from RFC 3339 text. Nanoseconds, as Docker writes them, are cut to microseconds.
    Raises ValueError with a sentence."""
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not an RFC 3339 time such as 2006-01-02T15:04:05Z')
    date, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0')[:6]:0<6}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is not an RFC 3339 time: {error}') from error


def format_seconds(moment: datetime) -> str:
    """`2006-01-02T15:04:05Z`: Kubernetes' Time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro(moment: datetime) -> str:
    """`2006-01-02T15:04:05.000000Z`: Kubernetes' MicroTime, and the marks in `status.lifecycle`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def age(timestamp: str | None, now: float) -> str:
    """What an AGE column says of `timestamp` at `now` (seconds since the epoch)."""
    if not timestamp:
        return UNKNOWN
    return duration(now - parse(timestamp).timestamp())


def duration(seconds: float) -> str:
    """kubectl's human form: `45s`, `5m10s`, `3h`, `3d4h`, `2y31d`. It gets coarser as it gets longer."""
    if seconds <= -2:
        return "<invalid>"
    total = max(0, int(seconds))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 2 * 365:
        return f"{days}d"
    if days < 8 * 365:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
