"""Who stands behind a Service, as its EndpointSlices tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workloads.client import JSON, Client
from workloads.kinds import services
from workloads.meta.errors import Forbidden

KIND = "EndpointSlice"


@dataclass(frozen=True)
class Endpoint:
    address: str
    pod: str
    """"" for an address that somebody wrote."""
    uid: str
    ready: bool
    leaving: bool
    ports: str
    """`8080/TCP, 9090/TCP`."""


@dataclass(frozen=True)
class Backends:
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def ready(self) -> int:
        return sum(one.ready for one in self.endpoints)

    @property
    def total(self) -> int:
        """Without those that are leaving: nobody waits for them."""
        return sum(not one.leaving for one in self.endpoints)


NOBODY = Backends()
Known = dict[tuple[str, str], Backends]
"""By (namespace, Service)."""


def of(client: Client, namespace: str, service: str) -> Backends:
    selector = f"{services.NAME_LABEL}={service}"
    try:
        slices = client.list(KIND, namespace, label_selector=selector).items
    except Forbidden:
        return NOBODY
    return _sorted(_endpoints(slices))


def known(client: Client, scope: str | None) -> Known:
    """Of all Services there: read once for a whole list."""
    try:
        slices = client.list(KIND, scope).items
    except Forbidden:
        return {}
    by_service: dict[tuple[str, str], list[JSON]] = {}
    for one in slices:
        metadata = one["metadata"]
        name = (metadata.get("labels") or {}).get(services.NAME_LABEL, "")
        by_service.setdefault((metadata["namespace"], name), []).append(one)
    return {place: _sorted(_endpoints(some)) for place, some in by_service.items()}


def _sorted(endpoints: Iterable[Endpoint]) -> Backends:
    """One address may stand in two slices for a moment."""
    by_address = {one.address: one for one in endpoints}
    return Backends(tuple(by_address[address] for address in sorted(by_address, key=_as_number)))


def _endpoints(slices: Iterable[JSON]) -> Iterable[Endpoint]:
    for one in slices:
        ports = ", ".join(f"{port.get('port', '*')}/{port.get('protocol', 'TCP')}" for port in one.get("ports") or ())
        for endpoint in one.get("endpoints") or ():
            conditions, target = endpoint.get("conditions") or {}, endpoint.get("targetRef") or {}
            yield Endpoint(
                address=endpoint["addresses"][0],
                pod=target.get("name", "") if target.get("kind") == "Pod" else "",
                uid=target.get("uid", "") if target.get("kind") == "Pod" else "",
                ready=conditions.get("ready", True),
                leaving=bool(conditions.get("terminating")),
                ports=ports,
            )


def _as_number(address: str) -> tuple[object, ...]:
    return tuple(int(part) if part.isdigit() else part for part in address.split("."))
