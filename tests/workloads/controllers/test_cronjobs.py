"""CronJobs: a Job whenever its time has come, never two for one time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.test_kills import Failpoint, every_kill, failpoint
from tests.workloads.controllers.world import World
from workloads.controllers import cronjobs
from workloads.kinds import jobs

__all__ = ("failpoint",)
JSON = dict[str, Any]


def start(world: World, **spec: Any) -> JSON:
    cronjob = world.create(manifests.cronjob(**spec))
    world.settle()
    return cronjob


def names(world: World) -> list[str]:
    return [job["metadata"]["name"] for job in world.all("Job")]


def status(world: World) -> JSON:
    return dict(world.get("CronJob", "tick")["status"])


def minute(hour: int, past: int = 0) -> int:
    return int(datetime(2026, 1, 1, hour, past, tzinfo=UTC).timestamp()) // 60


def end_all(world: World, code: int = 0) -> None:
    for pod in world.all("Pod"):
        if pod["status"]["phase"] == "Running":
            world.exit(pod, code)


def test_a_job_is_made_at_each_time_and_named_by_its_minute(world: World) -> None:
    start(world, job_spec={"parallelism": 1})
    assert world.all("Job") == []
    world.advance(300)
    assert names(world) == [f"tick-{minute(12, 5)}"]
    (job,) = world.all("Job")
    assert job["metadata"]["annotations"][cronjobs.SCHEDULED_AT] == "2026-01-01T12:05:00Z"
    assert job["metadata"]["ownerReferences"][0]["name"] == "tick"
    assert status(world)["lastScheduleTime"] == "2026-01-01T12:05:00Z"
    assert [one["name"] for one in status(world)["active"]] == names(world)
    assert world.events("SuccessfulCreate")[-1].startswith(("Created job", "Created pod"))

    end_all(world)
    assert "active" not in status(world)
    assert status(world)["lastSuccessfulTime"]
    assert world.events("SawCompletedJob") == [f"Saw completed job: {names(world)[0]}, condition: Complete"]
    world.advance(300)
    assert len(names(world)) == 2


def test_forbid_lets_a_time_pass_and_makes_up_for_the_newest(world: World) -> None:
    start(world, concurrencyPolicy="Forbid")
    world.advance(910)
    assert names(world) == [f"tick-{minute(12, 5)}"]
    assert world.events("JobAlreadyActive")
    end_all(world)
    assert names(world) == [f"tick-{minute(12, 5)}", f"tick-{minute(12, 15)}"]


def test_replace_stops_the_one_before(world: World) -> None:
    start(world, concurrencyPolicy="Replace")
    world.advance(610)
    assert names(world) == [f"tick-{minute(12, 10)}"]
    assert len(world.all("Pod")) == 1


def test_allow_runs_them_side_by_side(world: World) -> None:
    start(world)
    world.advance(610)
    assert len(names(world)) == 2
    assert len(status(world)["active"]) == 2


def test_only_the_last_few_are_kept(world: World) -> None:
    start(world, successfulJobsHistoryLimit=2, failedJobsHistoryLimit=0, job_spec={"backoffLimit": 0})
    for _ in range(4):
        world.advance(300)
        end_all(world)
    assert names(world) == [f"tick-{minute(12, 15)}", f"tick-{minute(12, 20)}"]
    world.advance(300)
    end_all(world, 1)
    world.settle()
    assert all(jobs.state(job) == "Complete" for job in world.all("Job"))
    assert len(world.all("Pod")) == 2


def test_while_suspended_nothing_starts_and_afterwards_the_newest_time_counts(world: World) -> None:
    start(world, suspend=True)
    world.advance(1200)
    assert names(world) == []
    world.patch("CronJob", "tick", {"spec": {"suspend": False}})
    world.settle()
    assert names(world) == [f"tick-{minute(12, 20)}"]


def test_what_was_missed_longer_ago_than_the_deadline_is_let_pass(world: World) -> None:
    start(world, schedule="0 * * * *", suspend=True, startingDeadlineSeconds=60)
    world.advance(3600 + 120)
    world.patch("CronJob", "tick", {"spec": {"suspend": False}})
    world.settle()
    assert names(world) == []
    world.advance(3600)
    assert names(world) == [f"tick-{minute(14)}"]


def test_a_hundred_missed_times_are_told(world: World) -> None:
    start(world, schedule="* * * * *", suspend=True)
    world.advance(101 * 60 + 30)
    world.patch("CronJob", "tick", {"spec": {"suspend": False}})
    world.settle()
    assert names(world) == [f"tick-{minute(13, 41)}"]
    assert world.events("TooManyMissedTimes") == [
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    ]


def test_a_time_zone_moves_the_times(world: World) -> None:
    start(world, schedule="30 21 * * *", timeZone="Asia/Tokyo")
    world.advance(1860)
    (job,) = world.all("Job")
    assert job["metadata"]["annotations"][cronjobs.SCHEDULED_AT] == "2026-01-01T21:30:00+09:00"


def test_a_job_made_by_hand_runs_and_is_not_one_of_the_schedule(world: World) -> None:
    cronjob = start(world)
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": cronjob["metadata"]["uid"]}
    job = manifests.job("now")
    job["metadata"]["ownerReferences"] = [{**reference, "controller": True}]
    world.create(job)
    world.settle()
    assert "active" not in status(world)
    assert world.events("UnexpectedJob") == ["Saw a job that the controller did not create or forgot: now"]
    end_all(world)
    assert status(world)["lastSuccessfulTime"]


def test_a_job_that_says_it_was_made_by_hand_is_no_surprise(world: World) -> None:
    cronjob = start(world)
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": cronjob["metadata"]["uid"]}
    job = manifests.job("now")
    job["metadata"] |= {
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [{**reference, "controller": True}],
    }
    world.create(job)
    world.settle()
    assert world.events("UnexpectedJob") == []
    end_all(world)
    assert status(world)["lastSuccessfulTime"]


def test_a_job_that_somebody_deleted_is_missed_once(world: World) -> None:
    start(world)
    world.advance(310)
    (name,) = names(world)
    world.delete("Job", name)
    world.advance(5)
    assert "active" not in status(world)
    assert world.events("MissingJob") == [f"Active job went missing: {name}"]
    assert names(world) == []


def test_deleting_a_cronjob_deletes_its_jobs_and_their_pods(world: World) -> None:
    start(world)
    world.advance(310)
    world.delete("CronJob", "tick")
    world.advance(40)
    assert world.all("Job") == []
    assert world.all("Pod") == []


@pytest.mark.timeout(600)
def test_one_job_a_time_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        start(world)

    def act(world: World) -> None:
        world.advance(300)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert names(world) == [f"tick-{minute(12, 5)}"], when
        assert [one["name"] for one in status(world)["active"]] == names(world), when
        assert len(world.all("Pod")) == 1, when
