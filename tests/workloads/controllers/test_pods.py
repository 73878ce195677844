"""Pods become containers, and what becomes of the containers stands in their status."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.base import TerminalError
from workloads.meta import conditions, times
from workloads.runtimes import translate
from workloads.runtimes.base import SandboxSpec, SandboxStatus
from workloads.runtimes.simulated import Simulated
from workloads.store import changes

JSON = dict[str, Any]
MARKS = ("pullStartedAt", "pulledAt", "createdAt", "startedAt", "readyAt")


def state(world: World, name: str = "one", container: str = "app") -> str:
    """`running`, or the reason why not."""
    found = world.container(name, container)["state"]
    return "running" if "running" in found else str(next(iter(found.values()))["reason"])


def test_a_pod_whose_image_is_here_runs_after_one_look(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    status = world.pod()["status"]
    assert status["phase"] == "Running"
    assert all(conditions.is_true(status, type) for type in ("PodScheduled", "Initialized", "Ready", "ContainersReady"))
    assert world.pod()["spec"]["nodeName"] == "node-1"
    assert status["podIP"] == status["podIPs"][0]["ip"]
    assert status["qosClass"] == "Guaranteed"
    assert world.container()["containerID"].startswith("docker://")


def test_it_keeps_its_own_times(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    lifecycle = world.pod()["status"]["lifecycle"]
    assert [lifecycle[mark] for mark in MARKS] == sorted(lifecycle[mark] for mark in MARKS)
    assert "finishedAt" not in lifecycle


def test_its_story_is_told_as_the_kubelet_tells_it(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    assert world.events("Scheduled") == ["Successfully assigned shop/one to node-1"]
    assert world.events("Pulled") == [f'Container image "{manifests.IMAGE}" already present on machine']
    assert world.events("Created") == ["Created container: app"]
    assert world.events("Started") == ["Started container app"]


def test_a_pod_waits_for_its_network_and_costs_nothing_meanwhile(empty_world: World) -> None:
    world = empty_world
    world.runtime.add_image(manifests.IMAGE)
    world.alice.create("Namespace", manifests.namespace("shop"))
    world.create(manifests.pod())
    world.settle()
    scheduled = conditions.find(world.pod()["status"], "PodScheduled")
    assert scheduled is not None
    assert scheduled["message"] == 'namespace "shop" has no Network yet'
    assert "lifecycle" not in world.pod()["status"]
    world.advance(3)
    assert world.pod()["status"]["phase"] == "Running"


# Room


def big(name: str) -> JSON:
    """Half of the room the world's host has (2 cores, 4 times over)."""
    container = manifests.container()
    container["resources"] = {"limits": {"cpu": "2", "memory": "4Gi"}}
    return manifests.pod(name, containers=[container])


def test_a_pod_that_does_not_fit_stays_pending_and_says_what_is_missing(world: World) -> None:
    for name in ("one", "two", "three"):
        world.create(big(name))
    world.settle()
    phases = sorted(pod["status"]["phase"] for pod in world.all("Pod"))
    assert phases == ["Pending", "Running", "Running"]
    assert world.events("FailedScheduling") == ["0/1 nodes are available: needs 4 GiB of memory, 0 GiB free"]
    (waiting,) = [pod for pod in world.all("Pod") if pod["status"]["phase"] == "Pending"]
    assert "lifecycle" not in waiting["status"]


def test_it_starts_as_soon_as_room_is_free(world: World) -> None:
    for name in ("one", "two", "three"):
        world.create(big(name))
    world.settle()
    running = next(pod for pod in world.all("Pod") if pod["status"]["phase"] == "Running")
    world.delete("Pod", running["metadata"]["name"], grace_seconds=0)
    world.settle()
    assert [pod["status"]["phase"] for pod in world.all("Pod")] == ["Running", "Running"]


def test_a_pod_that_has_finished_takes_no_room(world: World) -> None:
    manifest = big("one")
    manifest["spec"]["restartPolicy"] = "Never"
    pod = world.create(manifest)
    for name in ("two", "three"):
        world.create(big(name))
    world.settle()
    world.exit(pod) if world.pod()["spec"].get("nodeName") else None
    assert [world.pod(name)["status"]["phase"] for name in ("two", "three")] == ["Running", "Running"]


# Images


