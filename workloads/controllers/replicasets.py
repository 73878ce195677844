"""A ReplicaSet keeps as many pods as it says: it makes what is missing, deletes what is too many, takes in orphans.

The store is read as it is (no cache), one worker has the key, and pods are found by their owner's uid: what was made
before a crash is counted after it, so no pod is made twice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners, replicas
from workloads.controllers.base import Controller, Result
from workloads.meta import conditions, names, selectors
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

COMPONENT = "replicaset-controller"
AT_ONCE = 500
"""Pods made or deleted in one look at most."""
LOOK_AGAIN_AT_ONCE = 0.1


def controller() -> Controller:
    return Controller(
        name="replicasets",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("ReplicaSet"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The set itself; a pod's owner, now and before; for an orphan, every set that would take it."""
    if entry.key.kind == "ReplicaSet":
        return [entry.key]
    if entry.key.kind != "Pod":
        return []
    found = owners.unique(owners.controllers_in(entry, kind="ReplicaSet"))
    pod = orjson.loads(entry.data)
    if entry.type != "DELETED" and owners.controller_of(pod) is None:
        found += takers("ReplicaSet", entry.key, pod)
    return found


def takers(kind: str, key: Key, orphan: JSON) -> list[Key]:
    """The keys of all objects of `kind` beside the orphan whose selector matches it."""
    labels = orphan["metadata"].get("labels") or {}
    if not labels:
        return []
    rows = objects.scan(kind, account=key.account, namespace=key.namespace).rows
    return [row.key for row in rows if selects(orjson.loads(row.data), labels)]


def selects(obj: JSON, labels: JSON) -> bool:
    """Does `spec.selector` match? An empty selector matches nothing: it would take the whole namespace."""
    selector = selectors.from_object(obj["spec"].get("selector"))
    return bool(selector) and selector.matches(labels)  # type: ignore[union-attr]


def reconcile(key: Key) -> Result | None:
    door = hands.client("replicasets", key.account)
    replicaset = hands.read(door, key)
    if replicaset is None:
        return None
    try:
        return _look_at(door, replicaset)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)


def _look_at(door: Client, replicaset: JSON) -> Result | None:
    pods = [pod for pod in claim(door, replicaset, kind="Pod") if replicas.is_active(pod)]
    failure: StatusError | None = None
    if not owners.is_deleting(replicaset):
        failure = _keep_number(door, replicaset, pods)
        pods = [pod for pod in _owned(door, replicaset, "Pod") if replicas.is_active(pod)]
    now = datetime.now(UTC)
    hands.put_status(door, replicaset, status_of(replicaset, pods, failure=failure, now=now))
    if failure is not None:
        raise failure
    return Result(_seconds_to_available(replicaset, pods, now=now))


# Whose pods


def claim(door: Client, owner: JSON, *, kind: str) -> list[JSON]:
    """What the owner controls, after taking in orphans that its selector matches and letting go what no longer does."""
    mine = _owned(door, owner, kind)
    if owners.is_deleting(owner):
        return mine
    kept = [one for one in mine if _matches(owner, one) or not _release(door, owner, one)]
    orphans = door.list(kind, owner["metadata"]["namespace"], owner_uid="").items
    taken = [one for one in orphans if _may_take(owner, one)]
    return kept + [adopted for one in taken if (adopted := _adopt(door, owner, one)) is not None]


def _owned(door: Client, owner: JSON, kind: str) -> list[JSON]:
    return door.list(kind, owner["metadata"]["namespace"], owner_uid=owner["metadata"]["uid"]).items


def _matches(owner: JSON, obj: JSON) -> bool:
    return selects(owner, obj["metadata"].get("labels") or {})


def _may_take(owner: JSON, orphan: JSON) -> bool:
    finished = (orphan.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return _matches(owner, orphan) and not owners.is_deleting(orphan) and not finished


def _adopt(door: Client, owner: JSON, orphan: JSON) -> JSON | None:
    references = [*owners.without(orphan, owner["metadata"]["uid"]), owners.reference(owner)]
    return _set_owners(door, orphan, references)


def _release(door: Client, owner: JSON, obj: JSON) -> bool:
    if owners.is_deleting(obj):
        return False
    return _set_owners(door, obj, owners.without(obj, owner["metadata"]["uid"])) is not None


def _set_owners(door: Client, obj: JSON, references: list[JSON]) -> JSON | None:
    """Compare and set; None when the object went, or somebody changed it meanwhile: then it is looked at again."""
    metadata = obj["metadata"]
    patch = {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "ownerReferences": references or None,
        }
    }
    try:
        answer = door.patch(obj["kind"], metadata["name"], patch, "application/merge-patch+json", metadata["namespace"])
    except (NotFound, Conflict):
        return None
    return answer.obj


