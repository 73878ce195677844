"""Whether what a TLS Secret holds can be shown to anybody: a certificate that can be read, and the key that fits it.

Pure. An expired certificate can be shown (browsers refuse it, and say so); `problem` tells of it all the same.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from workloads.kinds import secrets

JSON = dict[str, Any]


class Broken(Exception):
    """Says what is wrong, never what the Secret holds."""


@dataclass(frozen=True)
class Certificate:
    """`chain` and `key` are PEM; the rest is told of the chain's first. `names` are hosts and addresses it is for."""

    chain: str
    key: str
    subject: str
    names: tuple[str, ...]
    ends: datetime


def read(secret: JSON) -> Certificate:
    """Raises Broken."""
    if secret.get("type") != secrets.TLS:
        raise Broken(f"its type is {secret.get('type')}, not {secrets.TLS}")
    chain, key = _part(secret, "tls.crt"), _part(secret, "tls.key")
    try:
        leaf = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise Broken("tls.crt is no certificate in PEM form") from None
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Broken("tls.key is no private key in PEM form without a password") from None
    if _public(private.public_key()) != _public(leaf.public_key()):
        raise Broken("tls.key is not the key of tls.crt's first certificate")
    return Certificate(chain.decode(), key.decode(), _subject(leaf), _names(leaf), leaf.not_valid_after_utc)


def problem(secret: JSON | None, *, now: datetime) -> str:
    """What is wrong with a Secret (None: there is none) that is to be shown, as the end of a sentence that begins with
    its name; "" when all is well."""
    if secret is None:
        return "does not exist"
    try:
        certificate = read(secret)
    except Broken as broken:
        return f"is broken: {broken}"
    if certificate.ends < now:
        return f"expired at {certificate.ends.astimezone(UTC):%Y-%m-%d %H:%M} UTC: clients refuse it"
    return ""


def _part(secret: JSON, name: str) -> bytes:
    said = (secret.get("data") or {}).get(name, "")
    try:
        found = base64.b64decode(said, validate=True)
        found.decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Broken(f"{name} is no text") from None
    if not found.strip():
        raise Broken(f"{name} is empty")
    return found


def _public(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


def _subject(leaf: x509.Certificate) -> str:
    common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else leaf.subject.rfc4514_string()


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return (*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress)))
