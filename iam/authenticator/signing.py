"""How an access key signs a request (docs/signing.md). The secret itself is never sent.

    Authorization: CCI-HMAC-SHA256 AccessKey=<AK>, Timestamp=<20060102T150405Z>, Nonce=<text>, Signature=<hex>

The signature is HMAC-SHA256 with the secret over six lines: the scheme's name, the method, the path, the SHA-256 of
the body in hex, the timestamp, the nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import NamedTuple

SCHEME = "CCI-HMAC-SHA256"

_HEADER = re.compile(
    r"AccessKey=([A-Z0-9]{1,64}), ?Timestamp=(\d{8}T\d{6}Z), ?Nonce=([A-Za-z0-9_-]{16,64}), ?Signature=([0-9a-f]{64})",
    re.ASCII,
)


class Signed(NamedTuple):
    """What the header says; nothing of it is believed yet."""

    ak: str
    timestamp: str
    nonce: str
    signature: str


def authorization(
    method: str, path: str, body: bytes, *, ak: str, sk: str, now: float | None = None, nonce: str = ""
) -> str:
    """The header's value. `now` is in seconds since the epoch."""
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    nonce = nonce or secrets.token_urlsafe(18)
    signature = sign(sk, method, path, body, timestamp, nonce)
    return f"{SCHEME} AccessKey={ak}, Timestamp={timestamp}, Nonce={nonce}, Signature={signature}"


def sign(sk: str, method: str, path: str, body: bytes, timestamp: str, nonce: str) -> str:
    """In hex."""
    lines = (SCHEME, method.upper(), path, hashlib.sha256(body).hexdigest(), timestamp, nonce)
    return hmac.new(sk.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def parse(header: str) -> Signed | None:
    """None when it is not of this scheme or not whole."""
    scheme, _, rest = header.partition(" ")
    match = _HEADER.fullmatch(rest.strip())
    if scheme != SCHEME or match is None:
        return None
    return Signed(*match.groups())
