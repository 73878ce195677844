"""Pods that run for a cluster elsewhere end when that cluster is gone: nobody else would end them, or their bill.

The cluster's add-on renews a Lease in the cluster's namespace. When that has been silent for the grace time, the pods
are deleted, with an Event. Silence must be seen twice, `CONFIRM` apart, by one process that was there in between: a
service that was away itself and heard nobody deletes nothing before the clusters had time to be heard again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import bursting
from workloads.meta import times
from workloads.meta.errors import AlreadyExists, Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

CONFIRM = timedelta(seconds=90)
"""Three heartbeats."""
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_AGAIN_SECONDS = 10.0
LONGEST_GOODBYE = 10
"""Seconds that such a pod gets to end itself; they are billed."""
_LABEL = bursting.CLUSTER_LABEL.encode()
_ENDED = ("Succeeded", "Failed")


def controller() -> Controller:
    """What an earlier process saw does not count as seen: this one begins now."""
    look = partial(reconcile, began=datetime.now(UTC))
    return Controller(name=bursting.WARNER, queue="control", keys=keys, reconcile=look, resync=_every_key)


def keys(entry: Entry) -> Iterable[Key]:
    """The heartbeat that came, changed or went; of a pod that is new, its cluster's."""
    key = entry.key
    if not bursting.is_burst(key.namespace):
        return []
    if key.kind == "Pod":
        is_news = entry.type == "ADDED" and _LABEL in entry.data
        return [Key(key.account, "Lease", key.namespace, bursting.LEASE)] if is_news else []
    return [key] if (key.kind, key.name) == ("Lease", bursting.LEASE) else []


def reconcile(key: Key, *, began: datetime) -> Result | None:
    door = hands.client(bursting.WARNER, key.account)
    try:
        lease = hands.read(door, key)
        if lease is None:
            return _without(door, key)
        return _judge(door, lease, datetime.now(UTC), began)
    except (AlreadyExists, Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)


def _without(door: Client, key: Key) -> Result | None:
    """Somebody took the heartbeat away. Its pods are not for ever: it begins anew."""
    pods = _pods(door, key.namespace)
    if not pods:
        return None
    cluster = pods[0]["metadata"]["labels"][bursting.CLUSTER_LABEL]
    metadata = {"name": bursting.LEASE, "labels": {bursting.CLUSTER_LABEL: cluster}}
    manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}
    door.create("Lease", manifest, key.namespace)
    return None


def _judge(door: Client, lease: JSON, now: datetime, began: datetime) -> Result | None:
    grace, silent = bursting.grace(lease), now - bursting.heard(lease)
    confirm = min(CONFIRM, grace / 2)
    if silent < grace - confirm:
        return Result((grace - confirm - silent).total_seconds())
    since = bursting.silent_since(lease)
    pods = _pods(door, lease["metadata"]["namespace"])
    if since is None or since < began:
        if not pods:
            return None
        _warn(door, lease, now)
        return Result(confirm.total_seconds())
    left = max(grace - silent, since + confirm - now)
    if left > timedelta():
        return Result(left.total_seconds())
    return _end(door, lease, pods, silent)


def _warn(door: Client, lease: JSON, now: datetime) -> None:
    metadata = lease["metadata"]
    body = {
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "annotations": {bursting.SILENT_ANNOTATION: times.format_micro(now)},
        }
    }
    door.patch("Lease", metadata["name"], body, "application/merge-patch+json", metadata["namespace"])
    message = f"nothing was heard of the cluster since {times.format_seconds(bursting.heard(lease))}; its pods end soon"
    hands.tell(door, lease, component="burst-controller", reason="BurstClusterSilent", message=message, type="Warning")


def _end(door: Client, lease: JSON, pods: list[JSON], silent: timedelta) -> Result | None:
    """Each look ends what it sees; there is another one until nothing is left."""
    if not pods:
        return None
    message = f"nothing was heard of the cluster for {silent.total_seconds():.0f} seconds: its pod ends, and its bill"
    for pod in pods:
        if owners.is_deleting(pod):
            continue
        metadata = pod["metadata"]
        hands.tell(door, pod, component="burst-controller", reason="BurstClusterGone", message=message, type="Warning")
        wanted = pod["spec"].get("terminationGracePeriodSeconds", LONGEST_GOODBYE)
        options = DeleteOptions(grace_seconds=min(wanted, LONGEST_GOODBYE), uid=metadata["uid"])
        door.delete("Pod", metadata["name"], metadata["namespace"], options=options)
    return Result(LOOK_AGAIN_SECONDS)


def _pods(door: Client, namespace: str) -> list[JSON]:
    """Those that run for a cluster and have not ended."""
    found = door.list("Pod", namespace, label_selector=bursting.CLUSTER_LABEL).items
    return [pod for pod in found if (pod.get("status") or {}).get("phase") not in _ENDED]


def _every_key() -> Iterator[Key]:
    for row in objects.scan("Lease").rows:
        if row.key.name == bursting.LEASE and bursting.is_burst(row.key.namespace):
            yield row.key
    for row in objects.scan("Pod").rows:
        if bursting.is_burst(row.key.namespace) and bursting.CLUSTER_LABEL in _labels(row.data):
            yield Key(row.key.account, "Lease", row.key.namespace, bursting.LEASE)


def _labels(data: bytes) -> JSON:
    return orjson.loads(data)["metadata"].get("labels") or {} if _LABEL in data else {}
