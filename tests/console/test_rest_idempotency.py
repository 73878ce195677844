"""`Idempotency-Key`: a request that is sent twice is done once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from console.models import KeptAnswer
from console.rest import idempotency
from console.rest.authentication import Bearer
from console.rest.resources import Resource
from iam import people, tokens
from iam.identities import Identity, identity_of
from tests.console import scenes
from tests.console.test_rest import assert_status

GROUPS = "/api/v1/groups"
ALICE = Identity("acme", "alice")


def send(browser: Browser, body: Any, key: str = "night-1", path: str = GROUPS, method: str = "POST") -> Any:
    return browser.generic(method, path, json.dumps(body), "application/json", headers={"idempotency-key": key})


def groups() -> list[str]:
    return [group.name for group in people.groups(identity_of(scenes.user()))]


def test_the_same_request_is_done_once_and_answered_alike(browser: Browser) -> None:
    first, second = send(browser, {"name": "devs"}), send(browser, {"name": "devs"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    assert groups() == ["devs"]


def test_an_answer_without_a_body_is_given_again(browser: Browser) -> None:
    send(browser, {"name": "devs"})
    answers = [send(browser, None, "gone", f"{GROUPS}/devs", "DELETE") for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b""), (204, b"")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", GROUPS, {"name": "ops"}),
        ("POST", f"{GROUPS}?x=1", {"name": "devs"}),
        ("DELETE", f"{GROUPS}/devs", None),
    ],
)
def test_a_key_stands_for_one_request(browser: Browser, method: str, path: str, body: Any) -> None:
    send(browser, {"name": "devs"})
    answer = send(browser, body, path=path, method=method)
    assert_status(answer, 422, "Invalid")
    assert "stands for another request" in answer.json()["message"]
    assert groups() == ["devs"]


def test_what_was_refused_is_judged_anew(browser: Browser) -> None:
    assert send(browser, {"name": "a b"}).status_code == 422
    assert send(browser, {"name": "devs"}).status_code == 201
    assert send(browser, {"name": "devs"}, key="other").status_code == 409


def test_keys_are_the_callers_own(browser: Browser, strangers_browser: Browser, client: Browser) -> None:
    people.create_user(identity_of(scenes.user()), "bob", password="long enough", policies=["CCI Administrator"])
    bob = {"authorization": f"Bearer {tokens.issue(scenes.user('acme', 'bob')).token}", "idempotency-key": "night-1"}
    assert send(browser, {"name": "devs"}).status_code == 201
    assert send(strangers_browser, {"name": "devs"}).status_code == 201
    assert client.post(GROUPS, {"name": "devs"}, content_type="application/json", headers=bob).status_code == 409


def test_after_a_day_the_key_is_free(browser: Browser) -> None:
    send(browser, {"name": "devs"})
    KeptAnswer.objects.update(at=timezone.now() - timedelta(hours=24, seconds=1))
    assert send(browser, {"name": "ops"}).status_code == 201
    assert groups() == ["devs", "ops"]


@pytest.mark.parametrize("key", ["", "two words", "\u00e9", "x" * 256, "tab\t"])
def test_what_is_no_key_is_refused(browser: Browser, key: str) -> None:
    assert_status(send(browser, {"name": "devs"}, key=key), 400, "BadRequest")
    assert groups() == []


def test_reading_needs_no_key_and_keeps_none(browser: Browser) -> None:
    assert browser.get(GROUPS, headers={"idempotency-key": "two words"}).status_code == 200
    assert not KeptAnswer.objects.exists()


def test_while_the_first_is_at_work_the_second_is_asked_to_wait(browser: Browser) -> None:
    digest = idempotency.digest_of("POST", GROUPS, b'{"name": "devs"}')
    idempotency.claim(ALICE, "night-1", digest)
    answer = send(browser, {"name": "devs"})
    assert_status(answer, 409, "Conflict")
    assert answer.headers["Retry-After"] == "1"


def test_of_a_request_that_was_cut_off_nobody_says_that_it_was_done(browser: Browser) -> None:
    idempotency.claim(ALICE, "night-1", idempotency.digest_of("POST", GROUPS, b'{"name": "devs"}'))
    KeptAnswer.objects.update(at=timezone.now() - idempotency.AT_WORK - timedelta(seconds=1))
    answer = send(browser, {"name": "devs"})
    assert "cut off" in answer.json()["message"] and "Retry-After" not in answer.headers
    assert groups() == []


class AsAlice(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Bearer, Identity]:
        return Bearer(ALICE), ALICE


class Secrets(Resource):
    shows_secret = True
    authentication_classes = (AsAlice,)
    made = 0

    def post(self, request: Request) -> Response:
        if request.data.get("fail"):
            raise RuntimeError
        Secrets.made += 1
        return Response({"secret": "open-sesame"}, status=201)


def post_secret(body: Any) -> Any:
    asked = RequestFactory().post("/x", json.dumps(body), "application/json", headers={"idempotency-key": "k"})
    return Secrets.as_view()(asked)


def test_a_secret_is_shown_once_and_not_kept(db: None) -> None:
    Secrets.made = 0
    first, second = post_secret({}), post_secret({})
    assert (first.status_code, second.status_code, Secrets.made) == (201, 409, 1)
    assert "sesame" not in str(second.data) + KeptAnswer.objects.get().body


def test_a_request_that_broke_down_can_be_sent_again(db: None) -> None:
    with pytest.raises(RuntimeError):
        post_secret({"fail": True})
    assert not KeptAnswer.objects.exists()


def test_a_body_that_holds_a_password_cannot_be_guessed_from_the_table(browser: Browser) -> None:
    """The digest needs the installation's key."""
    send(browser, {"name": "devs"})
    assert KeptAnswer.objects.get().request != idempotency.digest_of("POST", GROUPS, b"")
    assert len(KeptAnswer.objects.get().request) == 64


def test_old_answers_leave_the_table(browser: Browser) -> None:
    send(browser, {"name": "devs"})
    assert idempotency.sweep(timezone.now()) == 0
    assert idempotency.sweep(timezone.now() + timedelta(hours=25)) == 1
