"""Who manages which fields of what is being written. `meta.managers` has the rules; here they meet kinds and requests.

A write that changes nothing leaves the list as it was, times included, so that nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from workloads.kinds import schemas
from workloads.kinds.base import Kind
from workloads.meta import fieldsets, managers, merging
from workloads.meta.errors import BadRequest
from workloads.meta.fieldsets import LEAF, Fields
from workloads.meta.managers import Applying, Held, ManagersConflict, Name
from workloads.meta.merging import Comparison
from workloads.meta.shapes import Shape

JSON = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
_STATUS: Fields = {"f:status": LEAF}
_ALL_BUT_STATUS: Fields = {"f:metadata": LEAF, "f:spec": LEAF}
_MOST_ANNOTATED = 256 * 1024


@dataclass(frozen=True)
class Writer:
    """Who writes, in which version's words, which part of an object. What `has_applied` comes with its managedFields
    already worked out."""

    manager: str
    api_version: str
    now: datetime
    subresource: str = ""
    has_applied: bool = False

    @property
    def name(self) -> Name:
        return Name(self.manager, managers.UPDATE, self.api_version, self.subresource)


@dataclass(frozen=True)
class Versions:
    """The versions a kind is served in."""

    kind: Kind

    def shape(self, api_version: str) -> Shape:
        return schemas.shape(self.kind.schema_of(api_version))

    def said(self, obj: JSON, api_version: str) -> JSON | None:
        kind, spoken = self.kind, obj.get("apiVersion", self.kind.api_version)
        if spoken == api_version:
            return obj
        if api_version not in _served(kind):
            return None
        conversion = kind.conversions.get(spoken)
        stored = {**obj, **conversion.stored(obj)} if conversion else obj
        return kind.shown({**stored, "apiVersion": kind.api_version}, api_version)


def record_new(kind: Kind, obj: JSON, writer: Writer) -> None:
    """`obj`, in place, with who manages what it was created with. Defaults are the creator's; what admission adds
    afterwards is nobody's."""
    if writer.has_applied:
        return
    given = obj["metadata"].pop("managedFields", None)
    versions, known = Versions(kind), _given(given) or {}
    after = versions.said(obj, writer.api_version)
    if after is None:
        return
    before = {"apiVersion": after["apiVersion"], "kind": after["kind"]}
    found = _of_new(before, after, versions.shape(writer.api_version)).without(_ignored(kind, ""))
    _put(obj, managers.updated(known, lambda version: found, name=writer.name, now=writer.now))


def _of_new(before: JSON, after: JSON, shape: Shape) -> Comparison:
    """`merging.compare`, and of a spec that came before, what it found then: most pods are copies."""
    if "spec" not in after or len(data := orjson.dumps(after["spec"])) > _LONGEST_REMEMBERED:
        return merging.compare(before, after, shape)
    rest = merging.compare(before, {name: value for name, value in after.items() if name != "spec"}, shape)
    return Comparison(*({**one, **other} for one, other in zip(rest, _of_spec(shape, data), strict=True)))


@lru_cache(maxsize=256)
def _of_spec(shape: Shape, spec: bytes) -> Comparison:
    return merging.compare({}, {"spec": orjson.loads(spec)}, shape)


_LONGEST_REMEMBERED = 16 * 1024


def record_change(kind: Kind, new: JSON, old: JSON, writer: Writer) -> None:
    """`new`, in place, with who manages what after `writer` made it of `old`."""
    before = old["metadata"].get("managedFields")
    given = new["metadata"].pop("managedFields", None)
    if writer.has_applied:
        _keep_times(new, given, old, before)
        return
    known = _known(given, before, subresource=writer.subresource)
    if not known:
        return
    bare = {**old, "metadata": {name: value for name, value in old["metadata"].items() if name != "managedFields"}}
    ignored = _ignored(kind, writer.subresource)
    difference = managers.differences(bare, new, Versions(kind), ignored=ignored)
    _put(new, managers.updated(known, difference, name=writer.name, now=writer.now))


