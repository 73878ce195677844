"""The typed facts of a status (`status.conditions`): read one, set one. `lastTransitionTime` moves only when the
condition's status does, so that "since when" stays true while messages change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from workloads.meta import times

JSON = dict[str, Any]
State = Literal["True", "False", "Unknown"]


def find(status: JSON, type: str) -> JSON | None:
    """The condition of this type, or None. `status` is the object's `status`."""
    for condition in status.get("conditions") or []:
        if condition.get("type") == type:
            return dict(condition)
    return None


def is_true(status: JSON, type: str) -> bool:
    condition = find(status, type)
    return condition is not None and condition.get("status") == "True"


def put(
    status: JSON,
    type: str,
    state: State,
    *,
    now: datetime,
    reason: str = "",
    message: str = "",
    update_time: bool = False,
) -> bool:
    """Sets the condition in place and says whether anything changed. `update_time` keeps `lastUpdateTime` as well, as
    Deployments do; it moves whenever status, reason or message does."""
    before = find(status, type)
    after = _condition(type, state, reason=reason, message=message)
    if before is not None and _said(before) == _said(after):
        return False
    stamp = times.format_seconds(now)
    if update_time:
        after["lastUpdateTime"] = stamp
    same = before is not None and before.get("status") == state
    after["lastTransitionTime"] = before["lastTransitionTime"] if same and before else stamp
    _replace(status, after)
    return True


def drop(status: JSON, type: str) -> bool:
    """Removes the condition in place and says whether it was there."""
    conditions = status.get("conditions") or []
    kept = [condition for condition in conditions if condition.get("type") != type]
    if len(kept) == len(conditions):
        return False
    status["conditions"] = kept
    return True


def _condition(type: str, state: State, *, reason: str, message: str) -> JSON:
    condition: JSON = {"type": type, "status": state}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _said(condition: JSON) -> tuple[Any, Any, Any]:
    return condition.get("status"), condition.get("reason", ""), condition.get("message", "")


def _replace(status: JSON, condition: JSON) -> None:
    conditions = list(status.get("conditions") or [])
    for index, other in enumerate(conditions):
        if other.get("type") == condition["type"]:
            conditions[index] = condition
            status["conditions"] = conditions
            return
    status["conditions"] = [*conditions, condition]
