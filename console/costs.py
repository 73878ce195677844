"""Sums of money that lists show beside their rows; of very many pods they are some seconds old (`console.dear`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from billing import client as billing
from billing.client import Meter
from console.access import Visit
from console.dear import KEPT
from console.rows import Row


def of_rows(visit: Visit, rows: Iterable[Row]) -> Mapping[str, Meter]:
    """By the workload's uid, of these workloads: as new as their page."""
    return billing.by_workload(visit.identity.account, (row.uid for row in rows))


def by_namespace(visit: Visit) -> Mapping[str, Meter]:
    account = visit.identity.account
    return KEPT.get(("namespaces", account), lambda: billing.by_namespace(account))


def month(visit: Visit) -> Meter:
    account, scope = visit.identity.account, visit.scope
    return KEPT.get(("total", account, scope), lambda: billing.total(account, namespace=scope))
