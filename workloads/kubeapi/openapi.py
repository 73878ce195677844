"""OpenAPI v3: one document a group and version, with what `kubectl explain`, `apply` and validation need of it.

kubectl looks into `paths` for the kinds and for what PATCH takes (`fieldValidation`, `dryRun`), and into the schemas
for prose and merge keys. A document's address carries its hash, so clients keep it for good.

Of version 2 there is the protobuf form alone, and in it nothing: kubectl looks there for kinds that version 3 does not
have, and only what it finds missing there does it call by name (`no matches for kind "Bar" in version "foo.io/v1"`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import orjson

from workloads.kinds import metrics, refusals, registry, schemas, tokenrequests
from workloads.kinds.base import Kind
from workloads.kinds.schemas import KUBERNETES_VERSION
from workloads.kubeapi import discovery, negotiation, reviews
from workloads.kubeapi.bodies import PATCH_TYPES
from workloads.kubeapi.exchange import JSON_TYPE, Reply, Request
from workloads.meta.errors import NotAcceptable, NotFound

JSON = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_DELETE_OPTIONS, _STATUS, _LIST_META = f"{_META}DeleteOptions", f"{_META}Status", f"{_META}ListMeta"
_EVICTION = "io.k8s.api.policy.v1.Eviction"
_SCALE = "io.k8s.api.autoscaling.v1.Scale"
_REVIEWS = {
    "SelfSubjectReview": "io.k8s.api.authentication.v1.SelfSubjectReview",
    "SelfSubjectAccessReview": "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    "SelfSubjectRulesReview": "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    "SubjectAccessReview": "io.k8s.api.authorization.v1.SubjectAccessReview",
    "LocalSubjectAccessReview": "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
    "TokenReview": "io.k8s.api.authentication.v1.TokenReview",
}
_OVERRIDES: dict[str, JSON] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "description": "A whole number, or a string such as a percentage.",
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "description": "A number with a unit, such as 500m or 2Gi.",
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
}
_REFERENCE = "#/components/schemas/"
_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_V2_ASKED = (_V2_PROTOBUF, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
"""What clients ask for, which is no media type, too."""
_YEAR = 365 * 24 * 3600


def answer(request: Request, segments: list[str]) -> Reply:
    """`/openapi/v3` and what it lists. Raises NotFound, NotAcceptable."""
    accept = request.headers.get("accept", "")
    if segments == ["v2"] and any(media.type in _V2_ASKED for media in negotiation.ranges(accept)):
        return Reply(200, _v2(), _V2_PROTOBUF)
    if not segments or segments[0] != "v3":
        raise NotFound("only OpenAPI v3 is offered, at /openapi/v3")
    _check_accepts_json(accept)
    if len(segments) == 1:
        return discovery.cached(request, _index(), JSON_TYPE)
    path = "/".join(segments[1:])
    if path not in _places():
        raise NotFound("the server could not find the requested resource")
    body, digest = _document(path)
    asked = request.query.text("hash")
    age = f"public, immutable, max-age={_YEAR}" if asked == digest else "no-cache, private"
    headers = (("etag", f'"{digest}"'), ("cache-control", age), ("vary", "Accept"))
    if discovery.is_known(f'"{digest}"', request):
        return Reply(304, b"", JSON_TYPE, headers)
    return Reply(200, body, JSON_TYPE, headers)


def _v2() -> bytes:
    """`openapi.v2.Document` with `swagger` (1) and `info` (2: `title` 1, `version` 2)."""
    info = _text(1, "CCI") + _text(2, f"v{KUBERNETES_VERSION}")
    return _text(1, "2.0") + _text(2, info)


def _text(number: int, value: str | bytes) -> bytes:
    """A field of protobuf's, shorter than 128 bytes."""
    data = value.encode() if isinstance(value, str) else value
    return bytes((number << 3 | 2, len(data))) + data


def _check_accepts_json(accept: str) -> None:
    types = [media.type for media in negotiation.ranges(accept)]
    if types and not {JSON_TYPE, "application/*", "*/*"} & set(types):
        raise NotAcceptable("OpenAPI documents are given as application/json only")


@cache
def _index() -> bytes:
    paths = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_document(path)[1]}"} for path in sorted(_places())}
    return orjson.dumps({"paths": paths})


@cache
def _places() -> dict[str, tuple[str, str]]:
    """`apis/apps/v1` -> its group and version."""
    return {
        f"apis/{group}/{version}" if group else f"api/{version}": (group, version)
        for group, versions in discovery.group_versions().items()
        for version in versions
    }


