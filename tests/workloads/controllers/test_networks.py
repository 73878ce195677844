"""Every namespace gets a network of its own, and it goes with the namespace."""

from __future__ import annotations

from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from tests.workloads.controllers.world import POOL, World
from workloads.client import Client
from workloads.controllers import networks
from workloads.controllers.base import TerminalError
from workloads.meta import conditions
from workloads.meta.errors import NotFound
from workloads.runtimes import translate
from workloads.runtimes.base import NetworkSpec

JSON = dict[str, Any]


def network(name: str = "mine", *, cidr: str = "192.168.0.0/24") -> JSON:
    return {
        "apiVersion": "networking.cci.io/v1beta1",
        "kind": "Network",
        "metadata": {"name": name},
        "spec": {"networkType": "underlay_neutron", "cidr": cidr},
    }


def test_a_namespace_without_a_network_gets_a_default_one(world: World) -> None:
    (made,) = world.all("Network")
    assert made["metadata"]["name"] == "default-network"
    assert made["spec"]["cidr"] == "10.248.0.0/24"
    assert all(made["spec"][name] for name in ("attachedVPC", "networkID", "subnetID"))
    assert made["status"] == {"state": "Active", "cidr": "10.248.0.0/24", "observedGeneration": 1}


def test_namespaces_of_all_accounts_get_different_ranges(world: World) -> None:
    world.namespace("second")
    other = Client(Identity("other", "charlie"))
    other.create("Namespace", manifests.namespace("shop"))
    world.advance(3)
    (third,) = other.list("Network", "shop").items
    assert world.all("Network", "second")[0]["status"]["cidr"] == "10.248.1.0/24"
    assert third["status"]["cidr"] == "10.248.2.0/24"


def test_a_network_that_comes_with_the_namespace_is_the_one(empty_world: World) -> None:
    world = empty_world
    world.alice.create("Namespace", manifests.namespace("shop"))
    world.create(network())
    world.advance(5)
    (made,) = world.all("Network")
    assert (made["metadata"]["name"], made["status"]["state"]) == ("mine", "Active")


def test_a_range_that_is_taken_on_the_host_is_replaced_and_the_network_says_so(empty_world: World) -> None:
    world = empty_world
    world.runtime.ensure_network(NetworkSpec("somebody-elses", "192.168.0.0/24"))
    world.alice.create("Namespace", manifests.namespace("shop"))
    world.create(network())
    world.settle()
    status = world.get("Network", "mine")["status"]
    assert status["state"] == "Active"
    assert status["cidr"] != "192.168.0.0/24"
    assert status["message"] == f"192.168.0.0/24 is taken on this host; {status['cidr']} is used instead"


def test_a_default_network_makes_way_while_no_pod_uses_it(world: World) -> None:
    world.create(network())
    world.advance(10)
    (left,) = world.all("Network")
    assert (left["metadata"]["name"], left["status"]["state"]) == ("mine", "Active")


def test_a_second_network_fails_once_pods_run(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    world.create(network())
    world.advance(10)
    status = world.get("Network", "mine")["status"]
    assert status["state"] == "Failed"
    assert status["message"] == 'the namespace already has the network "default-network"'
    assert world.pod()["status"]["phase"] == "Running"


def test_a_network_waits_for_the_last_pod(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create(manifests.pod())
    world.settle()
    world.delete("Network", "default-network")
    world.advance(1)
    assert world.get("Network", "default-network")["status"]["message"] == "waits for 1 pods to end"
    world.delete("Pod", "one")
    world.advance(5)
    (fresh,) = world.all("Network")
    assert "deletionTimestamp" not in fresh["metadata"]


def test_a_network_that_docker_refuses_says_why_and_is_tried_again(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = empty_world
    world.alice.create("Namespace", manifests.namespace("shop"))
    world.create(network())
    world.runtime.stop_daemon()
    world.settle()
    status = world.get("Network", "mine")["status"]
    assert (status["state"], status["message"]) == ("Pending", "the simulated daemon does not answer")
    world.runtime.start_daemon()
    world.advance(5)
    assert world.get("Network", "mine")["status"]["state"] == "Active"


def test_a_sandbox_whose_pod_is_gone_does_not_hold_the_network(world: World) -> None:
    (made,) = world.all("Network")
    pod = manifests.pod("ghost")
    pod["metadata"] |= {"uid": "00000000-0000-0000-0000-000000000000", "namespace": "shop"}
    spec = translate.network(made, account="acme")
    world.runtime.ensure_sandbox(translate.sandbox(pod, account="acme", network=spec))
    world.delete("Namespace", "shop", namespace="")
    world.advance(6)
    assert world.runtime.sandboxes() == []
    assert world.all("Namespace", None) == []


def test_the_pool_runs_dry_with_a_sentence() -> None:
    assert networks.next_cidr("10.0.0.0/23", taken=["10.0.0.0/24"]) == "10.0.1.0/24"
    with pytest.raises(TerminalError, match="widen CCI_POD_CIDR"):
        networks.next_cidr("10.0.0.0/24", taken=["10.0.0.0/28"])
    assert networks.next_cidr(POOL, taken=[]) == "10.248.0.0/24"


# Namespaces


def test_a_deleted_namespace_takes_everything_with_it(world: World) -> None:
    world.create(manifests.deployment())
    world.create(manifests.pod())
    world.settle()
    world.delete("Namespace", "shop", namespace="")
    world.advance(15)
    with pytest.raises(NotFound):
        world.get("Namespace", "shop", "")
    kinds = ("Deployment", "ReplicaSet", "Pod", "Network", "Event")
    assert [world.all(kind) for kind in kinds] == [[]] * len(kinds)
    assert world.runtime.sandboxes() == []


def test_a_namespace_that_is_going_says_what_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.create(manifests.pod(terminationGracePeriodSeconds=60))
    world.settle()
    world.delete("Namespace", "shop", namespace="")
    world.advance(10)
    status = world.get("Namespace", "shop", "")["status"]
    assert status["phase"] == "Terminating"
    left = conditions.find(status, "NamespaceContentRemaining")
    assert left is not None
    assert left["message"] == (
        "Some resources are remaining: networks.networking.cci.io has 1 resource instances, "
        "pods has 1 resource instances"
    )
    held = conditions.find(status, "NamespaceFinalizersRemaining")
    assert held is not None
    assert "networking.cci.io/bridge in 1 resource instances" in held["message"]
    world.advance(70)
    with pytest.raises(NotFound):
        world.get("Namespace", "shop", "")


def test_an_empty_namespace_goes_and_can_be_made_again(world: World) -> None:
    world.delete("Namespace", "shop", namespace="")
    world.advance(6)
    world.namespace("shop")
    world.create(manifests.pod())
    world.settle()
    assert world.pod()["status"]["phase"] == "Running"
