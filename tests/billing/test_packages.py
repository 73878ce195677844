"""Resource packages pay first: in which order, how far, anew each month, and the same however closely one looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from billing import closing, instants, meter, proofs, statements
from billing.instants import DAY, HOUR, Instant
from billing.packages import door
from billing.packages.covering import Grant, Pool, Span, Use, walk
from billing.packages.door import Wish
from billing.packages.models import Package, PackageUse
from billing.statements import BillLine, Period
from iam.errors import Missing, NotAdministrator, NotOperator, WrongFields
from iam.identities import MASTERS, Identity
from iam.models import Account, AuditEntry
from tests.billing.lives import Log, Pod

pytestmark = pytest.mark.django_db

Clock = Callable[[Instant], None]

FEBRUARY, MARCH = Period.parse("2026-02"), Period.parse("2026-03")
OPERATOR = Identity("demo", "root", groups=(MASTERS,), actions=("cci:*:*", "iam:*:*"))
ALICE = Identity("acme", "alice")
CORE_SECOND, GIB_SECOND = Decimal("0.000049"), Decimal("0.00002")


def when(text: str) -> Instant:
    return instants.parse(f"2026-{text}Z")


@pytest.fixture
def february(db: None, clock: Clock, settings: Settings) -> None:
    settings.OPERATOR_ACCOUNT = "demo"
    Account.objects.get_or_create(name="acme")
    clock(when("02-01T00:00:00"))


def granted(hours: str, *, item: str = "vcpu", ends: str = "03-01T00:00:00", **rest: Any) -> Package:
    return door.grant(OPERATOR, Wish("acme", "some", item, Decimal(hours), ends=instants.moment(when(ends)), **rest))


def ran(log: Log, pod: Pod, start: str, end: str) -> None:
    log.change(pod, pullStartedAt=when(start), startedAt=when(start))
    log.delete(pod, finishedAt=when(end))
    while meter.read_once():
        pass


def line(period: Period = FEBRUARY, *, namespace: str = "") -> BillLine:
    (found,) = (one for one in statements.read("acme", period).lines if namespace in ("", one.namespace))
    return found


def test_a_core_hour_pays_for_the_cores_and_not_for_the_memory(february: None, log: Log, pod: Pod) -> None:
    granted("4")
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    found = line()
    assert (found.vcpu_covered, found.memory_covered, found.listed) == (7200, 0, Decimal("1.2816"))
    assert found.covered == 7200 * 2 * CORE_SECOND
    assert found.billed == 7200 * 4 * GIB_SECOND


def test_both_items_together_leave_nothing_to_pay(february: None, log: Log, pod: Pod) -> None:
    granted("100")
    granted("100", item="memory")
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    assert (line().billed, statements.read("acme", FEBRUARY).billed) == (0, 0)


def test_what_runs_out_pays_to_the_second(february: None, log: Log, pod: Pod) -> None:
    """One core-hour is half an hour of two cores: 1,800 of 7,200 seconds."""
    granted("1")
    ran(log, pod, "02-03T10:09:06", "02-03T12:09:06")
    assert line().vcpu_covered == 1800
    (view,) = door.packages(ALICE)
    assert (view.used, view.left) == (1, 0)


def test_the_second_in_which_it_runs_out_is_still_paid(february: None, log: Log, pod: Pod) -> None:
    granted("0.01")
    pod.specification = "5.00_10.0"
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:20")
    assert line().vcpu_covered == 8, "36 core-seconds are 7.2 seconds of 5 cores"


def test_packages_pay_across_namespaces_in_the_order_of_the_ledger(february: None, log: Log) -> None:
    granted("1")
    ran(log, Pod(uid="late", name="late", namespace="a"), "02-03T10:20:00", "02-03T10:50:00")
    ran(log, Pod(uid="early", name="early", namespace="b"), "02-03T10:00:00", "02-03T10:20:00")
    assert (line(namespace="b").vcpu_covered, line(namespace="a").vcpu_covered) == (1200, 600)


def test_what_is_lost_first_is_used_first_then_what_was_bought_first(february: None, log: Log, pod: Pod) -> None:
    long, first, second = granted("1", ends="05-01T00:00:00"), granted("1"), granted("1")
    ran(log, pod, "02-03T10:00:00", "02-03T10:45:00")
    used = {view.number: view.used for view in door.packages(ALICE)}
    assert used == {first.pk: 1, second.pk: Decimal("0.5"), long.pk: 0}


def test_nothing_is_paid_before_it_starts_nor_from_its_end_on(february: None, log: Log, pod: Pod) -> None:
    granted("100", starts=instants.moment(when("02-03T11:00:00")), ends="02-03T12:00:00")
    ran(log, pod, "02-03T10:00:00", "02-03T13:00:00")
    assert line().vcpu_covered == 3600


def test_a_monthly_package_begins_anew_and_what_was_left_is_gone(
    february: None, log: Log, pod: Pod, clock: Clock
) -> None:
    granted("3", ends="05-01T00:00:00", monthly=True)
    ran(log, pod, "02-28T23:00:00", "03-01T02:00:00")
    assert (line(FEBRUARY).vcpu_covered, line(MARCH).vcpu_covered) == (3600, 5400)
    clock(when("03-01T03:00:00"))
    (view,) = door.packages(ALICE)
    assert (view.used, view.left, view.next_reset) == (3, 0, instants.moment(when("04-01T00:00:00")))


def test_another_package_goes_on_where_the_month_ended(february: None, log: Log, pod: Pod) -> None:
    granted("3", ends="05-01T00:00:00")
    ran(log, pod, "02-28T23:00:00", "03-01T02:00:00")
    assert (line(FEBRUARY).vcpu_covered, line(MARCH).vcpu_covered) == (3600, 1800)
    closing.close_once(now=when("03-01T06:00:00"))
    assert PackageUse.objects.get().units == 2 * 3600 * 1000
    assert (line(FEBRUARY).vcpu_covered, line(MARCH).vcpu_covered) == (3600, 1800)
    assert [proofs.of("acme", period).differences for period in (FEBRUARY, MARCH)] == [(), ()]


def test_a_correction_gives_back_what_was_billed_and_no_more(february: None, log: Log, pod: Pod, clock: Clock) -> None:
    """Of 4 settled hours the package paid the cores of 2.25; the pod had ended after 2: 900 s were not billed."""
    granted("4.5")
    log.change(pod, pullStartedAt=when("02-28T20:00:00"), startedAt=when("02-28T20:00:00"))
    while meter.read_once():
        pass
    meter.settle_once(now=when("03-01T00:02:00"))
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("03-02T09:00:00"))
    log.delete(pod, finishedAt=when("02-28T22:00:00"))
    meter.read_once()
    assert (line(FEBRUARY).seconds, line(FEBRUARY).vcpu_covered) == (4 * 3600, 8100)
    back = line(MARCH)
    assert (back.seconds, back.vcpu_covered) == (-7200, -900)
    assert back.billed == -(6300 * 2 * CORE_SECOND + 7200 * 4 * GIB_SECOND)
    assert [proofs.of("acme", period).differences for period in (FEBRUARY, MARCH)] == [(), ()]


def test_what_is_heard_late_is_paid_by_the_open_months_packages(
    february: None, log: Log, pod: Pod, clock: Clock
) -> None:
    ran(log, pod, "02-03T10:00:00", "02-03T10:00:10")
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("03-02T09:00:00"))
    granted("1", ends="04-01T00:00:00")
    ran(log, Pod(uid="unheard", name="unheard"), "02-05T10:00:00", "02-05T10:00:20")
    assert (line(MARCH).vcpu_covered, line(FEBRUARY).vcpu_covered) == (20, 0)


def test_many_corrections_of_a_closed_month_cost_no_more_questions_than_few(
    february: None, log: Log, clock: Clock
) -> None:
    granted("100")
    pods = [Pod(uid=f"uid-{number}", name=f"web-{number}") for number in range(5)]
    for pod in pods:
        log.change(pod, pullStartedAt=when("02-28T23:00:00"))
    meter.read_once()
    meter.settle_once(now=when("03-01T00:02:00"))
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("03-02T09:00:00"))
    asked = []
    for some in (pods[:1], pods[1:]):
        for pod in some:
            log.change(pod, finishedAt=when("02-28T23:30:00"))
        meter.read_once()
        with CaptureQueriesContext(connection) as queries:
            back = statements.read("acme", MARCH)
        asked.append(len(queries))
    assert (sum(one.vcpu_covered for one in back.lines), asked[0]) == (-5 * 1800, asked[1])


def test_what_is_heard_late_and_taken_back_on_the_same_day_is_paid_once(
    february: None, log: Log, pod: Pod, clock: Clock
) -> None:
    """A lost host's pod: closed at 20:00, then it seems to have run until midnight, then its end at 21:00 is heard."""
    log.change(pod, pullStartedAt=when("02-28T19:00:00"), finishedAt=when("02-28T20:00:00"))
    meter.read_once()
    closing.close_once(now=when("03-01T06:00:00"))
    clock(when("03-01T08:00:00"))
    granted("100", ends="04-01T00:00:00")
    for end in ("03-01T00:00:00", "02-28T21:00:00"):
        log.change(pod, finishedAt=when(end))
        meter.read_once()
    assert (line(MARCH).seconds, line(MARCH).vcpu_covered) == (3600, 3600)
    assert [view.used for view in door.packages(ALICE)] == [2]


