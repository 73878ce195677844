"""Networks as lists and details show them: state, the range in use, and how many pods it has addresses for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from console import states
from console.rows import Row
from console.states import State
from workloads.client import JSON
from workloads.kinds.networks import NETWORK_TYPE, SERVICES, free_addresses

__all__ = ["NETWORK_TYPE", "SERVICES", "NetworkRow", "network_row"]


@dataclass(frozen=True)
class NetworkRow(Row):
    pods: int | None = None
    """Of its namespace; None for who may not know."""

    @cached_property
    def state(self) -> State:
        return states.of_network(self.obj)

    @property
    def asked(self) -> str:
        return str(self.obj["spec"].get("cidr", ""))

    @property
    def cidr(self) -> str:
        """The range in use; while there is none, the one that is asked for."""
        return str((self.obj.get("status") or {}).get("cidr") or self.asked)

    @property
    def addresses(self) -> int | None:
        """How many pods the range has room for; None while it is not known."""
        return free_addresses(self.cidr) if self.cidr else None

    @property
    def note(self) -> str:
        """What the controller says of a network that works."""
        return "" if self.state.needs_a_look else str((self.obj.get("status") or {}).get("message", ""))

    @property
    def vpc(self) -> str:
        return str(self.obj["spec"].get("attachedVPC", ""))

    @property
    def servers(self) -> list[str]:
        return list(self.obj["spec"].get("dnsServers") or ())


def network_row(network: JSON, pods: int | None = None) -> NetworkRow:
    return NetworkRow(network, pods)
