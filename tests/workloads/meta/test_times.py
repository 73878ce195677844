"""Times as Kubernetes writes them, ages as kubectl prints them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import times

moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@given(moments)
def test_a_micro_time_comes_back_as_it_went(moment: datetime) -> None:
    assert times.parse(times.format_micro(moment)) == moment


@given(moments)
def test_a_time_comes_back_to_the_second(moment: datetime) -> None:
    assert times.parse(times.format_seconds(moment)) == moment.replace(microsecond=0)


def test_nanoseconds_are_cut() -> None:
    assert times.parse("2026-01-02T03:04:05.123456789Z").microsecond == 123456


def test_other_zones_become_utc() -> None:
    assert times.parse("2026-01-02T03:04:05+02:00") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    east = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert times.format_seconds(east) == "2026-01-02T01:00:00Z"


@pytest.mark.parametrize(
    "text", ["", "now", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not an RFC 3339 time"):
        times.parse(text)


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (119, "119s"),
        (120, "2m"),
        (310, "5m10s"),
        (600, "10m"),
        (179 * 60 + 59, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 + 59 * 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (76 * 3600, "3d4h"),
        (8 * 86400 + 7200, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (761 * 86400, "2y31d"),
        (3000 * 86400, "8y"),
    ],
)
def test_a_duration_gets_coarser_as_it_gets_longer(seconds: float, printed: str) -> None:
    assert times.duration(seconds) == printed


def test_an_age_is_the_time_since() -> None:
    assert times.age("1970-01-01T00:00:10Z", 75.0) == "65s"


def test_an_unknown_age_says_so() -> None:
    assert times.age(None, 0) == times.age("", 0) == "<unknown>"
