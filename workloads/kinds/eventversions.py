"""An Event as `events.k8s.io/v1` says it, and back: the same facts under other names. Pure."""

from __future__ import annotations

from typing import Any

from workloads.kinds.base import Conversion
from workloads.meta import causes, names
from workloads.meta.errors import Cause, Invalid

JSON = dict[str, Any]

GROUP, VERSION = "events.k8s.io", "v1"
NEW = f"{GROUP}/{VERSION}"
LONGEST_WORD, LONGEST_NOTE = 128, 1024
_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
"""Core's word -> events.k8s.io's."""
_SAME = ("eventTime", "series", "action", "reason", "related", "type", "reportingInstance")


def to_new(obj: JSON) -> JSON:
    kept = {name: obj[name] for name in ("kind", "metadata", *_SAME) if name in obj}
    return {"apiVersion": NEW, **kept, **{new: obj[old] for old, new in _NAMES.items() if old in obj}}


def from_new(obj: JSON) -> JSON:
    """Raises Invalid: what is new under this version must be complete."""
    if not any(name in obj for name in ("deprecatedSource", "deprecatedFirstTimestamp", "deprecatedCount")):
        _check(obj)
    kept = {name: obj[name] for name in ("metadata", *_SAME) if name in obj}
    return {"metadata": {}, **kept, **{old: obj[new] for old, new in _NAMES.items() if new in obj}}


def _check(obj: JSON) -> None:
    found: list[Cause] = [] if obj.get("eventTime") else [causes.required("eventTime")]
    if not obj.get("reportingController"):
        found.append(causes.required("reportingController"))
    for text in names.qualified_name(obj.get("reportingController") or "x"):
        found.append(causes.invalid("reportingController", obj["reportingController"], text))
    for name in ("reportingInstance", "action", "reason"):
        said = obj.get(name) or ""
        if not said:
            found.append(causes.required(name))
        elif len(said) > LONGEST_WORD:
            found.append(causes.invalid(name, "", f"can have at most {LONGEST_WORD} characters"))
    if len(obj.get("note") or "") > LONGEST_NOTE:
        found.append(causes.invalid("note", "", f"can have at most {LONGEST_NOTE} characters"))
    if obj.get("type") not in ("Normal", "Warning"):
        found.append(causes.invalid("type", obj.get("type", ""), "has invalid value: give Normal or Warning"))
    if found:
        raise Invalid.of("Event", (obj.get("metadata") or {}).get("name", ""), tuple(found), group=GROUP)


CONVERSION = Conversion(schema="io.k8s.api.events.v1.Event", shown=to_new, stored=from_new)
