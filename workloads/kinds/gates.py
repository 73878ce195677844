"""What holds a pod up from outside: scheduling gates before it has a place, readiness gates before it is ready. Pure.

Scheduling gates are taken away by changing the pod's spec. Readiness gates are conditions that users write into its
status; the conditions in `OWN` are the service's.
"""

from __future__ import annotations

from typing import Any

from workloads.meta import causes, conditions, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

OWN = frozenset(
    ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "DisruptionTarget")
)
GATED = "SchedulingGated"
NOT_READY = "ReadinessGatesNotReady"
_ADDED = "only deletion is allowed, but found new scheduling gate '{}'"
BLOCKED = "Scheduling is blocked due to non-empty scheduling gates"


def validate(spec: JSON, field: str) -> list[Cause]:
    """All that is wrong with the gates of the pod specification standing at `field`."""
    found, seen = [], set()
    for index, gate in enumerate(spec.get("readinessGates") or []):
        found += _name(gate.get("conditionType", ""), f"{field}.readinessGates[{index}].conditionType")
    for index, gate in enumerate(spec.get("schedulingGates") or []):
        where, name = f"{field}.schedulingGates[{index}]", gate.get("name", "")
        found += _name(name, where)
        if name in seen:
            found.append(causes.duplicate(where, name))
        seen.add(name)
    return found


def added(spec: JSON, old: JSON, field: str) -> list[Cause]:
    """Scheduling gates of an update that were not there before."""
    before = {gate.get("name") for gate in old.get("schedulingGates") or []}
    return [
        causes.forbidden(f"{field}.schedulingGates[{index}].name", _ADDED.format(gate.get("name", "")))
        for index, gate in enumerate(spec.get("schedulingGates") or [])
        if gate.get("name") not in before
    ]


def are_shut(pod: JSON) -> bool:
    """The pod may not get a place yet."""
    return bool(pod["spec"].get("schedulingGates"))


def gated_condition() -> JSON:
    """What a pod with scheduling gates is born with."""
    return {"type": "PodScheduled", "status": "False", "reason": GATED, "message": BLOCKED}


def unready(spec: JSON, status: JSON) -> list[str]:
    """What the readiness gates that are not open say, as the kubelet does."""
    found = []
    for gate in spec.get("readinessGates") or []:
        type = gate["conditionType"]
        condition = conditions.find(status, type)
        if condition is None:
            found.append(f'corresponding condition of pod readiness gate "{type}" does not exist.')
        elif condition.get("status") != "True":
            found.append(f'the status of pod readiness gate "{type}" is not "True", but {condition.get("status")}')
    return found


def watched(pod: JSON) -> list[JSON]:
    """The conditions that its readiness gates look at."""
    types = {gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []}
    found = (pod.get("status") or {}).get("conditions") or []
    return [condition for condition in found if condition.get("type") in types]


def _name(text: str, field: str) -> list[Cause]:
    return [causes.invalid(field, text, problem) for problem in names.qualified_name(text)]
