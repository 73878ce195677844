"""PersistentVolumeClaim: a folder on the host that outlives the pods that use it."""

from __future__ import annotations

from typing import Any

from workloads.kinds import claimspecs, objectmeta, schemas
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta.errors import Cause

JSON = dict[str, Any]

PROTECTION = "kubernetes.io/pvc-protection"
"""Holds a deleted claim until no pod uses it and its data is out of reach."""
_CARRIED = ("storageClassName", "volumeMode", "volumeName")


def default(obj: JSON) -> None:
    claimspecs.default(obj.setdefault("spec", {}))


def prepare(obj: JSON, old: JSON | None) -> None:
    """A claim begins Pending, in the default class unless it names one. What was chosen then and an update leaves out
    stays as it was."""
    if old is None:
        obj["spec"].setdefault("storageClassName", claimspecs.DEFAULT_CLASS)
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if PROTECTION not in finalizers:
            finalizers.append(PROTECTION)
        obj["status"] = {"phase": "Pending"}
        return
    for name in _CARRIED:
        if name in old["spec"]:
            obj["spec"].setdefault(name, old["spec"][name])


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj)
    if old is None:
        return found + claimspecs.validate(obj["spec"], "spec")
    return found + claimspecs.validate_change(obj, old)


def _shown_phase(obj: JSON) -> str:
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else claimspecs.phase(obj)


def _given(obj: JSON) -> JSON:
    """What its volume has; nothing while it has none."""
    return (obj.get("status") or {}) if obj["spec"].get("volumeName") else {}


def _capacity(obj: JSON) -> str:
    given = (_given(obj).get("capacity") or {}).get("storage")
    return str(given) if given is not None else "0" if obj["spec"].get("volumeName") else ""


schemas.extend(
    "io.k8s.api.core.v1.PersistentVolumeClaimStatus",
    {
        "usage": {
            "description": "How much was found in the volume when it was counted last.",
            "type": "object",
            "properties": {
                "bytes": {"type": "integer", "format": "int64", "description": "Bytes on the disk."},
                "countedAt": {"type": "string", "description": "When. RFC 3339, UTC."},
            },
        }
    },
)

KIND = register(
    Kind(
        name="PersistentVolumeClaim",
        plural="persistentvolumeclaims",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.PersistentVolumeClaim",
        singular="persistentvolumeclaim",
        short_names=("pvc",),
        subresources=("status",),
        columns=(
            NAME,
            Column("Status", lambda obj, now: _shown_phase(obj), description="Pending, Bound, Lost or Terminating"),
            Column("Volume", lambda obj, now: obj["spec"].get("volumeName", ""), description="The volume it has"),
            Column("Capacity", lambda obj, now: _capacity(obj), description="The volume's size"),
            Column("Access Modes", lambda obj, now: claimspecs.short(_given(obj).get("accessModes") or [])),
            Column("StorageClass", lambda obj, now: obj["spec"].get("storageClassName", "")),
            Column("VolumeAttributesClass", lambda obj, now: "<unset>"),
            AGE,
            Column("VolumeMode", lambda obj, now: obj["spec"].get("volumeMode", "<unset>"), priority=1),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(phase=claimspecs.phase(obj)),
        has_generation=False,
    )
)
