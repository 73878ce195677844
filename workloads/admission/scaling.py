"""Who may scale a Deployment: at most so many ScalingPolicies, or HorizontalPodAutoscalers, never both, since each
would undo what the other did. One with ScalingPolicies cannot sleep either: a timed one would start pods that nobody
asked for, and an alarm would judge pods that are not there. An autoscaler lets 0 pods be, as Kubernetes' does. Asked
inside the write's transaction: two creates cannot both take the last place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from workloads.kinds import scalingpolicies, sleeping
from workloads.kinds.base import Kind
from workloads.meta import causes, wire
from workloads.meta.errors import Cause, Invalid
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Guard

JSON = dict[str, Any]

POLICY, AUTOSCALER, DEPLOYMENT = "ScalingPolicy", "HorizontalPodAutoscaler", "Deployment"


def guards(kind: Kind, key: Key, obj: JSON, old: JSON | None) -> tuple[Guard, ...]:
    """Each raises Invalid. A policy's target and type are for life; an autoscaler's target is not."""
    if kind.name == POLICY and old is None:
        return (lambda: _check(kind, key, _against_policy(key, obj)),)
    if kind.name == DEPLOYMENT and (wish := sleeping.wish(obj)) and (old is None or wish != sleeping.wish(old)):
        _check(kind, key, _too_short(obj))
        return (lambda: _check(kind, key, _against_sleep(key)),)
    if kind.name == AUTOSCALER and (old is None or _deployment_of(old) != _deployment_of(obj)):
        return (lambda: _check(kind, key, _against_autoscaler(key, obj)),)
    return ()


def _check(kind: Kind, key: Key, cause: Cause | None) -> None:
    if cause:
        raise Invalid.of(kind.name, key.name, (cause,), group=kind.group)


def _against_policy(key: Key, policy: JSON) -> Cause | None:
    target, type = scalingpolicies.target_of(policy), scalingpolicies.type_of(policy)
    if _sleeps(key, target):
        rule = f"Deployment {target} stops when nobody asks it ({sleeping.AFTER}): take that annotation away first"
        return causes.forbidden("spec.targetRef.name", rule)
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


def _sleeps(key: Key, name: str) -> bool:
    rows = objects.scan(DEPLOYMENT, account=key.account, namespace=key.namespace, name=name).rows
    return any(sleeping.wish(wire.load(row.data)) for row in rows)


def _too_short(deployment: JSON) -> Cause | None:
    """The shortest time is the operator's."""
    if (sleeping.after(deployment) or 0) >= settings.SHORTEST_IDLE:
        return None
    rule = f"must be between {settings.SHORTEST_IDLE}s and 24h: a shorter pause is no sign that nobody asks any more"
    return causes.invalid(sleeping.field(sleeping.AFTER), sleeping.wish(deployment), rule)


def _against_sleep(key: Key) -> Cause | None:
    found = [one["metadata"]["name"] for one in _all(POLICY, key) if scalingpolicies.target_of(one) == key.name]
    if not found:
        return None
    rule = f"the Deployment has scaling policies ({_named(found)}): delete them first, or do without this annotation"
    return causes.forbidden(sleeping.field(sleeping.AFTER), rule)


def _named(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _against_autoscaler(key: Key, autoscaler: JSON) -> Cause | None:
    target = _deployment_of(autoscaler)
    found = [one["metadata"]["name"] for one in _all(POLICY, key) if scalingpolicies.target_of(one) == target]
    if not target or not found:
        return None
    rule = f"Deployment {target} has scaling policies ({_named(found)}): delete them first, one of the two can scale it"
    return causes.forbidden("spec.scaleTargetRef.name", rule)


def _deployment_of(autoscaler: JSON) -> str:
    """ "" for a target of another kind."""
    target = autoscaler["spec"]["scaleTargetRef"]
    return str(target["name"]) if target["kind"] == "Deployment" else ""


def _all(kind: str, key: Key) -> Iterator[JSON]:
    for row in objects.scan(kind, account=key.account, namespace=key.namespace).rows:
        yield wire.load(row.data)
