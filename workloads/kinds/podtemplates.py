"""What pods and pod templates share: the defaults of a pod specification and everything that can be wrong with it."""

from __future__ import annotations

from typing import Any

from workloads.kinds import containers, ephemeral, gates, handlers, naming, objectmeta, refusals, security, volumes
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

RESTART_POLICIES = ("Always", "OnFailure", "Never")
GRACE_SECONDS = 30
MAX_GRACE_SECONDS = 24 * 3600
LONGEST_SECONDS = 2**31 - 1


def default(spec: JSON) -> None:
    """Fills the defaults of a pod specification in place, as Kubernetes does."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    spec["dnsPolicy"] = spec.get("dnsPolicy") or "ClusterFirst"
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    volumes.default(spec)
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        containers.default(container)


def validate(spec: JSON, field: str) -> list[Cause]:
    """All that is wrong with a pod specification standing at `field`."""
    found = containers.validate(spec.get("containers") or [], f"{field}.containers") + _inits(spec, field)
    found += ephemeral.validate(spec, field)
    found += _life(spec, field)
    found += gates.validate(spec, field) + refusals.refused_fields(spec, refusals.POD_FIELDS, field)
    found += volumes.validate(spec.get("volumes") or [], f"{field}.volumes") + _mounts(spec, field)
    found += security.validate_pod(spec.get("securityContext") or {}, f"{field}.securityContext")
    for index, reference in enumerate(spec.get("imagePullSecrets") or []):
        if not reference.get("name"):
            found.append(causes.required(f"{field}.imagePullSecrets[{index}].name"))
    if spec.get("restartPolicy") not in RESTART_POLICIES:
        found.append(causes.unsupported(f"{field}.restartPolicy", spec.get("restartPolicy"), RESTART_POLICIES))
    return found + naming.validate(spec, field) + _grace(spec, field)


def validate_template(template: JSON, field: str, *, restart_policies: tuple[str, ...]) -> list[Cause]:
    """All that is wrong with a pod template; a workload allows only some restart policies."""
    spec = template.get("spec") or {}
    found = objectmeta.validate_template(template.get("metadata") or {}, f"{field}.metadata")
    found += validate(spec, f"{field}.spec")
    if spec.get("restartPolicy") in set(RESTART_POLICIES) - set(restart_policies):
        found.append(causes.unsupported(f"{field}.spec.restartPolicy", spec["restartPolicy"], restart_policies))
    if spec.get("nodeName"):
        found.append(causes.forbidden(f"{field}.spec.nodeName", refusals.NODE_NAME))
    if "activeDeadlineSeconds" in spec and restart_policies == ("Always",):
        rule = "a workload whose pods run for ever sets them no time; remove it"
        found.append(causes.forbidden(f"{field}.spec.activeDeadlineSeconds", rule))
    return found


def _inits(spec: JSON, field: str) -> list[Cause]:
    """Init containers share the names of the main ones; only sidecars among them can be probed and have hooks."""
    inits = spec.get("initContainers") or []
    if not inits:
        return []
    where = f"{field}.initContainers"
    found = containers.validate(inits, where)
    taken = {container.get("name") for container in spec.get("containers") or []}
    for index, container in enumerate(inits):
        if container.get("name") in taken:
            found.append(causes.duplicate(f"{where}[{index}].name", container["name"]))
        policy = container.get("restartPolicy")
        if policy not in (None, "Always"):
            found.append(causes.unsupported(f"{where}[{index}].restartPolicy", policy, ("Always",)))
        for name in ("lifecycle", *handlers.PROBES.values()):
            if policy is None and container.get(name):
                rule = "may not be set for init containers without restartPolicy=Always"
                found.append(causes.forbidden(f"{where}[{index}].{name}", rule))
    return found


def _life(spec: JSON, field: str) -> list[Cause]:
    """Probes, hooks, and how long the pod may run."""
    found, grace = [], spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            where = f"{field}.{part}[{index}]"
            found += handlers.validate(container, where, grace_seconds=grace)
            if part == "containers" and container.get("restartPolicy"):
                found.append(causes.forbidden(f"{where}.restartPolicy", "may not be set for non-init containers"))
    seconds = spec.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
        rule = f"must be between 1 and {LONGEST_SECONDS}, inclusive"
        found.append(causes.invalid(f"{field}.activeDeadlineSeconds", seconds, rule))
    return found


def _mounts(spec: JSON, field: str) -> list[Cause]:
    found, known = [], spec.get("volumes") or []
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            where = f"{field}.{part}[{index}].volumeMounts"
            found += volumes.validate_mounts(container.get("volumeMounts") or [], where, volumes=known)
    return found


def _grace(spec: JSON, field: str) -> list[Cause]:
    seconds = spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)
    if 0 <= seconds <= MAX_GRACE_SECONDS:
        return []
    rule = f"must be from 0 to {MAX_GRACE_SECONDS} seconds"
    return [causes.invalid(f"{field}.terminationGracePeriodSeconds", seconds, rule)]
