"""Pod: one or more containers that share an address, a pod specification and a bill."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from workloads.kinds import (
    containers,
    ephemeral,
    gates,
    health,
    images,
    objectmeta,
    podspecs,
    podtemplates,
    refusals,
    schemas,
)
from workloads.kinds.base import Facts, Kind
from workloads.kinds.podcolumns import COLUMNS
from workloads.kinds.registry import register
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def default(obj: JSON) -> None:
    """As Kubernetes; and requests and limits fill each other, because here they are equal."""
    spec = obj.setdefault("spec", {})
    podtemplates.default(spec)
    for container in _every(spec):
        _equalize(container["resources"])


def prepare(obj: JSON, old: JSON | None) -> None:
    """A pod begins Pending. What the service wrote into it and an update leaves out stays as it was."""
    if old is None:
        obj["spec"].setdefault("enableServiceLinks", True)
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj["spec"])}
        if gates.are_shut(obj):
            obj["status"]["conditions"] = [gates.gated_condition()]
        return
    for name in (*podspecs.SETTLED, podspecs.DEVICES_ANNOTATION):
        if (value := podspecs.annotated(old, name)) is not None:
            obj["metadata"].setdefault("annotations", {}).setdefault(name, value)
    for name in ("nodeName", "enableServiceLinks"):
        if name in old["spec"]:
            obj["spec"].setdefault(name, old["spec"][name])


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    """What was judged when it was stored is not judged again."""
    found = objectmeta.validate(obj)
    if old is None or obj["spec"] != old["spec"]:
        found += _spec_causes(obj["spec"])
    if old is None:
        if obj["spec"].get("nodeName"):
            found.append(causes.forbidden("spec.nodeName", refusals.NODE_NAME))
        if podspecs.annotated(obj, podspecs.DEVICES_ANNOTATION) is not None:
            field = f"metadata.annotations[{podspecs.DEVICES_ANNOTATION}]"
            found.append(causes.forbidden(field, refusals.DEVICES))
        return found
    return found + _update_causes(obj, old)


def _spec_causes(spec: JSON) -> list[Cause]:
    """Most pods are copies: one after another of the same template is judged once."""
    data = orjson.dumps(spec)
    if len(data) <= _LONGEST_REMEMBERED and _is_valid(data):
        return []
    return podtemplates.validate(spec, "spec")


@lru_cache(maxsize=256)
def _is_valid(spec: bytes) -> bool:
    return not podtemplates.validate(orjson.loads(spec), "spec")


_LONGEST_REMEMBERED = 16 * 1024


def qos_class(spec: JSON) -> str:
    """Guaranteed, Burstable or BestEffort, by Kubernetes' definition."""
    resources = [container.get("resources") or {} for container in _every(spec)]
    asked = [(each.get("limits") or {}, each.get("requests") or {}) for each in resources]
    if not any(name in each for pair in asked for each in pair for name in containers.RESOURCES):
        return "BestEffort"
    pairs = [(limits.get(name), requests.get(name)) for limits, requests in asked for name in ("cpu", "memory")]
    return "Guaranteed" if all(limit is not None and limit == request for limit, request in pairs) else "Burstable"


def _every(spec: JSON) -> list[JSON]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _equalize(resources: JSON) -> None:
    """What is out of rule is not copied: one mistake is told once."""
    limits, requests = dict(resources.get("limits") or {}), dict(resources.get("requests") or {})
    for name in containers.resources_of(resources):
        value = limits.get(name, requests.get(name))
        if value is not None and not containers.amount_problem(value, whole=podspecs.is_gpu(name)):
            limits.setdefault(name, value)
            requests.setdefault(name, value)
    scratch = limits.get(ephemeral.RESOURCE)
    if scratch is not None and not containers.amount_problem(scratch):  # a request of it may be below its limit
        requests.setdefault(ephemeral.RESOURCE, scratch)
    if limits and requests:
        resources.update(limits=limits, requests=requests)


def _update_causes(obj: JSON, old: JSON) -> list[Cause]:
    found = []
    for name in podspecs.SETTLED:
        if podspecs.annotated(obj, name) != podspecs.annotated(old, name):
            rule = "field is immutable; a pod keeps the specification it is billed for, create another pod instead"
            found.append(causes.invalid(f"metadata.annotations[{name}]", podspecs.annotated(obj, name), rule))
    if obj["spec"] == old["spec"]:
        return found
    found += _deadline_causes(obj["spec"], old["spec"]) + gates.added(obj["spec"], old["spec"], "spec")
    kept = all(each in (obj["spec"].get("tolerations") or []) for each in old["spec"].get("tolerations") or [])
    if not kept or _frozen_part(obj["spec"], old["spec"]) != _frozen_part(old["spec"], old["spec"]):
        found.append(causes.forbidden("spec", _FROZEN))
    return found


