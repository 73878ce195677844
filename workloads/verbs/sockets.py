"""Unix sockets that only this user may open."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def listening_at(place: Path) -> socket.socket:
    """A new socket there; one that a dead process left makes way."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(place))
    finally:
        os.umask(before)
    return listener
