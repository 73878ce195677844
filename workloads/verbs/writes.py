"""Create and change. A write is compare-and-set on the revision that was read; who loses the race reads again, unless
the caller named a resourceVersion: then the answer is Conflict."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from iam.identities import Identity
from workloads.admission import authorize, chain, creators, fields, identify, namespaces, ownership, rbac, statuses
from workloads.admission.ownership import Writer
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import wire
from workloads.meta.errors import AlreadyExists, BadRequest, Cause, Conflict, Invalid, NotFound, Refused, TooLarge
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.verbs import endings, reads, scales, trail
from workloads.verbs.calls import Answer, Subresource, WriteOptions
from workloads.verbs.drafts import at_revision, draft, loaded

JSON = dict[str, Any]
Wish = Callable[[JSON], JSON]
"""From the object (or subresource) as it is to what the caller wants it to be. Asked again after a lost race."""
Trailed = tuple[objects.Guard, ...]

TRIES = 20
NAMES_TO_TRY = 8
NO_OPTIONS = WriteOptions()
UNKNOWN, CONTROLLER = NO_OPTIONS.manager, "system:controller:"


def create(
    identity: Identity,
    kind_name: str,
    manifest: JSON,
    namespace: str,
    options: WriteOptions = NO_OPTIONS,
    *,
    guards: tuple[objects.Guard, ...] = (),
) -> Answer:
    """`guards` are asked inside the write's transaction, with admission's own."""
    kind = registry.kind(kind_name)
    wanted = copied(manifest)
    namespace = _namespace_for(kind, wanted, namespace)
    authorize.check(identity, kind, "create", namespace=namespace, name=_own_place(kind, wanted))
    said = _decoded(kind, wanted, options)
    writer, is_named, again = writer_of(identity, kind, options), _is_named(wanted), orjson.dumps(wanted)
    for attempt in range(NAMES_TO_TRY):
        wanted = orjson.loads(again) if attempt else wanted
        admitted = chain.admit_new(kind, wanted, namespace=namespace, identity=identity, writer=writer)
        key = Key(identity.account, kind.name, namespace if kind.namespaced else "", admitted.obj["metadata"]["name"])
        trailed = trail.of_write(identity, kind, "create", key, None, admitted.obj)
        admitted = replace(admitted, guards=admitted.guards + guards)
        try:
            written = _insert(kind, identity.account, admitted, trailed, options)
        except objects.Stale:  # what was chosen for it was taken meanwhile
            continue
        if written is not None:
            if kind.name == "Namespace" and not options.dry_run:
                _give_to_creator(identity, admitted.obj)
            return Answer(written, said + admitted.warnings, created=True)
        if is_named:
            break
    name = admitted.obj["metadata"]["name"]
    code = namespaces.DUPLICATE if kind.name == "Namespace" else ""
    raise AlreadyExists.named(kind.plural, name, group=kind.group, error_code=code)


def update(
    identity: Identity,
    kind_name: str,
    name: str,
    manifest: JSON,
    namespace: str,
    *,
    subresource: Subresource,
    options: WriteOptions,
) -> Answer:
    """Where upstream lets a PUT make what is not there, so does this: `created` says so."""
    kind = registry.kind(kind_name)
    wanted = copied(manifest)
    key = Key(identity.account, kind.name, namespace if kind.namespaced else "", name)

    def changed() -> Answer:
        return change(identity, kind, key, lambda old: copied(wanted), subresource=subresource, options=options)

    try:
        return changed()
    except NotFound:
        if subresource or not kind.made_by_update:
            raise
    try:
        return _make(identity, kind, key, wanted, options)
    except AlreadyExists:  # somebody was quicker
        return changed()


def _make(identity: Identity, kind: Kind, key: Key, manifest: JSON, options: WriteOptions) -> Answer:
    """By a PUT; what it says of a revision is of no object. Raises Conflict when it means another life of this key."""
    wanted = copied(manifest)
    metadata = identify.metadata_of(wanted)
    identify.same_name(metadata.get("name"), key.name)
    identify.same_uid(kind, metadata.get("uid"), {"metadata": {"name": key.name, "uid": ""}})
    metadata.pop("resourceVersion", None)
    return create(identity, kind.name, wanted, key.namespace, options)


def change(
    identity: Identity,
    kind: Kind,
    key: Key,
    wish: Wish,
    *,
    subresource: Subresource = "",
    options: WriteOptions = NO_OPTIONS,
    verb: authorize.Verb = "update",
) -> Answer:
    """Read, wish, admit, compare and set; again when somebody wrote in between. An unchanged object writes nothing.
    `verb` is the right that is asked for: a patch needs no other."""
    authorize.check(identity, kind, verb, namespace=key.namespace, name=key.name, subresource=subresource)
    if subresource and subresource not in kind.subresources:
        raise NotFound("the server could not find the requested resource")
    if subresource == "finalize" or (subresource == "status" and not kind.own_conditions):
        authorize.only_controllers(identity, kind, key.name, subresource)
    for _ in range(TRIES):
        row = reads.row(kind, key)
        old = loaded(row)
        admitted = _next_state(kind, old, wish, subresource=subresource, identity=identity, options=options)
        if admitted.obj == old:
            return Answer(_shown(kind, old, subresource), admitted.warnings)
        try:
            trailed = trail.of_write(identity, kind, verb, key, old, admitted.obj, subresource)
            written = _store(kind, key.account, admitted, trailed, row.revision, options)
        except (objects.Stale, objects.Missing):
            continue
        if subresource == "scale":
            written = _shown(kind, written if isinstance(written, dict) else wire.load(written), subresource)
        return Answer(written, admitted.warnings)
    raise Conflict.stale(kind.plural, key.name, group=kind.group)


def _give_to_creator(identity: Identity, namespace: JSON) -> None:
    """A crash before it leaves a namespace that an administrator has to give to its creator."""
    binding = creators.binding(namespace, identity)
    if binding is not None:
        service = Identity.controller("creators", identity.account)
        with suppress(NotFound, Refused, AlreadyExists):  # somebody was quicker, or is deleting it already
            create(service, "RoleBinding", binding, namespace["metadata"]["name"])


def writer_of(identity: Identity, kind: Kind, options: WriteOptions, subresource: str = "") -> Writer:
    """Under what name the fields of this write are known to be managed."""
    own = identity.user.removeprefix(CONTROLLER) if identity.is_controller else UNKNOWN
    return Writer(
        manager=own if options.manager == UNKNOWN else options.manager,
        api_version=options.api_version or kind.api_version,
        now=datetime.now(UTC),
        subresource=subresource,
        has_applied=options.has_applied,
    )


def copied(manifest: Any) -> JSON:
    """A copy that is ours to change. Raises BadRequest for what is no JSON object."""
    try:
        copy = orjson.loads(orjson.dumps(manifest))
    except TypeError as error:
        raise BadRequest(f"the object is not JSON: {error}") from None
    if not isinstance(copy, dict):
        raise BadRequest("the object provided must be a JSON object")
    return copy


def _fitting(kind: Kind, account: str, obj: JSON, options: WriteOptions) -> objects.Draft:
    """Before an object is too large, who manages its fields is forgotten. Raises TooLarge."""
    try:
        return draft(kind, account, obj)
    except TooLarge:
        if options.has_applied or obj["metadata"].pop("managedFields", None) is None:
            raise
        return draft(kind, account, obj)


def _insert(
    kind: Kind, account: str, admitted: chain.Admitted, trailed: Trailed, options: WriteOptions
) -> JSON | bytes | None:
    """None when the key is taken."""
    new = _fitting(kind, account, admitted.obj, options)
    if options.dry_run:
        return None if _refused(new.key, admitted) else admitted.obj
    try:
        return objects.insert(new, guards=admitted.guards + trailed).data
    except objects.Exists:
        return None
    finally:
        rbac.written(kind.name, account)


def _refused(key: Key, admitted: chain.Admitted) -> bool:
    for guard in admitted.guards:
        guard()
    try:
        objects.read(key)
    except objects.Missing:
        return False
    return True


def _next_state(
    kind: Kind, old: JSON, wish: Wish, *, subresource: Subresource, identity: Identity, options: WriteOptions
) -> chain.Admitted:
    """The object as it shall be. Each subresource has its own part of it and leaves the rest alone."""
    seen: Subresource = "" if options.has_applied and subresource == "scale" else subresource
    wanted = wish(copied(_shown(kind, old, seen, options.api_version)))
    writer = writer_of(identity, kind, options, subresource)
    _same_revision(kind, wanted, old)
    if subresource == "status":
        identify.same_uid(kind, identify.metadata_of(wanted).get("uid"), old)
        if identity.is_controller:
            return chain.Admitted(ownership.record_status(kind, _with_status(old, wanted), old, writer))
        identify.same_name(identify.metadata_of(wanted).get("name"), old["metadata"]["name"])
        said = _decoded(kind, wanted, options, old)
        new = _with_status(old, statuses.by_user(kind, wanted, old))
        if options.has_applied:
            new = {**new, "metadata": {**new["metadata"], "managedFields": wanted["metadata"].get("managedFields")}}
            ownership.record_change(kind, new, old, writer)
            return chain.Admitted(new, said)
        return chain.Admitted(ownership.record_status(kind, new, old, writer), said)
    if subresource == "finalize":
        new = {
            **old,
            "spec": {**old.get("spec", {}), "finalizers": _finalizers(wanted)},
            "metadata": {**old["metadata"]},
        }
        ownership.record_change(kind, new, old, writer)
        return chain.Admitted(new)
    if seen == "scale":
        identify.same_name(identify.metadata_of(wanted).get("name"), old["metadata"]["name"])
        said = fields.settle_scale(wanted, mode=options.field_validation, doubts=_doubts(options))
        new = scales.scaled(kind, copied(old), wanted)
    else:
        said = _decoded(kind, wanted, options, old)
        new = wanted
    admitted = chain.admit_change(kind, new, old, identity=identity, writer=writer)
    return replace(admitted, warnings=said + admitted.warnings)


def _decoded(kind: Kind, wanted: JSON, options: WriteOptions, old: JSON | None = None) -> tuple[str, ...]:
    """Reads `wanted`, in place, as what it says it is, and makes it what is stored. `old` is what it shall replace."""
    said = wanted.get("apiVersion") or options.api_version or kind.api_version
    conversion = kind.conversions.get(said) if isinstance(said, str) else None
    identify.type_meta(kind, wanted)
    schema = conversion.schema if conversion else kind.schema
    mode, known = options.field_validation, None if conversion else old
    warnings = fields.settle(kind, wanted, schema=schema, mode=mode, doubts=_doubts(options), known=known)
    if conversion:
        stored = conversion.stored(wanted)
        wanted.clear()
        wanted.update(apiVersion=kind.api_version, kind=kind.name, **stored)
        fields.settle(kind, wanted, schema=kind.schema, mode="Ignore")
    return warnings


def _doubts(options: WriteOptions) -> tuple[str, ...]:
    return (*options.doubts, *fields.doubled(options.duplicates))


def _with_status(old: JSON, wanted: JSON) -> JSON:
    """Status writers cannot touch anything else."""
    status = wanted.get("status") or {}
    return {**old, "status": status} if status or "status" in old else old


def _same_revision(kind: Kind, wanted: JSON, old: JSON) -> None:
    metadata = identify.metadata_of(wanted)
    said = metadata.get("resourceVersion")
    if not said and kind.needs_revision:
        cause = Cause("metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update")
        raise Invalid.of(kind.plural, old["metadata"]["name"], (cause,), group=kind.group)
    if said and said != old["metadata"]["resourceVersion"]:
        raise Conflict.stale(kind.plural, old["metadata"]["name"], group=kind.group)


def _finalizers(wanted: JSON) -> list[str]:
    return list((wanted.get("spec") or {}).get("finalizers") or ())


def _store(
    kind: Kind, account: str, admitted: chain.Admitted, trailed: Trailed, expected_revision: int, options: WriteOptions
) -> JSON | bytes:
    """Writes, or takes away what was only waiting for its last finalizer."""
    obj = admitted.obj
    new = _fitting(kind, account, obj, options)
    if options.dry_run:
        for guard in admitted.guards:
            guard()
        return obj
    try:
        if endings.finished(kind, obj):
            return at_revision(obj, objects.remove(new, expected_revision=expected_revision, guards=trailed))
        return objects.update(new, expected_revision=expected_revision, guards=admitted.guards + trailed).data
    finally:
        rbac.written(kind.name, account)


def _shown(kind: Kind, obj: JSON, subresource: Subresource, api_version: str = "") -> JSON:
    if subresource == "scale":
        return scales.view(kind, obj)
    return kind.shown(obj, api_version) if api_version in kind.conversions and not subresource else obj


def _is_named(manifest: JSON) -> bool:
    return bool(identify.metadata_of(manifest).get("name"))


def _own_place(kind: Kind, manifest: JSON) -> str:
    """A Namespace is created in its own place: policies may speak of names. No other name is told to roles, as in
    Kubernetes: what is not there yet has none."""
    return str(identify.metadata_of(manifest).get("name") or "") if kind.name == "Namespace" else ""


def _namespace_for(kind: Kind, manifest: JSON, namespace: str) -> str:
    """The caller's namespace, or the one the manifest names."""
    if not kind.namespaced:
        return ""
    found = namespace or identify.metadata_of(manifest).get("namespace") or ""
    if not found:
        raise BadRequest("an empty namespace may not be set during creation")
    return str(found)
