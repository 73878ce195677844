"""Budgets and balances speak of what is left to pay: resource packages pay first, in the hour that runs, too."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django import Settings

from billing import client, instants, meter
from billing.budgets import door, watcher
from billing.budgets.models import Crossing
from billing.instants import DAY, HOUR, SECOND
from billing.packages import door as packages
from billing.statements import Period
from iam.identities import MASTERS, Identity
from iam.models import Account
from tests import manifests
from tests.billing.lives import START
from tests.billing.test_budgets import POD, Clock, made, runs, shop
from workloads.client import Client
from workloads.meta.errors import Refused

__all__ = ["shop"]
pytestmark = pytest.mark.django_db

CORES, GIB = Decimal("0.25") * Decimal("0.000049"), Decimal("0.00002")
"""What a second of the smallest pod's core and memory cost."""
OPERATOR = Identity("demo", "root", groups=(MASTERS,), actions=("cci:*:*", "iam:*:*"))


@pytest.fixture(autouse=True)
def operator(db: None, settings: Settings, clock: Clock) -> None:
    settings.OPERATOR_ACCOUNT = "demo"
    Account.objects.get_or_create(name="acme")


def granted(hours: str, *, item: str = "vcpu") -> None:
    ends = instants.moment(instants.day(START) + 20 * DAY)
    packages.grant(OPERATOR, packages.Wish("acme", "some", item, Decimal(hours), ends=ends))


def test_what_a_package_pays_for_is_not_spent_whether_it_is_settled_or_not(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    granted("100")
    runs(shop, "one", since=START)
    made(alice, "10")

    clock(START + 2 * HOUR)
    before = door.budget(alice, "team").spending
    meter.settle_once(now=START + 2 * HOUR)
    after = door.budget(alice, "team").spending
    assert before.spent == after.spent == 7200 * GIB
    assert after.covered == 7200 * CORES
    assert (after.per_second, after.course.listed_per_second) == (GIB, POD)


def test_a_settlement_that_nobody_has_looked_at_yet_changes_nothing(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    granted("100")
    runs(shop, "one", since=START)
    made(alice, "10")
    clock(START + HOUR)
    door.budget(alice, "team")

    meter.settle_once(now=START + HOUR)
    clock(START + HOUR + 10 * SECOND)
    assert door.budget(alice, "team").spending.spent == 3610 * GIB


def test_when_a_package_runs_out_the_list_price_begins_and_the_watcher_knows_it(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    granted("0.25")
    runs(shop, "one", since=START)
    made(alice, str(3600 * GIB + 100 * POD), thresholds=(100,))

    assert watcher.look().next == START + 3700 * SECOND
    clock(START + 3699 * SECOND)
    assert watcher.look().crossed == 0
    clock(START + 3700 * SECOND)
    watcher.look()
    assert Crossing.objects.get().spent == 3600 * GIB + 100 * POD


def test_a_budget_and_the_statement_say_the_same(alice: Identity, shop: Client, clock: Clock) -> None:
    granted("0.5")
    granted("1.2", item="memory")
    runs(shop, "one", since=START)
    runs(shop, "two", since=START + 777 * SECOND)
    made(alice, "10")

    clock(START + 3 * HOUR)
    meter.settle_once(now=START + 3 * HOUR)
    bill = client.bill("acme", Period.parse("2026-02"))
    known = door.budget(alice, "team").spending
    unsettled = 2 * (START + 3 * HOUR - instants.hour(START + 3 * HOUR)) // SECOND * POD
    assert bill.covered > 0
    assert known.spent == bill.listed - bill.covered + unsettled


def test_what_packages_will_pay_for_needs_no_room_in_a_budget(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, str(300 * 2 * GIB), action="stop")
    granted("100")

    shop.create("Deployment", manifests.deployment("web", replicas=2), "shop")
    with pytest.raises(Refused, match=r"spent 0 of 0\.012 CNY after resource packages"):
        shop.create("Pod", manifests.pod("one"), "shop")
    granted("100", item="memory")
    shop.create("Deployment", manifests.deployment("many", replicas=200), "shop")


def test_packages_that_do_not_reach_for_all_that_is_asked_for_do_not_count(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    granted("0.05")
    made(alice, str(300 * 2 * GIB + 1 * CORES), action="stop")

    with pytest.raises(Refused):
        shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")
    shop.create("Deployment", manifests.deployment("web", replicas=2), "shop")
    shop.create("Namespace", manifests.namespace("lab"))
    shop.create("Deployment", manifests.deployment("big", replicas=9), "lab")
    with pytest.raises(Refused):
        shop.create("Pod", manifests.pod("one"), "shop")
