"""Does a pod of this size fit on the host? By what the agent says the host gives to pods; whoever may not see the Node
is told nothing."""

from __future__ import annotations

from dataclasses import dataclass

from console.sizes import Size
from workloads.client import Client
from workloads.meta import quantity
from workloads.meta.errors import StatusError


@dataclass(frozen=True)
class HostRoom:
    """All that pods may be promised, when nothing else runs."""

    cpu_millis: int
    memory_mib: int

    def pods(self, size: Size) -> int:
        """How many of this size the empty host holds."""
        return min(self.cpu_millis // size.cpu_millis, self.memory_mib // size.memory_mib)

    @property
    def words(self) -> Size:
        return Size(self.cpu_millis, self.memory_mib)


def room(client: Client) -> HostRoom | None:
    """None while the agent was never heard of, or where one may not look."""
    try:
        nodes = client.list("Node").items
    except StatusError:
        return None
    for node in nodes:
        given = node["status"]["allocatable"]
        memory = quantity.whole(given["memory"]) // quantity.MIB
        return HostRoom(quantity.millicores(given["cpu"]), memory)
    return None
