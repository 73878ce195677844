"""Whose turn it is: init containers one after the other, sidecars among them, then the main containers together. Pure.

A sidecar is an init container that restarts always: it must have started before the next one may, and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workloads.runtimes.base import ContainerStatus

JSON = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """`containers` may be started, or started again, now. `initialized`: the main ones are among them. `failed`: an
    init container has failed for good."""

    containers: tuple[JSON, ...]
    initialized: bool
    failed: bool = False
    has_inits: bool = False


NOTHING = Turn((), initialized=True)


def is_sidecar(container: JSON) -> bool:
    """Only init containers carry a restart policy of their own, and only this one."""
    return container.get("restartPolicy") == "Always"


def policy(container: JSON, spec: JSON, *, init: bool) -> str:
    """When one container starts again: an init container that has done its work does not."""
    if is_sidecar(container):
        return "Always"
    wanted = str(spec.get("restartPolicy", "Always"))
    return "OnFailure" if init and wanted == "Always" else wanted


def turn(
    spec: JSON,
    *,
    seen: Callable[[str], ContainerStatus | None],
    before: Callable[[str], JSON | None],
    started: Callable[[str], bool],
    again: Mapping[str, int],
) -> Turn:
    """`started` says of a sidecar that it has; `again` names the attempts that do not count any more."""
    inits, mains = spec.get("initContainers") or [], spec["containers"]
    sidecars = [container for container in inits if is_sidecar(container)]
    begun = any(seen(main["name"]) or (before(main["name"]) or {}).get("containerID") for main in mains)
    if not inits or (begun and not again):
        return Turn((*sidecars, *mains), initialized=True, has_inits=bool(inits))
    so_far: list[JSON] = []
    for container in inits:
        name = container["name"]
        if is_sidecar(container):
            so_far.append(container)
            if not started(name):
                return Turn(tuple(so_far), initialized=False, has_inits=True)
            continue
        code = _exit_code(seen(name), before(name), over=again.get(name, -1))
        if code == 0:
            continue
        failed = code is not None and spec.get("restartPolicy") == "Never"
        return Turn((*so_far, container), initialized=False, failed=failed, has_inits=True)
    return Turn((*sidecars, *mains), initialized=True, has_inits=True)


def _exit_code(seen: ContainerStatus | None, before: JSON | None, *, over: int) -> int | None:
    """How its newest attempt ended; None when it has not, or when that one does not count."""
    if seen is not None:
        return seen.exit_code if seen.state == "exited" and seen.attempt > over else None
    ended = ((before or {}).get("state") or {}).get("terminated")
    if before is None or not ended or before.get("restartCount", 0) <= over:
        return None
    return int(ended["exitCode"])
