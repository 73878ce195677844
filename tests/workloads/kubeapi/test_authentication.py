"""Who asks: a bearer token says it, or nothing is answered. Tokens are had for a password, and given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from iam import logins
from iam.models import Token
from tests.workloads.kubeapi.callers import is_status
from workloads.kubeapi import authentication


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


def test_tokens_are_not_listed(api):
    is_status(api.get("/iam/tokens"), 405)
