"""What pods use: sampled in the background, told as a rate over a window. Lives in the agent's memory and dies with it.

CPU is the difference of two samples, so a container is told of from its second sample on; what goes through a pod's
network likewise, every third sample. All of it is remembered for a day (`node.usageseries`). Peaks and counts are
gathered for `node.usagehours`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workloads.meta import buckets
from workloads.meta.keys import Uid
from workloads.node.usageseries import Memory, Step
from workloads.runtimes.base import ContainerUsage, PodTraffic, Runtime, RuntimeFault
from workloads.store.usagehours import Used

logger = logging.getLogger(__name__)

SAMPLE_SECONDS = 5.0
SAMPLES_IN_WINDOW = 4
"""Three steps: a rate over 15 seconds, or less for a young container."""
OLDEST = timedelta(seconds=2 * SAMPLE_SECONDS)
"""A newest sample older than this is not told: another one is taken first."""
TRAFFIC_EVERY = 3
"""Samples from one look at the networks to the next."""


@dataclass(frozen=True)
class Figure:
    """One container now. `cpu_nanocores` is over the `window` that ended at `at`."""

    uid: Uid
    container: str
    cpu_nanocores: int
    memory_bytes: int
    at: datetime
    window: timedelta


@dataclass
class _Track:
    """One attempt of one container."""

    samples: deque[ContainerUsage] = field(default_factory=lambda: deque(maxlen=SAMPLES_IN_WINDOW))

    def add(self, sample: ContainerUsage) -> None:
        if self.samples and sample.at <= self.samples[-1].at:
            self.samples.clear()  # the clock went back
        self.samples.append(sample)

    def figure(self) -> Figure | None:
        first, last = self.samples[0], self.samples[-1]
        window = last.at - first.at
        if not window:
            return None
        rate = (last.cpu_nanoseconds - first.cpu_nanoseconds) / window.total_seconds()
        return Figure(last.uid, last.container, max(0, round(rate)), last.memory_bytes, last.at, window)


@dataclass(frozen=True)
class History:
    """Of several pods together, by gauge; `uids` are those of which anything is known."""

    uids: list[Uid]
    gauges: Mapping[str, list[Step]]


class Sampler:
    """May be asked from any thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tracks: dict[str, _Track] = {}
        self._sampling = threading.Lock()
        self._sampled: datetime | None = None
        self._gathered: dict[tuple[Uid, str], Used] = {}
        self._memory = Memory()
        self._traffic: dict[Uid, PodTraffic] = {}
        self._looks = 0

    def keep(self, stop: threading.Event) -> None:
        """Samples until `stop`; a runtime that is away is waited for."""
        while not stop.wait(SAMPLE_SECONDS):
            try:
                self.sample()
            except RuntimeFault as error:
                logger.warning("usage is not measured: %s", error)

    def sample(self) -> None:
        """Raises RuntimeFault."""
        with self._sampling:
            self._take()

    def figures(self, uids: Collection[str] = ()) -> list[Figure]:
        """Of these pods, or of all. Raises RuntimeFault."""
        found = (track.figure() for track in self._fresh())
        return [one for one in found if one and (not uids or one.uid in uids)]

    def history(self, uids: Collection[str], grain: str) -> History:
        """Of these pods, also of those that are gone since; `grain` is one of `usageseries.GRAINS`. What is
        remembered is told while the runtime is away, too."""
        with suppress(RuntimeFault):
            self._fresh()
        with self._sampling:
            return History(self._memory.known(uids), self._memory.summed(uids, grain, self._runtime.now()))

    def drain(self) -> dict[tuple[Uid, str], Used]:
        """What each container has used since this was asked last."""
        with self._sampling:
            gathered, self._gathered = self._gathered, {}
        return gathered

    def restore(self, gathered: Mapping[tuple[Uid, str], Used]) -> None:
        """What was drained and could not be kept."""
        with self._sampling:
            for key, used in gathered.items():
                self._gathered[key] = self._gathered.get(key, Used()) + used

    def _gather(self, figure: Figure) -> None:
        millis = -(-figure.cpu_nanocores // 1_000_000)
        used = Used(1, millis, figure.memory_bytes, {buckets.bucket(millis): 1})
        key = figure.uid, figure.container
        self._gathered[key] = self._gathered.get(key, Used()) + used

    def _fresh(self) -> list[_Track]:
        with self._sampling:
            age = None if self._sampled is None else self._runtime.now() - self._sampled
            if age is None or not timedelta() <= age <= OLDEST:
                self._take()
            return list(self._tracks.values())

    def _take(self) -> None:
        samples = self._runtime.usage()
        self._tracks = {sample.id: self._tracks.get(sample.id) or _Track() for sample in samples}
        figures: dict[Uid, list[Figure]] = {}
        for sample in samples:
            self._tracks[sample.id].add(sample)
            figure = self._tracks[sample.id].figure()
            if figure is not None:
                self._gather(figure)
                figures.setdefault(figure.uid, []).append(figure)
        for uid, several in figures.items():
            self._remember(uid, several)
        if self._looks % TRAFFIC_EVERY == 0:
            self._look_at_networks()
            self._memory.forget({sample.uid for sample in samples}, self._runtime.now())
        self._looks += 1
        self._sampled = self._runtime.now()

    def _remember(self, uid: Uid, several: list[Figure]) -> None:
        cpu, memory = sum(one.cpu_nanocores for one in several), sum(one.memory_bytes for one in several)
        self._memory.add(uid, several[0].at, cpu=cpu, memory=memory)

    def _look_at_networks(self) -> None:
        before, self._traffic = self._traffic, {one.uid: one for one in self._runtime.traffic()}
        for uid, now in self._traffic.items():
            if uid in before and (rates := now.rates_since(before[uid])):
                self._memory.add(uid, now.at, received=rates[0], sent=rates[1])
