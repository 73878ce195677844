"""How an object ends: what a delete makes of it, and when nobody has to be waited for any more. Pure.

Waited for are: the owners of `metadata.finalizers`; for a pod the node tier, which stops its containers; for a
namespace its controller (`spec.finalizers`), which empties it. The last two finish with a delete of grace 0.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from workloads.kinds.base import Kind
from workloads.meta import times

JSON = dict[str, Any]
Propagation = Literal["Background", "Foreground", "Orphan"]

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
DEFAULT_GRACE = 30
_OVER = ("Succeeded", "Failed")


def ending(
    kind: Kind,
    obj: JSON,
    *,
    grace_seconds: int | None,
    propagation: Propagation | None,
    by_controller: bool,
    now: datetime,
) -> JSON | None:
    """The next state of an object that is being deleted, made of `obj` in place; None when it goes now."""
    metadata = obj["metadata"]
    finalizers = _finalizers(metadata.pop("finalizers", []), propagation)
    if finalizers:
        metadata["finalizers"] = finalizers
    acted = by_controller and grace_seconds == 0
    if not finalizers and (acted or not waits(kind, obj)):
        return None
    _mark(kind, obj, grace=_grace(kind, obj, grace_seconds), now=now)
    return obj


def without_orphan_mark(kind: Kind, obj: JSON) -> JSON | None:
    """The next state once the dependents are on their own, made of `obj` in place; None when it goes now."""
    metadata = obj["metadata"]
    finalizers = [name for name in metadata.pop("finalizers", []) if name != ORPHAN]
    if finalizers:
        metadata["finalizers"] = finalizers
    return None if finished(kind, obj) else obj


def finished(kind: Kind, obj: JSON) -> bool:
    """Whether a deleting object has nobody left to wait for."""
    return bool(obj["metadata"].get("deletionTimestamp")) and not waits(kind, obj)


def waits(kind: Kind, obj: JSON) -> bool:
    """A pod always waits: a pod without containers is known to be so only by the node tier."""
    if obj["metadata"].get("finalizers") or kind.name == "Pod":
        return True
    return kind.name == "Namespace" and bool(obj.get("spec", {}).get("finalizers"))


def _finalizers(finalizers: list[str], propagation: Propagation | None) -> list[str]:
    """An explicit propagation replaces what an earlier delete asked for; none leaves it."""
    if propagation is None:
        return finalizers
    others = [name for name in finalizers if name not in (ORPHAN, FOREGROUND)]
    added = {"Background": [], "Foreground": [FOREGROUND], "Orphan": [ORPHAN]}[propagation]
    return others + added


def _grace(kind: Kind, obj: JSON, asked: int | None) -> int:
    if kind.name != "Pod" or obj.get("status", {}).get("phase") in _OVER:
        return 0
    if asked is not None:
        return max(0, asked)
    own = obj.get("spec", {}).get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE if own is None else int(own)


def _mark(kind: Kind, obj: JSON, *, grace: int, now: datetime) -> None:
    """A second delete may shorten the grace, never lengthen it."""
    metadata = obj["metadata"]
    if "deletionTimestamp" in metadata:
        before = metadata.get("deletionGracePeriodSeconds", 0)
        if grace >= before:
            return
        end = times.parse(metadata["deletionTimestamp"]) - timedelta(seconds=before - grace)
    else:
        end = now + timedelta(seconds=grace)
        if "generation" in metadata:
            metadata["generation"] += 1
    metadata["deletionTimestamp"] = times.format_seconds(end)
    metadata["deletionGracePeriodSeconds"] = grace
    if kind.name == "Namespace":
        obj.setdefault("status", {})["phase"] = "Terminating"
