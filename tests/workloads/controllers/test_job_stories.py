"""Whatever people do to a Job and whatever becomes of its pods: it settles, and every pod stands in one number."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.jobs import pods
from workloads.kinds import jobs
from workloads.store import changes

JSON = dict[str, Any]
STORIES = 8
SHAPES: list[JSON] = [
    {},
    {"completionMode": "Indexed"},
    {"completionMode": "Indexed", "backoffLimitPerIndex": 1},
    {"podReplacementPolicy": "Failed"},
]


def act(world: World, dice: random.Random) -> None:
    """One thing that happens."""
    some = [pod for pod in world.all("Pod") if pods.is_active(pod) and pod["status"]["phase"] == "Running"]
    what = dice.choice(["succeed", "succeed", "fail", "delete", "suspend", "resume", "parallel", "wait", "restart"])
    if what in ("succeed", "fail") and some:
        world.exit(dice.choice(some), 0 if what == "succeed" else 1)
    elif what == "delete" and some:
        world.delete("Pod", dice.choice(some)["metadata"]["name"])
    elif what in ("suspend", "resume"):
        world.patch("Job", "sum", {"spec": {"suspend": what == "suspend"}})
    elif what == "parallel":
        world.patch("Job", "sum", {"spec": {"parallelism": dice.randint(0, 4)}})
    elif what == "restart":
        world.reborn()
        world.resync()
    world.advance(dice.choice([1, 5, 30]))


def bring_to_its_end(world: World) -> None:
    world.patch("Job", "sum", {"spec": {"suspend": False, "parallelism": 2}})
    for _ in range(30):
        world.advance(400)
        some = [pod for pod in world.all("Pod") if pods.is_active(pod)]
        if not some:
            return
        world.exit(some[0])


def ended_tracked(since: int) -> dict[str, set[str]]:
    """Uids of pods that ended with the finalizer on, by the phase they ended in: what has to be counted."""
    ended: dict[str, set[str]] = {"Succeeded": set(), "Failed": set()}
    for entry in changes.after(since, kinds=["Pod"], limit=10_000):
        pod = orjson.loads(entry.data)
        phase = pod["status"].get("phase")
        if phase in ended and pods.is_tracked(pod):
            ended[phase].add(entry.uid)
    return ended


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(STORIES))
def test_every_story_settles(world: World, shape: JSON, seed: int) -> None:
    dice, since = random.Random(seed), changes.head()
    world.create(manifests.job(completions=3, parallelism=2, backoffLimit=20, **shape))
    world.settle()
    for _ in range(12):
        act(world, dice)
    bring_to_its_end(world)

    job = world.get("Job", "sum")
    status, ended = job["status"], ended_tracked(since)
    assert jobs.state(job) in ("Complete", "Failed")
    assert status["uncountedTerminatedPods"] == {}
    assert (status.get("active", 0), status["ready"], status["terminating"]) == (0, 0, 0)
    assert not any(pods.is_tracked(pod) or pods.is_active(pod) for pod in world.all("Pod"))
    if jobs.state(job) == "Complete":
        assert status["succeeded"] == 3
    if "completionMode" not in shape and jobs.state(job) == "Complete":
        assert len(ended["Succeeded"]) == 3
    if shape.get("podReplacementPolicy") == "Failed":
        assert status.get("failed", 0) == len(ended["Failed"])
