"""Who may ask the kubelet server what: judged by the cluster, as a kubelet has it judged.

A caller shows a client certificate of the cluster's authority, or a token that the cluster reviews. What it may is
asked of the cluster by SubjectAccessReview. Answers are kept for a while; nothing is allowed when the cluster is away.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from burst import names
from burst.api import Api, ApiError, Unreachable
from burst.serving import Request

JSON = dict[str, Any]

KNOWN_SECONDS, ALLOWED_SECONDS, DENIED_SECONDS = 120.0, 300.0, 30.0
_MOST_KEPT = 1000
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Denied(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class User:
    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()


@dataclass
class Authorization:
    cluster: Api
    clock: Callable[[], float] = time.monotonic
    _users: dict[str, tuple[float, User | None]] = field(default_factory=dict)
    _decisions: dict[tuple[User, str, str], tuple[float, bool]] = field(default_factory=dict)

    async def admit(self, request: Request) -> User:
        """Raises Denied."""
        try:
            user = await self._who(request)
            if user is None:
                raise Denied(401, "Unauthorized")
            verb, sub = _VERBS.get(request.method, ""), subresource(request.path)
            if not await self._may(user, verb, sub):
                raise Denied(403, f"Forbidden (user={user.name}, verb={verb}, resource=nodes, subresource={sub})")
        except (ApiError, *Unreachable) as error:
            raise Denied(500, f"the cluster cannot say who asks: {error or type(error).__name__}") from error
        return user

    async def _who(self, request: Request) -> User | None:
        if request.certificate:
            return from_certificate(request.certificate)
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._users.get(digest)
        if known is None or known[0] < self.clock():
            known = self.clock() + KNOWN_SECONDS, await self._reviewed(token)
            _keep(self._users, digest, known)
        return known[1]

    async def _reviewed(self, token: str) -> User | None:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = (await self.cluster.create("tokenreviews", review)).get("status") or {}
        user = status.get("user") or {}
        if not status.get("authenticated") or not user.get("username"):
            return None
        return User(user["username"], user.get("uid", ""), tuple(user.get("groups") or ()))

    async def _may(self, user: User, verb: str, sub: str) -> bool:
        key = user, verb, sub
        known = self._decisions.get(key)
        if known is None or known[0] < self.clock():
            attributes = {"verb": verb, "version": "v1", "resource": "nodes", "subresource": sub, "name": names.NODE}
            spec = {"user": user.name, "uid": user.uid, "groups": list(user.groups), "resourceAttributes": attributes}
            review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
            answer = await self.cluster.create("subjectaccessreviews", review)
            allowed = bool((answer.get("status") or {}).get("allowed"))
            known = self.clock() + (ALLOWED_SECONDS if allowed else DENIED_SECONDS), allowed
            _keep(self._decisions, key, known)
        return known[1]


def subresource(path: str) -> str:
    """Of `nodes`, that stands for an address of a kubelet."""
    first = path.strip("/").partition("/")[0]
    return {"stats": "stats", "metrics": "metrics", "logs": "log"}.get(first, "proxy")


def from_certificate(certificate: JSON) -> User | None:
    """The common name is the user, the organizations are its groups, as Kubernetes reads them."""
    fields: dict[str, list[str]] = {}
    for part in certificate.get("subject") or ():
        for name, value in part:
            fields.setdefault(name, []).append(value)
    name = next(iter(fields.get("commonName", [])), "")
    return User(name, groups=(*fields.get("organizationName", []), "system:authenticated")) if name else None


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = value
