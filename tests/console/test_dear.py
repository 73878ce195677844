"""What is dear is shown again for a while; what is cheap is always new."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable

import pytest

from console.dear import MOST_KEPT, Kept


class World:
    """Seconds that pass, and how long computing takes."""

    def __init__(self) -> None:
        self.now, self.takes, self.numbers = 0.0, 0.0, itertools.count()
        self.beside: list[Callable[[], None]] = []
        self.kept = Kept(now=lambda: self.now, spent=lambda: self.now, beside=self.beside.append)

    def compute(self) -> int:
        self.now += self.takes
        return next(self.numbers)

    def ask(self) -> int:
        return self.kept.get("total", self.compute)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("console.dear.LEAST_SECONDS", 0.05)
    return World()


def test_what_is_cheap_is_computed_each_time(world: World) -> None:
    assert [world.ask(), world.ask()] == [0, 1]


def test_what_is_dear_is_shown_again_for_twenty_times_as_long(world: World) -> None:
    world.takes = 0.1
    assert [world.ask(), world.ask()] == [0, 0]
    world.now += 1.9
    assert world.ask() == 0
    world.now += 0.2
    assert (world.ask(), len(world.beside)) == (0, 1)
    world.beside.pop()()
    assert (world.ask(), len(world.beside)) == (1, 0)


def test_after_fifteen_seconds_it_is_computed_anew_beside_whoever_asks(world: World) -> None:
    world.takes = 4
    world.ask()
    world.now += 15.1
    assert world.ask() == 0
    world.beside.pop()()
    assert world.ask() == 1


def test_what_is_too_old_is_waited_for(world: World) -> None:
    world.takes = 0.4
    world.ask()
    world.now += 45.1
    assert (world.ask(), world.beside) == (1, [])


def test_what_fails_is_asked_for_again(world: World) -> None:
    def fail() -> int:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        world.kept.get("total", fail)
    assert world.ask() == 0


def test_while_one_computes_others_are_told_what_is_known(world: World) -> None:
    world.takes = 0.1
    world.ask()
    world.now += 50
    inside, told = threading.Event(), threading.Event()

    def slowly() -> int:
        inside.set()
        told.wait(10)
        return 7

    computing = threading.Thread(target=world.kept.get, args=("total", slowly))
    computing.start()
    inside.wait(10)
    assert world.ask() == 0
    told.set()
    computing.join(10)


class Key:
    """What a sum is asked for by."""


def test_of_what_is_cheap_not_even_the_key_is_kept(world: World) -> None:
    key = Key()
    known = weakref.ref(key)
    world.kept.get(key, world.compute)
    del key
    assert known() is None


def test_however_many_are_asked_for_no_more_than_a_thousand_are_kept(world: World) -> None:
    world.takes, known = 0.1, weakref.WeakSet[Key]()
    for _ in range(2 * MOST_KEPT + 1):
        key = Key()
        known.add(key)
        world.kept.get(key, world.compute)
    assert len(known) <= MOST_KEPT
