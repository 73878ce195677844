"""Claims: Pending until there is room and a folder, Bound while the folder is there, Lost when it is not.

    Pending -> named (spec.volumeName: its room is promised from here on) -> folder made -> Bound
    deleted -> no pod uses it -> folder out of reach -> the finalizer goes, and the claim with it

Room is promised once: what all claims of a disk may still write has to fit into what the disk has free. Each step may
be the last before a crash; what was done is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import partial
from typing import Any

import orjson

from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.controllers.host import Host
from workloads.controllers.pods import claims as usage
from workloads.controllers.pods import placement, status
from workloads.kinds import claimspecs
from workloads.kinds.persistentvolumeclaims import PROTECTION
from workloads.kinds.storageclasses import PROVISIONER
from workloads.meta import quantity
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.runtimes import bags
from workloads.runtimes.claims import ClaimSpec, Space
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

KIND = "PersistentVolumeClaim"
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_FOR_ROOM_SECONDS = 30.0
IN_USE_SECONDS = 60.0
"""A pod that ends wakes its claims; this is for the end that was missed."""
_BOUND = {
    "pv.kubernetes.io/bind-completed": "yes",
    "pv.kubernetes.io/bound-by-controller": "yes",
    "volume.beta.kubernetes.io/storage-provisioner": PROVISIONER,
    "volume.kubernetes.io/storage-provisioner": PROVISIONER,
}


def controller(host: Host) -> Controller:
    return Controller(
        name="claims",
        queue="node",
        keys=keys,
        reconcile=partial(reconcile, host),
        resync=lambda: hands.every_key(KIND),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The claim itself; those that wait for the room of one that went; those a pod used that has ended."""
    if entry.key.kind == KIND:
        return _waiting_for_room() if entry.type == "DELETED" else [entry.key]
    if entry.key.kind == "Pod" and usage.may_name_some(entry.data) and _has_ended(entry):
        return usage.keys_of(orjson.loads(entry.data), account=entry.key.account)
    return []


def reconcile(host: Host, key: Key) -> Result | None:
    door = hands.client("claims", key.account)
    claim = hands.read(door, key)
    if claim is None:
        return None
    try:
        if owners.is_deleting(claim):
            return _let_go(host, door, claim)
        if claimspecs.phase(claim) == "Pending":
            return _bind(host, door, claim)
        return _keep(host, door, claim)
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)


def volume_name(claim: JSON) -> str:
    return f"pvc-{claim['metadata']['uid']}"


# Getting a volume


def _bind(host: Host, door: Client, claim: JSON) -> Result | None:
    try:
        if not claim["spec"].get("volumeName"):
            named = _named(host, door, claim)
            if isinstance(named, str):
                return _stay_pending(door, claim, named)
            claim = named
        host.runtime().claims.ensure(_spec(door, claim))
    except OSError as error:
        _stay_pending(door, claim, str(error))
        raise
    hands.put_status(door, claim, _bound(claim))
    message = f"Successfully provisioned volume {volume_name(claim)}"
    hands.tell(door, claim, component=PROVISIONER, reason="ProvisioningSucceeded", message=message)
    return None


def _named(host: Host, door: Client, claim: JSON) -> JSON | str:
    """The claim with its room promised; or why there is none."""
    with placement.one_hand(host.lock):
        lack = _lack(host, claim, claimspecs.size(claim["spec"]))
        if lack:
            return lack
        metadata = claim["metadata"]
        pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        patch = {"metadata": {**pinned, "annotations": _BOUND}, "spec": {"volumeName": volume_name(claim)}}
        return door.patch(KIND, metadata["name"], patch, "application/merge-patch+json", metadata["namespace"]).obj


def _stay_pending(door: Client, claim: JSON, why: str) -> Result:
    message = f'failed to provision volume with StorageClass "{claim["spec"]["storageClassName"]}": {why}'
    hands.tell(door, claim, component=PROVISIONER, reason="ProvisioningFailed", message=message, type="Warning")
    return Result(LOOK_FOR_ROOM_SECONDS)


def _lack(host: Host, claim: JSON, wanted: int) -> str:
    """What is missing for `wanted` more bytes, as a sentence; "" when they fit. Holds the lock."""
    space_of = host.runtime().claims.space
    space = space_of(claim["spec"]["storageClassName"])
    free = max(0, space.free_bytes - _promised(space_of, disk=space.disk, but=claim))
    if wanted <= free:
        return ""
    return f"{_gib(wanted)} needed, {_gib(free)} free of other claims on this host, {_gib(wanted - free)} missing"


