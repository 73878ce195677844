"""One row a key, one holder a key; nothing that was made dirty is forgotten."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.threads import at_once
from workloads.controllers import queue
from workloads.meta.keys import Key
from workloads.store.models import WorkItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]

WEB, API = Key("acme", "Pod", "shop", "web"), Key("acme", "Pod", "shop", "api")


def claim(key: Key | None = None, holder: str = "worker") -> queue.Claim | None:
    return queue.claim("pods", holder=holder, key=key)


def claimed(key: Key = WEB) -> queue.Claim:
    found = claim(key)
    assert found is not None
    return found


def test_a_key_that_is_added_can_be_claimed_once(bells):
    queue.add("pods", [WEB])

    assert claimed().key == WEB
    assert claim() is None
    assert bells == [("pods", WEB)]


def test_one_key_may_wait_for_several_controllers(bells):
    queue.add("pods", [WEB])
    queue.add("garbage", [WEB])

    assert claimed() is not None
    assert queue.claim("garbage", holder="worker") is not None


def test_what_is_done_is_gone(bells):
    queue.add("pods", [WEB])
    queue.settle(claimed())

    assert WorkItem.objects.count() == 0


def test_keys_added_twice_fold_and_ring_once(bells):
    queue.add("pods", [WEB, API, WEB])
    queue.add("pods", [WEB])

    assert WorkItem.objects.count() == 2
    assert sorted(bells) == [("pods", API), ("pods", WEB)]


def test_adding_what_waits_already_writes_nothing(bells):
    queue.add("pods", [WEB])

    with CaptureQueriesContext(
        connection,
    ) as queries:
        queue.add("pods", [WEB])

    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


def test_a_key_made_dirty_while_it_is_worked_on_stays_dirty(bells):
    queue.add("pods", [WEB])
    first = claimed()
    queue.add("pods", [WEB])
    assert claim() is None
    bells.clear()

    queue.settle(first)

    assert bells == [("pods", WEB)]
    queue.settle(claimed())
    assert WorkItem.objects.count() == 0


def test_a_dirty_key_does_not_wait_for_the_time_its_worker_asked_for(bells):
    queue.add("pods", [WEB])
    first = claimed()
    queue.add("pods", [WEB])

    queue.settle(first, requeue_after=60)

    assert claim() is not None


def test_of_sixteen_claimants_one_gets_the_key(bells):
    queue.add("pods", [WEB])

    for key in (WEB, None):
        found = at_once(*[partial(claim, key, f"worker-{number}") for number in range(16)])
        won = [each for each in found if each is not None]
        assert len(won) == 1
        queue.settle(won[0], requeue_after=0)


def test_sixteen_claimants_share_sixteen_keys_without_overlap(bells):
    keys = [WEB._replace(name=f"pod-{number}") for number in range(16)]
    queue.add("pods", keys)

    def take_all() -> list[Key]:
        taken = []
        while (found := claim()) is not None:
            taken.append(found.key)
        return taken

    taken = [key for each in at_once(*[take_all] * 16) for key in each]
    taken += take_all()

    assert sorted(taken) == sorted(keys)


def test_the_longest_waiting_is_claimed_first(bells, clock):
    queue.add("pods", [WEB])
    clock.shift(1)
    queue.add("pods", [API])

    first, second = claim(), claim()

    assert first and second
    assert [first.key, second.key] == [WEB, API]


def test_a_delayed_key_is_not_due_before_its_time_and_rings_no_bell(bells, clock):
    queue.add("pods", [WEB], delay=10)

    clock.shift(9)
    assert claim() is None
    clock.shift(1)
    assert claim() is not None
    assert bells == []


def test_the_earlier_of_two_times_counts(bells, clock):
    queue.add("pods", [WEB], delay=10)
    queue.add("pods", [WEB], delay=100)
    clock.shift(10)
    queue.settle(claimed(), requeue_after=300)
    bells.clear()

    queue.add("pods", [WEB])

    assert bells == [("pods", WEB)]
    assert claim() is not None


def test_a_claim_that_ran_out_goes_to_another_and_its_holder_settles_nothing(bells, clock):
    queue.add("pods", [WEB])
    lost = claimed()
    clock.shift(queue.CLAIM_SECONDS)
    current = claimed()

    queue.settle(lost)
    assert queue.renew(lost) is None

    assert claim() is None, "the second holder still has it"
    queue.settle(current)
    assert WorkItem.objects.count() == 0


def test_an_expired_claim_settles_nothing_even_when_nobody_took_the_key(bells, clock):
    queue.add("pods", [WEB])
    lost = claimed()
    clock.shift(queue.CLAIM_SECONDS)

    queue.settle(lost)

    assert claim() is not None


def test_a_renewed_claim_lasts_longer(bells, clock):
    queue.add("pods", [WEB])
    mine = claimed()
    clock.shift(queue.CLAIM_SECONDS - 1)

    mine = queue.renew(mine) or pytest.fail("the claim had not run out")

    clock.shift(queue.CLAIM_SECONDS - 1)
    assert claim() is None
    queue.settle(mine)
    assert WorkItem.objects.count() == 0


def test_failures_wait_twice_as_long_each_time_up_to_five_minutes(bells, clock):
    queue.add("pods", [WEB])
    for wait in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        queue.settle(claimed(), error="no such image")
        assert WorkItem.objects.get().error == "no such image"
        clock.shift(wait - 0.001)
        assert claim() is None
        clock.shift(0.001)


def test_success_forgets_the_failures_before_it(bells, clock):
    queue.add("pods", [WEB])
    for _ in range(5):
        queue.settle(claimed(), error="no")
        clock.shift(300)
    queue.settle(claimed(), requeue_after=1)
    clock.shift(1)

    assert claimed().failures == 0
    assert WorkItem.objects.get().error == ""


def test_a_key_that_fails_and_is_dirty_is_tried_again_after_a_second(bells, clock):
    queue.add("pods", [WEB])
    for _ in range(6):
        queue.settle(claimed(), error="no")
        clock.shift(300)
    mine = claimed()
    queue.add("pods", [WEB])

    queue.settle(mine, error="no")

    assert claim() is None
    clock.shift(1)
    assert claim() is not None


def test_a_terminal_failure_waits_for_the_next_change(bells, clock):
    queue.add("pods", [WEB])
    queue.settle(claimed(), error="the image is no image", terminal=True)
    clock.shift(3600)
    assert claim() is None

    queue.add("pods", [WEB])
    assert claim() is not None


def test_a_new_change_does_not_wait_for_the_backoff(bells, clock):
    queue.add("pods", [WEB])
    queue.settle(claimed(), error="no")

    queue.add("pods", [WEB])

    assert claim() is not None


def test_what_waits_without_a_bell_is_known(bells, clock):
    queue.add("pods", [WEB])
    assert queue.waiting(["pods"], limit=10) == [], "its bell has just rung"
    clock.shift(queue.BELL_SECONDS)
    assert [bell[:2] for bell in queue.waiting(["pods"], limit=10)] == [("pods", WEB)]

    mine = claimed()
    assert queue.waiting(["pods"], limit=10) == []
    queue.settle(mine, requeue_after=5)
    assert queue.next_due() == timezone.now() + timedelta(seconds=5)
    clock.shift(5)
    assert [bell[:2] for bell in queue.waiting(["pods"], limit=10)] == [("pods", WEB)], (
        "nobody rings when its time has come"
    )

    claimed()
    clock.shift(queue.CLAIM_SECONDS)
    assert [bell[:2] for bell in queue.waiting(["pods"], limit=10)] == [("pods", WEB)], "its worker has died"


def test_a_delayed_key_is_known_to_wait_for_a_bell_as_soon_as_its_time_has_come(bells, clock):
    queue.add("pods", [WEB], delay=10)
    clock.shift(10)

    assert [bell[:2] for bell in queue.waiting(["pods"], limit=10)] == [("pods", WEB)]
