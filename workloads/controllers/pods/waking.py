"""Which changes mean that a pod must be looked at: its own, room that is free again, a Network that is ready, a claim
that it waits for, and a ConfigMap or Secret that it waits for or shows as files."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from workloads.controllers import hands, owners
from workloads.controllers.pods import cards, claims, placement, status
from workloads.kinds import claimspecs, gates, podspecs
from workloads.meta import conditions
from workloads.meta.keys import Key
from workloads.runtimes import bags
from workloads.store import hosts, objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

WOKEN_AT_ONCE = 50
"""Pods that wait for room and are told when some frees. Each that gets a place wakes those that fit beside it."""


def keys(entry: Entry) -> Iterable[Key]:
    """The pod itself, unless only its status moved (we wrote that); pods that wait for the room it frees; pods that
    wait for their namespace's Network."""
    if entry.key.kind == "Network":
        return _waiting_for_network(entry)
    if entry.key.kind in ("ConfigMap", "Secret"):
        return _naming(entry.key)
    if entry.key.kind == "ServiceAccount":
        return _waiting_for_account(entry)
    if entry.key.kind == claims.KIND:
        return _waiting_for_claim(entry)
    if entry.key.kind != "Pod":
        return ()
    own = [entry.key] if entry.type != "DELETED" and _asks_for_a_look(entry) else []
    if not _frees_room(entry):
        return own
    return [*own, *waiting_for_room(), *_waiting_for_cards(entry), *_sharing_claims(entry)]


def _asks_for_a_look(entry: Entry) -> bool:
    """The pod's status is written by this controller alone, but for what its readiness gates look at; a change of
    nothing else needs no second look."""
    if entry.previous is None:
        return True
    after, before = hands.now_and_before(entry)
    if after["spec"] != before["spec"] or _wishes(after) != _wishes(before):
        return True
    return gates.watched(after) != gates.watched(before)


def _wishes(pod: JSON) -> JSON:
    return {name: value for name, value in pod["metadata"].items() if name not in ("resourceVersion", "managedFields")}


def _frees_room(entry: Entry) -> bool:
    """A pod with a place has gone or is over; or one that waited for room does not wait any more, so that what was kept
    for it is free."""
    after, *before = hands.now_and_before(entry)
    if before and _waits(before[0]):
        return entry.type == "DELETED" or not _waits(after)
    if not after["spec"].get("nodeName"):
        return False
    phases = [(obj.get("status") or {}).get("phase") for obj in (after, *before)]
    return entry.type == "DELETED" or (phases[0] in status.FINAL_PHASES and phases[1:] != [phases[0]])


def _waits(pod: JSON) -> bool:
    if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
        return False
    scheduled = conditions.find(pod.get("status") or {}, "PodScheduled") or {}
    return scheduled.get("reason") == placement.UNSCHEDULABLE


def waiting_for_room() -> list[Key]:
    """The oldest pods without a node, of all accounts, that would find room now: thousands may wait, and those that do
    not fit anyway need no look. While nobody has said how much room there is, the oldest."""
    room = hosts.get(hosts.ROOM)
    waiters = placement.waiting()
    if room is not None and waiters:
        free = placement.Size(**room).minus(placement.taken())
        waiters = list(islice(placement.fitting(waiters, free), WOKEN_AT_ONCE))
    return [waiter.key for waiter in waiters[:WOKEN_AT_ONCE]]


def _waiting_for_cards(entry: Entry) -> list[Key]:
    """When a pod gave back cards."""
    return cards.waiting()[:WOKEN_AT_ONCE] if podspecs.DEVICES_ANNOTATION.encode() in entry.data else []


def _waiting_for_network(entry: Entry) -> list[Key]:
    states = [(obj.get("status") or {}).get("state") for obj in hands.now_and_before(entry)]
    if entry.type == "DELETED" or states[0] != "Active" or states[1:] == ["Active"]:
        return []
    rows = _unplaced(account=entry.key.account, namespace=entry.key.namespace)
    return [row.key for row in rows]


def _waiting_for_claim(entry: Entry) -> list[Key]:
    """Pods that name a claim which has become another: bound, lost, going, gone."""
    if entry.previous is not None and entry.type == "MODIFIED":
        after, before = ((claimspecs.phase(obj), owners.is_deleting(obj)) for obj in hands.now_and_before(entry))
        if after == before:
            return []
    return [row.key for row in claims.naming(entry.key)]


def _sharing_claims(entry: Entry) -> list[Key]:
    """Pods without a place that name a claim of the pod that has ended, and which is for one pod: it may be theirs."""
    if not claims.may_name_some(entry.data):
        return []
    named = claims.keys_of(orjson.loads(entry.data), account=entry.key.account)
    return [row.key for claim in named if claims.is_for_one(claim) for row in claims.naming(claim) if not row.node]


def _naming(key: Key) -> list[Key]:
    """Pods that wait for this ConfigMap or Secret, or show it as files. What runs with its values as env keeps them."""
    name = (key.kind, key.name)
    quoted = f'"{key.name}"'.encode()
    rows = objects.scan("Pod", account=key.account, namespace=key.namespace, containing=[quoted]).rows
    found = []
    for row in rows:
        if row.phase in status.FINAL_PHASES:
            continue
        spec = orjson.loads(row.data)["spec"]
        waits = row.phase != "Running" or b'"CreateContainerConfigError"' in row.data
        if name in bags.in_volumes(spec) or (waits and name in bags.named(spec)):
            found.append(row.key)
    return found


def _waiting_for_account(entry: Entry) -> list[Key]:
    """Pods that run under a ServiceAccount which has just come: their volumes show its token."""
    if entry.type != "ADDED":
        return []
    key = entry.key
    rows = objects.scan("Pod", account=key.account, namespace=key.namespace, phase="Pending").rows
    return [row.key for row in rows if row.node and bags.owner(orjson.loads(row.data)) == key.name]


def _unplaced(*, account: str | None = None, namespace: str | None = None) -> list[objects.Row]:
    rows = objects.scan("Pod", account=account, namespace=namespace, phase="Pending").rows
    return [row for row in rows if not row.node]
