"""`kubectl auth whoami` and `can-i` answer what is true of the caller, and of others to those who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from iam import identities, people, tokens
from tests import manifests
from tests.workloads.kubeapi import protobuf
from tests.workloads.kubeapi.callers import is_status
from workloads.client import Client
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.kubeapi import authentication

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
ACCESS = f"{AUTHORIZATION}/selfsubjectaccessreviews"
RULES = f"{AUTHORIZATION}/selfsubjectrulesreviews"
OTHERS = f"{AUTHORIZATION}/subjectaccessreviews"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
PODS = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod:get", "CCI:pod:list"]}]}
VIEWER = {
    "metadata": {"name": "viewers"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}],
}


@pytest.fixture
def admin(alice_user):
    return identities.identity_of(alice_user)


@pytest.fixture
def reader(call_as, admin):
    """bob, who may look at pods and nothing else."""
    people.create_policy(admin, "pods", document=PODS)
    people.create_group(admin, "lookers", policies=["pods"])
    return call_as(people.create_user(admin, "bob", password="long enough", groups=["lookers"]))


@pytest.fixture
def viewer(call_as, admin):
    """bob, who may everything by policy, and looks at `bank` by role."""
    bank = manifests.namespace("bank")
    bank["metadata"]["labels"] = {RBAC_LABEL: "true"}
    Client(admin).create("Namespace", bank)
    Client(admin).create("RoleBinding", VIEWER, "bank")
    Client(admin).create("ConfigMap", {"metadata": {"name": "one"}}, "bank")
    return call_as(people.create_user(admin, "bob", password="long enough", policies=["CCI FullAccess"]))


def _may(api, **attributes):
    return api.make(ACCESS, {"spec": {"resourceAttributes": attributes}})["status"]


def test_whoami_names_user_groups_and_account(reader):
    info = reader.make(WHOAMI, {})["status"]["userInfo"]
    assert (info["username"], info["groups"]) == ("bob", ["system:authenticated", "lookers"])
    assert info["extra"] == {"cci.io/account": ["acme"]}


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
    assert _may(api, verb="update", resource="deployments", group="apps", subresource="status")["allowed"] is False


def test_who_may_everything_may_everything(api):
    assert _may(api, verb="*", resource="deployments", group="apps") == {"allowed": True}
    assert _may(api, verb="create", resource="pods", subresource="exec", namespace="shop") == {"allowed": True}


def test_paths_are_asked_about_too(api):
    def may(path, verb="get"):
        return api.make(ACCESS, {"spec": {"nonResourceAttributes": {"path": path, "verb": verb}}})["status"]["allowed"]

    assert may("/healthz") and may("/openapi/v3/api/v1")
    assert not may("/secret") and not may("/healthz", "post")


def test_a_viewer_by_role_is_told_what_the_role_gives(viewer):
    def may(verb, resource, **rest):
        return _may(viewer, verb=verb, resource=resource, namespace="bank", **rest)["allowed"]

    assert may("list", "pods") and may("get", "pods", subresource="log") and may("list", "deployments", group="apps")
    assert not may("get", "secrets") and not may("create", "pods") and not may("create", "pods", subresource="exec")
    assert _may(viewer, verb="list", resource="secrets")["allowed"] is False


def _listed(rules: dict[str, Any]) -> list[tuple[list[str], list[str]]]:
    return [(rule["verbs"], rule["resources"]) for rule in rules["status"]["resourceRules"]]


def test_the_rules_of_a_reader_are_listed(reader):
    assert _listed(reader.make(RULES, {"spec": {"namespace": "shop"}})) == [
        (["get", "list", "watch"], ["pods"]),
        (["get"], ["pods/status"]),
        (["get", "list"], ["pods"]),
        (["create"], ["selfsubjectreviews"]),
        (["create"], ["selfsubjectaccessreviews"]),
        (["create"], ["selfsubjectrulesreviews"]),
    ]


def test_the_rules_of_a_role_end_at_its_namespace(viewer):
    inside = _listed(viewer.make(RULES, {"spec": {"namespace": "bank"}}))
    assert (["get", "list", "watch"], ["pods"]) in inside and (["get"], ["pods/log"]) in inside
    assert not any("secrets" in resources for _, resources in inside)
    outside = _listed(viewer.make(RULES, {"spec": {"namespace": "default"}}))
    assert any("secrets" in resources and "delete" in verbs for verbs, resources in outside)


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


def test_a_viewer_by_role_lists_and_watches_their_namespace_alone(viewer):
    path, watch = "/api/v1/namespaces/bank/pods", {"watch": "true", "timeoutSeconds": "1"}
    assert viewer.read(path)["items"] == [] and viewer.get(path, params=watch).status_code == 200
    is_status(viewer.get("/api/v1/secrets"), 403)
    is_status(viewer.get("/api/v1/secrets", params=watch), 403)
    is_status(viewer.get("/api/v1/namespaces/bank/secrets"), 403)
    is_status(viewer.post(path, json=manifests.pod()), 403)


def test_a_watch_of_all_namespaces_ends_at_one_that_is_not_for_the_watcher(viewer, admin):
    vault = manifests.namespace("vault")
    vault["metadata"]["labels"] = {RBAC_LABEL: "true"}
    with viewer.watch("/api/v1/configmaps", timeoutSeconds="20") as events:
        assert next(events)["object"]["metadata"]["namespace"] == "bank"
        Client(admin).create("Namespace", vault)
        Client(admin).create("ConfigMap", {"metadata": {"name": "hidden"}}, "vault")
        seen = list(events)
    assert [event["type"] for event in seen] == ["ERROR"] and seen[0]["object"]["code"] == 403


def test_a_changed_policy_is_in_force_when_the_token_is_asked_for_again(reader, admin):
    is_status(reader.get("/api/v1/namespaces"), 403)
    people.attach(admin, "CCI ReadOnlyAccess", group="lookers")
    authentication.forget()
    assert reader.get("/api/v1/namespaces").status_code == 200


def test_administrators_ask_about_others(api, reader):
    def may(verb, user="bob", **rest):
        attributes = {"verb": verb, "resource": "pods", "namespace": "shop"}
        return api.make(OTHERS, {"spec": {"user": user, "resourceAttributes": attributes, **rest}})["status"]["allowed"]

    assert may("get") and not may("delete") and not may("get", "nobody")
    assert not may("delete", groups=["system:masters"])
    is_status(reader.post(OTHERS, json={"spec": {"user": "alice", "resourceAttributes": {}}}), 403)
    is_status(api.post(OTHERS, json={"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}), 400)


def test_a_service_account_is_asked_about_by_its_roles(api, viewer):
    binding = VIEWER | {
        "metadata": {"name": "robots"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "bank"}],
    }
    api.make("/apis/rbac.authorization.k8s.io/v1/namespaces/bank/rolebindings", binding)
    attributes = {"verb": "list", "resource": "pods", "namespace": "bank"}
    spec = {"user": "system:serviceaccount:bank:robot", "resourceAttributes": attributes}
    local = f"{AUTHORIZATION}/namespaces/bank/localsubjectaccessreviews"
    assert api.make(OTHERS, {"spec": spec})["status"] == {"allowed": True}
    assert api.make(local, {"spec": spec})["status"] == {"allowed": True}
    is_status(api.post(f"{AUTHORIZATION}/namespaces/shop/localsubjectaccessreviews", json={"spec": spec}), 400)


def test_a_token_is_told_of_in_its_own_account(api, reader, other_api, alice_user):
    token = tokens.issue(alice_user).token
    status = api.make(TOKENS, {"spec": {"token": token}})["status"]
    assert status["authenticated"] and status["user"]["username"] == "alice"
    assert "authenticated" not in other_api.make(TOKENS, {"spec": {"token": token}})["status"]
    assert api.make(TOKENS, {"spec": {"token": "cci-nobodys"}})["status"]["error"]
    is_status(reader.post(TOKENS, json={"spec": {"token": token}}), 403)


def _sent(api, path: str, kind: str, raw: bytes, group: str = "authorization.k8s.io/v1") -> dict[str, Any]:
    body = protobuf.envelope(group, kind, raw)
    answer = api.post(path, content=body, headers={"Content-Type": "application/vnd.kubernetes.protobuf"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_questions_come_as_protobuf_too(viewer):
    """The fields' numbers are those of Kubernetes' generated.proto."""
    attributes = protobuf.field(1, b"bank") + protobuf.field(2, b"get") + protobuf.field(5, b"pods")
    log = attributes + protobuf.field(6, b"log")
    for asked, allowed in ((log, True), (attributes + protobuf.field(6, b"exec"), False)):
        raw = protobuf.field(2, protobuf.field(1, asked))
        status = _sent(viewer, ACCESS, "SelfSubjectAccessReview", raw)["status"]
        assert status["allowed"] is allowed
    rules = _sent(viewer, RULES, "SelfSubjectRulesReview", protobuf.field(2, protobuf.field(1, b"bank")))
    assert (["get"], ["pods/log"]) in _listed(rules)
    me = _sent(viewer, WHOAMI, "SelfSubjectReview", b"", group="authentication.k8s.io/v1")
    assert me["status"]["userInfo"]["username"] == "bob"
