"""How a container is stopped, whatever for: preStop hook, TERM, the rest of its grace, KILL. No worker waits for it.

Each look does what is due, notes it in the pod's status (`lifecycle.stops`) and names the time of the next one. After a
crash between a step and its note the step is done again: a hook may run twice, TERM may come twice, nothing is
forgotten. Main containers stop at once, side by side; sidecars after them, the last one first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.pods import order
from workloads.controllers.pods.hooks import Call, Name
from workloads.controllers.pods.look import Look
from workloads.meta import times

JSON = dict[str, Any]

LEAST = timedelta(seconds=2)
"""What remains for TERM when a hook, or the containers before a sidecar, took all of the grace."""


def pod(look: Look, *, grace: int) -> None:
    """All of it, in order, and looks at what is left. Call it again at every look while something runs."""
    look.lifecycle.mark("terminatingAt", look.now)
    since = look.lifecycle.at("terminatingAt") or look.now
    running = [container for container in look.every if look.runs(container["name"])]
    sidecars = [container for container in running if order.is_sidecar(container)]
    mains = [container for container in running if container not in sidecars]
    late = look.now >= since + timedelta(seconds=grace)
    now = running if late else mains or sidecars[-1:]
    for container in now:
        message = f"Stopping container {container['name']}"
        one(look, container, grace=grace, message=message, since=since, patient=container in sidecars)
    look.observed = look.runtime.observe(look.uid)
    left = [container for container in running if look.runs(container["name"])]
    if left and not late:
        look.wake_at(since + timedelta(seconds=grace))
    if left and left != running:
        look.wake_in(0)  # what was waited for has ended at once: the next ones are due


def one(
    look: Look, container: JSON, *, grace: int, message: str, since: datetime | None = None, patient: bool = False
) -> None:
    """One container. `since` is when its grace began, if that was before this; `patient`: TERM is given LEAST."""
    name = container["name"]
    seen = look.seen(name)
    if seen is None or seen.state != "running":
        return
    note = look.lifecycle.stop(name, attempt=seen.attempt)
    if not note:
        look.lifecycle.begin_stop(name, attempt=seen.attempt, since=since or look.now)
        note = look.lifecycle.stop(name, attempt=seen.attempt)
        look.tell("Killing", message)
    since = max(times.parse(note["since"]), since) if since else times.parse(note["since"])
    end = since + timedelta(seconds=grace)
    hook = (container.get("lifecycle") or {}).get("preStop")
    if "termAt" not in note:
        if hook and grace and not _hooked(look, container, hook, since=since, end=end, attempt=seen.attempt):
            return
        if grace:
            look.runtime.terminate(look.uid, container=name)
        note["termAt"] = times.format_micro(look.now)
    if hook or patient:
        end = max(end, times.parse(note["termAt"]) + LEAST)
    if grace == 0 or look.now >= end:
        look.runtime.kill(look.uid, container=name)
        return
    look.wake_at(end)


def _hooked(look: Look, container: JSON, hook: JSON, *, since: datetime, end: datetime, attempt: int) -> bool:
    """Whether it is done with, or has had its time."""
    name = container["name"]
    if hook.get("sleep"):
        over = min(end, since + timedelta(seconds=hook["sleep"].get("seconds", 0)))
        if look.now < over:
            look.wake_at(over)
        return look.now >= over
    call = Call(hook=hook, container=container, ip=look.ip, seconds=max(0.1, (end - look.now).total_seconds()))
    error = look.host.hooks.ask(Name(look.uid, name, attempt, "preStop"), call, key=look.key, now=look.now)
    if error is None and look.now < end:
        look.wake_at(end)
        return False
    if error != "":
        look.tell("FailedPreStopHook", "PreStopHook failed", type="Warning")
    return True
