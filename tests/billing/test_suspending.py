"""At 100 % a budget may suspend what it speaks of; nothing is deleted, and one click brings it back as it was."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from billing import instants
from billing.budgets import actions, crossings, door, promises, watcher
from billing.budgets.door import Wish
from billing.budgets.models import Budget, Crossing
from billing.instants import HOUR, SECOND, Instant
from iam.errors import Busy, WrongFields
from iam.identities import Identity
from tests import manifests
from tests.billing.lives import START
from tests.billing.test_budgets import POD, runs
from tests.billing.test_budgets import shop as shop
from workloads.client import JSON, Client
from workloads.meta.errors import Refused

pytestmark = pytest.mark.django_db
Clock = Callable[[Instant], None]
MERGE = "application/merge-patch+json"


@pytest.fixture
def at_work(shop: Client, clock: Clock) -> Client:
    """A Deployment of 3 pods, a Job, a CronJob, and a bare pod that has cost 100 seconds."""
    shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")
    shop.create("Job", manifests.job("sum"), "shop")
    shop.create("CronJob", manifests.cronjob("nightly"), "shop")
    runs(shop, "lonely", since=START)
    clock(START + 100 * SECOND)
    return shop


def suspended(alice: Identity, amount: Decimal = 100 * POD, **rest: str) -> None:
    wish = Wish(name="team", scope="namespace", namespace="shop", amount=amount, action="suspend", **rest)  # type: ignore[arg-type]
    door.create(alice, wish)
    watcher.look()


def replicas(client: Client, name: str = "web") -> int:
    return int(client.get("Deployment", name, "shop")["spec"]["replicas"])


def test_all_in_scope_is_suspended_and_nothing_is_deleted(alice: Identity, at_work: Client) -> None:
    suspended(alice)

    assert replicas(at_work) == 0
    assert at_work.get("Job", "sum", "shop")["spec"]["suspend"] is True
    assert at_work.get("CronJob", "nightly", "shop")["spec"]["suspend"] is True
    at_work.get("Pod", "lonely", "shop")
    told = {(one["involvedObject"]["kind"], one["reason"]) for one in at_work.list("Event", "shop").items}
    assert {("Deployment", "Suspended"), ("Job", "Suspended"), ("Pod", "NotSuspended")} <= told


def test_the_page_knows_what_waits_and_what_cannot(alice: Identity, at_work: Client) -> None:
    suspended(alice)

    view = door.budget(alice, "team")
    assert view.state == "suspended"
    assert [(one.kind, one.name, one.replicas) for one in view.suspended] == [
        ("Deployment", "web", 3),
        ("CronJob", "nightly", None),
        ("Job", "sum", None),
    ]
    assert view.bare_pods == [("shop", "lonely")]
    assert [one.name for one in door.alarms(alice)] == ["team"]


def test_a_raised_amount_brings_everything_back_as_it_was(alice: Identity, at_work: Client) -> None:
    suspended(alice)
    door.resume(alice, "team", amount=Decimal(10))
    watcher.look()

    assert replicas(at_work) == 3
    assert at_work.get("Job", "sum", "shop")["spec"]["suspend"] is False
    assert at_work.get("CronJob", "nightly", "shop")["spec"]["suspend"] is False
    assert actions.ANNOTATION not in at_work.get("Deployment", "web", "shop")["metadata"].get("annotations", {})
    assert door.budget(alice, "team").state == "fine"


def test_an_amount_that_would_be_spent_at_once_is_refused_with_the_least(alice: Identity, at_work: Client) -> None:
    suspended(alice)

    with pytest.raises(WrongFields, match="must be at least"):
        door.resume(alice, "team", amount=101 * POD)
    door.resume(alice, "team", amount=door.price_of_resuming(door.budget(alice, "team")).least)


def test_it_comes_back_when_the_period_is_over(alice: Identity, at_work: Client, clock: Clock) -> None:
    suspended(alice, period="daily")
    door.resume(alice, "team", at_end=True)
    watcher.look()
    assert replicas(at_work) == 0

    at_work.delete("Pod", "lonely", "shop")
    Budget.objects.update(amount=Decimal(100))
    clock(START + 24 * 3600 * SECOND)
    watcher.look()
    assert replicas(at_work) == 3


def test_a_person_who_scaled_it_meanwhile_wins(alice: Identity, at_work: Client) -> None:
    suspended(alice)
    door.change(alice, "team", Wish(amount=Decimal(10), action="suspend"))
    at_work.patch("Deployment", "web", {"spec": {"replicas": 2}}, MERGE, "shop")

    door.resume(alice, "team")
    watcher.look()
    assert replicas(at_work) == 2


def test_a_person_who_wants_it_to_stay_at_nothing_wins_too(alice: Identity, at_work: Client) -> None:
    suspended(alice)
    door.change(alice, "team", Wish(amount=Decimal(10), action="suspend"))
    at_work.patch("Deployment", "web", {"spec": {"replicas": 2}}, MERGE, "shop")
    at_work.patch("Deployment", "web", {"spec": {"replicas": 0}}, MERGE, "shop")

    door.resume(alice, "team")
    watcher.look()
    assert replicas(at_work) == 0


def test_while_it_is_suspended_nothing_more_is_started(alice: Identity, at_work: Client) -> None:
    suspended(alice)

    with pytest.raises(Refused, match="it is used up"):
        at_work.patch("Deployment", "web", {"spec": {"replicas": 1}}, MERGE, "shop")


def test_what_another_budget_has_no_money_for_waits(alice: Identity, at_work: Client) -> None:
    door.create(alice, Wish(name="all", amount=101 * POD, action="stop"))
    suspended(alice)
    door.resume(alice, "team", amount=Decimal(10))
    assert watcher.look().waiting
    assert replicas(at_work) == 0

    door.change(alice, "all", Wish(amount=Decimal(10), action="stop"))
    assert not watcher.look().waiting
    assert replicas(at_work) == 3


def test_a_crash_between_the_threshold_and_the_action_loses_nothing(
    alice: Identity, at_work: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(actions, "FOLLOW", (crash,))
        with pytest.raises(SystemExit):
            suspended(alice)
    assert replicas(at_work) == 3
    watcher.look()
    assert replicas(at_work) == 0
    assert Crossing.objects.filter(threshold=100).count() == 1


def test_a_crash_in_the_middle_of_suspending_is_gone_on_with(
    alice: Identity, at_work: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Deployment is suspended, the Job not yet."""
    at_work.create("Deployment", manifests.deployment("api", replicas=2), "shop")
    real, left = actions._patched, iter([True])

    def once(*args: object) -> object:
        if next(left, None) is None:
            raise SystemExit
        return real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as dying:
        dying.setattr(actions, "_patched", once)
        with pytest.raises(SystemExit):
            suspended(alice)
    assert sorted([replicas(at_work, "api"), replicas(at_work)]) != [0, 0]
    watcher.look()
    door.resume(alice, "team", amount=Decimal(10))
    watcher.look()
    assert (replicas(at_work, "api"), replicas(at_work)) == (2, 3)


