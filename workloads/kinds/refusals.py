"""What this service refuses, and what to use instead: kinds by name, and fields of a pod specification.

`NEVER` is by design; `NOT_YET` has its place in Kubernetes and will have one here. Nothing is ignored in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]


@dataclass(frozen=True)
class RefusedKind:
    """`sentence` says why, and what to use instead."""

    name: str
    plural: str
    group: str
    versions: tuple[str, ...]
    sentence: str


def refused_kind(*, api_version: str, kind: str) -> RefusedKind | None:
    """Whether a manifest of this apiVersion and kind is one we know and do not serve."""
    group, _, version = api_version.rpartition("/")
    for refused in KINDS:
        if (refused.name, refused.group) == (kind, group) and version in refused.versions:
            return refused
    return None


def refused_resource(*, group: str, version: str, plural: str) -> RefusedKind | None:
    """The same for an address: `/apis/<group>/<version>/.../<plural>`."""
    for refused in KINDS:
        if (refused.plural, refused.group) == (plural, group) and version in refused.versions:
            return refused
    return None


_V1 = ("v1",)


def _never(name: str, plural: str, group: str, instead: str) -> RefusedKind:
    return RefusedKind(name, plural, group, _V1, f"{name} is not offered by this service: {instead}")


def _not_yet(name: str, plural: str, group: str, until: str = "", *, versions: tuple[str, ...] = _V1) -> RefusedKind:
    sentence = f"{name} is not served yet" + (f": {until}" if until else "")
    return RefusedKind(name, plural, group, versions, sentence)


KINDS = (
    _never("StatefulSet", "statefulsets", "apps", "use a Deployment, and keep state outside of its pods"),
    _never(
        "DaemonSet",
        "daemonsets",
        "apps",
        "there are no nodes to run one pod on each; use a Deployment, or a second container in the pod",
    ),
    _never("ReplicationController", "replicationcontrollers", "", "use a Deployment"),
    _never("PodTemplate", "podtemplates", "", "write the template into a Deployment"),
    _not_yet("NetworkPolicy", "networkpolicies", "networking.k8s.io", "namespaces are apart anyway"),
    _never(
        "PersistentVolume",
        "persistentvolumes",
        "",
        "volumes are made and removed with their claims; look at the claim (kubectl get pvc)",
    ),
    _not_yet(
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "policy",
        "leave it out; nothing here drains hosts or preempts, and a rolling update heeds maxUnavailable",
    ),
    _never("PriorityClass", "priorityclasses", "scheduling.k8s.io", "all pods have the same priority; leave it out"),
    _not_yet(
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "apiextensions.k8s.io",
        "the kinds are those of `kubectl api-resources`",
    ),
)


@dataclass(frozen=True)
class FieldRule:
    """A field that may only have the values that mean what happens anyway."""

    field: str
    harmless: Callable[[Any], bool]
    sentence: str


def refused_fields(spec: JSON, rules: tuple[FieldRule, ...], field: str) -> list[Cause]:
    """A cause for each rule that `spec`, standing at `field`, breaks."""
    return [
        causes.forbidden(f"{field}.{rule.field}", rule.sentence)
        for rule in rules
        if rule.field in spec and not rule.harmless(spec[rule.field])
    ]


def _empty(value: Any) -> bool:
    """false, 0, "", {} and [] ask for nothing."""
    return not value


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


def _later(field: str, what: str, harmless: Callable[[Any], bool] = _empty) -> FieldRule:
    return FieldRule(field, harmless, f"is not supported yet: {what}")


_NO_NODES = "there are no nodes to choose from; remove it, the service finds the place for the pod"

POD_FIELDS = (
    FieldRule("hostNetwork", _empty, "the host's network is not offered; each pod has its own address in the subnet"),
    FieldRule("hostPID", _empty, "the host's processes are not offered; containers of a pod meet on localhost"),
    FieldRule("hostIPC", _empty, "the host's IPC is not offered; containers of one pod share theirs"),
    FieldRule("nodeSelector", _empty, _NO_NODES),
    FieldRule("affinity", _empty, _NO_NODES),
    FieldRule("topologySpreadConstraints", _empty, "there are no zones or nodes to spread over; remove it"),
    FieldRule("schedulerName", _one_of("", "default-scheduler"), "there is one scheduler, the default; remove it"),
    FieldRule("os", _one_of({}, {"name": "linux"}), "pods run on linux; remove it or give the name linux"),
    _later("ephemeralContainers", "use logs to look into a container"),
    _later("priorityClassName", "all pods have the same priority"),
    _later("priority", "all pods have priority 0"),
    _later("preemptionPolicy", "all pods have the same priority", _one_of("", "PreemptLowerPriority")),
    _later("runtimeClassName", "all pods run in the operator's runtime"),
    _later("overhead", "leave it out; it is never billed"),
    _later("resourceClaims", "leave it out"),
    _later("resources", "give resources per container, or choose a pod specification by annotation"),
    _later("hostUsers", "leave it out", _one_of(True)),
)

CONTAINER_FIELDS = (
    _later("volumeDevices", "use volumeMounts; volumes are file systems here"),
    _later("resizePolicy", "change the workload's template instead"),
)

_PROFILES = (
    _later("seccompProfile", "the runtime's default profile applies", _one_of({}, {"type": "RuntimeDefault"})),
    _later("appArmorProfile", "the runtime's default profile applies", _one_of({}, {"type": "RuntimeDefault"})),
    _later("seLinuxOptions", "leave it out"),
    _later("windowsOptions", "pods run on linux; leave it out"),
)

SECURITY_FIELDS = (
    FieldRule("privileged", _empty, "privileged containers are not offered; remove it, or run what needs it elsewhere"),
    _later("allowPrivilegeEscalation", "it is always false; give false or leave it out"),
    _later("procMount", "leave it out", _one_of("", "Default")),
    *_PROFILES,
)

POD_SECURITY_FIELDS = (
    _later("sysctls", "leave it out"),
    _later("supplementalGroupsPolicy", "give Merge or leave it out", _one_of("", "Merge")),
    _later("seLinuxChangePolicy", "leave it out"),
    *_PROFILES,
)

HOST_PORT = "the host's ports are not offered; the pod answers on its own address at containerPort"
EXTENDED_RESOURCE = (
    "is not offered: containers can ask for cpu, memory, ephemeral-storage and, in gpu-accelerated namespaces, "
    "cards by model, such as nvidia.com/gpu-tesla-t4"
)
NODE_NAME = "the service chooses where a pod runs; remove it"
CLAIMS = "is not supported yet: leave it out; cards are asked for in limits, such as nvidia.com/gpu-tesla-t4: 1"
DEVICES = "the service chooses which cards a pod has; remove it"