def record_status(kind: Kind, new: JSON, old: JSON, writer: Writer) -> JSON:
    """`new`, which differs from `old` in its status alone, with who manages what of it. Called at every step of every
    controller, so that nothing but the status is looked at."""
    before = old["metadata"].get("managedFields")
    if not before or new is old:
        return new
    versions = Versions(kind)
    if kind.also_served_as:
        difference = managers.differences(old, new, versions, ignored={})
    else:
        difference = _of_status(old, new, versions.shape(kind.api_version), kind.api_version)
    after = managers.updated(managers.read(before), difference, name=writer.name, now=writer.now)
    result = {**new, "metadata": dict(new["metadata"])}
    _put(result, after)
    return result


def apply(kind: Kind, live: JSON, config: JSON, writer: Writer, *, force: bool) -> JSON:
    """`live` (in the words of the writer's version) with `config` applied, managedFields included. Raises BadRequest
    and Conflict."""
    versions = Versions(kind)
    _check(kind, config, versions.shape(writer.api_version), writer)
    before = live["metadata"].get("managedFields")
    bare = {**live, "metadata": {name: value for name, value in live["metadata"].items() if name != "managedFields"}}
    call = Applying(
        manager=writer.manager,
        api_version=writer.api_version,
        config=config,
        versions=versions,
        now=writer.now,
        subresource=writer.subresource,
        force=force,
        ignored=_ignored(kind, writer.subresource),
    )
    known = managers.read(before) if before else _unmanaged(bare, call)
    new, after = _applied(bare, known, call)
    if writer.manager == _KUBECTL:
        new = _with_last_applied(new, config)
    return {**new, "metadata": {**(new.get("metadata") or {}), "managedFields": managers.written(after)}}


def apply_scale(kind: Kind, live: JSON, config: JSON, writer: Writer, *, force: bool) -> JSON:
    """The same for a Scale: of what it says `spec.replicas` alone is the object's. `live` is the object."""
    _check(kind, config, schemas.shape(schemas.SCALE), replace(writer, api_version="autoscaling/v1"), name="Scale")
    wanted = config.get("spec") or {}
    part = {"spec": {"replicas": wanted["replicas"]}} if "replicas" in wanted else {}
    own = {**part, "apiVersion": kind.api_version, "kind": kind.name}
    return apply(kind, live, own, replace(writer, api_version=kind.api_version), force=force)


