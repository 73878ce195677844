"""Init containers one after the other, sidecars among them, and what people read meanwhile."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.kinds.podcolumns import summarize
from workloads.meta import conditions
from workloads.meta.keys import Uid
from workloads.node.asking import Outcome

JSON = dict[str, Any]


def made(*inits: JSON, **spec: Any) -> JSON:
    return manifests.pod(initContainers=list(inits), **spec)


def init(name: str) -> JSON:
    return manifests.container(name)


def sidecar(name: str = "proxy", **fields: Any) -> JSON:
    return manifests.container(name) | {"restartPolicy": "Always"} | fields


def word(world: World) -> str:
    """What STATUS says."""
    return summarize(world.pod()).reason


def entry(world: World, name: str) -> JSON:
    statuses = world.pod()["status"]["initContainerStatuses"]
    return next(dict(one) for one in statuses if one["name"] == name)


def running(world: World) -> set[str]:
    (box,) = world.runtime.sandboxes()
    return {name for name, one in box.containers.items() if one.state == "running"}


def test_init_containers_run_one_after_the_other_and_then_the_main_ones(world: World) -> None:
    pod = world.create(made(init("first"), init("second")))
    world.settle()
    assert running(world) == {"first"}
    assert (word(world), world.pod()["status"]["phase"]) == ("Init:0/2", "Pending")
    assert entry(world, "second")["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert world.container()["state"] == {"waiting": {"reason": "PodInitializing"}}
    world.exit(pod, container="first")
    assert running(world) == {"second"}
    assert word(world) == "Init:1/2"
    initialized = conditions.find(world.pod()["status"], "Initialized")
    assert initialized is not None
    assert initialized["message"] == "containers with incomplete status: [second]"
    world.exit(pod, container="second")
    assert running(world) == {"app"}
    assert word(world) == "Running"
    assert conditions.is_true(world.pod()["status"], "Initialized")
    assert [entry(world, name)["ready"] for name in ("first", "second")] == [True, True]
    assert entry(world, "first")["state"]["terminated"]["reason"] == "Completed"


def test_an_init_container_that_fails_is_tried_again_and_backs_off(world: World) -> None:
    pod = world.create(made(init("first")))
    world.settle()
    world.exit(pod, 1, container="first")
    assert word(world) == "Init:0/1"
    assert entry(world, "first")["restartCount"] == 1
    world.exit(pod, 1, container="first")
    assert word(world) == "Init:CrashLoopBackOff"
    assert summarize(world.pod()).restarts == 1
    world.advance(11)
    world.exit(pod, container="first")
    assert word(world) == "Running"


def test_a_pod_that_never_restarts_fails_with_its_init_container(world: World) -> None:
    pod = world.create(made(init("first"), restartPolicy="Never"))
    world.settle()
    world.exit(pod, 3, container="first")
    status = world.pod()["status"]
    assert (status["phase"], word(world)) == ("Failed", "Init:Error")
    assert "finishedAt" in status["lifecycle"]
    assert world.container()["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_a_main_container_that_restarts_runs_no_init_container_again(world: World) -> None:
    pod = world.create(made(init("first")))
    world.settle()
    world.exit(pod, container="first")
    world.exit(pod, 1)
    assert running(world) == {"app"}
    assert entry(world, "first")["restartCount"] == 0


def test_a_new_sandbox_is_prepared_anew(world: World) -> None:
    pod = world.create(made(init("first")))
    world.settle()
    world.exit(pod, container="first")
    world.runtime.lose_sandbox(Uid(pod["metadata"]["uid"]))
    world.happened(pod)
    assert running(world) == {"first"}
    assert word(world) == "Init:0/1"
    world.exit(pod, container="first")
    assert running(world) == {"app"}
    assert world.container()["restartCount"] == 1
    assert word(world) == "Running"


# Sidecars


def test_a_sidecar_starts_before_what_follows_and_goes_on(world: World) -> None:
    pod = world.create(made(sidecar(), init("second")))
    world.settle()
    assert running(world) == {"proxy", "second"}
    world.exit(pod, container="second")
    assert running(world) == {"proxy", "app"}
    assert summarize(world.pod()).ready == 2
    assert entry(world, "proxy")["started"]
    assert conditions.is_true(world.pod()["status"], "Ready")


def test_what_follows_a_sidecar_waits_for_its_startup_probe(world: World) -> None:
    world.answers["proxy", "startup"] = Outcome(passes=False, words="no")
    world.create(made(sidecar(startupProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 60})))
    world.advance(5)
    assert running(world) == {"proxy"}
    assert word(world) == "Init:0/1"
    world.answers.clear()
    world.advance(2)
    assert running(world) == {"proxy", "app"}


def test_a_sidecar_that_ends_starts_again_whatever_the_pods_policy(world: World) -> None:
    pod = world.create(made(sidecar(), restartPolicy="Never"))
    world.settle()
    world.exit(pod, container="proxy")
    assert running(world) == {"proxy", "app"}
    assert summarize(world.pod()).restarts == 1


def test_a_pod_is_unready_with_its_sidecar(world: World) -> None:
    world.answers["proxy", "readiness"] = Outcome(passes=False, words="no")
    world.create(made(sidecar(readinessProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1})))
    world.advance(3)
    assert running(world) == {"proxy", "app"}
    assert world.container()["ready"]
    assert not conditions.is_true(world.pod()["status"], "Ready")


def test_sidecars_go_when_the_work_is_done_and_do_not_decide_how_it_ended(world: World) -> None:
    pod = world.create(made(sidecar(), sidecar("logs"), restartPolicy="Never"))
    world.settle()
    assert running(world) == {"proxy", "logs", "app"}
    world.exit(pod)
    world.advance(1)
    status = world.pod()["status"]
    assert status["phase"] == "Succeeded"
    assert running(world) == set()
    assert world.events("Killing") == ["Stopping container logs", "Stopping container proxy"]


def test_sidecars_are_stopped_last_and_in_reverse(world: World) -> None:
    world.create(made(sidecar(), sidecar("logs"), terminationGracePeriodSeconds=30))
    world.settle()
    asked: list[str | None] = []
    stop = world.runtime.terminate

    def note(uid: Uid, container: str | None = None) -> None:
        asked.append(container)
        stop(uid, container=container)

    world.runtime.terminate = note  # type: ignore[method-assign]
    world.delete("Pod", "one", grace_seconds=30)
    world.advance(1)
    assert asked == ["app", "logs", "proxy"]
    assert world.all("Pod") == []


# Its time


def test_a_pod_whose_time_is_over_fails_and_says_so(world: World) -> None:
    world.create(manifests.pod(activeDeadlineSeconds=20))
    world.advance(19)
    assert world.pod()["status"]["phase"] == "Running"
    world.advance(3)
    status = world.pod()["status"]
    assert (status["phase"], status["reason"], word(world)) == ("Failed", "DeadlineExceeded", "Error")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert "finishedAt" in status["lifecycle"]
    assert world.events("DeadlineExceeded") == [status["message"]]
    assert world.events("Killing") == ["Stopping container app"]


def test_a_pod_that_waits_for_its_image_has_no_more_time_than_another(world: World) -> None:
    world.background = []
    world.create(manifests.pod(containers=[manifests.container(image="slow:1")], activeDeadlineSeconds=20))
    world.advance(22)
    status = world.pod()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    world.pull()
    world.advance(1)
    assert world.runtime.sandboxes() == []
