"""Sums of money that lists show beside their rows; of very many pods they are some seconds old (`console.dear`)."""

from __future__ import annotations

from collections.abc import Mapping

from billing import client as billing
from billing.client import Meter
from console.access import Visit
from console.dear import KEPT


def workload_costs(visit: Visit) -> Mapping[str, Meter]:
    """By the workload's uid, in the namespace one is in or in the account."""
    account, scope = visit.identity.account, visit.scope
    return KEPT.get(("workloads", account, scope), lambda: billing.by_workload(account, namespace=scope))


def by_namespace(visit: Visit) -> Mapping[str, Meter]:
    account = visit.identity.account
    return KEPT.get(("namespaces", account), lambda: billing.by_namespace(account))


def month(visit: Visit) -> Meter:
    account, scope = visit.identity.account, visit.scope
    return KEPT.get(("total", account, scope), lambda: billing.total(account, namespace=scope))
