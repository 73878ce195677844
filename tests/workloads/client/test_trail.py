"""What is written through the front door is in the audit trail, and nothing else is."""

from __future__ import annotations

import pytest

from iam import audit
from iam.identities import Identity
from iam.models import AuditEntry
from tests import manifests
from workloads.client import Client, WriteOptions
from workloads.meta.errors import AlreadyExists, Forbidden, Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(alice: Identity) -> Client:
    door = Client(alice.came("kube-api", address="192.0.2.7", agent="kubectl/v1.33"))
    door.create("Namespace", manifests.namespace())
    AuditEntry.objects.all().delete()
    return door


def told() -> list[tuple[str, str, str]]:
    return [(entry.action, entry.name, entry.outcome) for entry in AuditEntry.objects.order_by("id")]


def config(**data: str) -> manifests.JSON:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def test_a_life_is_told_from_creation_to_deletion(door: Client) -> None:
    door.create("ConfigMap", config(colour="red"), "shop")
    door.patch("ConfigMap", "settings", {"data": {"colour": "blue"}}, "application/merge-patch+json", "shop")
    door.delete("ConfigMap", "settings", "shop")

    assert [action for action, *_ in told()] == [
        "cci:configmap:create",
        "cci:configmap:update",
        "cci:configmap:delete",
    ]
    entry = AuditEntry.objects.get(action="cci:configmap:update")
    assert entry.changes == [{"path": "data.colour", "before": "red", "after": "blue"}]
    assert (entry.user, entry.door, entry.address, entry.agent) == ("alice", "kube-api", "192.0.2.7", "kubectl/v1.33")


def test_what_was_not_written_is_not_told(door: Client) -> None:
    door.create("ConfigMap", config(colour="red"), "shop")
    AuditEntry.objects.all().delete()

    with pytest.raises(AlreadyExists):
        door.create("ConfigMap", config(colour="blue"), "shop")
    with pytest.raises(Invalid):
        door.create("ConfigMap", config(colour="blue") | {"metadata": {"name": "No Name"}}, "shop")
    door.create("ConfigMap", config() | {"metadata": {"name": "dry"}}, "shop", options=WriteOptions(dry_run=True))
    door.patch("ConfigMap", "settings", {"data": {"colour": "red"}}, "application/merge-patch+json", "shop")

    assert told() == []


def test_a_secret_is_told_without_its_values(door: Client) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"password": "hunter2"}}
    door.create("Secret", secret, "shop")

    entry = AuditEntry.objects.get()
    assert {"path": "data.password", "after": audit.HIDDEN} in entry.changes
    assert "hunter2" not in str(entry.changes)
    assert "aHVudGVyMg" not in str(entry.changes)


def test_what_the_service_does_itself_is_not_told(door: Client) -> None:
    hand = Client(Identity.controller("deployments", "acme"))
    hand.create("ConfigMap", config(), "shop")
    hand.delete("ConfigMap", "settings", "shop")

    assert told() == []


def test_a_denied_call_is_told_once_a_minute(door: Client) -> None:
    reader = Client(Identity("acme", "bob", actions=("cci:*:get",)))
    for _ in range(3):
        with pytest.raises(Forbidden) as refusal:
            reader.delete("ConfigMap", "settings", "shop")
        reader.note_denial(refusal.value, "ConfigMap", "settings", "shop")

    assert told() == [("cci:configmap:delete", "settings", "denied")]
