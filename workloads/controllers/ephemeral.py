"""Generic ephemeral volumes: a claim for each, made for the pod and owned by it, so that it goes when the pod goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.controllers.pods import status
from workloads.kinds import claimspecs
from workloads.meta.errors import AlreadyExists, NotFound, Refused, StatusError
from workloads.meta.keys import Key
from workloads.store.changes import Entry

JSON = dict[str, Any]

KIND = "PersistentVolumeClaim"
LOOK_AGAIN_SECONDS = 30.0


def controller() -> Controller:
    return Controller(
        name="ephemeral",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("Pod"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """A pod that is new, and the pod whose claim was taken away."""
    if entry.key.kind == "Pod":
        return [entry.key] if entry.type == "ADDED" and b'"ephemeral"' in entry.data else []
    if entry.key.kind != KIND or entry.type != "DELETED":
        return []
    owner = owners.controller_of(orjson.loads(entry.data))
    is_pod = owner is not None and owner["kind"] == "Pod"
    return [Key(entry.key.account, "Pod", entry.key.namespace, owner["name"])] if owner and is_pod else []


def reconcile(key: Key) -> Result | None:
    door = hands.client("ephemeral", key.account)
    pod = hands.read(door, key)
    if pod is None or owners.is_deleting(pod) or (pod.get("status") or {}).get("phase") in status.FINAL_PHASES:
        return None
    missing = [
        volume
        for volume in pod["spec"].get("volumes") or ()
        if "ephemeral" in volume and not _exists(door, pod, volume)
    ]
    made = [_make(door, pod, volume) for volume in missing]
    return None if all(made) else Result(LOOK_AGAIN_SECONDS)


def _exists(door: Client, pod: JSON, volume: JSON) -> bool:
    """Whoever it belongs to: the scheduler says when it is somebody else's."""
    name = claimspecs.of_pod(pod)[volume["name"]]
    return hands.read(door, Key(door.identity.account, KIND, pod["metadata"]["namespace"], name)) is not None


def _make(door: Client, pod: JSON, volume: JSON) -> bool:
    template = volume["ephemeral"]["volumeClaimTemplate"]
    metadata = template.get("metadata") or {}
    manifest = {
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": {
            "name": claimspecs.of_pod(pod)[volume["name"]],
            "labels": metadata.get("labels") or {},
            "annotations": metadata.get("annotations") or {},
            "ownerReferences": [owners.reference(pod)],
        },
        "spec": template["spec"],
    }
    try:
        door.create(KIND, manifest, pod["metadata"]["namespace"])
    except (AlreadyExists, NotFound, Refused):
        return True  # another was first, or the namespace is going
    except StatusError as error:
        message = f"ephemeral volume {volume['name']}: {error}"
        hands.tell(door, pod, component="ephemeral_volume", reason="FailedScheduling", message=message, type="Warning")
        return False
    return True
