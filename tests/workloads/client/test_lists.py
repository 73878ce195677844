"""Lists are chosen by selectors and read page by page, and say from which revision to watch on."""

from __future__ import annotations

import base64

import orjson
import pytest

from tests import manifests
from workloads.client import Client
from workloads.meta.errors import BadRequest, Expired
from workloads.store import changes


@pytest.fixture
def five(client: Client, shop: dict[str, object]) -> list[str]:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        client.create("Deployment", manifests.deployment(name), "shop")
    return names


def named(listing) -> list[str]:
    return [obj["metadata"]["name"] for obj in listing.items]


def test_a_list_is_in_order_and_of_one_revision(client, five):
    listing = client.list("Deployment", "shop")

    assert named(listing) == five
    assert listing.revision == client.revision()
    assert listing.continue_token == ""


def test_a_list_without_a_namespace_spans_the_account(client, five):
    client.create("Namespace", manifests.namespace("attic"))
    client.create("Deployment", manifests.deployment("z"), "attic")

    assert named(client.list("Deployment")) == ["z", *five]
    assert client.count("Deployment") == 6
    assert client.count("Deployment", "attic") == 1


def test_pages_follow_each_other_and_keep_the_first_ones_revision(client, five):
    first = client.list("Deployment", "shop", limit=2)
    client.create("Deployment", manifests.deployment("f"), "shop")
    second = client.list("Deployment", "shop", limit=2, continue_token=first.continue_token)
    third = client.list("Deployment", "shop", limit=2, continue_token=second.continue_token)

    assert named(first) + named(second) + named(third) == [*five, "f"]
    assert first.remaining == 3
    assert {second.revision, third.revision} == {first.revision}
    assert third.continue_token == ""


def test_pages_of_a_selection_are_full(client, five):
    first = client.list("Deployment", "shop", label_selector="app notin (b, c)", limit=2)
    second = client.list(
        "Deployment", "shop", label_selector="app notin (b, c)", limit=2, continue_token=first.continue_token
    )

    assert named(first) == ["a", "d"]
    assert named(second) == ["e"]
    assert second.continue_token == ""


def test_a_last_page_that_is_just_full_ends_the_list(client, five):
    assert client.list("Deployment", "shop", limit=5).continue_token == ""


def test_field_selectors_look_up_and_filter(client, five):
    assert named(client.list("Deployment", "shop", field_selector="metadata.name=c")) == ["c"]
    assert named(client.list("Deployment", field_selector="metadata.namespace=shop,metadata.name!=c")) == [
        "a",
        "b",
        "d",
        "e",
    ]


def test_contradicting_namespaces_select_nothing(client, five):
    assert named(client.list("Deployment", "shop", field_selector="metadata.namespace=attic")) == []


def test_pods_are_found_by_phase_and_owner(client, controller, shop):
    child = manifests.pod("child")
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u-1", "controller": True}
    child["metadata"]["ownerReferences"] = [owner]
    controller.create("Pod", child, "shop")
    client.create("Pod", manifests.pod("alone"), "shop")

    assert named(client.list("Pod", "shop", owner_uid="u-1")) == ["child"]
    assert named(client.list("Pod", "shop", field_selector="status.phase=Pending")) == ["alone", "child"]
    assert named(client.list("Pod", "shop", field_selector="status.phase=Running")) == []


@pytest.mark.parametrize(
    "wrong", [{"label_selector": "a in ("}, {"field_selector": "spec.color=red"}, {"continue_token": "no token"}]
)
def test_what_cannot_be_understood_is_a_bad_request(client, shop, wrong):
    with pytest.raises(BadRequest):
        client.list("Deployment", "shop", **wrong)


def test_a_token_older_than_the_log_is_expired(client, five, monkeypatch):
    first = client.list_rows("Deployment", "shop", limit=2)
    client.create("Deployment", manifests.deployment("bb"), "shop")
    monkeypatch.setattr(changes, "floor", lambda: first.revision + 1)

    with pytest.raises(Expired, match="too old to display a consistent list") as refused:
        client.list_rows("Deployment", "shop", limit=2, continue_token=first.continue_token)

    anew = refused.value.body()["metadata"]["continue"]
    assert named(client.list("Deployment", "shop", limit=2, continue_token=anew)) == ["bb", "c"]


def test_a_token_does_not_name_the_account(client, five):
    token = client.list("Deployment", "shop", limit=2).continue_token

    assert b"acme" not in base64.urlsafe_b64decode(token + "==")


def test_rows_are_the_very_bytes_of_the_api(client, five):
    rows = client.list_rows("Deployment", "shop")

    assert [orjson.loads(row.data) for row in rows.rows] == client.list("Deployment", "shop").items
    assert client.get_row("Deployment", "a", "shop") == rows.rows[0]
