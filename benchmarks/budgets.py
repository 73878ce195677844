"""Budgets with ten thousand running pods: what admission adds to a write, and how late the last threshold is seen.

`python -m benchmarks.budgets [pods] [rounds]`

On SQLite and on PostgreSQL. A pod is created in accounts of the same size, in turns: one without budgets, one with a
budget that stops, one with resource packages, too. Then a budget is made that is used up within seconds, the watcher
runs as it does beside the meter, and what was spent when 100 % was written down is told in seconds of the burn rate.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.figures import report, take_turns
from tests.postgres import cluster

ROOT = Path(__file__).parents[1]
DEPLOYMENTS, WRITES, SECONDS = 200, 40, 4
PLAIN, CAPPED, PACKED = "create without budgets", "with a budget that stops", "with resource packages, too"
ACCOUNTS = {PLAIN: "plain", CAPPED: "capped", PACKED: "packed"}


def main(pods: int = 10_000, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as home:
        _measured(home, "", pods, rounds)
    with tempfile.TemporaryDirectory() as home, cluster() as url:
        _measured(home, url, pods, rounds)


def _measured(home: str, url: str, pods: int, rounds: int) -> None:
    """Each database in a process of its own: Django's settings are read once."""
    ours = {"CCI_DATA_DIR": home, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "console.settings"}
    command = [sys.executable, "-m", "benchmarks.budgets", "inside", str(pods), str(rounds)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **ours}, check=True)


def inside(pods: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    doors = {name: _account(account, pods) for name, account in ACCOUNTS.items()}
    _budgets()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{connection.vendor}: {pods:,} running pods in each account", flush=True)
    contenders = {name: _writes(door) for name, door in doors.items()}
    for once in contenders.values():
        once()
    report(take_turns(contenders, rounds=WRITES, between=lambda: None), peers=(PLAIN,))
    _overshoot(rounds)


def _account(account: str, pods: int) -> Any:
    """Its namespace, the Deployments that ask for its pods, and the pods as the meter knows them."""
    from billing import instants, prices, rating, sizes
    from billing.models import MeteredPod
    from iam.identities import Identity
    from iam.models import Account
    from tests import manifests
    from workloads.client import Client

    Account.objects.get_or_create(name=account)
    door = Client(Identity(account, "bench", actions=("cci:*:*",)))
    door.create("Namespace", manifests.namespace("shop"))
    each = -(-pods // DEPLOYMENTS)
    for number in range(DEPLOYMENTS):
        door.create("Deployment", manifests.deployment(f"web-{number}", replicas=each), "shop")
    size, now = rating.Size("general-computing", 250, 1024), instants.now()
    rate = rating.rate_or_nothing(prices.current(), size, now).per_second
    rows = [
        MeteredPod(
            uid=f"{account}-{number}",
            priced_size=sizes.number(prices.current().region, size),
            account=account,
            namespace="shop",
            pod=f"web-{number}",
            workload_kind="Deployment",
            workload_name=f"web-{number % DEPLOYMENTS}",
            workload_uid=f"{account}-web-{number % DEPLOYMENTS}",
            region=prices.current().region,
            flavor=size.flavor,
            cpu_millis=size.cpu_millis,
            memory_mib=size.memory_mib,
            started=now,
            ran=now,
            settled_until=now,
            currency="CNY",
            rate_at_start=rate,
            revision=1,
        )
        for number in range(pods)
    ]
    sizes.remember([(prices.current().region, size)])
    MeteredPod.objects.bulk_create(rows, batch_size=1000)
    return door


def _budgets() -> None:
    """Large enough for all of it."""
    from datetime import timedelta

    from django.conf import settings

    from billing import instants
    from billing.budgets import door
    from billing.packages import door as packages
    from iam.identities import MASTERS, Identity

    for account in (ACCOUNTS[CAPPED], ACCOUNTS[PACKED]):
        by = Identity(account, "bench", actions=("cci:*:*",))
        door.create(by, door.Wish("all", amount=Decimal(1_000_000), action="stop"))
    operator = Identity(settings.OPERATOR_ACCOUNT, "root", groups=(MASTERS,), actions=("cci:*:*", "iam:*:*"))
    ends = instants.moment(instants.hour(instants.now())) + timedelta(days=30)
    for item in packages.ITEMS:
        packages.grant(operator, packages.Wish(ACCOUNTS[PACKED], item, item, Decimal(10_000_000), ends=ends))


def _writes(door: Any) -> Callable[[], float]:
    """Each creates another pod."""
    from tests import manifests

    numbers = itertools.count()

    def once() -> float:
        pod = manifests.pod(f"one-{next(numbers)}")
        before = time.perf_counter()
        door.create("Pod", pod, "shop")
        return time.perf_counter() - before

    return once


def _overshoot(rounds: int) -> None:
    from django.db import connection

    from billing.budgets import door, watcher
    from billing.budgets.models import Budget, Crossing
    from iam.identities import Identity

    by, stop = Identity(ACCOUNTS[CAPPED], "bench", actions=("cci:*:*",)), threading.Event()
    late: list[float] = []
    watching = threading.Thread(target=watcher.run, args=(stop,))
    watching.start()
    for number in range(rounds):
        known = door.budget(by, "all").spending
        amount = (known.spent + SECONDS * known.per_second).quantize(Decimal("1e-10"))
        made = door.create(by, door.Wish(f"soon-{number}", amount=amount, action="stop")).budget
        while (found := Crossing.objects.filter(budget=made, threshold=100).first()) is None:
            time.sleep(0.05)
        late.append(float((found.spent - amount) / known.per_second))
        Budget.objects.filter(pk=made.pk).delete()
    stop.set()
    watching.join()
    connection.close()
    said = ", ".join(f"{one:.2f}" for one in late)
    print(f"past the amount when 100 % was written down, in seconds of the burn rate: {said}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(*(int(word) for word in sys.argv[2:]))
    else:
        main(*(int(word) for word in sys.argv[1:]))