def test_a_pull_holds_no_worker_and_shows_how_far_it_is(world: World) -> None:
    world.background = []
    world.runtime.add_image("web:1", local=False, size_bytes=64_200_000)
    world.create(manifests.pod(containers=[manifests.container(image="web:1")]))
    world.settle()
    assert world.container()["state"]["waiting"] == {
        "reason": "ContainerCreating",
        "message": 'Pulling image "web:1"',
    }
    assert world.pod()["status"]["lifecycle"]["pull"]["image"] == "web:1"
    assert "pullStartedAt" in world.pod()["status"]["lifecycle"]
    assert world.runtime.sandboxes() == []
    world.pull()
    world.settle()
    assert state(world) == "running"
    assert world.pod()["status"]["lifecycle"]["pull"] == {
        "image": "web:1",
        "currentBytes": 64_200_000,
        "totalBytes": 64_200_000,
        "cached": False,
    }
    assert world.events("Pulled") == [
        'Successfully pulled image "web:1" in 0s (0s including waiting). Image size: 64200000 bytes.'
    ]


def test_pods_share_the_pull_of_an_image(world: World) -> None:
    world.background = []
    world.runtime.add_image("web:1", local=False)
    for name in ("one", "two"):
        world.create(manifests.pod(name, containers=[manifests.container(image="web:1")]))
    world.settle()
    world.pull()
    world.settle()
    assert world.runtime.pulls == ["web:1"]
    assert [pod["status"]["phase"] for pod in world.all("Pod")] == ["Running", "Running"]


def test_a_wrong_image_backs_off_with_the_registrys_words_and_recovers_when_it_appears(world: World) -> None:
    world.create(manifests.pod(containers=[manifests.container(image="nope:1")]))
    world.settle()
    words = "manifest for nope:1 not found: manifest unknown: manifest unknown"
    assert world.container()["state"]["waiting"] == {"reason": "ErrImagePull", "message": words}
    world.advance(3)
    assert world.container()["state"]["waiting"] == {
        "reason": "ImagePullBackOff",
        "message": f'Back-off pulling image "nope:1": ErrImagePull: {words}',
    }
    assert set(world.events("Failed")) == {
        f'Failed to pull image "nope:1": {words}',
        "Error: ErrImagePull",
        "Error: ImagePullBackOff",
    }
    world.runtime.add_image("nope:1", local=False)
    world.advance(10)
    assert state(world) == "running"


def test_pulls_are_tried_after_ten_seconds_doubling_to_five_minutes(world: World) -> None:
    world.create(manifests.pod(containers=[manifests.container(image="nope:1")]))
    world.settle()
    tries = [0]
    for second in range(5, 1500, 5):
        before = len(world.runtime.pulls)
        world.advance(5)
        tries += [second] * (len(world.runtime.pulls) - before)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == [10, 20, 40, 80, 160, 300, 300, 300]


def test_the_backoff_survives_the_worker(world: World) -> None:
    world.create(manifests.pod(containers=[manifests.container(image="nope:1")]))
    world.advance(15)
    assert len(world.runtime.pulls) == 2
    world.reborn()
    world.resync()
    world.advance(10)
    assert len(world.runtime.pulls) == 2


def test_never_pull_means_never(world: World) -> None:
    container = manifests.container(image="web:1") | {"imagePullPolicy": "Never"}
    world.create(manifests.pod(containers=[container]))
    world.settle()
    assert world.container()["state"]["waiting"] == {
        "reason": "ErrImageNeverPull",
        "message": 'Container image "web:1" is not present with pull policy of Never',
    }
    world.runtime.add_image("web:1")
    world.advance(11)
    assert state(world) == "running"
    assert world.runtime.pulls == []


def test_always_pull_asks_the_registry_at_every_start(world: World) -> None:
    world.runtime.add_image("web:1")
    container = manifests.container(image="web:1") | {"imagePullPolicy": "Always"}
    pod = world.create(manifests.pod(containers=[container]))
    world.settle()
    assert world.runtime.pulls == ["web:1"]
    world.advance(60)
    world.exit(pod, 1)
    world.advance(1)
    assert world.runtime.pulls == ["web:1", "web:1"]
    assert world.container()["restartCount"] == 1


def test_one_bad_image_does_not_hold_the_other_containers(world: World) -> None:
    containers = [manifests.container("app"), manifests.container("side", image="nope:1")]
    world.create(manifests.pod(containers=containers))
    world.advance(3)
    assert (state(world), state(world, container="side")) == ("running", "ImagePullBackOff")
    assert world.pod()["status"]["phase"] == "Pending"


# Restarts


