"""What becomes of a pod's names: told when it cannot be called so, or asks more servers than are asked."""

from __future__ import annotations

from tests import manifests
from tests.workloads.controllers.world import World


def test_a_name_the_kernel_cannot_hold_keeps_the_pod_from_starting_and_costs_nothing(world: World) -> None:
    world.create(manifests.pod(hostname="a" * 60, subdomain="sub", setHostnameAsFQDN=True))
    world.settle()
    (said,) = world.events("Failed")
    assert "failed to construct FQDN from pod hostname and cluster domain" in said
    assert world.pod()["status"]["phase"] == "Pending"
    assert "pullStartedAt" not in world.pod()["status"].get("lifecycle", {})


def test_servers_that_are_left_out_are_told(world: World) -> None:
    world.create(manifests.pod(dnsConfig={"nameservers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]}))
    world.settle()
    (said,) = world.events("DNSConfigForming")
    assert said.endswith("the applied nameserver line is: 127.0.0.11 192.0.2.1 192.0.2.2")
    assert world.pod()["status"]["phase"] == "Running"
