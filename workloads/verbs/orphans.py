"""Letting dependents go: a delete with propagation Orphan keeps them, without the owner that is going."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from iam.identities import Identity
from workloads.kinds import registry
from workloads.meta.errors import NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.verbs import writes

JSON = dict[str, Any]


def release(owner: Key, *, uid: str) -> None:
    """Takes the references to `uid` out of every dependent, controlled or not. The bytes are asked first: few objects
    name anybody. Safe to run again."""
    identity = Identity.controller("orphans", owner.account)
    for kind in registry.kinds().values():
        for row in objects.scan(kind.name, account=owner.account, namespace=owner.namespace or None).rows:
            if b'"ownerReferences"' in row.data and uid.encode() in row.data:
                with suppress(NotFound):
                    writes.change(identity, kind, row.key, lambda obj: _without_owner(obj, uid))


def _without_owner(obj: JSON, uid: str) -> JSON:
    metadata = obj["metadata"]
    metadata["ownerReferences"] = [
        reference for reference in metadata.get("ownerReferences") or () if reference.get("uid") != uid
    ]
    return obj
