"""HorizontalPodAutoscalers: defaults, refusals, what kubectl prints, and the same object as v1."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import manifests
from workloads.kinds import autoscalerversions, registry

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
KIND = registry.kind("HorizontalPodAutoscaler")


def made(**spec: Any) -> JSON:
    obj = deepcopy(manifests.autoscaler(**spec))
    obj["metadata"] |= {"namespace": "shop", "uid": "uid-1", "creationTimestamp": "2026-01-01T11:59:00Z"}
    KIND.default(obj)
    KIND.prepare(obj, None)
    return obj


def wrong(obj: JSON) -> dict[str, str]:
    return {cause.field: cause.message for cause in KIND.validate(obj, None)}


def resource(name: str = "cpu", **target: Any) -> JSON:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_without_metrics_it_is_eighty_percent_of_the_cpu() -> None:
    spec = made(metrics=[])["spec"]
    assert spec["metrics"] == [resource(type="Utilization", averageUtilization=80)]
    obj = {"metadata": {"name": "a"}, "spec": {"maxReplicas": 3}}
    KIND.default(obj)
    assert obj["spec"]["minReplicas"] == 1  # type: ignore[index]


def test_a_behavior_is_completed_with_what_happens_without() -> None:
    behavior = made(behavior={"scaleDown": {"stabilizationWindowSeconds": 5, "tolerance": "0.2"}})["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert [one["type"] for one in behavior["scaleUp"]["policies"]] == ["Pods", "Percent"]
    assert behavior["scaleDown"] == {
        "stabilizationWindowSeconds": 5,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }
    again = made(behavior=behavior)
    assert again["spec"]["behavior"] == behavior
    assert wrong(again) == {}


@pytest.mark.parametrize(
    ("spec", "field", "rule"),
    [
        ({"least": 0}, "spec.minReplicas", "must be greater than or equal to 1"),
        ({"most": 0, "least": 1}, "spec.maxReplicas", "must be greater than or equal to `minReplicas`"),
        ({"least": 5, "most": 3}, "spec.maxReplicas", "must be greater than or equal to `minReplicas`"),
        ({"scaleTargetRef": {"kind": "Deployment"}}, "spec.scaleTargetRef.name", "Required value"),
        ({"metrics": [{"type": "Pods", "pods": {}}]}, "spec.metrics[0].type", "Pods metrics are not offered"),
        ({"metrics": [{"type": "External", "external": {}}]}, "spec.metrics[0].type", "nothing here measures them"),
        ({"metrics": [{"type": "Wish"}]}, "spec.metrics[0].type", "Unsupported value"),
        ({"metrics": [{"type": "Resource"}]}, "spec.metrics[0].resource", "must populate information"),
        ({"metrics": [resource("disk", type="Utilization", averageUtilization=1)]},
         "spec.metrics[0].resource.name", 'supported values: "cpu", "memory"'),
        ({"metrics": [resource(type="Utilization")]},
         "spec.metrics[0].resource.target.averageUtilization", "must set either a target raw value"),
        ({"metrics": [resource(type="Utilization", averageUtilization=0)]},
         "spec.metrics[0].resource.target.averageUtilization", "must be greater than 0"),
        ({"metrics": [resource(type="AverageValue", averageValue="-1")]},
         "spec.metrics[0].resource.target.averageValue", "must be positive"),
        ({"metrics": [resource(type="AverageValue", averageValue="1", averageUtilization=5)]},
         "spec.metrics[0].resource.target.averageValue", "may not set both"),
        ({"metrics": [{"type": "ContainerResource", "containerResource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}}}]},
         "spec.metrics[0].containerResource.container", "must specify a container"),
        ({"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601}}},
         "spec.behavior.scaleUp.stabilizationWindowSeconds", "must be less than or equal to 3600"),
        ({"behavior": {"scaleDown": {"selectPolicy": "Some"}}}, "spec.behavior.scaleDown.selectPolicy", "Unsupported"),
        ({"behavior": {"scaleDown": {"policies": []}}}, "spec.behavior.scaleDown.policies", "at least one Policy"),
        ({"behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 1}]}}},
         "spec.behavior.scaleDown.policies[0].value", "must be greater than zero"),
        ({"behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1801}]}}},
         "spec.behavior.scaleDown.policies[0].periodSeconds", "must be less than or equal to 1800"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_field(spec: JSON, field: str, rule: str) -> None:
    assert rule in wrong(made(**spec))[field]


def test_kubectl_prints_what_is_measured_and_wanted() -> None:
    obj = made(metrics=[resource(type="Utilization", averageUtilization=50),
                        resource("memory", type="AverageValue", averageValue="100Mi"),
                        resource("memory", type="Utilization", averageUtilization=70)])  # fmt: skip
    cells = {column.name: column.cell(obj, NOW) for column in KIND.columns}
    assert cells["Targets"] == "cpu: <unknown>/50%, memory: <unknown>/100Mi + 1 more..."
    assert (cells["Reference"], cells["MinPods"], cells["MaxPods"]) == ("Deployment/web", "1", 10)
    current = {"averageUtilization": 0, "averageValue": "0"}
    obj["status"] = {
        "currentReplicas": 2,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": current}}],
    }
    cells = {column.name: column.cell(obj, NOW) for column in KIND.columns}
    assert str(cells["Targets"]).startswith("cpu: 0%/50%")
    assert cells["Replicas"] == 2


def test_v1_shows_the_cpu_target_and_keeps_the_rest_in_annotations() -> None:
    memory = resource("memory", type="AverageValue", averageValue="100Mi")
    obj = made(metrics=[memory, resource(type="Utilization", averageUtilization=50)], behavior={"scaleUp": {}})
    obj["status"] = {"currentReplicas": 2, "desiredReplicas": 2, "conditions": [{"type": "AbleToScale"}]}
    shown = autoscalerversions.to_v1(obj)
    assert shown["apiVersion"] == "autoscaling/v1"
    assert shown["spec"]["targetCPUUtilizationPercentage"] == 50
    assert "metrics" not in shown["spec"]
    assert set(shown["metadata"]["annotations"]) == {
        autoscalerversions.METRICS,
        autoscalerversions.BEHAVIOR,
        autoscalerversions.CONDITIONS,
    }
    back = autoscalerversions.from_v1(shown)
    assert sorted(map(str, back["spec"]["metrics"])) == sorted(map(str, obj["spec"]["metrics"]))
    assert back["spec"]["behavior"] == obj["spec"]["behavior"]
    assert back["metadata"] == obj["metadata"]


def test_v1_without_a_target_becomes_the_default() -> None:
    stored = autoscalerversions.from_v1({"kind": KIND.name, "metadata": {"name": "a"}, "spec": {"maxReplicas": 3}})
    assert "metrics" not in stored["spec"]
    KIND.default(stored)
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
