"""Is there room on this host, and whose is it? CPU may be promised several times over (`CCI_OVERCOMMIT`), memory once,
and a part of the memory stays the host's own (`CCI_RESERVED_MEMORY`).

What counts is the billed size of every pod that has a place and has not finished. A pod keeps its size for life, so it
is read once a process and remembered by uid: what is counted under the lock is exact, and cheap at thousands of pods.

Who waits longest goes first. Smaller pods may pass one that does not fit, but not for ever: those that the empty host
could hold and that have waited for PATIENCE take turns at having the room that frees kept for them, for the second half
of every TURN; then only pods that take nothing they lack go by. Half of the time, because room may never be enough
(what runs may run for ever), and nobody can keep the host empty for himself.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from operator import add, le, sub
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from workloads.controllers.pods import cards
from workloads.meta import conditions, quantity, times
from workloads.meta.keys import Key, Uid
from workloads.runtimes.base import Capacity
from workloads.runtimes.translate import SIZE_ANNOTATION
from workloads.store import objects
from workloads.store.objects import Brief

JSON = Mapping[str, Any]
UNFINISHED = ("Pending", "Running")
PATIENCE = timedelta(minutes=5)
TURN = timedelta(minutes=10)
MOST_FAVOURED = 50
UNSCHEDULABLE = "Unschedulable"
_TOLD = f'"{UNSCHEDULABLE}"'.encode()
KEPT_FOR_ANOTHER = "0/1 nodes are available: the room that is free is kept for a pod that has waited longer"
_MOST_KNOWN = 50_000


class Size(NamedTuple):
    """Of a pod, of what pods have taken, of what is free: one amount a resource."""

    cpu_millis: int
    memory_bytes: int

    def plus(self, other: Size) -> Size:
        return Size(*map(add, self, other))

    def minus(self, other: Size) -> Size:
        return Size(*map(sub, self, other))

    def fits(self, free: Size) -> bool:
        return all(map(le, self, free))

    def spares(self, other: Size, free: Size) -> bool:
        """Whether placing this takes nothing away that `other` needs."""
        every = zip(self, other, free, strict=True)
        return all(not mine or there - mine >= theirs for mine, theirs, there in every)


NOTHING = Size(0, 0)


def total(sizes: Iterable[Size]) -> Size:
    return Size(*map(sum, zip(NOTHING, *sizes, strict=True)))


@dataclass(frozen=True)
class Waiter:
    """A pod without a place because there is no room: it was told so first at `since`."""

    key: Key
    size: Size
    created: datetime
    since: datetime


def size_of(pod: JSON) -> Size:
    """The billed size: admission writes it on every pod."""
    text = (pod["metadata"].get("annotations") or {}).get(SIZE_ANNOTATION)
    if text:
        cores, _, gib = text.partition("_")
        return Size(int(Decimal(cores) * 1000), int(Decimal(gib) * quantity.GIB))
    return total(_limits(container) for container in pod["spec"]["containers"])


def room(capacity: Capacity, *, overcommit: int, reserved_bytes: int = 0) -> Size:
    """What pods get of the host."""
    return Size(capacity.cpu_millis * overcommit, max(0, capacity.memory_bytes - reserved_bytes))


def shortage(need: Size, *, taken: Size, room: Size) -> str:
    """What is missing, as a sentence the event can carry; "" when the pod fits."""
    if not need.fits(room):
        return _never(need, room)
    cpu, memory = room.cpu_millis - taken.cpu_millis, room.memory_bytes - taken.memory_bytes
    missing = []
    if need.cpu_millis > cpu:
        missing.append(f"needs {_cores(need.cpu_millis)}, {_number(max(cpu, 0), 1000)} free")
    if need.memory_bytes > memory:
        missing.append(f"needs {_gib(need.memory_bytes)} of memory, {_gib(max(memory, 0))} free")
    return f"0/1 nodes are available: {'; '.join(missing)}" if missing else ""


def first_of(older: Sequence[Waiter], need: Size, *, free: Size, room: Size, now: datetime) -> Waiter | None:
    """Who must be placed before a pod of size `need` that would fit: the first of the older ones that fits as well and
    would not fit any more, or the one whose turn it is to have room kept. None: the pod may have its place."""
    favoured = _favoured(older, free=free, room=room, now=now)
    for waiter in older:
        fits = waiter.size.fits(free)
        if waiter is not favoured and not fits:
            continue
        if not need.spares(waiter.size, free):
            return waiter
        if fits:
            free = free.minus(waiter.size)
    return None


def turn_ends_in(now: datetime) -> float:
    """Seconds until room is kept for nobody, or for another."""
    return TURN.total_seconds() - now.timestamp() % TURN.total_seconds()


def _favoured(older: Sequence[Waiter], *, free: Size, room: Size, now: datetime) -> Waiter | None:
    """One of those who have waited too long, each in turn, in the second half of every turn."""
    turn, into = divmod(now.timestamp(), TURN.total_seconds())
    if into < TURN.total_seconds() / 2:
        return None
    old = (one for one in older if now - one.since >= PATIENCE and one.size.fits(room) and not one.size.fits(free))
    late = list(islice(old, MOST_FAVOURED))
    return late[int(turn) % len(late)] if late else None


def fitting(waiters: Iterable[Waiter], free: Size) -> Iterator[Waiter]:
    """Those that would find room now, one after the other."""
    for waiter in waiters:
        if waiter.size.fits(free):
            free = free.minus(waiter.size)
            yield waiter


def taken(*, but: str = "") -> Size:
    """The sum over all accounts' pods that have a place, the pod with uid `but` left out. There is one host, whatever
    it was called when they were placed."""
    placed = objects.uids("Pod", phases=UNFINISHED, placed=True)
    return total(_sizes(uid for uid in placed if uid != but).values())


def waiting(*, before: str | None = None) -> list[Waiter]:
    """All accounts' pods that wait for room, the oldest first; those that were made before the pod with uid `before`.
    Who waits for something else (a gate, a claim, cards, a first look) is not among them."""
    every = objects.briefs("Pod", phases=("Pending",), placed=False)
    older = {one.uid for one in takewhile(lambda one: one.uid != before, every)}
    told = objects.briefs("Pod", phases=("Pending",), placed=False, containing=[_TOLD])
    found = [one for one in told if one.uid in older and not one.deleting]
    sizes, since = _sizes(one.uid for one in found), _since(found)
    return [
        Waiter(one.key, sizes[one.uid], one.created, at)
        for one in found
        if one.uid in sizes and (at := since.get(one.uid)) is not None
    ]


@contextmanager
def one_hand(lock: Path) -> Iterator[None]:
    """Room on this host is counted and given away by one hand at a time, over all threads and processes."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_known: dict[Uid, Size] = {}
