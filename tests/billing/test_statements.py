"""Statements: lines rounded once, months that close and never change, late facts in the month that is open."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing import closing, daytotals, instants, meter, months, proofs, statements
from billing.instants import DAY, HOUR, SECOND, Instant
from billing.models import ClosedMonth, DayTotal, LabelSet, MeteredPod, Statement, StatementLine, UsageSegment
from billing.statements import Bill, Period
from console.management.commands import manager
from tests.billing.lives import Log, Pod
from workloads.store.models import Object

pytestmark = pytest.mark.django_db

Clock = Callable[[Instant], None]
FEBRUARY, MARCH = Period.parse("2026-02"), Period.parse("2026-03")


def when(text: str) -> Instant:
    return instants.parse(f"2026-{text}Z")


def ran(log: Log, pod: Pod, start: str, end: str) -> None:
    log.change(pod, pullStartedAt=when(start), startedAt=when(start) + SECOND)
    log.delete(pod, finishedAt=when(end))
    read()


def read() -> None:
    while meter.read_once():
        pass


def bill(period: Period = FEBRUARY, account: str = "acme") -> Bill:
    return statements.read(account, period)


def test_the_golden_example_is_one_line(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    (line,) = bill().lines
    assert (line.seconds, line.segments, line.listed, line.billed) == (7200, 3, Decimal("1.2816"), Decimal("1.2816"))
    assert line.vcpu_rate + line.memory_rate == line.rate == Decimal("0.000178")
    assert bill().state == "open"


def test_a_line_is_rounded_half_up_once_and_the_total_is_the_sum_of_the_lines(log: Log) -> None:
    """45 s at 0.0000445 are 0.0020025: each line 0.0020, the total 0.0040 and not 0.004005 rounded."""
    for name in ("a", "b"):
        ran(log, Pod(uid=name, name=name, specification="0.50_1.0"), "02-03T10:00:00", "02-03T10:00:45")
    assert [line.listed for line in bill().lines] == [Decimal("0.0020025")] * 2
    assert (bill().billed, bill().listed) == (Decimal("0.0040"), Decimal("0.0040050"))


def test_half_of_the_last_place_is_rounded_up(log: Log, pod: Pod) -> None:
    pod.specification = "0.50_1.0"
    ran(log, pod, "02-03T10:00:00", "02-03T10:16:40")
    assert (bill().listed, bill().billed) == (Decimal("0.0445000"), Decimal("0.0445"))
    line = bill().lines[0]
    assert line.seconds == 1000


def test_pods_of_one_workload_and_size_share_a_line_and_labels_part_them(log: Log) -> None:
    owner = {"kind": "Job", "name": "train", "uid": "job-1"}
    for number, team in enumerate(("red", "red", "blue")):
        pod = Labelled(uid=f"u{number}", name=f"p{number}", owner=owner, labels={"team": team, "job-name": "train"})
        ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    told = {line.labels["team"]: line.seconds for line in bill().lines}
    assert told == {"red": 20, "blue": 10}
    assert all(set(line.labels) == {"team"} for line in bill().lines), "what controllers find their pods by is no label"
    assert LabelSet.objects.count() == 2


def test_what_is_relabelled_later_stays_billed_as_it_began(log: Log) -> None:
    pod = Labelled(labels={"team": "red"})
    log.change(pod, pullStartedAt=when("02-03T10:00:00"))
    pod.labels = {"team": "blue"}
    log.delete(pod, finishedAt=when("02-03T10:00:10"))
    read()
    assert [dict(line.labels) for line in bill().lines] == [{"team": "red"}]


def test_the_enterprise_project_is_the_namespaces_when_the_pod_began(log: Log, pod: Pod) -> None:
    namespace_of_project("42")
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    ran(log, Pod(uid="other", name="other", namespace="elsewhere"), "02-03T10:00:00", "02-03T10:00:10")
    assert {line.namespace: line.project for line in bill().lines} == {"shop": "42", "elsewhere": "0"}


def test_a_pull_that_never_became_a_start_has_a_line_of_its_own(log: Log, pod: Pod) -> None:
    ran(log, Pod(uid="good", name="web-2"), "02-03T10:00:00", "02-03T10:00:20")
    log.change(pod, pullStartedAt=when("02-03T10:00:00"))
    log.delete(pod, finishedAt=when("02-03T10:00:30"))
    read()
    assert {line.activity: line.seconds for line in bill().lines} == {"run": 20, "pull": 30}


def test_days_are_statements_too_and_make_up_the_month(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T23:00:00", "02-04T01:00:00.5")
    days = [bill(Period.parse(f"2026-02-0{day}")) for day in (3, 4)]
    assert [day.seconds for day in days] == [3600, 3601]
    assert sum(day.listed for day in days) == bill().listed


def test_a_month_ends_with_the_hour_of_the_leap_day(log: Log, pod: Pod, clock: Clock) -> None:
    ran(log, pod, "02-28T23:59:30", "03-01T00:00:30")
    assert (bill(FEBRUARY).seconds, bill(MARCH).seconds) == (30, 30)
    leap = Period.parse("2028-02")
    assert (leap.end - leap.start) // DAY == 29


@pytest.mark.parametrize("text", ["2026-13", "2026-2", "26-02", "2026-02-30", "", "yesterday", "0001-01", "1969-12"])
def test_what_is_no_period_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(statements.NoSuchPeriod, match="2026-11-27"):
        Period.parse(text)


def test_a_month_closes_some_hours_into_the_next(log: Log, pod: Pod, clock: Clock) -> None:
    ran(log, pod, "02-28T23:59:30", "02-28T23:59:40")
    assert closing.close_once(now=when("03-01T05:59:59")) == 0
    assert closing.close_once(now=when("03-01T06:00:00")) == 1
    assert closing.close_once(now=when("03-01T06:00:01")) == 0, "once"
    assert (bill().state, bill().seconds, bill().billed) == ("closed", 10, Decimal("0.0018"))
    assert Statement.objects.get().billed == bill().billed


def test_nothing_closes_while_the_meter_is_behind(log: Log, pod: Pod) -> None:
    ran(log, Pod(uid="gone", name="gone"), "02-03T10:00:00", "02-03T10:00:10")
    log.change(pod, pullStartedAt=when("02-28T20:00:00"))
    assert closing.close_once(now=when("03-01T07:00:00")) == 0, "an entry is not read"
    read()
    assert closing.close_once(now=when("03-01T07:00:00")) == 0, "hours are not settled"
    meter.settle_once(now=when("03-01T07:00:00"))
    assert closing.close_once(now=when("03-01T07:00:00")) == 1


def test_a_late_end_is_a_line_of_the_open_month_that_names_what_it_corrects(log: Log, pod: Pod, clock: Clock) -> None:
    late_end(log, pod, clock)
    (line,) = bill(MARCH).lines
    assert (line.corrects, line.seconds, line.listed) == (FEBRUARY, -1800, -1800 * Decimal("0.000178"))
    (part,) = statements.pods("acme", line, MARCH)
    assert (part.uid, part.seconds, part.corrections) == (pod.uid, -1800, 1)
    correction = UsageSegment.objects.exclude(corrects=None).get()
    assert UsageSegment.objects.filter(id=correction.corrects).exists()


def test_a_closed_month_never_changes(log: Log, pod: Pod, clock: Clock) -> None:
    before = late_end(log, pod, clock)
    assert (bill(FEBRUARY).lines, bill(FEBRUARY).billed) == (before.lines, before.billed)
    assert statements.computed("acme", FEBRUARY).lines == before.lines
    ran(log, Pod(uid="unheard", name="unheard"), "02-05T10:00:00", "02-05T10:00:10")
    assert bill(FEBRUARY).lines == before.lines
    assert [line.seconds for line in bill(MARCH).lines if line.workload_name == "unheard"] == [10]


def test_both_months_are_proven_with_the_correction_between_them(log: Log, pod: Pod, clock: Clock) -> None:
    late_end(log, pod, clock)
    assert [proofs.of("acme", period).differences for period in (FEBRUARY, MARCH)] == [(), ()]


def test_the_present_may_be_behind_the_close_when_a_clock_was_set_back(log: Log, pod: Pod, clock: Clock) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("02-28T23:00:00"))
    ran(log, Pod(uid="late", name="late"), "02-03T10:00:00", "02-03T10:00:10")
    assert (bill(FEBRUARY).seconds, bill(MARCH).seconds) == (10, 10)


def test_a_crash_between_shutting_and_writing_is_made_good(log: Log, pod: Pod, monkeypatch: Any) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    with monkeypatch.context() as broken:
        broken.setattr(StatementLine.objects, "bulk_create", lambda *_, **__: 1 / 0)
        assert closing.close_once(now=when("03-01T06:00:00")) == 0
    assert (Statement.objects.count(), ClosedMonth.objects.count(), bill().state) == (0, 1, "closing")
    assert closing.close_once(now=when("03-01T06:00:30")) == 1
    assert (bill().state, proofs.of("acme", FEBRUARY).proven) == ("closed", True)


def test_each_account_has_its_own_statement(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    ran(log, Pod(uid="theirs", name="theirs", account="other"), "02-03T10:00:00", "02-03T10:00:20")
    assert closing.close_once(now=when("03-01T06:00:00")) == 2
    assert {account: bill(account=account).seconds for account in ("acme", "other")} == {"acme": 10, "other": 20}
    assert bill(account="nobody").lines == ()


def test_an_account_without_a_statement_yet_keeps_no_other_from_its_own(log: Log, pod: Pod, monkeypatch: Any) -> None:
    ran(log, pod, "02-01T00:00:00", "02-01T01:00:00")
    ran(log, Pod(uid="theirs", name="theirs", account="zeta"), "02-01T00:00:00", "02-01T01:00:00")
    real = closing._write

    def write(account: str, month: Instant) -> int:
        if account == "acme":
            raise ValueError
        return real(account, month)

    monkeypatch.setattr(closing, "_write", write)
    assert closing.close_once(now=when("03-01T06:00:00")) == 1


def test_a_chore_of_the_manager_that_fails_keeps_no_other_from_being_done() -> None:
    done: list[str] = []

    manager.do_all({"rooms": lambda: 1 / 0, "months": lambda: done.append("months")})
    assert done == ["months"]


def test_months_come_in_order_and_the_present_one_is_there(log: Log, pod: Pod, clock: Clock) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("04-02T00:00:00"))
    sums = statements.month_sums("acme")
    assert [(one.period.name, one.state, one.seconds) for one in sums] == [
        ("2026-04", "open", 0),
        ("2026-02", "closed", 10),
    ]
    assert [one.seconds for one in statements.month_sums("acme", within=["elsewhere"])] == [0, 0]


def test_who_may_not_see_a_namespace_sees_nothing_of_its_lines(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    ran(log, Pod(uid="b", name="b", namespace="batch"), "02-03T10:00:00", "02-03T10:00:20")
    seen = statements.read("acme", FEBRUARY, within={"batch"})
    assert ([line.namespace for line in seen.lines], seen.seconds, seen.hidden) == (["batch"], 20, 1)
    assert statements.namespaces("acme") == ["batch", "shop"]


def test_charts_add_up_to_the_ledger_by_hour_day_and_month(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    for unit, first in (("hour", "02-03T10:00:00"), ("day", "02-03T00:00:00"), ("month", "02-01T00:00:00")):
        found = statements.series("acme", unit, since=when("02-01T00:00:00"), until=when("03-01T00:00:00"))  # type: ignore[arg-type]
        assert (min(found), sum(found.values())) == (when(first), Decimal("1.2816"))


def test_a_total_that_is_not_its_segments_is_named(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    with connection.cursor() as somebody:
        somebody.execute("UPDATE billing_daytotal SET seconds = 11")
    (said,) = proofs.of("acme", FEBRUARY).differences
    assert "shop/web-1" in said and "11 s in 1 segments; the ledger has 10 s in 1" in said


def test_a_kept_line_that_was_changed_is_named(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    closing.close_once(now=when("03-01T06:00:00"))
    with connection.cursor() as somebody:
        somebody.execute("UPDATE billing_statementline SET seconds = 11")
    (said,) = proofs.of("acme", FEBRUARY).differences
    assert "the statement says 11 s, 0.0020, the days come to 10 s, 0.0018" in said


def test_reading_the_log_again_adds_nothing_to_the_days(log: Log, pod: Pod) -> None:
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    MeteredPod.objects.all().delete()
    meter.apply(log.entries * 3)
    assert (DayTotal.objects.get().seconds, DayTotal.objects.get().segments) == (7200, 3)


class Labelled(Pod):
    def __init__(self, *, labels: dict[str, str], **rest: Any) -> None:
        super().__init__(**rest)
        self.labels = labels

    def object(self) -> dict[str, Any]:
        found = super().object()
        return {**found, "metadata": {**found["metadata"], "labels": self.labels}}


def namespace_of_project(project: str) -> None:
    data = f'{{"metadata": {{"name": "shop", "labels": {{"sys_enterprise_project_id": "{project}"}}}}}}'
    place = {"account": "acme", "kind": "Namespace", "namespace": "", "name": "shop"}
    Object.objects.create(
        **place, uid="ns-1", revision=1, created=instants.moment(when("01-01T00:00:00")), data=data.encode()
    )


def late_end(log: Log, pod: Pod, clock: Clock) -> Bill:
    """A pod settled through February, which is closed; then it turns out to have ended half an hour before its end.
    Returns February's statement from before that."""
    log.change(pod, pullStartedAt=when("02-28T20:00:00"), startedAt=when("02-28T20:00:01"))
    read()
    meter.settle_once(now=when("03-01T00:02:00"))
    closing.close_once(now=when("03-01T06:00:00"))
    before = bill(FEBRUARY)
    clock(when("03-02T09:00:00"))
    log.delete(pod, finishedAt=when("02-28T23:30:00"))
    read()
    assert before.seconds == 4 * HOUR // SECOND
    assert months.closed_until() == MARCH.start
    return before


def test_a_label_set_is_named_by_what_it_says() -> None:
    assert daytotals.digest({"b": "2", "a": "1"}) == daytotals.digest({"a": "1", "b": "2"}) != daytotals.digest({})
