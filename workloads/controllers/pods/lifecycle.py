"""The pod's own times (`status.lifecycle`), from the runtime's clock: set once, kept for ever, billed from. Pure.

    pullStartedAt   the image step begins; billing starts
    pulledAt        every image is here
    createdAt       the sandbox was given to the pod
    startedAt       the last of its containers started for the first time
    readyAt         all were ready for the first time
    finishedAt      everything ended for good; billing ends

Beside the marks: `pull` (what is being pulled, for people), `images` and `calm` (memory of retries), `leavingAt` and
`outAt` (since when the proxy is asked to send nobody any more, and when it does not), `terminatingAt`, `hooks` (whose
postStart has been done), `stops` (which containers are being stopped, and how far that is), `again` (init containers
that must run once more, because the sandbox they prepared is gone).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from workloads.meta import times

JSON = dict[str, Any]


class Lifecycle:
    """The `status.lifecycle` of one pod while it is looked at."""

    def __init__(self, status: JSON) -> None:
        self.data: JSON = deepcopy(status.get("lifecycle") or {})

    def mark(self, name: str, moment: datetime | None) -> None:
        """The first mark stands."""
        if moment is not None:
            self.data.setdefault(name, times.format_micro(moment))

    def at(self, name: str) -> datetime | None:
        text = self.data.get(name)
        return times.parse(text) if text else None

    def image(self, image: str) -> JSON:
        """What is remembered about pulling `image`; change it in place."""
        record: JSON = self.data.setdefault("images", {}).setdefault(image, {})
        return record

    def forget_empty(self) -> None:
        """Images nothing is known about leave no trace."""
        known = {image: record for image, record in self.data.get("images", {}).items() if record}
        self.data.pop("images", None)
        if known:
            self.data["images"] = known

    def calm(self, container: str) -> int:
        return int(self.data.get("calm", {}).get(container, 0))

    def set_calm(self, container: str, attempt: int) -> None:
        if attempt > self.calm(container):
            self.data.setdefault("calm", {})[container] = attempt

    # Of one attempt of a container; what is noted of another attempt means nothing.

    def hook(self, container: str, *, attempt: int) -> str:
        """What came of its postStart: done, failed, or "" while that is not known."""
        note = self.data.get("hooks", {}).get(container) or {}
        return str(note.get("postStart", "")) if note.get("attempt") == attempt else ""

    def set_hook(self, container: str, *, attempt: int, outcome: str) -> None:
        self.data.setdefault("hooks", {})[container] = {"attempt": attempt, "postStart": outcome}

    def stop(self, container: str, *, attempt: int) -> JSON:
        """What is noted of its stopping; change it in place. Empty when that has not begun."""
        note: JSON = self.data.get("stops", {}).get(container) or {}
        return note if note.get("attempt") == attempt else {}

    def begin_stop(self, container: str, *, attempt: int, since: datetime) -> None:
        note = {"attempt": attempt, "since": times.format_micro(since)}
        self.data.setdefault("stops", {})[container] = note

    def again(self) -> dict[str, int]:
        return dict(self.data.get("again") or {})

    def set_again(self, attempts: Mapping[str, int]) -> None:
        self.data.pop("again", None)
        if attempts:
            self.data["again"] = dict(attempts)
