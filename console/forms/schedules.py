"""When a CronJob runs, in a form: a rule in words, or five cron fields; and the times that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import ClassVar

from django.utils.translation import gettext as _

from console.forms.drafts import FieldError, Fields, Whole, rows, text
from workloads.kinds import schedules
from workloads.kinds.schedules import ScheduleError

MINUTES, HOURLY, DAILY, WEEKLY, MONTHLY, CRON = "minutes", "hourly", "daily", "weekly", "monthly", "cron"
RULES = (MINUTES, HOURLY, DAILY, WEEKLY, MONTHLY, CRON)
EVERY = (1, 2, 3, 5, 10, 15, 20, 30)
"""Minutes that divide an hour: cron counts from the full hour, so that others would not be even."""
WEEKDAYS = (1, 2, 3, 4, 5, 6, 0)
"""Monday first, by cron's numbers."""
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True)
class ScheduleDraft:
    """What was typed under one rule stays while another is chosen."""

    rule: str
    every: Whole
    minute: Whole
    time: str
    weekdays: tuple[int, ...]
    day: Whole
    typed: str
    """The cron text."""
    zone: str

    FIELDS: ClassVar[tuple[str, ...]] = ("rule", "every", "minute", "time", "weekdays", "day", "cron", "zone")

    @classmethod
    def read(cls, fields: Fields) -> ScheduleDraft:
        return cls(
            rule=text(fields, "rule", DAILY),
            every=Whole.read(fields, "every", 15),
            minute=Whole.read(fields, "minute", 0),
            time=text(fields, "time", "03:00"),
            weekdays=tuple(rows(fields, "weekday-")) if "rule" in fields else (1,),
            day=Whole.read(fields, "day", 1),
            typed=text(fields, "cron"),
            zone=text(fields, "zone"),
        )

    @property
    def cron(self) -> str:
        """Five fields; what is typed where the rule cannot be read."""
        minute, hour = self._clock
        return {
            MINUTES: "* * * * *" if self.every.value == 1 else f"*/{self.every.value} * * * *",
            HOURLY: f"{self.minute.value} * * * *",
            DAILY: f"{minute} {hour} * * *",
            WEEKLY: f"{minute} {hour} * * {','.join(map(str, self.weekdays))}",
            MONTHLY: f"{minute} {hour} {self.day.value} * *",
        }.get(self.rule, self.typed)

    @property
    def cron_field(self) -> str:
        """Where what is wrong with the cron text is said."""
        places = {MINUTES: "every", HOURLY: "minute", DAILY: "time", WEEKLY: "weekdays", MONTHLY: "day"}
        return places.get(self.rule, "cron")

    def problems(self) -> list[FieldError]:
        found = []
        if self.rule not in RULES:
            found.append(FieldError("rule", _("Choose one of the rules.")))
        if self.rule == MINUTES and (not self.every.readable or self.every.value not in EVERY):
            found.append(
                FieldError(
                    "every",
                    _("Choose one of %(minutes)s: they divide an hour evenly.")
                    % {"minutes": ", ".join(map(str, EVERY))},
                )
            )
        if self.rule == HOURLY and not (self.minute.readable and 0 <= self.minute.value <= 59):
            found.append(FieldError("minute", _("Write a minute from 0 to 59.")))
        if self.rule in (DAILY, WEEKLY, MONTHLY) and not _TIME.fullmatch(self.time):
            found.append(FieldError("time", _("Write hours and minutes, for example 03:00.")))
        if self.rule == WEEKLY and not self.weekdays:
            found.append(FieldError("weekdays", _("Choose at least one day of the week.")))
        if self.rule == MONTHLY and not (self.day.readable and 1 <= self.day.value <= 31):
            found.append(FieldError("day", _("Write a day from 1 to 31.")))
        if self.rule == CRON and not self.typed:
            found.append(FieldError("cron", _("Write five cron fields, for example 30 2 * * 1-5, or @hourly.")))
        return found

    def following(self, now: datetime, count: int) -> list[datetime]:
        """The next times after `now`, in the zone of the schedule. Raises ScheduleError."""
        if problems := self.problems():
            raise ScheduleError(problems[0].message)
        schedule = schedules.parse(self.cron, zone=self.zone or None)
        return [moment.astimezone(schedule.zone) for moment in islice(schedule.times(now), count)]

    @property
    def _clock(self) -> tuple[int, int]:
        """Minute and hour."""
        match = _TIME.fullmatch(self.time)
        return (int(match[2]), int(match[1])) if match else (0, 0)
