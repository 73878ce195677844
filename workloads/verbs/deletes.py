"""Delete one, delete many. `endings` says what becomes of an object; here it is written down, race by race.

Dependents of what is gone are collected by the garbage controller, unless the caller asked to orphan them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from iam.identities import Identity
from workloads.admission import authorize, elbs, rbac
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.verbs import endings, orphans, reads, trail
from workloads.verbs.calls import DeleteOptions, Listing
from workloads.verbs.drafts import at_revision, draft, loaded

JSON = dict[str, Any]
Ending = Callable[[JSON], JSON | None]

TRIES = 20


def delete(identity: Identity, kind_name: str, name: str, namespace: str, options: DeleteOptions) -> JSON:
    """The object as it now is: with a deletionTimestamp, or its last state when it is gone."""
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "delete", namespace=namespace, name=name)
    return _deleted(
        identity, kind, Key(identity.account, kind.name, namespace if kind.namespaced else "", name), options
    )


def evict(identity: Identity, name: str, namespace: str, options: DeleteOptions) -> JSON:
    """A pod's delete by whoever may create `pods/eviction`. There are no disruption budgets that it would wait for."""
    kind = registry.kind("Pod")
    authorize.check(identity, kind, "create", namespace=namespace, name=name, subresource="eviction")
    return _deleted(identity, kind, Key(identity.account, kind.name, namespace, name), options)


def _deleted(identity: Identity, kind: Kind, key: Key, options: DeleteOptions) -> JSON:
    ending = partial(
        endings.ending,
        kind,
        grace_seconds=options.grace_seconds,
        propagation=options.propagation,
        by_controller=identity.is_controller,
        now=datetime.now(UTC),
    )
    ended = _settle(identity, kind, key, ending, options)
    if options.propagation == "Orphan" and not options.dry_run:
        return _orphaned(identity, kind, key, ended)
    return ended


def delete_collection(
    identity: Identity,
    kind_name: str,
    namespace: str,
    *,
    label_selector: str,
    field_selector: str,
    options: DeleteOptions,
) -> Listing:
    """Deletes what is listed now, one by one; what somebody else took away meanwhile is fine."""
    kind = registry.kind(kind_name)
    found = reads.rows(
        identity,
        kind_name,
        namespace,
        label_selector=label_selector,
        field_selector=field_selector,
        verb="deletecollection",
    )
    ended = []
    for row in found.rows:
        try:
            ended.append(_deleted(identity, kind, row.key, options))
        except NotFound:
            continue
    return Listing(ended, found.revision)


def _settle(identity: Identity, kind: Kind, key: Key, ending: Ending, options: DeleteOptions) -> JSON:
    """Brings the newest state to its ending, again after every lost race."""
    for _ in range(TRIES):
        row = reads.row(kind, key)
        old = loaded(row)
        _preconditions(kind, old, options)
        new = ending(loaded(row))
        guards = elbs.kept_while_used(kind, key, old)
        for guard in guards:
            guard()
        if options.dry_run or new == old:
            return old if new is None else new
        try:
            trailed = trail.of_write(identity, kind, "delete", key, old, new)
            return _write(kind, key.account, old, new, revision=row.revision, guards=guards + trailed)
        except objects.Stale:
            continue
        except objects.Missing:
            raise NotFound.named(kind.plural, key.name, group=kind.group) from None
    raise Conflict.stale(kind.plural, key.name, group=kind.group)


def _write(
    kind: Kind, account: str, old: JSON, new: JSON | None, *, revision: int, guards: tuple[objects.Guard, ...]
) -> JSON:
    try:
        if new is not None:
            return loaded(objects.update(draft(kind, account, new), expected_revision=revision, guards=guards))
        return at_revision(old, objects.remove(draft(kind, account, old), expected_revision=revision, guards=guards))
    finally:
        rbac.written(kind.name, account)


def _orphaned(identity: Identity, kind: Kind, key: Key, marked: JSON) -> JSON:
    """First marked, so that no controller makes new dependents; then the dependents; then the mark goes. A crash
    between leaves a marked object, and the same delete again finishes it."""
    uid = marked["metadata"]["uid"]
    orphans.release(key, uid=uid)
    try:
        return _settle(identity, kind, key, partial(endings.without_orphan_mark, kind), DeleteOptions(uid=uid))
    except NotFound:
        return marked


def _preconditions(kind: Kind, obj: JSON, options: DeleteOptions) -> None:
    """Raises Conflict, in upstream's words, which name the kind and not the resource."""
    metadata = obj["metadata"]
    for field, wanted, found, why in (
        ("UID", options.uid, metadata["uid"], "deleted and then recreated"),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"], "modified"),
    ):
        if wanted and wanted != found:
            label = f"{kind.name}.{kind.group}" if kind.group else kind.name
            raise Conflict(
                f'Operation cannot be fulfilled on {label} "{metadata["name"]}": the {field} in the precondition '
                f"({wanted}) does not match the {field} in record ({found}). The object might have been {why}",
                details={"name": metadata["name"], "group": kind.group, "kind": kind.name},
            )
