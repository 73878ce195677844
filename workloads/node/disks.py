"""The host's disk is watched, so that it is noticed before it hurts: images that nothing uses go, and no pod gets a
place while the disk is short. As the kubelet's image garbage collection and its `nodefs.available`.

What was done is told where its owners look: an Event in each namespace whose pods used an image that went, the reason
on each pod that waits, a sentence for the console (`store.hosts`), and the log.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from workloads.controllers import hands, queue
from workloads.controllers.pods import placement, waking
from workloads.meta.keys import Key
from workloads.meta.quantity import GIB, MIB
from workloads.node import collecting
from workloads.node.collecting import Candidate
from workloads.runtimes.base import FileSystem, Runtime, RuntimeFault
from workloads.store import hosts, imageuses, objects

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
RELIEF = timedelta(minutes=1)
"""How long the disk must have been roomy again before pods are started: what was freed may fill at once."""
USES_SECONDS = 60.0
MOST_TOLD = 50


@dataclass(frozen=True)
class Rules:
    """Per cent of a file system. `high` 100: nothing is removed; `free` 0: pods are never held back."""

    host: str
    high: int = 85
    low: int = 80
    free: int = 10
    min_age: timedelta = timedelta(minutes=2)


def keep(runtime: Runtime, stop: threading.Event, rules: Rules) -> None:
    """Until `stop`; a runtime that is away is waited for."""
    watcher = Watcher(runtime, rules)
    while True:
        try:
            watcher.look()
        except RuntimeFault as error:
            logger.info("the disk was not looked at: %s", error)
        if stop.wait(LOOK_SECONDS):
            return


@dataclass
class Watcher:
    runtime: Runtime
    rules: Rules
    _short_at: datetime | None = None
    _uses_noted: datetime | None = None
    _told: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Once around: measure, remove, say."""
        now = self.runtime.now()
        self._note_uses(now)
        helpless = False
        if over := [one for one in self.runtime.file_systems() if one.holds_images and self._is_over(one)]:
            helpless = not self._collect(over, now)
        self._say(now, helpless=helpless)

    # Images

    def _note_uses(self, now: datetime) -> None:
        if self._uses_noted is not None and (now - self._uses_noted).total_seconds() < USES_SECONDS:
            return
        images = self.runtime.stored_images()
        imageuses.touch([image.id for image in images if image.in_use], now)
        uses = imageuses.every()
        imageuses.forget({use.image for use in uses if now - use.at > RELIEF} - {image.id for image in images})
        places = {(row.key.account, row.key.name) for row in objects.scan("Namespace").rows}
        imageuses.drop(collecting.superfluous(uses, places))
        self._uses_noted = now

    def _is_over(self, one: FileSystem) -> bool:
        return self.rules.high < 100 and one.used_percent >= self.rules.high

    def _collect(self, over: Iterable[FileSystem], now: datetime) -> bool:
        """Removes images until all is below the low mark. Whether it got there."""
        for candidate in self._candidates(now):
            if self.runtime.remove_image(candidate.image):
                imageuses.forget([candidate.image.id])
                _tell_owners(candidate, now)
            if not any(one.used_percent >= self.rules.low for one in self._again(over)):
                self._told.clear()
                return True
        words = " and ".join(f"{one.path} is {one.used_percent} % full" for one in self._again(over))
        if words not in self._told:
            self._told = {words}
            logger.warning("FreeDiskSpaceFailed: %s, and no image is left that may be removed", words)
        return False

    def _again(self, before: Iterable[FileSystem]) -> list[FileSystem]:
        paths = {one.path for one in before}
        return [one for one in self.runtime.file_systems() if one.path in paths]

    def _candidates(self, now: datetime) -> list[Candidate]:
        found = collecting.candidates(
            self.runtime.stored_images(), imageuses.every(), now=now, min_age=self.rules.min_age
        )
        return collecting.unwanted(found, set(_wanted())) if found else []

    # Pods

    def _say(self, now: datetime, *, helpless: bool) -> None:
        """The word first, then the bells."""
        low = [one for one in self.runtime.file_systems() if one.free_bytes * 100 < one.total_bytes * self.rules.free]
        if low:
            self._short_at = now
        elif self._short_at is not None and now - self._short_at < RELIEF:
            return
        said = self._sentence(low[0], helpless=helpless) if low else ""
        before = (hosts.get(hosts.DISK) or {}).get("short", "")
        if not hosts.put(self.rules.host, hosts.DISK, {"short": said}):
            return
        if said and not before:
            logger.warning("no pod gets a place: %s", said)
        if before and not said:
            logger.warning("the disk has room again: pods are started")
            queue.add("pods", waking.waiting_for_room())

    def _sentence(self, one: FileSystem, *, helpless: bool) -> str:
        least = one.total_bytes * self.rules.free // 100
        sizes = f"{_gib(one.free_bytes)} of {_gib(one.total_bytes)} free, at least {_gib(least)} must be"
        if not one.holds_images or not self._is_over(one):
            follows = f"make room on {one.path}"
        elif helpless:
            follows = f"no image is left that may be removed, make room on {one.path}"
        else:
            follows = "images that nothing uses are being removed"
        return f"the host is short of disk: {sizes}; {follows}"


def _wanted() -> Iterator[str]:
    """The images of pods that have a place and are not over: they may start again at any moment."""
    for phase in placement.UNFINISHED:
        for row in objects.scan("Pod", phase=phase).rows:
            spec = orjson.loads(row.data)["spec"] if row.node else {}
            yield from (one["image"] for part in ("initContainers", "containers") for one in spec.get(part) or ())


def _tell_owners(candidate: Candidate, now: datetime) -> None:
    size = f"{candidate.image.size_bytes / MIB:.0f} MiB"
    logger.warning("ImageGCRemoved: %s (%s), unused since %s", _names(candidate), size, candidate.last_used)
    for use in candidate.uses[:MOST_TOLD]:
        door = hands.client("pods", use.account)
        namespace = hands.read(door, Key(use.account, "Namespace", "", use.namespace))
        if namespace is not None:
            idle = _span(now - candidate.last_used)
            message = (
                f'Removed image "{use.name}" ({size}), which nothing used for {idle}, because the host is short of '
                "disk: the next pod that needs it pulls it again"
            )
            hands.tell(door, namespace, component="kubelet", reason="ImageGCRemoved", message=message)


def _names(candidate: Candidate) -> str:
    return ", ".join(sorted({use.name for use in candidate.uses}))


def _span(idle: timedelta) -> str:
    minutes = int(idle.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _gib(count: int) -> str:
    return f"{count / GIB:.1f}".removesuffix(".0") + " GiB"
