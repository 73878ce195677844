"""Events of an object, newest first, as `kubectl describe` lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workloads.client import JSON, Client

SHOWN = 100
_SECOND = len("2026-11-27T23:30:05")
"""Characters that say it."""


@dataclass(frozen=True)
class Happening:
    uid: str
    warning: bool
    reason: str
    message: str
    count: int
    last: str
    component: str
    about: str
    """`Pod/web-5d9…`, for lists that mix objects."""
    revision: int = 0
    """Of what happened in one second, which was written later."""


def of(client: Client, obj: JSON) -> list[Happening]:
    metadata = obj["metadata"]
    return of_uids(client, metadata.get("namespace", "") or metadata["name"], [metadata["uid"]])


def of_uids(client: Client, namespace: str, uids: Iterable[str]) -> list[Happening]:
    """The newest events of several objects together, in one order."""
    wanted = set(uids)
    if len(wanted) == 1:
        return newest(client.list("Event", namespace, field_selector=f"involvedObject.uid={wanted.pop()}").items)
    owned = client.owned("Event", dict.fromkeys(wanted, namespace))
    return newest(event for events in owned.values() for event in events)


def newest(events: Iterable[JSON]) -> list[Happening]:
    return in_order(map(of_event, events))[:SHOWN]


def in_order(found: Iterable[Happening]) -> list[Happening]:
    return sorted(found, key=lambda one: (one.last[:_SECOND], one.revision), reverse=True)


def of_event(event: JSON) -> Happening:
    about = event.get("involvedObject") or {}
    source = event.get("source") or {}
    last = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", "")
    return Happening(
        uid=event["metadata"]["uid"],
        warning=event.get("type") == "Warning",
        reason=event.get("reason", ""),
        message=event.get("message", ""),
        count=event.get("count") or 1,
        last=last,
        component=source.get("component") or event.get("reportingComponent", ""),
        about=f"{about.get('kind', '')}/{about.get('name', '')}",
        revision=int(event["metadata"]["resourceVersion"]),
    )
