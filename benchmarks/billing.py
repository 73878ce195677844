"""A month of a million segments and ten thousand running pods: what a statement and a live total take.

`python -m benchmarks.billing [segments] [pods] [rounds]`

On SQLite and on PostgreSQL, each beside a plain SUM over the same rows by the database's own driver, in turns: of the
ledger's rate x seconds for the statement, of the running pods' seconds for the live total. What both say is compared
before anything is timed. The aims: a statement within a second, live totals within 50 ms.

Last, ten thousand lives of 1 to 60 s are metered by processes that are killed with SIGKILL at random: what the ledger
sums up to, against the truth.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.figures import report, take_turns
from tests.postgres import cluster

ROOT = Path(__file__).parents[1]
ACCOUNT, MONTH = "bench", "2026-10"
HOURS, WORKLOADS, NAMESPACES = 720, 200, 10
STATEMENT, LIVE = "month's statement", "live total of running pods"
SUM_LEDGER, SUM_PODS = "SUM over the ledger's rows", "SUM over the pods' rows"


_WHO = "account, namespace, pod, workload_kind, workload_name, workload_uid"
_SIZE = "region, flavor, cpu_millis, memory_mib, gpu_model, gpu_count"


def main(segments: int = 1_000_000, pods: int = 10_000, rounds: int = 7) -> None:
    with tempfile.TemporaryDirectory() as home:
        _measured(home, "", segments, pods, rounds)
    with tempfile.TemporaryDirectory() as home, cluster() as url:
        _measured(home, url, segments, pods, rounds)
    with tempfile.TemporaryDirectory() as home:
        _killed(home)


def _killed(home: str, lives: int = 10_000) -> None:
    print(f"{lives:,} lives of 1 to 60 s under a meter that is killed:", flush=True)
    command = [sys.executable, "-m", "tests.billing.metering", str(lives), "7"]
    subprocess.run(command, cwd=ROOT, env=_environment(home, ""), check=True)


def _measured(home: str, url: str, segments: int, pods: int, rounds: int) -> None:
    """Each database in a process of its own: Django's settings are read once."""
    command = [sys.executable, "-m", "benchmarks.billing", "inside", str(segments), str(pods), str(rounds)]
    subprocess.run(command, cwd=ROOT, env=_environment(home, url), check=True)


def _environment(home: str, url: str) -> dict[str, str]:
    ours = {"CCI_DATA_DIR": home, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "console.settings"}
    return {**os.environ, **ours}


