"""ELBs tell whom they serve, and whoever is not served is told why."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers import hands
from workloads.meta.errors import Conflict, NotFound, QuotaReached

JSON = dict[str, Any]


def balanced(name: str = "db", **annotations: str) -> JSON:
    made = manifests.service(name, port=5432, type="LoadBalancer")
    made["metadata"]["annotations"] = {f"kubernetes.io/elb.{key}": said for key, said in annotations.items()}
    return made


def certificate(name: str = "cert", *, days: int = 30, key: bytes | None = None) -> JSON:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example.com")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    chain = built.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    own = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    data = {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key or own).decode()}
    return {"kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls", "data": data}


def told(world: World, kind: str, name: str) -> Any:
    return world.get(kind, name)["status"]["loadBalancer"].get("ingress")


def test_a_service_that_names_no_elb_is_reached_at_the_default_one(world: World) -> None:
    world.create(balanced())
    world.settle()
    made = world.alice.get("ELB", "default")
    address = made["spec"]["address"]
    assert told(world, "Service", "db") == [
        {"ip": address, "ipMode": "VIP", "ports": [{"port": 5432, "protocol": "TCP"}]}
    ]
    workload = {"kind": "Service", "namespace": "shop", "name": "db"}
    assert made["status"]["listeners"] == [{"port": 5432, "protocol": "TCP", "workloads": [workload]}]
    assert made["status"]["state"] == "Active" and made["status"]["internalAddress"].startswith("10.247.")
    assert world.events("EnsuredLoadBalancer") == [f"Reached at {address}:5432 (TCP)"]


def test_a_quiet_look_writes_and_says_nothing(world: World) -> None:
    world.create(balanced())
    world.create(balanced("other"))
    world.create(manifests.service("web"))
    world.create(manifests.ingress("web", host="a.example.com"))
    world.settle()
    before = world.alice.revision()
    world.resync()
    world.settle()
    assert world.alice.revision() == before


def test_what_the_proxy_said_stays_in_the_status(world: World) -> None:
    world.create(balanced())
    world.settle()
    made = world.alice.get("ELB", "default")
    hands.put_status(hands.client("traffic", "acme"), made, {**made["status"], "proxy": {"serves": ["5432"]}})
    world.create(balanced("other"))
    world.settle()
    assert world.alice.get("ELB", "default")["status"]["proxy"] == {"serves": ["5432"]}


def test_the_elb_that_is_named_serves(world: World) -> None:
    uid = world.alice.create("ELB", manifests.elb()).obj["metadata"]["uid"]
    world.create(balanced(id=uid, port="15432"))
    world.settle()
    assert told(world, "Service", "db")[0]["ports"] == [{"port": 15432, "protocol": "TCP"}]
    with pytest.raises(NotFound):
        world.alice.get("ELB", "default")


def test_who_names_an_elb_that_is_not_there_is_told_once(world: World) -> None:
    world.create(balanced(ip="127.77.9.9"))
    world.settle()
    world.resync()
    world.settle()
    (event,) = [one for one in world.all("Event") if one["reason"] == "ELBNotFound"]
    assert event["message"].startswith("the account has no ELB at 127.77.9.9") and event["count"] == 1
    assert told(world, "Service", "db") is None


def test_the_second_on_a_port_is_told_whose_it_is_and_gets_it_when_that_goes(world: World) -> None:
    world.create(balanced("first"))
    world.advance(1)
    world.create(balanced("second"))
    world.settle()
    (message,) = world.events("ListenerPortRepeated")
    assert message == "Listener port is repeated: 5432/TCP belongs to Service shop/first, which was there first"
    assert told(world, "Service", "second") is None
    assert world.alice.get("ELB", "default")["status"]["problems"][0]["reason"] == "ListenerPortRepeated"
    world.delete("Service", "first")
    world.settle()
    assert told(world, "Service", "second")[0]["ports"] == [{"port": 5432, "protocol": "TCP"}]
    assert "problems" not in world.alice.get("ELB", "default")["status"]


def test_a_conflict_that_comes_back_is_told_again(world: World) -> None:
    world.create(balanced("first"))
    world.advance(1)
    world.create(balanced("second"))
    world.settle()
    for port in (5433, 5432):
        world.patch("Service", "first", {"spec": {"ports": [{"name": None, "port": port}]}})
        world.settle()
    (event,) = [one for one in world.all("Event") if one["reason"] == "ListenerPortRepeated"]
    assert (event["involvedObject"]["name"], event["count"]) == ("second", 2)


def test_a_service_that_is_inside_again_has_no_address_outside(world: World) -> None:
    world.create(balanced())
    world.settle()
    world.patch("Service", "db", {"spec": {"type": "ClusterIP"}})
    world.settle()
    assert told(world, "Service", "db") is None
    assert "listeners" not in world.alice.get("ELB", "default")["status"]


def test_an_ingress_serves_on_both_ports_and_says_which_certificate(world: World) -> None:
    world.create(manifests.service("web"))
    world.create(certificate())
    world.create(manifests.ingress("web", tls=[{"hosts": ["shop.example.com"], "secretName": "cert"}]))
    world.settle()
    assert [one["port"] for one in told(world, "Ingress", "web")[0]["ports"]] == [80, 443]
    listeners = world.alice.get("ELB", "default")["status"]["listeners"]
    assert [(one["port"], one.get("certificates")) for one in listeners] == [(80, None), (443, ["shop/cert"])]
    assert world.events("CertificateInvalid") == []


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (None, "Secret shop/cert does not exist. A certificate that was shown before goes on serving"),
        ({"key": b"nothing"}, "Secret shop/cert is broken: tls.key is no private key in PEM form"),
        ({"days": -3}, "is shown all the same"),
    ],
)
def test_a_certificate_that_is_not_right_is_told_of(world: World, secret: JSON | None, words: str) -> None:
    if secret:
        world.create(certificate(**secret))
    world.create(manifests.service("web"))
    world.create(manifests.ingress("web", tls=[{"secretName": "cert"}]))
    world.settle()
    (message,) = world.events("CertificateInvalid")
    assert words in message and message.startswith("Secret shop/cert ")


def test_a_certificate_that_is_mended_is_no_problem_any_more(world: World) -> None:
    world.create(manifests.service("web"))
    world.create(manifests.ingress("web", tls=[{"secretName": "cert"}]))
    world.settle()
    world.create(certificate(days=600))
    world.settle()
    assert "problems" not in world.alice.get("ELB", "default")["status"]


def test_a_backend_that_is_not_there_is_told_of_until_it_is(world: World) -> None:
    world.create(manifests.ingress("web"))
    world.settle()
    world.create(manifests.service("web", port=81))
    world.settle()
    assert [message.partition(":")[0] for message in world.events("BackendNotFound")] == [
        "Service shop/web does not exist",
        "Service shop/web has no port 80",
    ]
    world.patch("Service", "web", {"spec": {"ports": [{"port": 80}]}})
    world.settle()
    assert "problems" not in world.alice.get("ELB", "default")["status"]


def test_who_is_behind_a_listener_that_the_proxy_rejects_is_told_until_it_is_taken(world: World) -> None:
    world.create(balanced())
    world.create(balanced("other", port="5433"))
    world.settle()
    says(world, {"serves": ["5432"], "rejected": "cannot bind '127.77.0.1:5433': Address already in use"})
    (told_of,) = world.alice.get("ELB", "default")["status"]["problems"]
    assert (told_of["workload"]["name"], told_of["reason"]) == ("other", "ProxyRejected")
    assert [text.partition(":")[0] for text in world.events("ProxyRejected")] == [
        "the proxy does not take 5433/TCP of ELB default and goes on with what it had"
    ]
    says(world, {"serves": ["5432", "5433"]})
    assert "problems" not in world.alice.get("ELB", "default")["status"]


def says(world: World, word: JSON) -> None:
    """What the proxy says of the default ELB, and what follows."""
    elb = world.alice.get("ELB", "default")
    hands.put_status(hands.client("traffic", world.alice.identity.account), elb, elb["status"] | {"proxy": word})
    world.settle()


def test_an_elb_that_serves_is_not_deleted_and_the_default_comes_back_when_needed(world: World) -> None:
    world.create(balanced())
    world.settle()
    with pytest.raises(Conflict) as refused:
        world.alice.delete("ELB", "default")
    assert "Service shop/db is reached through it" in refused.value.message
    world.delete("Service", "db")
    world.alice.delete("ELB", "default")
    world.create(balanced("again"))
    world.settle()
    assert told(world, "Service", "again")[0]["ip"] == world.alice.get("ELB", "default")["spec"]["address"]


def test_the_quota_holds_for_everybody_and_is_told(world: World, settings: Settings) -> None:
    settings.ELB_QUOTA = 1
    world.alice.create("ELB", manifests.elb())
    with pytest.raises(QuotaReached) as refused:
        world.alice.create("ELB", manifests.elb("more"))
    assert "account acme has 1 of 1 ELBs; delete one" in refused.value.message
    world.create(balanced())
    world.settle()
    (message,) = world.events("ELBCreationFailed")
    assert "1 of 1 ELBs" in message
    world.alice.delete("ELB", "web")
    world.settle()
    assert told(world, "Service", "db")


def test_where_there_are_no_elbs_a_balanced_service_is_warned_of_it(world: World, settings: Settings) -> None:
    settings.ELB_POOL = None
    answer = world.alice.create("Service", balanced(), "shop")
    world.settle()
    assert any("this installation has no ELBs" in warning for warning in answer.warnings)
    assert "CCI_ELB_POOL" in world.events("ELBCreationFailed")[0]


def test_where_there_is_no_proxy_a_service_is_warned_of_it(world: World, settings: Settings) -> None:
    settings.ELB_POOL, settings.DNS = None, ""
    inside = world.alice.create("Service", manifests.service("inside"), "shop").warnings
    elsewhere = manifests.service("elsewhere", type="ExternalName", externalName="example.com")
    assert any("nobody answers at a Service's address or name" in warning for warning in inside)
    assert not any("nobody answers" in one for one in world.alice.create("Service", elsewhere, "shop").warnings)
