"""`metrics.k8s.io`: what running pods use, measured by the agent; nothing of others, and no figures out of thin air."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from tests.agents import agent_of, run_pod
from tests.workloads.kubeapi.callers import TABLE, Api, Kubectl, is_status
from workloads.client import Client
from workloads.runtimes.simulated import Simulated

METRICS = "/apis/metrics.k8s.io/v1beta1"
PODS = f"{METRICS}/namespaces/shop/pods"
JSON = dict[str, Any]


class Clock:
    """Of the runtime alone: tests let it run."""

    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(clock: Clock, settings: Any) -> Iterator[Simulated]:
    runtime = Simulated(clock=clock)
    runtime.add_image(manifests.IMAGE)
    with agent_of(runtime, settings):
        yield runtime


def run(api: Api, runtime: Simulated, name: str, *, phase: str = "Running", cpu_millis: int = 0, **spec: Any) -> JSON:
    pod = api.make("/api/v1/namespaces/shop/pods", manifests.pod(name, **spec))
    controller = Client(Identity.controller("pods", "acme"))
    controller.update("Pod", name, {"status": {"phase": phase}}, "shop", subresource="status")
    run_pod(runtime, pod)
    for one in pod["spec"]["containers"]:
        runtime.load(pod["metadata"]["uid"], one["name"], cpu_millis=cpu_millis, memory_bytes=8 * 1024**2)
    return pod


@pytest.fixture
def pods(api: Api, shop: str, runtime: Simulated, clock: Clock) -> None:
    """`one` and `two` have run for fifteen seconds, `waiting` does not run."""
    run(api, runtime, "one", cpu_millis=125)
    run(api, runtime, "two", cpu_millis=250, containers=[manifests.container("a"), manifests.container("b")])
    run(api, runtime, "waiting", phase="Pending")
    api.get(PODS)
    clock.now += timedelta(seconds=15)


@pytest.mark.usefixtures("pods")
def test_running_pods_are_told_container_by_container(api: Api) -> None:
    found = api.read(PODS)
    assert (found["kind"], found["apiVersion"]) == ("PodMetricsList", "metrics.k8s.io/v1beta1")
    one, two = found["items"]
    assert one["metadata"]["name"] == "one"
    assert one["metadata"]["labels"] == {"app": "one"}
    assert (one["timestamp"], one["window"]) == ("2026-03-01T12:00:15Z", "15s")
    assert one["containers"] == [{"name": "app", "usage": {"cpu": "125000000n", "memory": "8192Ki"}}]
    assert [container["name"] for container in two["containers"]] == ["a", "b"]
    assert api.read(f"{PODS}/one") == one


@pytest.mark.usefixtures("pods")
@pytest.mark.parametrize("query", [{"labelSelector": "app=two"}, {"fieldSelector": "metadata.name=two"}])
def test_selectors_choose(api: Api, query: dict[str, str]) -> None:
    assert [one["metadata"]["name"] for one in api.read(f"{METRICS}/pods", **query)["items"]] == ["two"]
    assert is_status(api.get(PODS, params={"labelSelector": "((("}), 400)


@pytest.mark.usefixtures("pods")
def test_a_table_has_name_cpu_memory_and_window(api: Api) -> None:
    table = api.read(PODS, accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert [row["cells"] for row in table["rows"]] == [
        ["one", "125000000n", "8192Ki", "15s"],
        ["two", "500000000n", "16384Ki", "15s"],
    ]


@pytest.mark.usefixtures("pods")
def test_strangers_see_nothing(other_api: Api) -> None:
    assert other_api.read(f"{METRICS}/pods")["items"] == []
    assert is_status(other_api.get(f"{PODS}/one"), 404)
    (node,) = other_api.read(f"{METRICS}/nodes")["items"]
    assert node["usage"] == {"cpu": "0", "memory": "0"}


@pytest.mark.usefixtures("pods")
def test_the_node_is_what_the_accounts_pods_use(api: Api, settings: Any) -> None:
    (node,) = api.read(f"{METRICS}/nodes")["items"]
    assert node["metadata"]["name"] == settings.NODE_NAME
    assert node["usage"] == {"cpu": "625000000n", "memory": "24576Ki"}
    assert api.read(f"{METRICS}/nodes/{settings.NODE_NAME}")["usage"] == node["usage"]
    assert is_status(api.get(f"{METRICS}/nodes/other"), 404)


def test_a_pod_that_is_too_young_or_does_not_run_has_no_metrics(api: Api, shop: str, runtime: Simulated) -> None:
    run(api, runtime, "young")
    run(api, runtime, "waiting", phase="Pending")
    assert api.read(PODS)["items"] == []
    for name in ("young", "waiting"):
        status = is_status(api.get(f"{PODS}/{name}"), 404)
        assert status["message"] == f'podmetrics.metrics.k8s.io "shop/{name}" not found'
    assert is_status(api.get(f"{PODS}/nobody"), 404)["message"] == 'pods "nobody" not found'


@pytest.mark.usefixtures("pods")
def test_an_agent_that_is_away_is_said(api: Api, settings: Any) -> None:
    settings.AGENT_SOCKET = settings.AGENT_SOCKET.with_name("nothing.sock")
    status = is_status(api.get(PODS), 503)
    assert status["message"].startswith("the server is currently unable to handle the request: the node agent is not")


@pytest.mark.usefixtures("pods")
def test_a_runtime_that_is_away_is_said(api: Api, runtime: Simulated, clock: Clock) -> None:
    runtime.stop_daemon()
    clock.now += timedelta(seconds=60)
    assert is_status(api.get(PODS), 503)


def test_metrics_are_only_read(api: Api, shop: str) -> None:
    assert is_status(api.post(PODS, json={}), 405)
    assert is_status(api.get(PODS, params={"watch": "true"}), 405)


def test_documents_tell_of_metrics(api: Api) -> None:
    listed = {one["name"]: one for one in api.read(METRICS)["resources"]}
    assert {name: (one["kind"], one["verbs"]) for name, one in listed.items()} == {
        "pods": ("PodMetrics", ["get", "list"]),
        "nodes": ("NodeMetrics", ["get", "list"]),
    }
    document = api.read("/openapi/v3/apis/metrics.k8s.io/v1beta1")
    assert "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics" in document["components"]["schemas"]


@pytest.mark.usefixtures("pods")
@pytest.mark.parametrize("version", ["1.30", "1.31", "1.32", "1.33"])
def test_kubectl_top_shows_what_pods_use(kubectl: Callable[[str], Kubectl], version: str) -> None:
    top = kubectl(version)
    lines = top("top", "pod", "-n", "shop", "--sort-by=cpu").splitlines()
    assert [line.split() for line in lines[1:]] == [["two", "500m", "16Mi"], ["one", "125m", "8Mi"]]
    assert top("top", "pod", "-A", "-l", "app=two").splitlines()[1].split() == ["shop", "two", "500m", "16Mi"]
    alone = top("top", "pod", "two", "-n", "shop", "--containers").splitlines()
    assert [line.split() for line in alone[1:]] == [["two", "a", "250m", "8Mi"], ["two", "b", "250m", "8Mi"]]
    assert "podmetrics" in top.fails("top", "pod", "waiting", "-n", "shop")
    assert top("top", "node").splitlines()[1].split()[1:] == ["625m", "24Mi"]
