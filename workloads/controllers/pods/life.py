"""What happens to containers while they run: postStart, the kill for a probe that failed, the end of the pod's time,
sidecars that have nobody left to serve. Stopping itself is `stops`; whether they start again is `restarts`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.pods import order, stops
from workloads.controllers.pods.hooks import Call, Name
from workloads.controllers.pods.look import Look
from workloads.kinds import handlers
from workloads.meta import times
from workloads.runtimes.base import ContainerStatus

JSON = dict[str, Any]

LONGEST_POST_START_SECONDS = 3600.0
EVICTION_GRACE_SECONDS = 1
"""As the kubelet: whoever keeps too much on the disk has to stop writing."""


def tend(look: Look) -> None:
    """Before anything is started: goes on with hooks, and stops what must not go on."""
    greet(look)
    acted = [_check(look, container) for container in look.every if look.runs(container["name"])]
    if any(acted):
        look.observed = look.runtime.observe(look.uid)


def greet(look: Look) -> None:
    """Runs the postStart hooks of what has started, or goes on waiting for them."""
    for container in look.every:
        hook = (container.get("lifecycle") or {}).get("postStart")
        seen = look.seen(container["name"])
        if hook and seen is not None and seen.state == "running":
            _greet(look, container, hook, seen)


def overdue(look: Look) -> bool:
    """Whether the pod's `activeDeadlineSeconds` have passed; wakes the look when they will."""
    seconds = look.pod["spec"].get("activeDeadlineSeconds")
    started = (look.pod.get("status") or {}).get("startTime")
    if seconds is None or not started:
        return False
    end = times.parse(started) + timedelta(seconds=seconds)
    if look.now < end:
        look.wake_at(end)
    return look.now >= end


def expire(look: Look) -> None:
    """The pod's time is over: everything stops, and then it has failed."""
    look.overdue = True
    if look.lifecycle.at("terminatingAt") is None:
        words = "Pod was active on the node longer than the specified deadline"
        look.tell("DeadlineExceeded", words)
    dismiss(look)


def evict(look: Look, message: str) -> None:
    """The pod keeps more on the disk than it may: everything stops at once, and then it has failed."""
    look.evicted = message
    if look.lifecycle.at("terminatingAt") is None:
        look.tell("Evicted", message, type="Warning")
    stops.pod(look, grace=EVICTION_GRACE_SECONDS)


def dismiss(look: Look) -> None:
    """Stops what still runs, within the pod's grace."""
    stops.pod(look, grace=grace(look))


def grace(look: Look) -> int:
    return int(look.pod["spec"].get("terminationGracePeriodSeconds") or 0)


def _check(look: Look, container: JSON) -> bool:
    """Whether it is being stopped: its postStart hook or a probe has failed."""
    name = container["name"]
    seen = look.seen(name)
    if seen is not None and look.lifecycle.hook(name, attempt=seen.attempt) == "failed":
        stops.one(look, container, grace=grace(look), message="FailedPostStartHook")
        return True
    failed = look.health(container).failed
    if not failed:
        return False
    probe = container[handlers.PROBES[failed]]
    policy = order.policy(container, look.pod["spec"], init=container in look.inits)
    follows = "" if policy == "Never" else ", will be restarted"
    stops.one(
        look,
        container,
        grace=int(probe.get("terminationGracePeriodSeconds") or grace(look)),
        message=f"Container {name} failed {failed} probe{follows}",
    )
    return True


def _greet(look: Look, container: JSON, hook: JSON, seen: ContainerStatus) -> None:
    name = container["name"]
    if look.lifecycle.hook(name, attempt=seen.attempt):
        return
    error = _slept(look, hook, seen.started_at or look.now) if hook.get("sleep") else _called(look, container, hook)
    if error is None:
        return
    look.lifecycle.set_hook(name, attempt=seen.attempt, outcome="failed" if error else "done")
    if error:
        look.tell("FailedPostStartHook", "PostStartHook failed", type="Warning")
        look.wake_in(0)


def _slept(look: Look, hook: JSON, started: datetime) -> str | None:
    over = started + timedelta(seconds=hook["sleep"].get("seconds", 0))
    if look.now >= over:
        return ""
    look.wake_at(over)
    return None


def _called(look: Look, container: JSON, hook: JSON) -> str | None:
    seen = look.seen(container["name"])
    attempt = seen.attempt if seen else 0
    call = Call(hook=hook, container=container, ip=look.ip, seconds=LONGEST_POST_START_SECONDS)
    name = Name(look.uid, container["name"], attempt, "postStart")
    return look.host.hooks.ask(name, call, key=look.key, now=look.now)