def test_a_crashing_container_is_restarted_at_once_then_ever_later(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    waits = []
    for _ in range(4):
        world.exit(pod, 3)
        waited = 0
        while state(world) != "running":
            world.advance(1)
            waited += 1
        waits.append(waited)
    assert waits == [0, 10, 20, 40]
    found = world.container()
    assert found["restartCount"] == 4
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert found["lastState"]["terminated"]["reason"] == "Error"


def test_a_container_in_backoff_says_so_as_the_kubelet_does(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    world.exit(pod, 1)
    world.exit(pod, 1)
    where = f"one_shop({pod['metadata']['uid']})"
    assert world.container()["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 10s restarting failed container=app pod={where}",
    }
    assert world.events("BackOff") == [f"Back-off restarting failed container app in pod {where}"]
    status = world.pod()["status"]
    assert (status["phase"], conditions.is_true(status, "Ready")) == ("Running", False)


def test_ten_minutes_of_running_are_forgiving(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    for _ in range(3):
        world.exit(pod, 1)
        world.advance(60)
    world.advance(600)
    world.exit(pod, 1)
    assert (state(world), world.container()["restartCount"]) == ("running", 4)
    world.exit(pod, 1)
    assert "back-off 10s" in world.container()["state"]["waiting"]["message"]


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (1, "Failed")])
def test_a_pod_that_never_restarts_ends_with_its_containers(world: World, code: int, phase: str) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.advance(5)
    world.exit(pod, code)
    status = world.pod()["status"]
    assert status["phase"] == phase
    ended = world.container()["state"]["terminated"]
    assert ended["exitCode"] == code
    assert times.format_seconds(times.parse(status["lifecycle"]["finishedAt"])) == ended["finishedAt"]
    ready = conditions.find(status, "Ready")
    assert ready is not None
    assert ready["reason"] == ("PodCompleted" if code == 0 else "PodFailed")


def test_on_failure_ends_with_success_only(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="OnFailure"))
    world.settle()
    world.exit(pod, 1)
    assert (state(world), world.container()["restartCount"]) == ("running", 1)
    world.exit(pod, 0)
    assert world.pod()["status"]["phase"] == "Succeeded"


