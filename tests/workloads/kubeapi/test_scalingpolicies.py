"""Scaling policies over the wire: kubectl knows the kind, its columns and its fields; strangers know nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from tests import manifests
from tests.workloads.kubeapi.callers import Api, Kubectl, is_status

PATH = "/apis/autoscaling.cci.io/v1beta1/namespaces/shop/scalingpolicies"
ALARM = {"metric": "cpu", "operator": ">", "thresholdPercent": 80, "action": {"type": "add", "pods": 2}}


def test_kubectl_applies_gets_and_explains_it(api: Api, shop: str, kubectl: Callable[[str], Kubectl]) -> None:
    run = kubectl("1.33")
    applied = orjson.dumps(manifests.scaling_policy(alarm=ALARM)).decode()
    assert "created" in run("apply", "-n", "shop", "-f", "-", stdin=applied)
    assert "unchanged" in run("apply", "-n", "shop", "-f", "-", stdin=applied)
    line = run("get", "scalingpolicies", "-n", "shop").splitlines()[1]
    assert "Deployment/web   Alarm   cpu > 80% 3x 60s   add 2" in line
    assert "thresholdPercent" in run("explain", "scalingpolicy.spec.alarm")


def test_strangers_know_nothing_of_it(api: Api, shop: str, other_api: Api) -> None:
    api.make(PATH, manifests.scaling_policy(alarm=ALARM))
    assert is_status(other_api.get(f"{PATH}/rule"), 404)
    assert other_api.read("/apis/autoscaling.cci.io/v1beta1/scalingpolicies")["items"] == []


def test_the_fifth_alarm_is_refused_at_its_field(api: Api, shop: str) -> None:
    for number in range(4):
        api.make(PATH, manifests.scaling_policy(f"alarm-{number}", alarm=ALARM))
    status = is_status(api.post(PATH, json=manifests.scaling_policy("alarm-4", alarm=ALARM)), 422)
    assert status["details"]["causes"][0]["field"] == "spec.alarm"
    assert "at most 4 are allowed" in status["message"]
