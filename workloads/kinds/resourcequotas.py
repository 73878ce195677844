"""ResourceQuota: how much a namespace may have. `quotas` says what counts, `admission.quotas` refuses what is over."""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta, quotas
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

SCOPES = ("BestEffort", "NotBestEffort", "NotTerminating", "Terminating")
_OPPOSITES = ({"BestEffort", "NotBestEffort"}, {"NotTerminating", "Terminating"})
_NO_PRIORITIES = "is not offered: all pods have the same priority"


def scopes_of(obj: JSON) -> list[str]:
    spec = obj["spec"]
    expressions = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return [*(spec.get("scopes") or []), *(one["scopeName"] for one in expressions)]


def default(obj: JSON) -> None:
    hard = obj.setdefault("spec", {}).get("hard") or {}
    for name, value in hard.items():
        if not quantity.problem(value):
            hard[name] = quantity.canonical(value)


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {}


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj)
    spec = obj["spec"]
    for name, value in (spec.get("hard") or {}).items():
        found += _hard(name, value)
    found += _scopes(spec)
    for part in ("scopes", "scopeSelector"):
        if old is not None and spec.get(part) != old["spec"].get(part):
            found.append(causes.immutable(f"spec.{part}", spec.get(part)))
    return found


def _hard(name: str, value: Any) -> list[Cause]:
    field = f"spec.hard[{name}]"
    if not quotas.is_known(name):
        return [causes.invalid(field, name, "must be a standard resource for quota")]
    if problem := quantity.problem(value):
        return [causes.invalid(field, value, problem)]
    number = quantity.parse(value)
    if number < 0:
        return [causes.invalid(field, value, "must be greater than or equal to 0")]
    if quotas.is_whole(name) and number % 1:
        return [causes.invalid(field, value, "must be an integer")]
    return []


def _scopes(spec: JSON) -> list[Cause]:
    found: list[Cause] = []
    named = [(f"spec.scopes[{index}]", scope) for index, scope in enumerate(spec.get("scopes") or [])]
    for index, one in enumerate((spec.get("scopeSelector") or {}).get("matchExpressions") or []):
        field = f"spec.scopeSelector.matchExpressions[{index}]"
        named.append((f"{field}.scopeName", one.get("scopeName", "")))
        if one.get("scopeName") in SCOPES and one.get("operator") != "Exists":
            rule = "must be 'Exist' when scope is any of Terminating, NotTerminating, BestEffort and NotBestEffort"
            found.append(causes.invalid(f"{field}.operator", one.get("operator"), rule))
    for field, scope in named:
        if scope in ("PriorityClass", "CrossNamespacePodAffinity"):
            found.append(causes.forbidden(field, _NO_PRIORITIES))
        elif scope not in SCOPES:
            found.append(causes.unsupported(field, scope, SCOPES))
    scopes = {scope for _, scope in named}
    if any(pair <= scopes for pair in _OPPOSITES):
        found.append(causes.invalid("spec.scopes", sorted(scopes), "conflicting scopes"))
    if not scopes:
        return found
    allowed = ("pods",) if "BestEffort" in scopes else quotas.POD_RESOURCES
    for name in spec.get("hard") or {}:
        if name not in allowed:
            rule = "unsupported scope applied to resource"
            found.append(causes.invalid("spec.scopes", sorted(scopes), f"{rule} {name}"))
    return found


def _amounts(obj: JSON, *, limits: bool) -> str:
    """`pods: 1/4, requests.cpu: 500m/2`."""
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    names = [name for name in sorted(hard) if name.startswith("limits") == limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


KIND = register(
    Kind(
        name="ResourceQuota",
        plural="resourcequotas",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.ResourceQuota",
        singular="resourcequota",
        short_names=("quota",),
        subresources=("status",),
        columns=(
            NAME,
            Column(
                "Request", lambda obj, now: _amounts(obj, limits=False), description="Requests and counts: used/hard"
            ),
            Column("Limit", lambda obj, now: _amounts(obj, limits=True), description="Limits: used/hard."),
            AGE,
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        has_generation=False,
    )
)
