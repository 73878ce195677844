"""One look at one pod: place it, get its images, give it a sandbox, keep its containers as its restart policy wants.

Every step may be the last before a crash. What is there is found by the pod's uid, marks in the status are set before
what they stand for (a pod is never given a sandbox before `pullStartedAt` is stored, so no second is free or billed
twice), and the same look run again does only what is still missing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings

from workloads.controllers import hands, networks, queue
from workloads.controllers.base import Controller, Result, TerminalError
from workloads.controllers.host import Host, host_ip
from workloads.controllers.pods import (
    cards,
    claims,
    configuration,
    ending,
    epitaph,
    images,
    life,
    order,
    placement,
    restarts,
    status,
    supply,
    waking,
)
from workloads.controllers.pods.lifecycle import Lifecycle
from workloads.controllers.pods.look import Look
from workloads.controllers.pods.order import Turn
from workloads.kinds import gates, podspecs
from workloads.meta import conditions
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.runtimes import etcfiles, translate
from workloads.runtimes.base import ContainerStatus, ImageFault, NetworkSpec, RuntimeFault, RuntimeGone, SandboxSpec
from workloads.store import evictions, hosts

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

SCHEDULER = "default-scheduler"
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_FOR_ROOM_SECONDS = 300.0
"""For certainty only: whatever frees room wakes those that would fit (`waking`)."""
LOOK_FOR_NETWORK_SECONDS = 10.0
_WITHOUT_NAMES = 'Falling back to "Default" policy: it knows no Services, also when DNS is back.'
NOWHERE = "0.0.0.0"  # noqa: S104


def controller(host: Host) -> Controller:
    return Controller(
        name="pods",
        queue="node",
        keys=waking.keys,
        reconcile=partial(reconcile, host),
        resync=lambda: hands.every_key("Pod"),
    )


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
        epitaph.write(look)
        look.runtime.remove_sandbox(look.uid)
        return None
    finally:
        look.speak()


def _look_at(look: Look) -> Result | None:
    if look.pod["metadata"].get("deletionTimestamp"):
        return ending.step(look)
    if _is_over(look):
        return _rest(look)
    if not look.pod["spec"].get("nodeName"):
        held = _place(look)
        if held is not None:
            return held
    result = _run(look)
    return _rest(look) if _is_over(look) else result


def _is_over(look: Look) -> bool:
    return (look.pod.get("status") or {}).get("phase") in status.FINAL_PHASES


def _rest(look: Look) -> Result | None:
    """A pod that has ended keeps its containers, to be read, and gives its address back. One that was evicted leaves
    nothing on the disk."""
    if look.pod["status"].get("reason") == status.EVICTED:
        look.runtime.remove_sandbox(look.uid)
    else:
        look.runtime.stop_sandbox(look.uid)
    return None


# A place


def _place(look: Look) -> Result | None:
    """Gives the pod this node, or says why not (and when to look again)."""
    if gates.are_shut(look.pod):
        return _stay_pending(look, reason=gates.GATED, message=gates.BLOCKED, seconds=None)
    network = networks.active(look.door, look.key.namespace)
    if network is None:
        return _hold_for_network(look)
    look.network = translate.network(network, account=look.key.account)
    with placement.one_hand(look.host.lock):
        held, devices = claims.obstacle(look), ""
        missing = held or _missing(look)
        try:
            devices = "" if missing else cards.assign(look.pod, look.host.cards)
        except cards.NoCards as error:
            missing = str(error)
        if not missing:
            _bind(look, devices)
            return None
    if missing != _last_reason(look):
        look.tell("FailedScheduling", missing, type="Warning", component=SCHEDULER)
    kept = missing == placement.KEPT_FOR_ANOTHER
    seconds = placement.turn_ends_in(look.now) if kept else LOOK_FOR_ROOM_SECONDS
    reason = claims.NOT_READY if held else placement.UNSCHEDULABLE
    return _stay_pending(look, reason=reason, message=missing, seconds=seconds)


def _missing(look: Look) -> str:
    """Why it cannot have a place now; "" when it can. One that has to let another pass makes sure that it is looked
    at."""
    if short := (hosts.get(hosts.DISK) or {}).get("short"):
        return f"0/1 nodes are available: {short}"
    host, need = look.host, placement.size_of(look.pod)
    room = placement.room(look.runtime.capacity(), overcommit=host.overcommit, reserved_bytes=host.reserved_bytes)
    taken = placement.taken(but=look.uid)
    missing = placement.shortage(need, taken=taken, room=room)
    if missing:
        return missing
    older = placement.waiting(before=look.uid)
    first = placement.first_of(older, need, free=room.minus(taken), room=room, now=look.now)
    if first is None:
        return ""
    if first.size.fits(room.minus(taken)):
        queue.add("pods", [first.key])
    return placement.KEPT_FOR_ANOTHER


def _last_reason(look: Look) -> str:
    """Why it had no place when it was looked at last."""
    return str((conditions.find(look.pod["status"], "PodScheduled") or {}).get("message", ""))


def _bind(look: Look, devices: str) -> None:
    metadata = look.pod["metadata"]
    named = {"annotations": {podspecs.DEVICES_ANNOTATION: devices}} if devices else {}
    patch = {"metadata": {"uid": metadata["uid"], **named}, "spec": {"nodeName": look.host.node}}
    look.pod = look.door.patch("Pod", look.key.name, patch, "application/merge-patch+json", look.key.namespace).obj
    place = f"{look.key.namespace}/{look.key.name}"
    look.tell("Scheduled", f"Successfully assigned {place} to {look.host.node}", component=SCHEDULER)


def _hold_for_network(look: Look) -> Result:
    message = networks.why_not_active(look.door, look.key.namespace)
    return _stay_pending(look, reason="NetworkNotReady", message=message, seconds=LOOK_FOR_NETWORK_SECONDS)


def _stay_pending(look: Look, *, reason: str, message: str, seconds: float | None) -> Result:
    waiting = status.unplaced(look.pod, reason=reason, message=message, now=look.now)
    look.pod = hands.put_status(look.door, look.pod, waiting)
    return Result(seconds)


# Running


def _run(look: Look) -> Result:
    if look.lifecycle.at("pullStartedAt") is None:
        _spec(look)  # a pod that cannot run is not billed
        if not configuration.volumes_ready(look, *(container["name"] for container in look.containers)):
            look.save()
            return look.result()
        look.lifecycle.mark("pullStartedAt", look.now)
        look.save()
    else:
        look.observed = look.runtime.observe(look.uid)
    if message := evictions.of(look.uid):
        life.evict(look, message)
        look.save()
        return look.result()
    if life.overdue(look):
        life.expire(look)
        look.save()
        return look.result()
    revived = _has_died(look)
    if revived:
        _bury(look)
    life.tend(look)
    turn = look.turn()
    starts = _starts(look, turn, revived=revived)
    ready = {name: move for name, move in starts.items() if supply.ready(look, name, move)}
    if ready == starts and turn.initialized:
        supply.mark_pulled(look)
    ready = {name: move for name, move in ready.items() if configuration.ready(look, name)}
    if ready and not configuration.volumes_ready(look, *ready):
        ready = {}
    try:
        _start(look, ready)
    except RuntimeGone:
        raise
    except ImageFault:
        look.told.clear()  # that the image is here: it went since it was seen, and the next look gets it
        raise
    except RuntimeFault as error:
        _explain(look, error)
        raise
    life.greet(look)
    if look.turn() != turn:
        look.wake_in(0)
    look.save()
    return look.result()


def _starts(look: Look, turn: Turn, *, revived: bool) -> dict[str, restarts.Start]:
    """What should be started now, of those whose turn it is. When the work is done for good, sidecars go."""
    moves = {container["name"]: _move(look, container, revived=revived) for container in turn.containers}
    if turn.initialized and not revived:
        look.lifecycle.set_again({})
    mains = [container["name"] for container in look.containers]
    done = turn.initialized and all(isinstance(moves[name], restarts.Rest) and not look.runs(name) for name in mains)
    if look.inits and (done or turn.failed):
        life.dismiss(look)
        return {}
    return {name: move for name, move in moves.items() if isinstance(move, restarts.Start)}


def _has_died(look: Look) -> bool:
    """The sandbox stopped (the daemon was restarted), or is gone though containers once ran in it."""
    if look.observed is not None:
        return not look.observed.running
    return any((look.before(container["name"]) or {}).get("containerID") for container in look.every)


def _bury(look: Look) -> None:
    """What still runs without its sandbox has no network: it ends, to start again in the new one."""
    look.tell("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
    if look.observed and any(one.state == "running" for one in look.observed.containers.values()):
        look.runtime.kill(look.uid)
        look.observed = look.runtime.observe(look.uid)
    if look.inits and look.pod["spec"].get("restartPolicy") != "Never":
        # noted before the new sandbox is there: after a crash in between, this one would look prepared
        look.lifecycle.set_again({name: attempt for name, attempt in _attempts(look).items() if attempt >= 0})
        look.save()


def _attempts(look: Look) -> dict[str, int]:
    """The newest attempt of each init container that does its work and ends; -1: none."""
    found = {}
    for container in look.inits:
        name = container["name"]
        seen, before = look.seen(name), look.before(name) or {}
        attempt = seen.attempt if seen else int(before["restartCount"]) if before.get("containerID") else -1
        if not order.is_sidecar(container):
            found[name] = attempt
    return found


def _move(look: Look, container: JSON, *, revived: bool) -> restarts.Move:
    name = str(container["name"])
    seen = look.seen(name)
    if seen is not None and seen.state == "exited":
        look.lifecycle.set_calm(name, restarts.calm_attempt(seen, known=look.lifecycle.calm(name)))
    move = restarts.move(
        seen,
        look.before(name),
        policy=order.policy(container, look.pod["spec"], init=container in look.inits),
        again=look.lifecycle.again().get(name, -1),
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
    if look.was_not(name, "CrashLoopBackOff"):
        look.tell("BackOff", f"Back-off restarting failed container {name} in pod {where}", type="Warning")
    look.wake_at(move.until)


# Containers


def _start(look: Look, starts: dict[str, restarts.Start]) -> None:
    if not starts:
        _refresh_volumes(look)
        return
    wanted = _spec(look)
    look.runtime.ensure_volumes(wanted)
    look.observed = look.runtime.ensure_sandbox(wanted, first=_first(look, wanted, starts))
    spec = _spec(look, pod_ip=look.observed.ip)
    _tell_of_names(look, spec)
    for name, move in starts.items():
        fresh = _after(look, look.runtime.start_container(spec, name, attempt=move.attempt))
        look.observed = replace(look.observed, containers={**look.observed.containers, name: fresh})
        supply.used(look, fresh.image, fresh.image_id)
        look.tell("Created", f"Created container: {name}")
        if fresh.state == "running" or (fresh.started_at and not fresh.error):
            look.tell("Started", f"Started container {name}")
        if fresh.state == "running":
            continue
        if fresh.error:
            look.tell("Failed", f"Error: {fresh.error}", type="Warning")
        look.wake_in(LOOK_AGAIN_AT_ONCE)
    look.now = look.runtime.now()  # starting took its time, and what is now true became true now


def _tell_of_names(look: Look, spec: SandboxSpec) -> None:
    for omitted in etcfiles.omitted(spec.dns):
        look.tell("DNSConfigForming", omitted, type="Warning")
    problem = look.doors.get(hosts.DNS, {}).get("problem", "")
    if settings.DNS and problem and translate.asks_for_names(look.pod):
        look.tell("MissingClusterDNS", f"{problem}. {_WITHOUT_NAMES}", type="Warning")


def _after(look: Look, fresh: ContainerStatus) -> ContainerStatus:
    """A new attempt knows the one that was seen before it."""
    seen = look.seen(fresh.name)
    is_next = seen is not None and seen.attempt == fresh.attempt - 1
    return replace(fresh, last=replace(seen, last=None)) if seen and is_next else fresh


def _refresh_volumes(look: Look) -> None:
    """What running containers see as files follows the ConfigMaps and Secrets. One that went away leaves what it
    showed."""
    if look.observed and look.observed.running and look.pod["spec"].get("volumes"):
        look.runtime.ensure_volumes(_spec(look))


def _first(look: Look, wanted: SandboxSpec, starts: dict[str, restarts.Start]) -> tuple[str, int] | None:
    """The container to make ready while the pod gets its sandbox, unless it has to know the pod's address."""
    name, move = next(iter(starts.items()))
    return (name, move.attempt) if wanted == _spec(look, pod_ip=NOWHERE) else None


def _spec(look: Look, *, pod_ip: str = "") -> SandboxSpec:
    """Raises TerminalError for what validation should have refused: only another pod would help."""
    try:
        return translate.sandbox(
            look.pod,
            account=look.key.account,
            network=_network(look),
            bags=configuration.read(look),
            pod_ip=pod_ip,
            host_ip=host_ip(),
            node=look.host.node,
            api=look.api,
            names=look.names,
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
        for container in look.turn().containers:
            if look.seen(container["name"]) is None:
                look.wait(container["name"], "CreateContainerError", str(error))
    look.save()
