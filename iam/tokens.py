"""Bearer tokens of the Kubernetes API: random, shown once, kept as a digest, dead after 24 hours at most.

What is revoked is nobody's at once in this table; the API remembers an answer of it for two seconds
(`kubeapi.authentication`).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from iam import audit
from iam.audit import Target
from iam.identities import Identity, identity_of
from iam.models import AccessKey, Token, User

LONGEST = timedelta(hours=24)
NOTED_EVERY = timedelta(minutes=1)
MOST_ALIVE = 500
"""Tokens a user may hold; whoever asks for one more loses those that would have run out first."""

Via = Literal["", "password", "access-key", "console", "host"]

_PREFIX = "cci-"
_TOKEN = Target("Token")
_ID = 16


class InvalidToken(Exception):
    """Nobody has this token: it was never issued, has run out or was revoked."""


@dataclass(frozen=True)
class Issued:
    """The only time that the token itself is seen."""

    token: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, and until when it speaks for them. `id` names it in lists."""

    identity: Identity
    expires: datetime
    id: str = ""


@dataclass(frozen=True)
class Row:
    """A living token in a list. `id` names it and is no secret; `via` and `access_key` say how it was had, `address`
    by whom."""

    id: str
    created: datetime
    expires: datetime
    via: str
    access_key: str
    address: str
    last_used: datetime | None
    last_address: str


def issue(
    user: User,
    *,
    lifetime: timedelta = LONGEST,
    via: Via = "",
    access_key: AccessKey | None = None,
    address: str = "",
) -> Issued:
    """A new token for `user`; a longer lifetime than 24 hours becomes 24 hours. Sweeps out the user's dead ones."""
    now = timezone.now()
    _make_room(user, now)
    token = _PREFIX + secrets.token_urlsafe(32)
    expires = now + min(lifetime, LONGEST)
    Token.objects.create(
        digest=_digest(token), user=user, expires=expires, via=via, access_key=access_key, address=address[:45]
    )
    said = f"by {via}" if via else ""
    said += f" {access_key.ak}" if access_key else ""
    audit.record_person(user, "iam:token:create", _TOKEN, message=said, address=address)
    return Issued(token=token, expires=expires)


def bearer(token: str, *, address: str = "") -> Bearer:
    """Who bears `token`; that it was used from `address` is noted, once a minute at most. Raises InvalidToken."""
    found = Token.objects.select_related("user__account").filter(digest=_digest(token), revoked=False).first()
    if found is None or found.expires <= timezone.now() or not found.user.is_active:
        raise InvalidToken
    _note_use(found, address)
    return Bearer(identity=identity_of(found.user), expires=found.expires, id=found.digest[:_ID])


def listed(user: User) -> list[Row]:
    """What speaks for `user` now, the newest first."""
    alive = user.tokens.filter(revoked=False, expires__gt=timezone.now())
    return [_row(token) for token in alive.order_by("-created", "digest")]


def revoke(token: str) -> bool:
    """From now on `token` is nobody's. False when it was nobody's already."""
    return Token.objects.filter(digest=_digest(token), revoked=False).update(revoked=True) > 0


def revoke_one(user: User, id: str) -> bool:
    """One of the user's own, by its `id`. False when there is none that is alive."""
    if len(id) != _ID:
        return False
    with transaction.atomic():
        is_revoked = user.tokens.filter(digest__startswith=id, revoked=False).update(revoked=True) > 0
        if is_revoked:
            audit.record_person(user, "iam:token:delete", Target("Token", id))
    return is_revoked


def revoke_all(user: User, *, by: Identity | None = None) -> int:
    """Revokes every token of `user`, as after a change of password. `by` is who does it, if not the user. Returns how
    many."""
    with transaction.atomic():
        count = user.tokens.filter(revoked=False).update(revoked=True)
        if count and by is None:
            audit.record_person(user, "iam:token:delete", _TOKEN, message=f"all {count}")
        elif count and by is not None:
            audit.record(by, "iam:token:delete", _TOKEN, message=f"all {count} of {user.name}")
    return count


def sweep(now: datetime) -> int:
    """Takes those that have run out and those that were revoked out of the table. Returns how many."""
    return Token.objects.filter(Q(expires__lte=now) | Q(revoked=True)).delete()[0]


def _make_room(user: User, now: datetime) -> None:
    user.tokens.filter(expires__lte=now).delete()
    surplus = user.tokens.order_by("-expires", "digest")[MOST_ALIVE - 1 :].values_list("digest", flat=True)
    if digests := list(surplus):
        user.tokens.filter(digest__in=digests).delete()


def _note_use(token: Token, address: str) -> None:
    now = timezone.now()
    if token.last_used is not None and now - token.last_used < NOTED_EVERY:
        return
    due = Q(last_used=None) | Q(last_used__lte=now - NOTED_EVERY)
    Token.objects.filter(due, digest=token.digest).update(last_used=now, last_address=address[:45])


def _row(token: Token) -> Row:
    return Row(
        id=token.digest[:_ID],
        created=token.created,
        expires=token.expires,
        via=token.via,
        access_key=token.access_key_id or "",
        address=token.address,
        last_used=token.last_used,
        last_address=token.last_address,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
