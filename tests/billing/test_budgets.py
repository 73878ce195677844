"""A budget says what is spent, tells of each threshold once, and refuses what would carry it past its amount."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from billing import instants, meter
from billing.budgets import door, spending, watcher
from billing.budgets.door import Wish
from billing.budgets.models import Budget, Crossing
from billing.instants import HOUR, SECOND, Instant
from billing.models import Price
from iam.errors import Busy, Missing, NotAdministrator, WrongFields
from iam.identities import Identity
from iam.models import AuditEntry
from tests import manifests
from tests.billing.lives import START
from workloads.client import JSON, Client, WriteOptions
from workloads.meta.errors import Refused

pytestmark = pytest.mark.django_db
Clock = Callable[[Instant], None]

POD = Decimal("0.00003225")
"""A second of the smallest pod, which manifests without resources get."""


@pytest.fixture
def shop(alice: Identity) -> Client:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    return client


def runs(client: Client, name: str, *, since: Instant) -> JSON:
    """A bare pod that the node has started and the meter has seen."""
    pod = client.create("Pod", manifests.pod(name), "shop").obj
    told = {"status": {"lifecycle": {"pullStartedAt": instants.text(since)}}}
    node = Client(Identity.controller("pods", client.identity.account))
    node.patch("Pod", name, told, "application/merge-patch+json", "shop", subresource="status")
    while meter.read_once():
        pass
    return pod


def made(by: Identity, amount: str, **rest: object) -> Budget:
    wish = Wish(name="team", scope="namespace", namespace="shop", amount=Decimal(amount), **rest)  # type: ignore[arg-type]
    return door.create(by, wish).budget


def test_a_budget_has_spent_what_the_ledger_says_of_its_scope(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, "10")

    clock(START + 100 * SECOND)
    view = door.budget(alice, "team")
    assert view.spending.spent == 100 * POD
    assert view.spending.per_second == POD


def test_a_total_counts_from_when_it_was_made(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    clock(START + 50 * SECOND)
    made(alice, "10", period="total")

    clock(START + 2 * HOUR)
    meter.settle_once(now=START + 2 * HOUR)
    assert door.budget(alice, "team").spending.spent == (7200 - 50) * POD


def test_a_daily_budget_begins_anew_at_midnight_utc(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, "10", period="daily")

    midnight = instants.day(START) + 24 * HOUR
    clock(midnight + 10 * SECOND)
    assert door.budget(alice, "team").spending.spent == 10 * POD


def test_each_threshold_is_told_once(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD))
    for seconds in (40, 50, 60, 80, 99, 100, 150):
        clock(START + seconds * SECOND)
        watcher.look()
        watcher.look()

    told = list(Crossing.objects.order_by("pk").values_list("threshold", "spent"))
    assert told == [(50, 50 * POD), (80, 80 * POD), (100, 100 * POD)]
    events = [event["message"] for event in shop.list("Event", "shop").items if event["reason"].startswith("Budget")]
    assert len(events) == 3
    assert "budget team (namespace shop, monthly): 50 % is spent" in events[0]


def test_the_watcher_knows_to_the_second_when_the_next_threshold_comes(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD), period="total")

    clock(START + 10 * SECOND)
    assert watcher.look().next == START + 50 * SECOND


def test_a_moment_that_was_known_is_kept_without_any_news(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD), period="total")
    watching = watcher.Watcher()
    watching.look()

    clock(START + 30 * SECOND)
    assert watching.look().crossed == 0
    clock(START + 50 * SECOND)
    assert (watching.look().crossed, watching.was_due) == (1, True)
    clock(START + 100 * SECOND)
    assert watching.look().crossed == 2


def test_what_begins_in_one_account_has_no_budget_of_another_added_up(
    alice: Identity, charlie: Identity, shop: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(alice, "10")
    Client(charlie).create("Namespace", manifests.namespace("shop"))
    made(charlie, "10")
    asked, add_up = list[str](), spending.of
    monkeypatch.setattr(spending, "of", lambda budget, at=None: asked.append(budget.account) or add_up(budget, at))
    watching = watcher.Watcher()
    watching.look()
    watching.look()
    runs(shop, "one", since=START)
    watching.look()

    assert asked == [*sorted([alice.account, charlie.account]), alice.account]


def test_a_coming_price_is_a_moment_at_which_all_is_looked_at(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD), period="total")
    begins = instants.moment(START + 20 * SECOND)
    Price.objects.create(region="cn-north-4", item="vcpu", currency="CNY", amount=1, effective_from=begins)
    watching = watcher.Watcher()
    watching.look()
    clock(START + 20 * SECOND + 1)

    assert watching.all_at == START + 20 * SECOND
    assert watching.look().crossed == 3


def test_a_budget_in_the_place_of_another_one_is_news(alice: Identity, shop: Client) -> None:
    made(alice, "10")
    before = watcher._news()

    door.delete(alice, "team")
    made(alice, "1")
    assert watcher._news() != before


def test_what_stands_still_wakes_nobody_before_the_period_ends(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, "10", period="total")

    assert watcher.look().next is None


def test_a_pod_that_does_not_fit_is_refused_with_what_would(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, str(300 * 3 * POD), action="stop")

    with pytest.raises(Refused) as refused:
        shop.create("Deployment", manifests.deployment("web", replicas=4), "shop")
    body = refused.value.body()
    assert (body["code"], body["errorCode"]) == (403, "CCI.01.403110")
    assert "budget team (namespace shop, monthly) has spent 0 of" in body["message"]
    assert "3 more pods of this size would fit" in body["message"]
    shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")


def test_a_dry_run_is_refused_alike(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, str(POD), action="stop")

    with pytest.raises(Refused):
        shop.create("Pod", manifests.pod("one"), "shop", options=WriteOptions(dry_run=True))


def test_scaling_up_is_refused_and_scaling_down_is_not(alice: Identity, shop: Client, clock: Clock) -> None:
    shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")
    made(alice, str(POD), action="stop")

    with pytest.raises(Refused):
        shop.patch("Deployment", "web", {"spec": {"replicas": 4}}, "application/merge-patch+json", "shop")
    shop.patch(
        "Deployment", "web", {"spec": {"replicas": 1}}, "application/merge-patch+json", "shop", subresource="scale"
    )
    assert shop.get("Deployment", "web", "shop")["spec"]["replicas"] == 1


def renewed(image: str, **strategy: object) -> JSON:
    """A patch that makes a Deployment's pods old."""
    return {
        "spec": {
            "template": {"metadata": {"annotations": {"image": image}}},
            **({"strategy": {"rollingUpdate": strategy}} if strategy else {}),
        }
    }


