"""What becomes of a pod's names: told when it cannot be called so, or asks more servers than are asked."""

from __future__ import annotations

from pytest_django import Settings

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.store import hosts


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


def test_pods_ask_the_installation_for_names_while_it_answers(world: World) -> None:
    hosts.put("node-1", hosts.DNS, {"address": "10.247.0.10"})
    made = world.create(manifests.pod())
    world.settle()
    asked = world.runtime.asked(made["metadata"]["uid"]).dns
    assert (asked.cluster, asked.domains[0]) == ("10.247.0.10", "shop.svc.cluster.local")


def test_pods_that_do_without_names_are_told_why(world: World) -> None:
    hosts.put("node-1", hosts.DNS, {"problem": "nobody answers at 10.247.0.10:53: Connection refused"})
    made = world.create(manifests.pod())
    world.create(manifests.pod("own", dnsPolicy="Default"))
    world.settle()
    (said,) = world.events("MissingClusterDNS")
    assert said.startswith("nobody answers at 10.247.0.10:53: Connection refused. Falling back to")
    assert world.runtime.asked(made["metadata"]["uid"]).dns.cluster == ""


def test_an_installation_without_names_says_nothing_of_it(world: World, settings: Settings) -> None:
    settings.DNS = ""
    hosts.put("node-1", hosts.DNS, {"problem": "CCI_DNS is none"})
    world.create(manifests.pod())
    world.settle()
    assert world.events("MissingClusterDNS") == []
