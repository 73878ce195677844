"""How containers find the Kubernetes API and Services, as the kubelet tells them: variables, and names that are found
without any DNS. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workloads.runtimes.base import AliasSpec

PORT = 443
NAMES = (
    "kubernetes.default.svc.cluster.local",
    "kubernetes.default.svc",
    "kubernetes.default",
    "kubernetes",
)


def environment(address: str) -> dict[str, str]:
    """Of every container; none where pods do not reach the API (`address` is "")."""
    if not address:
        return {}
    url, prefix = f"tcp://{address}:{PORT}", f"KUBERNETES_PORT_{PORT}_TCP"
    return {
        "KUBERNETES_SERVICE_HOST": address,
        "KUBERNETES_SERVICE_PORT": str(PORT),
        "KUBERNETES_SERVICE_PORT_HTTPS": str(PORT),
        "KUBERNETES_PORT": url,
        prefix: url,
        f"{prefix}_PROTO": "tcp",
        f"{prefix}_PORT": str(PORT),
        f"{prefix}_ADDR": address,
    }


def aliases(address: str) -> tuple[AliasSpec, ...]:
    return (AliasSpec(address, NAMES),) if address else ()


def links(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a container is told of its namespace's Services (`enableServiceLinks`), in the kubelet's names; of those
    without an address, nothing."""
    variables: dict[str, str] = {}
    for service in found:
        spec = service["spec"]
        address, ports = spec.get("clusterIP") or "", spec.get("ports") or ()
        if address and address != "None" and ports:
            variables |= _link(_variable(service["metadata"]["name"]), address, ports)
    return variables


def _link(name: str, address: str, ports: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    told = {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        number, protocol = str(port["port"]), port.get("protocol") or "TCP"
        url, prefix = f"{protocol.lower()}://{address}:{number}", f"{name}_PORT_{number}_{protocol.upper()}"
        if port.get("name"):
            told[f"{name}_SERVICE_PORT_{_variable(port['name'])}"] = number
        told.setdefault(f"{name}_PORT", url)
        told |= {
            prefix: url,
            f"{prefix}_PROTO": protocol.lower(),
            f"{prefix}_PORT": number,
            f"{prefix}_ADDR": address,
        }
    return told


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
