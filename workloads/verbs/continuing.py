"""Continue tokens: where the next page of a list begins, and of which revision the list is. Opaque to callers, signed
by the installation, and of use only to the account and for the collection they were given for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

import orjson
from django.conf import settings

from workloads.meta.errors import BadRequest

_VERSION = 1
_SIGNATURE = 16


class Place(NamedTuple):
    """`revision` 0 goes on with what is there now: the list is then of several revisions."""

    revision: int
    after: tuple[str, str] | None
    """Namespace and name of what the caller has already."""


class Seal(NamedTuple):
    """What a token is bound to; none of it stands in the token."""

    account: str
    kind: str
    namespace: str


def token(seal: Seal, place: Place) -> str:
    said = orjson.dumps([_VERSION, place.revision, *(place.after or ("", ""))])
    return base64.urlsafe_b64encode(_signature(seal, said) + said).decode().rstrip("=")


def opened(text: str, seal: Seal) -> Place:
    """Raises BadRequest."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("it is not base64") from None
    signature, said = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(seal, said)):
        raise _malformed("it was not given by a list of this collection")
    _, revision, namespace, name = orjson.loads(said)
    return Place(revision, (namespace, name))


def _signature(seal: Seal, said: bytes) -> bytes:
    text = orjson.dumps(list(seal)) + said
    return hmac.digest(settings.SECRET_KEY.encode(), b"continue" + text, hashlib.sha256)[:_SIGNATURE]


def _malformed(why: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid: {why}")
