"""One's own access keys and tokens in the console."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from console import lists
from iam import accesskeys, tokens
from tests.console import scenes

PAGE = "/access-keys/"


@pytest.fixture
def ak(browser: Browser) -> str:
    return accesskeys.create(scenes.user(), description="ci").ak


def test_the_secret_is_shown_once(browser: Browser) -> None:
    made = browser.post(f"{PAGE}create/", {"description": "ci"})
    key = accesskeys.listed(scenes.user())[0]
    assert made.status_code == 200 and key.ak in made.content.decode() and "never again" in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert key.ak in browser.get(PAGE).content.decode()


def test_a_third_active_key_is_refused_and_what_was_typed_stays(browser: Browser, ak: str) -> None:
    accesskeys.create(scenes.user())
    answer = browser.post(f"{PAGE}create/", {"description": "a third"})
    assert answer.status_code == 422
    assert "Disable one first" in answer.content.decode() and "a third" in answer.content.decode()


def test_a_key_is_deleted_only_when_it_is_disabled(browser: Browser, ak: str) -> None:
    assert browser.post(f"{PAGE}change/", {"ak": ak, "do": "delete", "word": "DELETE"}).status_code == 422
    browser.post(f"{PAGE}change/", {"ak": ak, "do": "disable"})
    browser.post(f"{PAGE}change/", {"ak": ak, "do": "delete", "word": "DELETE"})
    assert accesskeys.listed(scenes.user()) == []


def test_keys_of_others_do_not_exist(strangers_browser: Browser, ak: str) -> None:
    assert strangers_browser.post(f"{PAGE}change/", {"ak": ak, "do": "disable"}).status_code == 404
    assert accesskeys.listed(scenes.user())[0].active


def test_all_tokens_can_be_found_page_by_page(browser: Browser) -> None:
    for _number in range(lists.PAGE + 2):
        tokens.issue(scenes.user(), via="password")
    alive = [token.id for token in tokens.listed(scenes.user())]
    first, second = (browser.get(f"{PAGE}{query}").content.decode() for query in ("", f"?continue={alive[49]}"))
    assert f"50 of {len(alive)} shown" in first and f"?continue={alive[49]}" in first and alive[50] not in first
    assert alive[50] in second and alive[51] in second and alive[0] not in second


def test_tokens_are_revoked_one_by_one_or_all(browser: Browser) -> None:
    for _number in range(3):
        tokens.issue(scenes.user(), via="password")
    first = tokens.listed(scenes.user())[0].id
    browser.post(f"{PAGE}tokens/revoke/", {"id": first, "word": "DELETE"})
    assert len(tokens.listed(scenes.user())) == 2 and first not in browser.get(PAGE).content.decode()
    browser.post(f"{PAGE}tokens/revoke/", {"word": "DELETE"})
    assert tokens.listed(scenes.user()) == []
