"""Exactly once: a worker may die between any two steps, and a Job's numbers come out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import manifests
from tests.workloads.controllers.test_kills import Failpoint, every_kill, failpoint
from tests.workloads.controllers.world import World
from workloads.controllers.jobs import pods
from workloads.kinds import jobs
from workloads.meta.keys import Uid
from workloads.store import changes

__all__ = ("failpoint",)
JSON = dict[str, Any]


def started(**spec: Any) -> Any:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.job(**spec))
        world.settle()

    return prepare


def all_end(world: World, *codes: int) -> None:
    """All at once, and then the worker hears of it."""
    some = sorted((pod for pod in world.all("Pod")), key=lambda pod: pod["metadata"]["name"])
    for pod, code in zip(some, codes, strict=True):
        world.runtime.exit(Uid(pod["metadata"]["uid"]), "app", code)
    world.happened(*some)


def numbers(world: World) -> tuple[int, int, str]:
    status = world.get("Job", "sum")["status"]
    assert not any(status["uncountedTerminatedPods"].values())
    return status.get("succeeded", 0), status.get("failed", 0), jobs.state(world.get("Job", "sum"))


def never_counted_back(since: int) -> bool:
    """In no version of the Job is a number smaller than in the one before."""
    highest: dict[tuple[str, str], int] = {}
    for entry in changes.after(since, kinds=["Job"], limit=10_000):
        status = orjson.loads(entry.data).get("status") or {}
        for name in ("succeeded", "failed"):
            key = entry.uid, name
            if status.get(name, 0) < highest.get(key, 0):
                return False
            highest[key] = status.get(name, 0)
    return True


@pytest.mark.timeout(600)
def test_successes_are_counted_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    prepare = started(completions=2, parallelism=2)
    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=lambda world: all_end(world, 0, 0)):
        assert numbers(world) == (2, 0, "Complete"), when
        assert len(world.all("Pod")) == 2, when
        assert not any(pods.is_tracked(pod) for pod in world.all("Pod")), when
        assert never_counted_back(0), when


@pytest.mark.timeout(600)
def test_a_job_fails_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    prepare = started(completions=3, parallelism=3, backoffLimit=0)

    def act(world: World) -> None:
        pod = world.all("Pod")[0]
        world.exit(pod, 1)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert numbers(world) == (0, 3, "Failed"), when
        assert [pod["status"]["phase"] for pod in world.all("Pod")] == ["Failed"], when
        assert never_counted_back(0), when


@pytest.mark.timeout(600)
def test_indexes_are_run_and_counted_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    spec: JSON = {"completions": 2, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 1}

    def act(world: World) -> None:
        all_end(world, 0, 1)

    for world, when in every_kill(tmp_path, failpoint, prepare=started(**spec), act=act):
        world.advance(20)
        assert numbers(world) == (1, 1, "Running"), when
        (again,) = [pod for pod in world.all("Pod") if pods.is_active(pod)]
        assert again["metadata"]["annotations"][pods.FAILURES] == "1", when
        assert len(world.all("Pod")) == 3, when


@pytest.mark.timeout(600)
def test_a_job_starts_with_the_right_number_of_pods_whoever_dies(
    db: None, tmp_path: Path, failpoint: Failpoint
) -> None:
    def act(world: World) -> None:
        world.create(manifests.job(completions=3, parallelism=2))
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=lambda world: world.namespace(), act=act):
        assert [pod["status"]["phase"] for pod in world.all("Pod")] == ["Running"] * 2, when
        assert world.get("Job", "sum")["status"]["active"] == 2, when


@pytest.mark.timeout(600)
def test_a_suspended_job_loses_its_pods_uncounted_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def act(world: World) -> None:
        world.patch("Job", "sum", {"spec": {"suspend": True}})
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=started(completions=2, parallelism=2), act=act):
        assert world.all("Pod") == [], when
        assert numbers(world) == (0, 0, "Suspended"), when
