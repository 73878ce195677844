"""A session ends when nobody asked for anything for too long; a page that keeps itself true is nobody."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone

from console import access

IDLE = timedelta(seconds=settings.SESSION_COOKIE_AGE)


def ends() -> object:
    return Session.objects.get().expire_date


def test_who_clicks_now_and_then_stays(browser: Browser) -> None:
    began = timezone.now()
    for hours in range(0, 30, 6):
        with time_machine.travel(began + timedelta(hours=hours), tick=False):
            assert browser.get("/").status_code == 200


def test_who_is_away_too_long_must_sign_in(browser: Browser) -> None:
    browser.get("/")
    with time_machine.travel(timezone.now() + IDLE + timedelta(minutes=1), tick=False):
        assert browser.get("/pods/").headers["Location"] == "/sign-in/?next=/pods/"


def test_a_page_that_keeps_itself_true_does_not_keep_its_person_signed_in(browser: Browser) -> None:
    browser.get("/")
    before = ends()
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        browser.get("/", headers={access.LIVE: "1"})
        assert ends() == before
        browser.get("/")
    assert ends() != before


def test_what_is_typed_into_a_terminal_counts(browser: Browser) -> None:
    browser.get("/")
    before = ends()
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        access.renew(browser.session.session_key or "")
    assert ends() != before
