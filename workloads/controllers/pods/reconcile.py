"""One look at one pod: place it, get its images, give it a sandbox, keep its containers as its restart policy wants.

Every step may be the last before a crash. What is there is found by the pod's uid, marks in the status are set before
what they stand for (a pod is never given a sandbox before `pullStartedAt` is stored, so no second is free or billed
twice), and the same look run again does only what is still missing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from workloads.controllers import hands, networks
from workloads.controllers.base import Controller, Result, TerminalError
from workloads.controllers.host import Host, host_ip
from workloads.controllers.pods import ending, images, placement, pulls, restarts, status
from workloads.controllers.pods.lifecycle import Lifecycle
from workloads.controllers.pods.look import Look
from workloads.meta import conditions, times
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.runtimes import translate
from workloads.runtimes.base import NetworkSpec, PullOutcome, RuntimeFault, RuntimeGone, SandboxSpec
from workloads.store import objects
from workloads.store.changes import Entry

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

SCHEDULER = "default-scheduler"
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_FOR_ROOM_SECONDS = 30.0
LOOK_FOR_NETWORK_SECONDS = 10.0
LOOK_FOR_IMAGE_SECONDS = 10.0
PROGRESS_SECONDS = 1.0
SHOW_ERROR = timedelta(seconds=2)
"""How long ErrImagePull is shown before it becomes ImagePullBackOff."""
WOKEN_AT_ONCE = 50
"""Pods that wait for room and are told when some frees; the rest look by themselves."""


def controller(host: Host) -> Controller:
    return Controller(
        name="pods",
        queue="node",
        keys=keys,
        reconcile=partial(reconcile, host),
        resync=lambda: hands.every_key("Pod"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The pod itself, unless only its status moved (we wrote that); pods that wait for the room it frees; pods that
    wait for their namespace's Network."""
    if entry.key.kind == "Network":
        return _waiting_for_network(entry)
    if entry.key.kind != "Pod":
        return ()
    own = [entry.key] if entry.type != "DELETED" and _asks_for_a_look(entry) else []
    return [*own, *_waiting_for_room()] if _frees_room(entry) else own


def reconcile(host: Host, key: Key) -> Result | None:
    door = hands.client("pods", key.account)
    pod = hands.read(door, key)
    if pod is None:
        return None
    look = Look(
        host=host, door=door, key=key, pod=pod, now=host.runtime().now(), lifecycle=Lifecycle(pod.get("status") or {})
    )
    try:
        return _look_at(look)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)
    except NotFound:
        logger.info("pod %s went while it was looked at", key)
        look.runtime.remove_sandbox(look.uid)
        return None
    finally:
        look.speak()


def _look_at(look: Look) -> Result | None:
    if look.pod["metadata"].get("deletionTimestamp"):
        return ending.step(look)
    if (look.pod.get("status") or {}).get("phase") in status.FINAL_PHASES:
        return None
    if not look.pod["spec"].get("nodeName"):
        held = _place(look)
        if held is not None:
            return held
    return _run(look)


# A place


def _place(look: Look) -> Result | None:
    """Gives the pod this node, or says why not (and when to look again)."""
    network = networks.active(look.door, look.key.namespace)
    if network is None:
        return _hold_for_network(look)
    look.network = translate.network(network, account=look.key.account)
    need = placement.size_of(look.pod)
    room = placement.room(look.runtime.capacity(), overcommit=look.host.overcommit)
    with placement.one_hand(look.host.lock):
        missing = placement.shortage(need, taken=placement.taken(but=look.uid), room=room)
        if not missing:
            _bind(look)
            return None
    if missing != _last_reason(look):
        look.tell("FailedScheduling", missing, type="Warning", component=SCHEDULER)
    return _stay_pending(look, reason="Unschedulable", message=missing, seconds=LOOK_FOR_ROOM_SECONDS)


def _last_reason(look: Look) -> str:
    """Why it had no place when it was looked at last."""
    return str((conditions.find(look.pod["status"], "PodScheduled") or {}).get("message", ""))


