"""The machine a worker serves: its runtime, its name, the pulls and hooks that run on it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from workloads.controllers.pods.hooks import Hooks
from workloads.controllers.pods.pulls import Pulls
from workloads.runtimes.base import Runtime


@dataclass(frozen=True)
class Host:
    """`runtime` is made on first use, so that naming a host costs nothing (the relay only asks for keys)."""

    runtime: Callable[[], Runtime]
    pulls: Pulls
    hooks: Hooks
    node: str
    overcommit: int
    lock: Path
    """Held by whoever counts the room on this host."""
    reserved_bytes: int = 0
    """Memory that pods do not get."""
    cards: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The host's graphics cards: by model, the numbers of each."""


@cache
def host_ip() -> str:
    """The address this host would use to reach others; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
