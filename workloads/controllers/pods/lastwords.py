"""What a container that ended badly and left no message said last in its log: `FallbackToLogsOnError`.

The log is read once for each attempt; after that the pod's own status knows what it said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from workloads.runtimes.base import ContainerStatus, LogStream

JSON = dict[str, Any]
Log = Callable[[int], LogStream]
"""The last `LINES` of the attempt of that number. Raises KeyError when it is not there."""

LINES = 80
BYTES = 2048


def of(container: JSON, seen: ContainerStatus | None, before: JSON | None, log: Log) -> dict[str, str]:
    """By id of the container, for the attempt that was seen and the one before it."""
    if seen is None or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
        return {}
    stored = dict(_stored(before or {}))
    attempts = [one for one in (seen, seen.last) if one is not None and _asks(one)]
    return {one.id: _words(one, stored, log) for one in attempts}


def _asks(ended: ContainerStatus) -> bool:
    return ended.state == "exited" and bool(ended.exit_code) and not ended.message and not ended.error


def _words(ended: ContainerStatus, stored: dict[str, str], log: Log) -> str:
    id = f"docker://{ended.id}"
    if id in stored:
        return stored[id]
    try:
        with closing(log(ended.attempt)) as stream:
            return b"".join(stream)[-BYTES:].decode(errors="replace")
    except KeyError:
        return ""


def _stored(entry: JSON) -> Iterator[tuple[str, str]]:
    for part in ("state", "lastState"):
        ended = (entry.get(part) or {}).get("terminated")
        if ended:
            yield ended.get("containerID", ""), ended.get("message", "")
