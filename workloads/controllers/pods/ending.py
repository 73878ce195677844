"""A pod that is being deleted: it leaves the proxy (`departure`), its containers stop (`stops`), then its last status,
then it is gone.

No worker waits for a container. Each look does what is due and names the time of the next one; the runtime's own events
make it come sooner. Safe after a crash at any point: marks stand once they are written, and the row goes last, so that
whatever is left is found again.
"""

from __future__ import annotations

from contextlib import suppress

from workloads.client import DeleteOptions
from workloads.controllers import hands
from workloads.controllers.base import Result
from workloads.controllers.pods import departure, epitaph, status, stops
from workloads.controllers.pods.look import Look
from workloads.meta.errors import NotFound


def step(look: Look) -> Result:
    look.observed = look.runtime.observe(look.uid)
    if _runs(look):
        grace = int(look.pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        if grace and departure.is_over(look):
            stops.pod(look, grace=grace)
        elif not grace:
            _force(look)
    if _runs(look):
        look.save()
        return look.result()
    return _close(look)


def _runs(look: Look) -> bool:
    return any(look.runs(container["name"]) for container in look.every)


def _force(look: Look) -> None:
    """No grace, no hooks."""
    if look.lifecycle.at("terminatingAt") is None:
        for container in look.every:
            if look.runs(container["name"]):
                look.tell("Killing", f"Stopping container {container['name']}")
    look.runtime.kill(look.uid)
    look.observed = look.runtime.observe(look.uid)


def _close(look: Look) -> Result:
    """Nothing runs: the last status, what will be remembered, then the sandbox goes, then the row. While a finalizer
    holds the row, the status tells how the pod ended; when the finalizer goes, the pod is looked at again and the row
    follows."""
    if look.lifecycle.at("pullStartedAt") or look.observed:
        look.save(final=True)
    elif look.pod["metadata"].get("finalizers"):
        look.pod = hands.put_status(look.door, look.pod, status.never_placed(look.pod))
    epitaph.write(look)
    look.runtime.remove_sandbox(look.uid)
    look.speak()
    with suppress(NotFound):
        look.door.delete("Pod", look.key.name, look.key.namespace, options=DeleteOptions(grace_seconds=0, uid=look.uid))
    return Result()
