"""A HorizontalPodAutoscaler as `autoscaling/v1` shows it, and back. What v1 has no field for stands in annotations,
under Kubernetes' own names, so that nothing is lost on the way there and back. Pure.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson

from workloads.kinds.base import Conversion
from workloads.meta.errors import BadRequest

JSON = dict[str, Any]

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_ALL = (METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR)
_SAME_IN_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas")
_SAME_IN_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def to_v1(obj: JSON) -> JSON:
    spec, status = obj["spec"], obj.get("status") or {}
    percent, others = None, []
    for metric in spec.get("metrics") or ():
        if percent is None and (found := _cpu_percent(metric)) is not None:
            percent = found
        else:
            others.append(metric)
    told = {
        METRICS: others,
        CURRENT_METRICS: status.get("currentMetrics"),
        CONDITIONS: status.get("conditions"),
        BEHAVIOR: spec.get("behavior"),
    }
    metadata = deepcopy(obj["metadata"])
    notes = {name: orjson.dumps(value).decode() for name, value in told.items() if value}
    if notes:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **notes}
    shown: JSON = {name: deepcopy(spec[name]) for name in _SAME_IN_SPEC if name in spec}
    if percent is not None:
        shown["targetCPUUtilizationPercentage"] = percent
    state: JSON = {name: status[name] for name in _SAME_IN_STATUS if name in status}
    current = next((one for one in map(_current_cpu, status.get("currentMetrics") or ()) if one is not None), None)
    if current is not None:
        state["currentCPUUtilizationPercentage"] = current
    return {**obj, "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": shown, "status": state}


def from_v1(obj: JSON) -> JSON:
    """Raises BadRequest where an annotation cannot be read. Status is not taken over: v1 cannot say it."""
    metadata, spec = deepcopy(obj.get("metadata") or {}), obj.get("spec") or {}
    noted = metadata.get("annotations") or {}
    made: JSON = {name: deepcopy(spec[name]) for name in _SAME_IN_SPEC if name in spec}
    metrics = _noted(noted, METRICS, list) or []
    if (percent := spec.get("targetCPUUtilizationPercentage")) is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}, *metrics]
    if metrics:
        made["metrics"] = metrics
    if behavior := _noted(noted, BEHAVIOR, dict):
        made["behavior"] = behavior
    kept = {name: value for name, value in noted.items() if name not in _ALL}
    metadata.pop("annotations", None)
    if kept:
        metadata["annotations"] = kept
    return {"metadata": metadata, "spec": made}


def _cpu_percent(metric: JSON) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    percent = (resource.get("target") or {}).get("averageUtilization")
    return None if percent is None else int(percent)


def _current_cpu(metric: JSON) -> int | None:
    resource = metric.get("resource") or {}
    percent = (resource.get("current") or {}).get("averageUtilization") if resource.get("name") == "cpu" else None
    return None if percent is None else int(percent)


def _noted(noted: JSON, name: str, shape: type) -> Any:
    try:
        found = orjson.loads(noted.get(name) or "null")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"metadata.annotations[{name}] is not JSON: {error}") from None
    if found is not None and not isinstance(found, shape):
        raise BadRequest(f"metadata.annotations[{name}] is not {'a list' if shape is list else 'an object'}")
    return found


V1 = Conversion(schema="io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler", shown=to_v1, stored=from_v1)
