"""The scale subresource shows and changes one number."""

from __future__ import annotations

import pytest

from workloads.kinds import sleeping
from workloads.meta.errors import Conflict, Invalid, NotFound


def test_a_deployment_shows_its_scale(client, web):
    scale = client.get_scale("Deployment", "web", "shop")

    assert scale["apiVersion"] == "autoscaling/v1"
    assert scale["kind"] == "Scale"
    assert scale["metadata"]["resourceVersion"] == web["metadata"]["resourceVersion"]
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}


def test_a_scale_written_back_changes_the_replicas(client, web):
    scale = client.get_scale("Deployment", "web", "shop")
    scale["spec"]["replicas"] = 7

    answer = client.update("Deployment", "web", scale, "shop", subresource="scale")

    assert answer.obj["kind"] == "Scale"
    assert answer.obj["spec"] == {"replicas": 7}
    after = client.get("Deployment", "web", "shop")
    assert after["spec"] == {**web["spec"], "replicas": 7}
    assert after["metadata"]["generation"] == 2


def test_kubectl_scales_with_a_merge_patch(client, web):
    patch = {"spec": {"replicas": 0}}

    client.patch("Deployment", "web", patch, "application/merge-patch+json", "shop", subresource="scale")

    assert client.get("Deployment", "web", "shop")["spec"]["replicas"] == 0


def test_a_stale_scale_is_a_conflict(client, web):
    scale = client.get_scale("Deployment", "web", "shop")
    client.update("Deployment", "web", {**scale, "spec": {"replicas": 3}}, "shop", subresource="scale")

    with pytest.raises(Conflict):
        client.update("Deployment", "web", {**scale, "spec": {"replicas": 4}}, "shop", subresource="scale")


def test_fewer_than_none_is_refused(client, web):
    with pytest.raises(Invalid, match=r'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1'):
        client.update(
            "Deployment", "web", {"metadata": {"name": "web"}, "spec": {"replicas": -1}}, "shop", subresource="scale"
        )


def test_a_pod_has_no_scale(client, one):
    with pytest.raises(NotFound):
        client.get_scale("Pod", "one", "shop")


def test_a_persons_nought_is_no_sleep_any_more(client, web):
    marks = {"metadata": {"annotations": {sleeping.AFTER: "10m", sleeping.REPLICAS: "3"}}, "spec": {"replicas": 0}}
    client.patch("Deployment", "web", marks, "application/merge-patch+json", "shop")
    assert sleeping.is_asleep(client.get("Deployment", "web", "shop"))

    nought = {"spec": {"replicas": 0}}
    client.patch("Deployment", "web", nought, "application/merge-patch+json", "shop", subresource="scale")

    after = client.get("Deployment", "web", "shop")
    assert not sleeping.is_asleep(after)
    assert (after["spec"]["replicas"], sleeping.wish(after)) == (0, "10m")