def test_a_free_pull_takes_nothing_of_a_package_and_is_not_paid_twice(
    february: None, log: Log, pod: Pod, settings: Settings
) -> None:
    settings.BILL_FAILED_PULLS = False
    granted("100")
    log.change(pod, pullStartedAt=when("02-03T10:00:00"))
    log.delete(pod, finishedAt=when("02-03T11:00:00"))
    meter.read_once()
    assert (line().seconds, line().vcpu_covered, line().covered, line().billed) == (3600, 0, 0, 0)
    assert [view.used for view in door.packages(ALICE)] == [0]


def test_a_package_that_was_ended_pays_until_the_next_hour(february: None, log: Log, pod: Pod, clock: Clock) -> None:
    package = granted("100")
    clock(when("02-03T10:30:00"))
    door.end(OPERATOR, package.pk)
    ran(log, pod, "02-03T10:00:00", "02-03T12:00:00")
    assert line().vcpu_covered == 3600
    clock(when("02-03T12:00:00"))
    assert [view.state for view in door.packages(ALICE)] == ["over"]


def test_only_the_operator_grants_and_ends_and_it_is_in_the_trail(february: None) -> None:
    with pytest.raises(NotOperator):
        door.grant(ALICE, Wish())
    package = granted("1")
    with pytest.raises(NotOperator):
        door.end(ALICE, package.pk)
    with pytest.raises(Missing):
        door.end(OPERATOR, 999_999)
    trail = AuditEntry.objects.filter(kind="Package").values_list("account", "action", "outcome")
    assert ("demo", "cci:package:create", "done") in trail
    assert ("acme", "cci:package:create", "denied") in trail