"""What this process has read already."""


def _sizes(uids: Iterable[Uid]) -> dict[Uid, Size]:
    """Pods that went meanwhile are left out."""
    asked = list(uids)
    found = {uid: _known[uid] for uid in asked if uid in _known}
    for row in objects.read_uids([uid for uid in asked if uid not in found]):
        found[row.uid] = size_of(orjson.loads(row.data))
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known.update(found)
    return found


_known_since: dict[Uid, tuple[int, datetime | None]] = {}
"""By pod, at which revision it was read and what it said."""


def _since(briefs: Sequence[Brief]) -> dict[Uid, datetime | None]:
    """Since when each waits for room; None: for something else. Read once a change, all at once."""
    fresh = [one.uid for one in briefs if _known_since.get(one.uid, (0, None))[0] != one.revision]
    if len(_known_since) > _MOST_KNOWN:
        _known_since.clear()
    for row in objects.read_uids(fresh):
        _known_since[row.uid] = row.revision, _told_since(orjson.loads(row.data))
    return {one.uid: _known_since[one.uid][1] for one in briefs if one.uid in _known_since}


def _told_since(pod: JSON) -> datetime | None:
    scheduled = conditions.find(pod.get("status") or {}, "PodScheduled") or {}
    if cards.waits(scheduled.get("message", "")):
        return None
    if scheduled.get("status") != "False" or scheduled.get("reason") != UNSCHEDULABLE:
        return None
    return times.parse(scheduled["lastTransitionTime"])


def _never(need: Size, room: Size) -> str:
    """It does not even fit into the empty host."""
    missing = []
    if need.cpu_millis > room.cpu_millis:
        missing.append(f"needs {_cores(need.cpu_millis)}, this host has {_number(room.cpu_millis, 1000)} for pods")
    if need.memory_bytes > room.memory_bytes:
        missing.append(f"needs {_gib(need.memory_bytes)} of memory, this host has {_gib(room.memory_bytes)} for pods")
    return f"0/1 nodes are available: {'; '.join(missing)}: it can never fit here, choose a smaller specification"


def _limits(container: JSON) -> Size:
    limits = (container.get("resources") or {}).get("limits") or {}
    return Size(quantity.millicores(limits.get("cpu", 0)), quantity.whole(limits.get("memory", 0)))


def _cores(millis: int) -> str:
    return f"{_number(millis, 1000)} core{'' if millis == 1000 else 's'}"


def _gib(count: int) -> str:
    return f"{_number(count, quantity.GIB)} GiB"


def _number(count: int, unit: int) -> str:
    return f"{Decimal(count) / unit:.2f}".rstrip("0").rstrip(".")
