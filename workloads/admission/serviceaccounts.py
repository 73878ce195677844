"""Under which ServiceAccount a new pod runs, and what it lends the pod: a token that its containers find, and the
Secrets its images are pulled with."""

from __future__ import annotations

from typing import Any

from workloads.kinds import configmaps
from workloads.kinds.serviceaccounts import DEFAULT
from workloads.meta import names
from workloads.meta.errors import Refused

JSON = dict[str, Any]

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where clients inside pods look."""
_VOLUME = "kube-api-access-"
_SECONDS = 3607
"""The kubelet's own number: who reads an expiry sees that this one was not asked for."""


def settle(pod: JSON, owner: JSON | None) -> None:
    """Says on a new pod, in place, under whom it runs; `owner` is that ServiceAccount. Raises Refused when it is not
    there; `default` may still be on its way into a young namespace."""
    spec, metadata = pod["spec"], pod["metadata"]
    name = spec.setdefault("serviceAccountName", DEFAULT)
    spec["serviceAccount"] = name
    if owner is None and name != DEFAULT:
        said = f'error looking up service account {metadata["namespace"]}/{name}: serviceaccount "{name}" not found'
        raise Refused.named("pods", metadata["name"], said)


def lend(pod: JSON, owner: JSON | None) -> None:
    """Completes a pod that was found valid, in place."""
    spec = pod["spec"]
    _mount_token(pod, owner or {})
    lent = (owner or {}).get("imagePullSecrets")
    if lent and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = lent


def _mount_token(pod: JSON, owner: JSON) -> None:
    """Into every container that has nothing else at that place, unless pod or ServiceAccount say no; the pod's word
    counts."""
    spec = pod["spec"]
    said = [obj.get("automountServiceAccountToken") for obj in (spec, owner)]
    wanted = next((one for one in said if one is not None), True)
    listed = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    blind = [one for one in listed if not any(_is_place(mount) for mount in one.get("volumeMounts") or ())]
    if not wanted or not blind:
        return
    own = (volume["name"] for volume in spec.get("volumes") or () if volume.get("name", "").startswith(_VOLUME))
    name = next(own, "")
    if not name:
        name = names.generate(_VOLUME)
        spec["volumes"] = [*(spec.get("volumes") or ()), _volume(name)]
    for container in blind:
        mount = {"name": name, "readOnly": True, "mountPath": PLACE}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]


def _is_place(mount: JSON) -> bool:
    return str(mount.get("mountPath", "")).rstrip("/") == PLACE


def _volume(name: str) -> JSON:
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _SECONDS, "path": "token"}},
        {"configMap": {"name": configmaps.ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
                ]
            }
        },
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}