def inside(segments: int, pods: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from billing import client, instants
    from billing.client import Period

    call_command("migrate", verbosity=0)
    begun = time.perf_counter()
    _fill(segments, pods)
    took = time.perf_counter() - begun
    print(f"{connection.vendor}: {segments:,} segments, {pods:,} running pods, made in {took:.0f} s", flush=True)
    month = Period.parse(MONTH)
    at = instants.moment(month.end - instants.SECOND)

    def statement() -> Decimal:
        return client.bill(ACCOUNT, month).listed

    def live() -> Decimal:
        return client.total(ACCOUNT, at=at).accrued

    ledger = (
        "SELECT SUM(rate * seconds) FROM billing_usagesegment "  # noqa: S608
        f"WHERE account = '{ACCOUNT}' AND start >= {month.start}"
    )
    running = (
        f"SELECT SUM(({month.end - instants.SECOND} - started + 999999) / 1000000) FROM billing_meteredpod "  # noqa: S608
        f"WHERE account = '{ACCOUNT}' AND finished IS NULL"
    )
    driver = _driver()
    scale = Decimal("1e-10") if connection.vendor == "sqlite" else Decimal(1)
    summed = Decimal(driver(ledger)) * scale
    assert statement() == summed, (statement(), summed)
    assert live() == summed + Decimal(driver(running)) * Decimal("0.000178"), live()
    for ours, peer, once, plain in ((STATEMENT, SUM_LEDGER, statement, ledger), (LIVE, SUM_PODS, live, running)):
        contenders = {peer: lambda plain=plain: _timed(lambda: driver(plain)), ours: lambda once=once: _timed(once)}
        report(take_turns(contenders, rounds=rounds, between=lambda: None), peers=(peer,))
    _prove(month)


def _prove(month: Any) -> None:
    """The days' totals, by which the month is summed, are the ledger's."""
    from billing import daytotals

    wrong = daytotals.prove(ACCOUNT, since=month.start, until=month.end)
    print(f"days' totals against the ledger: {len(wrong)} differences")
    assert not wrong, wrong[:3]


def _timed(once: Callable[[], Any]) -> float:
    before = time.perf_counter()
    once()
    return time.perf_counter() - before


def _driver() -> Callable[[str], Any]:
    """The first value of a question, asked of the driver's own connection."""
    from django.db import connection

    connection.ensure_connection()

    def ask(question: str) -> Any:
        cursor = connection.connection.cursor()
        try:
            return cursor.execute(question).fetchone()[0]
        finally:
            cursor.close()

    return ask


def _fill(segments: int, pods: int) -> None:
    """Pods that run the whole month, of many workloads in a few namespaces, and pods that began in its last hour; made
    by the database, as the meter would have."""
    from django.db import connection, transaction

    from billing import instants, rating, sizes
    from billing.client import Period

    priced = "cn-north-4", rating.Size("general-computing", 2000, 4096)
    sizes.remember([priced])
    is_sqlite = connection.vendor == "sqlite"
    start = Period.parse(MONTH).start
    lives = -(-segments // HOURS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE place (workload INTEGER, day INTEGER, total VARCHAR(32))")
        _days(cursor, start, lives)
        numbers = (
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
            if is_sqlite
            else "WITH n(i) AS (SELECT generate_series(0, {count} - 1))"
        )
        number = "printf('%032x', i)" if is_sqlite else "lpad(to_hex(i), 32, '0')::uuid"
        total = "place.total" if is_sqlite else "place.total::uuid"
        rate = "1780000" if is_sqlite else "0.000178"
        name = f"(i / {HOURS}) % {WORKLOADS}"
        hour = f"CAST({start} AS BIGINT) + (i % {HOURS}) * CAST({instants.HOUR} AS BIGINT)"
        size = "'cn-north-4', 'general-computing', 2000, 4096, '', 0"
        no = "0" if is_sqlite else "FALSE"
        cursor.execute(
            f"{numbers.format(count=lives * HOURS)} INSERT INTO billing_usagesegment (id, {_WHO}, {_SIZE}, pod_uid, "  # noqa: S608
            'seq, start, "end", seconds, currency, rate, activity, estimated, corrects, day_total, revision, recorded) '
            f"SELECT {number}, '{ACCOUNT}', 'ns-' || ({name} % {NAMESPACES}), 'pod-' || (i / {HOURS}), 'Deployment', "
            f"'web-' || ({name}), 'uid-' || ({name}), {size}, 'pod-uid-' || (i / {HOURS}), i % {HOURS}, {hour}, "
            f"{hour} + {instants.HOUR}, 3600, 'CNY', {rate}, 'run', {no}, NULL, {total}, 1, '2026-11-01 00:00:00' "
            f"FROM n JOIN place ON place.workload = {name} AND place.day = (i % {HOURS}) / 24"
        )
        began = f"CAST({start + (HOURS + 23) * instants.HOUR} AS BIGINT) + i * CAST(300000 AS BIGINT)"
        cursor.execute(
            f"{numbers.format(count=pods)} INSERT INTO billing_meteredpod (uid, priced_size, {_WHO}, {_SIZE}, "  # noqa: S608
            "started, ran, finished, estimated, currency, rate_at_start, settled_until, accrued, next_seq, revision, "
            "evidence, label_set, project, free_pull, lost) "
            f"SELECT 'run-' || i, {sizes.number(*priced)}, '{ACCOUNT}', 'ns-' || (i % {NAMESPACES}), "
            f"'pod-' || i, 'Deployment', 'web-' || (i % {WORKLOADS}), 'uid-' || (i % {WORKLOADS}), {size}, {began}, "
            f"{began}, NULL, {no}, 'CNY', {rate}, {began}, 0, 0, 1, '{{}}', '', '0', {no}, {no} FROM n"
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _days(cursor: Any, start: int, lives: int) -> None:
    """One total a workload and day, as `daytotals.add` makes them."""
    from billing import daytotals, instants
    from billing.daytotals import Key

    for workload in range(min(WORKLOADS, lives)):
        count = len(range(workload, lives, WORKLOADS))
        for day in range(HOURS // 24):
            key = Key(
                account=ACCOUNT,
                day=start + day * instants.DAY,
                namespace=f"ns-{workload % NAMESPACES}",
                workload_kind="Deployment",
                workload_name=f"web-{workload}",
                workload_uid=f"uid-{workload}",
                region="cn-north-4",
                flavor="general-computing",
                cpu_millis=2000,
                memory_mib=4096,
                gpu_model="",
                gpu_count=0,
                currency="CNY",
                rate=Decimal("0.000178"),
                vcpu_rate=Decimal("0.000098"),
                memory_rate=Decimal("0.00008"),
                activity="run",
                project="0",
                label_set="",
                corrects_month=0,
            )
            daytotals.add([(key, 0)])
            number = key.id.hex
            place = "UPDATE billing_daytotal SET seconds = %s, segments = %s WHERE id = %s"
            cursor.execute(place, [count * 24 * 3600, count * 24, daytotals._uuid(number)])
            cursor.execute("INSERT INTO place VALUES (%s, %s, %s)", [workload, day, number])


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(*(int(word) for word in sys.argv[2:]))
    else:
        main(*(int(word) for word in sys.argv[1:]))
