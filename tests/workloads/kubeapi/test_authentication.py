"""Who asks: a bearer token says it, or nothing is answered. Tokens are had for a password, and given back."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from iam import accesskeys, logins, tokens
from iam.authenticator import signing
from iam.models import Token
from tests.workloads.kubeapi.callers import is_status
from workloads.kubeapi import authentication
from workloads.meta import times


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer cci-made-up", "Basic YTpi", "cci-x"])
def test_without_a_good_token_nothing_is_answered_but_what_to_do(api, header):
    api.headers["Authorization"] = header
    answer = api.get("/api/v1/pods")
    is_status(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_header_at_all_is_unauthorized_too(api):
    del api.headers["Authorization"]
    assert "kubeconfig" in is_status(api.get("/apis"), 401)["message"]


def test_a_token_that_has_run_out_is_refused_even_while_it_is_remembered(api, alice_user):
    api.read("/api/v1/pods")
    Token.objects.update(expires=timezone.now() - timedelta(seconds=1))
    authentication.forget()
    is_status(api.get("/api/v1/pods"), 401)


def test_a_token_is_had_for_account_user_and_password(api, alice_user):
    del api.headers["Authorization"]
    asked = {"account": "acme", "user": "alice", "password": "correct horse"}
    answer = api.post("/iam/tokens", json=asked)
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    api.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert api.get("/api/v1/pods").status_code == 200


def test_a_wrong_password_is_unauthorized_and_many_are_too_many(api, alice_user):
    asked = {"account": "acme", "user": "alice", "password": "wrong"}
    for _ in range(logins.FREE_TRIES):
        is_status(api.post("/iam/tokens", json=asked), 401)
    answer = api.post("/iam/tokens", json={**asked, "password": "correct horse"})
    assert is_status(answer, 429)["details"]["retryAfterSeconds"] == int(answer.headers["retry-after"]) > 0


def test_a_login_without_its_fields_names_them(api):
    causes = is_status(api.post("/iam/tokens", json={"user": "alice", "password": 5}), 422)["details"]["causes"]
    assert [cause["field"] for cause in causes] == ["account", "password"]


def test_a_token_that_is_given_back_is_nobodys_at_once(api):
    assert api.delete("/iam/tokens").json()["status"] == "Success"
    is_status(api.get("/api/v1/pods"), 401)
    is_status(api.delete("/iam/tokens"), 401)


def test_other_methods_are_refused(api):
    is_status(api.put("/iam/tokens"), 405)
    is_status(api.get("/iam/tokens/0123456789abcdef"), 405)


def test_the_originals_header_says_who_asks_too(api):
    api.headers["X-Auth-Token"] = api.headers.pop("Authorization").removeprefix("Bearer ")
    assert api.get("/api/v1/pods").status_code == 200


def test_ones_own_tokens_are_listed_and_revoked_one_by_one(api, call_as, alice_user, charlie_user):
    call_as(charlie_user), call_as(alice_user)
    items = api.get("/iam/tokens").json()["items"]
    assert [item["current"] for item in items] == [False, True]
    assert api.delete(f"/iam/tokens/{items[0]['id']}").status_code == 200
    is_status(api.delete(f"/iam/tokens/{items[0]['id']}"), 404)
    assert len(api.get("/iam/tokens").json()["items"]) == 1


def test_all_of_ones_own_are_revoked_at_once(api, call_as, alice_user, other_api):
    second = call_as(alice_user)
    assert api.delete("/iam/tokens/all").status_code == 200
    is_status(second.get("/api/v1/pods"), 401)
    assert other_api.get("/iam/tokens/current").json()["user"] == "charlie"


def test_whether_a_token_is_good_is_asked_of_the_table(api, alice_user):
    assert api.get("/api/v1/pods").status_code == 200
    tokens.revoke_all(alice_user)
    is_status(api.get("/iam/tokens/current"), 401)


def test_a_revoked_token_is_refused_two_seconds_later_at_the_latest(api, alice_user, monkeypatch):
    assert api.get("/api/v1/pods").status_code == 200
    tokens.revoke_all(alice_user)
    now = time.monotonic()
    monkeypatch.setattr(authentication.time, "monotonic", lambda: now + 2)
    is_status(api.get("/api/v1/pods"), 401)


def test_what_is_served_is_told_to_anybody(api):
    del api.headers["Authorization"]
    assert api.get("/iam").json()["region"] == "cn-north-4"
    assert api.get("/iam/ca").text.startswith("-----BEGIN CERTIFICATE-----")


@pytest.fixture
def made(alice_user, settings, tmp_path) -> accesskeys.Created:
    settings.KEY_FILE = tmp_path / "vault.key"
    return accesskeys.create(alice_user)


def _signed(made: accesskeys.Created, body: bytes = b"", **rest) -> dict[str, str]:
    return {"Authorization": signing.authorization("POST", "/iam/tokens", body, ak=made.ak, sk=made.sk, **rest)}


def test_a_token_is_had_for_a_signature(api, made):
    body = b'{"project": "cn-north-4"}'
    answer = api.post("/iam/tokens", content=body, headers=_signed(made, body))
    assert answer.status_code == 201
    api.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    current = next(item for item in api.get("/iam/tokens").json()["items"] if item["current"])
    assert (current["via"], current["accessKey"], current["address"]) == ("access-key", made.ak, "127.0.0.1")


def test_a_signature_is_good_for_one_token(api, made):
    headers = _signed(made)
    api.post("/iam/tokens", headers=headers)
    assert is_status(api.post("/iam/tokens", headers=headers), 401)["details"]["causes"][0]["reason"] == "Replayed"


def test_a_clock_that_is_off_is_told_the_servers_time(api, made):
    details = is_status(api.post("/iam/tokens", headers=_signed(made, now=time.time() - 3600)), 401)["details"]
    assert details["causes"][0]["reason"] == "ClockOff"
    assert abs(times.parse(details["serverTime"]).timestamp() - time.time()) < 60


def test_a_project_that_is_not_here_is_refused_by_name(api, made):
    body = b'{"project": "eu-west-0"}'
    answer = api.post("/iam/tokens", content=body, headers=_signed(made, body))
    assert "cn-north-4" in is_status(answer, 422)["message"]


def _keystone(said: str = "correct horse", project: str = "cn-north-4") -> dict[str, object]:
    user = {"name": "alice", "password": said, "domain": {"name": "acme"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": project}}}}


def test_a_token_is_had_in_keystones_shape(api):
    answer = api.post("/v3/auth/tokens", json=_keystone())
    assert answer.status_code == 201 and answer.json()["token"]["user"]["domain"]["name"] == "acme"
    del api.headers["Authorization"]
    assert api.get("/api/v1/pods", headers={"X-Auth-Token": answer.headers["x-subject-token"]}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "code"),
    [(_keystone(said="wrong"), 401), (_keystone(project="eu-west-0"), 400), ({"auth": []}, 400), ({}, 400)],
)
def test_keystones_errors_have_keystones_shape(api, asked, code):
    answer = api.post("/v3/auth/tokens", json=asked)
    assert answer.status_code == answer.json()["error"]["code"] == code


def test_many_wrong_passwords_are_too_many_there_too(api):
    for _ in range(logins.FREE_TRIES):
        api.post("/iam/tokens", json={"account": "acme", "user": "alice", "password": "wrong"})
    answer = api.post("/v3/auth/tokens", json=_keystone())
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
