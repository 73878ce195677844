"""A page is looked at at once after a quiet time, and at a pace while changes go on."""

from __future__ import annotations

from console.live.pace import REST_SECONDS, SETTLING_SECONDS, Pace, Plan


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_a_quiet_time_nothing_waits() -> None:
    clock = Clock()
    pace = Pace(times=3, least=0.1, ahead=0.2, now=clock)
    pace.looked(0.05)

    assert pace.pause == 0


def test_looks_that_go_on_and_on_take_their_part_of_the_time_and_no_more() -> None:
    clock, looks = Clock(), 0
    pace = Pace(times=3, least=0.1, ahead=0.2, now=clock)
    while clock.now < 1010:
        clock.now += pace.pause + 0.1
        pace.looked(0.1)
        looks += 1

    assert 30 <= looks <= 36


def test_what_is_heard_while_the_page_is_looked_at_is_looked_at_next() -> None:
    clock = Clock()
    plan = Plan(now=clock)
    plan.look_whole()
    plan.whole_now()
    clock.now += 0.05
    plan.looked_whole(0.05, was_stirred=False)

    assert plan.pause(is_quick=False) == 0


def test_after_what_was_quick_the_whole_follows_at_once_when_it_has_rested() -> None:
    clock = Clock()
    plan = Plan(now=clock)
    plan.look_whole()
    plan.looked_whole(0.01, was_stirred=False)
    clock.now += 5
    plan.looked_quickly(0.01, whole=False)

    assert plan.is_whole_due


def test_while_it_has_not_it_waits_and_what_is_quick_does_not() -> None:
    clock = Clock()
    plan = Plan(now=clock)
    plan.look_whole()
    plan.looked_whole(0.01, was_stirred=True)
    plan.looked_quickly(0.01, whole=False)

    assert 0 < plan.pause(is_quick=False) <= min(REST_SECONDS, SETTLING_SECONDS)
    assert plan.pause(is_quick=True) == 0
