"""Billing joins admission by registering: prices and warnings come from there, refusals may."""

from __future__ import annotations

import pytest

from tests import manifests
from workloads.admission import hooks
from workloads.client import Client
from workloads.meta.errors import BadRequest


@pytest.fixture
def client(db, alice) -> Client:
    return Client(alice)


@pytest.fixture
def hooked():
    registered = []

    def register(hook):
        registered.append(hooks.register_on_admit(hook))

    yield register
    for hook in registered:
        hooks.unregister(hook)


def test_a_hooks_words_come_back_as_warnings(client, hooked):
    hooked(lambda new, old, identity: [f"{identity.user} made {new['metadata']['name']}"])

    assert "alice made shop" in client.create("Namespace", manifests.namespace()).warnings


def test_a_hook_sees_what_was_before(client, hooked):
    seen = []
    made = client.create("Namespace", manifests.namespace()).obj
    hooked(lambda new, old, identity: seen.append((new["metadata"].get("labels"), old)) or ())

    patch = {"metadata": {"labels": {"a": "b"}}}
    client.patch("Namespace", "shop", patch, "application/merge-patch+json")

    assert seen[0][0]["a"] == "b"
    assert seen[0][1] == made


def test_a_hook_may_refuse_and_nothing_is_written(client, hooked):
    def over_budget(new, old, identity):
        raise BadRequest("the budget is used up")

    hooked(over_budget)
    with pytest.raises(BadRequest, match="the budget is used up"):
        client.create("Namespace", manifests.namespace())

    assert client.count("Namespace") == 0
