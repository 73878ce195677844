"""What the proxy tier keeps of what it has seen."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.test_elbs import certificate
from workloads.elb.world import World
from workloads.meta.keys import Key

JSON = dict[str, Any]
CERT = Key("acme", "Secret", "shop", "cert")
WEB = Key("acme", "Ingress", "shop", "web")


def serving() -> World:
    """An Ingress with a certificate on an ELB."""
    world = World()
    ingress = manifests.ingress("web", tls=[{"hosts": ["shop.example.com"], "secretName": "cert"}])
    ingress["spec"]["ingressClassName"] = "cce"
    for key, obj in (
        (Key("acme", "ELB", "", "default"), manifests.elb("default", address="127.77.0.5")),
        (CERT, certificate()),
        (WEB, ingress),
    ):
        home = {"namespace": key.namespace} if key.namespace else {}
        obj["metadata"] |= {"uid": key.name, "creationTimestamp": "2026-01-01T00:00:00Z", **home}
        world.put(key, obj)
    world.render()
    return world


def is_shown(world: World) -> bool:
    return any(name == "acme/shop/cert" for _type, name in world.resources)


def test_a_certificate_whose_secret_has_gone_serves_on_while_it_is_asked_for() -> None:
    world = serving()
    world.drop(CERT, certificate())
    world.render()
    assert is_shown(world)
    world.drop(WEB, manifests.ingress("web"))
    world.render()
    assert not is_shown(world)
    assert not world._good


def test_a_secret_that_comes_back_is_taken_at_once() -> None:
    world = serving()
    before = dict(world.resources)
    world.drop(CERT, certificate())
    world.put(CERT, certificate(days=600))
    assert world.render()
    assert world.resources != before


def shop(*, ready: bool, managed: bool = True, **spec: bool) -> World:
    """A Service with one pod, as its slice says."""
    world = World()
    labels = {"kubernetes.io/service-name": "web"}
    if managed:
        labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io"
    service = manifests.service("web", clusterIP="10.247.1.1", **spec)
    service["spec"]["ports"] = [{"name": "", "port": 80, "protocol": "TCP"}]
    pod = {"kind": "Pod", "name": "one", "uid": "uid-one"}
    told = {"ready": ready or bool(spec), "serving": ready, "terminating": False}
    one = {"addresses": ["10.248.0.9"], "conditions": told, "targetRef": pod}
    slice = {"metadata": {"labels": labels}, "ports": [{"port": 8080}], "endpoints": [one]}
    world.put(Key("acme", "Service", "shop", "web"), service)
    world.put(Key("acme", "EndpointSlice", "shop", "web-1"), slice)
    world.render()
    return world


def says(world: World, *, ready: bool, **metadata: str) -> None:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    pod = {"metadata": {"uid": "uid-one", **metadata}, "status": {"conditions": [condition]}}
    world.put(Key("acme", "Pod", "shop", "one"), pod)
    world.render()


def is_served(world: World) -> bool:
    endpoints = world.resources[
        "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "acme/shop/web/80"
    ]
    return bool(endpoints["endpoints"])


def test_a_pod_that_says_it_is_ready_serves_before_its_slice_says_so_and_one_that_is_not_does_not() -> None:
    world = shop(ready=False)
    assert not is_served(world)
    says(world, ready=True)
    assert is_served(world)
    says(world, ready=False)
    assert not is_served(world)
    says(world, ready=True, deletionTimestamp="2026-01-01T00:00:00Z")
    assert is_served(world)  # the last one, on its way out


def test_slices_that_people_write_and_services_that_publish_everybody_are_taken_at_their_word() -> None:
    for world in (shop(ready=True, managed=False), shop(ready=False, publishNotReadyAddresses=True)):
        says(world, ready=False)
        assert is_served(world)


def test_pods_that_are_gone_are_forgotten() -> None:
    world = shop(ready=True)
    says(world, ready=True)
    world.drop(Key("acme", "Pod", "shop", "one"), {"metadata": {"uid": "uid-one"}})
    assert not world._ready
