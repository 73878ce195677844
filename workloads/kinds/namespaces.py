"""Namespace: where an account's objects live, with a flavor and a warm pool that are chosen once.

Filling in the account's default flavor is admission's; `flavor_error` is the rule it applies.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import BadRequest, Cause

JSON = dict[str, Any]

FLAVOR = "namespace.kubernetes.io/flavor"
GENERAL_COMPUTING, GPU_ACCELERATED = "general-computing", "gpu-accelerated"
FLAVORS = (GENERAL_COMPUTING, GPU_ACCELERATED)

WARM_POOL_SIZE = "network.cci.io/warm-pool-size"
WARM_POOL_RECYCLE_HOURS = "network.cci.io/warm-pool-recycle-interval"
READY_BEFORE_POD_RUN = "network.cci.io/ready-before-pod-run"
AUTO_NORMALIZE = "resource.cci.io/auto-normalize"
RBAC_LABEL = "rbac.authorization.cci.io/enable-k8s-rbac"
ENTERPRISE_PROJECT_LABEL = "sys_enterprise_project_id"
NAME_LABEL = "kubernetes.io/metadata.name"

DEFAULT_WARM_POOL_SIZE = 10
MAX_WARM_POOL_SIZE = 500
DEFAULT_ENTERPRISE_PROJECT = "0"
NETWORK_READY = "vpc-network-ready"

_FIXED_ANNOTATIONS = (FLAVOR, WARM_POOL_SIZE, WARM_POOL_RECYCLE_HOURS, READY_BEFORE_POD_RUN)
_CHOSEN_ONCE = "field is immutable; it is chosen when the namespace is made"
_FIXED_LABELS = (RBAC_LABEL, ENTERPRISE_PROJECT_LABEL)


def flavor(namespace: JSON) -> str:
    """The namespace's flavor, "" when none is written on it yet."""
    return str(_annotations(namespace).get(FLAVOR, ""))


def warm_pool_size(namespace: JSON) -> int:
    """How many ready sandboxes the namespace keeps. The namespace must have passed `validate`."""
    return int(_annotations(namespace).get(WARM_POOL_SIZE, DEFAULT_WARM_POOL_SIZE))


def warm_pool_recycle_hours(namespace: JSON) -> int | None:
    """After how many hours a ready sandbox is replaced; None: never."""
    hours = _annotations(namespace).get(WARM_POOL_RECYCLE_HOURS)
    return int(hours) if hours else None


def waits_for_network(namespace: JSON) -> bool:
    """Whether pods wait until the network is Active."""
    return _annotations(namespace).get(READY_BEFORE_POD_RUN) == NETWORK_READY


def auto_normalize(namespace: JSON) -> bool | None:
    """Whether off-grid pods are rounded up here; None leaves it to the account or the operator."""
    value = _annotations(namespace).get(AUTO_NORMALIZE)
    return None if value is None else value == "true"


def enterprise_project(namespace: JSON) -> str:
    labels = namespace["metadata"].get("labels") or {}
    return str(labels.get(ENTERPRISE_PROJECT_LABEL, DEFAULT_ENTERPRISE_PROJECT))


def flavor_error(flavor: str) -> BadRequest | None:
    """The product's 400 for a flavor that is missing or unknown; None when it is right."""
    if flavor in FLAVORS:
        return None
    field, listed = f"metadata.annotations[{FLAVOR}]", ", ".join(FLAVORS)
    if not flavor:
        cause = causes.required(field, f"give one of {listed}")
        return BadRequest(f"{cause.field}: {cause.message}", causes=(cause,), error_code="CCI.02.400111")
    cause = causes.unsupported(field, flavor, FLAVORS)
    return BadRequest(f"{cause.field}: {cause.message}", causes=(cause,), error_code="CCI.02.400110")


def default(obj: JSON) -> None:
    metadata = obj["metadata"]
    metadata.setdefault("labels", {})[NAME_LABEL] = metadata.get("name", "")
    spec = obj.setdefault("spec", {})
    spec.setdefault("finalizers", ["kubernetes"])


def prepare(obj: JSON, old: JSON | None) -> None:
    """What is chosen once and left out of an update stays as it was; what is changed there, `validate` refuses."""
    if old is None:
        obj["status"] = {"phase": "Active"}
        return
    obj["spec"]["finalizers"] = old["spec"]["finalizers"]
    _carry(obj, old, "annotations", _FIXED_ANNOTATIONS)
    _carry(obj, old, "labels", _FIXED_LABELS)


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj, name_rule=names.dns_label)
    found += _pool_causes(_annotations(obj)) + _switch_causes(obj)
    if old is not None:
        found += _fixed_causes(obj, old, "annotations", _FIXED_ANNOTATIONS)
        found += _fixed_causes(obj, old, "labels", _FIXED_LABELS)
    return found


def _pool_causes(annotations: dict[str, str]) -> list[Cause]:
    found = []
    size = annotations.get(WARM_POOL_SIZE)
    if size is not None and not _between(size, 0, MAX_WARM_POOL_SIZE):
        rule = f"must be a whole number from 0 to {MAX_WARM_POOL_SIZE}"
        found.append(causes.invalid(f"metadata.annotations[{WARM_POOL_SIZE}]", size, rule))
    hours = annotations.get(WARM_POOL_RECYCLE_HOURS)
    if hours is not None and not _between(hours, 1, 8760):
        rule = (
            "must be a whole number of hours, from 1 to 8760; leave it out to keep ready sandboxes until they are used"
        )
        found.append(causes.invalid(f"metadata.annotations[{WARM_POOL_RECYCLE_HOURS}]", hours, rule))
    return found


def _between(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9 and low <= int(text) <= high


def _switch_causes(obj: JSON) -> list[Cause]:
    annotations, labels = _annotations(obj), obj["metadata"].get("labels") or {}
    switches = (
        (f"metadata.annotations[{READY_BEFORE_POD_RUN}]", annotations.get(READY_BEFORE_POD_RUN), (NETWORK_READY,)),
        (f"metadata.annotations[{AUTO_NORMALIZE}]", annotations.get(AUTO_NORMALIZE), ("true", "false")),
        (f"metadata.labels[{RBAC_LABEL}]", labels.get(RBAC_LABEL), ("true", "false")),
    )
    return [
        causes.unsupported(field, value, allowed)
        for field, value, allowed in switches
        if value is not None and value not in allowed
    ]


def _fixed_causes(obj: JSON, old: JSON, part: str, keys: tuple[str, ...]) -> list[Cause]:
    new, before = obj["metadata"].get(part) or {}, old["metadata"].get(part) or {}
    return [
        causes.invalid(f"metadata.{part}[{key}]", new.get(key), _CHOSEN_ONCE)
        for key in keys
        if new.get(key) != before.get(key)
    ]


def _carry(obj: JSON, old: JSON, part: str, keys: tuple[str, ...]) -> None:
    before = old["metadata"].get(part) or {}
    kept = {key: before[key] for key in keys if key in before}
    if kept:
        obj["metadata"][part] = {**kept, **(obj["metadata"].get(part) or {})}


def _annotations(obj: JSON) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def _phase(obj: JSON) -> str:
    return str((obj.get("status") or {}).get("phase", ""))


KIND = register(
    Kind(
        name="Namespace",
        plural="namespaces",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Namespace",
        singular="namespace",
        namespaced=False,
        short_names=("ns",),
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        subresources=("status", "finalize"),
        columns=(NAME, Column("Status", lambda obj, now: _phase(obj), description="The status of the namespace"), AGE),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(phase=_phase(obj)),
        has_generation=False,
        field_selectors={"status.phase": _phase},
    )
)
