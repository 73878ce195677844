"""Two at once: one takes the last place, nobody's write is lost, nothing is born into a dying namespace."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from iam.identities import Identity
from tests import manifests
from workloads.client import Client
from workloads.meta.errors import QuotaReached, Refused, StatusError
from workloads.store import objects

pytestmark = pytest.mark.django_db(transaction=True)

MERGE = "application/merge-patch+json"


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Runs the calls in threads of their own; a StatusError is an answer."""

    def answer(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except StatusError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(answer, calls))


def test_concurrent_creates_cannot_exceed_the_quota(alice: Identity, settings):
    settings.NAMESPACE_QUOTA = 3
    client = Client(alice)

    answers = at_once([lambda n=n: client.create("Namespace", manifests.namespace(f"shop-{n}")) for n in range(8)])

    assert client.count("Namespace") == 3
    assert sum(isinstance(answer, QuotaReached) for answer in answers) == 5


def test_concurrent_patches_are_all_kept(alice: Identity):
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))

    at_once(
        [
            lambda n=n: client.patch("Namespace", "shop", {"metadata": {"labels": {f"n{n}": "x"}}}, MERGE)
            for n in range(6)
        ]
    )

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
