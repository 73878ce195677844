"""Access keys (AK/SK): what a person may do with their own, for the console's pages and the host's command alike.

A key is rotated without a gap: make a second one, give it to the programs, disable the first, see that nothing misses
it (`last_used`), delete it. Whoever is disabled or deleted takes the tokens along that were had with it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from iam import audit, vault
from iam.audit import Target
from iam.identities import Identity
from iam.models import AccessKey, Token, User

MOST_ACTIVE = 2
MOST_KEPT = 10
"""Disabled ones included."""
NOTED_EVERY = timedelta(minutes=1)
LONGEST_DESCRIPTION = 255

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class FieldError(Exception):
    """`field` is the form's field the sentence belongs to; "" when it belongs to none of them."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class UnknownKey(Exception):
    """No such access key, or not this user's: which of the two is not told."""

    def __init__(self, ak: str) -> None:
        super().__init__(f"There is no access key {ak}.")


@dataclass(frozen=True)
class Created:
    """The only time that the secret is seen."""

    ak: str
    sk: str = field(repr=False)


@dataclass(frozen=True)
class Row:
    """An access key in a list. `readable` is False when its secret was sealed with a key file that is gone: delete it
    and make a new one."""

    ak: str
    description: str
    active: bool
    readable: bool
    created: datetime
    last_used: datetime | None
    last_address: str


def create(user: User, *, description: str = "") -> Created:
    """Raises FieldError, vault.KeyFileError."""
    text = _described(description)
    ak, sk = "CCI" + "".join(secrets.choice(_LETTERS) for _ in range(17)), secrets.token_urlsafe(30)
    sealed = vault.seal(sk)
    with transaction.atomic():
        _hold(user)
        _room_for_an_active_one(user)
        if user.access_keys.count() >= MOST_KEPT:
            raise FieldError("", f"A user may keep {MOST_KEPT} access keys, disabled ones included. Delete one first.")
        AccessKey.objects.create(ak=ak, user=user, sealed=sealed, description=text)
        _trail(user, "create", ak)
    return Created(ak, sk)


def listed(user: User) -> list[Row]:
    """The user's own, the newest first."""
    return [_row(key) for key in user.access_keys.order_by("-created", "ak")]


def describe(user: User, ak: str, description: str) -> None:
    """Raises FieldError, UnknownKey."""
    if not user.access_keys.filter(ak=ak).update(description=_described(description)):
        raise UnknownKey(ak)


def disable(user: User, ak: str, *, by: Identity | None = None) -> None:
    """It signs in no more, and what was had with it is revoked. Harmless when it is disabled already. `by` is who does
    it, if not the user. Raises UnknownKey."""
    with transaction.atomic():
        if not user.access_keys.filter(ak=ak).update(active=False):
            raise UnknownKey(ak)
        Token.objects.filter(access_key=ak).update(revoked=True)
        _trail(user, "update", ak, message="disabled", by=by)


def enable(user: User, ak: str) -> None:
    """Raises FieldError when two others are active, UnknownKey."""
    with transaction.atomic():
        _hold(user)
        key = user.access_keys.filter(ak=ak).first()
        if key is None:
            raise UnknownKey(ak)
        if not key.active:
            _room_for_an_active_one(user)
            user.access_keys.filter(ak=ak).update(active=True)
            _trail(user, "update", ak, message="enabled")


def delete(user: User, ak: str) -> None:
    """For good, and its tokens with it. Only of a disabled key, so that nobody takes away what is in use by mistake.
    Raises FieldError, UnknownKey."""
    with transaction.atomic():
        _hold(user)
        key = user.access_keys.filter(ak=ak).first()
        if key is None:
            raise UnknownKey(ak)
        if key.active:
            raise FieldError("", f"Access key {ak} is active. Disable it first, and see that nothing misses it.")
        key.delete()
        _trail(user, "delete", ak)


def note_use(key: AccessKey, *, address: str) -> None:
    """When and from where it was used last; written once a minute at most."""
    now = timezone.now()
    if key.last_used is not None and now - key.last_used < NOTED_EVERY:
        return
    due = Q(last_used=None) | Q(last_used__lte=now - NOTED_EVERY)
    AccessKey.objects.filter(due, ak=key.ak).update(last_used=now, last_address=address[:45])


def _trail(user: User, verb: str, ak: str, *, message: str = "", by: Identity | None = None) -> None:
    action, target = f"iam:accesskey:{verb}", Target("AccessKey", ak)
    if by is None:
        audit.record_person(user, action, target, message=message)
    else:
        audit.record(by, action, target, message=message)


def _hold(user: User) -> None:
    """Two who make or enable keys of one user do so one after the other."""
    User.objects.select_for_update().filter(pk=user.pk).first()


def _room_for_an_active_one(user: User) -> None:
    if user.access_keys.filter(active=True).count() >= MOST_ACTIVE:
        raise FieldError("", f"A user may have {MOST_ACTIVE} active access keys. Disable one first.")


def _described(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > LONGEST_DESCRIPTION:
        raise FieldError("description", f"The description has {len(line)} characters; it may have 255.")
    return line


def _row(key: AccessKey) -> Row:
    return Row(
        ak=key.ak,
        description=key.description,
        active=key.active,
        readable=_is_readable(key),
        created=key.created,
        last_used=key.last_used,
        last_address=key.last_address,
    )


def _is_readable(key: AccessKey) -> bool:
    try:
        vault.unseal(key.sealed)
    except (vault.Unreadable, vault.KeyFileError):
        return False
    return True
