"""Tokens of ServiceAccounts: given to who asks, shown to pods, and believed when they come back.

A token is signed, not stored: it dies with its time, its ServiceAccount, and what it is bound to.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from iam import jws, signing
from iam.identities import Identity
from workloads.admission import authorize, fields
from workloads.kinds import registry, tokenrequests
from workloads.kinds.tokenrequests import ISSUER, SCHEMA, Bound, Claimed, Statement
from workloads.meta import causes, times, wire
from workloads.meta.errors import BadRequest, Conflict, Invalid
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.verbs import reads
from workloads.verbs.calls import Answer, WriteOptions
from workloads.verbs.writes import copied

JSON = dict[str, Any]

KIND = "ServiceAccount"
_LEEWAY = timedelta(seconds=60)
"""For clocks that differ, and, as in Kubernetes, for what is going: so long after its end its tokens still work."""
_RECREATED = "does not match the UID in record. The object might have been deleted and then recreated"


class InvalidToken(Exception):
    """Nobody is signed in by this token. The text says why, for logs: callers are told no more than that."""


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, until when it speaks for them, and to whom it may be shown."""

    identity: Identity
    expires: datetime
    audiences: tuple[str, ...]


def request(identity: Identity, name: str, manifest: JSON, namespace: str, *, options: WriteOptions) -> Answer:
    """A TokenRequest, answered. Raises NotFound, Invalid, BadRequest, Conflict, Forbidden."""
    kind = registry.kind(KIND)
    authorize.check(identity, kind, "create", namespace=namespace, name=name, subresource="token")
    asked = copied(manifest)
    said = fields.settle_as(asked, SCHEMA, name="TokenRequest", mode=options.field_validation)
    spec = asked.setdefault("spec", {})
    _same_place(asked, name, namespace)
    row = reads.row(kind, Key(identity.account, KIND, namespace, name))
    tokenrequests.default(spec)
    if found := tokenrequests.validate(spec):
        raise Invalid.of("TokenRequest", "", tuple(found), group="authentication.k8s.io")
    now = datetime.now(UTC)
    statement = Statement(
        account=identity.account,
        namespace=namespace,
        name=name,
        uid=row.uid,
        audiences=tuple(spec["audiences"]),
        issued=now,
        expires=now + tokenrequests.lifetime(spec["expirationSeconds"]),
        bound=_bound(identity, spec.get("boundObjectRef"), name, namespace),
        id=str(uuid.uuid4()),
    )
    most = int(tokenrequests.LONGEST.total_seconds())
    if spec["expirationSeconds"] > most:
        said += (f"requested expiration of {spec['expirationSeconds']} seconds shortened to {most} seconds",)
        spec["expirationSeconds"] = most
    if statement.bound:
        spec["boundObjectRef"] = {**spec["boundObjectRef"], "uid": statement.bound.uid}
    metadata = {**(asked.get("metadata") or {}), "name": name, "namespace": namespace}
    answer = {
        "kind": "TokenRequest",
        "apiVersion": tokenrequests.API_VERSION,
        "metadata": {**metadata, "creationTimestamp": times.format_seconds(now)},
        "spec": spec,
        "status": {"token": _signed(statement), "expirationTimestamp": times.format_seconds(statement.expires)},
    }
    return Answer(answer, said, created=True)


def for_pod(account: str, pod: JSON, owner: JSON, *, audience: str, seconds: int, now: datetime) -> str:
    """The token of ServiceAccount `owner` that a pod's volume shows at `now`: the same for whoever asks, until it is
    time for the next one."""
    metadata = pod["metadata"]
    began = tokenrequests.issued(times.parse(metadata["creationTimestamp"]), seconds, now=now)
    statement = Statement(
        account=account,
        namespace=metadata["namespace"],
        name=owner["metadata"]["name"],
        uid=owner["metadata"]["uid"],
        audiences=(audience or ISSUER,),
        issued=began,
        expires=began + tokenrequests.lifetime(seconds),
        bound=Bound("Pod", metadata["name"], metadata["uid"]),
    )
    return _signed(statement)


def bearer(token: str, *, audiences: Sequence[str] = (ISSUER,)) -> Bearer:
    """Who bears `token` before one of `audiences`. Raises InvalidToken."""
    try:
        claimed = tokenrequests.read(jws.read(token, signing.keys().public))
    except jws.NotSigned:
        raise InvalidToken("it was not signed here, or was changed") from None
    except ValueError as error:
        raise InvalidToken(str(error)) from None
    now = datetime.now(UTC)
    if claimed.expires <= now.timestamp() or claimed.not_before > (now + _LEEWAY).timestamp():
        raise InvalidToken("it has run out, or does not count yet")
    common = tuple(one for one in claimed.audiences if one in audiences)
    if not common:
        raise InvalidToken(f"it is for {', '.join(claimed.audiences)}")
    _check_lives(claimed, KIND, claimed.name, claimed.uid, now)
    if claimed.bound:
        _check_lives(claimed, claimed.bound.kind, claimed.bound.name, claimed.bound.uid, now)
    identity = Identity(
        account=claimed.account,
        user=tokenrequests.username(claimed.namespace, claimed.name),
        groups=tokenrequests.groups(claimed.namespace),
        actions=(),
    )
    return Bearer(identity, datetime.fromtimestamp(claimed.expires, UTC), common)


def _signed(statement: Statement) -> str:
    return jws.sign(statement.claims(), signing.keys().signing)


def _same_place(asked: JSON, name: str, namespace: str) -> None:
    metadata = asked.get("metadata") or {}
    for field, said, wanted in (("name", "name", name), ("namespace", "namespace", namespace)):
        if metadata.get(field) not in (None, "", wanted):
            rule = f"must match the service account {said} if specified"
            cause = causes.invalid(f"metadata.{field}", metadata[field], rule)
            raise Invalid.of("TokenRequest", name, (cause,), group="authentication.k8s.io")


def _bound(identity: Identity, reference: JSON | None, name: str, namespace: str) -> Bound | None:
    if not reference:
        return None
    api_version, kind_name = reference.get("apiVersion", ""), reference.get("kind", "")
    if api_version != "v1" or kind_name not in tokenrequests.BOUND_KINDS:
        group, _, version = api_version.rpartition("/")
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind_name}")
    kind = registry.kind(kind_name)
    row = reads.row(kind, Key(identity.account, kind_name, namespace, reference.get("name", "")))
    if kind_name == "Pod" and wire.load(row.data)["spec"].get("serviceAccountName") != name:
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name}" to pod running with different serviceaccount name.'
        )
    if (uid := reference.get("uid")) and uid != row.uid:
        opening = f'Operation cannot be fulfilled on {kind_name} "{row.key.name}"'
        text = f"{opening}: the UID in the bound object reference ({uid}) {_RECREATED}"
        raise Conflict(text, details={"name": row.key.name, "kind": kind_name})
    return Bound(kind_name, row.key.name, row.uid)


def _check_lives(claimed: Claimed, kind: str, name: str, uid: str, now: datetime) -> None:
    """The same object is still there, and has not been going for longer than it was given."""
    try:
        row = objects.read(Key(claimed.account, kind, claimed.namespace, name))
    except objects.Missing:
        raise InvalidToken(f"its {kind} is gone") from None
    if row.uid != uid:
        raise InvalidToken(f"its {kind} is gone, and another has its name")
    if row.deleting and times.parse(wire.load(row.data)["metadata"]["deletionTimestamp"]) + _LEEWAY < now:
        raise InvalidToken(f"its {kind} is going")
