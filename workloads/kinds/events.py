"""Event: what happened to an object, in words, as `kubectl describe` lists it. Not an entry of the log."""

from __future__ import annotations

from typing import Any

from workloads.kinds import eventversions, objectmeta
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import NAME
from workloads.kinds.registry import register
from workloads.meta import causes, names, times
from workloads.meta.errors import Cause

JSON = dict[str, Any]


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj)
    about = obj.get("involvedObject") or {}
    namespace = obj["metadata"].get("namespace", "")
    if about.get("namespace") and about["namespace"] != namespace:
        found.append(
            causes.invalid(
                "involvedObject.namespace",
                about["namespace"],
                f"does not match event.namespace: an Event stands in the namespace ({namespace}) of what it is about",
            )
        )
    return found


def _target(obj: JSON) -> str:
    about = obj.get("involvedObject") or {}
    kind = about.get("kind", "").lower()
    return f"{kind}/{about['name']}" if about.get("name") else kind


def _source(obj: JSON) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent", "")
    instance = source.get("host") or obj.get("reportingInstance", "")
    return ", ".join(part for part in (component, instance) if part)


def _first_seen(obj: JSON, now: float) -> str:
    return times.age(obj.get("firstTimestamp") or obj.get("eventTime"), now)


def _last_seen(obj: JSON, now: float) -> str:
    series = obj.get("series") or {}
    last = series.get("lastObservedTime") or obj.get("lastTimestamp")
    return times.age(last, now) if last else _first_seen(obj, now)


def _count(obj: JSON) -> int:
    return int((obj.get("series") or {}).get("count") or obj.get("count") or 1)


def _subject(obj: JSON) -> Facts:
    """Anybody may write an Event about anything; what no uid looks like is not kept in a column."""
    uid = (obj.get("involvedObject") or {}).get("uid", "")
    return Facts(about="" if names.uid(uid) else uid)


def _about(part: str) -> Any:
    return lambda obj: (obj.get("involvedObject") or {}).get(part, "")


KIND = register(
    Kind(
        name="Event",
        plural="events",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Event",
        made_by_update=True,
        singular="event",
        short_names=("ev",),
        also_served_as=((eventversions.GROUP, eventversions.VERSION),),
        conversions={eventversions.NEW: eventversions.CONVERSION},
        columns=(
            Column("Last Seen", _last_seen, description="Time this event was last observed."),
            Column("Type", lambda obj, now: obj.get("type", "")),
            Column("Reason", lambda obj, now: obj.get("reason", "")),
            Column("Object", lambda obj, now: _target(obj)),
            Column("Subobject", lambda obj, now: (obj.get("involvedObject") or {}).get("fieldPath", ""), priority=1),
            Column("Source", lambda obj, now: _source(obj), priority=1),
            Column("Message", lambda obj, now: obj.get("message", "").strip()),
            Column("First Seen", _first_seen, priority=1),
            Column("Count", lambda obj, now: _count(obj), type="integer", priority=1),
            Column("Name", NAME.cell, priority=1),
        ),
        validate=validate,
        has_generation=False,
        facts=_subject,
        field_selectors={
            **{
                f"involvedObject.{part}": _about(part)
                for part in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
            },
            **{
                f"regarding.{part}": _about(part)
                for part in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
            },
            "reason": lambda obj: obj.get("reason", ""),
            "type": lambda obj: obj.get("type", ""),
            "source": lambda obj: (obj.get("source") or {}).get("component") or obj.get("reportingComponent", ""),
            "reportingController": lambda obj: obj.get("reportingComponent", ""),
            "reportingComponent": lambda obj: obj.get("reportingComponent", ""),
        },
    )
)