def _promised(space_of: Callable[[str], Space], *, disk: str, but: JSON) -> int:
    """What all other claims of the disk, of every account, may still write."""
    disk_of: dict[str, str] = {}
    total = 0
    for row in objects.scan(KIND).rows:
        claim = orjson.loads(row.data)
        storage_class = claim["spec"]["storageClassName"]
        if row.uid == but["metadata"]["uid"] or not claim["spec"].get("volumeName"):
            continue
        if storage_class not in disk_of:
            disk_of[storage_class] = space_of(storage_class).disk
        if disk_of[storage_class] == disk:
            size = claimspecs.capacity(claim) or claimspecs.size(claim["spec"])
            total += max(0, size - (claimspecs.used(claim) or 0))
    return total


def _bound(claim: JSON) -> JSON:
    return {
        **deepcopy(claim.get("status") or {}),
        "phase": "Bound",
        "accessModes": list(claim["spec"]["accessModes"]),
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
    }


# Having one


def _keep(host: Host, door: Client, claim: JSON) -> Result | None:
    here = host.runtime().claims.exists(_spec(door, claim))
    phase = claimspecs.phase(claim)
    if not here:
        if phase != "Lost":
            hands.put_status(door, claim, {**deepcopy(claim["status"]), "phase": "Lost"})
            message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            hands.tell(door, claim, component=PROVISIONER, reason="ClaimLost", message=message, type="Warning")
        return None
    if phase == "Lost":
        claim = hands.put_status(door, claim, {**deepcopy(claim["status"]), "phase": "Bound"})
    if claimspecs.size(claim["spec"]) == claimspecs.capacity(claim):
        return None
    return _resize(host, door, claim)


def _resize(host: Host, door: Client, claim: JSON) -> Result | None:
    with placement.one_hand(host.lock):
        size, capacity = claimspecs.size(claim["spec"]), claimspecs.capacity(claim)
        lack = _lack(host, claim, size - min(size, claimspecs.used(claim) or 0)) if size > capacity else ""
        if not lack:
            hands.put_status(door, claim, _bound(claim))
    if lack:
        name = claim["spec"]["volumeName"]
        message = f'resize volume "{name}" failed: {lack}'
        hands.tell(door, claim, component=PROVISIONER, reason="VolumeResizeFailed", message=message, type="Warning")
        return Result(LOOK_FOR_ROOM_SECONDS)
    message = "Resize succeeded; pods that run see it at once"
    hands.tell(door, claim, component=PROVISIONER, reason="FileSystemResizeSuccessful", message=message)
    return None


# Going


def _let_go(host: Host, door: Client, claim: JSON) -> Result | None:
    metadata = claim["metadata"]
    finalizers = metadata.get("finalizers") or []
    if PROTECTION not in finalizers:
        return None  # the finalizers of others hold it; its data is gone
    key = Key(door.identity.account, KIND, metadata["namespace"], metadata["name"])
    with placement.one_hand(host.lock):
        if usage.users(key):
            return Result(IN_USE_SECONDS)
        host.runtime().claims.remove(_spec(door, claim))
    pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    left = [name for name in finalizers if name != PROTECTION]
    patch = {"metadata": {**pinned, "finalizers": left or None}}
    door.patch(KIND, metadata["name"], patch, "application/merge-patch+json", metadata["namespace"])
    return None


def _spec(door: Client, claim: JSON) -> ClaimSpec:
    return bags.claim_of(claim, account=door.identity.account)


def _has_ended(entry: Entry) -> bool:
    if entry.type == "DELETED":
        return True
    objs = hands.now_and_before(entry)
    phases = [(obj.get("status") or {}).get("phase") for obj in objs]
    return phases[0] in status.FINAL_PHASES and phases[1:] != [phases[0]]


def _waiting_for_room() -> list[Key]:
    """Claims without a volume, and those that want to grow, of all accounts."""
    return [row.key for row in objects.scan(KIND).rows if row.phase == "Pending" or _grows(row)]


def _grows(row: objects.Row) -> bool:
    claim = orjson.loads(row.data)
    return claimspecs.size(claim["spec"]) > claimspecs.capacity(claim)


def _gib(count: int) -> str:
    return f"{count / quantity.GIB:.1f} GiB"
