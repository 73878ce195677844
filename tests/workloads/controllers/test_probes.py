"""What probes say becomes what people see: ready or not, started or not, killed and started again."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.meta import conditions
from workloads.node.asking import Outcome
from workloads.store import changes
from workloads.store.models import ProbeWord

JSON = dict[str, Any]
TEAPOT = Outcome(passes=False, words="HTTP probe failed with statuscode: 503")
UNREADY, DEAD, UNSTARTED = ("app", "readiness"), ("app", "liveness"), ("app", "startup")


def probed(*which: str, policy: str = "Always", **numbers: Any) -> JSON:
    """A pod whose container has these probes."""
    container = manifests.container()
    for name in which:
        container[f"{name}Probe"] = {"httpGet": {"port": 80, "path": "/healthz"}, **numbers}
    return manifests.pod(containers=[container], restartPolicy=policy)


def is_ready(world: World) -> bool:
    return conditions.is_true(world.pod()["status"], "Ready")


def test_a_pod_is_not_ready_before_its_readiness_probe_passes(world: World) -> None:
    world.answers[UNREADY] = TEAPOT
    world.create(probed("readiness", periodSeconds=2))
    world.advance(5)
    container = world.container()
    assert (container["started"], container["ready"]) == (True, False)
    for type in ("Ready", "ContainersReady"):
        condition = conditions.find(world.pod()["status"], type)
        assert condition is not None
        assert (condition["status"], condition["message"]) == ("False", "containers with unready status: [app]")
    world.answers.clear()
    world.advance(2)
    assert is_ready(world)
    assert world.container()["ready"]


def test_a_failed_probe_is_told_with_the_kubelets_words(world: World) -> None:
    world.answers[UNREADY] = TEAPOT
    world.create(probed("readiness", periodSeconds=1))
    world.advance(20)
    assert world.events("Unhealthy") == ["Readiness probe failed: HTTP probe failed with statuscode: 503"]


def test_the_initial_delay_is_waited_for(world: World) -> None:
    world.create(probed("readiness", initialDelaySeconds=7))
    world.advance(6)
    assert not is_ready(world)
    world.advance(1)
    assert is_ready(world)
    assert world.pod()["status"]["lifecycle"]["readyAt"] > world.pod()["status"]["lifecycle"]["startedAt"]


def test_a_ready_pod_stays_ready_until_so_many_probes_have_failed_in_a_row(world: World) -> None:
    world.create(probed("readiness", periodSeconds=1, failureThreshold=3, successThreshold=2))
    world.advance(3)
    assert is_ready(world)
    world.answers[UNREADY] = TEAPOT
    world.advance(2)
    assert is_ready(world)
    world.advance(1)
    assert not is_ready(world)
    world.answers.clear()
    world.advance(1)
    assert not is_ready(world)
    world.advance(1)
    assert is_ready(world)


def test_a_container_that_fails_its_liveness_probe_is_killed_and_restarted(world: World) -> None:
    world.create(probed("liveness", periodSeconds=1, failureThreshold=2))
    world.advance(3)
    world.answers[DEAD] = TEAPOT
    world.advance(1)
    assert world.container()["restartCount"] == 0
    world.advance(1)
    world.answers.clear()
    world.advance(1)
    container = world.container()
    assert container["restartCount"] == 1
    assert container["lastState"]["terminated"]["exitCode"] == 143
    assert world.events("Killing") == ["Container app failed liveness probe, will be restarted"]
    assert is_ready(world)


def test_a_pod_that_never_restarts_fails_with_its_liveness_probe(world: World) -> None:
    world.answers[DEAD] = TEAPOT
    world.create(probed("liveness", periodSeconds=1, failureThreshold=1, policy="Never"))
    world.advance(3)
    assert world.pod()["status"]["phase"] == "Failed"
    assert world.events("Killing") == ["Container app failed liveness probe"]


def test_nothing_else_is_asked_until_the_startup_probe_has_passed(world: World) -> None:
    world.answers |= {UNSTARTED: TEAPOT, DEAD: TEAPOT, UNREADY: TEAPOT}
    world.create(probed("startup", "liveness", "readiness", periodSeconds=1, failureThreshold=5))
    world.advance(3)
    container = world.container()
    assert (container["started"], container["ready"]) == (False, False)
    assert world.events("Unhealthy") == ["Startup probe failed: HTTP probe failed with statuscode: 503"]
    world.answers.clear()
    world.advance(1)
    container = world.container()
    assert (container["started"], container["ready"]) == (True, True)


def test_a_container_that_never_starts_up_is_restarted(world: World) -> None:
    world.answers[UNSTARTED] = TEAPOT
    world.create(probed("startup", periodSeconds=1, failureThreshold=2))
    world.advance(1.5)
    assert world.events("Killing") == ["Container app failed startup probe, will be restarted"]
    assert world.container()["restartCount"] == 1


def test_what_keeps_failing_backs_off(world: World) -> None:
    world.answers[DEAD] = TEAPOT
    world.create(probed("liveness", periodSeconds=1, failureThreshold=1))
    world.advance(3)
    assert world.container()["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_a_word_is_written_when_it_changes_and_not_for_each_probe(world: World) -> None:
    world.create(probed("readiness", "liveness", periodSeconds=1))
    world.advance(2)
    assert [(word.probe, word.passes) for word in ProbeWord.objects.all()] == [("readiness", True)]
    before = changes.head()
    world.advance(600)
    assert changes.head() == before


def test_an_agent_that_dies_forgets_nothing_but_its_counting(world: World) -> None:
    world.create(probed("readiness", periodSeconds=1))
    world.advance(2)
    world.answers[UNREADY] = TEAPOT
    world.agent_reborn()
    world.settle()
    assert is_ready(world)
    world.advance(3)
    assert not is_ready(world)


def test_a_probe_whose_port_is_not_there_is_told_and_decides_nothing(world: World) -> None:
    world.answers[DEAD] = Outcome(None, "couldn't find port: web")
    world.create(probed("liveness", periodSeconds=1))
    world.advance(20)
    assert world.events("Unhealthy") == ["Liveness probe errored: couldn't find port: web"]
    assert world.container()["restartCount"] == 0


def test_a_pod_that_is_gone_leaves_no_words(world: World) -> None:
    world.create(probed("readiness"))
    world.advance(1)
    world.delete("Pod", "one")
    world.advance(3)
    assert not ProbeWord.objects.exists()


def test_a_rollout_to_pods_that_never_become_ready_leaves_the_old_ones_serving(world: World) -> None:
    world.create(manifests.deployment(replicas=2))
    world.advance(2)
    world.answers[UNREADY] = TEAPOT
    template = world.get("Deployment", "web")["spec"]["template"]
    template["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 80}, "periodSeconds": 1}
    world.patch("Deployment", "web", {"spec": {"template": template}})
    world.advance(60)
    status = world.get("Deployment", "web")["status"]
    assert (status["readyReplicas"], status["availableReplicas"], status["unavailableReplicas"]) == (2, 2, 1)
    serving = [pod for pod in world.all("Pod") if conditions.is_true(pod["status"], "Ready")]
    assert all("readinessProbe" not in pod["spec"]["containers"][0] for pod in serving)


@pytest.mark.parametrize("which", ["startup", "liveness"])
def test_the_probes_own_grace_period_counts(world: World, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.answers["app", which] = TEAPOT
    manifest = probed(which, periodSeconds=1, failureThreshold=1, terminationGracePeriodSeconds=5)
    manifest["spec"]["terminationGracePeriodSeconds"] = 60
    world.create(manifest)
    world.advance(4)
    assert world.container()["restartCount"] == 0
    world.advance(2)
    assert world.container()["restartCount"] == 1
