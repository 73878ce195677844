"""Charlie gets NotFound for everything of acme, by every verb; not a trace tells that it exists."""

from __future__ import annotations

import pytest

from tests import manifests
from workloads.client import Client, DeleteOptions, LogOptions
from workloads.meta.errors import NotFound

MERGE = "application/merge-patch+json"
PLACES = [("Namespace", "shop", ""), ("Deployment", "web", "shop"), ("Pod", "one", "shop")]
VERBS = {
    "get": lambda charlie, kind, name, namespace: charlie.get(kind, name, namespace),
    "get_row": lambda charlie, kind, name, namespace: charlie.get_row(kind, name, namespace),
    "update": lambda charlie, kind, name, namespace: charlie.update(kind, name, {}, namespace),
    "patch": lambda charlie, kind, name, namespace: charlie.patch(kind, name, {}, MERGE, namespace),
    "delete": lambda charlie, kind, name, namespace: charlie.delete(kind, name, namespace),
    "logs": lambda charlie, kind, name, namespace: charlie.logs(namespace, name, LogOptions()),
    "scale": lambda charlie, kind, name, namespace: charlie.get_scale("Deployment", name, namespace),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("kind", "name", "namespace"), PLACES)
def test_a_foreign_name_is_not_found(stranger, web, one, verb, kind, name, namespace):
    with pytest.raises(NotFound):
        VERBS[verb](stranger, kind, name, namespace)


def test_a_foreign_namespace_takes_nothing(stranger, shop):
    with pytest.raises(NotFound, match='namespaces "shop" not found'):
        stranger.create("Pod", manifests.pod(), "shop")


def test_a_foreign_account_lists_as_empty(stranger, web, one):
    for kind in ("Namespace", "Deployment", "Pod"):
        assert stranger.list(kind).items == []
        assert stranger.count(kind) == 0
    assert stranger.list("Pod", owner_uid=web["metadata"]["uid"]).items == []


def test_two_accounts_may_use_one_name(stranger, client, shop):
    theirs = stranger.create("Namespace", manifests.namespace("shop")).obj

    assert theirs["metadata"]["uid"] != shop["metadata"]["uid"]
    stranger.delete("Namespace", "shop", options=DeleteOptions(uid=theirs["metadata"]["uid"]))
    assert client.get("Namespace", "shop") == shop


def test_bob_sees_what_alice_made(bob, one):
    assert Client(bob).get("Pod", "one", "shop") == one
