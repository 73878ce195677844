"""Many writers at the same time: one wins, the others hear of it, and who reads the log misses nothing."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tests.threads import apart, at_once
from tests.workloads.store.drafts import draft, revision_in
from workloads.store import changes, leases, objects

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 16


def test_of_sixteen_compare_and_sets_exactly_one_wins():
    row = objects.insert(draft("web"))

    def write(number: int) -> bool:
        try:
            objects.update(draft("web", uid=row.uid, phase=f"by-{number}"), expected_revision=row.revision)
        except objects.Stale:
            return False
        return True

    won = at_once(*[partial(write, number) for number in range(WRITERS)])

    assert won.count(True) == 1
    assert objects.read(row.key).phase == f"by-{won.index(True)}"
    assert len(changes.after(row.revision)) == 1


def test_of_sixteen_creations_of_one_name_exactly_one_wins():
    def create() -> bool:
        try:
            objects.insert(draft("web"))
        except objects.Exists:
            return False
        return True

    assert at_once(*[create] * WRITERS).count(True) == 1
    assert objects.count("Pod") == len(changes.after(0)) == 1


def test_a_guarded_quota_never_lets_one_too_many_in():
    class QuotaReached(Exception):
        pass

    def room_for_five() -> None:
        if objects.count("Pod") >= 5:
            raise QuotaReached

    def create(number: int) -> bool:
        try:
            objects.insert(draft(f"pod-{number}"), guards=[room_for_five])
        except QuotaReached:
            return False
        return True

    assert at_once(*[partial(create, number) for number in range(WRITERS)]).count(True) == 5
    assert objects.count("Pod") == 5


def test_a_tailer_sees_every_revision_once_and_in_order_while_sixteen_write():
    seen: list[int] = []
    done = threading.Event()
    tailer = threading.Thread(target=apart, args=(partial(_tail, seen, done),))
    tailer.start()

    at_once(*[partial(_churn, number) for number in range(WRITERS)])
    done.set()
    tailer.join(60)

    written = [entry.revision for entry in changes.after(0, limit=10_000)]
    assert seen == written
    assert seen == sorted(set(seen))
    assert len(seen) == WRITERS * 10


def test_a_list_is_of_exactly_the_revision_it_names_while_others_write():
    done = threading.Event()
    writer = threading.Thread(target=apart, args=(partial(_write_until, done),))
    writer.start()

    pages = [objects.scan("Pod") for _ in range(100)]
    done.set()
    writer.join(60)

    for page in pages:
        assert {row.key.name: row.revision for row in page.rows} == _state_at(page.revision)


def test_a_lease_has_one_holder_among_sixteen_who_want_it():
    took = at_once(*[partial(leases.acquire, "relay", holder=f"m-{n}", seconds=15) for n in range(WRITERS)])

    assert took.count(True) == 1
    assert leases.holder("relay") == f"m-{took.index(True)}"


def _churn(number: int) -> None:
    """Ten writes to an object of its own."""
    row = objects.insert(draft(f"pod-{number}"))
    for turn in range(8):
        row = objects.update(draft(row.key.name, uid=row.uid, phase=str(turn)), expected_revision=row.revision)
    objects.remove(draft(row.key.name, uid=row.uid), expected_revision=row.revision)


def _tail(seen: list[int], done: threading.Event) -> None:
    last_look = False
    while not last_look:
        last_look = done.is_set()
        seen += [entry.revision for entry in changes.after(seen[-1] if seen else 0, limit=10_000)]


def _write_until(done: threading.Event) -> None:
    number = 0
    while not done.is_set():
        number += 1
        row = objects.insert(draft(f"pod-{number}"))
        row = objects.update(draft(row.key.name, uid=row.uid), expected_revision=row.revision)
        if number > 3:
            victim = objects.scan("Pod").rows[0]
            objects.remove(draft(victim.key.name, uid=victim.uid), expected_revision=victim.revision)


def _state_at(revision: int) -> dict[str, int]:
    """name -> revision, as the log tells it."""
    state: dict[str, int] = {}
    for entry in changes.after(0, limit=100_000):
        if entry.revision > revision:
            break
        if entry.type == "DELETED":
            del state[entry.key.name]
        else:
            state[entry.key.name] = revision_in(entry.data)
    return state
