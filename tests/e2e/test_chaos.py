"""Level-triggered: whatever is killed, the world comes to what was asked for, and nobody pays twice."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests import manifests
from tests.daemon import Daemon, private_daemon
from tests.stack import Stack, running_stack

PODS = 20
SECONDS = 400
"""What a claim of a dead worker, the sweep of orphans and the slow look for room may take one after another."""

pytestmark = pytest.mark.timeout(1000)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """A Docker daemon that may be stopped without hurting anybody else's containers."""
    with private_daemon() as running:
        yield running


@pytest.fixture(scope="module")
def fragile(daemon: Daemon) -> Iterator[Stack]:
    with running_stack(docker_host=daemon.host) as running:
        yield running


def ready(stack: Stack) -> int:
    status = stack.get("deployment", "web", "-n", "storm").get("status", {})
    count: int = status.get("readyReplicas", 0)
    return count


def settled(stack: Stack) -> bool:
    """Exactly the pods that were asked for, each with its one pause and one app container that runs, and no container,
    running or ended, of a pod that is not."""
    pods = stack.get("pods", "-n", "storm")["items"]
    return (
        ready(stack) == PODS
        and len(pods) == PODS
        and len(stack.containers("label=cci.io/pod-uid", "status=running")) == 2 * PODS
        and stack.pods_with_containers() == {pod["metadata"]["uid"] for pod in pods}
    )


def ledger_agrees(stack: Stack) -> bool:
    """The bill, computed again from Docker's own times, is the bill that was written."""
    report = stack.manage("recompute_ledger")
    return f"{PODS} pods" in report and ": 0 differences, 0 without a witness" in report


def storm() -> list[manifests.JSON]:
    """Twenty pods that share a claim, and each write their name into it whenever they start."""
    made = manifests.deployment(replicas=PODS)
    pod = made["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    pod["containers"][0] |= {
        "command": ["sh", "-c", "hostname >> /data/names; exec sleep 3600"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    objects = [manifests.claim(), made]
    for each in objects:
        each["metadata"]["namespace"] = "storm"
    return objects


def names_in_the_claim(stack: Stack) -> list[str]:
    """What the pods wrote, the first one first."""
    uid = stack.get("pvc", "data", "-n", "storm")["metadata"]["uid"]
    (folder,) = stack.data.glob(f"pods/claims/*/*/*/{uid}")
    return (folder / "names").read_text().split()


def pod_names(stack: Stack) -> set[str]:
    return {pod["metadata"]["name"] for pod in stack.get("pods", "-n", "storm")["items"]}


def kill_and_await(stack: Stack, program: str) -> None:
    """-9, and then the supervisor's new one and an API that answers."""
    before = stack.pid(program)
    stack.kill(program)
    stack.wait(lambda: stack.pid(program) != before, what=f"a new {program}")
    stack.wait(lambda: stack.kubectl("get", "--raw", "/readyz", check=False) == "ok", what="the API")


def test_twenty_pods_survive_the_death_of_every_process(fragile: Stack) -> None:
    dice = random.Random(20)
    fragile.kubectl("create", "namespace", "storm")
    fragile.apply(*storm())
    fragile.wait(lambda: ready(fragile) >= dice.randint(1, PODS // 2), what="the first pods")
    for program in ("worker", "manager", "web", "redis", "agent"):
        kill_and_await(fragile, program)

    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what=f"exactly {PODS} running pods and no orphan")
    assert ledger_agrees(fragile)
    assert set(names_in_the_claim(fragile)) >= pod_names(fragile)


def test_containers_and_claims_outlive_a_restart_of_the_product(fragile: Stack) -> None:
    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what="a settled start")
    containers, written = set(fragile.containers("label=cci.io/pod-uid")), names_in_the_claim(fragile)
    fragile.stop()
    fragile.start()

    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what="all pods found again")
    assert set(fragile.containers("label=cci.io/pod-uid")) == containers
    assert names_in_the_claim(fragile) == written
    assert ledger_agrees(fragile)


def test_pods_come_back_after_docker_was_stopped(fragile: Stack, daemon: Daemon) -> None:
    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what="a settled start")
    written = names_in_the_claim(fragile)
    daemon.stop()
    fragile.wait(lambda: ready(fragile) < PODS or daemon.stopped, what="the outage")
    daemon.start()

    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what="all pods running again")
    assert ledger_agrees(fragile)
    names = names_in_the_claim(fragile)
    assert names[: len(written)] == written
    assert sorted(set(names[len(written) :])) == sorted(pod_names(fragile))


def test_what_ended_was_billed_once_and_nothing_is_left(fragile: Stack) -> None:
    fragile.wait(lambda: settled(fragile), seconds=SECONDS, what="a settled start")
    fragile.kubectl("delete", "namespace", "storm", "--timeout=90s")

    assert fragile.containers() == []
    fragile.wait(lambda: not_running(fragile), what="the meter to have read the log")
    assert ledger_agrees(fragile)


def not_running(stack: Stack) -> bool:
    report = stack.manage("recompute_ledger")
    return f"{PODS} pods, {PODS} segments" in report
