"""postStart and preStop: before a container counts as running, and before it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.runtimes.base import Ran
from workloads.store import changes

JSON = dict[str, Any]
HOOK: JSON = {"exec": {"command": ["prepare"]}}


def hooked(*, grace: int = 10, policy: str = "Always", **hooks: JSON) -> JSON:
    container = manifests.container() | {"lifecycle": hooks}
    return manifests.pod(containers=[container], terminationGracePeriodSeconds=grace, restartPolicy=policy)


def answer(code: int | None) -> Callable[[tuple[str, ...]], Ran]:
    return lambda command: Ran(exit_code=code, output=b"")


def exits(world: World) -> list[int]:
    """How the container ended, in every version of the pod's status that says so."""
    found = []
    for entry in changes.after(0, kinds=["Pod"], limit=10_000):
        text = entry.data.decode()
        found += [code for code in (137, 143) if f'"exitCode":{code}' in text]
    return found


def test_a_container_counts_as_running_when_its_post_start_is_done(world: World) -> None:
    world.background = []
    world.create(hooked(postStart=HOOK))
    world.settle()
    assert world.container()["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert world.pod()["status"]["phase"] == "Pending"
    world.pull()
    world.settle()
    assert "running" in world.container()["state"]
    assert world.container()["ready"]
    assert world.runtime.commands == [("app", "prepare")]


def test_a_post_start_that_fails_kills_its_container_which_starts_again(world: World) -> None:
    world.runtime.on_exec("app", answer(1))
    world.create(hooked(postStart=HOOK))
    world.advance(1)
    assert world.events("FailedPostStartHook") == ["PostStartHook failed"]
    assert world.events("Killing") == ["FailedPostStartHook"]
    assert world.container()["restartCount"] >= 1
    world.runtime.on_exec("app", answer(0))
    world.advance(30)
    assert "running" in world.container()["state"]


def test_a_sleep_after_the_start_holds_no_thread(world: World) -> None:
    world.background = []
    world.create(hooked(postStart={"sleep": {"seconds": 5}}))
    world.advance(4)
    assert not world.container()["ready"]
    world.advance(2)
    assert world.container()["ready"]


def test_pre_stop_comes_before_term(world: World) -> None:
    world.background = []
    world.create(hooked(preStop=HOOK))
    world.settle()
    pod = world.pod()
    world.delete("Pod", "one")
    world.settle()
    assert "running" in world.container()["state"]
    world.pull()
    world.settle()
    assert world.all("Pod") == []
    assert world.runtime.commands == [("app", "prepare")]
    assert exits(world)[-1] == 143
    assert world.events("Killing") == ["Stopping container app"]
    assert pod["metadata"]["uid"] not in {box.uid for box in world.runtime.sandboxes()}


def test_pre_stop_has_the_grace_period_and_term_two_seconds_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.background = []
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.create(hooked(preStop=HOOK, grace=10))
    world.settle()
    world.delete("Pod", "one", grace_seconds=10)
    world.advance(11)
    assert world.events("FailedPreStopHook") == ["PreStopHook failed"]
    assert len(world.all("Pod")) == 1
    world.advance(2)
    assert world.all("Pod") == []
    assert exits(world)[-1] == 137


def test_a_pre_stop_that_fails_is_told_and_stops_nothing(world: World) -> None:
    world.create(hooked(preStop=HOOK))
    world.settle()
    world.runtime.on_exec("app", answer(2))
    world.delete("Pod", "one")
    world.settle()
    assert world.events("FailedPreStopHook") == ["PreStopHook failed"]
    assert world.all("Pod") == []


def test_a_sleep_before_the_stop_lets_requests_end(world: World) -> None:
    world.create(hooked(preStop={"sleep": {"seconds": 5}}))
    world.settle()
    world.delete("Pod", "one", grace_seconds=10)
    world.advance(4)
    assert "running" in world.container()["state"]
    world.advance(2)
    assert world.all("Pod") == []


def test_without_grace_there_is_no_hook(world: World) -> None:
    world.create(hooked(preStop=HOOK))
    world.settle()
    world.delete("Pod", "one", grace_seconds=0)
    world.settle()
    assert world.all("Pod") == []
    assert world.runtime.commands == []


def test_a_worker_that_dies_while_a_hook_runs_lets_the_next_run_it_again(world: World) -> None:
    world.background = []
    world.create(hooked(preStop=HOOK))
    world.settle()
    world.delete("Pod", "one", grace_seconds=10)
    world.settle()
    world.reborn()
    world.resync()
    world.settle()
    world.pull()
    world.settle()
    assert world.all("Pod") == []
