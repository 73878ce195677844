"""A pod that is being deleted: TERM, the grace it was given, KILL, its last status, gone.

No worker waits for a container. Each look does what is due and names the time of the next one; the runtime's own events
make it come sooner. Safe after a crash at any point: TERM is sent at least once, marks stand once they are written, and
the row goes last, so that whatever is left is found again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from workloads.client import DeleteOptions
from workloads.controllers import hands
from workloads.controllers.base import Result
from workloads.controllers.pods import status
from workloads.controllers.pods.look import Look
from workloads.meta.errors import NotFound


def step(look: Look) -> Result:
    look.observed = look.runtime.observe(look.uid)
    running = _running(look)
    if running:
        left = _seconds_left(look)
        if left is None:
            return _ask(look, running)
        if left > 0:
            look.save()
            return Result(left)
        _force(look, running)
    return _close(look)


def _running(look: Look) -> list[str]:
    containers = look.observed.containers.values() if look.observed else ()
    return [one.name for one in containers if one.state == "running"]


def _seconds_left(look: Look) -> float | None:
    """Until KILL. None: TERM has not been sent yet."""
    grace = int(look.pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    if grace == 0:
        return 0.0
    asked = look.lifecycle.at("terminatingAt")
    if asked is None:
        return None
    return (asked + timedelta(seconds=grace) - look.now).total_seconds()


def _ask(look: Look, running: list[str]) -> Result:
    """TERM, then the mark: after a crash between the two TERM is sent again, never forgotten."""
    look.runtime.terminate(look.uid)
    look.lifecycle.mark("terminatingAt", look.now)
    for name in running:
        look.tell("Killing", f"Stopping container {name}")
    look.observed = look.runtime.observe(look.uid)
    if not _running(look):
        return _close(look)
    look.save()
    return Result(float(look.pod["metadata"]["deletionGracePeriodSeconds"]))


def _force(look: Look, running: list[str]) -> None:
    if look.lifecycle.at("terminatingAt") is None:
        for name in running:
            look.tell("Killing", f"Stopping container {name}")
    look.runtime.kill(look.uid)
    look.observed = look.runtime.observe(look.uid)


def _close(look: Look) -> Result:
    """Nothing runs: the last status, then the sandbox goes, then the row. While a finalizer holds the row, the status
    tells how the pod ended; when the finalizer goes, the pod is looked at again and the row follows."""
    if look.lifecycle.at("pullStartedAt") or look.observed:
        look.save(final=True)
    elif look.pod["metadata"].get("finalizers"):
        look.pod = hands.put_status(look.door, look.pod, status.never_placed(look.pod))
    look.runtime.remove_sandbox(look.uid)
    look.speak()
    with suppress(NotFound):
        look.door.delete("Pod", look.key.name, look.key.namespace, options=DeleteOptions(grace_seconds=0, uid=look.uid))
    return Result()
