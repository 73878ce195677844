"""Who is behind a Service: Endpoints and EndpointSlices follow its selector and its pods."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.endpoints import slices
from workloads.meta.keys import Key
from workloads.node.asking import Outcome

JSON = dict[str, Any]


def pods_of_web(*names: str, **spec: Any) -> list[JSON]:
    made = []
    for name in names:
        pod = manifests.pod(name, **spec)
        pod["metadata"]["labels"] = {"app": "web"}
        made.append(pod)
    return made


def serve(world: World, *names: str, **spec: Any) -> None:
    for pod in pods_of_web(*names):
        world.create(pod)
    world.create(manifests.service("web", **spec))
    world.settle()


def behind(world: World) -> list[JSON]:
    return [one for slice in world.all("EndpointSlice") for one in slice["endpoints"]]


def addresses(world: World) -> list[str]:
    """Those that the old form calls ready."""
    subsets = world.get("Endpoints", "web").get("subsets") or []
    return [address["targetRef"]["name"] for subset in subsets for address in subset.get("addresses") or ()]


def test_ready_pods_stand_behind_the_service_in_both_forms(world: World) -> None:
    serve(world, "a", "b", ports=[{"name": "http", "port": 80, "targetPort": 8080}])
    (slice,) = world.all("EndpointSlice")
    service = world.get("Service", "web")

    assert addresses(world) == ["a", "b"]
    assert slice["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert slice["endpoints"][0] == {
        "addresses": [world.pod("a")["status"]["podIP"]],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": "node-1",
        "targetRef": {"kind": "Pod", "name": "a", "namespace": "shop", "uid": world.pod("a")["metadata"]["uid"]},
    }
    assert slice["metadata"]["labels"] == {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "web",
    }
    assert slice["metadata"]["ownerReferences"][0]["uid"] == service["metadata"]["uid"]
    assert world.get("Endpoints", "web")["metadata"]["labels"] == {
        "endpoints.kubernetes.io/managed-by": "endpoint-controller"
    }


def test_a_pod_that_is_not_ready_is_named_and_not_ready(world: World) -> None:
    world.answers["app", "readiness"] = Outcome(passes=False)
    (pod,) = pods_of_web("a")
    pod["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    world.create(pod)
    world.create(manifests.service("web"))
    world.settle()
    (one,) = behind(world)
    (subset,) = world.get("Endpoints", "web")["subsets"]

    assert one["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert [address["targetRef"]["name"] for address in subset["notReadyAddresses"]] == ["a"]
    world.patch("Service", "web", {"spec": {"publishNotReadyAddresses": True}})
    world.settle()
    assert behind(world)[0]["conditions"] == {"ready": True, "serving": False, "terminating": False}
    assert addresses(world) == ["a"]


def test_a_named_target_is_looked_up_in_each_pod(world: World) -> None:
    old, new, other = pods_of_web("old", "new", "other")
    old["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    new["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 9090}]
    for pod in (old, new, other):
        world.create(pod)
    world.create(manifests.service("web", ports=[{"port": 80, "targetPort": "http"}]))
    world.settle()

    found = {
        (slice.get("ports") or [{"port": None}])[0]["port"]: [one["targetRef"]["name"] for one in slice["endpoints"]]
        for slice in world.all("EndpointSlice")
    }
    assert found == {8080: ["old"], 9090: ["new"], None: ["other"]}
    assert sorted(addresses(world)) == ["new", "old"]


def test_a_pod_leaves_when_it_is_asked_to_go_and_is_gone_when_it_is(world: World) -> None:
    serve(world, "a", "b")
    world.delete("Pod", "a", grace_seconds=30)
    world.controllers["endpoints"].reconcile(Key("acme", "Service", "shop", "web"))
    leaving = next(one for one in behind(world) if one["targetRef"]["name"] == "a")

    assert leaving["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert addresses(world) == ["b"]
    world.advance(60)
    assert [one["targetRef"]["name"] for one in behind(world)] == ["b"]


def test_labels_and_selectors_decide_at_every_moment(world: World) -> None:
    serve(world, "a", "b")
    world.patch("Pod", "a", {"metadata": {"labels": {"app": "other"}}})
    world.settle()
    assert addresses(world) == ["b"]
    world.patch("Service", "web", {"spec": {"selector": {"app": "other"}}})
    world.settle()
    assert addresses(world) == ["a"]
    assert [one["targetRef"]["name"] for one in behind(world)] == ["a"]


def test_without_pods_one_empty_slice_says_so(world: World) -> None:
    serve(world)
    (slice,) = world.all("EndpointSlice")
    assert (slice["endpoints"], slice.get("ports")) == ([], None)
    assert "subsets" not in world.get("Endpoints", "web")
    revision = slice["metadata"]["resourceVersion"]
    world.resync()
    world.settle()
    assert world.all("EndpointSlice")[0]["metadata"]["resourceVersion"] == revision


def test_a_headless_service_says_so_and_names_hosts(world: World) -> None:
    (pod,) = pods_of_web("a", hostname="first", subdomain="web")
    world.create(pod)
    service = manifests.service("web", clusterIP="None")
    del service["spec"]["ports"]
    world.create(service)
    world.settle()
    (slice,) = world.all("EndpointSlice")

    assert slice["endpoints"][0]["hostname"] == "first"
    assert slice["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert world.get("Endpoints", "web")["subsets"][0]["addresses"][0]["hostname"] == "first"


def test_what_a_service_had_goes_with_it(world: World) -> None:
    serve(world, "a")
    world.delete("Service", "web")
    world.settle()
    assert world.all("EndpointSlice") == []
    assert world.all("Endpoints") == []


def test_what_somebody_breaks_is_mended(world: World) -> None:
    serve(world, "a")
    world.delete("EndpointSlice", world.all("EndpointSlice")[0]["metadata"]["name"])
    world.delete("Endpoints", "web")
    world.settle()
    assert addresses(world) == ["a"]
    assert len(behind(world)) == 1


def test_a_namespace_takes_its_services_along(world: World) -> None:
    serve(world, "a")
    world.alice.create("Ingress", manifests.ingress(), "shop")
    world.alice.delete("Namespace", "shop")
    world.advance(60)
    assert world.all("Namespace", None) == world.all("Service", None) == world.all("Endpoints", None) == []
    assert world.all("EndpointSlice", None) == world.all("Ingress", None) == []


def written(ip: str = "10.9.8.7") -> JSON:
    subset = {"addresses": [{"ip": ip}], "ports": [{"port": 5432}]}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web"}, "subsets": [subset]}


def test_endpoints_that_people_wrote_are_mirrored(world: World) -> None:
    world.create(written())
    world.settle()
    assert world.all("Endpoints") != []  # a manifest may bring them before their Service
    service = manifests.service("web")
    del service["spec"]["selector"]
    world.create(service)
    world.settle()
    (slice,) = world.all("EndpointSlice")

    assert slice["endpoints"] == [{"addresses": ["10.9.8.7"], "conditions": {"ready": True}}]
    assert slice["ports"] == [{"name": "", "port": 5432, "protocol": "TCP"}]
    assert slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == (
        "endpointslicemirroring-controller.k8s.io"
    )
    world.patch("Endpoints", "web", {"subsets": []})
    world.settle()
    assert world.all("EndpointSlice") == []
    world.patch("Endpoints", "web", {"subsets": written()["subsets"]})
    world.settle()
    world.delete("Service", "web")
    world.settle()
    assert world.all("EndpointSlice") == world.all("Endpoints") == []


def test_a_service_of_another_name_has_nobody_behind_it(world: World) -> None:
    serve(world, "a")
    world.patch("Service", "web", {"spec": {"type": "ExternalName", "externalName": "example.com"}})
    world.settle()
    assert world.all("EndpointSlice") == []


def endpoints(*numbers: int) -> list[JSON]:
    return [{"addresses": [f"10.0.{number // 250}.{number % 250}"]} for number in numbers]


def a_slice(name: str, *numbers: int) -> JSON:
    return {"metadata": {"name": name}, "endpoints": endpoints(*numbers)}


def test_slices_hold_a_hundred_each() -> None:
    plan = slices.plan({(): endpoints(*range(250))}, [])
    assert [len(one["endpoints"]) for one in plan.created] == [100, 100, 50]


def test_who_is_new_changes_one_slice_and_who_goes_another() -> None:
    known = [a_slice("full", *range(100)), a_slice("half", *range(100, 150))]
    plan = slices.plan({(): endpoints(*range(151))}, known)
    assert (list(plan.written), plan.created, plan.deleted) == (["half"], [], [])
    plan = slices.plan({(): endpoints(*range(1, 150))}, known)
    assert (list(plan.written), plan.created, plan.deleted) == (["full"], [], [])
    plan = slices.plan({(): endpoints(*range(100))}, known)
    assert (plan.written, plan.created, plan.deleted) == ({}, [], ["half"])
