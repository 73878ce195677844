"""What every answer says to the browser about itself: cookies that stay here, a session that is new for who signs in,
and pages that go out compressed while streams do not wait."""

from __future__ import annotations

import gzip

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client as Browser

from console.middleware import Compressed
from console.urls import pages
from tests.console import scenes
from tests.console.test_isolation import url_of

pytestmark = pytest.mark.django_db

RIGHT = {"account": "acme", "user": "alice", "password": "secret-secret"}
ACCEPTS = {"Accept-Encoding": "gzip, br"}


def test_cookies_are_sent_to_nobody_else(client: Browser) -> None:
    scenes.user("acme", "alice")
    client.get("/sign-in/")
    cookies = client.post("/sign-in/", RIGHT).cookies
    assert {cookie["samesite"] for cookie in cookies.values()} == {"Lax"}
    assert cookies[settings.SESSION_COOKIE_NAME]["httponly"]


def test_a_session_that_was_there_before_is_not_the_one_that_is_signed_in(client: Browser) -> None:
    scenes.user("acme", "alice")
    client.session.save()
    planted = client.session.session_key
    client.post("/sign-in/", RIGHT)
    assert client.session.session_key != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_signing_out_ends_the_session_on_the_server(browser: Browser) -> None:
    was = browser.session.session_key
    browser.post("/sign-out/")
    assert not Session.objects.filter(session_key=was).exists()


def test_what_is_posted_needs_the_pages_own_token(browser: Browser) -> None:
    stranger = Browser(enforce_csrf_checks=True)
    stranger.cookies = browser.cookies
    assert stranger.post("/sign-out/").status_code == 403


def test_no_page_takes_a_post_without_its_token(browser: Browser) -> None:
    stranger = Browser(enforce_csrf_checks=True)
    stranger.cookies = browser.cookies
    answers = {str(one.name): stranger.post(url_of(one)).status_code for one in pages}
    assert {name: code for name, code in answers.items() if code != 403} == {}


def test_a_page_is_compressed_for_who_understands_it(browser: Browser) -> None:
    plain, packed = browser.get("/help/"), browser.get("/help/", headers=ACCEPTS)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(plain.content) / 2
    assert b"<html" in gzip.decompress(packed.content)


@pytest.mark.parametrize(
    "answer",
    [
        StreamingHttpResponse(iter([b"line " * 100]), content_type="text/plain"),
        HttpResponse(b"{}" * 300, content_type="application/json"),
    ],
)
def test_streams_and_what_programs_read_are_left_alone(answer: HttpResponse) -> None:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    assert "Content-Encoding" not in Compressed(lambda _request: answer)(request).headers
