"""Schedules in plain English, and never less exact than the cron text."""

from __future__ import annotations

import pytest

from console.cronwords import words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0 * * * *", "every hour"),
        ("@hourly", "every hour"),
        ("15 * * * *", "every hour, at minute 15"),
        ("0,30 * * * *", "every hour, at minutes 0 and 30"),
        ("0 */6 * * *", "every 6 hours"),
        ("10 */2 * * *", "every 2 hours, at minute 10"),
        ("0 3 * * *", "at 03:00 every day"),
        ("@daily", "at 00:00 every day"),
        ("30 6,18 * * *", "at 06:30 and 18:30 every day"),
        ("0 9 * * 1-5", "at 09:00 on weekdays"),
        ("0 9 * * mon-fri", "at 09:00 on weekdays"),
        ("0 9 * * 0,6", "at 09:00 on Saturdays and Sundays"),
        ("0 9 * * sun", "at 09:00 every Sunday"),
        ("0 9 * * 0,3,1", "at 09:00 every Monday, Wednesday and Sunday"),
        ("0 4 1 * *", "at 04:00 on day 1 of every month"),
        ("0 4 1,15 * *", "at 04:00 on days 1 and 15 of every month"),
        ("@yearly", "at 00:00 on 1 January every year"),
        ("0 0 24 DEC ?", "at 00:00 on 24 December every year"),
    ],
)
def test_common_schedules_are_said_in_words(text: str, said: str) -> None:
    assert words(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "*/7 * * * *",
        "0 */5 * * *",
        "0 3 1 * 1",
        "0 3 1-7 * *",
        "*/5 9-17 * * *",
        "0 1,2,3,4,5 * * *",
        "0 3 * 1 *",
        "1-5 * * * *",
        "0 9 * * 7",
        "nonsense",
    ],
)
def test_what_words_would_blur_stays_as_it_is(text: str) -> None:
    assert words(text) == text
