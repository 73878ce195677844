"""What belongs to nobody any more goes: dependents whose last owner has gone, and dependents a foreground deletion
waits for. (Orphaning is done at the door, before the owner goes.)

The key is the owner's, present or gone. A dependent that is born after its owner went is found by its own ADDED entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

FOREGROUND = "foregroundDeletion"
NEVER_OWNERS = ("Event", "Pod", "Namespace")
"""Nothing of ours is owned by these (a namespace empties itself), and they come and go too often to ask. A pod owns the
claims of its ephemeral volumes, if it has any."""
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_AGAIN_SECONDS = 30.0
PAGE = 200
_OWNED = b'"ownerReferences"'


def controller() -> Controller:
    return Controller(name="garbage", queue="control", keys=keys, reconcile=reconcile, resync=resync)


def keys(entry: Entry) -> Iterable[Key]:
    """An owner that went or waits for its dependents; an owner whose dependent went; a missing owner of a newborn."""
    if entry.key.kind == "Event":
        return []
    obj = orjson.loads(entry.data)
    own = [entry.key] if _concerns(entry, obj) else []
    if entry.type == "DELETED":
        return own + [key for key in _owner_keys(entry.key, obj) if _is_waiting(key)]
    if entry.type == "ADDED":
        return own + [key for key, uid in _owners(entry.key, obj) if not _lives(key, uid)]
    return own


def resync() -> Iterator[Key]:
    """Owners that are named but do not live, and owners that wait."""
    found: dict[Key, None] = {}
    for kind in registry.kinds():
        for row in objects.scan(kind, deleting=True, containing=[FOREGROUND.encode()]).rows:
            found[row.key] = None
        for row in objects.scan(kind, containing=[_OWNED]).rows:
            missing = (key for key, uid in _owners(row.key, orjson.loads(row.data)) if not _lives(key, uid))
            found.update(dict.fromkeys(missing))
    yield from found


def reconcile(key: Key) -> Result | None:
    door = hands.client("garbage", key.account)
    owner = hands.read(door, key)
    waits = owner is not None and _waits_for_dependents(owner)
    for dependent in _dependents(key, deleting=False):
        uid = _named(dependent, key)
        if owner is None or uid != owner["metadata"]["uid"] or waits:
            _collect(door, dependent, key, blocks=waits)
    if owner is None or not waits:
        return None
    # one that is still there is enough to wait, however many there are
    held = any(_collect(door, dependent, key, blocks=True) for dependent in _dependents(key))
    return Result(LOOK_AGAIN_SECONDS) if held else _let_go(door, owner)


def _concerns(entry: Entry, obj: JSON) -> bool:
    if entry.type == "DELETED":
        return entry.key.kind not in NEVER_OWNERS or (entry.key.kind == "Pod" and b'"ephemeral"' in entry.data)
    return _waits_for_dependents(obj)


def _waits_for_dependents(obj: JSON) -> bool:
    return owners.is_deleting(obj) and FOREGROUND in (obj["metadata"].get("finalizers") or ())


def _collect(door: Client, dependent: JSON, owner: Key, *, blocks: bool) -> bool:
    """Deletes it unless another of its owners lives. Says whether the owner has to wait for it."""
    metadata = dependent["metadata"]
    place = _key(owner.account, dependent)
    if any(_lives(key, uid) for key, uid in _owners(place, dependent) if key != owner):
        _change(door, dependent, {"ownerReferences": owners.without(dependent, _named(dependent, owner))})
        return False
    if not owners.is_deleting(dependent):
        in_foreground = blocks and place.kind not in NEVER_OWNERS
        options = DeleteOptions(uid=metadata["uid"], propagation="Foreground" if in_foreground else "Background")
        with suppress(NotFound, Conflict):
            door.delete(place.kind, place.name, place.namespace, options=options)
    return blocks and _blocks(dependent, owner) and _lives(place, metadata["uid"])


def _let_go(door: Client, owner: JSON) -> Result | None:
    finalizers = [name for name in owner["metadata"].get("finalizers") or () if name != FOREGROUND]
    done = _change(door, owner, {"finalizers": finalizers or None})
    return None if done else Result(LOOK_AGAIN_AT_ONCE)


def _change(door: Client, obj: JSON, changes: JSON) -> bool:
    """Compare and set on the metadata; False when the object went or somebody wrote first."""
    metadata = obj["metadata"]
    pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    patch, place = {"metadata": {**pinned, **changes}}, metadata.get("namespace", "")
    try:
        door.patch(obj["kind"], metadata["name"], patch, "application/merge-patch+json", place)
    except (NotFound, Conflict):
        return False
    return True


# Who belongs to whom


def _dependents(owner: Key, *, deleting: bool | None = None) -> Iterator[JSON]:
    """Objects beside the owner that name it. Where a thousand go, each of them is asked for its own dependents."""
    named = (_OWNED, f'"{owner.name}"'.encode())
    for kind in registry.kinds().values():
        if kind.name == "Event" or (owner.namespace and not kind.namespaced):
            continue
        for row in _in_pages(kind, owner, deleting=deleting, containing=named):
            obj = orjson.loads(row.data)
            if _named(obj, owner):
                yield obj


def _in_pages(kind: Kind, owner: Key, *, deleting: bool | None, containing: Sequence[bytes]) -> Iterator[objects.Row]:
    after: tuple[str, str, str] | None = None
    while True:
        page = objects.scan(
            kind.name,
            account=owner.account,
            namespace=owner.namespace or None,
            deleting=deleting,
            containing=containing,
            after=after,
            limit=PAGE,
        )
        yield from page.rows
        if not page.remaining:
            return
        last = page.rows[-1].key
        after = (last.account, last.namespace, last.name)


def _owners(place: Key, obj: JSON) -> Iterator[tuple[Key, str]]:
    """(key, uid) of every owner of a kind that is served here."""
    for one in obj["metadata"].get("ownerReferences") or ():
        kind = _kind(one)
        if kind is not None:
            namespace = place.namespace if kind.namespaced else ""
            yield Key(place.account, kind.name, namespace, one["name"]), one["uid"]


def _owner_keys(place: Key, obj: JSON) -> list[Key]:
    return owners.unique(key for key, _ in _owners(place, obj))


def _named(obj: JSON, owner: Key) -> str:
    """The uid under which `obj` names this owner, or ""."""
    for one in obj["metadata"].get("ownerReferences") or ():
        if one.get("name") == owner.name and (kind := _kind(one)) is not None and kind.name == owner.kind:
            return str(one["uid"])
    return ""


def _kind(reference: JSON) -> Kind | None:
    """The kind an owner reference means. One of the same name in another group is somebody else's."""
    kind = registry.kinds().get(reference.get("kind", ""))
    group = reference.get("apiVersion", "").rpartition("/")[0]
    return kind if kind is not None and kind.group == group else None


def _blocks(obj: JSON, owner: Key) -> bool:
    references = obj["metadata"].get("ownerReferences") or ()
    return any(one.get("blockOwnerDeletion") for one in references if one.get("name") == owner.name)


def _key(account: str, obj: JSON) -> Key:
    return Key(account, obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _lives(key: Key, uid: str) -> bool:
    try:
        return objects.read(key).uid == uid
    except objects.Missing:
        return False


def _is_waiting(key: Key) -> bool:
    try:
        row = objects.read(key)
    except objects.Missing:
        return False
    return row.deleting and FOREGROUND.encode() in row.data
