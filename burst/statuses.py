"""What the cluster is told of a pod that runs in CCI: the status that a kubelet would write. Pure."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

ENDED = ("Succeeded", "Failed")
_KUBELETS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
"""The conditions that the node writes; others are somebody else's and stay."""
_COPIED = ("phase", "podIP", "podIPs", "containerStatuses", "initContainerStatuses", "reason", "message")

LOST = "BurstPodLost"
LOST_SENTENCE = (
    "its pod in CCI is gone: it was deleted there, or CCI had heard nothing of this cluster for the grace time"
)


def phase_of(pod: JSON) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def has_ended(pod: JSON) -> bool:
    return phase_of(pod) in ENDED


def is_deleting(pod: JSON) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def was_started(pod: JSON) -> bool:
    """Whether the cluster has been told of its pod in CCI before."""
    return bool((pod.get("status") or {}).get("startTime"))


def current(pod: JSON, there: JSON, *, address: str, now: str) -> JSON:
    """The whole status of `pod`, whose pod in CCI is `there`. `address` is the virtual node's. It equals the status
    that `pod` has when there is nothing to tell."""
    before, seen = dict(pod.get("status") or {}), there.get("status") or {}
    status = {name: value for name, value in before.items() if name not in _COPIED}
    status |= {name: seen[name] for name in _COPIED if seen.get(name)}
    status["phase"] = seen.get("phase") or "Pending"
    status["hostIP"], status["hostIPs"] = address, [{"ip": address}]
    status["startTime"] = before.get("startTime") or seen.get("startTime") or there["metadata"]["creationTimestamp"]
    status["conditions"] = _conditions(pod, seen, now=now)
    return status


def refused(pod: JSON, *, reason: str, sentence: str) -> JSON:
    """Of a pod that cannot run in CCI: it waits, so that no controller makes another one of the same kind at once; a
    pod that is never restarted has failed."""
    failed = pod["spec"].get("restartPolicy") == "Never"
    return dict(pod.get("status") or {}) | {
        "phase": "Failed" if failed else "Pending",
        "reason": reason,
        "message": sentence,
    }


def lost(pod: JSON, *, now: str) -> JSON:
    """Of a pod that ran in CCI and is there no more: failed, so that whoever owns it makes another one."""
    before = dict(pod.get("status") or {})
    gone = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": LOST_SENTENCE, "finishedAt": now}
    for part in ("containerStatuses", "initContainerStatuses"):
        if part in before:
            before[part] = [_ended(container, gone) for container in before[part]]
    seen = {"conditions": [{"type": name, "status": "False", "reason": LOST} for name in ("ContainersReady", "Ready")]}
    conditions = _conditions(pod, seen, now=now)
    return before | {"phase": "Failed", "reason": LOST, "message": LOST_SENTENCE, "conditions": conditions}


def patch(before: JSON, after: JSON) -> JSON:
    """What a merge patch must say so that `before` becomes `after`."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return changed | {name: None for name in before if name not in after}


def _ended(container: JSON, gone: JSON) -> JSON:
    if "terminated" in (container.get("state") or {}):
        return container
    return container | {"ready": False, "started": False, "state": {"terminated": gone}}


def _conditions(pod: JSON, seen: JSON, *, now: str) -> list[JSON]:
    """Those of CCI that the node writes, the others as they are; since when is what was said when it became so."""
    before = {one["type"]: one for one in (pod.get("status") or {}).get("conditions") or []}
    told = {one["type"]: one for one in seen.get("conditions") or [] if one["type"] in _KUBELETS}
    if told.get("Ready", {}).get("status") == "True" and (waiting := _shut_gate(pod, before)):
        told["Ready"] = told["Ready"] | {"status": "False", "reason": "ReadinessGatesNotReady", "message": waiting}
    result = []
    for name in [*before, *(name for name in told if name not in before)]:
        if name not in told:
            result.append(before[name])
            continue
        result.append(_since(before.get(name), told[name], now))
    return result


def _since(before: JSON | None, told: JSON, now: str) -> JSON:
    moment = before.get("lastTransitionTime") if before and before["status"] == told["status"] else None
    kept = {name: told[name] for name in ("type", "status", "reason", "message") if told.get(name)}
    return kept | {"lastProbeTime": None, "lastTransitionTime": moment or told.get("lastTransitionTime") or now}


def _shut_gate(pod: JSON, conditions: dict[str, JSON]) -> str:
    """In the kubelet's words, what the pod waits for; "" when for nothing."""
    words = []
    for gate in pod["spec"].get("readinessGates") or []:
        name = gate["conditionType"]
        found = conditions.get(name)
        if found is None:
            words.append(f'corresponding condition of pod readiness gate "{name}" does not exist.')
        elif found["status"] != "True":
            words.append(f'the status of pod readiness gate "{name}" is not "True", but {found["status"]}')
    return ", ".join(words)
