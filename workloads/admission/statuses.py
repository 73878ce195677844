"""What users may write of a status: conditions of types of their own, where a kind has them (a pod's readiness gates).

Everything else of a status is measured, and billed from; a write that would change it is refused whole.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds.base import Kind
from workloads.meta import causes, names
from workloads.meta.errors import Cause, Invalid, Refused

JSON = dict[str, Any]

_STATES = ("False", "True", "Unknown")


def by_user(kind: Kind, wanted: JSON, old: JSON) -> JSON:
    """`wanted`, when it differs from `old` in conditions that are not the service's alone. Raises Refused, Invalid."""
    before, after = old.get("status") or {}, wanted.get("status") or {}
    if _ours(kind, before) != _ours(kind, after):
        why = f"{kind.plural}/status is written by the service alone, but for conditions of your own types: "
        name = old["metadata"]["name"]
        raise Refused.named(kind.plural, name, f"{why}change the spec, the status follows", group=kind.group)
    mine = [condition for condition in _listed(after) if condition.get("type") not in kind.own_conditions]
    _check(kind, old, _listed(after), mine)
    own = [condition for condition in _listed(before) if condition.get("type") in kind.own_conditions]
    status = {**before, "conditions": [*own, *mine]}
    return {**wanted, "status": status if status["conditions"] else before}


def _ours(kind: Kind, status: JSON) -> JSON:
    own = {one["type"]: one for one in _listed(status) if one.get("type") in kind.own_conditions}
    return {**status, "conditions": own}


def _check(kind: Kind, obj: JSON, listed: list[JSON], mine: list[JSON]) -> None:
    found: list[Cause] = []
    types = [condition.get("type", "") for condition in listed]
    for index, condition in enumerate(listed):
        field, type = f"status.conditions[{index}]", types[index]
        if condition in mine:
            found += [causes.invalid(f"{field}.type", type, problem) for problem in names.qualified_name(type)]
        if condition.get("status") not in _STATES:
            found.append(causes.unsupported(f"{field}.status", condition.get("status"), _STATES))
        if type in types[:index]:
            found.append(causes.duplicate(f"{field}.type", type))
    if found:
        raise Invalid.of(kind.name, obj["metadata"]["name"], tuple(found), group=kind.group)


def _listed(status: JSON) -> list[JSON]:
    return list(status.get("conditions") or ())
