"""Signed statements: JSON Web Signatures in their compact form, ES256 alone (RFC 7515, 7518). No I/O, no clock.

The algorithm is never taken from the statement: what says anything but ES256 is not ours. Signatures are deterministic
(RFC 6979): the same claims under the same key are the same text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

ALGORITHM = "ES256"
LONGEST = 16 * 1024
"""Of a statement, in characters: what is longer is not even read."""
_NUMBER = 32
"""Bytes of each of a signature's two numbers."""

JSON = dict[str, Any]


class NotSigned(Exception):
    """No statement of ours: damaged, changed, or signed by somebody else."""


def sign(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    header = {"alg": ALGORITHM, "kid": key_id(key.public_key())}
    text = f"{_encoded(orjson.dumps(header))}.{_encoded(orjson.dumps(claims, option=orjson.OPT_SORT_KEYS))}"
    signature = key.sign(text.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    numbers = utils.decode_dss_signature(signature)
    return f"{text}.{_encoded(b''.join(number.to_bytes(_NUMBER, 'big') for number in numbers))}"


def read(statement: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> JSON:
    """Its claims, when one of `keys` (by their ids) signed it. Raises NotSigned."""
    parts = statement.split(".") if len(statement) <= LONGEST else []
    if len(parts) != 3:
        raise NotSigned
    header, claims, signature = _object(parts[0]), _object(parts[1]), _decoded(parts[2])
    key = keys.get(str(header.get("kid")))
    if key is None or header.get("alg") != ALGORITHM or "crit" in header or len(signature) != 2 * _NUMBER:
        raise NotSigned
    numbers = (int.from_bytes(signature[:_NUMBER], "big"), int.from_bytes(signature[_NUMBER:], "big"))
    try:
        key.verify(utils.encode_dss_signature(*numbers), ".".join(parts[:2]).encode("ascii"), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise NotSigned from None
    return claims


def looks_like(text: str) -> bool:
    """Whether it may be one: three parts, and a header that begins as JSON does."""
    return text.startswith("eyJ") and text.count(".") == 2


def jwk(key: ec.EllipticCurvePublicKey) -> JSON:
    """The public key as others read it (RFC 7517)."""
    return {**_required(key), "use": "sig", "alg": ALGORITHM, "kid": key_id(key)}


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """Its thumbprint (RFC 7638)."""
    text = orjson.dumps(_required(key), option=orjson.OPT_SORT_KEYS)
    return _encoded(hashlib.sha256(text).digest())


def _required(key: ec.EllipticCurvePublicKey) -> JSON:
    numbers = key.public_numbers()
    x, y = (_encoded(number.to_bytes(_NUMBER, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _object(part: str) -> JSON:
    try:
        found = orjson.loads(_decoded(part))
    except orjson.JSONDecodeError:
        raise NotSigned from None
    if not isinstance(found, dict):
        raise NotSigned
    return found


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    """Its one spelling alone: base64 would let bits pass that stand for nothing. Raises NotSigned."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotSigned from None
    if _encoded(data) != part:
        raise NotSigned
    return data
