"""Who an object is: name, uid, birth, generation. Callers choose names and labels; the rest of `metadata` is ours."""

from __future__ import annotations

import uuid
from typing import Any

from workloads.kinds.base import Kind
from workloads.meta import causes, names
from workloads.meta.errors import BadRequest, Conflict, Invalid

JSON = dict[str, Any]

_OURS = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
)
_DROPPED = ("selfLink",)


def type_meta(kind: Kind, manifest: JSON) -> None:
    """Fills in `apiVersion` and `kind`, or raises BadRequest when the manifest is of something else."""
    served = {kind.api_version} | {f"{group}/{version}" if group else version for group, version in kind.also_served_as}
    said = manifest.get("apiVersion") or kind.api_version
    if not isinstance(said, str) or said not in served:
        raise BadRequest(
            f"the API version in the data ({said}) does not match the expected API version ({kind.api_version})"
        )
    if (manifest.get("kind") or kind.name) != kind.name:
        raise BadRequest(
            f"the kind in the data ({manifest['kind']}) does not match the kind of the address ({kind.name})"
        )
    manifest["apiVersion"], manifest["kind"] = kind.api_version, kind.name


def metadata_of(manifest: JSON) -> JSON:
    """The manifest's metadata, made when missing. Raises BadRequest when it is no object."""
    if manifest.get("metadata") is None:
        manifest["metadata"] = {}
    metadata = manifest["metadata"]
    if not isinstance(metadata, dict):
        raise BadRequest("metadata must be an object")
    return metadata


def newborn(kind: Kind, obj: JSON, *, namespace: str, now: str) -> None:
    """Gives a manifest that is to be created its identity, in place."""
    metadata = metadata_of(obj)
    if metadata.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    _place(kind, metadata, namespace)
    _drop(metadata, *_OURS, *_DROPPED)
    if not metadata.get("name"):
        metadata["name"] = generated_name(kind, metadata)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = now
    if kind.has_generation:
        metadata["generation"] = 1
    _tidy(metadata)


def successor(kind: Kind, new: JSON, old: JSON) -> None:
    """Makes `new` the next state of `old`: the same life, in place. Raises when it names another one."""
    metadata, before = metadata_of(new), old["metadata"]
    same_name(metadata.get("name"), before["name"])
    _place(kind, metadata, before.get("namespace", ""))
    same_uid(kind, metadata.get("uid"), old)
    _drop(metadata, *_OURS, *_DROPPED, "generateName")
    metadata.update({field: before[field] for field in (*_OURS, "generateName") if field in before})
    _tidy(metadata)
    _no_new_finalizers(kind, metadata, before)


def next_generation(kind: Kind, new: JSON, old: JSON) -> None:
    """Generation is the spec's version: everything that is neither metadata nor status."""
    if not kind.has_generation:
        return
    before = old["metadata"].get("generation", 1)
    new["metadata"]["generation"] = before if wanted_of(new) == wanted_of(old) else before + 1


def wanted_of(obj: JSON) -> JSON:
    """What the caller wants of an object, without who it is and how it does."""
    return {name: value for name, value in obj.items() if name not in ("metadata", "status")}


def same_name(wanted: Any, name: str) -> None:
    """Raises BadRequest when the object does not say the name of its address."""
    if not wanted:
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if wanted != name:
        raise BadRequest(f"the name of the object ({wanted}) does not match the name on the URL ({name})")


def same_uid(kind: Kind, wanted: str | None, old: JSON) -> None:
    """Raises Conflict when the caller means another life of this key."""
    uid = old["metadata"]["uid"]
    if wanted and wanted != uid:
        raise Conflict(
            f'Operation cannot be fulfilled on {kind.resource} "{old["metadata"]["name"]}": '
            f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
        )


def generated_name(kind: Kind, metadata: JSON) -> str:
    base = metadata.get("generateName")
    if not base or not isinstance(base, str):
        cause = causes.required("metadata.name", "name or generateName is required")
        raise Invalid.of(kind.name, "", (cause,), group=kind.group)
    return names.generate(base)


def _place(kind: Kind, metadata: JSON, namespace: str) -> None:
    said = metadata.pop("namespace", None)
    if not kind.namespaced:
        return
    if said and said != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace


def _no_new_finalizers(kind: Kind, metadata: JSON, before: JSON) -> None:
    if not before.get("deletionTimestamp"):
        return
    added = set(metadata.get("finalizers") or ()) - set(before.get("finalizers") or ())
    if added:
        said = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
        cause = causes.forbidden("metadata.finalizers", said)
        raise Invalid.of(kind.name, metadata["name"], (cause,), group=kind.group)


def _drop(metadata: JSON, *fields: str) -> None:
    for field in fields:
        metadata.pop(field, None)


def _tidy(metadata: JSON) -> None:
    """Empty maps and lists are absent, as everywhere in Kubernetes, so that equal objects are equal dicts."""
    for field in ("labels", "annotations", "finalizers", "ownerReferences", "generateName"):
        if field in metadata and not metadata[field]:
            del metadata[field]
