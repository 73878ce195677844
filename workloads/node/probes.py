"""The probes of every pod on this host: which are due, what they say, and who must know.

The agent asks; what it learned is kept in the store (`store.probes`) where it differs from what is assumed without a
word (alive, not ready, not started), and the pod's key is made dirty. It never writes a pod's status, and never writes
for each probe: a word is written when it changes, so that an agent that dies forgets nothing but its counting.

What to ask follows from the pods' stored status alone: a container that runs is asked, one whose startup probe has not
passed is asked nothing else, one whose liveness or startup probe has failed is left alone until its next attempt.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import orjson
from django.db import connection

from workloads.controllers import hands, queue
from workloads.kinds import handlers
from workloads.meta import times
from workloads.meta.keys import Key, Uid
from workloads.node.asking import Asker, Outcome, Question
from workloads.runtimes.base import Runtime
from workloads.store import changes, doorbell, objects, probes
from workloads.store.probes import Word

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

TICK_SECONDS = 1.0
SHORTEST_PAUSE = 0.02
TELL_AGAIN = timedelta(minutes=1)
"""How often a probe that keeps failing with the same words is told again."""


class Name(NamedTuple):
    """One probe of one container, whatever its attempt."""

    uid: Uid
    container: str
    which: str


@dataclass(frozen=True)
class Probe:
    """A probe that should be asked while the container's attempt lasts."""

    name: Name
    key: Key
    attempt: int
    first: datetime
    """Not before: the container's start and the initial delay."""
    question: Question

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.question.probe.get("periodSeconds") or 10)

    def threshold(self, *, passes: bool) -> int:
        name, default = ("successThreshold", 1) if passes else ("failureThreshold", 3)
        return int(self.question.probe.get(name) or default)


@dataclass
class _Tally:
    """What is known of a probe while it is asked."""

    probe: Probe
    due: datetime
    word: bool | None
    """What the store says; None: nothing yet."""
    run: int = 0
    last: bool | None = None
    asked: bool = False
    told: str = ""
    told_at: datetime | None = None


@dataclass
class Prober:
    """Everything but the asking. Not for several threads at once."""

    now: Callable[[], datetime]
    delay: Callable[[timedelta], timedelta] = lambda period: period * random.random()  # noqa: S311
    """How long a probe that was under way when this agent started is put off, so that not all are asked at once."""
    _place: int | None = None
    _tallies: dict[Name, _Tally] = field(default_factory=dict)

    def learn(self) -> None:
        """Reads what happened to the pods since the last time; everything, when that is no longer known."""
        if self._place is None or self._place < changes.floor():
            self._learn_everything()
            return
        while entries := changes.after(self._place, kinds=["Pod"]):
            for entry in entries:
                if entry.type == "DELETED":
                    self._forget(entry.uid)
                else:
                    self._follow(entry.key, orjson.loads(entry.data))
            self._place = entries[-1].revision

    def due(self) -> list[Probe]:
        """What should be asked now; each is given out once, until `note` is told what came of it."""
        now = self.now()
        ready = [tally for tally in self._tallies.values() if not tally.asked and tally.due <= now]
        for tally in ready:
            tally.asked = True
        return [tally.probe for tally in ready]

    def next_due(self) -> datetime | None:
        return min((tally.due for tally in self._tallies.values() if not tally.asked), default=None)

    def note(self, probe: Probe, outcome: Outcome) -> None:
        """What came of it. Of an attempt that is over it is not of interest any more."""
        tally = self._tallies.get(probe.name)
        if tally is None or tally.probe.attempt != probe.attempt:
            return
        tally.asked, tally.due = False, max(self.now(), tally.due + probe.every)
        if outcome.passes is None:
            self._tell(tally, f"{probe.name.which.capitalize()} probe errored: {outcome.words}")
            return
        if not outcome.passes:
            self._tell(tally, f"{probe.name.which.capitalize()} probe failed: {outcome.words}")
        tally.run = tally.run + 1 if tally.last == outcome.passes else 1
        tally.last = outcome.passes
        if tally.run >= probe.threshold(passes=outcome.passes):
            self._say(tally, passes=outcome.passes)

    # What happened

    def _learn_everything(self) -> None:
        page = objects.scan("Pod")
        known = {row.uid for row in page.rows}
        for uid in {name.uid for name in self._tallies} - known:
            self._forget(uid)
        probes.forget({word.uid for word in probes.every()} - known)
        for row in page.rows:
            self._follow(row.key, orjson.loads(row.data), late=True)
        self._place = page.revision

    def _follow(self, key: Key, pod: JSON, *, late: bool = False) -> None:
        """Asks what the pod now wants to be asked, and nothing else."""
        wanted = {probe.name: probe for probe in of_pod(key, pod)}
        uid = Uid(pod["metadata"]["uid"])
        for name in [name for name in self._tallies if name.uid == uid and name not in wanted]:
            del self._tallies[name]
        fresh = [probe for probe in wanted.values() if self._is_fresh(probe)]
        if not fresh:
            return
        words = {word.probe + "/" + word.container: word for word in probes.of(uid)}
        for probe in fresh:
            self._begin(probe, words.get(f"{probe.name.which}/{probe.name.container}"), late=late)

    def _is_fresh(self, probe: Probe) -> bool:
        known = self._tallies.get(probe.name)
        if known is not None and known.probe.attempt == probe.attempt:
            known.probe = probe
            return False
        return True

    def _begin(self, probe: Probe, word: Word | None, *, late: bool) -> None:
        said = word.passes if word is not None and word.attempt == probe.attempt else None
        if said is False and probe.name.which != handlers.READINESS:
            return  # it is being killed for that
        due = max(probe.first, self.now() + self.delay(probe.every)) if late else probe.first
        self._tallies[probe.name] = _Tally(probe=probe, due=due, word=said)

    def _forget(self, uid: Uid) -> None:
        for name in [name for name in self._tallies if name.uid == uid]:
            del self._tallies[name]
        probes.forget([uid])

    # What follows

    def _say(self, tally: _Tally, *, passes: bool) -> None:
        """The word first, then the bell: whoever looks sees it."""
        probe = tally.probe
        if tally.word == passes or (passes and tally.word is None and probe.name.which == handlers.LIVENESS):
            return
        word = Word(
            uid=probe.name.uid,
            container=probe.name.container,
            probe=probe.name.which,
            attempt=probe.attempt,
            passes=passes,
            at=self.now(),
        )
        probes.put(word)
        tally.word = passes
        if not passes and probe.name.which != handlers.READINESS:
            del self._tallies[probe.name]
        queue.add("pods", [probe.key])

    def _tell(self, tally: _Tally, message: str) -> None:
        """At once when it is news; a failure that stays the same, once in a while."""
        now = self.now()
        if tally.told == message and tally.told_at is not None and now - tally.told_at < TELL_AGAIN:
            return
        tally.told, tally.told_at = message, now
        key = tally.probe.key
        door = hands.client("pods", key.account)
        pod = hands.read(door, key)
        if pod is not None and pod["metadata"]["uid"] == tally.probe.name.uid:
            hands.tell(door, pod, component="kubelet", reason="Unhealthy", message=message, type="Warning")