def test_a_budget_that_holds_something_is_not_deleted(alice: Identity, at_work: Client) -> None:
    suspended(alice)

    with pytest.raises(Busy, match="resume it first"):
        door.delete(alice, "team")


def test_a_budget_of_one_workload_leaves_the_others_alone(alice: Identity, shop: Client, clock: Clock) -> None:
    shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")
    shop.create("Deployment", manifests.deployment("api", replicas=2), "shop")
    wish = Wish("web", "workload", "shop", "Deployment", "web", amount=Decimal("0.00000001"), action="suspend")
    made = door.create(alice, wish).budget
    Budget.objects.filter(pk=made.pk).update(opening=Decimal(-1), period="total")

    watcher.look()
    assert (replicas(shop, "web"), replicas(shop, "api")) == (0, 2)


STRANGER = {"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": "x", "controller": True}


def of_a_stranger(manifest: JSON, **said: str) -> JSON:
    """Says of itself that something else looks after it."""
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": [{**STRANGER, **said}]}}


def test_an_owner_that_somebody_wrote_keeps_nothing_from_being_suspended(
    alice: Identity, shop: Client, clock: Clock
) -> None:
    shop.create("Deployment", of_a_stranger(manifests.deployment("web", replicas=3)), "shop")
    shop.create("Job", of_a_stranger(manifests.job("sum")), "shop")
    shop.create("Pod", of_a_stranger(manifests.pod("alone")), "shop")
    runs(shop, "lonely", since=START)
    clock(START + 100 * SECOND)
    suspended(alice)

    assert replicas(shop) == 0
    assert shop.get("Job", "sum", "shop")["spec"]["suspend"] is True
    assert door.budget(alice, "team").bare_pods == [("shop", "lonely"), ("shop", "alone")]
    door.resume(alice, "team", amount=Decimal(10))
    watcher.look()
    assert replicas(shop) == 3


