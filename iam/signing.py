"""The keys that sign service-account tokens: one that signs, and those that signed before it.

    DATA_DIR/secrets/service-accounts/signing.key    signs; mode 0600, made at the first run
    DATA_DIR/secrets/service-accounts/<id>.pub       signed once: what it signed is believed until it runs out

All processes of an installation share the folder, and see a new key with the next token.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from iam import jws, keyfiles

_SIGNING = "signing.key"
_CHANGED_WITHIN_NS = 2_000_000_000
"""A folder that changed so lately is read again: its next change might have the same time."""


@dataclass(frozen=True)
class Keys:
    signing: ec.EllipticCurvePrivateKey
    public: Mapping[str, ec.EllipticCurvePublicKey]
    """All that are believed, by their ids; the signing key's first."""


_known: dict[Path, tuple[int, Keys]] = {}


def keys() -> Keys:
    """Made at the first run. Read anew when the folder has changed."""
    folder = _folder()
    at, known = _known.get(folder, (0, None))
    try:
        changed = folder.stat().st_mtime_ns
    except FileNotFoundError:
        changed = -1
    if known is None or at != changed:
        known = _ensure(folder)
        changed = folder.stat().st_mtime_ns
        _known[folder] = (changed if time.time_ns() - changed > _CHANGED_WITHIN_NS else 0, known)
    return known


def rotate(*, longest: timedelta) -> str:
    """A new key signs from now on; returns its id. The one before is believed until what it signed has run out: old
    ones that were set aside more than `longest` ago are forgotten."""
    folder = _folder()
    _ensure(folder)
    with keyfiles.alone(folder):
        old = keyfiles.load(folder / _SIGNING).public_key()
        for file in folder.glob("*.pub"):
            if time.time() - file.stat().st_mtime > longest.total_seconds():
                file.unlink()
        # first, so that no moment comes at which what it signed is nobody's
        keyfiles.write(folder / f"{jws.key_id(old)}.pub", _public_pem(old), mode=0o644)
        made = ec.generate_private_key(ec.SECP256R1())
        keyfiles.write(folder / _SIGNING, keyfiles.pem(made), mode=0o600)
    return jws.key_id(made.public_key())


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "secrets" / "service-accounts"


def _ensure(folder: Path) -> Keys:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / _SIGNING).exists():
        with keyfiles.alone(folder):
            if not (folder / _SIGNING).exists():
                made = ec.generate_private_key(ec.SECP256R1())
                keyfiles.write(folder / _SIGNING, keyfiles.pem(made), mode=0o600)
    signing = keyfiles.load(folder / _SIGNING)
    public = (signing.public_key(), *(_public(file) for file in sorted(folder.glob("*.pub"))))
    return Keys(signing, {jws.key_id(key): key for key in public})


def _public(file: Path) -> ec.EllipticCurvePublicKey:
    key = serialization.load_pem_public_key(file.read_bytes())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError(f"{file} is not an ECDSA key: remove it")
    return key


def _public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