def of_pod(key: Key, pod: JSON) -> Iterator[Probe]:
    """The probes that a pod wants to be asked now, by its status. Pure."""
    status = pod.get("status") or {}
    going = bool(pod["metadata"].get("deletionTimestamp"))
    for container, entry in _running(pod["spec"], status):
        for which in _wanted(container, started=bool(entry.get("started")), going=going):
            yield _probe(key, pod, container, entry, which)


def _running(spec: JSON, status: JSON) -> Iterator[tuple[JSON, JSON]]:
    """The containers that run and can be asked something, with their entries in the status."""
    listed = [*(spec.get("initContainers") or ()), *spec["containers"]]
    asked = {one["name"]: one for one in listed if any(one.get(field) for field in handlers.PROBES.values())}
    if not asked or not status.get("podIP"):
        return
    for entry in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if entry["name"] in asked and "running" in entry["state"]:
            yield asked[entry["name"]], entry


def _wanted(container: JSON, *, started: bool, going: bool) -> Iterable[str]:
    """A pod that is going is asked only whether it can still serve."""
    has = [which for which, name in handlers.PROBES.items() if container.get(name)]
    if going:
        return [which for which in has if which == handlers.READINESS]
    if handlers.STARTUP in has and not started:
        return [handlers.STARTUP]
    return [which for which in has if which != handlers.STARTUP]


def _probe(key: Key, pod: JSON, container: JSON, entry: JSON, which: str) -> Probe:
    probe, uid = container[handlers.PROBES[which]], Uid(pod["metadata"]["uid"])
    started = times.parse(entry["state"]["running"]["startedAt"])
    return Probe(
        name=Name(uid, container["name"], which),
        key=key,
        attempt=int(entry["restartCount"]),
        first=started + timedelta(seconds=probe.get("initialDelaySeconds") or 0),
        question=Question(uid=uid, ip=pod["status"]["podIP"], container=container, probe=probe),
    )


# The agent's duty


def keep(runtime: Runtime, stop: threading.Event) -> None:
    """Until `stop`. The store is read and written on one thread, everything else waits in the event loop."""
    asyncio.run(_keep(runtime, stop))


async def _keep(runtime: Runtime, stop: threading.Event) -> None:
    loop, bell = asyncio.get_running_loop(), asyncio.Event()
    asker, prober = Asker(runtime), Prober(now=runtime.now)
    under_way: set[asyncio.Task[None]] = set()
    broken: list[BaseException] = []
    with ThreadPoolExecutor(1, thread_name_prefix="probes") as store:
        in_store = partial(loop.run_in_executor, store)

        def ring() -> None:
            loop.call_soon_threadsafe(bell.set)

        async def one(probe: Probe) -> None:
            outcome = await asker.ask(probe.question)
            await in_store(prober.note, probe, outcome)
            bell.set()

        try:
            with doorbell.listen(ring):
                while not stop.is_set():
                    if broken:
                        raise broken[0]
                    bell.clear()
                    await in_store(prober.learn)
                    for probe in await in_store(prober.due):
                        task = asyncio.create_task(one(probe))
                        under_way.add(task)
                        task.add_done_callback(partial(_ended, under_way, broken))
                    await _rest(bell, await in_store(_pause, prober))
        finally:
            for task in under_way:
                task.cancel()
            await asker.close()
            await in_store(lambda: connection.close())  # the one of that thread


def _ended(under_way: set[asyncio.Task[None]], broken: list[BaseException], task: asyncio.Task[None]) -> None:
    """A probe whose outcome could not be kept would never be asked again: then everything begins anew."""
    under_way.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        broken.append(error)


def _pause(prober: Prober) -> float:
    due = prober.next_due()
    if due is None:
        return TICK_SECONDS
    return min(TICK_SECONDS, max(SHORTEST_PAUSE, (due - prober.now()).total_seconds()))


async def _rest(bell: asyncio.Event, seconds: float) -> None:
    await asyncio.sleep(SHORTEST_PAUSE)
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return
