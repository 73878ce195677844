"""Has a container started, is it ready, must it be killed: from what the runtime sees and its probes said. Pure.

Without a word of its probes a running container is taken to be alive, not started (where it has a startup probe) and
not ready (where it has a readiness probe), as the kubelet does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workloads.kinds import handlers
from workloads.runtimes.base import ContainerStatus
from workloads.store.probes import Word

JSON = Mapping[str, Any]


@dataclass(frozen=True)
class Health:
    started: bool = False
    ready: bool = False
    since: datetime | None = None
    """When the last probe that had to pass did."""
    failed: str = ""
    """The probe it must be killed for: startup or liveness."""


NONE = Health()


def has_probes(container: JSON) -> bool:
    return any(container.get(field) for field in handlers.PROBES.values())


def judge(container: JSON, seen: ContainerStatus | None, words: Iterable[Word], *, hooked: bool = True) -> Health:
    """`hooked`: it has no postStart hook, or that is done. Words about another attempt mean nothing."""
    if seen is None or seen.state != "running" or not hooked:
        return NONE
    said = {word.probe: word for word in words if word.container == container["name"] and word.attempt == seen.attempt}
    started = _passed(container, handlers.STARTUP, said)
    passed = [word.at for word in said.values() if word.passes]
    return Health(
        started=started,
        ready=started and _passed(container, handlers.READINESS, said),
        since=max(passed, default=None),
        failed=next((which for which in (handlers.STARTUP, handlers.LIVENESS) if _failed(said, which)), ""),
    )


def _passed(container: JSON, which: str, said: Mapping[str, Word]) -> bool:
    """A probe that there is none of has passed."""
    return not container.get(handlers.PROBES[which]) or (which in said and said[which].passes)


def _failed(said: Mapping[str, Word], which: str) -> bool:
    return which in said and not said[which].passes
