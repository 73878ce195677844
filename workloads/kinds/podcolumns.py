"""The columns of `kubectl get pods`. STATUS and RESTARTS are computed as upstream's printer does, from the statuses of
the containers rather than from the phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workloads.kinds import gates
from workloads.kinds.base import Column
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.meta import conditions, times

JSON = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """A pod in three words."""

    reason: str
    """What STATUS says: Running, ContainerCreating, CrashLoopBackOff, Completed, Terminating, ..."""
    ready: int
    restarts: int
    last_restart: str
    """When a container last ended and was started again; "" never."""


def summarize(pod: JSON) -> Summary:
    """The words a list shows for `pod`. The console uses them too."""
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Pending"
    if (conditions.find(status, "PodScheduled") or {}).get("reason") == gates.GATED:
        reason = gates.GATED
    initial = _initializing(pod)
    inits, mains = status.get("initContainerStatuses") or [], status.get("containerStatuses") or []
    names = _sidecars(pod)
    sidecars = [container for container in inits if container.get("name") in names]
    ready = sum(_runs(container) for container in sidecars)
    if initial and not conditions.is_true(status, "Initialized"):
        return Summary(_ending(pod, initial), ready, _restarts(inits), _last_restart(inits))
    reason = _of_containers(mains, reason)
    if reason == "Completed" and any(_runs(container) for container in mains):
        reason = "Running" if conditions.is_true(status, "Ready") else "NotReady"
    ready += sum(_runs(container) for container in mains)
    lasting = [*sidecars, *mains]
    return Summary(_ending(pod, reason), ready, _restarts(lasting), _last_restart(lasting))


def _initializing(pod: JSON) -> str:
    """What the first init container that is not done says; "" when all are."""
    statuses, sidecars = (pod.get("status") or {}).get("initContainerStatuses") or [], _sidecars(pod)
    for index, container in enumerate(statuses):
        if container.get("name") in sidecars and container.get("started"):
            continue
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated and terminated.get("exitCode") == 0:
            continue
        if terminated:
            return f"Init:{_ended(terminated)}"
        if waiting.get("reason", "PodInitializing") != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(pod['spec'].get('initContainers') or [])}"
    return ""


def _sidecars(pod: JSON) -> set[str]:
    """The names of the init containers that go on running."""
    inits = pod["spec"].get("initContainers") or []
    return {container.get("name", "") for container in inits if container.get("restartPolicy") == "Always"}


def _of_containers(statuses: list[JSON], reason: str) -> str:
    """The first container that has something to say decides, so the last one is asked first."""
    for container in reversed(statuses):
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated:
            reason = _ended(terminated)
    return reason


def _ended(terminated: JSON) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _ending(pod: JSON, reason: str) -> str:
    status = pod.get("status") or {}
    if not pod["metadata"].get("deletionTimestamp"):
        return reason
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return reason if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _runs(container: JSON) -> bool:
    state = container.get("state") or {}
    return bool(container.get("ready")) and state.get("running") is not None


def _restarts(statuses: list[JSON]) -> int:
    return sum(container.get("restartCount", 0) for container in statuses)


def _last_restart(statuses: list[JSON]) -> str:
    ends = [
        ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or "" for container in statuses
    ]
    return max(ends, default="")


def _restarts_cell(pod: JSON, now: float) -> str:
    summary = summarize(pod)
    if not summary.restarts or not summary.last_restart:
        return str(summary.restarts)
    return f"{summary.restarts} ({times.age(summary.last_restart, now)} ago)"


def _ready_cell(pod: JSON, now: float) -> str:
    return f"{summarize(pod).ready}/{len(pod['spec'].get('containers') or []) + len(_sidecars(pod))}"


def _gates_cell(pod: JSON, now: float) -> str:
    gates = pod["spec"].get("readinessGates") or []
    status = pod.get("status") or {}
    passed = sum(conditions.is_true(status, gate.get("conditionType", "")) for gate in gates)
    return f"{passed}/{len(gates)}" if gates else NONE


COLUMNS = (
    NAME,
    Column("Ready", _ready_cell, description="The aggregate readiness state of this pod for accepting traffic."),
    Column(
        "Status",
        lambda pod, now: summarize(pod).reason,
        description="The aggregate status of the containers in this pod.",
    ),
    Column("Restarts", _restarts_cell, description="How often containers were restarted, and when last."),
    AGE,
    Column("IP", lambda pod, now: (pod.get("status") or {}).get("podIP") or NONE, priority=1),
    Column("Node", lambda pod, now: pod["spec"].get("nodeName") or NONE, priority=1),
    Column("Nominated Node", lambda pod, now: (pod.get("status") or {}).get("nominatedNodeName") or NONE, priority=1),
    Column("Readiness Gates", _gates_cell, priority=1),
)
