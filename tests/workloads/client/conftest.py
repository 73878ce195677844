"""Clients of the cast, on the real store; `shop` is a namespace of acme."""

from __future__ import annotations

from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client


@pytest.fixture
def client(db: None, alice: Identity) -> Client:
    return Client(alice)


@pytest.fixture
def stranger(db: None, charlie: Identity) -> Client:
    return Client(charlie)


@pytest.fixture
def controller(db: None) -> Client:
    return Client(Identity.controller("tests", "acme"))


@pytest.fixture
def shop(client: Client) -> dict[str, Any]:
    return client.create("Namespace", manifests.namespace("shop")).obj


@pytest.fixture
def web(client: Client, shop: dict[str, Any]) -> dict[str, Any]:
    return client.create("Deployment", manifests.deployment("web"), "shop").obj


@pytest.fixture
def one(client: Client, shop: dict[str, Any]) -> dict[str, Any]:
    return client.create("Pod", manifests.pod("one"), "shop").obj
