"""A worker may die between any two steps: the next one ends up in the same world.

Every call to the runtime and every write through the front door is a step. For each n, the n-th step is the last one
the worker makes (once before it takes effect, once after); then a new worker gets what the dead one had claimed.
Where nothing at all has changed since the step before, to die before a step is to die after that one: it is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine
from django.db import connection, transaction

from tests import manifests
from tests.workloads.controllers.conftest import NOON
from tests.workloads.controllers.world import World
from workloads.client import Client
from workloads.node import storage
from workloads.node.asking import Outcome
from workloads.runtimes.simulated import Simulated
from workloads.runtimes.simulatedclaims import SimulatedClaims
from workloads.store import changes

JSON = dict[str, Any]

STEPS = {
    Simulated: (
        "has_image",
        "pull",
        "ensure_network",
        "remove_network",
        "ensure_volumes",
        "ensure_sandbox",
        "start_container",
        "observe",
        "terminate",
        "kill",
        "exec",
        "stop_sandbox",
        "remove_sandbox",
    ),
    SimulatedClaims: ("ensure", "remove"),
    Client: ("create", "update", "patch", "delete", "record_event"),
}
MARKS = ("pullStartedAt", "pulledAt", "createdAt", "startedAt", "readyAt", "finishedAt")


class Killed(BaseException):
    """The worker process is no more."""


class Failpoint:
    """Counts steps; kills at number `at`, before or after it. Dead workers do nothing more until `revive`."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.after = False
        self.count = 0
        self.dead = False
        self.picture: Callable[[], object] | None = None
        """Of all that outlives a worker; while it is set, `told` gets the steps before which nothing was new."""
        self.seen: object = None
        self.told: set[int] = set()

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(owner, Client) and not owner.identity.is_controller:
                return step(owner, *args, **kwargs)
            if self.dead:
                raise Killed
            self.count += 1
            last = self.count == self.at
            if last and not self.after:
                self._die()
            if self.picture and self.picture() == self.seen:
                self.told.add(self.count)
            result = step(owner, *args, **kwargs)
            if last:
                self._die()
            if self.picture:
                self.seen = self.picture()
            return result

        return stepping

    def _die(self) -> None:
        self.dead = True
        raise Killed


@pytest.fixture
def failpoint(monkeypatch: pytest.MonkeyPatch) -> Failpoint:
    failpoint = Failpoint()
    for owner, names in STEPS.items():
        for name in names:
            monkeypatch.setattr(owner, name, failpoint.wrap(getattr(owner, name)))
    return failpoint


@contextmanager
def fresh_world(folder: Path) -> Iterator[World]:
    """A world of its own for each n; nothing of it stays."""
    with time_machine.travel(NOON, tick=False) as travel, transaction.atomic():
        world = World(travel, folder)
        world.place = changes.head()
        world.runtime.add_image(manifests.IMAGE, local=False)
        yield world
        transaction.set_rollback(True)


def live(world: World, failpoint: Failpoint, act: Callable[[World], None]) -> None:
    """Does `act`; when the worker dies of it, a new one takes over and does the rest."""
    try:
        act(world)
        world.advance(40)
    except Killed:
        failpoint.dead, failpoint.at = False, None
        world.reborn()
        world.advance(60)


def every_kill(
    folder: Path, failpoint: Failpoint, *, prepare: Callable[[World], None], act: Callable[[World], None]
) -> Iterator[tuple[World, str]]:
    """The world after each possible kill; the first one is the world where nobody died."""
    with fresh_world(folder) as world:
        prepare(world)
        failpoint.count, failpoint.told, failpoint.seen = 0, set(), None
        failpoint.picture = partial(picture, world)
        live(world, failpoint, act)
        failpoint.picture = None
        total = failpoint.count
        assert total > 3, "nothing to interrupt"
        yield world, "nobody killed"
    for after in (False, True):
        for at in range(1, total + 1):
            if not after and at in failpoint.told:
                continue
            with fresh_world(folder) as world:
                failpoint.at = None
                prepare(world)
                failpoint.count, failpoint.after, failpoint.at = 0, after, at
                live(world, failpoint, act)
                assert failpoint.at is None, "nobody died"
                yield world, f"killed {'after' if after else 'before'} step {at} of {total}"
    failpoint.at = None


def picture(world: World) -> object:
    """All that a worker leaves behind when it dies: what it wrote, also to transactions that it has not ended, what
    runs, what is archived, what waits, and the time."""
    return (
        connection.connection.total_changes,
        tuple(connection.savepoint_ids),
        repr(vars(world.runtime)),
        repr(vars(world.runtime.claims)),
        sorted((str(path), path.stat().st_mtime_ns) for path in world.folder.rglob("*")),
        repr((world.place, world.due, world.failures, world.errors, world.answers)),
        datetime.now(UTC),
    )


def marks_stand(since: int) -> bool:
    """Once set, a mark never changes, in any version of any pod."""
    known: dict[tuple[str, str], str] = {}
    for entry in changes.after(since, kinds=["Pod"], limit=10_000):
        lifecycle = (orjson.loads(entry.data).get("status") or {}).get("lifecycle") or {}
        for mark in MARKS:
            before = known.get((entry.uid, mark))
            if before is not None and lifecycle.get(mark) != before:
                return False
            if mark in lifecycle:
                known[entry.uid, mark] = lifecycle[mark]
    return True


