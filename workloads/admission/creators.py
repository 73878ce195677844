"""Who makes a namespace with roles is the first to have one in it. Pure."""

from __future__ import annotations

from typing import Any

from iam.identities import MASTERS, Identity
from workloads.kinds import clusterroles
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.kinds.roles import USER

JSON = dict[str, Any]

BINDING = "namespace-creator"


def binding(namespace: JSON, identity: Identity) -> JSON | None:
    """The RoleBinding that a new namespace begins with; None where roles do not count, or not for its creator."""
    switched = (namespace["metadata"].get("labels") or {}).get(RBAC_LABEL) == "true"
    if not switched or identity.is_controller or identity.is_service_account or MASTERS in identity.groups:
        return None
    return {
        "metadata": {"name": BINDING},
        "roleRef": {"apiGroup": clusterroles.GROUP, "kind": "ClusterRole", "name": clusterroles.CLUSTER_ADMIN},
        "subjects": [{"kind": USER, "apiGroup": clusterroles.GROUP, "name": identity.user}],
    }
