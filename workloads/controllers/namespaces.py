"""A namespace that is being deleted is emptied first: everything in it, the Network last, then the namespace itself.

What is left, and what it waits for, stands in the namespace's conditions, in Kubernetes' words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import conditions
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

LAST = "Network"
"""Pods stand on it, so it goes when everything else has gone."""
LOOK_AGAIN_SECONDS = 5.0
LOOK_AGAIN_AT_ONCE = 0.1


def controller() -> Controller:
    return Controller(
        name="namespaces",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("Namespace"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """A namespace that is going, and the namespace of whatever has just gone from one that is."""
    key = entry.key
    if key.kind == "Namespace":
        return [key] if entry.type == "MODIFIED" and owners.is_deleting(orjson.loads(entry.data)) else []
    if entry.type != "DELETED" or not key.namespace or key.kind == "Event":
        return []
    namespace = Key(key.account, "Namespace", "", key.namespace)
    return [namespace] if _is_going(namespace) else []


def reconcile(key: Key) -> Result | None:
    door = hands.client("namespaces", key.account)
    namespace = hands.read(door, key)
    if namespace is None or not owners.is_deleting(namespace):
        return None
    left = _left(key)
    _delete(door, left)
    left = _left(key)
    try:
        if not left.total():
            door.delete("Namespace", key.name, options=DeleteOptions(grace_seconds=0, uid=namespace["metadata"]["uid"]))
            return None
        hands.put_status(door, namespace, status_of(namespace, left, now=datetime.now(UTC)))
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)
    return Result(LOOK_AGAIN_SECONDS)


@dataclass
class Left:
    """What is still there, by kind, and who holds on to it."""

    rows: dict[str, list[objects.Row]] = field(default_factory=dict)
    finalizers: Counter[str] = field(default_factory=Counter)

    def total(self) -> int:
        return sum(len(rows) for rows in self.rows.values())


def status_of(namespace: JSON, left: Left, *, now: datetime) -> JSON:
    status: JSON = deepcopy(namespace.get("status") or {})
    status["phase"] = "Terminating"
    kinds = registry.kinds()
    some = [f"{kinds[name].resource} has {len(rows)} resource instances" for name, rows in sorted(left.rows.items())]
    held = [f"{name} in {number} resource instances" for name, number in sorted(left.finalizers.items())]
    content = f"Some resources are remaining: {', '.join(some)}"
    finalizers = f"Some content in the namespace has finalizers remaining: {', '.join(held)}"
    facts: list[tuple[str, conditions.State, str, str]] = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", content)
        if some
        else ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", finalizers)
        if held
        else (
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]
    for type, state, reason, message in facts:
        conditions.put(status, type, state, reason=reason, message=message, now=now)
    return status


def _left(key: Key) -> Left:
    left = Left()
    for kind in _inside():
        rows = objects.scan(kind.name, account=key.account, namespace=key.name).rows
        if rows:
            left.rows[kind.name] = rows
        for row in rows:
            left.finalizers.update(_finalizers(row))
    return left


def _finalizers(row: objects.Row) -> list[str]:
    """The bytes are asked first: hardly anything has finalizers."""
    if b'"finalizers"' not in row.data:
        return []
    return list(orjson.loads(row.data)["metadata"].get("finalizers") or ())


def _delete(door: Client, left: Left) -> None:
    """Asks everything to go that has not been asked yet. Owners before what they own: their kinds have controllers that
    would make it again."""
    for kind in _inside():
        rows = left.rows.get(kind.name, [])
        if kind.name == LAST and left.total() > len(rows):
            continue
        for row in rows:
            if not row.deleting:
                _ask_to_go(door, row)


def _ask_to_go(door: Client, row: objects.Row) -> None:
    with suppress(NotFound, Conflict):
        options = DeleteOptions(uid=row.uid, propagation="Background")
        door.delete(row.key.kind, row.key.name, row.key.namespace, options=options)


def _inside() -> list[Kind]:
    """Every kind that lives in namespaces: workloads first, pods then, the Network at the end."""
    order = {"CronJob": 0, "Deployment": 0, "Job": 1, "ReplicaSet": 1, "Pod": 3, LAST: 9}
    return sorted(
        (kind for kind in registry.kinds().values() if kind.namespaced),
        key=lambda kind: order.get(kind.name, 2 if kind.group else 4),
    )


def _is_going(namespace: Key) -> bool:
    try:
        return objects.read(namespace).deleting
    except objects.Missing:
        return False
