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
    """Takes the references to `uid` out of every dependent, controlled or not. Safe to run again."""
    identity, named = Identity.controller("orphans", owner.account), (b'"ownerReferences"', uid.encode())
    place = owner.namespace or None
    for kind in registry.kinds().values():
        for row in objects.scan(kind.name, account=owner.account, namespace=place, containing=named).rows:
            with suppress(NotFound):
                writes.change(identity, kind, row.key, lambda obj: _without_owner(obj, uid))


def _without_owner(obj: JSON, uid: str) -> JSON:
    metadata = obj["metadata"]
    metadata["ownerReferences"] = [
        reference for reference in metadata.get("ownerReferences") or () if reference.get("uid") != uid
    ]
    return obj
