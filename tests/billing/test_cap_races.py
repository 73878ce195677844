"""Several create at once: the last money is taken once. On SQLite here, on PostgreSQL with all of billing's tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection

from billing.budgets import door
from billing.budgets.door import Wish
from iam.identities import Identity
from tests import manifests
from tests.billing.test_budgets import POD
from workloads.client import Client
from workloads.meta.errors import Refused


@pytest.mark.django_db(transaction=True)
def test_of_many_creates_at_once_only_those_pass_that_fit(alice: Identity) -> None:
    Client(alice).create("Namespace", manifests.namespace("shop"))
    wish = Wish("team", scope="namespace", namespace="shop", amount=Decimal(300 * 3 * POD), action="stop")
    door.create(alice, wish)

    def create(number: int) -> bool:
        try:
            Client(alice).create("Deployment", manifests.deployment(f"web-{number}", replicas=1), "shop")
        except Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as several:
        passed = list(several.map(create, range(16)))
    assert passed.count(True) == 3
    assert Client(alice).count("Deployment", "shop") == 3
