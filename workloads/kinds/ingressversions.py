"""An Ingress as `extensions/v1beta1` says it, which the original's manifests are written in, and back. Pure.

There a backend is `serviceName` and `servicePort`, a path's type may be left out, and `property` may hold
`ingress.beta.kubernetes.io/url-match-mode`: STARTS_WITH (Prefix) or EQUAL_TO (Exact).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from workloads.kinds import schemas
from workloads.kinds.base import Conversion
from workloads.meta.errors import BadRequest

JSON = dict[str, Any]

OLD_GROUP, OLD_VERSION = "extensions", "v1beta1"
OLD = f"{OLD_GROUP}/{OLD_VERSION}"
MATCH_MODE = "ingress.beta.kubernetes.io/url-match-mode"
_MODES = {"STARTS_WITH": "Prefix", "EQUAL_TO": "Exact"}


def to_v1beta1(obj: JSON) -> JSON:
    """A resource cannot be a backend here, so nothing is lost."""
    spec = deepcopy(obj["spec"])
    if "defaultBackend" in spec:
        spec["backend"] = _old_backend(spec.pop("defaultBackend"))
    for path in _paths(spec):
        path["backend"] = _old_backend(path.get("backend") or {})
    return {**obj, "apiVersion": OLD, "spec": spec}


def from_v1beta1(obj: JSON) -> JSON:
    """Raises BadRequest."""
    spec = deepcopy(obj.get("spec") or {})
    if "backend" in spec:
        spec["defaultBackend"] = _new_backend(spec.pop("backend"))
    for path in _paths(spec):
        path["backend"] = _new_backend(path.get("backend") or {})
        mode = (path.pop("property", None) or {}).get(MATCH_MODE)
        if mode is not None and mode not in _MODES:
            raise BadRequest(f'{MATCH_MODE}: "{mode}" is not one of {", ".join(_MODES)}')
        path.setdefault("pathType", _MODES[mode] if mode else "ImplementationSpecific")
    return {"metadata": deepcopy(obj.get("metadata") or {}), "spec": spec}


def _paths(spec: JSON) -> list[JSON]:
    return [path for rule in spec.get("rules") or () for path in (rule.get("http") or {}).get("paths") or ()]


def _old_backend(backend: JSON) -> JSON:
    service = backend.get("service") or {}
    port = service.get("port") or {}
    found = {"serviceName": service.get("name", ""), "servicePort": port.get("name") or port.get("number", 0)}
    return found if service else dict(backend)


def _new_backend(backend: JSON) -> JSON:
    name, port = backend.get("serviceName"), backend.get("servicePort")
    if not name:
        return {name: value for name, value in backend.items() if name == "resource"}
    return {"service": {"name": name, "port": {"name": port} if isinstance(port, str) else {"number": port or 0}}}


_PREFIX = f"io.k8s.api.{OLD_GROUP}.{OLD_VERSION}."
_V1 = "io.k8s.api.networking.v1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def _reference(name: str, description: str = "") -> JSON:
    found = {"$ref": f"{schemas.REFERENCE}{name}"}
    return {**found, "description": description} if description else found


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


_PORT = _reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString", "The Service's port, by number or name.")
schemas.define(
    f"{_PREFIX}IngressBackend",
    {
        "type": "object",
        "description": "IngressBackend is the Service that requests go to.",
        "properties": {"serviceName": _text("The Service."), "servicePort": _PORT},
    },
)
schemas.define(
    f"{_PREFIX}HTTPIngressPath",
    {
        "type": "object",
        "description": "HTTPIngressPath says which path goes to which backend.",
        "properties": {
            "path": _text("The path of a request, beginning with /."),
            "pathType": _text("Exact, Prefix or ImplementationSpecific (the default)."),
            "backend": _reference(f"{_PREFIX}IngressBackend", "Where requests go."),
            "property": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": f"{MATCH_MODE}: STARTS_WITH or EQUAL_TO, where pathType is left out.",
            },
        },
    },
)
schemas.define(
    f"{_PREFIX}HTTPIngressRuleValue",
    {
        "type": "object",
        "description": "HTTPIngressRuleValue is a list of paths.",
        "properties": {
            "paths": {"type": "array", "items": _reference(f"{_PREFIX}HTTPIngressPath"), "description": "The paths."}
        },
    },
)
schemas.define(
    f"{_PREFIX}IngressRule",
    {
        "type": "object",
        "description": "IngressRule is what happens to the requests of one host.",
        "properties": {
            "host": _text("The host, such as shop.example.com; empty for all."),
            "http": _reference(f"{_PREFIX}HTTPIngressRuleValue", "The paths."),
        },
    },
)
schemas.define(
    f"{_PREFIX}IngressSpec",
    {
        "type": "object",
        "description": "IngressSpec is what is routed.",
        "properties": {
            "backend": _reference(f"{_PREFIX}IngressBackend", "Where requests go that no rule is about."),
            "ingressClassName": _text("The class; cce is the only one."),
            "rules": {"type": "array", "items": _reference(f"{_PREFIX}IngressRule"), "description": "The rules."},
            "tls": {"type": "array", "items": _reference(f"{_V1}IngressTLS"), "description": "The certificates."},
        },
    },
)
SCHEMA = schemas.define(
    f"{_PREFIX}Ingress",
    {
        "type": "object",
        "description": "Ingress says which requests from outside go to which Service. Write networking.k8s.io/v1 anew.",
        "properties": {
            "apiVersion": _text("The versioned schema of this representation of an object."),
            "kind": _text("The REST resource this object represents."),
            "metadata": _reference(f"{_META}ObjectMeta", "Standard object's metadata."),
            "spec": _reference(f"{_PREFIX}IngressSpec", "What is asked for."),
            "status": _reference(f"{_V1}IngressStatus", "Where it is reached."),
        },
        "x-kubernetes-group-version-kind": [{"group": OLD_GROUP, "kind": "Ingress", "version": OLD_VERSION}],
    },
)
V1BETA1 = Conversion(schema=SCHEMA, shown=to_v1beta1, stored=from_v1beta1)
