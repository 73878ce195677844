"""The claims of pods: what keeps a pod from its place because of them, and which pods use a claim.

A pod uses its claims from the moment it has a place until it has finished or is gone. Whoever gives a place, and
whoever takes a claim's data away, asks while holding the host's lock (`placement.one_hand`): the two never meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from workloads.controllers import hands, owners
from workloads.controllers.pods import placement, status
from workloads.controllers.pods.look import Look
from workloads.kinds import claimspecs
from workloads.meta.keys import Key, Uid
from workloads.store import objects

JSON = dict[str, Any]

KIND = "PersistentVolumeClaim"
NOT_READY = "ClaimNotReady"
"""Such a pod waits, but not for room: none is kept for it."""
_ALONE = "1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"


def obstacle(look: Look) -> str:
    """Why the pod's claims keep it from a place, as the scheduler says it; "" when they do not."""
    for volume, name in claimspecs.of_pod(look.pod).items():
        said = _obstacle(look, volume, name)
        if said:
            return f"0/1 nodes are available: {said}."
    return ""


def users(claim: Key, *, but: str = "") -> list[objects.Row]:
    """The pods that use the claim now; one with the uid `but` left out."""
    return [row for row in naming(claim) if row.node and row.uid != but]


def naming(claim: Key) -> Iterator[objects.Row]:
    """Unfinished pods that name the claim. Only those that may are loaded: a namespace has many pods."""
    seen = set[Uid]()
    for row in _candidates(claim):
        if row.uid in seen or row.phase in status.FINAL_PHASES or not may_name_some(row.data):
            continue
        if claim.name in claimspecs.of_pod(orjson.loads(row.data)).values():
            seen.add(row.uid)
            yield row


def is_for_one(key: Key) -> bool:
    """Whether one pod alone may use the claim; no for one that is not there."""
    claim = hands.read(hands.client("pods", key.account), key)
    return claim is not None and claimspecs.POD_ALONE in claim["spec"]["accessModes"]


def keys_of(pod: JSON, *, account: str) -> list[Key]:
    """The claims a pod names."""
    namespace = pod["metadata"].get("namespace", "")
    return [Key(account, KIND, namespace, name) for name in claimspecs.of_pod(pod).values()]


def may_name_some(data: bytes) -> bool:
    """Asked of a pod's bytes before they are parsed: most pods have no claims."""
    return b'"persistentVolumeClaim"' in data or b'"ephemeral"' in data


def _obstacle(look: Look, volume: str, name: str) -> str:
    key = Key(look.key.account, KIND, look.key.namespace, name)
    claim, is_own = hands.read(look.door, key), volume in _ephemeral(look.pod)
    if claim is None and is_own:
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
    if claim is None:
        return f'persistentvolumeclaim "{name}" not found'
    if is_own and not owners.is_controlled_by(claim, look.pod):
        place = f"{look.key.namespace}/{look.key.name}"
        return f"PVC {look.key.namespace}/{name} was not created for pod {place} (pod is not owner)"
    if owners.is_deleting(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    phase = claimspecs.phase(claim)
    if phase == "Lost":
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim["spec"]["volumeName"]}"'
    if phase != "Bound":
        return "pod has unbound immediate PersistentVolumeClaims"
    if claimspecs.POD_ALONE in claim["spec"]["accessModes"] and users(key, but=look.uid):
        return _ALONE
    return ""


def _candidates(claim: Key) -> Iterator[objects.Row]:
    """Pods that have the claim's name in them; and those whose own it would be: it is called <pod>-<volume>."""
    place: dict[str, Any] = {"account": claim.account, "namespace": claim.namespace}
    for phase in placement.UNFINISHED:
        yield from objects.scan("Pod", **place, phase=phase, containing=[b'"%s"' % claim.name.encode()]).rows
    for pod in (claim.name[:end] for end, letter in enumerate(claim.name) if letter == "-"):
        yield from objects.scan("Pod", **place, name=pod).rows


def _ephemeral(pod: JSON) -> set[str]:
    """The volumes whose claims are the pod's own."""
    return {volume["name"] for volume in pod["spec"].get("volumes") or () if "ephemeral" in volume}
