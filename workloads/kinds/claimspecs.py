"""What a claim asks for: the classes of storage there are, the rules of a claim's specification, and which claims a pod
names. Pure; shared by PersistentVolumeClaim, StorageClass and the pods' volumes.

sata, sas and ssd are disks: pods of one host share them (ReadWriteOnce), or one pod has it alone (ReadWriteOncePod).
nfs-rw is a shared folder (ReadWriteMany). What lies behind a class on the host is the operator's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workloads.meta import causes, names, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

ONCE, POD_ALONE, MANY = "ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"
FILESYSTEM = "Filesystem"
_SHORT = {ONCE: "RWO", "ReadOnlyMany": "ROX", MANY: "RWX", POD_ALONE: "RWOP"}
_KNOWN_MODES = (ONCE, "ReadOnlyMany", MANY, POD_ALONE)


@dataclass(frozen=True)
class StorageClass:
    """One way to keep data. `words` says to people what it is."""

    name: str
    words: str
    modes: tuple[str, ...]


CLASSES = {
    one.name: one
    for one in (
        StorageClass("sata", "A disk of common speed.", (ONCE, POD_ALONE)),
        StorageClass("sas", "A faster disk.", (ONCE, POD_ALONE)),
        StorageClass("ssd", "The fastest disk.", (ONCE, POD_ALONE)),
        StorageClass("nfs-rw", "A shared folder that many pods write to at the same time.", (MANY, ONCE, POD_ALONE)),
    )
}
DEFAULT_CLASS = "sata"

FROZEN = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"

_VOLUME_NAME = "the service names the volume it makes for the claim; remove it"
_EMPTY_AT_FIRST = "is not supported yet: a volume begins empty; copy the data into it with a pod"
_REFUSED = {
    "dataSource": _EMPTY_AT_FIRST,
    "dataSourceRef": _EMPTY_AT_FIRST,
    "selector": "there are no volumes to choose from: each claim gets one of its own; remove it",
    "volumeAttributesClassName": "is not supported yet: choose with storageClassName; remove it",
}


def default(spec: JSON) -> None:
    spec.setdefault("volumeMode", FILESYSTEM)


def validate(spec: JSON, field: str) -> list[Cause]:
    """All that is wrong with a new claim's specification, standing at `field`."""
    found = _modes(spec, field) + _size(spec, field) + _class(spec, field)
    if spec.get("volumeMode") == "Block":
        said = "raw block devices are not offered; use Filesystem or leave it out"
        found.append(causes.forbidden(f"{field}.volumeMode", said))
    elif spec.get("volumeMode", FILESYSTEM) != FILESYSTEM:
        found.append(causes.unsupported(f"{field}.volumeMode", spec["volumeMode"], (FILESYSTEM,)))
    found += [causes.forbidden(f"{field}.{part}", said) for part, said in _REFUSED.items() if spec.get(part)]
    if spec.get("volumeName"):
        found.append(causes.forbidden(f"{field}.volumeName", _VOLUME_NAME))
    return found


def validate_change(claim: JSON, old: JSON) -> list[Cause]:
    """A bound claim may grow; nothing else of its specification changes. (That the service alone names its volume is
    admission's to see to.)"""
    spec, before = claim["spec"], old["spec"]
    found = _size(spec, "spec")
    if found:
        return found
    if _fixed_part(spec, before) != _fixed_part(before, before) or (
        size(spec) != size(before) and phase(old) != "Bound"
    ):
        return [causes.forbidden("spec", FROZEN)]
    if size(spec) < size(before) and size(spec) <= capacity(old):
        return [causes.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]
    return []


def size(spec: JSON) -> int:
    """Bytes asked for. The specification must have passed `validate`."""
    return quantity.whole(spec["resources"]["requests"]["storage"])


def capacity(claim: JSON) -> int:
    """Bytes the claim has been given; 0 while it has none."""
    return quantity.whole(((claim.get("status") or {}).get("capacity") or {}).get("storage", 0))


def used(claim: JSON) -> int | None:
    """Bytes that were counted in it last; None while nobody has."""
    usage = (claim.get("status") or {}).get("usage")
    return int(usage["bytes"]) if usage else None


def phase(claim: JSON) -> str:
    return str((claim.get("status") or {}).get("phase", ""))


def short(modes: list[str]) -> str:
    """`RWO,RWX`, in Kubernetes' order."""
    return ",".join(_SHORT[mode] for mode in _KNOWN_MODES if mode in modes)


def of_pod(pod: JSON) -> dict[str, str]:
    """The claims that a pod's volumes name, by volume. One of an `ephemeral` volume is the pod's own."""
    found = {}
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            found[volume["name"]] = str(volume["persistentVolumeClaim"].get("claimName", ""))
        elif "ephemeral" in volume:
            found[volume["name"]] = f"{pod['metadata'].get('name', '')}-{volume['name']}"
    return found


def _modes(spec: JSON, field: str) -> list[Cause]:
    modes, where = spec.get("accessModes") or [], f"{field}.accessModes"
    if not modes:
        return [causes.required(where, "at least 1 access mode is required")]
    found = [causes.unsupported(where, mode, _KNOWN_MODES) for mode in modes if mode not in _KNOWN_MODES]
    if POD_ALONE in modes and len(set(modes)) > 1:
        found.append(causes.forbidden(where, "may not use ReadWriteOncePod with other access modes"))
    kept = CLASSES.get(spec.get("storageClassName", DEFAULT_CLASS))
    if found or kept is None:
        return found
    others = ", ".join(one.name for one in CLASSES.values() if MANY in one.modes)
    for mode in (mode for mode in modes if mode not in kept.modes):
        said = f"storage class {kept.name} gives {' or '.join(kept.modes)}"
        said += f"; for ReadWriteMany use the class {others}" if mode == MANY else ""
        found.append(causes.invalid(where, mode, said))
    return found


def _size(spec: JSON, field: str) -> list[Cause]:
    where = f"{field}.resources[storage]"
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is None:
        return [causes.required(where, "say how large the volume shall be, such as 10Gi")]
    return [] if quantity.parse(asked) > 0 else [causes.invalid(where, str(asked), "must be greater than zero")]


def _class(spec: JSON, field: str) -> list[Cause]:
    where, name = f"{field}.storageClassName", spec.get("storageClassName", DEFAULT_CLASS)
    if name in CLASSES:
        return []
    if not name:
        said = "there are no volumes without a class here; leave it out for the default class"
        return [causes.invalid(where, name, said)]
    if problems := names.dns_subdomain(name):
        return [causes.invalid(where, name, text) for text in problems]
    return [causes.unsupported(where, name, CLASSES)]


def _fixed_part(spec: JSON, before: JSON) -> JSON:
    """Without the size, and without the volume's name where it is not named yet."""
    rest = {name: value for name, value in spec.items() if name != "resources"}
    if not before.get("volumeName"):
        rest.pop("volumeName", None)
    others = {name: value for name, value in spec["resources"].items() if name != "requests"}
    return {**rest, "resources": others}
