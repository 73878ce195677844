"""Under which ServiceAccount a new pod runs, and what it lends the pod: the Secrets its images are pulled with."""

from __future__ import annotations

from typing import Any

from workloads.kinds.serviceaccounts import DEFAULT
from workloads.meta import wire
from workloads.meta.errors import Refused
from workloads.meta.keys import Key
from workloads.store import objects

JSON = dict[str, Any]


def settle(pod: JSON, account: str) -> None:
    """Completes a new pod in place. Raises Refused when its ServiceAccount is not there; `default` may still be on its
    way into a young namespace."""
    spec, metadata = pod["spec"], pod["metadata"]
    name = spec.setdefault("serviceAccountName", DEFAULT)
    spec["serviceAccount"] = name
    try:
        row = objects.read(Key(account, "ServiceAccount", metadata["namespace"], name))
    except objects.Missing:
        if name == DEFAULT:
            return
        said = f'error looking up service account {metadata["namespace"]}/{name}: serviceaccount "{name}" not found'
        details = {"name": metadata["name"], "kind": "pods"}
        raise Refused(f'pods "{metadata["name"]}" is forbidden: {said}', details=details) from None
    lent = wire.load(row.data).get("imagePullSecrets")
    if lent and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = lent
