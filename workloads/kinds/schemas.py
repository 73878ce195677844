"""The schemas of everything we serve: Kubernetes' own definitions (from the package `kubernetes_validate`), and ours.

Two forms: `definition(name)` and `closure(names)` give the JSON schema with its prose, for OpenAPI documents and
`kubectl explain`; they read the file anew, because the prose is large and rarely asked for. `shape(name)` gives the
small compiled form that manifests are checked, pruned and merged by; it is kept. Compiling the kinds we serve takes
about 20 ms once, checking a Deployment about 0.1 ms.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from workloads.kinds.base import Kind
from workloads.meta import shapes
from workloads.meta.shapes import Field, Findings, Shape

JSON = dict[str, Any]

KUBERNETES_VERSION = "1.33.0"
REFERENCE = "#/$defs/"
SCALE = "io.k8s.api.autoscaling.v1.Scale"

_OWN: dict[str, JSON] = {}
_EXTENSIONS: dict[str, dict[str, JSON]] = {}
_SHAPES: dict[str, Shape] = {}
_COMPILING = threading.Lock()
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CORE = "io.k8s.api.core.v1."
_SPECIAL: dict[str, Shape] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": Shape("int-or-string", "IntOrString"),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Shape("quantity", "Quantity"),
    f"{_META}Time": Shape("time", "Time"),
    f"{_META}MicroTime": Shape("time", "MicroTime"),
    f"{_META}FieldsV1": shapes.ANY,
}

_OF_OBJECTS = ("metadata", "spec", "status")
_EMBEDDED: dict[str, tuple[str, ...]] = {
    f"{_CORE}Container": ("resources",),
    f"{_CORE}ContainerStatus": ("state", "lastState"),
    f"{_CORE}Event": ("involvedObject", "source"),
    f"{_CORE}NodeStatus": ("daemonEndpoints", "nodeInfo"),
    f"{_CORE}PersistentVolumeClaimSpec": ("resources",),
    f"{_CORE}PersistentVolumeClaimTemplate": ("metadata", "spec"),
    f"{_CORE}PodTemplateSpec": ("metadata", "spec"),
    f"{_CORE}ServiceStatus": ("loadBalancer",),
    "io.k8s.api.apps.v1.DeploymentSpec": ("template", "strategy"),
    "io.k8s.api.apps.v1.ReplicaSetSpec": ("template",),
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec": ("scaleTargetRef",),
    "io.k8s.api.autoscaling.v2.ContainerResourceMetricSource": ("target",),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": ("scaleTargetRef",),
    "io.k8s.api.autoscaling.v2.ResourceMetricSource": ("target",),
    "io.k8s.api.batch.v1.CronJobSpec": ("jobTemplate",),
    "io.k8s.api.batch.v1.JobSpec": ("template",),
    "io.k8s.api.batch.v1.JobTemplateSpec": ("metadata", "spec"),
    "io.k8s.api.networking.v1.HTTPIngressPath": ("backend",),
    "io.k8s.api.networking.v1.IngressStatus": ("loadBalancer",),
    "io.k8s.api.rbac.v1.RoleBinding": ("roleRef",),
}
"""Fields whose Go type is a struct and no pointer, so that an object always has them, if empty. The schemas do not
tell, but who owns the struct itself, and not only what is in it, follows from it."""


def define(name: str, schema: JSON) -> str:
    """Registers a definition of our own, written like Kubernetes' (references are `#/$defs/<name>`); returns `name`."""
    _OWN[name] = schema
    return name


def extend(name: str, properties: dict[str, JSON]) -> None:
    """Adds properties of our own to one of Kubernetes' definitions, for example to PodStatus."""
    _EXTENSIONS.setdefault(name, {}).update(properties)


def definition(name: str) -> JSON:
    """The JSON schema called `name`, prose included. Raises KeyError."""
    return _extended(name, _all()[name])


