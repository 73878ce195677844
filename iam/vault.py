"""What has to be read again and must not lie open in the database: the secrets of access keys, encrypted (Fernet:
AES-128-CBC with HMAC-SHA256) under a key that lies in a file of its own.

The file is `CCI_KEY_FILE`, made at first use with mode 0600. It holds a key a line: the first one seals, each of them
opens, so a new first line renews the key and the old lines still open what they sealed. **When the file is lost**, what
it sealed is lost with it: those access keys no longer sign in, each says so when it is tried, and their users make new
ones. Nothing else depends on it. A backup of the database needs this file beside it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """It was sealed with a key that is not in the key file (any more)."""


class KeyFileError(Exception):
    """The key file is there and cannot be used; the text names it and the remedy."""


def seal(text: str) -> str:
    """Raises KeyFileError."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable, KeyFileError."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    path = Path(settings.KEY_FILE)
    try:
        lines = _content(path).split()
        return MultiFernet([Fernet(line) for line in lines])
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except ValueError:
        raise KeyFileError(
            f"The key file {path} holds no keys: put it back from a backup, or move it away to have a new one made."
        ) from None


def _content(path: Path) -> str:
    """Of several processes that find none, one makes it and all read that one."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(Fernet.generate_key().decode() + "\n")
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
        return path.read_text()
