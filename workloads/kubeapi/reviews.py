"""`kubectl auth whoami` and `kubectl auth can-i`: questions about the caller, answered and not kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds import metrics, registry
from workloads.kinds.base import Kind
from workloads.kubeapi import bodies
from workloads.kubeapi.exchange import Reply, Request, json_reply
from workloads.meta.errors import BadRequest, MethodNotAllowed

JSON = dict[str, Any]
Review = Callable[[Request, Identity], Awaitable[Reply]]

OPEN_PATHS = (
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
)
"""What anybody with a token may GET."""

_ACTIONS: dict[str, authorize.Verb] = {
    "get": "get",
    "list": "list",
    "watch": "list",
    "create": "create",
    "update": "update",
    "patch": "update",
    "delete": "delete",
    "deletecollection": "delete",
}
_CONTROLLERS_ONLY = ("status", "finalize")


def find(group: str, version: str, plural: str) -> Review | None:
    """What answers a POST to `/apis/<group>/<version>/<plural>`, or None."""
    review = _REVIEWS.get((group, plural)) if version == "v1" else None
    if review is None:
        return None

    async def reviewed(request: Request, identity: Identity) -> Reply:
        if request.method != "POST":
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        asked, _ = await bodies.manifest(request)
        spec = asked.get("spec") or {}
        if not isinstance(spec, dict):
            raise BadRequest("spec must be an object")
        kind, status = review
        body = {
            "kind": kind,
            "apiVersion": f"{group}/v1",
            "metadata": {},
            "spec": spec,
            "status": status(identity, spec),
        }
        return json_reply(body, status=201)

    return reviewed


def served() -> dict[tuple[str, str], str]:
    """(group, plural) -> kind of all reviews."""
    return {place: kind for place, (kind, _) in _REVIEWS.items()}


def _who(identity: Identity, spec: JSON) -> JSON:
    extra = {"cci.io/account": [identity.account]}
    return {"userInfo": {"username": identity.user, "groups": list(identity.groups), "extra": extra}}


def _access(identity: Identity, spec: JSON) -> JSON:
    missing = _missing(identity, spec)
    return {"allowed": False, "reason": missing} if missing else {"allowed": True}


def _missing(identity: Identity, spec: JSON) -> str:
    """Why not, as a sentence; "" when allowed."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if isinstance(path, dict):
        allowed = path.get("verb") == "get" and _is_open(str(path.get("path", "")))
        return "" if allowed else "only GET of the documented paths is allowed"
    if not isinstance(resource, dict):
        raise BadRequest("spec must have resourceAttributes or nonResourceAttributes")
    verb, plural = str(resource.get("verb", "")), str(resource.get("resource", ""))
    kinds = _kinds(str(resource.get("group", "")), plural)
    if not kinds:
        return f"the server doesn't have a resource type {plural!r}"
    if str(resource.get("subresource", "")) in _CONTROLLERS_ONLY and verb != "get":
        return "it is written by the service alone"
    verbs = list(_ACTIONS) if verb == "*" else [verb]
    for kind in kinds:
        for one in verbs:
            if reason := _missing_action(identity, kind, one):
                return reason
    return ""


def _missing_action(identity: Identity, kind: Kind, verb: str) -> str:
    if verb not in kind.verbs:
        return f"{kind.resource} does not have the verb {verb}"
    action = f"cci:{authorize.noun(kind)}:{_ACTIONS[verb]}"
    return "" if identity.may(action) else f"insufficient operation permission, require {action}"


def _kinds(group: str, plural: str) -> list[Kind]:
    return [
        kind
        for kind in (*registry.kinds().values(), *metrics.KINDS)
        if plural in ("*", kind.plural) and group in ("*", kind.group, *(other for other, _ in kind.also_served_as))
    ]


def _is_open(path: str) -> bool:
    return any(path == known or (known.endswith("*") and path.startswith(known[:-1])) for known in OPEN_PATHS)


def _rules(identity: Identity, spec: JSON) -> JSON:
    rules = []
    for kind in (*registry.kinds().values(), *metrics.KINDS):
        verbs = [verb for verb in kind.verbs if not _missing_action(identity, kind, verb)]
        if verbs:
            rules.append({"verbs": verbs, "apiGroups": [kind.group], "resources": [kind.plural]})
    paths = [{"verbs": ["get"], "nonResourceURLs": list(OPEN_PATHS)}]
    return {"resourceRules": rules, "nonResourceRules": paths, "incomplete": False}


_REVIEWS: dict[tuple[str, str], tuple[str, Callable[[Identity, JSON], JSON]]] = {
    ("authentication.k8s.io", "selfsubjectreviews"): ("SelfSubjectReview", _who),
    ("authorization.k8s.io", "selfsubjectaccessreviews"): ("SelfSubjectAccessReview", _access),
    ("authorization.k8s.io", "selfsubjectrulesreviews"): ("SelfSubjectRulesReview", _rules),
}