def closure(names: Iterable[str]) -> dict[str, JSON]:
    """The definitions called `names` and all they refer to, by name."""
    known, found, waiting = _all(), dict[str, JSON](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _extended(name, known[name])
            waiting.extend(_references(found[name]))
    return found


def shape(name: str) -> Shape:
    """The compiled form of the definition called `name` (`Kind.schema`). Raises KeyError."""
    with _COMPILING:
        if name not in _SHAPES:
            _SHAPES.update(_compiled(name))
        return _SHAPES[name]


def check(kind: Kind, obj: JSON) -> Findings:
    """What a strict, typed decoder would say of `obj`: unknown fields and wrong types, with their paths."""
    return shapes.check(obj, shape(kind.schema))


def prune(kind: Kind, obj: JSON) -> None:
    """Drops in place the fields the kind does not have, and nulls. After `check` found no mismatches."""
    shapes.prune(obj, shape(kind.schema))


def _compiled(wanted: str) -> dict[str, Shape]:
    """The shapes of the definition and, while the file is open anyway, of every kind. Nobody sees them half made."""
    from workloads.kinds.registry import kinds

    definitions = closure({wanted, SCALE, *(kind.schema for kind in kinds().values())})
    shapes_by_name = {name: Shape("any", name.rpartition(".")[2]) for name in definitions}
    shapes_by_name.update(_SPECIAL)
    shapes_by_name.update(_SHAPES)
    for name in definitions.keys() - _SPECIAL.keys() - _SHAPES.keys():
        _fill(shapes_by_name[name], definitions[name], shapes_by_name)
        shapes_by_name[name].always = _always(name, definitions[name])
    return shapes_by_name


def _fill(target: Shape, schema: JSON, known: Mapping[str, Shape]) -> None:
    """Gives `target` what `schema` says. In place, because definitions may refer to each other in circles."""
    target.atomic = schema.get("x-kubernetes-map-type") == "atomic"
    match _type_of(schema):
        case "object" if "properties" in schema:
            target.type = "object"
            target.fields = {name: _field(inner, known) for name, inner in schema["properties"].items()}
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            target.type = "map"
            target.items = _inline(schema["additionalProperties"], known)
        case "array":
            target.type = "array"
            target.items = _inline(schema["items"], known)
            target.atomic, target.keys = _list_type(schema)
        case "string":
            target.type = "bytes" if schema.get("format") == "byte" else "string"
        case "integer":
            target.type = "integer"
            target.bits = 32 if schema.get("format") == "int32" else 64
        case "boolean" | "number" as plain:
            target.type = plain


def _list_type(schema: JSON) -> tuple[bool, tuple[str, ...]]:
    """(atomic, keys of its elements). Where a list does not say, how a strategic merge treats it decides."""
    match schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-patch-strategy"):
        case ("map", _):
            return False, tuple(schema["x-kubernetes-list-map-keys"])
        case ("set", _):
            return False, ()
        case (None, "merge" | "merge,retainKeys"):
            key = schema.get("x-kubernetes-patch-merge-key")
            return False, (key,) if key else ()
    return True, ()


def _always(name: str, schema: JSON) -> JSON:
    """What an object of Go's type has when nobody gave it: structs, and lists that are required."""
    fields = schema.get("properties") or {}
    structs = _OF_OBJECTS if {"apiVersion", "kind"} <= fields.keys() else _EMBEDDED.get(name, ())
    lists = [field for field in schema.get("required") or () if _type_of(fields.get(field, {})) == "array"]
    return {field: {} for field in (*structs, *_EMBEDDED.get(name, ())) if field in fields} | dict.fromkeys(lists)


def _type_of(schema: JSON) -> str:
    """The definitions allow null everywhere (`["object", "null"]`); the other word counts."""
    types = schema.get("type", "object")
    return types if isinstance(types, str) else next(iter(types))


def _field(schema: JSON, known: Mapping[str, Shape]) -> Field:
    strategies = schema.get("x-kubernetes-patch-strategy", "")
    return Field(
        _inline(schema, known),
        frozenset(strategies.split(",")) if strategies else frozenset(),
        schema.get("x-kubernetes-patch-merge-key", ""),
    )


def _inline(schema: JSON, known: Mapping[str, Shape]) -> Shape:
    if "$ref" in schema:
        return known[schema["$ref"].removeprefix(REFERENCE)]
    made = Shape("any")
    _fill(made, schema, known)
    return made


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(REFERENCE)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _extended(name: str, schema: JSON) -> JSON:
    extra = _EXTENSIONS.get(name)
    return {**schema, "properties": {**schema["properties"], **extra}} if extra else schema


def _all() -> dict[str, JSON]:
    """Ours, and Kubernetes'."""
    return {**orjson.loads(_file().read_bytes())["$defs"], **_OWN}


@cache
def _file() -> Path:
    """Found without importing the package, which would load a validator that nobody needs."""
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        raise RuntimeError("the package kubernetes_validate is not installed: run `make setup`")
    folder = Path(found.origin).parent / "kubernetes-json-schema" / f"v{KUBERNETES_VERSION}-local-strict"
    return folder / "_definitions.json"
