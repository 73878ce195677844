"""What the YAML editor knows of a kind: its fields, types, values and prose, from the schemas of `/openapi/v3`. Pure.

One small document a kind. Left out is what nobody writes: status, the kept names of managers, and the bookkeeping of
metadata. A document's address carries its hash, so that a browser keeps it for good.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from workloads.kinds import registry, schemas
from workloads.kinds.base import Kind

JSON = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_UNWRITTEN = {
    _META: (
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    )
}
_LONGEST_PROSE = 600
_CORE = "io.k8s.api.core.v1."
_VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    (f"{_CORE}Container", "imagePullPolicy"): ("IfNotPresent", "Always", "Never"),
    (f"{_CORE}Container", "terminationMessagePolicy"): ("File", "FallbackToLogsOnError"),
    (f"{_CORE}Container", "restartPolicy"): ("Always",),
    (f"{_CORE}ContainerPort", "protocol"): ("TCP", "UDP"),
    (f"{_CORE}EmptyDirVolumeSource", "medium"): ("Memory",),
    (f"{_CORE}HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    (f"{_CORE}PersistentVolumeClaimSpec", "accessModes"): ("ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"),
    (f"{_CORE}PodSpec", "dnsPolicy"): ("ClusterFirst", "Default", "None"),
    (f"{_CORE}PodSpec", "restartPolicy"): ("Always", "OnFailure", "Never"),
    (f"{_CORE}Secret", "type"): (
        "Opaque",
        "kubernetes.io/tls",
        "kubernetes.io/dockerconfigjson",
        "kubernetes.io/basic-auth",
    ),
    (f"{_CORE}ServicePort", "protocol"): ("TCP", "UDP"),
    (f"{_CORE}ServiceSpec", "sessionAffinity"): ("None", "ClientIP"),
    (f"{_CORE}ServiceSpec", "type"): ("ClusterIP", "LoadBalancer", "ExternalName"),
    ("io.k8s.api.apps.v1.DeploymentStrategy", "type"): ("RollingUpdate", "Recreate"),
    ("io.k8s.api.autoscaling.v2.MetricSpec", "type"): ("Resource", "ContainerResource"),
    ("io.k8s.api.autoscaling.v2.MetricTarget", "type"): ("Utilization", "AverageValue"),
    ("io.k8s.api.batch.v1.CronJobSpec", "concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
    ("io.k8s.api.batch.v1.JobSpec", "completionMode"): ("NonIndexed", "Indexed"),
    ("io.k8s.api.networking.v1.HTTPIngressPath", "pathType"): ("Prefix", "Exact", "ImplementationSpecific"),
    ("io.k8s.api.rbac.v1.RoleRef", "kind"): ("ClusterRole", "Role"),
    ("io.k8s.api.rbac.v1.Subject", "kind"): ("User", "Group", "ServiceAccount"),
}
"""Values that the prose alone tells of: Kubernetes' published schemas have no enumerations."""


@dataclass(frozen=True)
class Document:
    body: bytes
    zipped: bytes
    digest: str


def served() -> list[Kind]:
    """What can be made from YAML, by name."""
    return sorted((kind for kind in registry.kinds().values() if "create" in kind.verbs), key=lambda kind: kind.name)


@cache
def document(name: str, api_version: str) -> Document:
    """`{root, schemas: {name: schema}}`. Raises KeyError for what is not served so."""
    kind = registry.kinds()[name]
    if api_version not in kind.api_versions:
        raise KeyError(api_version)
    root = kind.schema_of(api_version)
    found = _written(root)
    body = orjson.dumps({"root": root, "schemas": found})
    return Document(body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:16])


def _written(root: str) -> dict[str, JSON]:
    """The definitions that a writer can come to from the root."""
    known = schemas.closure([root])
    found, waiting = dict[str, JSON](), [root]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        without = ("status",) if name == root else _UNWRITTEN.get(name, ())
        found[name] = _with_values(name, _small(known[name], without))
        waiting += _references(found[name])
    return found


def _small(schema: JSON, without: tuple[str, ...] = ()) -> JSON:
    """Short keys: d prose, t type, f format, e values, p fields, r required, i items, a map's values, $ another one."""
    small: JSON = {}
    if prose := schema.get("description"):
        small["d"] = prose if len(prose) <= _LONGEST_PROSE else f"{prose[:_LONGEST_PROSE].rsplit(' ', 1)[0]} …"
    if reference := schema.get("$ref"):
        small["$"] = str(reference).removeprefix(schemas.REFERENCE)
    types = schema.get("type")
    if kind := next((one for one in types if one != "null"), "") if isinstance(types, list) else types:
        small["t"] = kind
    if form := schema.get("format"):
        small["f"] = form
    if values := [value for value in schema.get("enum", ()) if value is not None]:
        small["e"] = values
    if required := schema.get("required"):
        small["r"] = required
    if fields := schema.get("properties"):
        small["p"] = {name: _small(inner) for name, inner in fields.items() if name not in without}
    for key, short in (("items", "i"), ("additionalProperties", "a")):
        if isinstance(schema.get(key), dict):
            small[short] = _small(schema[key])
    return small


def _with_values(name: str, small: JSON) -> JSON:
    for (owner, field), values in _VALUES.items():
        if owner == name and field in small.get("p", {}):
            target = small["p"][field]
            target.get("i", target)["e"] = list(values)
    return small


def _references(small: JSON) -> list[str]:
    found = [small["$"]] if "$" in small else []
    for inner in (*small.get("p", {}).values(), *(small[key] for key in ("i", "a") if key in small)):
        found += _references(inner)
    return found
