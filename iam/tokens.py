"""Bearer tokens of the Kubernetes API: random, shown once, kept as a digest, dead after 24 hours at most."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from iam.identities import Identity, identity_of
from iam.models import Token, User

LONGEST = timedelta(hours=24)
_PREFIX = "cci-"


class InvalidToken(Exception):
    """Nobody has this token: it was never issued, has run out or was revoked."""


@dataclass(frozen=True)
class Issued:
    """The only time that the token itself is seen."""

    token: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, and until when it speaks for them."""

    identity: Identity
    expires: datetime


def issue(user: User, *, lifetime: timedelta = LONGEST) -> Issued:
    """A new token for `user`; a longer lifetime than 24 hours becomes 24 hours. Sweeps out the user's dead ones."""
    now = timezone.now()
    user.tokens.filter(expires__lt=now).delete()
    token = _PREFIX + secrets.token_urlsafe(32)
    expires = now + min(lifetime, LONGEST)
    Token.objects.create(digest=_digest(token), user=user, expires=expires)
    return Issued(token=token, expires=expires)


def bearer(token: str) -> Bearer:
    """Who bears `token`. Raises InvalidToken."""
    found = Token.objects.select_related("user__account").filter(digest=_digest(token), revoked=False).first()
    if found is None or found.expires <= timezone.now() or not found.user.is_active:
        raise InvalidToken
    return Bearer(identity=identity_of(found.user), expires=found.expires)


def revoke(token: str) -> bool:
    """From now on `token` is nobody's. False when it was nobody's already."""
    return Token.objects.filter(digest=_digest(token), revoked=False).update(revoked=True) > 0


def revoke_all(user: User) -> int:
    """Revokes every token of `user`, as after a change of password. Returns how many."""
    return user.tokens.filter(revoked=False).update(revoked=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
