"""STATUS, READY and RESTARTS as kubectl prints them elsewhere, state by state."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import podcolumns, registry

KIND = registry.kind("Pod")
RUNNING = {"running": {"startedAt": "1970-01-01T00:00:00Z"}}


def status(state: dict[str, Any], *, ready: bool = False, restarts: int = 0, ended: str = "") -> dict[str, Any]:
    last = {"lastState": {"terminated": {"finishedAt": ended}}} if ended else {}
    return {"state": state, "ready": ready, "restartCount": restarts, **last}


def pod(
    *containers: dict[str, Any], phase: str = "Running", inits: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-0", "creationTimestamp": "1970-01-01T00:00:00Z"},
        "spec": {"containers": [{}] * max(1, len(containers)), "initContainers": [{}] * len(inits)},
        "status": {
            "phase": phase,
            "containerStatuses": list(containers),
            "initContainerStatuses": list(inits),
            **more,
        },
    }


def terminated(**how: Any) -> dict[str, Any]:
    return status({"terminated": how})


def waiting(reason: str) -> dict[str, Any]:
    return status({"waiting": {"reason": reason}})


READY = [{"type": "Ready", "status": "True"}]
UP = status(RUNNING, ready=True)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (pod(phase="Pending"), "Pending"),
        (pod(phase="Failed", reason="Evicted"), "Evicted"),
        (pod(waiting("ContainerCreating"), phase="Pending"), "ContainerCreating"),
        (pod(waiting("ImagePullBackOff"), phase="Pending"), "ImagePullBackOff"),
        (pod(waiting("CrashLoopBackOff")), "CrashLoopBackOff"),
        (pod(UP), "Running"),
        (pod(status(RUNNING)), "Running"),
        (pod(terminated(reason="Completed"), phase="Succeeded"), "Completed"),
        (pod(terminated(reason="Error", exitCode=1), phase="Failed"), "Error"),
        (pod(terminated(reason="OOMKilled"), phase="Failed"), "OOMKilled"),
        (pod(terminated(exitCode=3), phase="Failed"), "ExitCode:3"),
        (pod(terminated(signal=9, exitCode=137), phase="Failed"), "Signal:9"),
        (pod(waiting("CrashLoopBackOff"), UP), "CrashLoopBackOff"),
        (pod(UP, terminated(reason="Error")), "Error"),
        (pod(terminated(reason="Completed"), UP, conditions=READY), "Running"),
        (pod(terminated(reason="Completed"), UP), "NotReady"),
        (pod(phase="Pending", inits=(status({}),)), "Init:0/1"),
        (pod(phase="Pending", inits=(waiting("PodInitializing"),)), "Init:0/1"),
        (pod(phase="Pending", inits=(waiting("ErrImagePull"),)), "Init:ErrImagePull"),
        (pod(phase="Pending", inits=(terminated(exitCode=0), status(RUNNING))), "Init:1/2"),
        (pod(phase="Pending", inits=(terminated(exitCode=2),)), "Init:ExitCode:2"),
        (pod(phase="Pending", inits=(terminated(exitCode=2, signal=9),)), "Init:Signal:9"),
        (pod(phase="Pending", inits=(terminated(exitCode=2, reason="Error"),)), "Init:Error"),
        (pod(UP, inits=(terminated(exitCode=0),)), "Running"),
        (pod(UP, inits=(status({}),), conditions=[{"type": "Initialized", "status": "True"}]), "Running"),
    ],
)
def test_status_says_what_the_containers_say(made: dict[str, Any], reason: str) -> None:
    assert podcolumns.summarize(made).reason == reason


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (pod(UP), "Terminating"),
        (pod(phase="Pending", inits=(status({}),)), "Terminating"),
        (pod(UP, reason="NodeLost"), "Unknown"),
        (pod(terminated(reason="Completed"), phase="Succeeded"), "Completed"),
        (pod(terminated(reason="Error"), phase="Failed"), "Error"),
    ],
)
def test_a_pod_that_is_deleted_is_terminating_until_it_has_ended(made: dict[str, Any], reason: str) -> None:
    made["metadata"]["deletionTimestamp"] = "1970-01-01T00:00:00Z"
    assert podcolumns.summarize(made).reason == reason


def cells(made: dict[str, Any], now: float = 400.0) -> dict[str, Any]:
    return {column.name: column.cell(made, now) for column in KIND.columns}


def test_restarts_say_when_the_last_was() -> None:
    one = status(RUNNING, ready=True, restarts=2, ended="1970-01-01T00:01:40Z")
    two = status(RUNNING, restarts=1, ended="1970-01-01T00:01:30Z")
    assert cells(pod(one, two))["Restarts"] == "3 (5m ago)"
    assert cells(pod(one, two))["Ready"] == "1/2"


def test_restarts_without_a_time_are_a_number() -> None:
    assert cells(pod(UP))["Restarts"] == "0"
    assert cells(pod(status(RUNNING, restarts=1)))["Restarts"] == "1"


def test_while_initializing_the_init_containers_restarts_count() -> None:
    assert cells(pod(phase="Pending", inits=(status({}, restarts=4),)))["Restarts"] == "4"


def test_the_row_kubectl_prints() -> None:
    made = pod(UP, podIP="10.0.0.2")
    made["spec"]["nodeName"] = "n1"
    made["metadata"]["annotations"] = {"resource.cci.io/pod-size-specs": "2.00_4.0"}
    assert cells(made) == {
        "Name": "web-0",
        "Ready": "1/1",
        "Status": "Running",
        "Restarts": "0",
        "Age": "6m40s",
        "IP": "10.0.0.2",
        "Node": "n1",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }


def test_a_pod_that_was_just_written_has_a_row() -> None:
    row = cells({"metadata": {"name": "a"}, "spec": {"readinessGates": [{"conditionType": "x"}]}})
    assert (row["Status"], row["Ready"], row["IP"], row["Node"]) == ("Pending", "0/0", "<none>", "<none>")
    assert (row["Readiness Gates"], row["Age"]) == ("0/1", "<unknown>")
