"""HorizontalPodAutoscaler (autoscaling/v2, and the same objects as v1): as many pods as the load asks for.

Load is CPU and memory of pods; what nothing here measures (metrics of type Pods, Object, External) is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workloads.kinds import autoscalerversions, objectmeta, schemas
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE, number
from workloads.kinds.registry import register
from workloads.meta import causes, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

CPU_PERCENT = 80
DOWN_WINDOW_SECONDS = 300
LONGEST_WINDOW, LONGEST_PERIOD = 3600, 1800
SOURCES = {"Resource": "resource", "ContainerResource": "containerResource"}
"""Type of a metric -> the field that describes it."""
RESOURCES = ("cpu", "memory")

_OTHER_SOURCES = {"Pods": "pods", "Object": "object", "External": "external"}
_TARGETS = ("Utilization", "Value", "AverageValue")
_SHOWN_METRICS = 2
_STATUS = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus"
_UNKNOWN = "<unknown>"

_MARKS: JSON = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"replicas": {"type": "integer", "format": "int32"}, "at": {"type": "string"}},
    },
}
schemas.extend(
    _STATUS,
    {
        "history": {
            "type": "object",
            "description": "What stabilization windows and scaling policies look back at. Written by the service.",
            "properties": {"recommendations": _MARKS, "ups": _MARKS, "downs": _MARKS},
        }
    },
)


def target_of(metric: JSON) -> JSON:
    """`{"type": "Utilization", "averageUtilization": 80}`."""
    return dict(source_of(metric)["target"])


def source_of(metric: JSON) -> JSON:
    """What stands under `resource` or `containerResource`."""
    return dict(metric[SOURCES[metric["type"]]])


def default(obj: JSON) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    for metric in spec["metrics"]:
        if metric.get("type") in SOURCES and (source := metric.get(SOURCES[metric["type"]])):
            _canonical(source.get("target") or {})
    if "behavior" in spec:
        _default_behavior(spec)


def prepare(obj: JSON, old: JSON | None) -> None:
    """`tolerance` is alpha in Kubernetes 1.33 and dropped there by default."""
    for rules in (obj["spec"].get("behavior") or {}).values():
        rules.pop("tolerance", None)
    if old is None:
        obj["status"] = {}


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = objectmeta.validate(obj)
    least, most = spec["minReplicas"], spec.get("maxReplicas", 0)
    if least < 1:
        found.append(causes.invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        found.append(causes.invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        found.append(causes.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    found += _target_reference(spec.get("scaleTargetRef") or {})
    for index, metric in enumerate(spec["metrics"]):
        found += _metric(metric, f"spec.metrics[{index}]")
    for name, rules in (spec.get("behavior") or {}).items():
        found += _rules(rules, f"spec.behavior.{name}")
    return found


def _canonical(target: JSON) -> None:
    for name in ("averageValue", "value"):
        if name in target:
            target[name] = quantity.canonical(target[name])


def _default_behavior(spec: JSON) -> None:
    """What is not said in one direction is what happens without any behavior."""
    given = spec["behavior"] or {}
    spec["behavior"] = {
        "scaleUp": _rules_filled(given.get("scaleUp"), UP),
        "scaleDown": _rules_filled(given.get("scaleDown"), DOWN),
    }


UP: JSON = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN: JSON = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
"""Kubernetes leaves the window open here; it is DOWN_WINDOW_SECONDS."""


def _rules_filled(given: JSON | None, filler: JSON) -> JSON:
    filled = {**filler, "policies": [dict(policy) for policy in filler["policies"]]}
    return {**filled, **{name: value for name, value in (given or {}).items() if value is not None}}


def _target_reference(reference: JSON) -> list[Cause]:
    field = "spec.scaleTargetRef"
    found = [causes.required(f"{field}.{name}") for name in ("kind", "name") if not reference.get(name)]
    for name in ("kind", "name"):
        value = reference.get(name) or ""
        if value in (".", ".."):
            found.append(causes.invalid(f"{field}.{name}", value, f"may not be '{value}'"))
        found += [
            causes.invalid(f"{field}.{name}", value, f"may not contain '{letter}'")
            for letter in "/%"
            if letter in value
        ]
    return found


def _metric(metric: JSON, field: str) -> list[Cause]:
    type = metric.get("type", "")
    if not type:
        return [causes.required(f"{field}.type", "must specify a metric source type")]
    if type in _OTHER_SOURCES:
        rule = f"{type} metrics are not offered: nothing here measures them; use type Resource or ContainerResource"
        return [causes.forbidden(f"{field}.type", f"{rule} with cpu or memory")]
    if type not in SOURCES:
        return [causes.unsupported(f"{field}.type", type, sorted((*SOURCES, *_OTHER_SOURCES)))]
    found = [
        causes.forbidden(f"{field}.{name}", "must populate the given metric source only")
        for name in (*SOURCES.values(), *_OTHER_SOURCES.values())
        if name in metric and name != SOURCES[type]
    ]
    source = metric.get(SOURCES[type])
    if source is None:
        rule = "must populate information for the given metric source"
        return [*found, causes.required(f"{field}.{SOURCES[type]}", rule)]
    return found + _source(source, f"{field}.{SOURCES[type]}", names_container=type == "ContainerResource")


def _source(source: JSON, field: str, *, names_container: bool) -> list[Cause]:
    found, name = [], source.get("name", "")
    if not name:
        found.append(causes.required(f"{field}.name", "must specify a resource name"))
    elif name not in RESOURCES:
        found.append(causes.unsupported(f"{field}.name", name, RESOURCES))
    if names_container and not source.get("container"):
        found.append(causes.required(f"{field}.container", "must specify a container"))
    return found + _target(source.get("target") or {}, f"{field}.target")


def _target(target: JSON, field: str) -> list[Cause]:
    found, type = [], target.get("type", "")
    if not type:
        found.append(causes.required(f"{field}.type", "must specify a metric target type"))
    elif type not in _TARGETS:
        found.append(causes.invalid(f"{field}.type", type, "must be either Utilization, Value, or AverageValue"))
    percent, value = target.get("averageUtilization"), target.get("averageValue")
    if percent is None and value is None:
        rule = "must set either a target raw value or a target utilization"
        found.append(causes.required(f"{field}.averageUtilization", rule))
    if percent is not None and percent < 1:
        found.append(causes.invalid(f"{field}.averageUtilization", percent, "must be greater than 0"))
    for name in ("averageValue", "value"):
        if name in target and quantity.parse(target[name]) <= 0:
            found.append(causes.invalid(f"{field}.{name}", target[name], "must be positive"))
    if percent is not None and value is not None:
        rule = "may not set both a target raw value and a target utilization"
        found.append(causes.forbidden(f"{field}.averageValue", rule))
    return found


def _rules(rules: JSON, field: str) -> list[Cause]:
    found, window, select = [], rules.get("stabilizationWindowSeconds", 0), rules["selectPolicy"]
    at = f"{field}.stabilizationWindowSeconds"
    if window < 0:
        found.append(causes.invalid(at, window, "must be greater than or equal to zero"))
    if window > LONGEST_WINDOW:
        found.append(causes.invalid(at, window, f"must be less than or equal to {LONGEST_WINDOW}"))
    if select not in ("Max", "Min", "Disabled"):
        found.append(causes.unsupported(f"{field}.selectPolicy", select, ("Disabled", "Max", "Min")))
    if not rules["policies"]:
        found.append(causes.required(f"{field}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules["policies"]):
        found += _policy(policy, f"{field}.policies[{index}]")
    return found


def _policy(policy: JSON, field: str) -> list[Cause]:
    found, value, period = [], policy.get("value", 0), policy.get("periodSeconds", 0)
    if policy.get("type") not in ("Pods", "Percent"):
        found.append(causes.unsupported(f"{field}.type", policy.get("type", ""), ("Percent", "Pods")))
    if value <= 0:
        found.append(causes.invalid(f"{field}.value", value, "must be greater than zero"))
    if period <= 0:
        found.append(causes.invalid(f"{field}.periodSeconds", period, "must be greater than zero"))
    if period > LONGEST_PERIOD:
        rule = f"must be less than or equal to {LONGEST_PERIOD}"
        found.append(causes.invalid(f"{field}.periodSeconds", period, rule))
    return found


def targets(obj: JSON) -> list[str]:
    """`cpu: 30%/50%`, one a metric, as kubectl prints them."""
    known = (obj.get("status") or {}).get("currentMetrics") or []
    return [_shown_target(metric, known) for metric in obj["spec"]["metrics"]]


def _shown_target(metric: JSON, known: list[JSON]) -> str:
    source, target = source_of(metric), target_of(metric)
    current = next((one for one in map(_current, _alike(metric, known))), {})
    if "averageValue" in target:
        return f"{source['name']}: {current.get('averageValue', _UNKNOWN)}/{target['averageValue']}"
    percent = current.get("averageUtilization")
    return f"{source['name']}: {_UNKNOWN if percent is None else f'{percent}%'}/{target['averageUtilization']}%"


def _alike(metric: JSON, known: list[JSON]) -> Iterator[JSON]:
    source = source_of(metric)
    for one in known:
        other = one.get(SOURCES.get(one.get("type", ""), "")) or {}
        same = one.get("type") == metric["type"] and other.get("name") == source["name"]
        if same and other.get("container") == source.get("container"):
            yield one


def _current(status: JSON) -> JSON:
    return dict(status[SOURCES[status["type"]]].get("current") or {})


def _targets_cell(obj: JSON, now: float) -> str:
    found = targets(obj)
    more = len(found) - _SHOWN_METRICS
    text = ", ".join(found[:_SHOWN_METRICS]) or NONE
    return f"{text} + {more} more..." if more > 0 else text


def _reference(obj: JSON, now: float) -> str:
    reference = obj["spec"]["scaleTargetRef"]
    return f"{reference['kind']}/{reference['name']}"


KIND = register(
    Kind(
        name="HorizontalPodAutoscaler",
        plural="horizontalpodautoscalers",
        group="autoscaling",
        version="v2",
        schema="io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
        singular="horizontalpodautoscaler",
        short_names=("hpa",),
        categories=("all",),
        subresources=("status",),
        also_served_as=(("autoscaling", "v1"),),
        conversions={"autoscaling/v1": autoscalerversions.V1},
        columns=(
            NAME,
            Column("Reference", _reference, description="What is scaled."),
            Column("Targets", _targets_cell, description="Measured and wanted."),
            Column("MinPods", lambda obj, now: str(obj["spec"]["minReplicas"])),
            Column("MaxPods", lambda obj, now: number(obj, "spec", "maxReplicas"), type="integer"),
            Column("Replicas", lambda obj, now: number(obj, "status", "currentReplicas"), type="integer"),
            AGE,
        ),
        default=default,
        validate=validate,
        prepare=prepare,
    )
)
