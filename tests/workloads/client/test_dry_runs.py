"""A dry run makes every check, answers as the real thing would, and writes nothing."""

from __future__ import annotations

import pytest

from tests import manifests
from workloads.client import Client, WriteOptions
from workloads.meta.errors import AlreadyExists, Invalid, NotFound, QuotaReached

DRY = WriteOptions(dry_run=True)


def test_a_dry_create_shows_the_object_and_writes_nothing(client, shop):
    head = client.revision()

    answer = client.create("Deployment", manifests.deployment("web"), "shop", options=DRY)

    assert answer.obj["spec"]["strategy"]["type"] == "RollingUpdate"
    assert client.revision() == head
    assert client.count("Deployment") == 0


def test_a_dry_create_finds_the_name_taken(client, web):
    with pytest.raises(AlreadyExists):
        client.create("Deployment", manifests.deployment("web"), "shop", options=DRY)


def test_a_dry_create_is_validated(client, shop):
    with pytest.raises(Invalid):
        client.create("Deployment", manifests.deployment("No Name"), "shop", options=DRY)


def test_a_dry_create_needs_its_namespace(client):
    with pytest.raises(NotFound):
        client.create("Deployment", manifests.deployment("web"), "shop", options=DRY)


def test_a_dry_create_meets_the_quota(client, settings):
    settings.NAMESPACE_QUOTA = 0

    with pytest.raises(QuotaReached):
        client.create("Namespace", manifests.namespace("shop"), options=DRY)


def test_a_client_may_be_opened_for_dry_runs_only(alice, shop):
    Client(alice, DRY).create("Pod", manifests.pod(), "shop")

    assert Client(alice).count("Pod") == 0
