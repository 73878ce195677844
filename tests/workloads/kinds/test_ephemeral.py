"""Ephemeral storage in a pod's resources: as Kubernetes takes it, and never more than the pod's writable disk."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import ephemeral, pods, registry

KIND = registry.kind("Pod")
JSON = dict[str, Any]
GIB = 1024**3


def container(name: str = "app", *, limit: str = "", request: str = "", **more: Any) -> JSON:
    resources = {"limits": {"ephemeral-storage": limit}} if limit else {}
    resources |= {"requests": {"ephemeral-storage": request}} if request else {}
    return {"name": name, "image": "nginx:1.27", "resources": resources, **more}


def pod(*containers: JSON, inits: tuple[JSON, ...] = ()) -> JSON:
    obj = {"metadata": {"name": "web"}, "spec": {"containers": list(containers), "initContainers": list(inits)}}
    KIND.default(obj)
    return obj


def test_a_limit_fills_the_request_and_not_the_other_way_round() -> None:
    full, asked = pod(container(limit="1Gi"), container("b", request="1Gi"))["spec"]["containers"]
    assert full["resources"]["requests"] == {"ephemeral-storage": "1Gi"}
    assert "limits" not in asked["resources"]


def test_a_request_may_be_below_its_limit() -> None:
    obj = pod(container(limit="2Gi", request="1Gi"))
    assert KIND.validate(obj, None) == []
    assert obj["spec"]["containers"][0]["resources"]["requests"] == {"ephemeral-storage": "1Gi"}


def test_it_does_not_make_a_pod_burstable() -> None:
    assert pods.qos_class(pod(container(limit="1Gi"))["spec"]) == "BestEffort"


def test_together_they_may_ask_for_the_whole_writable_disk_and_no_more() -> None:
    assert KIND.validate(pod(container(limit="12Gi"), container("b", limit="8Gi")), None) == []
    (cause,) = KIND.validate(pod(container(limit="12Gi"), container("b", limit="9Gi")), None)
    assert cause.field == "spec.containers"
    assert "ephemeral-storage of a pod must be at most 20Gi" in cause.message


def test_requests_alone_are_bounded_too() -> None:
    (cause,) = KIND.validate(pod(container(request="21Gi")), None)
    assert "Invalid value" in cause.message and "21Gi" in cause.message


@pytest.mark.parametrize(
    ("mains", "inits", "gib"),
    [
        (("",), (), 20),
        (("1Gi", "2Gi"), (), 3),
        (("1Gi", ""), (), 1),
        (("1Gi",), (container("i", limit="4Gi"),), 4),
        (("1Gi",), (container("s", limit="2Gi", restartPolicy="Always"), container("i", limit="4Gi")), 6),
        (("3Gi",), (container("s", limit="2Gi", restartPolicy="Always"),), 5),
    ],
)
def test_the_containers_limits_bound_the_pod(mains: tuple[str, ...], inits: tuple[JSON, ...], gib: int) -> None:
    spec = {"containers": [container(str(number), limit=limit) for number, limit in enumerate(mains)]}
    assert ephemeral.limit(spec | {"initContainers": list(inits)}) == gib * GIB
