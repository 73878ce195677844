"""How controllers reach the world: the front door with a controller's identity, and Events nobody depends on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Literal

import orjson

from iam.identities import Identity
from workloads.client import Client, WriteOptions
from workloads.meta.errors import NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

logger = logging.getLogger(__name__)
JSON = dict[str, Any]
_WHICH = ("name", "namespace", "uid", "resourceVersion")


def client(controller: str, account: str) -> Client:
    return Client(Identity.controller(controller, account), WriteOptions(manager=controller))


def read(door: Client, key: Key) -> JSON | None:
    """The object, or None when it is gone."""
    try:
        return door.get(key.kind, key.name, key.namespace)
    except NotFound:
        return None


def put_status(door: Client, obj: JSON, status: JSON) -> JSON:
    """Writes `status` if nobody wrote since `obj` was read, and returns the object as it now is.
    Raises Conflict (look again) and NotFound. An unchanged status writes nothing."""
    if obj.get("status") == status:
        return obj
    metadata = obj["metadata"]
    manifest = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": {
            name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion") if name in metadata
        },
        "status": status,
    }
    return door.update(obj["kind"], metadata["name"], manifest, metadata.get("namespace", ""), subresource="status").obj


def tell(
    door: Client, obj: JSON, *, component: str, reason: str, message: str, type: Literal["Normal", "Warning"] = "Normal"
) -> None:
    """Records an Event. Events are for people: one that cannot be written (the namespace is going) stops nobody."""
    try:
        door.record_event(obj, type=type, reason=reason, message=message, component=component)
    except StatusError as error:
        logger.info("event %s of %s was not recorded: %s", reason, obj["metadata"]["name"], error)


def every_key(*kinds: str) -> Iterator[Key]:
    """Every key of these kinds, over all accounts: for `Controller.resync`."""
    for kind in kinds:
        for row in objects.scan(kind).rows:
            yield row.key


def now_and_before(entry: Entry) -> list[JSON]:
    """The object after the change, and before it where there was one."""
    return [orjson.loads(data) for data in (entry.data, entry.previous) if data is not None]