def test_a_container_killed_for_its_memory_says_so(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.exit(pod, 137, oom_killed=True)
    assert world.container()["state"]["terminated"]["reason"] == "OOMKilled"


def test_a_container_that_cannot_be_started_shows_the_runtimes_words(world: World) -> None:
    world.runtime.fail_start(manifests.IMAGE, 'exec: "nope": executable file not found in $PATH')
    world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    assert world.pod()["status"]["phase"] == "Failed"
    ended = world.container()["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("ContainerCannotRun", 127)
    assert 'Error: exec: "nope": executable file not found in $PATH' in world.events("Failed")


def test_a_lost_sandbox_comes_back_with_its_containers(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    before = world.pod()["status"]["lifecycle"]
    world.advance(30)
    world.runtime.lose_sandbox(pod["metadata"]["uid"])
    world.happened(pod)
    assert (state(world), world.container()["restartCount"]) == ("running", 1)
    assert world.pod()["status"]["lifecycle"] == before


def test_a_pod_whose_containers_were_removed_behind_our_back_is_started_again(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    world.runtime.remove_sandbox(pod["metadata"]["uid"])
    world.happened(pod)
    assert (state(world), world.container()["restartCount"]) == ("running", 1)


def test_the_daemon_may_be_away_for_a_while(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    world.runtime.stop_daemon()
    world.create(manifests.pod("two"))
    world.happened(pod)
    world.advance(5)
    world.runtime.start_daemon()
    world.advance(30)
    assert (state(world), state(world, "two")) == ("running", "running")


# Deletion


def test_a_deleted_pod_stops_and_goes(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    world.delete("Pod", "one")
    world.settle()
    assert world.all("Pod") == []
    assert world.runtime.sandboxes() == []
    assert world.events("Killing") == ["Stopping container app"]


def test_its_last_state_in_the_log_says_when_it_ended(world: World) -> None:
    world.create(manifests.pod())
    world.advance(30)
    world.delete("Pod", "one")
    world.settle()
    status = last_state(world)["status"]
    assert times.parse(status["lifecycle"]["finishedAt"]) >= times.parse(status["lifecycle"]["startedAt"])
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143


def last_state(world: World) -> JSON:
    gone = [entry for entry in changes.after(0, limit=10_000) if (entry.key.kind, entry.type) == ("Pod", "DELETED")]
    return dict(orjson.loads(gone[-1].data))


def test_a_container_that_ignores_term_has_its_grace_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.create(manifests.pod(terminationGracePeriodSeconds=20))
    world.settle()
    world.delete("Pod", "one")
    world.advance(19)
    assert state(world) == "running"
    world.advance(2)
    assert world.all("Pod") == []
    assert last_state(world)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137


def test_without_grace_it_goes_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.create(manifests.pod(terminationGracePeriodSeconds=20))
    world.settle()
    world.delete("Pod", "one")
    world.settle()
    world.delete("Pod", "one", grace_seconds=0)
    world.settle()
    assert world.all("Pod") == []


def test_a_pod_that_was_never_placed_goes_at_once_and_was_never_billed(world: World) -> None:
    for name in ("one", "two", "three"):
        world.create(big(name))
    world.settle()
    (waiting,) = [pod for pod in world.all("Pod") if not pod["spec"].get("nodeName")]
    world.delete("Pod", waiting["metadata"]["name"])
    world.settle()
    assert "lifecycle" not in last_state(world)["status"]


def test_a_pod_deleted_while_its_image_is_pulled_is_billed_until_then(world: World) -> None:
    world.background = []
    world.runtime.add_image("web:1", local=False)
    world.create(manifests.pod(containers=[manifests.container(image="web:1")]))
    world.advance(5)
    world.delete("Pod", "one")
    world.settle()
    lifecycle = last_state(world)["status"]["lifecycle"]
    billed = times.parse(lifecycle["finishedAt"]) - times.parse(lifecycle["pullStartedAt"])
    assert 5 <= billed.total_seconds() <= 6


def test_finished_pods_keep_their_end_when_they_are_deleted(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.exit(pod)
    before = world.pod()["status"]["lifecycle"]["finishedAt"]
    world.advance(60)
    world.delete("Pod", "one")
    world.settle()
    assert last_state(world)["status"]["lifecycle"]["finishedAt"] == before


def test_a_host_that_was_renamed_keeps_its_pods(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    world.node = "another-name"
    world.reborn()
    world.delete("Pod", "one")
    world.settle()
    assert world.all("Pod") == []


def test_waiting_for_room_is_told_once_not_at_every_look(world: World) -> None:
    for name in ("one", "two", "three"):
        world.create(big(name))
    world.advance(300)
    (event,) = [one for one in world.all("Event") if one["reason"] == "FailedScheduling"]
    assert event["count"] == 1


def test_a_pod_that_no_runtime_can_run_says_so_and_is_not_billed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise translate.Untranslatable("env HOME: valueFrom configMapKeyRef is not supported yet")

    monkeypatch.setattr(translate, "sandbox", refuse)
    world.create(manifests.pod())
    world.advance(60)
    assert world.container()["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    assert "lifecycle" not in world.pod()["status"]
    assert {type(error) for error in world.errors} == {TerminalError}


def test_a_pod_that_has_ended_gives_its_address_back_and_keeps_its_containers(world: World) -> None:
    world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    address = world.pod()["status"]["podIP"]
    world.exit(world.pod())
    (sandbox,) = world.runtime.sandboxes()
    assert (sandbox.running, sandbox.ip) == (False, "")
    assert sandbox.containers["app"].state == "exited"
    assert world.pod()["status"]["podIP"] == address
    world.create(manifests.pod("two"))
    world.settle()
    assert world.pod("two")["status"]["podIP"] == address


# What is made ready while the pod gets its sandbox


def made_ready(world: World, monkeypatch: pytest.MonkeyPatch, pod: JSON) -> list[tuple[str, int] | None]:
    """What the runtime was told would be started first."""
    seen: list[tuple[str, int] | None] = []
    ensure = world.runtime.ensure_sandbox

    def ensure_sandbox(spec: SandboxSpec, *, first: tuple[str, int] | None = None) -> SandboxStatus:
        seen.append(first)
        return ensure(spec, first=first)

    monkeypatch.setattr(world.runtime, "ensure_sandbox", ensure_sandbox)
    world.create(pod)
    world.settle()
    assert world.pod()["status"]["phase"] == "Running"
    return seen


def test_the_first_container_is_made_ready_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made_ready(world, monkeypatch, manifests.pod()) == [("app", 0)]


def test_a_container_that_must_know_the_pods_address_waits_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = manifests.pod()
    where = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    pod["spec"]["containers"][0]["env"] = [where]
    assert made_ready(world, monkeypatch, pod) == [None]


def test_an_image_that_went_behind_our_back_is_pulled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.runtime.lose_image(manifests.IMAGE)
    believed = iter([True])
    monkeypatch.setattr(Simulated, "has_image", lambda runtime, image: next(believed, runtime.image_id(image)))
    world.create(manifests.pod())
    world.advance(10)
    assert world.pod()["status"]["phase"] == "Running"
    assert world.runtime.pulls == [manifests.IMAGE]
    assert not [said for said in world.events() if "already present" in said]


def test_a_status_shows_what_each_container_may_use_and_sees(world: World) -> None:
    app = manifests.container() | {"volumeMounts": [{"name": "scratch", "mountPath": "/data", "readOnly": True}]}
    volumes = [{"name": "scratch", "emptyDir": {}}]
    world.create(manifests.pod(containers=[app], volumes=volumes, automountServiceAccountToken=False))
    world.settle()
    entry = world.container()
    assert entry["resources"] == app["resources"]
    assert entry["volumeMounts"] == [
        {"name": "scratch", "mountPath": "/data", "readOnly": True, "recursiveReadOnly": "Disabled"}
    ]
