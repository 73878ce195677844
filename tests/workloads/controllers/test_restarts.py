"""When a container that ended starts again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workloads.controllers.pods import restarts
from workloads.controllers.pods.restarts import Hold, Rest, Start
from workloads.runtimes.base import ContainerStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ended(attempt: int = 0, *, code: int = 1, ran: timedelta = timedelta(seconds=1)) -> ContainerStatus:
    return ContainerStatus(
        name="web",
        id="abc",
        image="web:1",
        image_id="sha256:abc",
        state="exited",
        attempt=attempt,
        created_at=NOON - ran,
        started_at=NOON - ran,
        finished_at=NOON,
        exit_code=code,
        oom_killed=False,
    )


def move(seen: ContainerStatus | None, *, policy: str = "Always", calm: int = 0, after: float = 0.0) -> restarts.Move:
    return restarts.move(seen, None, policy=policy, calm=calm, revived=False, now=NOON + timedelta(seconds=after))


def test_the_first_crash_starts_again_at_once() -> None:
    assert move(ended(0)) == Start(1, since=NOON)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (40, 300)])
def test_each_further_crash_waits_twice_as_long_up_to_five_minutes(attempt: int, seconds: int) -> None:
    assert move(ended(attempt)) == Hold(until=NOON + timedelta(seconds=seconds), seconds=seconds)
    assert move(ended(attempt), after=seconds) == Start(attempt + 1, since=NOON)


def test_ten_minutes_of_running_forgive_what_came_before() -> None:
    seen = ended(7, ran=timedelta(minutes=10))
    calm = restarts.calm_attempt(seen, known=0)
    assert calm == 7
    assert move(seen, calm=calm) == Start(8, since=NOON)


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_the_restart_policy_decides_who_runs_again(policy: str, code: int, again: bool) -> None:
    assert isinstance(move(ended(code=code), policy=policy), Start if again else Rest)


def test_a_container_lost_after_its_first_start_is_counted_as_a_restart() -> None:
    before = {"containerID": "docker://abc", "restartCount": 2, "state": {"running": {}}}
    found = restarts.move(None, before, policy="Always", calm=0, revived=True, now=NOON)
    assert found == Start(3)


def test_a_container_that_is_lost_for_good_rests_when_it_must_never_restart() -> None:
    before = {"containerID": "docker://abc", "restartCount": 0, "state": {"running": {}}}
    assert restarts.move(None, before, policy="Never", calm=0, revived=True, now=NOON) == Rest()
