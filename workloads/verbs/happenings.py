"""Events as `kubectl describe` shows them. The same thing happening again to the same object counts up one Event, whose
name is made of what happened: running a recorder twice folds instead of doubling."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from iam.identities import Identity
from workloads.kinds import registry
from workloads.meta import times
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, Refused
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.verbs import writes
from workloads.verbs.drafts import draft, loaded

JSON = dict[str, Any]

KEPT_FOR = timedelta(hours=1)
LONGEST_MESSAGE = 1024
CHUNK = 500
_REFERENCE = ("name", "namespace", "uid", "resourceVersion")


def record(
    identity: Identity,
    obj: JSON,
    *,
    type: Literal["Normal", "Warning"],
    reason: str,
    message: str,
    component: str,
) -> None:
    """Counts up, or creates. A namespace that is going or gone takes no new Events, and that is no error: whoever
    records has something better to do. Lost races are tried again a few times."""
    now = times.format_seconds(datetime.now(UTC))
    event = _event(obj, type=type, reason=reason, message=message[:LONGEST_MESSAGE], component=component, now=now)
    kind, metadata = registry.kind("Event"), event["metadata"]
    key = Key(identity.account, kind.name, metadata["namespace"], metadata["name"])
    for _ in range(3):
        try:
            writes.change(identity, kind, key, lambda old: _counted(old, now))
            return
        except Conflict:
            return
        except NotFound:
            if _created(identity, event):
                return


def expire(now: datetime) -> int:
    """Removes Events of every account that last happened before `now` minus an hour."""
    kind, before = registry.kind("Event"), now - KEPT_FOR
    gone, after = 0, None
    while True:
        page = objects.scan(kind.name, after=after, limit=CHUNK)
        for row in page.rows:
            after = row.key.account, row.key.namespace, row.key.name
            gone += row.created < before and _expired(row, before)
        if not page.remaining:
            return gone


def _event(obj: JSON, *, type: str, reason: str, message: str, component: str, now: str) -> JSON:
    metadata = obj["metadata"]
    namespace = metadata.get("namespace") or metadata["name"]
    told = "\0".join((metadata.get("uid", ""), type, reason, message, component))
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:236]}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            **{field: metadata[field] for field in _REFERENCE if field in metadata},
        },
        "type": type,
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }


def _counted(event: JSON, now: str) -> JSON:
    return {**event, "count": event.get("count", 1) + 1, "lastTimestamp": now}


def _created(identity: Identity, event: JSON) -> bool:
    """Whether there is nothing left to do. False: somebody made it first, count it up."""
    try:
        writes.create(identity, "Event", event, event["metadata"]["namespace"], writes.NO_OPTIONS)
    except (NotFound, Refused):
        return True
    except AlreadyExists:
        return False
    return True


def _expired(row: objects.Row, before: datetime) -> bool:
    """Takes the Event away unless it happened again. Whoever counts it up right now keeps it."""
    event = loaded(row)
    last = event.get("lastTimestamp")
    if last and times.parse(last) >= before:
        return False
    try:
        objects.remove(draft(registry.kind("Event"), row.key.account, event), expected_revision=row.revision)
    except (objects.Stale, objects.Missing):
        return False
    return True
