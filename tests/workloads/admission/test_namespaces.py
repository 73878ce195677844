"""A namespace has a flavor, and an account has as many namespaces as its quota says."""

from __future__ import annotations

import pytest

from iam.models import Account
from tests import manifests
from workloads.client import Client
from workloads.meta.errors import AlreadyExists, BadRequest, QuotaReached

FLAVOR = "namespace.kubernetes.io/flavor"


@pytest.fixture
def client(db, alice) -> Client:
    return Client(alice)


def plain(name: str = "shop"):
    return {"metadata": {"name": name}}


def test_a_plain_namespace_gets_the_default_flavor(client):
    made = client.create("Namespace", plain()).obj

    assert made["metadata"]["annotations"][FLAVOR] == "general-computing"
    assert made["status"]["phase"] == "Active"


def test_the_account_chooses_its_default_flavor(client):
    Account.objects.create(name="acme", default_flavor="gpu-accelerated")

    assert client.create("Namespace", plain()).obj["metadata"]["annotations"][FLAVOR] == "gpu-accelerated"


def test_an_account_without_a_default_flavor_must_name_one(client):
    Account.objects.create(name="acme", default_flavor="")

    with pytest.raises(BadRequest) as refused:
        client.create("Namespace", plain())

    assert refused.value.body()["errorCode"] == "CCI.02.400111"


def test_another_flavor_is_refused(client):
    manifest = plain()
    manifest["metadata"]["annotations"] = {FLAVOR: "quantum"}

    with pytest.raises(BadRequest) as refused:
        client.create("Namespace", manifest)

    assert refused.value.body()["errorCode"] == "CCI.02.400110"


def test_the_quota_of_five_is_the_end(client):
    for number in range(5):
        client.create("Namespace", plain(f"shop-{number}"))

    with pytest.raises(QuotaReached) as refused:
        client.create("Namespace", plain("one-more"))

    body = refused.value.body()
    assert (body["code"], body["errorCode"]) == (400, "CCI.02.400106")
    assert "5 of 5 namespaces" in body["message"]
    assert client.count("Namespace") == 5


def test_an_account_may_have_its_own_quota(client):
    Account.objects.create(name="acme", namespace_quota=1)
    client.create("Namespace", plain("first"))

    with pytest.raises(QuotaReached):
        client.create("Namespace", plain("second"))


def test_a_taken_name_is_told_as_such_even_when_the_quota_is_used_up(client, settings):
    settings.NAMESPACE_QUOTA = 1
    client.create("Namespace", manifests.namespace("shop"))

    with pytest.raises(AlreadyExists):
        client.create("Namespace", manifests.namespace("shop"))