def test_a_replica_set_is_left_to_its_deployment_only_where_that_is(
    alice: Identity, at_work: Client, clock: Clock
) -> None:
    uid = at_work.get("Deployment", "web", "shop")["metadata"]["uid"]
    said = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    for name, owner in (("its", uid), ("another", "gone")):
        manifest = {**manifests.deployment(name), "kind": "ReplicaSet"}
        at_work.create("ReplicaSet", of_a_stranger(manifest, **said, uid=owner), "shop")
    suspended(alice)

    sets = {one["metadata"]["name"]: one["spec"]["replicas"] for one in at_work.list("ReplicaSet", "shop").items}
    assert (sets["its"] > 0, sets["another"]) == (True, 0)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_names_a_strange_owner_counts_on_the_same_money(alice: Identity, shop: Client, is_known: bool) -> None:
    """Whether it is carried along or counted anew."""
    made = door.create(alice, Wish("team", amount=Decimal(10), action="stop")).budget
    promises._known.clear()
    assert promises.pods(made) == {}
    shop.create("Deployment", of_a_stranger(manifests.deployment("web", replicas=3)), "shop")
    shop.create("Pod", of_a_stranger(manifests.pod("alone")), "shop")
    if not is_known:
        promises._known.clear()

    assert sum(promises.pods(made).values()) == 4


def test_a_budget_that_begins_to_hold_something_is_not_deleted(
    alice: Identity, at_work: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher suspends between the look and the deletion."""
    found, real = door._found, door._may
    suspended(alice, Decimal(10))
    stale = found(alice, "get", "team")
    monkeypatch.setattr(door, "_found", lambda *_: stale)
    monkeypatch.setattr(door, "_may", lambda *given: Budget.objects.update(suspended=START) and real(*given))

    with pytest.raises(Busy, match="resume it first"):
        door.delete(alice, "team")
    assert Budget.objects.count() == 1


def used_up_and_not_acted_upon(alice: Identity, monkeypatch: pytest.MonkeyPatch, **rest: str) -> Crossing:
    """As the watcher has read it, before it does what follows."""
    with monkeypatch.context() as waiting:
        waiting.setattr(actions, "FOLLOW", ())
        suspended(alice, **rest)
    Crossing.objects.update(acted=False)
    return Crossing.objects.select_related("budget").get(threshold=100)


def test_what_a_deleted_budget_would_suspend_runs_on(
    alice: Identity, at_work: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossing = used_up_and_not_acted_upon(alice, monkeypatch)
    door.delete(alice, "team")

    actions.suspend(crossing)
    assert replicas(at_work) == 3


def test_what_a_budget_that_was_raised_meanwhile_would_suspend_runs_on(
    alice: Identity, at_work: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossing = used_up_and_not_acted_upon(alice, monkeypatch)
    door.change(alice, "team", Wish(amount=Decimal(10), action="suspend"))

    actions.suspend(crossing)
    assert (replicas(at_work), door.budget(alice, "team").state) == (3, "fine")


def test_a_threshold_of_yesterday_suspends_nothing_today(
    alice: Identity, at_work: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up_and_not_acted_upon(alice, monkeypatch, period="daily")
    clock(instants.day(START) + 24 * HOUR)

    crossings.follow(actions.FOLLOW)
    assert (replicas(at_work), Budget.objects.get().suspended) == (3, None)
