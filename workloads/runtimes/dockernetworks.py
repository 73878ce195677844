"""A bridge network for each namespace, on a subnet that nobody else on the host uses."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from workloads.runtimes import inspection, names
from workloads.runtimes.base import NetworkSpec, RuntimeFault
from workloads.runtimes.daemon import Daemon, Overlap
from workloads.runtimes.subnets import NoRoom, free_subnet, routed

SUBNETS_TRIED = 20
_ROUTES = Path("/proc/net/route")


class DockerNetworks:
    def __init__(self, daemon: Daemon, *, instance: str) -> None:
        self._daemon = daemon
        self._instance = instance

    def ensure(self, network: NetworkSpec) -> NetworkSpec:
        existing = self._daemon.networks()
        for found in existing:
            if found["Name"] == network.name:
                return replace(network, cidr=inspection.subnets(found)[0])
        taken = [cidr for found in existing for cidr in inspection.subnets(found)]
        return replace(network, cidr=self._make(network, taken))

    def _make(self, network: NetworkSpec, taken: list[str]) -> str:
        """Returns its subnet. Who took one since we looked may not be in the list yet: then the next one is tried."""
        labels = {**network.labels, names.INSTANCE: self._instance}
        for _ in range(SUBNETS_TRIED):
            cidr = self._free_subnet(network.cidr, taken)
            try:
                self._daemon.create_network(network.name, subnet=cidr, labels=labels)
            except Overlap:
                taken = [*taken, cidr]
            else:
                return cidr
        raise RuntimeFault(f"{SUBNETS_TRIED} subnets that seemed free are taken, the last was {cidr}")

    def _free_subnet(self, wanted: str, taken: list[str]) -> str:
        """Away from what the host routes elsewhere, if there is room away from it."""
        elsewhere = routed(_ROUTES.read_text()) if self._daemon.is_local and _ROUTES.exists() else []
        with suppress(NoRoom):
            return free_subnet(wanted, taken + elsewhere)
        try:
            return free_subnet(wanted, taken)
        except NoRoom as error:
            raise RuntimeFault(str(error)) from error
