"""HorizontalPodAutoscalers over the wire: stored as v2, shown and written as v1 too, made by `kubectl autoscale`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import STRATEGIC, Api, Kubectl, is_status

V1 = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
JSON = dict[str, Any]


def as_v1(**spec: Any) -> JSON:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": reference, "maxReplicas": 5, "targetCPUUtilizationPercentage": 30, **spec},
    }


def test_what_is_made_as_v1_is_shown_as_v2_and_back(api: Api, shop: str) -> None:
    made = api.make(V1, as_v1())
    assert (made["apiVersion"], made["spec"]["targetCPUUtilizationPercentage"]) == ("autoscaling/v1", 30)
    (metric,) = api.read(f"{V2}/web")["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 30}
    listed = api.read(V1)
    assert (listed["apiVersion"], listed["items"][0]["apiVersion"]) == ("autoscaling/v1", "autoscaling/v1")


def test_a_patch_as_v1_keeps_what_v1_cannot_say(api: Api, shop: str) -> None:
    memory = {"type": "AverageValue", "averageValue": "100Mi"}
    api.make(V2, manifests.autoscaler(metrics=[{"type": "Resource", "resource": {"name": "memory", "target": memory}}]))
    changed = api.change(f"{V1}/web", {"spec": {"targetCPUUtilizationPercentage": 70}}, type=STRATEGIC)
    assert changed.status_code == 200, changed.text
    found = api.read(f"{V2}/web")
    assert [one["resource"]["name"] for one in found["spec"]["metrics"]] == ["cpu", "memory"]
    assert "annotations" not in found["metadata"]
    assert found["metadata"]["generation"] == 2


def test_each_version_knows_its_own_fields(api: Api, shop: str) -> None:
    strict = {"fieldValidation": "Strict"}
    answer = api.post(V2, json={**as_v1(), "apiVersion": "autoscaling/v2"}, params=strict)
    assert 'unknown field "spec.targetCPUUtilizationPercentage"' in is_status(answer, 400)["message"]
    answer = api.post(V1, json={**manifests.autoscaler(), "apiVersion": "autoscaling/v1"}, params=strict)
    assert 'unknown field "spec.metrics"' in is_status(answer, 400)["message"]
    bad = as_v1()
    bad["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": "{"}
    assert "is not JSON" in is_status(api.post(V1, json=bad), 400)["message"]


def test_documents_tell_both_versions(api: Api) -> None:
    for version, field in (("v1", "targetCPUUtilizationPercentage"), ("v2", "metrics")):
        schemas = api.read(f"/openapi/v3/apis/autoscaling/{version}")["components"]["schemas"]
        spec = schemas[f"io.k8s.api.autoscaling.{version}.HorizontalPodAutoscalerSpec"]
        assert field in spec["properties"]


@pytest.mark.parametrize("version", ["1.30", "1.31", "1.32", "1.33"])
def test_kubectl_makes_applies_edits_and_describes_it(
    api: Api, shop: str, kubectl: Callable[[str], Kubectl], version: str
) -> None:
    run = kubectl(version)
    api.make("/apis/apps/v1/namespaces/shop/deployments", manifests.deployment())
    assert "autoscaled" in run("autoscale", "deployment", "web", "-n", "shop", "--min=1", "--max=4", "--cpu-percent=50")
    line = run("get", "hpa", "-n", "shop").splitlines()[1].split()
    assert line[:7] == ["web", "Deployment/web", "cpu:", "<unknown>/50%", "1", "4", "0"]
    applied = orjson.dumps(manifests.autoscaler("two", target="two", most=3)).decode()
    assert "created" in run("apply", "-n", "shop", "-f", "-", stdin=applied)
    assert "unchanged" in run("apply", "-n", "shop", "-f", "-", stdin=applied)
    other = applied.replace('"maxReplicas":3', '"maxReplicas":6')
    assert "configured" in run("apply", "-n", "shop", "-f", "-", stdin=other)
    assert "6" in run("get", "hpa.v1.autoscaling", "two", "-n", "shop", "-o", "jsonpath={.spec.maxReplicas}")
    assert "Max replicas:" in run("describe", "hpa", "web", "-n", "shop")
    assert "targetCPUUtilizationPercentage" in run("explain", "hpa.spec", "--api-version=autoscaling/v1")
