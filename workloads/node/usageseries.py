"""What pods used, remembered in two grains: an hour by half minutes, a day by five minutes. Pure, in memory.

A pod is the sum of its containers. A step holds how often it was looked at, the sum, the least and the most of what was
seen: 16 bytes, so a pod's four gauges take 26 KB in both grains. Pods that are gone are remembered for as long as a day
of theirs is left, `MOST_GONE` of them at most (13 MB).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workloads.meta.keys import Uid


@dataclass(frozen=True)
class Grain:
    step: timedelta
    length: int

    @property
    def span(self) -> timedelta:
        return self.step * self.length


GRAINS: Mapping[str, Grain] = {
    "hour": Grain(timedelta(seconds=30), 120),
    "day": Grain(timedelta(minutes=5), 288),
}
GAUGES = ("cpu", "memory", "received", "sent")
"""Nanocores, bytes, and bytes a second."""
MOST_GONE = 500
_WIDE = 4


@dataclass(frozen=True)
class Step:
    """What was seen from `at` on, for one step."""

    at: datetime
    average: float
    least: float
    most: float

    def __add__(self, other: Step) -> Step:
        """Of two pods together: at most what both used at most, at whatever moment of the step."""
        return Step(self.at, self.average + other.average, self.least + other.least, self.most + other.most)


class Series:
    """One gauge in one grain: its newest steps without a hole, those that nobody saw with a count of 0."""

    def __init__(self, grain: Grain) -> None:
        self._seconds, self._length = int(grain.step.total_seconds()), grain.length
        self._rows = array("f")
        self._newest = 0
        """The step of the last row, counted from 1970."""

    def add(self, at: datetime, value: float) -> None:
        """What is older than all that is kept (the clock went back) is not taken."""
        step = int(at.timestamp()) // self._seconds
        if not self._rows or step - self._newest >= self._length:
            self._rows, self._newest = array("f", (0.0, 0.0, 0.0, 0.0)), step
        while self._newest < step:
            self._rows.extend((0.0, 0.0, 0.0, 0.0))
            self._newest += 1
        if (excess := len(self._rows) // _WIDE - self._length) > 0:
            del self._rows[: excess * _WIDE]
        place = len(self._rows) - _WIDE * (self._newest - step + 1)
        if place >= 0:
            self._put(place, value)

    def since(self, moment: datetime) -> Iterator[Step]:
        """The oldest first, without those that nobody saw."""
        first = self._newest - len(self._rows) // _WIDE + 1
        for number in range(len(self._rows) // _WIDE):
            count, total, least, most = self._rows[number * _WIDE : (number + 1) * _WIDE]
            at = datetime.fromtimestamp((first + number) * self._seconds, UTC)
            if count and at >= moment:
                yield Step(at, total / count, least, most)

    def newest(self) -> datetime:
        return datetime.fromtimestamp(self._newest * self._seconds, UTC)

    def _put(self, place: int, value: float) -> None:
        count, total, least, most = self._rows[place : place + _WIDE]
        fresh = (count + 1, total + value, min(least, value) if count else value, max(most, value))
        self._rows[place : place + _WIDE] = array("f", fresh)


class Memory:
    """Of all pods of this host."""

    def __init__(self) -> None:
        self._pods: dict[Uid, dict[tuple[str, str], Series]] = {}

    def add(self, uid: Uid, at: datetime, **values: float) -> None:
        """`values` by gauge."""
        series = self._pods.setdefault(uid, {})
        for gauge, value in values.items():
            for name, grain in GRAINS.items():
                series.setdefault((gauge, name), Series(grain)).add(at, value)

    def known(self, uids: Collection[str]) -> list[Uid]:
        return [uid for uid in map(Uid, uids) if uid in self._pods]

    def summed(self, uids: Collection[str], grain: str, now: datetime) -> dict[str, list[Step]]:
        """By gauge, the pods together, the oldest step first; the last one may be under way."""
        known, since = self.known(uids), now - GRAINS[grain].span
        return {gauge: _sum([self._pods[uid].get((gauge, grain)) for uid in known], since) for gauge in GAUGES}

    def forget(self, alive: Collection[Uid], now: datetime) -> None:
        """Pods that are gone, when their day is over, or there are too many: those first that went first."""
        gone = sorted((self._last_seen(uid), uid) for uid in self._pods.keys() - set(alive))
        excess = len(gone) - MOST_GONE
        for number, (seen, uid) in enumerate(gone):
            if number < excess or now - seen > GRAINS["day"].span:
                del self._pods[uid]

    def _last_seen(self, uid: Uid) -> datetime:
        return max((series.newest() for series in self._pods[uid].values()), default=datetime.fromtimestamp(0, UTC))


def _sum(several: list[Series | None], since: datetime) -> list[Step]:
    total: dict[datetime, Step] = {}
    for series in several:
        for step in series.since(since) if series else ():
            total[step.at] = total[step.at] + step if step.at in total else step
    return [total[at] for at in sorted(total)]
