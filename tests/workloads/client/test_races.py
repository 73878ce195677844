"""Two at once: one takes the last place, nobody's write is lost, nothing is born into a dying namespace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from tests.threads import at_once
from workloads.client import Client, DeleteOptions
from workloads.meta.errors import Conflict, NotFound, QuotaReached, Refused, StatusError
from workloads.store import objects

pytestmark = pytest.mark.django_db(transaction=True)

MERGE = "application/merge-patch+json"


def answers(*calls: Callable[[], Any]) -> list[Any]:
    """What each of the calls answers, all made at the same moment; a StatusError is an answer too."""

    def answer(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except StatusError as error:
            return error

    return at_once(*[partial(answer, call) for call in calls])


def test_concurrent_creates_cannot_exceed_the_quota(alice: Identity, settings):
    settings.NAMESPACE_QUOTA = 3
    client = Client(alice)

    made = answers(*[partial(client.create, "Namespace", manifests.namespace(f"shop-{n}")) for n in range(8)])

    assert client.count("Namespace") == 3
    assert sum(isinstance(answer, QuotaReached) for answer in made) == 5


def test_concurrent_patches_are_all_kept(alice: Identity):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))

    patches = [{"metadata": {"labels": {f"n{n}": "x"}}} for n in range(6)]
    answers(*[partial(client.patch, "Namespace", "shop", patch, MERGE) for patch in patches])

    assert {f"n{n}" for n in range(6)} <= set(client.get("Namespace", "shop")["metadata"]["labels"])


def test_a_namespace_deleted_after_admission_still_takes_nothing(alice: Identity, monkeypatch):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    insert = objects.insert

    def insert_late(draft, *, guards=()):
        monkeypatch.setattr(objects, "insert", insert)
        client.delete("Namespace", "shop")
        return insert(draft, guards=guards)

    monkeypatch.setattr(objects, "insert", insert_late)
    with pytest.raises(Refused):
        client.create("Pod", manifests.pod(), "shop")

    assert client.count("Pod") == 0


def test_an_update_without_a_revision_is_tried_again_when_it_loses_the_race(alice: Identity, monkeypatch):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    manifest = manifests.namespace("shop")
    manifest["metadata"]["labels"] = {"mine": "yes"}
    update = objects.update

    def update_late(draft, *, expected_revision, guards=()):
        monkeypatch.setattr(objects, "update", update)
        client.patch("Namespace", "shop", {"metadata": {"annotations": {"theirs": "too"}}}, MERGE)
        return update(draft, expected_revision=expected_revision, guards=guards)

    monkeypatch.setattr(objects, "update", update_late)
    client.update("Namespace", "shop", manifest)

    assert client.get("Namespace", "shop")["metadata"]["labels"]["mine"] == "yes"


def test_a_delete_that_loses_the_race_is_tried_again(alice: Identity, monkeypatch):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    client.create("Deployment", manifests.deployment("web"), "shop")
    remove = objects.remove

    def remove_late(draft, *, expected_revision, guards=()):
        monkeypatch.setattr(objects, "remove", remove)
        client.patch("Deployment", "web", {"spec": {"replicas": 9}}, MERGE, "shop")
        return remove(draft, expected_revision=expected_revision)

    monkeypatch.setattr(objects, "remove", remove_late)
    last = client.delete("Deployment", "web", "shop")

    assert last["spec"]["replicas"] == 9
    assert client.count("Deployment", "shop") == 0


def test_what_somebody_else_deleted_first_is_not_found(alice: Identity, monkeypatch):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    client.create("Deployment", manifests.deployment("web"), "shop")
    remove = objects.remove

    def remove_twice(draft, *, expected_revision, guards=()):
        remove(draft, expected_revision=expected_revision)
        return remove(draft, expected_revision=expected_revision)

    monkeypatch.setattr(objects, "remove", remove_twice)
    with pytest.raises(NotFound):
        client.delete("Deployment", "web", "shop")
    client.create("Deployment", manifests.deployment("web"), "shop")
    assert client.delete_collection("Deployment", "shop").items == []


def test_an_object_that_never_stands_still_is_a_conflict_in_the_end(alice: Identity, monkeypatch):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    client.create("Deployment", manifests.deployment("web"), "shop")

    def lose(draft, *, expected_revision, guards=()):
        raise objects.Stale("somebody is always first")

    monkeypatch.setattr(objects, "update", lose)
    monkeypatch.setattr(objects, "remove", lose)
    with pytest.raises(Conflict):
        client.patch("Deployment", "web", {"spec": {"replicas": 9}}, MERGE, "shop")
    with pytest.raises(Conflict):
        client.delete("Deployment", "web", "shop")
    with pytest.raises(Conflict):
        client.delete("Deployment", "web", "shop", options=DeleteOptions(propagation="Orphan"))


def test_an_event_recorded_by_two_at_once_is_counted_twice(alice: Identity):
    client = Client(alice)
    shop = client.create("Namespace", manifests.namespace("shop")).obj

    def record():
        client.record_event(shop, type="Normal", reason="Seen", message="twice", component="tests")

    answers(*[record] * 4)

    (event,) = client.list("Event", "shop").items
    assert event["count"] == 4