@cache
def _document(path: str) -> tuple[bytes, str]:
    """The document and its hash."""
    group, version = _places()[path]
    kinds = [
        replace(kind, schema=kind.schema_of(f"{group}/{version}"))
        for kind in (*registry.kinds().values(), *metrics.KINDS)
        if (group, version) in ((kind.group, kind.version), *kind.also_served_as)
    ]
    document = {
        "openapi": "3.0.0",
        "info": {"title": "CCI", "version": f"v{schemas.KUBERNETES_VERSION}"},
        "paths": {place: _with_names(place, item) for place, item in _paths(f"/{path}", group, version, kinds)},
        "components": {
            "schemas": _schemas(group, version, kinds),
            "securitySchemes": {"BearerToken": {"type": "http", "scheme": "bearer"}},
        },
    }
    body = orjson.dumps(document)
    return body, hashlib.sha256(body).hexdigest()[:32].upper()


def _schemas(group: str, version: str, kinds: list[Kind]) -> JSON:
    names = {_DELETE_OPTIONS, _STATUS, _LIST_META, *(kind.schema for kind in kinds)}
    names |= {_EVICTION for kind in kinds if "eviction" in kind.subresources}
    names |= {_SCALE for kind in kinds if "scale" in kind.subresources}
    names |= {tokenrequests.SCHEMA for kind in kinds if "token" in kind.subresources}
    names |= {_REVIEWS[kind] for (owner, _), kind in reviews.served().items() if (owner, "v1") == (group, version)}
    found = {name: _OVERRIDES.get(name) or _converted(schema) for name, schema in schemas.closure(names).items()}
    for kind in kinds:
        found[kind.schema] = {
            **found[kind.schema],
            "x-kubernetes-group-version-kind": [_gvk(group, version, kind.name)],
        }
        found[f"{kind.schema}List"] = _list_schema(kind, group, version)
    for refused in _refused(group, version):
        found[_refused_schema(refused)] = _refusal_schema(refused, group, version)
    return dict(sorted(found.items()))


def _list_schema(kind: Kind, group: str, version: str) -> JSON:
    return {
        "type": "object",
        "description": f"{kind.name}List is a list of {kind.name} objects.",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": _REFERENCE + _LIST_META}], "default": {}},
            "items": {"type": "array", "items": {"allOf": [{"$ref": _REFERENCE + kind.schema}], "default": {}}},
        },
        "x-kubernetes-group-version-kind": [_gvk(group, version, f"{kind.name}List")],
    }


def _converted(schema: Any) -> Any:
    """JSON schema as the definitions have it, to the dialect of OpenAPI 3.0: no null types, references moved."""
    if isinstance(schema, list):
        return [_converted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return _reference(schema)
    found = {name: _converted(value) for name, value in schema.items() if name not in ("$schema", "enum")}
    if "enum" in schema and (values := [value for value in schema["enum"] if value is not None]):
        found["enum"] = values
    if isinstance(schema.get("type"), list):
        types = [one for one in schema["type"] if one != "null"]
        found["type"] = types[0]
    if schema.get("additionalProperties") is False:
        del found["additionalProperties"]
    properties = found.get("properties")
    if isinstance(properties, dict):
        for name in ("apiVersion", "kind"):
            if isinstance(properties.get(name), dict):
                properties[name].pop("enum", None)
    return found


def _reference(schema: JSON) -> JSON:
    """`$ref` stands alone; what stands beside it goes around it."""
    target = {"$ref": _REFERENCE + schema["$ref"].removeprefix(schemas.REFERENCE)}
    rest = {name: _converted(value) for name, value in schema.items() if name != "$ref"}
    return {**rest, "allOf": [target]} if rest else target


def _paths(root: str, group: str, version: str, kinds: list[Kind]) -> Iterator[tuple[str, JSON]]:
    for kind in kinds:
        yield from _kind_paths(root, group, version, kind)
    for (owner, plural), name in reviews.served().items():
        if (owner, "v1") == (group, version):
            place = f"{root}/namespaces/{{namespace}}" if reviews.namespaced(owner, plural) else root
            yield f"{place}/{plural}", {"post": _operation("post", _gvk(group, version, name), _REVIEWS[name])}
    for refused in _refused(group, version):
        place = f"{root}/namespaces/{{namespace}}/{refused.plural}/{{name}}"
        yield place, {"patch": _operation("patch", _gvk(group, version, refused.name), _refused_schema(refused))}


def _with_names(place: str, item: JSON) -> JSON:
    """The operations of a path, and the names that stand in it."""
    names = [name for name in ("namespace", "name") if f"{{{name}}}" in place]
    said = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    return {**item, "parameters": said} if said else item


def _kind_paths(root: str, group: str, version: str, kind: Kind) -> Iterator[tuple[str, JSON]]:
    gvk, verbs = _gvk(group, version, kind.name), set(kind.verbs)
    base = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    listing = _operation("list", gvk, f"{kind.schema}List")
    if kind.namespaced:
        yield f"{root}/{kind.plural}", {"get": listing}
    collection = {"get": listing, "post": _operation("post", gvk, kind.schema)}
    collection["delete"] = _operation("deletecollection", gvk, _STATUS)
    wanted = {"get": "list", "post": "create", "delete": "deletecollection"}
    yield base, {method: found for method, found in collection.items() if wanted[method] in verbs}
    actions = {"get": "get", "put": "update", "patch": "patch", "delete": "delete"}
    item = {method: _operation(method, gvk, kind.schema) for method, verb in actions.items() if verb in verbs}
    yield f"{base}/{{name}}", item
    for part in kind.subresources:
        if part == "scale":
            scale = _gvk("autoscaling", "v1", "Scale")
            yield f"{base}/{{name}}/scale", {each: _operation(each, scale, _SCALE) for each in ("get", "put", "patch")}
        elif part == "token":
            request = _gvk("authentication.k8s.io", "v1", "TokenRequest")
            yield f"{base}/{{name}}/token", {"post": _operation("post", request, tokenrequests.SCHEMA)}
        elif part == "eviction":
            found = {"post": _operation("post", _gvk("policy", "v1", "Eviction"), _EVICTION)}
            yield f"{base}/{{name}}/eviction", found
        elif part == "log":
            yield f"{base}/{{name}}/log", {"get": _operation("get", gvk, "", part=part)}
        elif part in ("exec", "attach", "portforward"):
            connect = _operation("connect", gvk, "", part=part)
            yield f"{base}/{{name}}/{part}", {"get": connect, "post": connect}
        elif part == "finalize":
            yield f"{base}/{{name}}/finalize", {"put": _operation("put", gvk, kind.schema)}
        elif part == "status":
            found = {each: _operation(each, gvk, kind.schema) for each in ("get", "put", "patch")}
            yield f"{base}/{{name}}/status", found


def _operation(action: str, gvk: JSON, schema: str, *, part: str = "") -> JSON:
    """`schema` is what is answered, "" for text; `part` a subresource that takes parameters of its own."""
    content: JSON = {"text/plain": {"schema": {"type": "string"}}}
    if schema:
        content = {JSON_TYPE: {"schema": {"$ref": _REFERENCE + schema}}}
    found: JSON = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
        "parameters": [_parameter(name, type) for name, type in _PARAMETERS.get(part or action, ())],
        "responses": {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}},
    }
    if action == "patch":
        patch = {"schema": {"type": "object"}}
        found["requestBody"] = {"required": True, "content": dict.fromkeys(PATCH_TYPES, patch)}
    elif action in ("post", "put"):
        found["requestBody"] = {"required": True, "content": {"*/*": {"schema": {"$ref": _REFERENCE + schema}}}}
    elif action in ("delete", "deletecollection"):
        found["requestBody"] = {"content": {"*/*": {"schema": {"$ref": _REFERENCE + _DELETE_OPTIONS}}}}
    return found