def _check(kind: Kind, config: JSON, shape: Shape, writer: Writer, *, name: str = "") -> None:
    """Raises BadRequest for what cannot be applied at all."""
    version, wanted = config.get("apiVersion") or "", name or kind.name
    if version != writer.api_version or config.get("kind") != wanted:
        raise BadRequest(f"invalid object type: {_gvk(config)}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    found = list(merging.problems(config, shape))
    if found:
        lines = [f"{problem.path}: {problem.message}" for problem in found]
        text = lines[0] if len(lines) == 1 else "\n  ".join(["errors:", *lines])
        raise BadRequest(f"failed to create typed patch object ({_described(config)}): {text}")


def _gvk(config: JSON) -> str:
    group_version = config.get("apiVersion") or ""
    version = group_version if "/" in str(group_version) else f"/{group_version}"
    return f"{version}, Kind={config.get('kind') or ''}"


def _described(config: JSON) -> str:
    metadata = config.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {_gvk(config)}"


def _applied(bare: JSON, known: dict[Name, Held], call: Applying) -> tuple[JSON, dict[Name, Held]]:
    """What client-side apply has written down as its own is kubectl's to take over."""
    try:
        return managers.applied(bare, known, call)
    except ManagersConflict as refused:
        if call.manager != _KUBECTL:
            raise
        allowed = _last_applied_fields(bare, call)
        left = [(name, path) for name, path in refused.found if not fieldsets.has(allowed, *path)]
        if left:
            raise managers.conflict(left) from None
    return managers.applied(bare, known, replace(call, force=True))


def _last_applied_fields(bare: JSON, call: Applying) -> Fields:
    """The fields that client-side apply said last, as far as they still are as it said."""
    noted = (bare["metadata"].get("annotations") or {}).get(LAST_APPLIED, "")
    try:
        last = orjson.loads(noted)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(last, dict) or last.get("apiVersion") != call.api_version:
        return {}
    if next(merging.problems(last, call.shape), None) is not None:
        return {}
    said = merging.fields_of(last, call.shape)
    for part in merging.compare(last, bare, call.shape):
        said = fieldsets.difference(said, part)
    return said


def _with_last_applied(new: JSON, config: JSON) -> JSON:
    """kubectl's note for client-side apply is kept true, where there is one."""
    annotations = (new.get("metadata") or {}).get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return new
    own = dict(config.get("metadata") or {})
    if own.get("annotations"):
        own["annotations"] = {name: said for name, said in own["annotations"].items() if name != LAST_APPLIED}
    noted = orjson.dumps({**config, "metadata": own}).decode() + "\n"
    others = {name: said for name, said in annotations.items() if name != LAST_APPLIED}
    fits = sum(len(name) + len(said) for name, said in others.items() if said) + len(noted) <= _MOST_ANNOTATED
    kept = {**annotations, LAST_APPLIED: noted} if fits else others
    return {**new, "metadata": {**new["metadata"], "annotations": kept}}


def _unmanaged(bare: JSON, call: Applying) -> dict[Name, Held]:
    """What was there before anybody applied, or was looked at, is somebody's, too."""
    if not bare["metadata"].get("uid"):
        return {}
    name = Name(managers.BEFORE_FIRST_APPLY, managers.UPDATE, call.api_version, call.subresource)
    empty = {"apiVersion": bare["apiVersion"], "kind": bare["kind"]}
    found = merging.compare(empty, bare, call.shape).without(call.ignored)
    return managers.updated({}, lambda version: found, name=name, now=call.now)


def _known(given: Any, before: list[JSON] | None, *, subresource: str) -> dict[Name, Held]:
    """What the caller says stands, if it is anything, so that kubectl can move what client-side apply had to another
    manager; not with a subresource. What cannot be read, or says nothing, is as good as what is stored."""
    if not subresource and given and given != before:
        if managers.is_reset(given):
            return {}
        if known := _given(given):
            return known
    return managers.read(before or ())


def _given(given: Any) -> dict[Name, Held] | None:
    if not given:
        return None
    try:
        return managers.checked(given)
    except ValueError:
        return None


def _put(obj: JSON, after: dict[Name, Held]) -> None:
    obj["metadata"].pop("managedFields", None)
    if after:
        obj["metadata"]["managedFields"] = managers.written(after)


def _keep_times(new: JSON, given: list[JSON], old: JSON, before: list[JSON] | None) -> None:
    """An apply that changes nothing is no write."""
    metadata = {name: value for name, value in old["metadata"].items() if name != "managedFields"}
    same = new == {**old, "metadata": metadata} and managers.same_but_for_time(given, before or [])
    if entries := before if same else given:
        new["metadata"]["managedFields"] = entries


def _of_status(old: JSON, new: JSON, shape: Shape, spoken: str) -> Callable[[str], Comparison | None]:
    part = shape.fields.get("status")
    before, after = old.get("status") or {}, new.get("status") or {}
    found = merging.compare(before, after, part.shape) if part else merging.SAME
    wrapped = Comparison(*({"f:status": half} if half else {} for half in found))
    return lambda version: wrapped if version == spoken else None


def _served(kind: Kind) -> set[str]:
    others = (f"{group}/{version}" if group else version for group, version in kind.also_served_as)
    return {kind.api_version, *others}


def _ignored(kind: Kind, subresource: str) -> Fields:
    if subresource == "status":
        return _ALL_BUT_STATUS
    return _STATUS if "status" in kind.subresources else {}
