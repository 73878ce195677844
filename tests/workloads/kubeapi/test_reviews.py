"""`kubectl auth whoami` and `can-i` answer what is true of the caller."""

from __future__ import annotations

import pytest

from iam.identities import Identity
from tests.workloads.kubeapi.callers import is_status
from workloads.kubeapi import authentication

ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


@pytest.fixture
def reader(api, monkeypatch):
    """alice, who may look at pods and nothing else."""
    look_up = authentication._caller

    def as_reader(token, address):
        identity = Identity("acme", "alice", actions=("cci:pod:get", "cci:pod:list"))
        return authentication.Caller(identity, look_up(token, address).expires)

    monkeypatch.setattr(authentication, "_caller", as_reader)
    return api


def _may(api, **attributes):
    return api.make(ACCESS, {"spec": {"resourceAttributes": attributes}})["status"]


def test_whoami_names_user_and_account(api):
    info = api.make("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})["status"]["userInfo"]
    assert info["username"] == "alice" and info["extra"] == {"cci.io/account": ["acme"]}


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_a_reader_may_read(reader, verb):
    assert _may(reader, verb=verb, resource="pods", namespace="shop") == {"allowed": True}


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection", "*"])
def test_a_reader_may_not_write_and_is_told_which_action_is_missing(reader, verb):
    status = _may(reader, verb=verb, resource="pods", namespace="shop")
    assert status["allowed"] is False
    assert "insufficient operation permission, require cci:pod:" in status["reason"]


def test_nobody_may_what_is_not_there(api):
    assert _may(api, verb="get", resource="widgets")["allowed"] is False
    assert _may(api, verb="fly", resource="pods")["allowed"] is False
    assert _may(api, verb="update", resource="pods", subresource="status")["allowed"] is False


def test_who_may_everything_may_everything(api):
    assert _may(api, verb="*", resource="deployments", group="apps") == {"allowed": True}


def test_paths_are_asked_about_too(api):
    def may(path, verb="get"):
        return api.make(ACCESS, {"spec": {"nonResourceAttributes": {"path": path, "verb": verb}}})["status"]["allowed"]

    assert may("/healthz") and may("/openapi/v3/api/v1")
    assert not may("/secret") and not may("/healthz", "post")


def test_the_rules_of_a_reader_are_listed(reader):
    rules = reader.make(RULES, {"spec": {"namespace": "shop"}})["status"]["resourceRules"]
    assert rules == [
        {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get", "list"], "apiGroups": ["metrics.k8s.io"], "resources": ["pods"]},
    ]


def test_a_review_without_a_question_is_refused(api):
    is_status(api.post(ACCESS, json={"spec": {}}), 400)
    is_status(api.post(ACCESS, json={"spec": []}), 400)
    is_status(api.get(ACCESS), 405)


def test_a_missing_action_is_forbidden_on_every_verb(reader):
    body = is_status(reader.post("/api/v1/namespaces", json={"metadata": {"name": "x"}}), 403)
    assert body["errorCode"] == "CCI.01.403105"
    assert body["message"] == "insufficient operation permission, require cci:namespace:create"
    is_status(reader.get("/api/v1/namespaces", params={"watch": "true"}), 403)
    assert reader.get("/api/v1/pods", params={"watch": "true", "timeoutSeconds": "1"}).status_code == 200
