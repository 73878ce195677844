"""Who may scale a Deployment: at most so many ScalingPolicies, or HorizontalPodAutoscalers, never both, since each
would undo what the other did. Asked inside the write's transaction: two creates cannot both take the last place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workloads.kinds import scalingpolicies
from workloads.kinds.base import Kind
from workloads.meta import causes, wire
from workloads.meta.errors import Cause, Invalid
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Guard

JSON = dict[str, Any]

POLICY, AUTOSCALER = "ScalingPolicy", "HorizontalPodAutoscaler"


def guards(kind: Kind, key: Key, obj: JSON, old: JSON | None) -> tuple[Guard, ...]:
    """Each raises Invalid. A policy's target and type are for life; an autoscaler's target is not."""
    if kind.name == POLICY and old is None:
        return (lambda: _check(kind, key, _against_policy(key, obj)),)
    if kind.name == AUTOSCALER and (old is None or _deployment_of(old) != _deployment_of(obj)):
        return (lambda: _check(kind, key, _against_autoscaler(key, obj)),)
    return ()


def _check(kind: Kind, key: Key, cause: Cause | None) -> None:
    if cause:
        raise Invalid.of(kind.name, key.name, (cause,), group=kind.group)


def _against_policy(key: Key, policy: JSON) -> Cause | None:
    target, type = scalingpolicies.target_of(policy), scalingpolicies.type_of(policy)
    autoscalers = [one["metadata"]["name"] for one in _all(AUTOSCALER, key) if _deployment_of(one) == target]
    if autoscalers:
        rule = f"HorizontalPodAutoscaler {autoscalers[0]} scales Deployment {target}: delete it first, or change it"
        return causes.forbidden("spec.targetRef.name", rule)
    others = [one for one in _all(POLICY, key) if scalingpolicies.target_of(one) == target]
    is_alarm = type == "alarm"
    have = sum((scalingpolicies.type_of(one) == "alarm") == is_alarm for one in others)
    most = scalingpolicies.MOST_ALARMS if is_alarm else scalingpolicies.MOST_PLANNED
    if have < most:
        return None
    what = "alarm policies" if is_alarm else "timed and periodic policies"
    rule = f"Deployment {target} has {have} {what}, at most {most} are allowed: delete one first"
    return causes.forbidden(f"spec.{type}", rule)


def _against_autoscaler(key: Key, autoscaler: JSON) -> Cause | None:
    target = _deployment_of(autoscaler)
    found = [one["metadata"]["name"] for one in _all(POLICY, key) if scalingpolicies.target_of(one) == target]
    if not target or not found:
        return None
    names = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
    rule = f"Deployment {target} has scaling policies ({names}): delete them first, one of the two can scale it"
    return causes.forbidden("spec.scaleTargetRef.name", rule)


def _deployment_of(autoscaler: JSON) -> str:
    """ "" for a target of another kind."""
    target = autoscaler["spec"]["scaleTargetRef"]
    return str(target["name"]) if target["kind"] == "Deployment" else ""


def _all(kind: str, key: Key) -> Iterator[JSON]:
    for row in objects.scan(kind, account=key.account, namespace=key.namespace).rows:
        yield wire.load(row.data)
