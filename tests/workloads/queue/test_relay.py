"""Every change leads to at least one look, whatever dies in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection

from tests.threads import apart
from tests.workloads.store.drafts import draft
from workloads.controllers import queue, registry, relay, tasks
from workloads.controllers.base import Controller, Result
from workloads.controllers.relay import Relay
from workloads.meta.keys import Key
from workloads.store import changes, doorbell, leases, objects
from workloads.store.changes import Entry
from workloads.store.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = Key("acme", "Namespace", "", "shop")


class Killed(BaseException):
    """The process is gone from here on."""


class Looks:
    """A controller that only remembers which revision of a key it has seen."""

    def __init__(self, name: str = "pods", queue: str = "node") -> None:
        self.seen: dict[Key, int] = {}
        self.controller = Controller(name, queue, self.keys, self.reconcile, self.resync)

    def keys(self, entry: Entry) -> list[Key]:
        return [entry.key]

    def reconcile(self, key: Key) -> Result | None:
        self.seen[key] = objects.read(key).revision
        return None

    def resync(self) -> Iterator[Key]:
        return (row.key for row in objects.scan("Pod").rows)


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def empty_broker(monkeypatch):
    monkeypatch.setattr(tasks, "depth", lambda celery_queue: 0)


def a_relay(*looks: Looks, holder: str = "manager-1") -> Relay:
    return Relay({each.controller.name: each.controller for each in looks}, holder=holder)


def waiting() -> list[str]:
    return sorted(WorkItem.objects.values_list("key", flat=True))


def answer(bells: list[tuple[str, Key]], looks: Looks) -> None:
    """What a worker does with the messages that came."""
    while bells:
        _, key = bells.pop(0)
        tasks.work(looks.controller, key)


def test_each_change_makes_its_key_dirty_and_rings(looks, bells):
    row = objects.insert(draft("web"))

    assert a_relay(looks).step() == 1

    assert waiting() == [str(row.key)]
    assert bells == [("pods", row.key)]


def test_several_controllers_say_themselves_what_follows_from_a_change(bells):
    pods, namespaces = Looks(), Looks("namespaces", "control")
    namespaces.controller = replace(namespaces.controller, keys=lambda entry: [SHOP])
    first, second = objects.insert(draft("a")), objects.insert(draft("b"))

    a_relay(pods, namespaces).step()

    assert sorted(bells) == [("namespaces", SHOP), ("pods", first.key), ("pods", second.key)]


def test_a_relay_that_has_caught_up_writes_nothing(looks, bells):
    objects.insert(draft("web"))
    mine = a_relay(looks)

    assert [mine.step(), mine.step()] == [1, 0]
    assert len(bells) == 1


@pytest.mark.parametrize("error", [KeyError("spec"), DataError("a text with NUL")])
def test_a_controller_that_stumbles_does_not_hold_up_the_others(looks, bells, error):
    def stumble(entry: Entry) -> list[Key]:
        raise error

    broken = Looks("broken")
    broken.controller = replace(broken.controller, keys=stumble)
    row = objects.insert(draft("web"))

    a_relay(broken, looks).step()

    assert bells == [("pods", row.key)]


def test_a_database_that_goes_away_is_not_a_controllers_stumble(looks, bells):
    def stumble(entry: Entry) -> list[Key]:
        raise OperationalError("the server has gone")

    broken = Looks("broken")
    broken.controller = replace(broken.controller, keys=stumble)
    objects.insert(draft("web"))

    with pytest.raises(OperationalError):
        a_relay(broken, looks).step()


def test_a_controller_that_cannot_list_its_keys_does_not_hold_up_the_others(looks, bells):
    def stumble() -> Iterator[Key]:
        raise KeyError("spec")

    broken = Looks("broken")
    broken.controller = replace(broken.controller, resync=stumble)
    row = objects.insert(draft("web"))
    changes.place(relay.READER, changes.head())

    assert a_relay(broken, looks).lead()

    assert bells == [("pods", row.key)]


def test_a_new_leader_looks_at_every_key_there_is(looks, bells):
    rows = [objects.insert(draft(name)) for name in ("a", "b")]
    changes.place(relay.READER, changes.head())

    assert a_relay(looks).lead()

    assert sorted(bells) == [("pods", row.key) for row in rows]


def test_of_two_managers_one_leads_until_it_resigns_or_dies(looks, bells):
    first, second = a_relay(looks), a_relay(looks, holder="manager-2")

    assert first.lead() and not second.lead()
    first.resign()
    assert second.lead() and not first.lead()


def test_two_leaders_at_once_still_relay_everything_and_only_in_order(looks, bells):
    """A leader that slept through its lease wakes in the middle of a batch."""
    row = objects.insert(draft("web"))
    first, second = a_relay(looks), a_relay(looks, holder="manager-2")
    asleep = changes.batch(relay.READER)
    second.step()
    newer = objects.insert(draft("api"))
    second.step()

    with pytest.raises(changes.Moved), changes.passing(asleep):
        pytest.fail("this batch was relayed already")

    assert first.step() == 0
    assert waiting() == sorted([str(row.key), str(newer.key)])


def test_a_log_trimmed_beyond_the_relay_is_made_up_for_by_looking_at_everything(looks, bells):
    rows = [objects.insert(draft(name)) for name in ("a", "b", "c")]
    changes.trim(keep=1, older_than=datetime(2100, 1, 1, tzinfo=UTC))
    mine = a_relay(looks)

    while mine.step():
        pass

    assert waiting() == sorted(str(row.key) for row in rows)


def test_the_tick_rings_for_lost_bells_and_dead_workers_but_not_for_doubles(looks, bells, clock, monkeypatch):
    depth = iter([0, 1, 0])
    monkeypatch.setattr(tasks, "depth", lambda celery_queue: next(depth))
    row = objects.insert(draft("web"))
    a_relay(looks).step()
    bells.clear()  # Redis was flushed

    clock.shift(queue.BELL_SECONDS)
    a_relay(looks).tick()
    assert bells == [("pods", row.key)]
    a_relay(looks).tick()
    assert bells == [("pods", row.key)], "a message is on its way"

    tasks.queue.claim("pods", holder="dies")
    clock.shift(queue.CLAIM_SECONDS)
    a_relay(looks).tick()
    assert bells == [("pods", row.key)] * 2


def test_a_key_that_is_due_again_soon_rings_again(looks, bells, clock, empty_broker):
    row = objects.insert(draft("web"))
    mine = a_relay(looks)
    mine.step()
    for rings in (1, 2):
        claim = queue.claim("pods", holder="me")
        assert claim is not None
        queue.settle(claim, requeue_after=2)
        bells.clear()
        clock.shift(2)
        mine.tick()
        assert bells == [("pods", row.key)], f"after {rings} looks"


def test_the_tick_waits_for_a_broker_that_is_away(looks, bells, clock, monkeypatch):
    monkeypatch.setattr(tasks, "depth", lambda celery_queue: None)
    objects.insert(draft("web"))
    mine = a_relay(looks)
    mine.step()
    bells.clear()
    clock.shift(queue.BELL_SECONDS)

    mine.tick()

    assert bells == []


def test_the_relay_sleeps_until_the_next_item_is_due(looks, bells, clock):
    mine = a_relay(looks)
    assert mine.pause() == relay.TICK_SECONDS

    queue.add("pods", [SHOP], delay=0.3)
    assert mine.pause() == pytest.approx(0.3)


def test_killed_before_any_statement_nothing_is_lost(bells, clock, empty_broker):
    """Relay and worker die before their n-th statement, for every n; what takes over sees the newest state."""
    survived = False
    for n in range(200):
        looks = Looks()
        row = objects.insert(draft("web"))
        row = objects.update(draft("web", uid=row.uid), expected_revision=row.revision)
        bells.clear()
        try:
            with dying_at(n):
                a_relay(looks).step()
                answer(bells, looks)
            survived = True
        except Killed:
            clock.shift(queue.CLAIM_SECONDS)
        bells.clear()

        successor = a_relay(looks)
        while successor.step():
            pass
        clock.shift(queue.BELL_SECONDS)
        successor.tick()
        answer(bells, looks)

        assert (looks.seen, waiting()) == ({row.key: row.revision}, []), f"after dying at statement {n}"
        objects.remove(draft("web", uid=row.uid), expected_revision=row.revision)
        changes.place(relay.READER, changes.head())
        if survived:
            break
    assert survived and n > 8


def test_the_whole_loop_relays_until_it_is_stopped(looks, bells, monkeypatch):
    monkeypatch.setattr(registry, "controllers", lambda: {"pods": looks.controller})
    stop = threading.Event()
    running = threading.Thread(target=apart, args=(partial(relay.run, stop),))
    running.start()

    row = objects.insert(draft("web"))
    assert eventually(lambda: ("pods", row.key) in bells)
    newer = objects.insert(draft("api"))
    assert eventually(lambda: ("pods", newer.key) in bells)
    stop.set()
    doorbell.ring()
    running.join(10)

    assert not running.is_alive()
    assert leases.holder(relay.LEASE) is None


def test_the_loop_starts_over_when_it_stumbles(looks, bells, monkeypatch):
    monkeypatch.setattr(registry, "controllers", lambda: {"pods": looks.controller})
    monkeypatch.setattr(relay, "TICK_SECONDS", 0.05)
    batch, stumbles = changes.batch, iter(range(2))

    def stumbling(*args: Any) -> changes.Batch:
        if next(stumbles, None) is not None:
            raise RuntimeError("the database is shutting down")
        return batch(*args)

    monkeypatch.setattr(changes, "batch", stumbling)
    stop = threading.Event()
    running = threading.Thread(target=apart, args=(partial(relay.run, stop),))
    row = objects.insert(draft("web"))
    running.start()

    assert eventually(lambda: ("pods", row.key) in bells)
    stop.set()
    running.join(10)


@contextmanager
def dying_at(n: int) -> Iterator[None]:
    left = iter(range(n))

    def execute(run: Callable[..., Any], *args: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return run(*args)

    with connection.execute_wrapper(execute):
        yield


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so while another thread works; it takes milliseconds."""
    pause = threading.Event()
    return any(is_so() or pause.wait(0.02) for _ in range(500))
