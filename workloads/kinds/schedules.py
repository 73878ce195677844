"""When a CronJob runs: five cron fields or a macro, in a time zone.

Daylight saving is treated as Debian's cron does: what stands at a fixed time that the clock leaps over runs right after
the leap, what stands in the hour that comes twice runs once; hourly and more frequent schedules follow the real clock.
Pure, but for the operating system's table of time zones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MANY = 100
"""So many missed times are too many: somebody should know."""

_FIELD = re.compile(r"[0-9A-Za-z*?/,-]+")
_WORDS = re.compile(r"[A-Za-z]+")
_KNOWN = re.compile("sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE)
_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=367))


class ScheduleError(ValueError):
    """Not a schedule, or no time zone; the text is a sentence."""


@dataclass(frozen=True)
class Missed:
    """`latest` is the newest time that has come and not been served; `many` says that there were over a hundred."""

    latest: datetime
    many: bool


@dataclass(frozen=True)
class Schedule:
    fields: str
    zone: tzinfo

    def times(self, since: datetime) -> Iterator[datetime]:
        """Every time after `since`, in UTC, as long as there are any."""
        last = since.astimezone(UTC)
        for moment in CronSim(self.fields, since.astimezone(self.zone)):
            found = moment.astimezone(UTC)
            if found > last:
                yield found
                last = found

    def next(self, since: datetime) -> datetime | None:
        return next(self.times(since), None)

    def missed(self, since: datetime, *, now: datetime) -> Missed | None:
        """What has come after `since` and not later than `now`. Looks near `now` first: years may have passed."""
        first = self.next(since)
        if first is None or first > now:
            return None
        latest = first
        for window in (*_WINDOWS, now - since):
            start = max(since, now - window)
            if found := self._last(start, now):
                latest = found
                break
        return Missed(latest=latest, many=self._are_many(since, now))

    def _last(self, start: datetime, now: datetime) -> datetime | None:
        latest = None
        for moment in self.times(start):
            if moment > now:
                break
            latest = moment
        return latest

    def _are_many(self, since: datetime, now: datetime) -> bool:
        for count, moment in enumerate(self.times(since)):
            if moment > now:
                return False
            if count >= MANY:
                return True
        return False


def parse(text: str, *, zone: str | None = None) -> Schedule:
    """Raises ScheduleError. Without a zone it is UTC."""
    fields = _fields(text.strip())
    found = ZoneInfo("UTC") if zone is None else time_zone(zone)
    try:
        CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ScheduleError(f"{_lowered(str(error))} in {text!r}") from None
    return Schedule(fields, UTC if str(found) == "UTC" else found)


def time_zone(name: str) -> ZoneInfo:
    """Raises ScheduleError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScheduleError(f"unknown time zone {name}") from None


def _fields(text: str) -> str:
    """Five plain fields. What only some crons know (seconds, `L`, `#`, `@every`) is refused."""
    if text.startswith("@"):
        if text not in MACROS:
            raise ScheduleError(f"unrecognized descriptor: {text}: give five fields, or one of {', '.join(MACROS)}")
        return MACROS[text]
    fields = text.split()
    if len(fields) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{text}]")
    for field in fields:
        unknown = [word for word in _WORDS.findall(field) if not _KNOWN.fullmatch(word)]
        if unknown or not _FIELD.fullmatch(field):
            raise ScheduleError(f"failed to parse field {field!r} in {text!r}")
    if "7" in re.split("[,/-]", fields[4]):
        raise ScheduleError(f"end of range (7) above maximum (6): {fields[4]}")
    return " ".join(fields).replace("?", "*")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
