"""`Authorization: Bearer <token>` to who asks; the original's `X-Auth-Token: <token>` says the same.

A bearer token is a user's, found in the token table, or a ServiceAccount's, which is signed. An answer holds for two
seconds in this process, so that a burst of requests asks once; so long may a revoked token still work, and one whose
pod or ServiceAccount has gone.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from iam import jws, tokens
from iam.identities import Identity
from workloads import client
from workloads.kinds.tokenrequests import ISSUER
from workloads.kubeapi.exchange import Request
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import NotBuilt, Unauthorized

log = logging.getLogger(__name__)

_HOLDS = 2.0
_MOST = 10_000
_IMPERSONATION = frozenset(("impersonate-user", "impersonate-group", "impersonate-uid"))


@dataclass(frozen=True)
class Caller:
    identity: Identity
    expires: datetime

    def seconds_left(self) -> float:
        return (self.expires - datetime.now(UTC)).total_seconds()


_known: dict[bytes, tuple[float, Caller]] = {}


async def caller_of(request: Request) -> Caller:
    """Raises Unauthorized with what to do about it, NotBuilt for who wants to be somebody else."""
    if not _IMPERSONATION.isdisjoint(request.headers):
        raise NotBuilt(
            "impersonation (kubectl --as) is not built: sign in as that user, or ask what they may with a "
            "SubjectAccessReview"
        )
    return await bearing(token_of(request), request.address)


async def bearing(token: str, address: str) -> Caller:
    """Whose `token` is, as it was within the last two seconds. Raises Unauthorized."""
    digest = hashlib.sha256(token.encode()).digest()
    until, caller = _known.get(digest, (0.0, None))
    if caller is None or until < time.monotonic() or caller.seconds_left() <= 0:
        asked = time.monotonic()
        caller = await in_thread(lambda: _caller(token, address))
        _remember(digest, caller, until=asked + _HOLDS)
    return caller


def forget() -> None:
    """Asks the table again for every token, at once."""
    _known.clear()


def token_of(request: Request) -> str:
    """Raises Unauthorized."""
    if "authorization" not in request.headers and request.headers.get("x-auth-token", "").strip():
        return request.headers["x-auth-token"].strip()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise Unauthorized("the request carries no bearer token: get a kubeconfig with one (make kubeconfig)")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("the Authorization header must read: Bearer <token>")
    return token.strip()


def look_up(token: str, *, address: str) -> tokens.Bearer:
    """Whose of the users it is: asks the table, whatever is remembered. Raises Unauthorized."""
    try:
        return tokens.bearer(token, address=address)
    except tokens.InvalidToken:
        raise Unauthorized(
            "the bearer token has run out, was revoked or was never issued: try again with cci-iam-authenticator, "
            "or get a new kubeconfig (make kubeconfig)"
        ) from None


def reviewed(token: str, audiences: Sequence[str]) -> tuple[Identity, tuple[str, ...]]:
    """Who bears `token`, asked anew, and which of `audiences` (the API itself, when there are none) it is for. Raises
    Unauthorized."""
    wanted = tuple(audiences) or (ISSUER,)
    if jws.looks_like(token):
        try:
            found = client.bearer(token, audiences=wanted)
        except client.InvalidToken as error:
            raise Unauthorized(f"the token is not believed: {error}") from None
        return found.identity, found.audiences
    if ISSUER not in wanted:
        raise Unauthorized(f"the token is for {ISSUER} alone")
    return look_up(token, address="").identity, (ISSUER,)


def _caller(token: str, address: str) -> Caller:
    if jws.looks_like(token):
        return _service_account(token)
    bearer = look_up(token, address=address)
    return Caller(bearer.identity, bearer.expires)


def _service_account(token: str) -> Caller:
    try:
        found = client.bearer(token)
    except client.InvalidToken as error:
        log.info("a service account token is not believed: %s", error)
        raise Unauthorized("Unauthorized") from None
    return Caller(found.identity, found.expires)


def _remember(digest: bytes, caller: Caller, *, until: float) -> None:
    """`until` is counted from before the table was asked: what was revoked meanwhile is not held for longer."""
    if len(_known) >= _MOST:
        _known.clear()
    _known[digest] = (until, caller)
