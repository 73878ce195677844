"""TokenRequest: what somebody asks of a ServiceAccount, and what the tokens of one say. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

SCHEMA = "io.k8s.api.authentication.v1.TokenRequest"
API_VERSION = "authentication.k8s.io/v1"
ISSUER = "https://kubernetes.default.svc.cluster.local"
"""Also the audience that the API itself is."""
DEFAULT_SECONDS = 3600
LONGEST = timedelta(hours=24)
"""What is asked for longer is given for so long."""
BOUND_KINDS = ("Pod", "Secret")

_LEAST_SECONDS, _MOST_SECONDS = 600, 1 << 32
_SHORT = "may not specify a duration less than 10 minutes"
_LONG = "may not specify a duration larger than 2^32 seconds"
_PRIVATE, _OURS = "kubernetes.io", "cci.io"
_REFRESH_AT = 0.8


@dataclass(frozen=True)
class Bound:
    """What a token dies with, beside its ServiceAccount."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Statement:
    """What one token says."""

    account: str
    namespace: str
    name: str
    uid: str
    audiences: tuple[str, ...]
    issued: datetime
    expires: datetime
    bound: Bound | None = None
    id: str = ""
    """Empty: one that the same statement always has."""

    def claims(self) -> JSON:
        """As Kubernetes', and ours: the account."""
        about: JSON = {"namespace": self.namespace, "serviceaccount": {"name": self.name, "uid": self.uid}}
        if self.bound:
            about[self.bound.kind.lower()] = {"name": self.bound.name, "uid": self.bound.uid}
        claims: JSON = {
            "iss": ISSUER,
            "sub": username(self.namespace, self.name),
            "aud": list(self.audiences),
            "iat": int(self.issued.timestamp()),
            "nbf": int(self.issued.timestamp()),
            "exp": int(self.expires.timestamp()),
            _PRIVATE: about,
            _OURS: {"account": self.account},
        }
        return {**claims, "jti": self.id or str(uuid.uuid5(uuid.NAMESPACE_URL, repr(claims)))}


@dataclass(frozen=True)
class Claimed:
    """What a token that is signed says of whose it is."""

    account: str
    namespace: str
    name: str
    uid: str
    audiences: tuple[str, ...]
    not_before: float
    expires: float
    bound: Bound | None


def read(claims: Mapping[str, Any]) -> Claimed:
    """Raises ValueError for claims that no token of ours has."""
    try:
        about, bound = claims[_PRIVATE], None
        for kind in BOUND_KINDS:
            if found := about.get(kind.lower()):
                bound = Bound(kind, found["name"], found["uid"])
        account = about["serviceaccount"]
        if claims["iss"] != ISSUER or claims["sub"] != username(about["namespace"], account["name"]):
            raise ValueError("another issuer or subject")
        return Claimed(
            account=claims[_OURS]["account"],
            namespace=about["namespace"],
            name=account["name"],
            uid=account["uid"],
            audiences=tuple(claims["aud"]),
            not_before=float(claims["nbf"]),
            expires=float(claims["exp"]),
            bound=bound,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"claims are missing: {error}") from error


def username(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


def default(spec: JSON) -> None:
    """Fills the defaults of a request in place."""
    spec.setdefault("expirationSeconds", DEFAULT_SECONDS)
    spec["audiences"] = spec.get("audiences") or [ISSUER]


def validate(spec: JSON) -> list[Cause]:
    return seconds_causes(spec["expirationSeconds"], "spec.expirationSeconds")


def seconds_causes(seconds: int, field: str) -> list[Cause]:
    """Also of tokens that volumes show."""
    if seconds < _LEAST_SECONDS:
        return [causes.invalid(field, seconds, _SHORT)]
    return [causes.invalid(field, seconds, _LONG)] if seconds > _MOST_SECONDS else []


def lifetime(seconds: int) -> timedelta:
    """What is given to who asks for so many seconds."""
    return min(timedelta(seconds=seconds), LONGEST)


def issued(created: datetime, seconds: int, *, now: datetime) -> datetime:
    """When the token that a pod made at `created` shows at `now` began. Every 80 % of its life another one does, as the
    kubelet has it: at each moment it is the same one, whoever asks."""
    turns = max(0, (now - created) // _turn(seconds))
    return created + turns * _turn(seconds)


def renewed(created: datetime, seconds: int, *, now: datetime) -> datetime:
    """When the next one begins."""
    return issued(created, seconds, now=now) + _turn(seconds)


def _turn(seconds: int) -> timedelta:
    return timedelta(seconds=int(lifetime(seconds).total_seconds() * _REFRESH_AT))
