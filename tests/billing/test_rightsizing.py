"""Advice to take a smaller size: from what was really used, never below it, and only when enough is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import rightsizing
from billing.rating import Rate
from billing.rightsizing import Advice
from tests import manifests
from workloads.client import JSON, UsedHour
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Specification
from workloads.meta import buckets
from workloads.meta.quantity import MIB
from workloads.store.usagehours import Used

START = datetime(2026, 2, 3, tzinfo=UTC)


def price(size: Specification) -> Rate:
    return Rate("CNY", Decimal(size.cpu_millis) * Decimal("0.000000049") + size.memory_gib * Decimal("0.00002"))


def week(*, cpu: int, memory_mib: int, hours: int = 48, container: str = "app", burst: int = 0) -> list[UsedHour]:
    """Each hour 100 readings of `cpu` millicores; `burst` is one more reading in the first."""
    found = []
    for number in range(hours):
        counts = {buckets.bucket(cpu): 100}
        peak = burst if number == 0 and burst else cpu
        if peak != cpu:
            counts[buckets.bucket(peak)] = 1
        used = Used(sum(counts.values()), peak, memory_mib * MIB, counts)
        found.append(UsedHour(container, START + timedelta(hours=number), used))
    return found


def advised(hours: list[UsedHour], *, kind: str = "Deployment") -> Advice:
    current = Specification(4000, 8)
    template: JSON = manifests.deployment("web")["spec"]["template"]
    return rightsizing.advise(kind, template, hours, current=current, grid=podspecs.DEFAULT, price=price)


def test_the_cheapest_size_that_holds_what_was_used_is_advised() -> None:
    advice = advised(week(cpu=700, memory_mib=1500))

    assert advice.specification == Specification(1000, 2)
    assert advice.rate == price(Specification(1000, 2))


def test_memory_goes_by_its_peak_with_a_fifth_left_free() -> None:
    assert advised(week(cpu=100, memory_mib=1800)).specification == Specification(500, 3)
    assert advised(week(cpu=100, memory_mib=1700)).specification == Specification(250, 2)


def test_cpu_goes_by_its_95th_percentile_not_by_one_burst() -> None:
    advice = advised(week(cpu=200, memory_mib=500, burst=3900))

    assert advice.specification == Specification(250, 1)
    assert advice.needs[0].cpu_peak == 3900


def test_nothing_below_what_was_seen_is_advised() -> None:
    advice = advised(week(cpu=3900, memory_mib=7900))

    assert advice.specification is None
    assert advice.why == "it is as small as its use allows"


@pytest.mark.parametrize(("hours", "kind"), [(23, "Deployment"), (4, "CronJob")])
def test_with_little_evidence_there_is_no_advice_and_it_says_how_little(hours: int, kind: str) -> None:
    advice = advised(week(cpu=100, memory_mib=100, hours=hours), kind=kind)

    assert advice.specification is None
    assert f"{hours} of" in advice.why


def test_a_container_that_was_never_seen_forbids_advice() -> None:
    assert advised(week(cpu=100, memory_mib=100, container="other")).specification is None


def test_the_patch_gives_each_container_what_it_needs() -> None:
    patch = rightsizing.patch("Deployment", advised(week(cpu=700, memory_mib=1500)))

    template = patch["spec"]["template"]
    assert template["metadata"]["annotations"] == {"resource.cci.io/pod-size-specs": "1.00_2.0"}
    amounts = {"cpu": "1000m", "memory": "2048Mi"}
    assert template["spec"]["containers"] == [{"name": "app", "resources": {"requests": amounts, "limits": amounts}}]


def test_percentiles_are_never_told_too_low_and_at_most_a_twentieth_too_high() -> None:
    for value in (1, 2, 7, 99, 250, 1000, 63999):
        told = buckets.percentile({buckets.bucket(value): 3}, 95)
        assert value <= told <= value * 1.05 + 1
