"""ServiceAccounts sign in with signed tokens, which `kubectl create token` gets, and which everybody can verify."""

from __future__ import annotations

from typing import Any

import pytest

from iam import jws, signing
from tests import manifests
from tests.workloads.kubeapi.callers import is_status
from workloads.kubeapi import authentication

ACCOUNTS = "/api/v1/namespaces/shop/serviceaccounts"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
def robot(api, shop) -> dict[str, Any]:
    return api.make(ACCOUNTS, {"metadata": {"name": "robot"}})


def token(api, **spec) -> str:
    return api.make(f"{ACCOUNTS}/robot/token", {"spec": spec})["status"]["token"]


def as_(api, bearer: str):
    api.headers["Authorization"] = f"Bearer {bearer}"
    return api


def test_a_token_says_who_its_bearer_is(api, robot):
    who = as_(api, token(api)).make(WHO, {})["status"]["userInfo"]
    assert who["username"] == "system:serviceaccount:shop:robot"
    assert who["groups"] == ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]


def test_without_a_role_it_may_do_nothing(api, robot):
    mine = token(api)
    as_(api, mine)
    for path in ("/api/v1/namespaces/shop/pods", "/api/v1/namespaces", "/api/v1/namespaces/shop/secrets"):
        is_status(api.get(path), 403)
    is_status(api.post(f"{ACCOUNTS}/robot/token", json={"spec": {}}), 403)
    is_status(api.post("/api/v1/namespaces/shop/pods", json=manifests.pod()), 403)


def test_it_is_nobodys_when_its_account_has_gone(api, robot, call_as, alice_user):
    mine = as_(call_as(alice_user), token(api))
    mine.make(WHO, {})
    assert api.delete(f"{ACCOUNTS}/robot").status_code == 200
    authentication.forget()
    assert is_status(mine.post(WHO, json={}), 401)["message"] == "Unauthorized"


def test_what_is_for_somebody_else_is_unauthorized(api, robot):
    is_status(as_(api, token(api, audiences=["vault"])).get("/api"), 401)


def test_it_is_had_for_posting_alone(api, robot, other_api):
    is_status(api.get(f"{ACCOUNTS}/robot/token"), 405)
    is_status(other_api.post(f"{ACCOUNTS}/robot/token", json={"spec": {}}), 404)
    is_status(api.post("/api/v1/namespaces/shop/pods/one/token", json={"spec": {}}), 404)
    answer = api.post(f"{ACCOUNTS}/robot/token", json={"spec": {"expirationSeconds": 1}})
    assert is_status(answer, 422)["details"]["causes"][0]["field"] == "spec.expirationSeconds"
    is_status(api.post(f"{ACCOUNTS}/robot/token", json={"spec": {"audiences": "vault"}}), 400)


def test_it_is_no_users_where_users_ask_for_tokens(api, robot):
    is_status(as_(api, token(api)).get("/iam/tokens"), 401)


def test_discovery_names_it_as_kubernetes_does(api):
    listed = {each["name"]: each for each in api.read("/api/v1")["resources"]}
    found = listed["serviceaccounts/token"]
    assert (found["group"], found["version"], found["kind"]) == ("authentication.k8s.io", "v1", "TokenRequest")
    assert found["verbs"] == ["create"]
    assert "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token" in api.read("/openapi/v3/api/v1")["paths"]


def test_others_can_verify_it_by_the_published_keys(api, robot):
    mine = token(api)
    document = api.read("/.well-known/openid-configuration")
    (key,) = api.read("/openid/v1/jwks")["keys"]
    assert key["kid"] == jws.key_id(signing.keys().signing.public_key())
    assert jws.read(mine, signing.keys().public)["iss"] == document["issuer"]
    assert set(key) == {"kty", "crv", "x", "y", "use", "alg", "kid"}


@pytest.mark.parametrize("version", ["1.30", "1.33"])
def test_kubectl_creates_one_bound_to_a_pod(kubectl, api, robot, version):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod(serviceAccountName="robot"))
    words = ("--duration=20m", "--audience=vault", "--audience=x", "--bound-object-kind=Pod", "--bound-object-name=one")
    mine = kubectl(version)("create", "token", "robot", "-n", "shop", *words).strip()
    claims = jws.read(mine, signing.keys().public)
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (["vault", "x"], 1200)
    assert claims["kubernetes.io"]["pod"]["name"] == "one"
    assert "not found" in kubectl(version).fails("create", "token", "nobody", "-n", "shop")
