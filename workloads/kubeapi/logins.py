"""`POST /iam/tokens`: an account, a user and a password for a bearer token; `DELETE` revokes the one it comes with."""

from __future__ import annotations

from typing import Any

from iam import logins, tokens
from workloads.kubeapi import authentication, bodies
from workloads.kubeapi.exchange import Reply, Request, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta import times
from workloads.meta.causes import required
from workloads.meta.errors import Cause, Invalid, MethodNotAllowed, NotFound, TooManyRequests, Unauthorized

_FIELDS = ("account", "user", "password")


async def answer(request: Request, segments: list[str]) -> Reply:
    """Raises Unauthorized, TooManyRequests, Invalid."""
    if segments != ["tokens"]:
        raise NotFound("the server could not find the requested resource")
    if request.method == "POST":
        return await _issue(request)
    if request.method == "DELETE":
        return await _revoke(request)
    raise MethodNotAllowed("tokens are issued with POST and revoked with DELETE")


async def _issue(request: Request) -> Reply:
    asked, _ = await bodies.manifest(request)
    causes = tuple(_problems(asked))
    if causes:
        raise Invalid.of("Token", "", causes, group="iam.cci.io")
    issued = await in_thread(lambda: _signed_in(asked, request.address))
    return json_reply(
        {"token": issued.token, "expirationTimestamp": times.format_seconds(issued.expires)},
        status=201,
        headers=(("cache-control", "no-store"),),
    )


def _problems(asked: dict[str, Any]) -> list[Cause]:
    return [required(name, "must be a string") for name in _FIELDS if not isinstance(asked.get(name), str)]


def _signed_in(asked: dict[str, Any], address: str) -> tokens.Issued:
    try:
        user = logins.check(asked["account"], asked["user"], asked["password"], address=address)
    except logins.WrongLogin as error:
        raise Unauthorized(str(error)) from None
    except logins.TooManyTries as error:
        raise TooManyRequests(str(error), retry_after=error.retry_after) from None
    return tokens.issue(user)


async def _revoke(request: Request) -> Reply:
    await authentication.caller_of(request)
    token = request.headers["authorization"].partition(" ")[2].strip()
    await in_thread(lambda: tokens.revoke(token))
    authentication.forget()
    return json_reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
