"""Clusters that burst into CCI, as their page shows them: heard of when, what runs for them, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.client import Meter
from console.states import State
from workloads.client import Client
from workloads.kinds import bursting
from workloads.meta.errors import NotFound

JSON = dict[str, Any]

_OFTEN = timedelta(seconds=90)
"""Three heartbeats."""
_MOST_PODS = 1000


@dataclass(frozen=True)
class ClusterRow:
    namespace: str
    state: State
    heard: datetime | None
    grace: timedelta
    pods: int
    """That have not ended; at most `_MOST_PODS` are counted."""
    running: int
    local: int | None
    """That may burst and run in the cluster itself, as it said last; None where it has not said."""
    meter: Meter | None

    @property
    def id(self) -> str:
        return bursting.cluster_of(self.namespace)

    @property
    def more(self) -> bool:
        return self.pods >= _MOST_PODS


def clusters(
    client: Client, namespaces: list[str], costs: dict[str, Meter], *, now: datetime | None = None
) -> list[ClusterRow]:
    """Of those namespaces that belong to clusters; what the visitor may not see of them is left out."""
    moment = now or datetime.now(UTC)
    return [_row(client, name, costs.get(name), moment) for name in namespaces if bursting.is_burst(name)]


def _row(client: Client, namespace: str, meter: Meter | None, now: datetime) -> ClusterRow:
    lease = _lease(client, namespace)
    pods = _pods(client, namespace)
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    alive = sum(phase not in ("Succeeded", "Failed") for phase in phases)
    return ClusterRow(
        namespace=namespace,
        state=of_cluster(lease, pods=alive, now=now),
        heard=bursting.heard(lease) if lease else None,
        grace=bursting.grace(lease or {}),
        pods=alive,
        running=phases.count("Running"),
        local=bursting.local_pods(lease) if lease else None,
        meter=meter,
    )


def of_cluster(lease: JSON | None, *, pods: int, now: datetime) -> State:
    """What is the matter with a cluster whose heartbeat is `lease`."""
    if lease is None:
        return State(_("Not heard of"), _("its add-on has not called yet"), "idle", "hollow")
    silent, grace = now - bursting.heard(lease), bursting.grace(lease)
    minutes = int(silent.total_seconds() // 60)
    if silent <= _OFTEN:
        return State(_("Connected"), tone="ok")
    since = ngettext("silent for %(count)s minute", "silent for %(count)s minutes", minutes) % {"count": minutes}
    advice = _("Look whether the add-on runs, and whether it reaches its cluster and this API.")
    if silent < grace:
        left = int((grace - silent).total_seconds() // 60) + 1
        ends = ngettext("its pods end in %(count)s minute", "its pods end in %(count)s minutes", left)
        sentence = f"{since}, {ends % {'count': left}}" if pods else since
        return State(_("Silent"), sentence, "warn", "triangle", advice=advice)
    sentence = _("%(since)s: its pods are ended") % {"since": since} if pods else since
    return State(_("Gone"), sentence, "bad", "diamond", advice=advice)


def _lease(client: Client, namespace: str) -> JSON | None:
    if not client.may("get", "Lease", namespace):
        return None
    try:
        return client.get("Lease", bursting.LEASE, namespace)
    except NotFound:
        return None


def _pods(client: Client, namespace: str) -> list[JSON]:
    if not client.may("list", "Pod", namespace):
        return []
    return client.list("Pod", namespace, label_selector=bursting.CLUSTER_LABEL, limit=_MOST_PODS).items
