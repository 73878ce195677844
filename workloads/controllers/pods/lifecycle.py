"""The pod's own times (`status.lifecycle`), from the runtime's clock: set once, kept for ever, billed from. Pure.

    pullStartedAt   the image step begins; billing starts
    pulledAt        every image is here
    createdAt       the sandbox was given to the pod
    startedAt       the last of its containers started for the first time
    readyAt         all were ready for the first time
    finishedAt      everything ended for good; billing ends

Beside the marks: `pull` (what is being pulled, for people), `images` and `calm` (memory of retries), `terminatingAt`.
"""

from __future__ import annotations

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
