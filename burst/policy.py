"""Whether a pod may go to CCI, and what must stand on it so that the cluster's own scheduler decides that. Pure.

auto         may go there; other scores may outweigh that local nodes are liked better
localPrefer  goes there where no local node takes it: no other preference of the default scheduler weighs as much
enforce      runs there and nowhere else
off, nothing the pod stays as it is
"""

from __future__ import annotations

from typing import Any

from burst import names

JSON = dict[str, Any]

AUTO, LOCAL_PREFER, ENFORCE, OFF = "auto", "localPrefer", "enforce", "off"
POLICIES = (AUTO, LOCAL_PREFER, ENFORCE, OFF)
LONGER_SECONDS = 900
"""How long a pod that can run in CCI alone stays bound while its node is not heard of: it runs on meanwhile."""

_TOLERATION = {"key": names.TAINT["key"], "operator": "Equal", "value": names.TAINT["value"], "effect": "NoSchedule"}
_DEFAULT_SECONDS = 300
_UNHEARD = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_WEIGHTS = {AUTO: (60, 40), LOCAL_PREFER: (100, 0)}
"""Of local nodes and of the virtual node. The scheduler makes the greatest of a pod 100, so their ratio counts."""


def of(obj: JSON) -> str:
    """The policy that stands on a pod or workload: its label, else the annotation of earlier versions; "" for none."""
    metadata = obj.get("metadata") or {}
    for part in ("labels", "annotations"):
        if text := (metadata.get(part) or {}).get(names.POLICY_LABEL):
            return str(text)
    return ""


def never(pod: JSON) -> str:
    """Why the pod cannot go to CCI whatever its policy; "" when it can."""
    if any(owner.get("kind") == "DaemonSet" for owner in pod["metadata"].get("ownerReferences") or []):
        return "pods of a DaemonSet belong on nodes of their own"
    if pod["spec"].get("hostNetwork"):
        return "the pod uses its node's network"
    return ""


def operations(pod: JSON, policy: str) -> list[JSON]:
    """The JSON patch for a pod of this policy; [] where it stays as it is."""
    if policy not in (AUTO, LOCAL_PREFER, ENFORCE) or never(pod):
        return []
    spec = pod["spec"]
    changed: dict[str, Any] = {"tolerations": _tolerations(spec, policy)}
    if policy == ENFORCE:
        changed["nodeSelector"] = (spec.get("nodeSelector") or {}) | {"type": names.NODE_LABELS["type"]}
    else:
        changed["affinity"] = _affinity(spec, *_WEIGHTS[policy])
    return [
        {"op": "replace" if name in spec else "add", "path": f"/spec/{name}", "value": value}
        for name, value in changed.items()
        if spec.get(name) != value
    ]


def mark(pod: JSON, policy: str) -> list[JSON]:
    """The JSON patch that says on a pod which policy it was given, so that pods which may burst can be counted."""
    if policy not in (AUTO, LOCAL_PREFER, ENFORCE) or never(pod):
        return []
    labels = pod["metadata"].get("labels") or {}
    if labels.get(names.POLICY_MARK) == policy:
        return []
    return [{"op": "add", "path": "/metadata/labels", "value": labels | {names.POLICY_MARK: policy}}]


def _tolerations(spec: JSON, policy: str) -> list[JSON]:
    """The node's taint is tolerated; of a pod that is enforced, also a longer silence of the node than by default."""
    given = spec.get("tolerations") or []
    if policy == ENFORCE:
        given = [
            one | {"tolerationSeconds": LONGER_SECONDS}
            if one.get("key") in _UNHEARD and one.get("tolerationSeconds") == _DEFAULT_SECONDS
            else one
            for one in given
        ]
    return given if _TOLERATION in given else [*given, _TOLERATION]


def _affinity(spec: JSON, local: int, there: int) -> JSON:
    affinity = spec.get("affinity") or {}
    node = affinity.get("nodeAffinity") or {}
    given = node.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    wanted = [_preference("NotIn", local), *([_preference("In", there)] if there else [])]
    terms = [*given, *(term for term in wanted if term not in given)]
    return affinity | {"nodeAffinity": node | {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def _preference(operator: str, weight: int) -> JSON:
    expression = {"key": "type", "operator": operator, "values": [names.NODE_LABELS["type"]]}
    return {"weight": weight, "preference": {"matchExpressions": [expression]}}


def matching(profiles: list[JSON], pod: JSON) -> JSON | None:
    """The ScheduleProfile of the pod's namespace whose labels it has; of several, the first by name."""
    labels = pod["metadata"].get("labels") or {}
    for profile in sorted(profiles, key=lambda one: one["metadata"]["name"]):
        wanted = ((profile.get("spec") or {}).get("objectLabels") or {}).get("matchLabels") or {}
        if wanted and wanted.items() <= labels.items():
            return profile
    return None


def by_profile(profile: JSON, *, local: int, there: int) -> str:
    """The policy that a profile gives the next pod, when so many of its pods are local and in CCI already. Where one
    place is full the other one is left; where both are, the local one counts."""
    spec = profile.get("spec") or {}
    location = spec.get("location") or {}
    strategy = str(spec.get("strategy") or AUTO)
    if strategy not in (AUTO, LOCAL_PREFER, ENFORCE):
        return OFF
    if _is_full(location.get("local"), local):
        return ENFORCE
    if _is_full(location.get("cci"), there):
        return OFF
    return strategy


def deletion_costs(profile: JSON) -> tuple[int, int] | None:
    """Of a profile's pods where they are local, and in CCI: those with the greater `scaleDownPriority` go first when
    their workload shrinks. None where the profile says nothing of it."""
    location = (profile.get("spec") or {}).get("location") or {}
    told = [(location.get(place) or {}).get("scaleDownPriority") for place in ("local", "cci")]
    if not any(type(priority) is int for priority in told):
        return None
    local, there = (-priority if type(priority) is int else 0 for priority in told)
    return local, there


def cost_operations(pod: JSON, costs: tuple[int, int]) -> list[JSON]:
    """The JSON patch that writes them on a pod which has none of its own: it is taken for a local one until it is bound
    to the virtual node."""
    annotations = pod["metadata"].get("annotations") or {}
    if names.DELETION_COST in annotations:
        return []
    value = annotations | {names.DELETION_COST: str(costs[0]), names.COST_THERE: str(costs[1])}
    return [{"op": "add", "path": "/metadata/annotations", "value": value}]


def _is_full(place: Any, used: int) -> bool:
    most = (place or {}).get("maxNum")
    return isinstance(most, int) and used >= most
