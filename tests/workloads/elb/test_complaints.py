"""What Envoy rejects is told to those whose it is, once, and no longer than it is so."""

from __future__ import annotations

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client
from workloads.elb.complaints import Complaints
from workloads.meta.keys import Key

WHY = "cannot bind '10.247.1.1:80': Address already in use"

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(alice: Identity) -> Client:
    return Client(alice)


@pytest.fixture
def web(door: Client) -> Key:
    door.create("Namespace", manifests.namespace())
    door.create("Service", manifests.service("web"), "shop")
    return Key("acme", "Service", "shop", "web")


def events(client: Client) -> list[str]:
    found = client.list("Event", "shop").items
    return [one["message"] for one in found if one["reason"] == "ProxyRejected"]


def test_its_owner_reads_it_on_the_service_and_nobody_else_does(door: Client, charlie: Identity, web: Key) -> None:
    Complaints().say({web: WHY})
    assert events(door) == [f"the proxy does not take this and goes on with what it had: {WHY}"]
    assert door.proxy_trouble() == {web: WHY}
    assert Client(charlie).proxy_trouble() == {}


def test_it_is_said_once_and_is_over_when_it_is_over(door: Client, web: Key) -> None:
    complaints = Complaints()
    complaints.say({web: WHY})
    complaints.say({web: WHY})
    assert len(events(door)) == 1
    complaints.say({})
    assert door.proxy_trouble() == {}


def test_a_service_that_is_gone_meanwhile_stops_nothing(door: Client, web: Key) -> None:
    door.delete("Service", "web", "shop")
    Complaints().say({web: WHY})
    assert events(door) == []


def test_an_elb_is_told_of_on_the_pages_alone(door: Client) -> None:
    door.create("ELB", manifests.elb("front"))
    front = Key("acme", "ELB", "", "front")
    Complaints().say({front: WHY})
    assert door.proxy_trouble() == {front: WHY}
