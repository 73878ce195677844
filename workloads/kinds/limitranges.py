"""LimitRange: what containers, pods and claims of a namespace ask at least, at most, and when they say nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from workloads.kinds import ephemeral, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import NAME
from workloads.kinds.registry import register
from workloads.meta import causes, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

CONTAINER, POD, CLAIM = "Container", "Pod", "PersistentVolumeClaim"
TYPES = (CONTAINER, CLAIM, POD)
RESOURCES = {
    CONTAINER: ("cpu", "memory", ephemeral.RESOURCE),
    POD: ("cpu", "memory", ephemeral.RESOURCE),
    CLAIM: ("storage",),
}
PARTS = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")


def default(obj: JSON) -> None:
    """As Kubernetes: what a container gets follows from the maximum, what it asks from that, or from the minimum."""
    for item in obj.setdefault("spec", {}).setdefault("limits", []):
        for part in PARTS:
            amounts = item.get(part) or {}
            for name, value in amounts.items():
                if not quantity.problem(value):
                    amounts[name] = quantity.canonical(value)
        if item.get("type") == CONTAINER:
            _fill(item, "default", "max")
            _fill(item, "defaultRequest", "default")
            _fill(item, "defaultRequest", "min")


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj)
    seen: set[str] = set()
    for index, item in enumerate(obj["spec"]["limits"]):
        field, type = f"spec.limits[{index}]", item.get("type", "")
        if type not in TYPES:
            found.append(causes.unsupported(f"{field}.type", type, TYPES))
            continue
        if type in seen:
            found.append(causes.duplicate(f"{field}.type", type))
        seen.add(type)
        found += _item(item, field, type)
    return found


def differing(obj: JSON) -> list[str]:
    """Resources whose `default` and `defaultRequest` for containers differ; here requests equal limits."""
    found = []
    for item in obj["spec"]["limits"]:
        both = item.get("default") or {}, item.get("defaultRequest") or {}
        if item.get("type") == CONTAINER:
            found += [name for name in ("cpu", "memory") if name in both[0] and both[0][name] != both[1].get(name)]
    return found


def _fill(item: JSON, part: str, source: str) -> None:
    given = item.get(source) or {}
    if given:
        item[part] = {**given, **(item.get(part) or {})}


def _item(item: JSON, field: str, type: str) -> list[Cause]:
    found = []
    for part in PARTS:
        for name, value in (item.get(part) or {}).items():
            found += _amount(name, value, f"{field}.{part}[{name}]", type)
    if type == POD:
        unwanted = [part for part in ("default", "defaultRequest") if item.get(part)]
        found += [causes.forbidden(f"{field}.{part}", "may not be specified when `type` is 'Pod'") for part in unwanted]
    if type == CLAIM and "storage" not in (item.get("min") or {}) and "storage" not in (item.get("max") or {}):
        rule = "either minimum or maximum storage value is required, but neither was provided"
        found.append(causes.required(f"{field}.limits", rule))
    if found:
        return found
    names = sorted({name for part in PARTS for name in item.get(part) or {}})
    return [cause for name in names for cause in _order(item, field, name)]


def _amount(name: str, value: Any, field: str, type: str) -> list[Cause]:
    if name not in RESOURCES[type]:
        return [causes.unsupported(field, name, RESOURCES[type])]
    if problem := quantity.problem(value):
        return [causes.invalid(field, value, problem)]
    return [] if quantity.parse(value) >= 0 else [causes.invalid(field, value, "must be greater than or equal to 0")]


_ORDER = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)


def _order(item: JSON, field: str, name: str) -> list[Cause]:
    amounts = {part: (item.get(part) or {}).get(name) for part in PARTS}
    found = []
    for small, large, where, sentence in _ORDER:
        below, above = amounts[small], amounts[large]
        if below is not None and above is not None and quantity.parse(below) > quantity.parse(above):
            found.append(causes.invalid(f"{field}.{where}[{name}]", amounts[where], sentence.format(below, above)))
    return found + _ratio(amounts, f"{field}.maxLimitRequestRatio[{name}]")


def _ratio(amounts: dict[str, Any], field: str) -> list[Cause]:
    if amounts["maxLimitRequestRatio"] is None:
        return []
    ratio = quantity.parse(amounts["maxLimitRequestRatio"])
    if ratio < 1:
        return [causes.invalid(field, amounts["maxLimitRequestRatio"], f"ratio {ratio} is less than 1")]
    least, most = (quantity.parse(amounts[part] or 0) for part in ("min", "max"))
    if least and most and ratio > most / least:
        rule = f"ratio {ratio} is greater than max/min = {Decimal(most / least):f}"
        return [causes.invalid(field, amounts["maxLimitRequestRatio"], rule)]
    return []


KIND = register(
    Kind(
        name="LimitRange",
        plural="limitranges",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.LimitRange",
        made_by_update=True,
        singular="limitrange",
        short_names=("limits",),
        columns=(
            NAME,
            Column("Created At", lambda obj, now: obj["metadata"].get("creationTimestamp", ""), format="date"),
        ),
        default=default,
        validate=validate,
        has_generation=False,
    )
)
