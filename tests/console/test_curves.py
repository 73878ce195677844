"""The last hour or day of what pods used, as lines: with its gaps, beside what is billed, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from console import curves
from console.curves import Curves, Restart
from workloads.client import UsageGrain, UsageHistory, UsageStep

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEPS: Mapping[UsageGrain, timedelta] = {"hour": timedelta(seconds=30), "day": timedelta(minutes=5)}
ALWAYS = dict.fromkeys(range(120), 0.1)
ALL_DAY = dict.fromkeys(range(288), 0.1)


def steps(grain: UsageGrain, values: Mapping[int, float]) -> list[UsageStep]:
    """By how many steps ago."""
    return [
        UsageStep(NOW - ago * STEPS[grain], value, value / 2, value * 2)
        for ago, value in sorted(values.items(), reverse=True)
    ]


def drawn(
    cores: Mapping[int, float],
    *,
    grain: UsageGrain = "hour",
    billed: int = 500,
    restarts: Iterable[Restart] = (),
) -> Curves | None:
    history = UsageHistory(
        STEPS[grain],
        frozenset({"a", "b"}),
        cpu=steps(grain, {ago: value * 1e9 for ago, value in cores.items()}),
        memory=steps(grain, dict.fromkeys(cores, 64 * 1024.0**2)),
        received=steps(grain, dict.fromkeys(cores, 2048.0)),
        sent=steps(grain, dict.fromkeys(cores, 100.0)),
    )
    return curves.of(history, grain, cpu_millis=billed, memory_mib=2 * billed, now=NOW, restarts=list(restarts))


def pictures(cores: Mapping[int, float], *, billed: int = 500, restarts: Iterable[Restart] = ()) -> Curves:
    found = drawn(cores, grain="hour" if len(cores) <= 120 else "day", billed=billed, restarts=restarts)
    assert found
    return found


def test_each_gauge_is_said_in_its_unit() -> None:
    cpu, memory, network = pictures(ALWAYS).all
    assert (cpu.lines[0].now, cpu.lines[0].average, cpu.lines[0].most) == ("0.10", "0.10", "0.20")
    assert (memory.lines[0].now, memory.billed, memory.top) == ("64 MiB", "1000 MiB", "1.00 GiB")
    assert [(line.name, line.now) for line in network.lines] == [("Received", "2.0 KiB/s"), ("Sent", "100 B/s")]


def test_the_line_of_what_is_billed_lies_in_the_picture() -> None:
    cpu, _memory, network = pictures(ALWAYS).all
    assert (cpu.billed, cpu.share, cpu.top) == ("0.50", 40, "0.50")
    assert 0 <= float(cpu.billed_y) < curves.HEIGHT
    assert network.billed_y == ""


def test_more_than_is_billed_raises_the_picture() -> None:
    assert pictures(dict.fromkeys(range(120), 0.45)).all[0].top == "1.00"


def test_a_gap_stays_a_gap() -> None:
    cpu = pictures({ago: 0.1 for ago in range(120) if not 40 < ago < 80}).all[0]
    assert len(cpu.lines[0].lines) == len(cpu.lines[0].bands) == 2
    assert cpu.readings[119 - 60] == "11:30:00 UTC: not measured"
    assert cpu.lines[0].average == "0.10"


def test_every_moment_is_said_in_words() -> None:
    hour, day = pictures(ALWAYS), pictures(ALL_DAY)
    assert hour.all[0].readings[-1] == "12:00:00 UTC: 0.10"
    assert hour.all[2].readings[0] == "11:00:30 UTC: Received 2.0 KiB/s; Sent 100 B/s"
    assert day.all[0].readings[-1] == "12:00 UTC: 0.10, at most 0.20"
    assert (len(hour.all[0].readings), len(day.all[0].readings)) == (120, 288)


def test_the_table_says_the_same_in_rows() -> None:
    hour, day = pictures(ALWAYS), pictures(ALL_DAY)
    assert [len(hour.all[0].table), len(day.all[0].table)] == [12, 24]
    assert (hour.all[0].table[0].at, hour.all[0].table[0].cells) == ("11:55", ("0.10", "0.20"))
    assert len(hour.all[2].table[0].cells) == 4


def test_restarts_stand_where_they_were() -> None:
    again = [Restart(NOW - timedelta(minutes=minutes), "web-1", "app", "exit 1") for minutes in (30, 61, 10)]
    found = pictures(ALWAYS, restarts=again)
    assert [one.at for one in found.restarts] == [again[2].at, again[0].at]
    assert len(found.all[0].marks) == 2
    assert "app of web-1 restarted" in found.all[0].readings[119 - 20]


def test_what_stopped_long_ago_is_not_now() -> None:
    assert pictures(dict.fromkeys(range(60, 120), 0.1)).all[0].lines[0].now == "--"


def test_one_moment_alone_is_drawn() -> None:
    assert len(pictures({5: 0.1}).all[0].lines[0].lines) == 1


def test_nothing_measured_is_no_picture() -> None:
    assert drawn({}) is None
    assert drawn({400: 0.1}) is None


def test_what_is_billed_nothing_has_no_line() -> None:
    cpu = pictures(ALWAYS, billed=0).all[0]
    assert (cpu.billed_y, cpu.share) == ("", 0)
