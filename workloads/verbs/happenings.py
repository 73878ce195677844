"""Events as `kubectl describe` shows them. The same thing happening again to the same object counts up one Event, so
that running a recorder twice folds instead of doubling.

An Event's name ends in the instant it was first recorded, as upstream's: times are told in seconds, and what happened
within one is listed, by name, in the order it happened.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from iam.identities import Identity
from workloads.kinds import registry
from workloads.meta import times
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, Refused
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
    for _ in range(3):
        try:
            _record(identity, event, now)
        except (AlreadyExists, NotFound):
            continue
        except (Conflict, Refused):
            pass
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
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": namespace},
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


def _record(identity: Identity, event: JSON, now: str) -> None:
    """Raises NotFound when what it counted up has just expired, AlreadyExists when somebody told the same first."""
    told = _told_of(identity, event)
    known = _same(told, event)
    if known is not None:
        writes.change(identity, registry.kind("Event"), known.key, lambda old: _counted(old, now))
        return
    metadata = {**event["metadata"], "name": _name(event, told)}

    def still_news() -> None:
        if _same(_told_of(identity, event), event) is not None:
            raise AlreadyExists.named("events", metadata["name"])

    new = {**event, "metadata": metadata}
    writes.create(identity, "Event", new, metadata["namespace"], guards=(still_news,))


def _told_of(identity: Identity, event: JSON) -> list[objects.Row]:
    """What has been told of the same object."""
    namespace, about = event["metadata"]["namespace"], event["involvedObject"].get("uid", "")
    return objects.scan("Event", account=identity.account, namespace=namespace, owner_uid=about).rows


def _same(told: list[objects.Row], event: JSON) -> objects.Row | None:
    """The bytes are asked first: most say something else."""
    said = orjson.dumps(event["message"])
    return next((row for row in told if said in row.data and _says(loaded(row)) == _says(event)), None)


def _says(event: JSON) -> tuple[str, ...]:
    source = event.get("source") or {}
    return event.get("type", ""), event.get("reason", ""), event.get("message", ""), source.get("component", "")


def _name(event: JSON, told: list[objects.Row]) -> str:
    """Behind everything told of the object so far, whatever the clock says."""
    latest = max((_instant(row.key.name) for row in told), default=0)
    base = event["involvedObject"]["name"][:236].rstrip("-.")
    return f"{base}.{max(time.time_ns(), latest + 1):016x}"


def _instant(name: str) -> int:
    """0 for a name that somebody else gave."""
    try:
        return int(name.rpartition(".")[2], 16)
    except ValueError:
        return 0


def _counted(event: JSON, now: str) -> JSON:
    return {**event, "count": event.get("count", 1) + 1, "lastTimestamp": now}


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
