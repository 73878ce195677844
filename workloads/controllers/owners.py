"""Owner references: who made an object and goes on looking after it. Pure, but for finding an owner's key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from workloads.controllers import hands
from workloads.meta.keys import Key
from workloads.store.changes import Entry

JSON = dict[str, Any]


def reference(owner: JSON) -> JSON:
    """What a dependent carries: this owner controls it, and waits for it when deleted in the foreground."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: JSON) -> JSON | None:
    for one in obj["metadata"].get("ownerReferences") or ():
        if one.get("controller"):
            return dict(one)
    return None


def is_controlled_by(obj: JSON, owner: JSON) -> bool:
    ref = controller_of(obj)
    return ref is not None and ref["uid"] == owner["metadata"]["uid"]


def without(obj: JSON, uid: str) -> list[JSON]:
    """The object's owner references but for `uid`."""
    return [dict(one) for one in obj["metadata"].get("ownerReferences") or () if one.get("uid") != uid]


def is_deleting(obj: JSON) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def controllers_in(entry: Entry, *, kind: str) -> Iterator[Key]:
    """The keys of the controllers of this kind, now and before the change."""
    for obj in hands.now_and_before(entry):
        ref = controller_of(obj)
        if ref is not None and ref["kind"] == kind:
            yield Key(entry.key.account, kind, entry.key.namespace, ref["name"])


def unique(keys: Iterable[Key]) -> list[Key]:
    """Each key once, in order."""
    return list(dict.fromkeys(keys))