def _bind(look: Look) -> None:
    metadata = look.pod["metadata"]
    patch = {"metadata": {"uid": metadata["uid"]}, "spec": {"nodeName": look.host.node}}
    look.pod = look.door.patch("Pod", look.key.name, patch, "application/merge-patch+json", look.key.namespace).obj
    place = f"{look.key.namespace}/{look.key.name}"
    look.tell("Scheduled", f"Successfully assigned {place} to {look.host.node}", component=SCHEDULER)


def _hold_for_network(look: Look) -> Result:
    message = networks.why_not_active(look.door, look.key.namespace)
    return _stay_pending(look, reason="NetworkNotReady", message=message, seconds=LOOK_FOR_NETWORK_SECONDS)


def _stay_pending(look: Look, *, reason: str, message: str, seconds: float) -> Result:
    waiting = status.unplaced(look.pod, reason=reason, message=message, now=look.now)
    look.pod = hands.put_status(look.door, look.pod, waiting)
    return Result(seconds)


# Running


def _run(look: Look) -> Result:
    if look.lifecycle.at("pullStartedAt") is None:
        _spec(look)  # a pod that cannot run is not billed
        look.lifecycle.mark("pullStartedAt", look.now)
        look.save()
    else:
        look.observed = look.runtime.observe(look.uid)
    revived = _has_died(look)
    if revived:
        _bury(look)
    moves = {container["name"]: _move(look, container, revived=revived) for container in look.containers}
    starts = {name: move for name, move in moves.items() if isinstance(move, restarts.Start)}
    ready = {name: move for name, move in starts.items() if _image(look, name, move)}
    if ready == starts:
        _mark_pulled(look)
    try:
        _start(look, ready)
    except RuntimeGone:
        raise
    except RuntimeFault as error:
        _explain(look, error)
        raise
    look.save()
    return look.result()


def _has_died(look: Look) -> bool:
    """The sandbox stopped (the daemon was restarted), or is gone though containers once ran in it."""
    if look.observed is not None:
        return not look.observed.running
    return any((look.before(container["name"]) or {}).get("containerID") for container in look.containers)


