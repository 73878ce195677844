"""Who may do what: the missing action is named."""

from __future__ import annotations

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client
from workloads.meta.errors import Forbidden

MERGE = "application/merge-patch+json"
CALLS = {
    "cci:namespace:create": lambda eve: eve.create("Namespace", manifests.namespace()),
    "cci:namespace:list": lambda eve: eve.list("Namespace"),
    "cci:namespace:get": lambda eve: eve.get("Namespace", "shop"),
    "cci:deployment:update": lambda eve: eve.patch("Deployment", "web", {}, MERGE, "shop"),
    "cci:deployment:delete": lambda eve: eve.delete("Deployment", "web", "shop"),
    "cci:pod:delete": lambda eve: eve.delete_collection("Pod", "shop"),
    "cci:pod:list": lambda eve: eve.count("Pod"),
    "cci:replicaset:update": lambda eve: eve.update("ReplicaSet", "web", {}, "shop"),
}


@pytest.mark.parametrize("action", CALLS)
def test_without_the_right_the_answer_names_the_action(db, action):
    with pytest.raises(Forbidden) as refused:
        CALLS[action](Client(Identity("acme", "eve", actions=())))

    body = refused.value.body()
    assert body["message"] == f"insufficient operation permission, require {action}"
    assert (body["code"], body["errorCode"]) == (403, "CCI.01.403105")


def test_patterns_give_rights(db):
    reader = Client(Identity("acme", "eve", actions=("cci:*:list", "cci:*:get")))

    assert reader.list("Pod").items == []
    with pytest.raises(Forbidden):
        reader.create("Namespace", manifests.namespace())


def test_controllers_need_no_policy(db):
    hands = Client(Identity("acme", "system:controller:tests", actions=()))

    assert hands.create("Namespace", manifests.namespace()).created
