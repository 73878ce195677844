"""What the YAML editor asks while somebody types: which kinds there are, what their fields are, which objects a field
may name, and what the server would say of the text (a dry run; nothing is written)."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse

from console import yamlchecks, yamlschemas
from console.access import Visit, guarded
from console.views.create import requested_namespace
from console.yamlchecks import Only
from workloads.meta.errors import BadRequest, NotFound, StatusError

NAMED = (
    "ConfigMap",
    "Deployment",
    "ELB",
    "Ingress",
    "Namespace",
    "PersistentVolumeClaim",
    "Role",
    "Secret",
    "Service",
    "ServiceAccount",
    "StorageClass",
)
"""Kinds that fields of others name."""
_MOST_NAMES = 200
_FOR_GOOD = "private, immutable, max-age=31536000"


@guarded()
def kinds(visit: Visit) -> HttpResponse:
    """Every kind that can be made, with the addresses of its documents, by apiVersion."""
    found = [
        {
            "kind": kind.name,
            "namespaced": kind.namespaced,
            "schemas": {version: _address(kind.name, version) for version in kind.api_versions},
        }
        for kind in yamlschemas.served()
    ]
    return _kept(JsonResponse({"kinds": found}), "private, max-age=300")


@guarded()
def schema(visit: Visit, *, kind: str) -> HttpResponse:
    """The document of one kind, as `?version=apps/v1`; with its hash (`?hash=`) it may be kept for good."""
    known = {one.name: one for one in yamlschemas.served()}
    if kind not in known:
        raise NotFound(f"{kind} is not served.")
    version = visit.request.GET.get("version", "") or known[kind].api_version
    if version not in known[kind].api_versions:
        raise NotFound(f"{kind} is not served as {version}.")
    document = yamlschemas.document(kind, version)
    zipped = "gzip" in visit.request.headers.get("Accept-Encoding", "")
    response = HttpResponse(document.zipped if zipped else document.body, content_type="application/json")
    if zipped:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding, Cookie"
    return _kept(response, _FOR_GOOD if visit.request.GET.get("hash") == document.digest else "no-cache, private")


@guarded()
def names(visit: Visit) -> HttpResponse:
    """Objects of `?kind=` in `?namespace=` by name; none where one may not look."""
    kind, namespace = visit.request.GET.get("kind", ""), requested_namespace(visit.request)
    if kind and kind not in NAMED:
        raise BadRequest(f"kind: one of {', '.join(NAMED)}.")
    known = {one.name: one.namespaced for one in yamlschemas.served()}
    scope = namespace if known.get(kind) else None
    try:
        items = visit.client.list(kind, scope, limit=_MOST_NAMES).items if kind and scope != "" else []
    except StatusError:
        items = []
    return _kept(JsonResponse({"names": [item["metadata"]["name"] for item in items]}), "no-store")


@guarded("POST")
def check(visit: Visit) -> HttpResponse:
    """The documents of `text`, what is wrong with each and what sending it would do. `edited` (`Deployment/web`) is the
    one object that an edit page is about."""
    posted = visit.request.POST
    namespace = requested_namespace(visit.request)
    only = None
    if edited := posted.get("edited", ""):
        kind, _slash, name = edited.partition("/")
        only = Only(visit.client.get(kind, name, namespace))
    checked = yamlchecks.check(visit.client, posted.get("text", ""), default_namespace=namespace, only=only)
    return _kept(JsonResponse({"documents": [one.as_json() for one in checked]}), "no-store")


def _address(kind: str, version: str) -> str:
    digest = yamlschemas.document(kind, version).digest
    return f"{reverse('console:yaml-schema', kwargs={'kind': kind})}?version={version}&hash={digest}"


def _kept(response: HttpResponse, words: str) -> HttpResponse:
    response["Cache-Control"] = words
    return response
