"""StorageClass: what claims can choose from. The same in every account, made by the service and by nobody else."""

from __future__ import annotations

import uuid
from typing import Any

from workloads.kinds import claimspecs
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register

JSON = dict[str, Any]

PROVISIONER = "local.cci.io"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_API_VERSION = "storage.k8s.io/v1"


def _class(one: claimspecs.StorageClass) -> JSON:
    about = {"kubernetes.io/description": one.words}
    return {
        "apiVersion": _API_VERSION,
        "kind": "StorageClass",
        "metadata": {
            "name": one.name,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{one.name}.{PROVISIONER}")),
            "annotations": {**about, IS_DEFAULT: "true"} if one.name == claimspecs.DEFAULT_CLASS else about,
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


def _name(obj: JSON) -> str:
    is_default = (obj["metadata"].get("annotations") or {}).get(IS_DEFAULT) == "true"
    return f"{obj['metadata']['name']} (default)" if is_default else str(obj["metadata"]["name"])


KIND = register(
    Kind(
        name="StorageClass",
        plural="storageclasses",
        group="storage.k8s.io",
        version="v1",
        schema="io.k8s.api.storage.v1.StorageClass",
        singular="storageclass",
        namespaced=False,
        short_names=("sc",),
        verbs=("get", "list", "watch"),
        columns=(
            Column("Name", lambda obj, now: _name(obj), format=NAME.format, description=NAME.description),
            Column("Provisioner", lambda obj, now: obj["provisioner"], description="Who makes the volumes"),
            Column("ReclaimPolicy", lambda obj, now: obj["reclaimPolicy"]),
            Column("VolumeBindingMode", lambda obj, now: obj["volumeBindingMode"]),
            Column("AllowVolumeExpansion", lambda obj, now: obj["allowVolumeExpansion"], type="boolean"),
            AGE,
        ),
        has_generation=False,
        fixed=tuple(_class(one) for one in claimspecs.CLASSES.values()),
    )
)