def _deadline_causes(spec: JSON, old: JSON) -> list[Cause]:
    """The time a pod may run can be set and shortened, not taken back."""
    seconds, before = spec.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    if before is None or (seconds is not None and seconds <= before):
        return []
    if seconds is None:
        return [
            causes.invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")
        ]
    rule = "must be less than or equal to previous value"
    return [causes.invalid("spec.activeDeadlineSeconds", seconds, rule)]


def _frozen_part(spec: JSON, old: JSON) -> JSON:
    """`spec` without what an update may change: images, tolerations (added), the deadline, scheduling gates (taken
    away), and once the node."""
    free = ("tolerations", "activeDeadlineSeconds", "schedulingGates", *(() if old.get("nodeName") else ("nodeName",)))
    rest = {name: value for name, value in spec.items() if name not in free}
    for part in ("initContainers", "containers"):
        if part in rest:
            rest[part] = [{**container, "image": ""} for container in rest[part] or ()]
    return rest


def _status(name: str) -> Any:
    return lambda obj: str((obj.get("status") or {}).get(name, ""))


def _spec(name: str) -> Any:
    return lambda obj: str(obj["spec"].get(name, ""))


def _mark(meaning: str) -> JSON:
    return {"type": "string", "description": f"{meaning} RFC 3339, UTC, with microseconds; the runtime's own clock."}


def _bytes(meaning: str) -> JSON:
    return {"type": "integer", "format": "int64", "description": meaning}


_PULL: JSON = {
    "description": "How far the pull is that goes on now.",
    "type": "object",
    "properties": {
        "image": {"type": "string", "description": "The image that is pulled."},
        "currentBytes": _bytes("Bytes that are here."),
        "totalBytes": _bytes("Bytes in all, or 0."),
        "cached": {"type": "boolean", "description": "The image was here already."},
    },
}

schemas.extend(
    "io.k8s.api.core.v1.PodStatus",
    {
        "lifecycle": {
            "description": "The pod's own times, from the runtime's clock: what is billed, where a start took long.",
            "type": "object",
            "properties": {
                "pullStartedAt": _mark("When the first image pull began: billing starts."),
                "pulledAt": _mark("When all images were there."),
                "createdAt": _mark("When the sandbox was the pod's."),
                "startedAt": _mark("When the last of the containers first started."),
                "readyAt": _mark("When the pod was first ready."),
                "leavingAt": _mark("When the proxy was asked to send the pod no more requests."),
                "outAt": _mark("When the proxy sent it none any more."),
                "terminatingAt": _mark("When the containers were asked to end."),
                "finishedAt": _mark("When all had ended for good: billing ends."),
                "pull": _PULL,
                "hooks": {
                    "type": "object",
                    "additionalProperties": {"type": "object"},
                    "description": "Whose postStart hook has been done, by container.",
                },
                "stops": {
                    "type": "object",
                    "additionalProperties": {"type": "object"},
                    "description": "Which containers are being stopped, and since when, by container.",
                },
                "again": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "format": "int64"},
                    "description": "Init containers that run once more in a new sandbox, and past which attempt.",
                },
                "images": {"type": "object", "description": "What is remembered of each image's pulls, by image."},
                "calm": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "format": "int64"},
                    "description": "The attempt since which each container has run calmly, by container.",
                },
            },
        }
    },
)

KIND = register(
    Kind(
        name="Pod",
        plural="pods",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Pod",
        singular="pod",
        short_names=("po",),
        categories=("all",),
        subresources=("status", "log", "exec", "attach", "portforward", "eviction"),
        columns=COLUMNS,
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(
            phase=_status("phase")(obj),
            node=_spec("nodeName")(obj),
            health=health.of_pod(obj),
            images=images.of_pod(obj),
        ),
        has_generation=False,
        own_conditions=gates.OWN,
        phase_field="status.phase",
        field_selectors={
            "status.phase": _status("phase"),
            "status.podIP": _status("podIP"),
            "status.nominatedNodeName": _status("nominatedNodeName"),
            "spec.nodeName": _spec("nodeName"),
            "spec.restartPolicy": _spec("restartPolicy"),
            "spec.schedulerName": _spec("schedulerName"),
            "spec.serviceAccountName": _spec("serviceAccountName"),
        },
    )
)