def _parameter(name: str, type: str) -> JSON:
    return {"name": name, "in": "query", "schema": {"type": type, "uniqueItems": True}}


_SELECTORS = (("labelSelector", "string"), ("fieldSelector", "string"))
_WRITES = (("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string"))
_DELETES = (
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
)
_STREAMS = (
    ("container", "string"),
    ("stderr", "boolean"),
    ("stdin", "boolean"),
    ("stdout", "boolean"),
    ("tty", "boolean"),
)
_PARAMETERS: dict[str, tuple[tuple[str, str], ...]] = {
    "list": (
        *_SELECTORS,
        ("limit", "integer"),
        ("continue", "string"),
        ("resourceVersion", "string"),
        ("resourceVersionMatch", "string"),
        ("watch", "boolean"),
        ("allowWatchBookmarks", "boolean"),
        ("sendInitialEvents", "boolean"),
        ("timeoutSeconds", "integer"),
    ),
    "post": _WRITES,
    "put": _WRITES,
    "patch": (*_WRITES, ("force", "boolean")),
    "delete": _DELETES,
    "deletecollection": (*_SELECTORS, *_DELETES),
    "log": (
        ("container", "string"),
        ("follow", "boolean"),
        ("limitBytes", "integer"),
        ("previous", "boolean"),
        ("sinceSeconds", "integer"),
        ("tailLines", "integer"),
        ("timestamps", "boolean"),
    ),
    "exec": (("command", "string"), *_STREAMS),
    "attach": _STREAMS,
    "portforward": (("ports", "integer"),),
}


def _refused(group: str, version: str) -> list[refusals.RefusedKind]:
    return [refused for refused in refusals.KINDS if refused.group == group and version in refused.versions]


def _refused_schema(refused: refusals.RefusedKind) -> str:
    return f"io.cci.refused.{refused.name}"


def _refusal_schema(refused: refusals.RefusedKind, group: str, version: str) -> JSON:
    """What `kubectl explain` says of a kind that is refused: the sentence."""
    return {
        "type": "object",
        "description": refused.sentence,
        "x-kubernetes-group-version-kind": [_gvk(group, version, refused.name)],
    }


def _gvk(group: str, version: str, kind: str) -> JSON:
    return {"group": group, "version": version, "kind": kind}
