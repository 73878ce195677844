"""A lease has one holder, runs out by itself and can be given back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workloads.store import leases

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(time_machine):
    time_machine.move_to(datetime(2026, 3, 1, tzinfo=UTC), tick=False)
    return time_machine


def test_the_holder_may_prolong_it_and_nobody_else_may_take_it(clock):
    assert leases.acquire("relay", holder="a", seconds=15)
    clock.shift(10)
    assert leases.acquire("relay", holder="a", seconds=15)
    clock.shift(10)

    assert not leases.acquire("relay", holder="b", seconds=15)
    assert leases.holder("relay") == "a"


def test_a_lease_that_ran_out_goes_to_the_next_and_not_back(clock):
    leases.acquire("relay", holder="a", seconds=15)
    clock.shift(15)

    assert leases.holder("relay") is None
    assert leases.acquire("relay", holder="b", seconds=15)
    assert not leases.acquire("relay", holder="a", seconds=15)


def test_a_lease_given_back_is_free_at_once_but_only_its_holder_can_give_it():
    leases.acquire("relay", holder="a", seconds=15)

    leases.release("relay", holder="b")
    assert not leases.acquire("relay", holder="b", seconds=15)
    leases.release("relay", holder="a")
    assert leases.acquire("relay", holder="b", seconds=15)
