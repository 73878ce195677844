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
