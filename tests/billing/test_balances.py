"""A prepaid account runs on its credits: at nothing a grace period begins, then it is frozen, and a credit thaws it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from billing import instants, meter
from billing.balances import door, funds
from billing.balances.models import Credit, CreditsOnlyGrow, Purse
from billing.budgets import actions, cap, watcher
from billing.instants import HOUR, SECOND, Instant
from billing.packages import door as packages
from iam.errors import NotAdministrator, WrongFields
from iam.identities import Identity
from iam.models import Account, AuditEntry
from tests import manifests
from tests.billing.lives import START
from tests.billing.test_budgets import POD, runs
from tests.billing.test_budgets import shop as shop
from workloads.client import Client
from workloads.kinds import registry
from workloads.meta.errors import Refused
from workloads.meta.keys import Key

pytestmark = pytest.mark.django_db
Clock = Callable[[Instant], None]
FULL = ("cci:*:*", "iam:*:*")
GRACE = 24 * HOUR


@pytest.fixture
def operator(settings: Settings) -> Identity:
    settings.OPERATOR_ACCOUNT = "demo"
    for name in ("demo", "aaa", "acme", "other"):
        Account.objects.get_or_create(name=name)
    return Identity("demo", "olga", actions=FULL)


@pytest.fixture
def at_work(operator: Identity, shop: Client, clock: Clock) -> Client:
    """A prepaid account with money for 100 seconds of the pod that runs, and a Deployment."""
    runs(shop, "one", since=START)
    shop.create("Deployment", manifests.deployment("web", replicas=3), "shop")
    door.set_prepaid(operator, "acme", True)
    door.credit(operator, "acme", 100 * POD, note="the first")
    return shop


def replicas(client: Client) -> int:
    return int(client.get("Deployment", "web", "shop")["spec"]["replicas"])


def test_every_account_is_post_paid_until_the_operator_says_otherwise(alice: Identity, shop: Client) -> None:
    assert door.balance(alice).state == "post-paid"
    watcher.look()
    shop.create("Pod", manifests.pod("two"), "shop")


def test_what_is_left_is_credits_less_cost(alice: Identity, at_work: Client, clock: Clock) -> None:
    clock(START + 40 * SECOND)

    view = door.balance(alice)
    assert view.funds is not None
    assert (view.state, view.funds.left) == ("paid", 60 * POD)
    assert watcher.look().next == START + 100 * SECOND


def test_what_was_used_before_does_not_count(operator: Identity, alice: Identity, shop: Client, clock: Clock) -> None:
    runs(shop, "one", since=START)
    clock(START + 50 * SECOND)
    door.set_prepaid(operator, "acme", True)
    door.credit(operator, "acme", 100 * POD)

    clock(START + 60 * SECOND)
    assert door.balance(alice).funds.left == 90 * POD  # type: ignore[union-attr]


def test_turning_it_off_and_on_forgives_nothing(
    operator: Identity, alice: Identity, at_work: Client, clock: Clock
) -> None:
    clock(START + 40 * SECOND)
    door.set_prepaid(operator, "acme", False)
    clock(START + 90 * SECOND)
    door.set_prepaid(operator, "acme", True)

    assert door.balance(alice).funds.left == 60 * POD  # type: ignore[union-attr]


def test_in_the_grace_period_everything_goes_on(alice: Identity, at_work: Client, clock: Clock) -> None:
    clock(START + 100 * SECOND)
    assert watcher.look().next == START + 100 * SECOND + GRACE

    view = door.balance(alice)
    assert view.state == "arrears" and view.grace_ends == instants.moment(START + 100 * SECOND + GRACE)
    at_work.create("Pod", manifests.pod("two"), "shop")
    reasons = {event["reason"] for event in at_work.list("Event", "shop").items}
    assert "Arrears" in reasons


def test_the_state_is_true_before_the_watcher_has_looked(
    operator: Identity, alice: Identity, at_work: Client, clock: Clock
) -> None:
    clock(START + 100 * SECOND)
    before = door.balance(alice)
    assert before.state == "arrears" and before.grace_ends == instants.moment(START + 100 * SECOND + GRACE)

    watcher.look()
    door.credit(operator, "acme", Decimal(1))
    assert door.balance(alice).state == "paid"
    assert door.alarm("acme") is None


def frozen(clock: Clock) -> None:
    clock(START + 100 * SECOND)
    watcher.look()
    clock(START + 100 * SECOND + GRACE)
    watcher.look()


def test_then_what_runs_is_suspended_and_nothing_is_started(alice: Identity, at_work: Client, clock: Clock) -> None:
    frozen(clock)

    assert door.balance(alice).state == "frozen"
    assert replicas(at_work) == 0
    with pytest.raises(Refused) as refused:
        at_work.create("Pod", manifests.pod("two"), "shop")
    assert refused.value.body()["errorCode"] == "CCI.01.403111"
    at_work.create("ConfigMap", {"metadata": {"name": "x"}}, "shop")
    at_work.delete("Pod", "one", "shop")


def test_what_is_asked_for_while_the_account_is_being_frozen_is_refused_as_well(
    alice: Identity, at_work: Client, clock: Clock
) -> None:
    """Admission has looked before; the write looks again."""
    pod = {"kind": "Pod", **manifests.pod("two")}
    guards = cap.guards(registry.kind("Pod"), Key("acme", "Pod", "shop", "two"), pod, None, alice)
    frozen(clock)

    with pytest.raises(Refused, match="in arrears"):
        for guard in guards:
            guard()


def test_a_credit_brings_everything_back(operator: Identity, alice: Identity, at_work: Client, clock: Clock) -> None:
    frozen(clock)
    door.credit(operator, "acme", Decimal(100))
    watcher.look()

    assert door.balance(alice).state == "paid"
    assert replicas(at_work) == 3
    at_work.create("Pod", manifests.pod("two"), "shop")


def test_a_credit_too_small_brings_nothing_back(operator: Identity, at_work: Client, clock: Clock) -> None:
    frozen(clock)
    door.credit(operator, "acme", POD)
    watcher.look()

    assert replicas(at_work) == 0


def test_post_paid_again_it_is_thawed(operator: Identity, at_work: Client, clock: Clock) -> None:
    frozen(clock)
    door.set_prepaid(operator, "acme", False)
    watcher.look()

    assert replicas(at_work) == 3


def test_a_crash_while_it_is_frozen_is_gone_on_with(
    at_work: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(actions, "suspend_scope", crash)
        with pytest.raises(SystemExit):
            frozen(clock)
    assert (replicas(at_work), Purse.objects.get().frozen is not None) == (3, True)
    watcher.look()
    assert replicas(at_work) == 0


def test_only_the_operator_gives_credit_and_both_trails_say_so(operator: Identity, alice: Identity) -> None:
    with pytest.raises(NotAdministrator):
        door.credit(Identity("acme", "alice", actions=FULL), "acme", Decimal(5))
    door.credit(operator, "acme", Decimal(5))

    trail = set(AuditEntry.objects.filter(kind="Balance").values_list("account", "user", "outcome"))
    assert trail == {("acme", "alice", "denied"), ("demo", "olga", "done"), ("acme", "operator", "done")}


def test_credits_only_grow(operator: Identity) -> None:
    made = door.credit(operator, "acme", Decimal(5))

    for change in (made.save, made.delete, Credit.objects.all().delete):
        with pytest.raises(CreditsOnlyGrow):
            change()


@pytest.mark.parametrize("amount", [None, Decimal(0), Decimal("NaN"), Decimal("Infinity"), Decimal("1e-11")])
def test_what_is_no_amount_is_refused_at_its_field(operator: Identity, amount: Decimal | None) -> None:
    with pytest.raises(WrongFields) as wrong:
        door.credit(operator, "nobody", amount)
    assert set(wrong.value.fields) == {"account", "amount"}


def test_the_host_can_do_it_by_command(operator: Identity, clock: Clock) -> None:
    said = StringIO()
    call_command("balance", "acme", "--prepaid=on", "--credit=12.5", "--note=cash", stdout=said)

    assert "acme  paid  12.5 CNY left" in said.getvalue()
    assert "12.5 CNY  host  cash" in said.getvalue()


def test_what_a_resource_package_pays_for_is_not_taken_from_the_balance(
    operator: Identity, alice: Identity, at_work: Client, clock: Clock
) -> None:
    ends = instants.moment(instants.day(START) + 30 * 24 * HOUR)
    packages.grant(operator, packages.Wish("acme", "some", "vcpu", Decimal(100), ends=ends))
    clock(START + 2 * HOUR)
    meter.settle_once(now=START + 2 * HOUR)

    cores = Decimal("0.25") * 7200 * Decimal("0.000049")
    assert door.balance(alice).funds.spent == 7200 * POD - cores  # type: ignore[union-attr]


def test_credits_together_stay_within_what_can_be_added_up(operator: Identity) -> None:
    for _ in range(5):
        door.credit(operator, "acme", door.MOST_AMOUNT)

    with pytest.raises(WrongFields, match="500,000,000 together"):
        door.credit(operator, "acme", Decimal(1))
    door.credit(operator, "acme", Decimal(-1))
    door.credit(operator, "acme", Decimal(1))


def test_a_balance_that_cannot_be_told_holds_up_no_other(
    operator: Identity, at_work: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.set_prepaid(operator, "aaa", True)
    real = funds.of

    def of(purse: Purse, *at: Instant) -> funds.Funds:
        if purse.account == "aaa":
            raise OverflowError
        return real(purse, *at)

    monkeypatch.setattr(funds, "of", of)
    clock(START + 100 * SECOND)

    assert watcher.look().waiting == 1
    assert Purse.objects.get(account="acme").arrears is not None
