"""What pods use: sampled in the background, told as a rate over a window. Lives in the agent's memory and dies with it.

CPU is the difference of two samples, so a container is told of from its second sample on. Beside the few samples that
the rate needs, a figure every half minute is kept for an hour. Peaks and counts are gathered for `node.usagehours`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workloads.meta import buckets
from workloads.meta.keys import Uid
from workloads.runtimes.base import ContainerUsage, Runtime, RuntimeFault
from workloads.store.usagehours import Used

logger = logging.getLogger(__name__)

SAMPLE_SECONDS = 5.0
SAMPLES_IN_WINDOW = 4
"""Three steps: a rate over 15 seconds, or less for a young container."""
OLDEST = timedelta(seconds=2 * SAMPLE_SECONDS)
"""A newest sample older than this is not told: another one is taken first."""
HISTORY_STEP = timedelta(seconds=30)
HISTORY_LENGTH = 120


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
    history: deque[Figure] = field(default_factory=lambda: deque(maxlen=HISTORY_LENGTH))

    def add(self, sample: ContainerUsage) -> None:
        if self.samples and sample.at <= self.samples[-1].at:
            self.samples.clear()  # the clock went back
        self.samples.append(sample)
        figure = self.figure()
        if figure and (not self.history or abs(figure.at - self.history[-1].at) >= HISTORY_STEP):
            self.history.append(figure)

    def figure(self) -> Figure | None:
        first, last = self.samples[0], self.samples[-1]
        window = last.at - first.at
        if not window:
            return None
        rate = (last.cpu_nanoseconds - first.cpu_nanoseconds) / window.total_seconds()
        return Figure(last.uid, last.container, max(0, round(rate)), last.memory_bytes, last.at, window)


class Sampler:
    """May be asked from any thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tracks: dict[str, _Track] = {}
        self._sampling = threading.Lock()
        self._sampled: datetime | None = None
        self._gathered: dict[tuple[Uid, str], Used] = {}

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

    def history(self, uids: Collection[str]) -> list[Figure]:
        """Of these pods' containers as they run now, the oldest first. Raises RuntimeFault."""
        found = [figure for track in self._fresh() for figure in track.history if figure.uid in uids]
        return sorted(found, key=lambda figure: figure.at)

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
        for sample in samples:
            self._tracks[sample.id].add(sample)
            figure = self._tracks[sample.id].figure()
            if figure is not None:
                self._gather(figure)
        self._sampled = self._runtime.now()
