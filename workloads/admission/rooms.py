"""A pod that is larger than all there is for pods would wait: whoever asks for it is told at once, not only by a pod
that does not come. A courtesy: before the agent has said how large the host is, nothing is said.
"""

from __future__ import annotations

from decimal import Decimal

from workloads.kinds.grids import Specification
from workloads.meta.quantity import GIB
from workloads.store import hosts


def warnings(specification: Specification) -> tuple[str, ...]:
    room = hosts.get(hosts.ROOM)
    if room is None:
        return ()
    if specification.cpu_millis <= room["cpu_millis"] and specification.memory_bytes <= room["memory_bytes"]:
        return ()
    cores, gib = _number(room["cpu_millis"], 1000), _number(room["memory_bytes"], GIB)
    return (
        f"pod size: this host has {cores} cores and {gib} GiB for all pods together; "
        f"a pod of {specification} waits until there is more",
    )


def _number(count: int, unit: int) -> str:
    return f"{Decimal(count) / unit:.2f}".rstrip("0").rstrip(".")
