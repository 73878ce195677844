"""What Envoy rejects is told to those whose it is, once, and no longer than it is so."""

from __future__ import annotations

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client
from workloads.controllers import hands
from workloads.elb.complaints import Complaints
from workloads.kinds import elbs
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


def test_what_envoy_has_taken_stands_in_the_elbs_status_and_makes_it_active(door: Client) -> None:
    door.create("ELB", manifests.elb("front"))
    front, complaints = Key("acme", "ELB", "", "front"), Complaints()
    decided(door, 80)
    assert elbs.state_of(door.get("ELB", "front")) == "Pending"
    complaints.serve({front: {"serves": ["80"]}})
    assert elbs.state_of(door.get("ELB", "front")) == "Active"
    decided(door, 80, 443)
    assert elbs.unserved(door.get("ELB", "front")) == ["443"]


def test_an_elb_that_envoy_rejects_says_why_until_it_is_taken(door: Client) -> None:
    door.create("ELB", manifests.elb("front"))
    front, complaints = Key("acme", "ELB", "", "front"), Complaints()
    decided(door, 80)
    complaints.serve({front: {"serves": [], "rejected": WHY}})
    elb = door.get("ELB", "front")
    assert (elbs.state_of(elb), elbs.rejection(elb)) == ("Rejected", WHY)
    complaints.serve({front: {"serves": ["80"]}})
    assert elbs.state_of(door.get("ELB", "front")) == "Active"


def test_what_was_said_of_an_elb_is_not_written_again(door: Client) -> None:
    door.create("ELB", manifests.elb("front"))
    front, complaints = Key("acme", "ELB", "", "front"), Complaints()
    complaints.serve({front: {"serves": ["80"]}})
    before = door.revision()
    for again in (complaints, Complaints()):
        again.serve({front: {"serves": ["80"]}, Key("acme", "ELB", "", "gone"): {}})
    assert door.revision() == before


def decided(door: Client, *ports: int) -> None:
    """As the controller writes it."""
    elb = door.get("ELB", "front")
    listeners = [{"port": port, "protocol": "HTTP", "workloads": []} for port in ports]
    writer = hands.client("elbs", "acme")
    hands.put_status(writer, elb, {**elb["status"], "state": "Active", "listeners": listeners})
