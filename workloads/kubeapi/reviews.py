"""Questions about rights: who am I, may I, may they, whose token is this. Answered and not kept.

`kubectl auth whoami`, `kubectl auth can-i` and clients that ask before they act. What is answered comes from the same
function that admits a call (`admission.authorize.verdict`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from iam import people
from iam.identities import MASTERS, Identity
from workloads.admission import authorize, rbac
from workloads.kinds import metrics, registry, rolerules
from workloads.kinds.base import Kind
from workloads.kinds.rolerules import ALL, Question, Rule
from workloads.kubeapi import authentication, bodies
from workloads.kubeapi.exchange import Reply, Request, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import BadRequest, Forbidden, MethodNotAllowed, Unauthorized

JSON = dict[str, Any]
Review = Callable[[Request, Identity], Awaitable[Reply]]

OPEN_PATHS = (
    "/.well-known/openid-configuration",
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/openid/v1/jwks",
    "/readyz",
    "/version",
)
"""What anybody with a token may GET."""

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
_SELF = (
    (_AUTHENTICATION, "selfsubjectreviews"),
    (_AUTHORIZATION, "selfsubjectaccessreviews"),
    (_AUTHORIZATION, "selfsubjectrulesreviews"),
)
_CONTROLLERS_ONLY = ("status", "finalize")


@dataclass(frozen=True)
class _Review:
    kind: str
    status: Callable[[Identity, JSON], JSON]
    """From who asks, and the spec, to the answer."""
    about_others: bool = False
    """Whether it is a right of its own to ask."""
    namespaced: bool = False


def find(group: str, version: str, plural: str, namespace: str | None) -> Review | None:
    """What answers a POST to `/apis/<group>/<version>/[namespaces/<namespace>/]<plural>`, or None."""
    review = _REVIEWS.get((group, plural)) if version == "v1" else None
    if review is None or review.namespaced != (namespace is not None):
        return None

    async def reviewed(request: Request, identity: Identity) -> Reply:
        if request.method != "POST":
            raise MethodNotAllowed("the server does not allow this method on the requested resource")
        asked, _ = await bodies.manifest(request)
        spec = _spec(review, asked, namespace)
        status = await in_thread(
            lambda: _answered(review, Question("create", group, plural), identity, spec, namespace)
        )
        body = {"kind": review.kind, "apiVersion": f"{group}/{version}", "metadata": {}, "spec": spec, "status": status}
        return json_reply(body, status=201)

    return reviewed


def served() -> dict[tuple[str, str], str]:
    """(group, plural) -> kind of all reviews."""
    return {place: review.kind for place, review in _REVIEWS.items()}


def namespaced(group: str, plural: str) -> bool:
    """Whether that review is asked in a namespace."""
    return _REVIEWS[group, plural].namespaced


def _spec(review: _Review, asked: JSON, namespace: str | None) -> JSON:
    """Raises BadRequest."""
    spec = asked.get("spec") or {}
    if not isinstance(spec, dict):
        raise BadRequest("spec must be an object")
    if review.namespaced:
        resource = spec.get("resourceAttributes")
        if not isinstance(resource, dict) or resource.get("namespace", namespace) != namespace:
            raise BadRequest(f'spec.resourceAttributes.namespace must be "{namespace}", the namespace of the address')
        return {**spec, "resourceAttributes": {**resource, "namespace": namespace}}
    return spec


def _answered(review: _Review, asked: Question, identity: Identity, spec: JSON, namespace: str | None) -> JSON:
    """Raises Forbidden."""
    if review.about_others:
        _may_ask(identity, asked, namespace)
    return review.status(identity, spec)


def _may_ask(identity: Identity, asked: Question, namespace: str | None) -> None:
    noun = "tokenreview" if asked.resource == "tokenreviews" else "subjectaccessreview"
    action = f"cci:{noun}:create"
    if identity.is_service_account:
        if not rbac.allows(identity, asked, namespace):
            raise Forbidden(action)
    elif not identity.may(action, namespace or ""):
        raise Forbidden(action)


def _who(identity: Identity, spec: JSON) -> JSON:
    return {"userInfo": _user_info(identity)}


def _user_info(identity: Identity) -> JSON:
    extra = {"cci.io/account": [identity.account]}
    return {"username": identity.user, "groups": list(identity.groups), "extra": extra}


def _token(identity: Identity, spec: JSON) -> JSON:
    """Whose token it is. A token of another account is nobody's, as everything of theirs."""
    token, audiences = spec.get("token"), spec.get("audiences") or []
    if not token or not isinstance(token, str):
        return {"user": {}, "error": "spec.token is empty"}
    if not isinstance(audiences, list):
        raise BadRequest("spec.audiences must be a list")
    try:
        bearer, common = authentication.reviewed(token, [str(one) for one in audiences])
    except Unauthorized as unknown:
        return {"user": {}, "error": unknown.message}
    if bearer.account != identity.account:
        return {"user": {}, "error": "the bearer token is nobody's in this account"}
    return {"authenticated": True, "user": _user_info(bearer), "audiences": list(common)}


