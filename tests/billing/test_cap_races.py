"""Several at once: money is taken once, told once and frozen once. On SQLite here, on PostgreSQL with all of billing's
tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import TypeVar

import pytest
from django.db import connection
from pytest_django import Settings

from billing import instants
from billing.balances import door as balances
from billing.balances.models import Credit, Purse
from billing.budgets import door, promises, watcher
from billing.budgets.door import Wish
from billing.budgets.models import Crossing, Delivery
from billing.instants import SECOND
from iam.errors import IamError, WrongFields
from iam.identities import MASTERS, Identity
from iam.models import Account
from tests import manifests
from tests.billing.test_budgets import POD, runs
from workloads.client import Client
from workloads.meta.errors import Refused

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")


def together(acts: list[Callable[[], T]], *, hands: int = 8) -> list[T | Exception]:
    """What each gave, or was refused with; each hand has a connection of its own."""

    def done(act: Callable[[], T]) -> T | Exception:
        try:
            return act()
        except (Refused, IamError) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as several:
        return list(several.map(done, acts))


def passed(found: list[T | Exception]) -> int:
    return sum(not isinstance(one, Exception) for one in found)


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    promises._known.clear()
    yield
    promises._known.clear()


@pytest.fixture
def shop(alice: Identity) -> Client:
    Client(alice).create("Namespace", manifests.namespace("shop"))
    return Client(alice)


@pytest.fixture
def operator(settings: Settings) -> Identity:
    settings.OPERATOR_ACCOUNT = "demo"
    for name in ("acme", "demo"):
        Account.objects.get_or_create(name=name)
    return Identity("demo", "olga", groups=(MASTERS,), actions=("cci:*:*", "iam:*:*"))


def budget(alice: Identity, pods: int, *, action: str = "stop", **rest: object) -> None:
    amount = Decimal(300 * pods * POD)
    door.create(alice, Wish("team", amount=amount, action=action, **rest))  # type: ignore[arg-type]


def test_of_many_creates_at_once_only_those_pass_that_fit(alice: Identity, shop: Client) -> None:
    budget(alice, 3, scope="namespace", namespace="shop")

    names = [f"web-{number}" for number in range(16)]
    creates = [partial(shop.create, "Deployment", manifests.deployment(name, replicas=1), "shop") for name in names]
    assert passed(together(creates)) == 3
    assert shop.count("Deployment", "shop") == 3


def test_two_namespaces_take_the_accounts_last_money_once(alice: Identity, shop: Client) -> None:
    shop.create("Namespace", manifests.namespace("lab"))
    budget(alice, 4)

    places = [("shop" if number % 2 else "lab", f"one-{number}") for number in range(12)]
    creates = [partial(shop.create, "Pod", manifests.pod(name), namespace) for namespace, name in places]
    assert passed(together(creates)) == 4


def test_scaling_up_at_once_takes_the_last_money_once(alice: Identity, shop: Client) -> None:
    for number in range(8):
        shop.create("Deployment", manifests.deployment(f"web-{number}", replicas=1), "shop")
    budget(alice, 8 + 5)

    more, merge = {"spec": {"replicas": 3}}, "application/merge-patch+json"
    scales = [partial(shop.patch, "Deployment", f"web-{number}", more, merge, "shop") for number in range(8)]
    assert passed(together(scales)) == 2


def test_two_watchers_write_a_threshold_down_once(alice: Identity, shop: Client) -> None:
    runs(shop, "one", since=instants.now() - 100 * SECOND)
    door.create(alice, Wish("team", amount=10 * POD, emails=("a@example.com",), thresholds=(10,)))

    together([watcher.look] * 4, hands=4)
    assert sorted(Crossing.objects.values_list("threshold", flat=True)) == [10, 100]
    assert Delivery.objects.count() == 2


def test_what_is_created_while_the_account_is_being_frozen_does_not_run(
    alice: Identity, operator: Identity, shop: Client, settings: Settings
) -> None:
    settings.ARREARS_GRACE_HOURS = 0
    runs(shop, "one", since=instants.now() - 100 * SECOND)
    balances.set_prepaid(operator, "acme", prepaid=True)
    Purse.objects.update(opening=0)
    watcher.look()  # in arrears from here on

    creates = [
        partial(shop.create, "Deployment", manifests.deployment(f"web-{number}", replicas=1), "shop")
        for number in range(10)
    ]
    together([*creates[:5], watcher.look, *creates[5:], watcher.look])
    watcher.look()
    assert Purse.objects.get().frozen is not None
    assert {one["spec"]["replicas"] for one in shop.list("Deployment", "shop").items} <= {0}
    with pytest.raises(Refused, match="in arrears"):
        shop.create("Deployment", manifests.deployment("late", replicas=1), "shop")


def test_an_account_is_made_prepaid_once(operator: Identity) -> None:
    turn = partial(balances.set_prepaid, operator, "acme", prepaid=True)

    assert passed(together([turn] * 8)) == 8
    assert Purse.objects.get().version == 1


def test_credits_given_at_once_stay_below_the_most(operator: Identity) -> None:
    for _ in range(4):
        balances.credit(operator, "acme", balances.MOST_AMOUNT)

    given = together([partial(balances.credit, operator, "acme", balances.MOST_AMOUNT)] * 6)
    assert passed(given) == 1
    assert {type(one) for one in given} == {Credit, WrongFields}