def test_an_update_is_asked_for_the_pods_that_it_runs_meanwhile(alice: Identity, shop: Client, clock: Clock) -> None:
    shop.create("Deployment", manifests.deployment("web", replicas=4), "shop")
    made(alice, str(300 * 4 * POD), action="stop")

    with pytest.raises(Refused, match=r"with the 1 pod that the update runs meanwhile \(maxSurge\)") as refused:
        shop.patch("Deployment", "web", renewed("two"), "application/merge-patch+json", "shop")
    assert "With maxSurge 0 and maxUnavailable 1" in refused.value.message
    steps = renewed("two", maxSurge=0, maxUnavailable=1)
    shop.patch("Deployment", "web", steps, "application/merge-patch+json", "shop")


def test_pods_of_an_update_under_way_count_until_it_is_through(alice: Identity, shop: Client, clock: Clock) -> None:
    shop.create("Deployment", manifests.deployment("web", replicas=4), "shop")
    made(alice, str(300 * 5 * POD), action="stop")
    hand = Client(Identity.controller("deployments", "acme"))

    def seen(**status: int) -> None:
        told = {"status": {"observedGeneration": 9, **status}}
        hand.patch("Deployment", "web", told, "application/merge-patch+json", "shop", subresource="status")

    seen(replicas=5, updatedReplicas=3)
    with pytest.raises(Refused):
        shop.create("Pod", manifests.pod("one"), "shop")
    seen(replicas=4, updatedReplicas=4)
    shop.create("Pod", manifests.pod("one"), "shop")


def test_scaling_down_during_an_update_is_never_held_up(alice: Identity, shop: Client, clock: Clock) -> None:
    shop.create("Deployment", manifests.deployment("web", replicas=4), "shop")
    made(alice, str(POD), action="stop")

    smaller = {"spec": {"replicas": 2, **renewed("two")["spec"]}}
    shop.patch("Deployment", "web", smaller, "application/merge-patch+json", "shop")
    assert shop.get("Deployment", "web", "shop")["spec"]["replicas"] == 2


def test_what_was_admitted_counts_before_any_of_it_runs(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, str(300 * 2 * POD), action="stop")
    shop.create("Pod", manifests.pod("one"), "shop")
    shop.create("Pod", manifests.pod("two"), "shop")

    with pytest.raises(Refused):
        shop.create("Pod", manifests.pod("three"), "shop")
    shop.delete("Pod", "one", "shop")
    shop.create("Pod", manifests.pod("three"), "shop")


