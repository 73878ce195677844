"""How containers find the Kubernetes API, as the kubelet tells them: variables, and names that no DNS has to know.
Pure.
"""

from __future__ import annotations

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
