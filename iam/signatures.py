"""Is this request signed by an access key, now, and for the first time? The scheme is `iam.authenticator.signing`'s.

The order of the checks is part of the promise: the clock first (it tells nothing about anybody), then the key, then the
signature; only a request that is rightly signed leaves a nonce behind, so that strangers fill no table.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from iam import accesskeys, vault
from iam.authenticator import signing
from iam.models import AccessKey, Nonce

WINDOW = timedelta(minutes=5)
"""How far a request's clock may be off, either way; for so long it could be sent again."""

_log = logging.getLogger(__name__)


class Unsigned(Exception):
    """The signature does not hold. The text says why and what to do about it; `reason` is one word for programs."""

    reason = "BadSignature"


class Malformed(Unsigned):
    reason = "MalformedSignature"


class ClockOff(Unsigned):
    reason = "ClockOff"

    def __init__(self, said: datetime, now: datetime) -> None:
        seconds = int(abs((said - now).total_seconds()))
        way = "ahead of" if said > now else "behind"
        super().__init__(
            f"The request's clock is {seconds} seconds {way} the server's, which says {now:%Y-%m-%dT%H:%M:%SZ}; "
            f"{int(WINDOW.total_seconds())} are allowed. Set the clock of the machine that signs."
        )


class UnknownAccessKey(Unsigned):
    reason = "UnknownAccessKey"


class DisabledAccessKey(Unsigned):
    reason = "DisabledAccessKey"


class WrongSignature(Unsigned):
    reason = "WrongSignature"


class UnreadableAccessKey(Unsigned):
    reason = "UnreadableAccessKey"


class Replayed(Unsigned):
    reason = "Replayed"


def check(header: str, *, method: str, path: str, body: bytes, address: str = "") -> AccessKey:
    """The key that signed, with its user. Raises Unsigned."""
    signed = signing.parse(header)
    if signed is None:
        raise Malformed(
            f"The Authorization header must read: {signing.SCHEME} AccessKey=<AK>, Timestamp=<20060102T150405Z>, "
            "Nonce=<16 to 64 letters, digits, - or _>, Signature=<64 hexadecimal digits>."
        )
    _check_clock(signed.timestamp)
    key = AccessKey.objects.select_related("user__account").filter(ak=signed.ak).first()
    if key is None:
        raise UnknownAccessKey(f"There is no access key {signed.ak}. Copy it again, or make one in the console.")
    right = signing.sign(_secret_of(key), method, path, body, signed.timestamp, signed.nonce)
    if not hmac.compare_digest(right, signed.signature):
        raise WrongSignature(
            f"The signature is not the one of access key {key.ak}: its secret (SK) is another, or the request was "
            "changed on its way."
        )
    if not key.active or not key.user.is_active:
        what = f"Access key {key.ak}" if key.user.is_active else f"The user of access key {key.ak}"
        raise DisabledAccessKey(f"{what} is disabled. Enable it, or use another one.")
    _once(key.ak, signed.nonce)
    accesskeys.note_use(key, address=address)
    return key


def sweep(now: datetime) -> int:
    """Nonces of requests that the clock refuses by now. Returns how many."""
    return Nonce.objects.filter(expires__lte=now).delete()[0]


def _check_clock(timestamp: str) -> None:
    now = timezone.now()
    try:
        said = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"The timestamp {timestamp} is no time.") from None
    if abs(said - now) > WINDOW:
        raise ClockOff(said, now)


def _secret_of(key: AccessKey) -> str:
    try:
        return vault.unseal(key.sealed)
    except vault.Unreadable:
        _log.warning("access key %s was sealed with a key that is not in the key file", key.ak)
        raise UnreadableAccessKey(
            f"The service can no longer read the secret of access key {key.ak}: its key file was replaced. "
            "Make a new access key and delete this one."
        ) from None


def _once(ak: str, nonce: str) -> None:
    """Kept for twice the window, so that web processes whose clocks differ agree."""
    digest = hashlib.sha256(f"{ak}\0{nonce}".encode()).hexdigest()
    try:
        with transaction.atomic():
            Nonce.objects.create(digest=digest, expires=timezone.now() + 2 * WINDOW)
    except IntegrityError:
        raise Replayed("This request was heard already. Sign each request anew, with a nonce of its own.") from None