# How many


def _keep_number(door: Client, replicaset: JSON, pods: list[JSON]) -> StatusError | None:
    """Makes or deletes pods; returns the error that stopped it."""
    missing = int(replicaset["spec"].get("replicas", 1)) - len(pods)
    if missing > 0:
        return _make(door, replicaset, min(missing, AT_ONCE))
    for pod in replicas.first_to_go(pods)[: min(-missing, AT_ONCE)]:
        _delete(door, replicaset, pod)
    return None


def _make(door: Client, replicaset: JSON, number: int) -> StatusError | None:
    """In batches of 1, 2, 4, ...: a quota that is full is asked once, not five hundred times."""
    batch = 1
    while number > 0:
        for _ in range(min(batch, number)):
            failure = _make_one(door, replicaset)
            if failure is not None:
                return failure
        number -= batch
        batch *= 2
    return None


def _make_one(door: Client, replicaset: JSON) -> StatusError | None:
    try:
        made = door.create("Pod", pod_of(replicaset), replicaset["metadata"]["namespace"]).obj
    except StatusError as error:
        _tell(door, replicaset, "FailedCreate", f"Error creating: {error.message}", failed=True)
        return error
    _tell(door, replicaset, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
    return None


def pod_of(replicaset: JSON) -> JSON:
    """The manifest of one pod of the set."""
    template = deepcopy(replicaset["spec"]["template"])
    metadata = template.get("metadata") or {}
    kept = {name: metadata[name] for name in ("labels", "annotations", "finalizers") if metadata.get(name)}
    name = f"{replicaset['metadata']['name']}-"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**kept, "generateName": name, "ownerReferences": [owners.reference(replicaset)]},
        "spec": template["spec"],
    }


def _delete(door: Client, replicaset: JSON, pod: JSON) -> None:
    metadata = pod["metadata"]
    try:
        door.delete("Pod", metadata["name"], metadata["namespace"], options=DeleteOptions(uid=metadata["uid"]))
    except (NotFound, Conflict):
        return
    _tell(door, replicaset, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")


def _tell(door: Client, replicaset: JSON, reason: str, message: str, *, failed: bool = False) -> None:
    type = "Warning" if failed else "Normal"
    hands.tell(door, replicaset, component=COMPONENT, reason=reason, message=message, type=type)  # type: ignore[arg-type]


# Status


def status_of(replicaset: JSON, pods: list[JSON], *, failure: StatusError | None, now: datetime) -> JSON:
    spec = replicaset["spec"]
    counts = replicas.count(
        pods,
        labels=(spec["template"].get("metadata") or {}).get("labels") or {},
        min_ready_seconds=int(spec.get("minReadySeconds", 0)),
        now=now,
    )
    status: JSON = deepcopy(replicaset.get("status") or {})
    status["replicas"] = counts.replicas
    status["observedGeneration"] = replicaset["metadata"].get("generation", 1)
    optional = {
        "fullyLabeledReplicas": counts.fully_labeled,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.available,
    }
    for name, number in optional.items():
        status.pop(name, None)
        if number:
            status[name] = number
    if failure is not None:
        message = _lasting(failure.message, status, str(replicaset["metadata"]["name"]))
        conditions.put(status, "ReplicaFailure", "True", reason="FailedCreate", message=message, now=now)
    else:
        conditions.drop(status, "ReplicaFailure")
    if not status.get("conditions"):
        status.pop("conditions", None)
    return status


def _lasting(message: str, status: JSON, name: str) -> str:
    """The message as it was told before, if it differs only in the name that the pod would have had: a status that
    changes with every try would be tried again at once, for ever."""
    told = (conditions.find(status, "ReplicaFailure") or {}).get("message", "")
    base = re.escape(f"{name}-"[: names.GENERATED_BASE_LENGTH])
    pods = re.compile(f"{base}[a-z0-9]{{{names.SUFFIX_LENGTH}}}")
    return told if pods.sub("", told) == pods.sub("", message) else message


def _seconds_to_available(replicaset: JSON, pods: list[JSON], *, now: datetime) -> float | None:
    seconds = int(replicaset["spec"].get("minReadySeconds", 0))
    waits = [replicas.available_in(pod, min_ready_seconds=seconds, now=now) for pod in pods]
    return min((wait for wait in waits if wait), default=None)
