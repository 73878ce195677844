"""What is served: the documents by which kubectl learns our groups, kinds and verbs.

Modern clients take two documents (aggregated), older ones one a group. All are made from the registry once a process.
Kinds that are refused by name are listed without verbs: clients then know the name and bring it to us, and what comes
back is the sentence that says what to use instead. Nothing lists them: `kubectl api-resources` shows what has verbs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson

from workloads.kinds import metrics, refusals, registry
from workloads.kinds.base import Kind
from workloads.kubeapi import health, negotiation, reviews
from workloads.kubeapi.exchange import JSON_TYPE, Reply, Request
from workloads.meta.errors import NotFound

JSON = dict[str, Any]

_AGGREGATED = {"v2": "apidiscovery.k8s.io/v2", "v2beta1": "apidiscovery.k8s.io/v2beta1"}


@dataclass(frozen=True)
class Part:
    """A subresource and the kind it is answered with."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True)
class Resource:
    """One thing that a group and version serves, as discovery says it."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def scope(self) -> str:
        return "Namespaced" if self.namespaced else "Cluster"


def answer(request: Request, segments: list[str]) -> Reply:
    """`/`, `/api`, `/apis`, `/apis/<group>`, `/api/v1`, `/apis/<group>/<version>`. Raises NotFound."""
    if len(segments) == 1:
        version = _aggregated_version(request.headers.get("accept", ""))
        if version:
            return cached(request, *_aggregated(segments[0], version))
    document = _legacy(tuple(segments))
    if document is None:
        raise NotFound("the server could not find the requested resource")
    return cached(request, document, JSON_TYPE)


@cache
def resources() -> tuple[Resource, ...]:
    """Everything, in the order it is listed in."""
    return (*_of_kinds(), *_of_metrics(), *_of_reviews(), *_of_refusals())


@cache
def group_versions() -> dict[str, tuple[str, ...]]:
    """group -> its versions, the preferred one first."""
    found: dict[str, dict[str, None]] = {}
    for resource in resources():
        found.setdefault(resource.group, {})[resource.version] = None
    return {group: tuple(versions) for group, versions in found.items()}


def _of_kinds() -> Iterator[Resource]:
    for kind in registry.kinds().values():
        for group, version in ((kind.group, kind.version), *kind.also_served_as):
            is_at_home = group == kind.group  # elsewhere a short name would be one that kubectl doubts
            yield Resource(
                group=group,
                version=version,
                kind=kind.name,
                plural=kind.plural,
                singular=kind.singular or kind.name.lower(),
                namespaced=kind.namespaced,
                verbs=kind.verbs,
                short_names=kind.short_names if is_at_home else (),
                categories=kind.categories,
                parts=tuple(_part(kind, name, group, version) for name in kind.subresources),
            )


def _part(kind: Kind, name: str, group: str, version: str) -> Part:
    if name == "scale":
        return Part(name, "autoscaling", "v1", "Scale", ("get", "patch", "update"))
    if name == "token":
        return Part(name, "authentication.k8s.io", "v1", "TokenRequest", ("create",))
    if name == "eviction":
        return Part(name, "policy", "v1", "Eviction", ("create",))
    if name in _OPTIONS:
        return Part(name, group, version, _OPTIONS[name], ("create", "get"))
    verbs = {"log": ("get",), "finalize": ("update",)}.get(name, ("get", "patch", "update"))
    return Part(name, group, version, kind.name, verbs)


_OPTIONS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}
"""What streams are asked with."""


def _of_metrics() -> Iterator[Resource]:
    for kind in metrics.KINDS:
        place = (kind.group, kind.version, kind.name, kind.plural, kind.singular)
        yield Resource(*place, namespaced=kind.namespaced, verbs=kind.verbs)


def _of_reviews() -> Iterator[Resource]:
    for (group, plural), kind in reviews.served().items():
        inside = reviews.namespaced(group, plural)
        yield Resource(group, "v1", kind, plural, kind.lower(), namespaced=inside, verbs=("create",))


def _of_refusals() -> Iterator[Resource]:
    for refused in refusals.KINDS:
        for version in refused.versions:
            yield Resource(
                group=refused.group,
                version=version,
                kind=refused.name,
                plural=refused.plural,
                singular=refused.name.lower(),
                namespaced=True,
                verbs=(),
            )


def _aggregated_version(accept: str) -> str:
    """Which form of the aggregated document is preferred, "" for the legacy one."""
    for media in negotiation.ranges(accept):
        wanted = media.parameters
        if wanted.get("as") == "APIGroupDiscoveryList" and wanted.get("g") == "apidiscovery.k8s.io":
            if wanted.get("v") in _AGGREGATED:
                return wanted["v"]
        elif media.type in (JSON_TYPE, "*/*", "application/*"):
            return ""
    return ""


@cache
def _aggregated(room: str, version: str) -> tuple[bytes, str]:
    items = []
    for group, versions in group_versions().items():
        if (group == "") != (room == "api"):
            continue
        metadata: JSON = {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None}
        items.append({"metadata": metadata, "versions": [_aggregated_group(group, each) for each in versions]})
    document = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": _AGGREGATED[version],
        "metadata": {},
        "items": items,
    }
    return orjson.dumps(document), f"{JSON_TYPE};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"


def _aggregated_group(group: str, version: str) -> JSON:
    return {
        "version": version,
        "freshness": "Current",
        "resources": [
            _aggregated_resource(resource)
            for resource in resources()
            if (resource.group, resource.version) == (group, version)
        ],
    }


def _aggregated_resource(resource: Resource) -> JSON:
    found: JSON = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": resource.scope,
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        found["shortNames"] = list(resource.short_names)
    if resource.categories:
        found["categories"] = list(resource.categories)
    if resource.parts:
        found["subresources"] = [
            {
                "subresource": part.name,
                "responseKind": {"group": part.group, "version": part.version, "kind": part.kind},
                "verbs": list(part.verbs),
            }
            for part in resource.parts
        ]
    return found


@cache
def _legacy(segments: tuple[str, ...]) -> bytes | None:
    match segments:
        case ():
            return orjson.dumps({"paths": _paths()})
        case ("api",):
            return orjson.dumps({"kind": "APIVersions", "versions": list(group_versions()[""])})
        case ("apis",):
            groups = [_group(group) for group in group_versions() if group]
            return orjson.dumps({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ("api", version):
            return _resource_list("", version)
        case ("apis", group) if group in group_versions():
            return orjson.dumps({"kind": "APIGroup", "apiVersion": "v1", **_group(group)})
        case ("apis", group, version):
            return _resource_list(group, version)
    return None


def _paths() -> list[str]:
    rooms = ["/api", "/apis", *(f"/apis/{group}" for group in group_versions() if group)]
    rooms += [*health.paths(), "/metrics", "/openapi/v3", "/version"]
    for group, versions in group_versions().items():
        rooms += [f"/apis/{group}/{version}" if group else f"/api/{version}" for version in versions]
    return sorted(rooms)


def _group(group: str) -> JSON:
    versions = [{"groupVersion": f"{group}/{version}", "version": version} for version in group_versions()[group]]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str) -> bytes | None:
    if version not in group_versions().get(group, ()):
        return None
    served = [resource for resource in resources() if (resource.group, resource.version) == (group, version)]
    listed = [entry for resource in served for entry in _legacy_entries(resource)]
    api_version = f"{group}/{version}" if group else version
    return orjson.dumps(
        {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}
    )


def _legacy_entries(resource: Resource) -> Iterator[JSON]:
    entry: JSON = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    yield entry
    for part in resource.parts:
        found: JSON = {
            "name": f"{resource.plural}/{part.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": part.kind,
            "verbs": list(part.verbs),
        }
        if (part.group, part.version) != (resource.group, resource.version):
            found |= {"group": part.group, "version": part.version}
        yield found


@lru_cache(maxsize=256)
def _tag(document: bytes) -> str:
    return f'"{hashlib.sha256(document).hexdigest()[:32]}"'


def is_known(tag: str, request: Request) -> bool:
    """Whether the caller has this document already."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known


def cached(request: Request, document: bytes, content_type: str) -> Reply:
    tag = _tag(document)
    headers = (("etag", tag), ("vary", "Accept"), ("cache-control", "public"))
    if is_known(tag, request):
        return Reply(304, b"", content_type, headers)
    return Reply(200, document, content_type, headers)
