"""`POST /v3/auth/tokens` in Keystone's shape, for tools written for the original's IAM: the token comes in the header
`X-Subject-Token`, errors are `{"error": {code, title, message}}`. The rules are those of `logins`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import timezone

from iam import tokens
from workloads.kubeapi import bodies, logins
from workloads.kubeapi.exchange import JSON, Reply, Request, failure, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta import times
from workloads.meta.errors import BadRequest, MethodNotAllowed, NotFound, StatusError

SHAPE = (
    'the body must read {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "...", '
    '"password": "...", "domain": {"name": "<account>"}}}}}}, with "scope": {"project": {"name": "<region>"}} if any'
)


async def answer(request: Request, segments: list[str]) -> Reply:
    try:
        return await _answer(request, segments)
    except StatusError as error:
        body = {"code": error.code, "title": HTTPStatus(error.code).phrase, "message": error.message}
        return json_reply({"error": body}, status=error.code, headers=failure(error).headers)


async def _answer(request: Request, segments: list[str]) -> Reply:
    if segments != ["auth", "tokens"]:
        raise NotFound("the server could not find the requested resource")
    if request.method != "POST":
        raise MethodNotAllowed("tokens are issued here with POST; /iam/tokens lists and revokes them")
    asked, _ = await bodies.manifest(request)
    account, user, password = _login(asked)
    issued = await in_thread(lambda: logins.by_password(account, user, password, address=request.address))
    headers = (("x-subject-token", issued.token), *logins.NO_STORE)
    return json_reply(_described(account, user, issued), status=201, headers=headers)


def _login(asked: JSON) -> tuple[str, str, str]:
    """Account, user, password. Raises BadRequest."""
    try:
        identity = asked["auth"]["identity"]
        person = identity["password"]["user"]
        found = person["domain"]["name"], person["name"], person["password"]
        project = asked["auth"].get("scope", {}).get("project", {}).get("name", settings.REGION)
        methods = identity["methods"]
    except (KeyError, TypeError, AttributeError):
        raise BadRequest(SHAPE) from None
    if methods != ["password"] or not all(isinstance(word, str) for word in found):
        raise BadRequest(SHAPE)
    if project != settings.REGION:
        raise BadRequest(f"the project is the region, which is {settings.REGION} here")
    return found


def _described(account: str, user: str, issued: tokens.Issued) -> dict[str, Any]:
    return {
        "token": {
            "methods": ["password"],
            "issued_at": times.format_micro(timezone.now()),
            "expires_at": times.format_micro(issued.expires),
            "user": {"id": f"{account}/{user}", "name": user, "domain": {"id": account, "name": account}},
            "project": {
                "id": settings.REGION,
                "name": settings.REGION,
                "domain": {"id": account, "name": account},
            },
        }
    }