def _bury(look: Look) -> None:
    """What still runs without its sandbox has no network: it ends, to start again in the new one."""
    look.tell("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
    if look.observed and any(one.state == "running" for one in look.observed.containers.values()):
        look.runtime.kill(look.uid)
        look.observed = look.runtime.observe(look.uid)


def _move(look: Look, container: dict[str, object], *, revived: bool) -> restarts.Move:
    name = str(container["name"])
    seen = look.seen(name)
    if seen is not None and seen.state == "exited":
        look.lifecycle.set_calm(name, restarts.calm_attempt(seen, known=look.lifecycle.calm(name)))
    move = restarts.move(
        seen,
        look.before(name),
        policy=look.pod["spec"].get("restartPolicy", "Always"),
        calm=look.lifecycle.calm(name),
        revived=revived,
        now=look.now,
    )
    if isinstance(move, restarts.Hold):
        _hold(look, name, move)
    return move


def _hold(look: Look, name: str, move: restarts.Hold) -> None:
    metadata = look.pod["metadata"]
    where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
    back_off = images.go_duration(move.seconds)
    look.wait(name, "CrashLoopBackOff", f"back-off {back_off} restarting failed container={name} pod={where}")
    if _was_not(look, name, "CrashLoopBackOff"):
        look.tell("BackOff", f"Back-off restarting failed container {name} in pod {where}", type="Warning")
    look.wake_at(move.until)


def _was_not(look: Look, name: str, reason: str) -> bool:
    before = look.before(name) or {}
    return ((before.get("state") or {}).get("waiting") or {}).get("reason") != reason


# Images


def _image(look: Look, name: str, move: restarts.Start) -> bool:
    """Whether the container's image can be started from now; if not, why, in the container's status."""
    container = next(one for one in look.containers if one["name"] == name)
    image, policy = container["image"], images.policy_of(container)
    record = look.lifecycle.image(image)
    answer = images.decide(
        policy,
        local=look.runtime.image_id(image) is not None,
        record=record,
        needed_since=move.since,
        now=look.now,
    )
    if isinstance(answer, images.Pull):
        return _pull(look, name, image, since=answer.since)
    if isinstance(answer, images.BackOff):
        _back_off(look, name, image, answer)
        return False
    if isinstance(answer, images.Absent):
        _absent(look, name, image)
        return False
    if not record or images.asked_at(record):
        _found_here(look, image)
    return True


def _found_here(look: Look, image: str) -> None:
    """It was here all the time, or a pull that this pod asked for has ended."""
    record = look.lifecycle.image(image)
    since = images.asked_at(record)
    outcome = look.host.pulls.outcome(image, since=since) if since else None
    if outcome is not None:
        _pulled(look, image, outcome)
        return
    record.clear()
    look.tell("Pulled", f'Container image "{image}" already present on machine')
    look.lifecycle.data.setdefault("pull", {"image": image, "currentBytes": 0, "totalBytes": 0, "cached": True})


def _pull(look: Look, name: str, image: str, *, since: datetime) -> bool:
    record = look.lifecycle.image(image)
    if "askedAt" not in record:
        look.tell("Pulling", f'Pulling image "{image}"')
        images.asked(record, since=since)
    state = look.host.pulls.ask(image, since=since, key=look.key)
    if isinstance(state, pulls.Pulled):
        _pulled(look, image, state.outcome)
        return True
    if isinstance(state, pulls.Refused):
        _refused(look, name, image, state.error)
        return False
    _note_progress(look, image, size=state.progress.current_bytes, total=state.progress.total_bytes)
    look.wait(name, "ContainerCreating", images.progress_message(image, state.progress))
    look.wake_in(PROGRESS_SECONDS)
    return False


def _pulled(look: Look, image: str, outcome: PullOutcome) -> None:
    _note_progress(look, image, size=outcome.size_bytes, total=outcome.size_bytes)
    images.pulled(look.lifecycle.image(image), outcome)
    look.tell("Pulled", images.pulled_message(image, outcome))


def _note_progress(look: Look, image: str, *, size: int, total: int) -> None:
    look.lifecycle.data["pull"] = {"image": image, "currentBytes": size, "totalBytes": total, "cached": False}


def _refused(look: Look, name: str, image: str, error: str) -> None:
    images.failed(look.lifecycle.image(image), error=error, now=look.now)
    look.wait(name, "ErrImagePull", error)
    look.tell("Failed", f'Failed to pull image "{image}": {error}', type="Warning")
    look.tell("Failed", "Error: ErrImagePull", type="Warning")
    look.wake_at(look.now + SHOW_ERROR)


def _back_off(look: Look, name: str, image: str, answer: images.BackOff) -> None:
    """The error itself is shown for a moment, the wait after that."""
    shown_until = answer.since + SHOW_ERROR
    if look.now < shown_until:
        look.wait(name, "ErrImagePull", answer.error)
        look.wake_at(shown_until)
        return
    look.wait(name, "ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {answer.error}')
    if _was_not(look, name, "ImagePullBackOff"):
        look.tell("BackOff", f'Back-off pulling image "{image}"')
        look.tell("Failed", "Error: ImagePullBackOff", type="Warning")
    look.wake_at(answer.until)


def _absent(look: Look, name: str, image: str) -> None:
    message = f'Container image "{image}" is not present with pull policy of Never'
    look.wait(name, "ErrImageNeverPull", message)
    if _was_not(look, name, "ErrImageNeverPull"):
        look.tell("ErrImageNeverPull", message, type="Warning")
        look.tell("Failed", "Error: ErrImageNeverPull", type="Warning")
    look.wake_in(LOOK_FOR_IMAGE_SECONDS)


def _mark_pulled(look: Look) -> None:
    """Every image is here: the last pull's end, or now when nothing had to be pulled."""
    ends = [record["pulledAt"] for record in look.lifecycle.data.get("images", {}).values() if "pulledAt" in record]
    look.lifecycle.mark("pulledAt", times.parse(max(ends)) if ends else look.now)


# Containers


def _start(look: Look, starts: dict[str, restarts.Start]) -> None:
    if not starts:
        return
    look.observed = look.runtime.ensure_sandbox(_spec(look))
    spec = _spec(look, pod_ip=look.observed.ip)
    for name, move in starts.items():
        fresh = look.runtime.start_container(spec, name, attempt=move.attempt)
        look.observed = replace(look.observed, containers={**look.observed.containers, name: fresh})
        look.tell("Created", f"Created container: {name}")
        if fresh.state == "running":
            look.tell("Started", f"Started container {name}")
            continue
        if fresh.error:
            look.tell("Failed", f"Error: {fresh.error}", type="Warning")
        look.wake_in(LOOK_AGAIN_AT_ONCE)
    look.now = look.runtime.now()  # starting took its time, and what is now true became true now


def _spec(look: Look, *, pod_ip: str = "") -> SandboxSpec:
    """Raises TerminalError for what validation should have refused: only another pod would help."""
    try:
        return translate.sandbox(
            look.pod,
            account=look.key.account,
            network=_network(look),
            pod_ip=pod_ip,
            host_ip=host_ip(),
            node=look.host.node,
        )
    except translate.Untranslatable as error:
        for container in look.containers:
            look.wait(container["name"], "CreateContainerConfigError", str(error))
        look.tell("Failed", f"Error: {error}", type="Warning")
        look.save()
        raise TerminalError(str(error)) from error


def _network(look: Look) -> NetworkSpec:
    if look.network is None:
        network = networks.of(look.door, look.key.namespace)
        if network is None:
            raise RuntimeFault(f"namespace {look.key.namespace} has no Network")
        look.network = translate.network(network, account=look.key.account)
    return look.network


def _explain(look: Look, error: RuntimeFault) -> None:
    """The runtime's own words, where `kubectl describe` looks for them."""
    if look.observed is None or not look.observed.running:
        look.tell("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}", type="Warning")
    else:
        look.tell("Failed", f"Error: {error}", type="Warning")
        for container in look.containers:
            if look.seen(container["name"]) is None:
                look.wait(container["name"], "CreateContainerError", str(error))
    look.save()


# Which changes mean a look


def _asks_for_a_look(entry: Entry) -> bool:
    """The pod's status is written by this controller alone; a change of nothing else needs no second look."""
    if entry.previous is None:
        return True
    after, before = hands.now_and_before(entry)
    return after["spec"] != before["spec"] or _wishes(after) != _wishes(before)


def _wishes(pod: JSON) -> JSON:
    return {name: value for name, value in pod["metadata"].items() if name not in ("resourceVersion", "managedFields")}


def _frees_room(entry: Entry) -> bool:
    objs = hands.now_and_before(entry)
    if not objs[0]["spec"].get("nodeName"):
        return False
    if entry.type == "DELETED":
        return True
    phases = [(obj.get("status") or {}).get("phase") for obj in objs]
    return phases[0] in status.FINAL_PHASES and phases[1:] != [phases[0]]


def _waiting_for_room() -> list[Key]:
    """The oldest pods without a node, of all accounts."""
    return [row.key for row in sorted(_unplaced(), key=lambda row: row.created)[:WOKEN_AT_ONCE]]


def _waiting_for_network(entry: Entry) -> list[Key]:
    states = [(obj.get("status") or {}).get("state") for obj in hands.now_and_before(entry)]
    if entry.type == "DELETED" or states[0] != "Active" or states[1:] == ["Active"]:
        return []
    rows = _unplaced(account=entry.key.account, namespace=entry.key.namespace)
    return [row.key for row in rows]


def _unplaced(*, account: str | None = None, namespace: str | None = None) -> list[objects.Row]:
    rows = objects.scan("Pod", account=account, namespace=namespace, phase="Pending").rows
    return [row for row in rows if not row.node]