def test_pods_of_a_running_replica_set_are_replaced_when_the_budget_is_used_up(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD), action="stop")
    clock(START + 200 * SECOND)

    hand = Client(Identity.controller("replicasets", "acme"))
    hand.create("Pod", manifests.pod("web-2"), "shop")
    with pytest.raises(Refused, match="it is used up"):
        shop.create("Pod", manifests.pod("two"), "shop")


def test_a_budget_that_only_notifies_refuses_nothing(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, str(POD), action="notify")

    shop.create("Deployment", manifests.deployment("web", replicas=9), "shop")


def test_other_namespaces_and_accounts_are_not_held_up(
    alice: Identity, charlie: Identity, shop: Client, clock: Clock
) -> None:
    made(alice, str(POD), action="stop")
    shop.create("Namespace", manifests.namespace("lab"))
    shop.create("Pod", manifests.pod("one"), "lab")
    strange = Client(charlie)
    strange.create("Namespace", manifests.namespace("shop"))
    strange.create("Pod", manifests.pod("one"), "shop")


def test_a_raised_amount_opens_what_it_no_longer_reaches(alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    made(alice, str(100 * POD), action="stop")
    clock(START + 100 * SECOND)
    watcher.look()
    assert door.budget(alice, "team").state == "stopped"

    door.change(alice, "team", Wish(amount=150 * POD, action="stop"))
    assert door.budget(alice, "team").crossed == (50,)
    clock(START + 150 * SECOND)
    watcher.look()
    assert door.budget(alice, "team").crossed == (50, 80, 100)


def test_who_may_only_read_changes_nothing_and_the_trail_says_so(alice: Identity, shop: Client, clock: Clock) -> None:
    made(alice, "10")
    rita = Identity("acme", "rita", actions=("cci:*:get", "cci:*:list"))

    assert [view.budget.name for view in door.budgets(rita)] == ["team"]
    for ask in (lambda: door.delete(rita, "team"), lambda: door.change(rita, "team", Wish(amount=Decimal(1)))):
        with pytest.raises(NotAdministrator):
            ask()
    trail = list(AuditEntry.objects.filter(kind="Budget").order_by("id").values_list("user", "action", "outcome"))
    assert trail == [
        ("alice", "cci:budget:create", "done"),
        ("rita", "cci:budget:delete", "denied"),
        ("rita", "cci:budget:update", "denied"),
    ]


def test_budgets_of_another_account_do_not_exist(alice: Identity, charlie: Identity, shop: Client) -> None:
    made(alice, "10")

    assert door.budgets(charlie) == []
    with pytest.raises(Missing):
        door.budget(charlie, "team")


def test_everything_that_is_wrong_is_said_at_its_field(alice: Identity, shop: Client) -> None:
    wish = Wish(name="Team!", scope="workload", namespace="nowhere", period="yearly", thresholds=(0,), action="shout")

    with pytest.raises(WrongFields) as wrong:
        door.create(alice, wish)
    fields = {"name", "namespace", "workloadKind", "workloadName", "period", "amount", "thresholds", "action"}
    assert set(wrong.value.fields) == fields


def test_a_change_that_was_overtaken_is_refused(alice: Identity, shop: Client) -> None:
    before = made(alice, "10")
    door.change(alice, "team", Wish(amount=Decimal(20)))

    with pytest.raises(Busy):
        door.change(alice, "team", Wish(amount=Decimal(30)), version=before.version)


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "-Infinity", "1e9999999", "1e-9999999", "-1e29", "-1", "0"])
def test_what_is_no_amount_is_refused_at_its_field(alice: Identity, shop: Client, amount: str) -> None:
    made(alice, "10")
    Budget.objects.update(suspended=START)

    for ask in (
        lambda: door.create(alice, Wish("other", amount=Decimal(amount))),
        lambda: door.change(alice, "team", Wish(amount=Decimal(amount))),
        lambda: door.resume(alice, "team", amount=Decimal(amount)),
    ):
        with pytest.raises(WrongFields) as wrong:
            ask()
        assert "must be a number above 0" in wrong.value.fields["amount"]


@pytest.mark.parametrize("name", ["", "Dear customer, call this number", "web\nSubject: x", "web\0", "a" * 254])
def test_a_workload_has_a_name_that_a_workload_may_have(alice: Identity, shop: Client, name: str) -> None:
    """It stands in mails."""
    with pytest.raises(WrongFields) as wrong:
        door.create(alice, Wish("team", "workload", "shop", "Deployment", name, amount=Decimal(1)))
    assert set(wrong.value.fields) == {"workloadName"}
