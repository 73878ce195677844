"""The status of a ResourceQuota: what it allows, and how much of that is used. Admission does not rely on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from workloads.admission import quotas as admission
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import quotas
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

KIND = "ResourceQuota"
LOOK_AGAIN_AT_ONCE = 0.1
_CHANGING = ("PersistentVolumeClaim", "Pod", "Service")
"""What may take more or less while it is there."""


def controller() -> Controller:
    return Controller(
        name="quotas", queue="control", keys=keys, reconcile=reconcile, resync=lambda: hands.every_key(KIND)
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The quota itself; for whatever comes or goes beside it, every quota of the namespace."""
    key = entry.key
    if key.kind == KIND and entry.type == "MODIFIED":
        return [key]
    if not key.namespace or key.kind == "Event" or (entry.type == "MODIFIED" and not _may_count(entry)):
        return []
    rows = objects.scan(KIND, account=key.account, namespace=key.namespace).rows
    return owners.unique([*(row.key for row in rows), *([key] if key.kind == KIND else [])])


def reconcile(key: Key) -> Result | None:
    door = hands.client("quotas", key.account)
    quota = hands.read(door, key)
    if quota is None or owners.is_deleting(quota):
        return None
    hard = dict(quota["spec"].get("hard") or {})
    used = admission.used(key.account, key.namespace, quota)
    status = {"hard": hard, "used": {name: quotas.written(name, used[name]) for name in hard}} if hard else {}
    try:
        hands.put_status(door, quota, status)
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)
    return None


def _may_count(entry: Entry) -> bool:
    """Of a pod, that it ended is news; the bytes are asked first, for pods change often."""
    if entry.key.kind not in _CHANGING:
        return False
    if entry.key.kind != "Pod" or entry.previous is None:
        return True
    return _phase(entry.data) != _phase(entry.previous)


def _phase(data: bytes) -> str:
    return str((orjson.loads(data).get("status") or {}).get("phase", ""))
