"""What a container takes from elsewhere for its env: ConfigMaps, Secrets, the pod's own fields, its own resources.

Whether what is named exists is not asked here: it may come later, and the container waits for it.
"""

from __future__ import annotations

import re
from typing import Any

from workloads.kinds import bags
from workloads.meta import causes, names, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
"""What env may take from the pod itself; `metadata.labels['x']` and `metadata.annotations['x']` besides."""
_AMOUNTS = ("cpu", "ephemeral-storage", "memory")
RESOURCES = tuple(f"{part}.{name}" for part in ("limits", "requests") for name in _AMOUNTS)
SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_ONE_SOURCE = "may not have more than one field specified at a time"
_CPU_DIVISORS = ("1m", "1")
_MEMORY_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def value_from(variable: JSON, field: str) -> list[Cause]:
    """What is wrong with the `valueFrom` of an env variable, standing at `field`."""
    source = variable["valueFrom"]
    if not source:
        said = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        return [causes.invalid(field, "", said)]
    if variable.get("value"):
        return [causes.invalid(field, "", "may not be specified when `value` is not empty")]
    if len(source) > 1:
        return [causes.invalid(field, "", _ONE_SOURCE)]
    ((name, reference),) = source.items()
    where = f"{field}.{name}"
    if name == "fieldRef":
        return field_path(reference, where)
    if name == "resourceFieldRef":
        return resource(reference, where)
    if name in ("configMapKeyRef", "secretKeyRef"):
        return _name(reference, where) + _key(reference, where)
    return [causes.forbidden(where, f"is not supported yet: use one of {', '.join(SOURCES)}")]


def env_from(sources: list[JSON], field: str) -> list[Cause]:
    """What is wrong with a container's `envFrom`."""
    found = []
    for index, source in enumerate(sources):
        where, prefix = f"{field}[{index}]", source.get("prefix", "")
        if prefix:
            found += [causes.invalid(f"{where}.prefix", prefix, text) for text in names.environment_name(prefix)]
        given = [name for name in ("configMapRef", "secretRef") if name in source]
        if not given:
            found.append(causes.invalid(where, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            found.append(causes.invalid(where, "", _ONE_SOURCE))
        else:
            found += _name(source[given[0]], f"{where}.{given[0]}")
    return found


def field_path(reference: JSON, field: str, *, paths: tuple[str, ...] = FIELD_PATHS) -> list[Cause]:
    """What is wrong with a reference to the pod's own fields; `paths` are those that may be named here."""
    path = reference.get("fieldPath", "")
    if not path:
        return [causes.required(f"{field}.fieldPath")]
    if reference.get("apiVersion", "v1") != "v1":
        return [causes.unsupported(f"{field}.apiVersion", reference["apiVersion"], ("v1",))]
    if subscript := _SUBSCRIPT.fullmatch(path):
        key = subscript[2]
        return [causes.invalid(f"{field}.fieldPath", path, text) for text in names.qualified_name(key)]
    if path in paths:
        return []
    supported = (*paths, "metadata.labels['<KEY>']", "metadata.annotations['<KEY>']")
    return [causes.unsupported(f"{field}.fieldPath", path, supported)]


def resource(reference: JSON, field: str) -> list[Cause]:
    """What is wrong with a reference to a container's own limits and requests."""
    name = reference.get("resource", "")
    if not name:
        return [causes.required(f"{field}.resource")]
    if name not in RESOURCES:
        return [causes.unsupported(f"{field}.resource", name, RESOURCES)]
    divisor, what = reference.get("divisor", "0"), name.partition(".")[2]
    allowed = _CPU_DIVISORS if what == "cpu" else _MEMORY_DIVISORS
    if quantity.parse(divisor) in {0, *(quantity.parse(one) for one in allowed)}:
        return []
    said = f"only divisor's values {', '.join(allowed)} are supported with the {what} resource"
    return [causes.invalid(f"{field}.divisor", divisor, said)]


def _name(reference: JSON, field: str) -> list[Cause]:
    name = reference.get("name", "")
    if not name:
        return [causes.required(f"{field}.name")]
    return [causes.invalid(f"{field}.name", name, text) for text in names.dns_subdomain(name)]


def _key(reference: JSON, field: str) -> list[Cause]:
    key = reference.get("key", "")
    if not key:
        return [causes.required(f"{field}.key")]
    return [causes.invalid(f"{field}.key", key, text) for text in bags.key_problems(key)]