def _access(identity: Identity, spec: JSON) -> JSON:
    missing = _missing(identity, spec)
    return {"allowed": False, "reason": missing} if missing else {"allowed": True}


def _access_of_other(identity: Identity, spec: JSON) -> JSON:
    """Raises BadRequest."""
    user, groups = spec.get("user") or "", spec.get("groups") or []
    if not isinstance(user, str) or not isinstance(groups, list) or not (user or groups):
        raise BadRequest("spec must name a user or groups: at least one of them")
    return _access(_other(identity.account, user, tuple(map(str, groups))), spec)


def _other(account: str, user: str, groups: tuple[str, ...]) -> Identity:
    """A user of the account with their own policies; somebody nobody knows has none, and roles alone."""
    found = None if user.startswith("system:") else people.identity_named(account, user)
    if found is None:
        return Identity(account, user, groups=groups, actions=())
    added = tuple(group for group in groups if group not in found.groups and group != MASTERS)
    return Identity(account, user, (*found.groups, *added), found.actions, found.statements)


def _missing(identity: Identity, spec: JSON) -> str:
    """Why not, as a sentence; "" when allowed."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if isinstance(path, dict):
        return _missing_path(identity, str(path.get("verb", "")), str(path.get("path", "")))
    if not isinstance(resource, dict):
        raise BadRequest("spec must have resourceAttributes or nonResourceAttributes")
    asked = {name: str(resource.get(name) or "") for name in ("verb", "group", "resource", "subresource", "name")}
    plural, _, part = asked["resource"].partition("/")
    subresource, namespace = asked["subresource"] or part, str(resource.get("namespace") or "")
    kinds = _kinds(asked["group"], plural)
    if (asked["group"], plural) in _SELF:
        return "" if asked["verb"] in ("create", ALL) else f"{plural} does not have the verb {asked['verb']}"
    if not kinds:
        return f"the server doesn't have a resource type {plural!r}"
    for kind in kinds:
        for verb in _verbs(kind, subresource) if asked["verb"] == ALL else (asked["verb"],):
            if reason := _refusal(identity, kind, verb, subresource, namespace=namespace, name=asked["name"]):
                return reason
    return ""


def _missing_path(identity: Identity, verb: str, path: str) -> str:
    if verb == "get" and any(path == one or (one.endswith(ALL) and path.startswith(one[:-1])) for one in OPEN_PATHS):
        return ""
    return "only GET of the documented paths is allowed"


def _refusal(identity: Identity, kind: Kind, verb: str, subresource: str, *, namespace: str, name: str) -> str:
    """Why not, as a sentence; "" when allowed."""
    if subresource in _CONTROLLERS_ONLY and verb not in authorize.READS and not kind.own_conditions:
        return "it is written by the service alone"
    if verb not in (*_verbs(kind, subresource), *_SPECIAL.get(kind.name, ())):
        return f"{kind.resource} does not have the verb {verb}"
    refusal = authorize.verdict(identity, kind, verb, namespace=namespace or None, name=name, subresource=subresource)
    return "" if refusal is None else refusal.message


_SPECIAL = {"Role": ("escalate", "bind"), "ClusterRole": ("escalate", "bind")}


def _verbs(kind: Kind, subresource: str) -> tuple[str, ...]:
    if not subresource:
        return kind.verbs
    return _SUBRESOURCE_VERBS.get(subresource, ("get", "patch", "update"))


_SUBRESOURCE_VERBS = {
    "attach": ("create", "get"),
    "binding": ("create",),
    "eviction": ("create",),
    "exec": ("create", "get"),
    "finalize": ("update",),
    "log": ("get",),
    "portforward": ("create", "get"),
    "proxy": ("create", "delete", "get", "patch", "update"),
    "token": ("create",),
}


def _kinds(group: str, plural: str) -> list[Kind]:
    return [
        kind
        for kind in _served()
        if plural in (ALL, kind.plural) and group in (ALL, kind.group, *(other for other, _ in kind.also_served_as))
    ]


def _served() -> tuple[Kind, ...]:
    return (*registry.kinds().values(), *metrics.KINDS)


def _rules(identity: Identity, spec: JSON) -> JSON:
    """All that is allowed in `spec.namespace`. Raises BadRequest."""
    namespace = spec.get("namespace") or ""
    if not isinstance(namespace, str):
        raise BadRequest("spec.namespace must be a string")
    selves = [{"verbs": ["create"], "apiGroups": [group], "resources": [plural]} for group, plural in _SELF]
    return {
        "resourceRules": [*_rules_in(identity, namespace), *selves],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": list(OPEN_PATHS)}],
        "incomplete": False,
    }


def _rules_in(identity: Identity, namespace: str) -> Iterator[JSON]:
    """Of a ServiceAccount the rules of its roles; of others what policies and roles together leave, kind by kind."""
    if identity.is_service_account:
        yield from (_shown(rule) for rule in rbac.rules(identity, namespace or None) if rule.resources)
        return
    for kind in _served():
        for subresource in ("", *kind.subresources):
            verbs = [
                verb
                for verb in _verbs(kind, subresource)
                if not _refusal(identity, kind, verb, subresource, namespace=namespace, name="")
            ]
            if verbs:
                path = f"{kind.plural}/{subresource}" if subresource else kind.plural
                yield {"verbs": verbs, "apiGroups": [kind.group], "resources": [path]}
    if namespace and MASTERS not in identity.groups and rbac.switched_on(identity.account, namespace):
        yield from _named(identity, namespace)


def _named(identity: Identity, namespace: str) -> Iterator[JSON]:
    """What roles give on single objects, as far as policies allow it."""
    for rule in rbac.rules(identity, namespace):
        for right in rolerules.broken_down(rule) if rule.names else ():
            [verb], [path], [group], [name] = right.verbs, right.resources, right.groups, right.names
            plural, _, subresource = path.partition("/")
            kinds = _kinds(group, plural)
            if kinds and not any(
                _refusal(identity, kind, verb, subresource, namespace=namespace, name=name) for kind in kinds
            ):
                yield _shown(right)


def _shown(rule: Rule) -> JSON:
    shown: JSON = {"verbs": sorted(rule.verbs), "apiGroups": sorted(rule.groups), "resources": sorted(rule.resources)}
    return {**shown, "resourceNames": sorted(rule.names)} if rule.names else shown


_REVIEWS: dict[tuple[str, str], _Review] = {
    (_AUTHENTICATION, "selfsubjectreviews"): _Review("SelfSubjectReview", _who),
    (_AUTHENTICATION, "tokenreviews"): _Review("TokenReview", _token, about_others=True),
    (_AUTHORIZATION, "selfsubjectaccessreviews"): _Review("SelfSubjectAccessReview", _access),
    (_AUTHORIZATION, "selfsubjectrulesreviews"): _Review("SelfSubjectRulesReview", _rules),
    (_AUTHORIZATION, "subjectaccessreviews"): _Review("SubjectAccessReview", _access_of_other, about_others=True),
    (_AUTHORIZATION, "localsubjectaccessreviews"): _Review(
        "LocalSubjectAccessReview", _access_of_other, about_others=True, namespaced=True
    ),
}
