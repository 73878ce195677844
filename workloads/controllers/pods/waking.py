"""Which changes mean that a pod must be looked at: its own, room that is free again, a Network that is ready, and a
ConfigMap or Secret that it waits for or shows as files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from workloads.controllers import hands
from workloads.controllers.pods import status
from workloads.meta.keys import Key
from workloads.runtimes import bags
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

WOKEN_AT_ONCE = 50
"""Pods that wait for room and are told when some frees; the rest look by themselves."""


def keys(entry: Entry) -> Iterable[Key]:
    """The pod itself, unless only its status moved (we wrote that); pods that wait for the room it frees; pods that
    wait for their namespace's Network."""
    if entry.key.kind == "Network":
        return _waiting_for_network(entry)
    if entry.key.kind in ("ConfigMap", "Secret"):
        return _naming(entry.key)
    if entry.key.kind != "Pod":
        return ()
    own = [entry.key] if entry.type != "DELETED" and _asks_for_a_look(entry) else []
    return [*own, *_waiting_for_room()] if _frees_room(entry) else own


def _asks_for_a_look(entry: Entry) -> bool:
    """The pod's status is written by this controller alone; a change of nothing else needs no second look."""
    if entry.previous is None:
        return True
    after, before = hands.now_and_before(entry)
    return after["spec"] != before["spec"] or _wishes(after) != _wishes(before)


def _wishes(pod: JSON) -> JSON:
    return {name: value for name, value in pod["metadata"].items() if name not in ("resourceVersion", "managedFields")}


def _frees_room(entry: Entry) -> bool:
    objs = hands.now_and_before(entry)
    if not objs[0]["spec"].get("nodeName"):
        return False
    if entry.type == "DELETED":
        return True
    phases = [(obj.get("status") or {}).get("phase") for obj in objs]
    return phases[0] in status.FINAL_PHASES and phases[1:] != [phases[0]]


def _waiting_for_room() -> list[Key]:
    """The oldest pods without a node, of all accounts."""
    return [row.key for row in sorted(_unplaced(), key=lambda row: row.created)[:WOKEN_AT_ONCE]]


def _waiting_for_network(entry: Entry) -> list[Key]:
    states = [(obj.get("status") or {}).get("state") for obj in hands.now_and_before(entry)]
    if entry.type == "DELETED" or states[0] != "Active" or states[1:] == ["Active"]:
        return []
    rows = _unplaced(account=entry.key.account, namespace=entry.key.namespace)
    return [row.key for row in rows]


def _naming(key: Key) -> list[Key]:
    """Pods that wait for this ConfigMap or Secret, or show it as files. What runs with its values as env keeps them."""
    name = (key.kind, key.name)
    quoted = f'"{key.name}"'.encode()
    rows = objects.scan("Pod", account=key.account, namespace=key.namespace).rows
    found = []
    for row in rows:
        if row.phase in status.FINAL_PHASES or quoted not in row.data:
            continue
        spec = orjson.loads(row.data)["spec"]
        waits = row.phase != "Running" or b'"CreateContainerConfigError"' in row.data
        if name in bags.in_volumes(spec) or (waits and name in bags.named(spec)):
            found.append(row.key)
    return found


def _unplaced(*, account: str | None = None, namespace: str | None = None) -> list[objects.Row]:
    rows = objects.scan("Pod", account=account, namespace=namespace, phase="Pending").rows
    return [row for row in rows if not row.node]
