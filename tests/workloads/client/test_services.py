"""Services get an address that is theirs alone, and give it back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.admission import addresses
from workloads.client import Client, WriteOptions
from workloads.kinds import services
from workloads.meta.errors import Invalid
from workloads.store import objects

JSON = dict[str, Any]


def make(client: Client, name: str = "web", **spec: Any) -> JSON:
    return client.create("Service", manifests.service(name, **spec), "shop").obj


def change(client: Client, patch: JSON, name: str = "web") -> JSON:
    return client.patch("Service", name, {"spec": patch}, "application/merge-patch+json", "shop").obj


def test_a_service_is_completed_as_kubernetes_does(client: Client, shop: JSON) -> None:
    spec = make(client)["spec"]
    address = spec.pop("clusterIP")
    assert address.startswith("10.247.")
    assert spec == {
        "clusterIPs": [address],
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"app": "web"},
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }


def test_an_address_that_is_asked_for_is_checked(client: Client, shop: JSON, stranger: Client) -> None:
    assert make(client, clusterIP="10.247.0.20")["spec"]["clusterIPs"] == ["10.247.0.20"]
    stranger.create("Namespace", manifests.namespace("theirs"))
    with pytest.raises(Invalid, match=r"failed to allocate IP 10.247.0.20: provided IP is already allocated"):
        stranger.create("Service", manifests.service(clusterIP="10.247.0.20"), "theirs")
    with pytest.raises(Invalid, match=r"is not in the valid range. The range of valid IPs is 10.247.0.0/16"):
        make(client, "api", clusterIP="10.96.0.1")
    with pytest.raises(Invalid, match=r"is not in the valid range"):
        make(client, "api", clusterIP="10.247.0.1")


def test_an_address_is_free_again_when_its_service_is_gone(client: Client, shop: JSON) -> None:
    make(client, clusterIP="10.247.0.20")
    client.delete("Service", "web", "shop")
    assert make(client, "api", clusterIP="10.247.0.20")


def test_a_chosen_address_that_was_taken_meanwhile_is_chosen_again(
    client: Client, shop: JSON, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(client, clusterIP="10.247.1.1")
    offered = iter(["10.247.1.1", "10.247.1.1", "10.247.1.2"])
    monkeypatch.setattr(addresses, "_free", lambda kind, place: next(offered))
    assert make(client, "api")["spec"]["clusterIP"] == "10.247.1.2"


@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_one_gets_it(client: Client, alice: Identity) -> None:
    client.create("Namespace", manifests.namespace("shop"))
    outcomes: list[str] = []

    def ask(name: str) -> None:
        try:
            outcomes.append(str(make(Client(alice), name, clusterIP="10.247.0.20")["metadata"]["name"]))
        except Invalid:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask, args=(f"web-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == 5
    assert objects.places("Service") == {"10.247.0.20"}


def test_types_change_with_their_addresses(client: Client, shop: JSON) -> None:
    address = make(client)["spec"]["clusterIP"]
    away = change(client, {"type": "ExternalName", "externalName": "example.com"})["spec"]
    assert not away.keys() & {"clusterIP", "clusterIPs", "ipFamilies", "internalTrafficPolicy"}
    assert objects.places("Service") == set()
    back = change(client, {"type": "ClusterIP", "externalName": None})
    assert services.address_of(back).startswith("10.247.")
    balanced = change(client, {"type": "LoadBalancer"})
    assert balanced["spec"]["allocateLoadBalancerNodePorts"] is False
    assert balanced["spec"]["externalTrafficPolicy"] == "Cluster"
    assert balanced["status"] == {"loadBalancer": {}}
    assert "externalTrafficPolicy" not in change(client, {"type": "ClusterIP"})["spec"]
    assert address


def test_an_update_may_leave_the_address_out_and_not_change_it(client: Client, shop: JSON) -> None:
    address = make(client)["spec"]["clusterIP"]
    again = client.update("Service", "web", manifests.service(port=81), "shop").obj
    assert again["spec"]["clusterIP"] == address
    for other in ("10.247.0.99", "None"):
        with pytest.raises(Invalid, match="may not change once set"):
            change(client, {"clusterIP": other})


def test_a_dry_run_takes_nothing(client: Client, shop: JSON) -> None:
    answer = client.create("Service", manifests.service(), "shop", options=WriteOptions(dry_run=True))
    assert answer.obj["spec"]["clusterIP"].startswith("10.247.")
    assert objects.places("Service") == set()
