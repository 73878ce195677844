"""A small world: the real store, the real front door, the simulated runtime and a clock that only tests move.

`settle` does what relay, queue and workers do together: log entries to keys, keys to looks, looks again when asked for,
until everything is quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from django.db import connection

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, DeleteOptions, PodFigures
from workloads.controllers import registry
from workloads.controllers.base import Controller, TerminalError
from workloads.controllers.host import Host
from workloads.controllers.pods.hooks import Hooks
from workloads.controllers.pods.pulls import Pulls
from workloads.meta.errors import Unavailable
from workloads.meta.keys import Key, Uid
from workloads.node import streams
from workloads.node.asking import Outcome
from workloads.node.probes import Probe, Prober
from workloads.node.usage import Sampler
from workloads.runtimes.archive import Archive
from workloads.runtimes.base import Capacity, RuntimeFault
from workloads.runtimes.simulated import Simulated
from workloads.store import changes
from workloads.store.models import WorkItem
from workloads.verbs import usage

JSON = dict[str, Any]
POOL = "10.248.0.0/14"
GIB = 1024**3
SOON = timedelta(seconds=0.5)
"""What is due sooner than this is not waited for: the clock is moved to it."""


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    travel: time_machine.Traveller
    folder: Path
    runtime: Simulated = field(init=False)
    archive: Archive = field(init=False)
    background: list[Callable[[], None]] | None = None
    """Pulls that wait to be run by `pull`; None: a pull is over as soon as it begins."""
    node: str = "node-1"
    reserved_bytes: int = 0
    cards: dict[str, tuple[str, ...]] = field(default_factory=dict)
    place: int = 0
    answers: dict[tuple[str, str], Outcome | Callable[[Probe], Outcome]] = field(default_factory=dict)
    """What probes of (container, startup | liveness | readiness) find; what is not named here passes."""
    due: dict[tuple[str, Key], datetime] = field(default_factory=dict)
    failures: dict[tuple[str, Key], int] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    written: int | None = None
    """How much had been written to the database when it was last read."""
    learned: Prober | None = None
    """The agent that has read it."""
    items_wait: bool = False
    """Work items are there whose time will come."""

    def __post_init__(self) -> None:
        self.archive = Archive(self.folder / "logs")
        self.runtime = Simulated(clock=clock, capacity=Capacity(2000, 8 * GIB), archive=self.archive)
        self.alice = Client(Identity("acme", "alice"))
        self.reborn()

    def reborn(self) -> None:
        """The worker process dies and another one starts: what was in memory is gone."""
        self.background = None if self.background is None else []
        host = Host(
            runtime=lambda: self.runtime,
            pulls=Pulls(lambda: self.runtime, ring=self._ring, start=self._begin),
            hooks=Hooks(lambda: self.runtime, ring=self._ring, start=self._begin),
            node=self.node,
            overcommit=4,
            lock=self.folder / "room.lock",
            reserved_bytes=self.reserved_bytes,
            cards=self.cards,
        )
        self.controllers: dict[str, Controller] = registry.on(host, pool=POOL, measure=self.measure)
        self.agent_reborn()

    def agent_reborn(self) -> None:
        """The agent dies and another one starts."""
        self.prober = Prober(now=clock, delay=lambda period: timedelta())
        self.sampler = Sampler(self.runtime)

    def measure(self, door: Client, namespace: str, selector: str) -> list[PodFigures]:
        """What the front door gets from an agent. Raises Unavailable."""
        rows = door.list_rows("Pod", namespace, label_selector=selector).rows
        try:
            figures = self.sampler.figures([row.uid for row in rows])
        except RuntimeFault as fault:
            raise Unavailable(str(fault)) from fault
        items: dict[str, list[JSON]] = {}
        for one in figures:
            items.setdefault(one.uid, []).append(streams.figure(one))
        return usage.told(rows, items)

    # Time

    def settle(self) -> None:
        for _ in range(1000):
            self._read()
            self._probe()
            self._read()
            item, at = min(self.due.items(), key=lambda pair: pair[1], default=(None, None))
            if item is None or at is None or at > clock() + SOON:
                return
            if at > clock():
                self.travel.move_to(at, tick=False)
            self._look(*item)
        raise AssertionError(f"never quiet: {str(self.due)[:2000]}")

    def advance(self, seconds: float) -> None:
        """Lets time pass, with everything happening when it is due."""
        end = clock() + timedelta(seconds=seconds)
        self.settle()
        while (at := min([*self.due.values(), self._probe() or end], default=end)) < end:
            self.travel.move_to(max(at, clock()), tick=False)
            self.settle()
        self.travel.move_to(max(end, clock()), tick=False)
        self.settle()

    def _probe(self) -> datetime | None:
        """What the agent does meanwhile: asks what is due. When the next one is."""
        if self.prober is not self.learned:
            self._read()
        for probe in self.prober.due():
            name = probe.name.container, probe.name.which
            answer = self.answers.get(name, Outcome(passes=True))
            self.prober.note(probe, answer if isinstance(answer, Outcome) else answer(probe))
        return self.prober.next_due()

    def _read(self) -> None:
        """What happened since the last time, for relay, agent and queue. SQLite knows when nothing was
        written: then there is nothing to read, which is most of the time."""
        written = getattr(connection.connection, "total_changes", None)
        is_news = written is None or written != self.written or self.prober is not self.learned
        if not is_news and not self.items_wait:
            return
        self._drain()
        self.prober.learn()
        self._take_in()
        self.learned = self.prober
        self.written = getattr(connection.connection, "total_changes", None)

    def _drain(self) -> None:
        while entries := changes.after(self.place):
            for entry in entries:
                for name, controller in self.controllers.items():
                    self._dirty(name, controller.keys(entry))
            self.place = entries[-1].revision

    def _take_in(self) -> None:
        """What others than controllers made dirty."""
        self.items_wait = False
        for item in WorkItem.objects.all():
            if item.due > clock():
                self.items_wait = True
                continue
            self._dirty(item.queue, [Key.parse(item.key)])
            item.delete()

    def _dirty(self, controller: str, keys: Iterable[Key]) -> None:
        for key in keys:
            self.due[controller, key] = clock()

    def _ring(self, keys: Iterable[Key]) -> None:
        self._dirty("pods", keys)

    def _look(self, name: str, key: Key) -> None:
        del self.due[name, key]
        item = name, key
        try:
            result = self.controllers[name].reconcile(key)
        except TerminalError as error:
            self.errors.append(error)
        except Exception as error:
            self.errors.append(error)
            self.failures[item] = self.failures.get(item, 0) + 1
            self.due[item] = clock() + timedelta(seconds=2 ** (self.failures[item] - 1))
        except BaseException:
            self.due[item] = clock()  # the claim of a worker that died runs out
            raise
        else:
            self.failures.pop(item, None)
            if result is not None and result.requeue_after is not None:
                self.due[item] = clock() + timedelta(seconds=result.requeue_after)

    def resync(self) -> None:
        for name, controller in self.controllers.items():
            self._dirty(name, controller.resync())

    # Pulls

    def _begin(self, work: Callable[[], None]) -> None:
        if self.background is None:
            work()
        else:
            self.background.append(work)

    def pull(self) -> None:
        """Every pull that is under way ends."""
        works, self.background = self.background or [], []
        for work in works:
            work()

    # What people do

    def namespace(self, name: str = "shop") -> None:
        """With its network, ready for pods."""
        self.alice.create("Namespace", manifests.namespace(name))
        self.advance(3)

    def create(self, manifest: JSON, namespace: str = "shop") -> JSON:
        return self.alice.create(manifest["kind"], manifest, namespace).obj

    def delete(self, kind: str, name: str, namespace: str = "shop", **options: Any) -> JSON:
        return self.alice.delete(kind, name, namespace, options=DeleteOptions(**options))

    def patch(self, kind: str, name: str, patch: JSON, namespace: str = "shop") -> JSON:
        return self.alice.patch(kind, name, patch, "application/merge-patch+json", namespace).obj

    # What containers do

    def exit(self, pod: JSON, code: int = 0, *, container: str = "app", oom_killed: bool = False) -> None:
        self.runtime.exit(Uid(pod["metadata"]["uid"]), container, code, oom_killed=oom_killed)
        self.happened(pod)

    def happened(self, *pods: JSON) -> None:
        """The runtime's event reaches the queue."""
        self._ring([Key("acme", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods])
        self.settle()

    # What one can see

    def get(self, kind: str, name: str, namespace: str = "shop") -> JSON:
        return self.alice.get(kind, name, namespace)

    def pod(self, name: str = "one", namespace: str = "shop") -> JSON:
        return self.get("Pod", name, namespace)

    def container(self, name: str = "one", container: str = "app") -> JSON:
        entries = self.pod(name)["status"]["containerStatuses"]
        return next(dict(entry) for entry in entries if entry["name"] == container)

    def all(self, kind: str, namespace: str | None = "shop") -> list[JSON]:
        return self.alice.list(kind, namespace).items

    def events(self, reason: str = "") -> list[str]:
        found = [event for event in self.all("Event") if not reason or event["reason"] == reason]
        return [event["message"] for event in found]