def test_an_account_sees_its_own_and_needs_the_right_to(february: None) -> None:
    package = granted("1")
    assert door.package(ALICE, package.pk).hours == 1
    with pytest.raises(Missing):
        door.package(Identity("other", "charlie"), package.pk)
    with pytest.raises(NotAdministrator):
        door.packages(Identity("acme", "bob", actions=("cci:pod:*",)))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("account", {"account": "nobody"}),
        ("name", {"name": " "}),
        ("item", {"item": "disk"}),
        ("hours", {"hours": Decimal(0)}),
        ("hours", {"hours": Decimal("0.001")}),
        ("hours", {"hours": None}),
        ("starts", {"starts": instants.moment(when("01-31T23:00:00"))}),
        ("starts", {"starts": instants.moment(when("02-02T00:30:00"))}),
        ("ends", {"ends": None}),
        ("ends", {"ends": instants.moment(when("01-31T00:00:00"))}),
    ],
)
def test_a_wrong_wish_names_its_field(february: None, field: str, change: dict[str, Any]) -> None:
    wish = Wish("acme", "some", "vcpu", Decimal(1), ends=instants.moment(when("03-01T00:00:00")))
    with pytest.raises(WrongFields) as refusal:
        door.grant(OPERATOR, Wish(**{**wish.__dict__, **change}))
    assert list(refusal.value.fields) == [field]


uses = st.lists(
    st.tuples(st.integers(0, 47), st.sampled_from([250, 1000, 2000, 5000]), st.integers(0, 3600)), max_size=30
)
purchases = st.lists(
    st.tuples(st.integers(0, 20_000_000), st.integers(0, 40), st.integers(1, 50), st.booleans()), max_size=4
)


@given(uses, purchases)
def test_however_closely_one_looks_the_same_is_paid(used: list[Any], bought: list[Any]) -> None:
    """By day and hour where that is enough, and segment by segment all the time."""
    start = FEBRUARY.start
    grants = [
        Grant(number, units, start + begin * HOUR, start + (begin + hours) * HOUR, start + 90 * DAY, monthly)
        for number, (units, begin, hours, monthly) in enumerate(bought)
    ]
    ordered = sorted((hour, number, size, seconds) for number, (hour, size, seconds) in enumerate(used))

    def segments(hour: int) -> Iterator[Span[Any]]:
        for at, number, size, seconds in ordered:
            if at == hour:
                yield Span(start + at * HOUR, start + (at + 1) * HOUR, [Use(number, size, seconds)])

    def hours(day: int) -> Iterator[Span[Any]]:
        for hour in range(day * 24, day * 24 + 24):
            inside = [span.uses[0] for span in segments(hour)]
            yield Span(start + hour * HOUR, start + (hour + 1) * HOUR, inside, partial(segments, hour))

    def days() -> Iterator[Span[Any]]:
        for day in (0, 1):
            inside = [use for span in hours(day) for use in span.uses]
            yield Span(start + day * DAY, start + (day + 1) * DAY, inside, partial(hours, day))

    quick, close = Pool(grants), Pool(grants)
    paid: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
    walk(quick, days(), paid[0])
    walk(close, (span for hour in range(48) for span in segments(hour)), paid[1])
    told = [{key: seconds for key, seconds in one.items() if seconds} for one in paid]
    taken = [{number: units for number, units in one.used.items() if units} for one in (quick, close)]
    assert told[0] == told[1]
    assert taken[0] == taken[1]
    assert all(quick.left_of(grant) >= 0 for grant in grants)
