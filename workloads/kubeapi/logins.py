"""IAM on the API's port: a password or an access key's signature for a bearer token, and what one may do with tokens.

GET    /iam                  what is served here and the server's time; without a token, like the next three
GET    /iam/ca               the installation's certificate authority, as PEM
POST   /iam/tokens           {account, user, password}, or signed by an access key (docs/signing.md)
POST   /v3/auth/tokens       the same in Keystone's shape (`keystone`)
GET    /iam/tokens           one's own living tokens
GET    /iam/tokens/current   whose the token is, asked of the table itself
DELETE /iam/tokens           revokes the token it comes with
DELETE /iam/tokens/all       revokes all of one's own; /iam/tokens/<id> one of them
"""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone

from iam import logins, pki, signatures, tokens, vault
from iam.authenticator import signing
from iam.models import User
from workloads.kubeapi import authentication, bodies
from workloads.kubeapi.exchange import JSON, Reply, Request, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta import times
from workloads.meta.causes import required, unsupported, wrong_type
from workloads.meta.errors import (
    BadRequest,
    Cause,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

NO_STORE = (("cache-control", "no-store"),)

_FIELDS = ("account", "user", "password")


async def answer(request: Request, segments: list[str]) -> Reply:
    """Raises Unauthorized, TooManyRequests, Invalid."""
    if segments == []:
        _only(request, "GET")
        return json_reply(_about(), headers=NO_STORE)
    if segments == ["ca"]:
        _only(request, "GET")
        return Reply(200, await in_thread(lambda: pki.ensure().ca.read_bytes()), "application/x-pem-file")
    if segments == ["tokens"] and request.method == "POST":
        return await _issue(request)
    if segments[0] == "tokens" and len(segments) < 3:
        return await _of_ones_own(request, segments[1] if len(segments) == 2 else "")
    raise NotFound("the server could not find the requested resource")


async def _of_ones_own(request: Request, what: str) -> Reply:
    if request.method == "GET" and what in ("", "current"):
        return await (_current(request) if what else _list(request))
    if request.method == "DELETE":
        return await _revoke(request, what)
    raise MethodNotAllowed("tokens are issued with POST, listed with GET and revoked with DELETE")


async def _issue(request: Request) -> Reply:
    issued = await (_by_access_key(request) if is_signed(request) else _by_password(request))
    body = {"token": issued.token, "expirationTimestamp": times.format_seconds(issued.expires)}
    return json_reply({**body, "region": settings.REGION}, status=201, headers=NO_STORE)


def is_signed(request: Request) -> bool:
    return request.headers.get("authorization", "").startswith(signing.SCHEME)


async def _by_password(request: Request) -> tokens.Issued:
    asked, _ = await bodies.manifest(request)
    missing = [required(name, "must be a string") for name in _FIELDS if not isinstance(asked.get(name), str)]
    if causes := (*missing, *_project_problems(asked)):
        raise Invalid.of("Token", "", causes, group="iam.cci.io")
    return await in_thread(lambda: by_password(*(asked[name] for name in _FIELDS), address=request.address))


async def _by_access_key(request: Request) -> tokens.Issued:
    body = await request.read()
    return await in_thread(lambda: by_signature(request, body, path="/iam/tokens"))


def by_password(account: str, user: str, password: str, *, address: str) -> tokens.Issued:
    """Raises Unauthorized, TooManyRequests."""
    return tokens.issue(signed_in(account, user, password, address=address), via="password", address=address)


def signed_in(account: str, user: str, password: str, *, address: str) -> User:
    """Raises Unauthorized, TooManyRequests."""
    try:
        return logins.check(account, user, password, address=address)
    except logins.WrongLogin as error:
        raise Unauthorized(str(error), causes=(Cause("password", str(error), "WrongLogin"),)) from None
    except logins.TooManyTries as error:
        raise TooManyRequests(str(error), retry_after=error.retry_after) from None


def by_signature(request: Request, body: bytes, *, path: str) -> tokens.Issued:
    """Raises Unauthorized, BadRequest, Invalid, Unavailable."""
    header = request.headers["authorization"]
    try:
        key = signatures.check(header, method=request.method, path=path, body=body, address=request.address)
    except signatures.Unsigned as error:
        details = {"serverTime": times.format_seconds(timezone.now())}
        cause = Cause("authorization", str(error), error.reason)
        raise Unauthorized(str(error), causes=(cause,), details=details) from None
    except vault.KeyFileError as error:
        raise Unavailable(str(error)) from error
    if causes := tuple(_project_problems(_object(body))):
        raise Invalid.of("Token", "", causes, group="iam.cci.io")
    return tokens.issue(key.user, via="access-key", access_key=key, address=request.address)


def _object(body: bytes) -> JSON:
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("the body must be one object")
    return value


def _project_problems(asked: JSON) -> list[Cause]:
    """A project is a region, as in the original; an installation serves one."""
    project = asked.get("project", settings.REGION)
    if not isinstance(project, str):
        return [wrong_type("project", project, "a string")]
    return [] if project in ("", settings.REGION) else [unsupported("project", project, (settings.REGION,))]


async def _list(request: Request) -> Reply:
    bearer = await in_thread(lambda: _bearer(request))
    rows = await in_thread(lambda: tokens.listed(_user(bearer)))
    return json_reply({"items": [_row(row, current=row.id == bearer.id) for row in rows]}, headers=NO_STORE)


async def _current(request: Request) -> Reply:
    bearer = await in_thread(lambda: _bearer(request))
    who = {"account": bearer.identity.account, "user": bearer.identity.user}
    return json_reply({**who, "expirationTimestamp": times.format_seconds(bearer.expires)}, headers=NO_STORE)


async def _revoke(request: Request, what: str) -> Reply:
    bearer = await in_thread(lambda: _bearer(request))
    if what == "all":
        await in_thread(lambda: tokens.revoke_all(_user(bearer)))
    elif not await in_thread(lambda: tokens.revoke_one(_user(bearer), what or bearer.id)):
        raise NotFound(f'token "{what}" not found')
    authentication.forget()
    return json_reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def _bearer(request: Request) -> tokens.Bearer:
    """Asked of the table, whatever this process remembers. Raises Unauthorized."""
    return authentication.look_up(authentication.token_of(request), address=request.address)


def _user(bearer: tokens.Bearer) -> User:
    return User.objects.get(account__name=bearer.identity.account, name=bearer.identity.user)


def _row(row: tokens.Row, *, current: bool) -> JSON:
    return {
        "id": row.id,
        "current": current,
        "created": times.format_seconds(row.created),
        "expires": times.format_seconds(row.expires),
        "via": row.via,
        "accessKey": row.access_key,
        "address": row.address,
        "lastUsed": times.format_seconds(row.last_used) if row.last_used else None,
        "lastAddress": row.last_address,
    }


def _about() -> dict[str, Any]:
    return {
        "region": settings.REGION,
        "time": times.format_seconds(timezone.now()),
        "authentication": ["password", signing.SCHEME],
    }


def _only(request: Request, method: str) -> None:
    if request.method != method:
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
