"""What `kubectl get pod` will show, computed from the pod, from what the runtime has, and from why things wait. Pure.

Reasons and messages are the kubelet's. Nothing that is known is taken back: a container that can no longer be seen
keeps what its status last said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workloads.controllers.pods import health, order
from workloads.controllers.pods.health import Health
from workloads.controllers.pods.lifecycle import Lifecycle
from workloads.controllers.pods.order import Turn
from workloads.kinds import gates
from workloads.meta import conditions, times
from workloads.runtimes.base import ContainerStatus, SandboxStatus

JSON = dict[str, Any]
FINAL_PHASES = ("Succeeded", "Failed")
EVICTED = "Evicted"
DEADLINE = "Pod was active on the node longer than the specified deadline"
MESSAGES_BYTES = 12 * 1024
_KILLED = 137


@dataclass(frozen=True)
class Waiting:
    """Why a container does not run (yet)."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Seen:
    """What one look found. `waiting` and `health` are by container; `unhooked` are those that run and whose postStart
    is not done, `turn` whose turn it is; `final` says that the pod is being deleted and nothing runs, `overdue` that
    its time is over, `evicted` why it has to go. `logged` is what stands in for a message that was not left
    (`lastwords`), by container id."""

    observed: SandboxStatus | None
    waiting: Mapping[str, Waiting]
    now: datetime
    host_ip: str
    final: bool = False
    health: Mapping[str, Health] = field(default_factory=dict)
    unhooked: frozenset[str] = frozenset()
    turn: Turn = order.NOTHING
    overdue: bool = False
    logged: Mapping[str, str] = field(default_factory=dict)
    evicted: str = ""

    def starting(self) -> str:
        """The reason of a container that has nothing to say of itself yet."""
        return "ContainerCreating" if self.turn.initialized and not self.turn.has_inits else "PodInitializing"


def unplaced(pod: JSON, *, reason: str, message: str, now: datetime) -> JSON:
    """The status of a pod that has no node yet."""
    status: JSON = deepcopy(pod.get("status") or {})
    status["phase"] = "Pending"
    conditions.put(status, "PodScheduled", "False", reason=reason, message=message, now=now)
    return status


def never_placed(pod: JSON) -> JSON:
    """The last status of a pod that was deleted before it had a node."""
    return {**(pod.get("status") or {}), "phase": "Failed"}


def placed(pod: JSON, seen: Seen, lifecycle: Lifecycle) -> JSON:
    """The status of a pod that has a node. Sets marks on `lifecycle`, which becomes part of the status."""
    status: JSON = deepcopy(pod.get("status") or {})
    policy = pod["spec"].get("restartPolicy", "Always")
    containers = _containers(pod["spec"]["containers"], status.get("containerStatuses"), seen)
    inits = _containers(pod["spec"].get("initContainers") or (), status.get("initContainerStatuses"), seen)
    if status.get("phase") not in FINAL_PHASES:
        status["phase"] = _phase(containers, inits, policy=policy, seen=seen)
        if seen.evicted and status["phase"] == "Failed":
            status.update(reason=EVICTED, message=seen.evicted)
        elif seen.overdue and status["phase"] == "Failed":
            status.update(reason="DeadlineExceeded", message=DEADLINE)
    _shorten_messages([*inits, *containers])
    over = status["phase"] in FINAL_PHASES or seen.final
    for container in containers:
        container["ready"] = seen.health.get(container["name"], health.NONE).ready and not over
    for container, init in zip(pod["spec"].get("initContainers") or (), inits, strict=True):
        _set_init_ready(container, init, seen, over=over)
    status["containerStatuses"] = containers
    if inits:
        status["initContainerStatuses"] = inits
    shut = gates.unready(pod["spec"], status)
    _set_marks(lifecycle, seen, containers, spec=pod["spec"], shut=shut)
    if over:
        _finish(lifecycle, [*inits, *containers], seen)
    _set_places(status, seen, lifecycle)
    _set_conditions(status, pod["spec"], seen, shut)
    lifecycle.forget_empty()
    if lifecycle.data:
        status["lifecycle"] = lifecycle.data
    return status


# Containers


def _containers(listed: Iterable[JSON], stored: Iterable[JSON] | None, seen: Seen) -> list[JSON]:
    before = {entry["name"]: entry for entry in stored or ()}
    known = seen.observed.containers if seen.observed else {}
    return [
        _container(container, known.get(container["name"]), before.get(container["name"]), seen) for container in listed
    ]


def _set_init_ready(container: JSON, entry: JSON, seen: Seen, *, over: bool) -> None:
    """A sidecar is ready as a main container is; any other init container when it has done its work."""
    if order.is_sidecar(container):
        entry["ready"] = seen.health.get(container["name"], health.NONE).ready and not over
        return
    entry["started"] = False
    entry["ready"] = (entry["state"].get("terminated") or {}).get("exitCode") == 0


