"""Tokens on disk: one file for an endpoint and an identity, which its owner alone may read (0600).

Reading needs no lock, as a file is replaced whole. Who renews holds the lock beside it, so that of many kubectls that
start at once one signs in and the others read what it got.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

_LOCK_SECONDS = 30.0


class Entry(NamedTuple):
    """`expires` and `checked` are in seconds since the epoch by this machine's clock; `checked` is when the endpoint
    last said that the token is good."""

    token: str
    expires: float
    checked: float
    region: str = ""


def path_of(endpoint: str, identity: str) -> str:
    """`identity` is what names it, without any secret."""
    digest = hashlib.sha256(f"{endpoint}\0{identity}".encode()).hexdigest()
    return os.path.join(_directory(), digest[:32] + ".json")


def read(path: str) -> Entry | None:
    """None when there is none, or one that others could read or have written."""
    try:
        with open(path, encoding="utf-8") as file:
            if os.name == "posix" and _is_open_to_others(file.fileno()):
                return None
            found = json.load(file)
        return Entry(str(found["token"]), float(found["expires"]), float(found["checked"]), str(found["region"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: str, entry: Entry) -> None:
    """Whole or not at all. Whoever was seen is forgotten. A home that cannot be written to is no failure: the next one
    signs in anew, and is told why it takes longer."""
    partial = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(entry._asdict(), file)
        os.replace(partial, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + ".seen")
    except OSError as error:
        print(f"cci-iam-authenticator: the token is not kept for next time: {error}", file=sys.stderr)


def seen_before(path: str, process: int) -> bool:
    """Whether `process` has asked for this very token before; it is remembered that it has. Who asks again was refused
    with it: kubectl asks a second time only then."""
    try:
        with os.fdopen(os.open(path + ".seen", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+") as file:
            if str(process) in file.read().split():
                return True
            file.write(f"{process}\n")
    except OSError:
        pass  # who cannot remember finds out a minute later, by checking
    return False


@contextlib.contextmanager
def lock(path: str) -> Iterator[None]:
    """Held while one renews. Who waits for too long goes on without it: two logins do no harm."""
    descriptor = -1
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS
    while descriptor >= 0 and not _locked(descriptor) and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _locked(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _directory() -> str:
    return os.environ.get("CCI_CACHE_DIR") or os.path.join(os.path.expanduser("~"), ".cci", "cache")


def _is_open_to_others(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return bool(status.st_mode & 0o077) or status.st_uid != os.getuid()
