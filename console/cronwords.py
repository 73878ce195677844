"""A cron schedule in plain English, where it is one of the common forms; otherwise the cron text itself. Pure.

What is said is never less exact than the text: `*/7 * * * *` does not run every seven minutes (it starts anew with each
hour), so it stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workloads.kinds.schedules import MACROS

_STEP = re.compile(r"\*/([0-9]{1,2})")
_NUMBER = re.compile(r"[0-9]{1,2}")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class _Fields:
    minute: str
    hour: str
    day: str
    month: str
    weekday: str

    @property
    def any_day(self) -> bool:
        return self.day == self.month == self.weekday == "*"


def words(text: str) -> str:
    """`every 5 minutes`, `at 03:00 every day`; the text itself where it says something else."""
    parts = MACROS.get(text.strip(), text).replace("?", "*").lower().split()
    if len(parts) != 5:
        return text
    fields = _Fields(*parts)
    found = _within_a_day(fields) if fields.any_day else None
    return found or _at_times(fields) or text


def _within_a_day(fields: _Fields) -> str | None:
    """Several times a day, evenly."""
    if fields.hour == "*":
        return _within_an_hour(fields.minute)
    step = _even_step(fields.hour, 24)
    minute = _number(fields.minute, 59)
    if step is None or minute is None:
        return None
    every = _("every hour") if step == 1 else _("every %(count)s hours") % {"count": step}
    if minute == 0:
        return every
    return _("%(every)s, at minute %(minute)s") % {"every": every, "minute": minute}


def _within_an_hour(minute: str) -> str | None:
    if minute == "*":
        return _("every minute")
    if (step := _even_step(minute, 60)) is not None:
        return _("every minute") if step == 1 else _("every %(count)s minutes") % {"count": step}
    at = _numbers(minute, 59)
    if at == [0]:
        return _("every hour")
    if at is None:
        return None
    if len(at) == 1:
        return _("every hour, at minute %(minute)s") % {"minute": at[0]}
    return _("every hour, at minutes %(minutes)s") % {"minutes": _listed([str(one) for one in at])}


def _at_times(fields: _Fields) -> str | None:
    """At fixed times of some days."""
    minutes, hours, days = _numbers(fields.minute, 59), _numbers(fields.hour, 23), _days(fields)
    if minutes is None or hours is None or days is None or len(minutes) * len(hours) > 4:
        return None
    times = [f"{hour:02d}:{minute:02d}" for hour in hours for minute in minutes]
    return _("at %(times)s %(days)s") % {"times": _listed(times), "days": days}


def _days(fields: _Fields) -> str | None:
    """Which days, in words. With both a day of the month and a weekday, cron takes either: that is said by its text."""
    if fields.any_day:
        return _("every day")
    if fields.day == fields.month == "*":
        return _weekdays(fields.weekday)
    if fields.weekday != "*":
        return None
    days = _numbers(fields.day, 31)
    if days is None:
        return None
    listed = _listed([str(day) for day in days])
    if fields.month == "*":
        return ngettext("on day %(days)s of every month", "on days %(days)s of every month", len(days)) % {
            "days": listed
        }
    months = _named(fields.month, _MONTH_NAMES, first=1)
    if months is None or len(days) > 1:
        return None
    names = [str(_month_words()[month - 1]) for month in months]
    return _("on %(day)s %(months)s every year") % {"day": listed, "months": _listed(names)}


def _weekdays(field: str) -> str | None:
    if field in ("1-5", "mon-fri"):
        return _("on weekdays")
    found = _named(field, _DAY_NAMES, first=0)
    if found is None:
        return None
    if sorted(found) == [0, 6]:
        return _("on Saturdays and Sundays")
    in_order = sorted(found, key=lambda day: day or 7)
    return _("every %(days)s") % {"days": _listed([str(_day_words()[day]) for day in in_order])}


def _named(field: str, names: tuple[str, ...], *, first: int) -> list[int] | None:
    """Numbers or names, separated by commas."""
    found = []
    for part in field.split(","):
        number = names.index(part) + first if part in names else _number(part, len(names) - 1 + first)
        if number is None or number < first:
            return None
        found.append(number)
    return list(dict.fromkeys(found))


def _even_step(field: str, whole: int) -> int | None:
    """N of `*/N`, where N divides the whole, so that the steps are even across its end."""
    match = _STEP.fullmatch(field)
    step = int(match[1]) if match else 0
    return step if step and whole % step == 0 else None


def _numbers(field: str, most: int) -> list[int] | None:
    found = [_number(part, most) for part in field.split(",")]
    known = [number for number in found if number is not None]
    return sorted(set(known)) if len(known) == len(found) else None


def _number(text: str, most: int) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= most else None


def _listed(texts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(texts) == 1:
        return texts[0]
    return _("%(first)s and %(last)s") % {"first": ", ".join(texts[:-1]), "last": texts[-1]}


def _day_words() -> tuple[str, ...]:
    return (_("Sunday"), _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"))


def _month_words() -> tuple[str, ...]:
    first_half = (_("January"), _("February"), _("March"), _("April"), _("May"), _("June"))
    return (*first_half, _("July"), _("August"), _("September"), _("October"), _("November"), _("December"))
