"""Containers are told of the Services that are there when they are made."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.runtimes import services


def told(world: World, **spec: Any) -> dict[str, str]:
    """The variables of a new pod's container."""
    made = world.create(manifests.pod(**spec))
    world.settle()
    return dict(world.runtime.asked(made["metadata"]["uid"]).containers[0].environment)


def test_a_container_is_told_of_its_namespaces_services(world: World) -> None:
    world.create(manifests.service("my-web", clusterIP="10.247.9.9"))
    variables = told(world)
    assert (variables["MY_WEB_SERVICE_HOST"], variables["MY_WEB_SERVICE_PORT"]) == ("10.247.9.9", "80")


def test_who_wants_no_links_gets_none(world: World) -> None:
    world.create(manifests.service("my-web", clusterIP="10.247.9.9"))
    assert not [name for name in told(world, enableServiceLinks=False) if name.startswith("MY_WEB")]


def test_the_names_are_the_kubelets() -> None:
    ports = [{"name": "http-api", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    web = {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.247.9.9", "ports": ports}}
    assert services.links([web]) == {
        "WEB_SERVICE_HOST": "10.247.9.9",
        "WEB_SERVICE_PORT": "80",
        "WEB_SERVICE_PORT_HTTP_API": "80",
        "WEB_SERVICE_PORT_DNS": "53",
        "WEB_PORT": "tcp://10.247.9.9:80",
        "WEB_PORT_80_TCP": "tcp://10.247.9.9:80",
        "WEB_PORT_80_TCP_PROTO": "tcp",
        "WEB_PORT_80_TCP_PORT": "80",
        "WEB_PORT_80_TCP_ADDR": "10.247.9.9",
        "WEB_PORT_53_UDP": "udp://10.247.9.9:53",
        "WEB_PORT_53_UDP_PROTO": "udp",
        "WEB_PORT_53_UDP_PORT": "53",
        "WEB_PORT_53_UDP_ADDR": "10.247.9.9",
    }


def test_services_without_an_address_are_not_told() -> None:
    headless = {"metadata": {"name": "a"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    elsewhere = {"metadata": {"name": "b"}, "spec": {"type": "ExternalName", "externalName": "example.com"}}
    assert services.links([headless, elsewhere]) == {}


def test_a_service_that_comes_later_restarts_nobody(world: World) -> None:
    told(world)
    before = world.container()
    world.create(manifests.service("late", clusterIP="10.247.9.9"))
    world.resync()
    world.settle()
    assert world.container() == before