@pytest.mark.timeout(600)
def test_a_deployment_comes_up_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def act(world: World) -> None:
        world.create(manifests.deployment())
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=lambda world: world.namespace(), act=act):
        pods = world.all("Pod")
        assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 2, when
        assert {box.uid for box in world.runtime.sandboxes()} == {pod["metadata"]["uid"] for pod in pods}, when
        assert all(entry["restartCount"] == 0 for pod in pods for entry in pod["status"]["containerStatuses"]), when
        assert world.get("Deployment", "web")["status"]["availableReplicas"] == 2, when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_pod_ends_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.pod())
        world.settle()

    def act(world: World) -> None:
        world.delete("Pod", "one")
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert world.all("Pod") == [], when
        assert world.runtime.sandboxes() == [], when
        assert marks_stand(0), when
        gone = [entry for entry in changes.after(0, kinds=["Pod"], limit=10_000) if entry.type == "DELETED"]
        assert [("finishedAt" in orjson.loads(entry.data)["status"]["lifecycle"]) for entry in gone] == [True], when
        (ended,) = world.alice.ended_pods("shop").items
        assert ended.outcome == "Deleted", when
        assert [life.attempt for life in world.archive.waiting() if life.uid == ended.uid] == [0], when


@pytest.mark.timeout(600)
def test_a_namespace_goes_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.deployment(replicas=1))
        world.settle()

    def act(world: World) -> None:
        world.delete("Namespace", "shop", namespace="")
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert world.all("Namespace", None) == [], when
        assert [world.all(kind) for kind in ("Deployment", "ReplicaSet", "Pod", "Network")] == [[]] * 4, when
        assert world.runtime.sandboxes() == [], when


@pytest.mark.timeout(600)
def test_a_rolling_update_ends_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.runtime.add_image("web:2", local=False)
        world.create(manifests.deployment(replicas=1))
        world.advance(1)

    def act(world: World) -> None:
        template = world.get("Deployment", "web")["spec"]["template"]
        template["spec"]["containers"][0]["image"] = "web:2"
        world.patch("Deployment", "web", {"spec": {"template": template}})
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        pods = world.all("Pod")
        assert [pod["spec"]["containers"][0]["image"] for pod in pods] == ["web:2"], when
        assert {box.uid for box in world.runtime.sandboxes()} == {pod["metadata"]["uid"] for pod in pods}, when
        assert sorted(one["spec"]["replicas"] for one in world.all("ReplicaSet")) == [0, 1], when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_namespace_gets_one_network_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    for world, when in every_kill(tmp_path, failpoint, prepare=lambda world: None, act=lambda world: world.namespace()):
        assert [one["status"]["state"] for one in world.all("Network")] == ["Active"], when


@pytest.mark.timeout(600)
def test_a_crash_is_answered_by_one_restart_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.pod())
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=lambda world: world.exit(world.pod(), 1)):
        assert world.container()["restartCount"] == 1, when
        assert "running" in world.container()["state"], when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_prepared_pod_comes_up_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def act(world: World) -> None:
        first, proxy = manifests.container("first"), manifests.container("proxy") | {"restartPolicy": "Always"}
        app = manifests.container() | {"lifecycle": {"postStart": {"exec": {"command": ["greet"]}}}}
        pod = world.create(manifests.pod(initContainers=[first, proxy], containers=[app]))
        world.advance(1)
        world.exit(pod, container="first")

    def finish(world: World) -> None:
        """The worker died before the container could end: it ends now."""
        pod = world.pod()
        if "running" in pod["status"]["initContainerStatuses"][0]["state"]:
            world.exit(pod, container="first")

    for world, when in every_kill(tmp_path, failpoint, prepare=lambda world: world.namespace(), act=act):
        finish(world)
        status = world.pod()["status"]
        assert (status["phase"], world.container()["ready"]) == ("Running", True), when
        statuses = (*status["initContainerStatuses"], *status["containerStatuses"])
        assert [entry["restartCount"] for entry in statuses] == [0, 0, 0], when
        assert ("app", "greet") in world.runtime.commands, when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_container_that_fails_its_probe_restarts_once_whoever_dies(
    db: None, tmp_path: Path, failpoint: Failpoint
) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        probe = {"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": 1}
        app = manifests.container() | {
            "livenessProbe": probe,
            "lifecycle": {"preStop": {"exec": {"command": ["farewell"]}}},
        }
        world.create(manifests.pod(containers=[app], terminationGracePeriodSeconds=5))
        world.advance(1)

    def act(world: World) -> None:
        world.answers["app", "liveness"] = lambda probe: Outcome(passes=probe.attempt > 0, words="no")
        world.advance(1)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert world.container()["restartCount"] == 1, when
        assert world.container()["ready"], when
        assert ("app", "farewell") in world.runtime.commands, when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_pod_with_a_sidecar_ends_in_order_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        proxy = manifests.container("proxy") | {"restartPolicy": "Always"}
        world.create(manifests.pod(initContainers=[proxy]))
        world.advance(1)

    def act(world: World) -> None:
        world.delete("Pod", "one")
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert world.all("Pod") == [], when
        assert world.runtime.sandboxes() == [], when
        assert marks_stand(0), when


@pytest.mark.timeout(600)
def test_a_pod_is_evicted_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        world.create(manifests.deployment(replicas=1))
        world.advance(1)

    def act(world: World) -> None:
        (pod,) = world.all("Pod")
        world.runtime.write_layer(pod["metadata"]["uid"], "app", 30 * 1024**3)
        storage.measure(world.runtime)
        world.settle()

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        pods = {pod["status"]["phase"]: pod for pod in world.all("Pod")}
        assert len(world.all("Pod")) == 2, when
        assert pods["Failed"]["status"]["reason"] == "Evicted", when
        assert [box.uid for box in world.runtime.sandboxes()] == [pods["Running"]["metadata"]["uid"]], when
        assert marks_stand(0), when