def _container(container: JSON, found: ContainerStatus | None, before: JSON | None, seen: Seen) -> JSON:
    waiting = None if seen.final else seen.waiting.get(container["name"])
    if found is None or found.state == "created":
        return _not_started(container, before, waiting, seen)
    if found.state == "running" and container["name"] in seen.unhooked:
        waiting = Waiting(seen.starting())
        state: JSON = {"waiting": _said(waiting)}
    else:
        state = _state(found, waiting, seen)
    entry: JSON = {
        "name": container["name"],
        "state": state,
        "lastState": _last_state(found, before, waiting, seen),
        "ready": False,
        "restartCount": found.attempt,
        "image": container["image"],
        "imageID": f"docker://{found.image_id}",
        "containerID": f"docker://{found.id}",
        "started": "running" in state and seen.health.get(container["name"], health.NONE).started,
        "resources": deepcopy(container.get("resources") or {}),
    }
    if container.get("volumeMounts"):
        entry["volumeMounts"] = [_mounted(mount) for mount in container["volumeMounts"]]
    return entry


def _mounted(mount: JSON) -> JSON:
    shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
    return {**shown, "readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else shown


def _state(found: ContainerStatus, waiting: Waiting | None, seen: Seen) -> JSON:
    if found.state == "running":
        return {"running": {"startedAt": _seconds(found.started_at)}}
    if waiting:
        return {"waiting": _said(waiting)}
    return {"terminated": _terminated(found, seen)}


def _last_state(found: ContainerStatus, before: JSON | None, waiting: Waiting | None, seen: Seen) -> JSON:
    if found.state == "exited" and waiting:
        return {"terminated": _terminated(found, seen)}
    if found.last is not None and found.last.state == "exited":
        return {"terminated": _terminated(found.last, seen)}
    if before is None:
        return {}
    if before.get("restartCount") == found.attempt:
        return deepcopy(before.get("lastState") or {})
    ended = (before.get("state") or {}).get("terminated")
    return {"terminated": ended} if ended else deepcopy(before.get("lastState") or {})


def _not_started(container: JSON, before: JSON | None, waiting: Waiting | None, seen: Seen) -> JSON:
    """Never started, or somebody took it away behind our back: then what was known of it stands."""
    if before and before.get("containerID"):
        return _lost(before, waiting, seen)
    return {
        "name": container["name"],
        "state": {"waiting": _said(waiting or Waiting(seen.starting()))},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
        "started": False,
    }


def _lost(before: JSON, waiting: Waiting | None, seen: Seen) -> JSON:
    entry = deepcopy(before)
    entry.update(started=False, ready=False)
    ended = entry["state"].get("terminated")
    if waiting:
        entry["lastState"] = {"terminated": ended} if ended else entry.get("lastState") or {}
        entry["state"] = {"waiting": _said(waiting)}
    elif not ended:
        entry["state"] = {"terminated": _unknown(entry, seen.now)}
    return entry


def _unknown(entry: JSON, now: datetime) -> JSON:
    return {
        "exitCode": _KILLED,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located. It used to be there.",
        "startedAt": (entry["state"].get("running") or {}).get("startedAt"),
        "finishedAt": times.format_seconds(now),
        "containerID": entry.get("containerID", ""),
    }


def _terminated(found: ContainerStatus, seen: Seen) -> JSON:
    ended: JSON = {
        "exitCode": found.exit_code if found.exit_code is not None else _KILLED,
        "reason": _reason(found),
        "startedAt": _seconds(found.started_at or found.created_at),
        "finishedAt": _seconds(found.finished_at),
        "containerID": f"docker://{found.id}",
    }
    words = [text for text in (found.error, found.message or seen.logged.get(found.id, "")) if text]
    if words:
        ended["message"] = ": ".join(words)
    return ended


def _shorten_messages(entries: list[JSON]) -> None:
    """What containers say last is bounded for the whole pod, in equal shares."""
    share = MESSAGES_BYTES // len(entries)
    for entry in entries:
        for part in ("state", "lastState"):
            ended = entry[part].get("terminated") or {}
            if len(said := ended.get("message", "").encode()) > share:
                ended["message"] = said[:share].decode(errors="ignore")


def _reason(found: ContainerStatus) -> str:
    if found.oom_killed:
        return "OOMKilled"
    if found.error and found.started_at is None:
        return "ContainerCannotRun"
    return "Completed" if found.exit_code == 0 else "Error"


def _said(waiting: Waiting) -> JSON:
    return {"reason": waiting.reason, "message": waiting.message} if waiting.message else {"reason": waiting.reason}


def _seconds(moment: datetime | None) -> str | None:
    return times.format_seconds(moment) if moment else None


# The pod


def _phase(containers: list[JSON], inits: list[JSON], *, policy: str, seen: Seen) -> str:
    """As the kubelet's getPhase: one container that never started keeps the pod Pending, and nothing is over while
    anything runs (a sidecar that is asked to stop, an overdue container in its grace)."""
    if seen.final:
        return _final_phase([_exit_code(entry) for entry in containers if "running" not in entry["state"]])
    phase = _wanted_phase(containers, policy=policy, seen=seen)
    runs = seen.observed is not None and any(one.state == "running" for one in seen.observed.containers.values())
    if phase not in FINAL_PHASES or not runs:
        return phase
    return "Running" if seen.turn.initialized else "Pending"


def _wanted_phase(containers: list[JSON], *, policy: str, seen: Seen) -> str:
    running = [entry for entry in containers if "running" in entry["state"]]
    codes = [_exit_code(entry) for entry in containers if "running" not in entry["state"]]
    if seen.overdue or seen.evicted or seen.turn.failed:
        return "Failed"
    if None in codes or not seen.turn.initialized:
        return "Pending"
    if running or policy == "Always" or any("waiting" in entry["state"] for entry in containers):
        return "Running"
    return _final_phase(codes) if policy == "Never" or not any(codes) else "Running"


def _final_phase(codes: list[int | None]) -> str:
    """A container that was deleted before it ran has not succeeded."""
    return "Failed" if any(code != 0 for code in codes) else "Succeeded"


def _exit_code(entry: JSON) -> int | None:
    """How it ended last; None when it never ran."""
    ended = entry["state"].get("terminated") or (entry.get("lastState") or {}).get("terminated")
    return int(ended["exitCode"]) if ended else None


def _set_marks(lifecycle: Lifecycle, seen: Seen, containers: list[JSON], *, spec: JSON, shut: list[str]) -> None:
    observed = seen.observed
    if observed is None:
        return
    lifecycle.mark("createdAt", observed.created_at)
    starts = [_first_start(observed.containers.get(entry["name"])) for entry in containers]
    known = [start for start in starts if start]
    if len(known) < len(containers):
        return
    lifecycle.mark("startedAt", max(known))
    if not shut and all(entry["ready"] for entry in containers):
        passed = [one.since for one in seen.health.values() if one.since]
        opened = [seen.now] if spec.get("readinessGates") else []
        lifecycle.mark("readyAt", max([*known, *passed, *opened]))


def _first_start(found: ContainerStatus | None) -> datetime | None:
    if found is None:
        return None
    return (found.last.started_at if found.last else None) or found.started_at


def _finish(lifecycle: Lifecycle, containers: list[JSON], seen: Seen) -> None:
    """The latest end by the runtime's clock; where no container is left to tell, now."""
    if lifecycle.at("pullStartedAt") is None:
        return
    known = seen.observed.containers if seen.observed else {}
    ends = [found.finished_at for found in known.values() if found.finished_at]
    vanished = any(entry["name"] not in known and entry.get("containerID") for entry in containers)
    lifecycle.mark("finishedAt", seen.now if vanished or not ends else max(ends))


def _set_places(status: JSON, seen: Seen, lifecycle: Lifecycle) -> None:
    status["hostIP"] = seen.host_ip
    status["hostIPs"] = [{"ip": seen.host_ip}]
    started = lifecycle.at("pullStartedAt")
    if started:
        status.setdefault("startTime", times.format_seconds(started))
    if seen.observed and seen.observed.ip:
        status["podIP"] = seen.observed.ip
        status["podIPs"] = [{"ip": seen.observed.ip}]


def _set_conditions(status: JSON, spec: JSON, seen: Seen, shut: list[str]) -> None:
    now, phase = seen.now, status["phase"]
    done = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
    up = bool(seen.observed and seen.observed.running and seen.observed.ip) and not seen.final
    sidecars = {container["name"] for container in spec.get("initContainers") or () if order.is_sidecar(container)}
    judged = [entry for entry in status.get("initContainerStatuses") or () if entry["name"] in sidecars]
    unready = [entry["name"] for entry in (*judged, *status["containerStatuses"]) if not entry["ready"]]
    words = f"containers with unready status: [{' '.join(unready)}]"
    conditions.put(status, "PodReadyToStartContainers", "True" if up and not done else "False", now=now)
    _set_initialized(status, sidecars, seen)
    for type in ("Ready", "ContainersReady"):
        if unready:
            reason = done or "ContainersNotReady"
            conditions.put(status, type, "False", reason=reason, message="" if done else words, now=now)
        elif shut and type == "Ready":
            conditions.put(status, type, "False", reason=gates.NOT_READY, message=", ".join(shut), now=now)
        else:
            conditions.put(status, type, "True", now=now)
    conditions.put(status, "PodScheduled", "True", now=now)


def _set_initialized(status: JSON, sidecars: Collection[str], seen: Seen) -> None:
    if seen.turn.initialized or status["phase"] == "Succeeded":
        reason = "PodCompleted" if status["phase"] == "Succeeded" else ""
        conditions.put(status, "Initialized", "True", reason=reason, now=seen.now)
        return
    entries = status.get("initContainerStatuses") or ()
    missing = [one["name"] for one in entries if not one["started" if one["name"] in sidecars else "ready"]]
    words = f"containers with incomplete status: [{' '.join(missing)}]"
    conditions.put(status, "Initialized", "False", reason="ContainersNotInitialized", message=words, now=seen.now)
