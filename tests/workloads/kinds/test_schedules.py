"""Cron, time zones and daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from workloads.kinds import schedules
from workloads.kinds.schedules import ScheduleError

NEW_YORK = "America/New_York"


def following(text: str, since: datetime, *, zone: str | None = None, number: int = 2) -> list[str]:
    found = islice(schedules.parse(text, zone=zone).times(since), number)
    return [moment.strftime("%m-%d %H:%M") for moment in found]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("*/15 * * * *", ["01-01 12:15", "01-01 12:30"]),
        ("0 3 * * *", ["01-02 03:00", "01-03 03:00"]),
        ("@hourly", ["01-01 13:00", "01-01 14:00"]),
        ("@weekly", ["01-04 00:00", "01-11 00:00"]),
        ("0 0 ? * MON-WED", ["01-05 00:00", "01-06 00:00"]),
        ("0 0 13 * fri", ["01-02 00:00", "01-09 00:00"]),
        ("0 0 31 * *", ["01-31 00:00", "03-31 00:00"]),
        ("30 6-16/4 * * 1-5", ["01-01 14:30", "01-02 06:30"]),
    ],
)
def test_five_fields_and_macros(text: str, times: list[str]) -> None:
    assert following(text, datetime(2026, 1, 1, 12, tzinfo=UTC)) == times


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * * 7",
        "0 0 L * *",
        "0 0 * * 5#2",
        "0 0 31 2 *",
        "5-1 * * * *",
        "*/0 * * * *",
        "@every 1h",
        "@reboot",
        "1 2 3 foo *",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        schedules.parse(text)


def test_unknown_time_zones_are_refused() -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(ScheduleError):
            schedules.time_zone(zone)


def test_what_the_clock_leaps_over_runs_right_after_it() -> None:
    eve = datetime(2026, 3, 8, 4, tzinfo=UTC)  # 02:00 becomes 03:00 at 07:00 UTC
    assert following("30 2 * * *", eve, zone=NEW_YORK) == ["03-08 07:00", "03-09 06:30"]


def test_the_hour_that_comes_twice_runs_once() -> None:
    eve = datetime(2026, 11, 1, 4, tzinfo=UTC)  # 02:00 becomes 01:00 at 06:00 UTC
    assert following("30 1 * * *", eve, zone=NEW_YORK) == ["11-01 05:30", "11-02 06:30"]
    again = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)
    assert following("30 1 * * *", again, zone=NEW_YORK, number=1) == ["11-02 06:30"]


def test_every_hour_is_every_hour_whatever_the_clock_says() -> None:
    eve = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
    assert following("0 * * * *", eve, zone=NEW_YORK, number=3) == ["11-01 05:00", "11-01 06:00", "11-01 07:00"]


def test_the_newest_missed_time_is_found_however_long_ago() -> None:
    long_ago, now = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    for text, latest, many in (
        ("* * * * *", datetime(2026, 1, 1, tzinfo=UTC), True),
        ("0 12 * * *", datetime(2025, 12, 31, 12, tzinfo=UTC), True),
        ("0 0 1 6 *", datetime(2025, 6, 1, tzinfo=UTC), False),
        ("0 0 29 2 *", datetime(2024, 2, 29, tzinfo=UTC), False),
    ):
        missed = schedules.parse(text).missed(long_ago, now=now)
        assert missed is not None
        assert (missed.latest, missed.many) == (latest, many)


def test_nothing_is_missed_before_the_first_time() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert schedules.parse("0 13 * * *").missed(now, now=now) is None
