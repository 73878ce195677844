"""A page is in the language that was chosen, its sockets too; what programs read is English."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from django.test import Client as Browser

from tests.console import scenes
from tests.console.sockets import following
from workloads import watch

CHINESE = {"accept-language": "zh-CN,zh;q=0.9"}


def test_the_browsers_language_is_the_first(db: None, client: Browser) -> None:
    page = client.get("/sign-in/", headers=CHINESE).content.decode()

    assert '<html lang="zh-hans"' in page and "登录" in page
    assert '<html lang="en"' in client.get("/sign-in/", headers={"accept-language": "fr"}).content.decode()


def test_the_chosen_language_wins_and_leads_back(browser: Browser) -> None:
    answer = browser.post("/language/", {"language": "zh-hans", "next": "/pods/?state=bad"})

    assert answer.headers["Location"] == "/pods/?state=bad"
    page = browser.get("/pods/", headers={"accept-language": "en"})
    assert '<html lang="zh-hans"' in page.content.decode()
    assert page.headers["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("language", ["", "xx", "../etc"])
def test_languages_nobody_offers_are_not_remembered(browser: Browser, language: str) -> None:
    browser.post("/language/", {"language": language})

    assert '<html lang="en"' in browser.get("/").content.decode()


def test_a_user_finds_their_language_in_another_browser(browser: Browser, client: Browser) -> None:
    browser.post("/language/", {"language": "zh-hans"})
    client.post("/sign-in/", {"account": "acme", "user": "alice", "password": "secret-secret"})

    assert '<html lang="zh-hans"' in client.get("/", headers={"accept-language": "en"}).content.decode()


def test_what_was_chosen_in_this_browser_stays(browser: Browser, client: Browser) -> None:
    browser.post("/language/", {"language": "zh-hans"})
    client.post("/language/", {"language": "en"})
    client.post("/sign-in/", {"account": "acme", "user": "alice", "password": "secret-secret"})

    assert '<html lang="en"' in client.get("/", headers=CHINESE).content.decode()


@pytest.mark.parametrize("path", ["/api/v1/namespaces/nowhere/pods/none/cost", "/api/v1/prices?flavor=x&after=!"])
def test_programs_are_answered_in_english(browser: Browser, path: str) -> None:
    browser.cookies["cci_language"] = "zh-hans"

    assert browser.get(path, headers=CHINESE).content == browser.get(path, headers={"accept-language": "en"}).content
    assert browser.get(path, headers=CHINESE).content.isascii()


@pytest.fixture
async def quiet_hub() -> AsyncIterator[None]:
    yield
    await watch.close()


@pytest.fixture
def acme(transactional_db: None) -> None:
    scenes.namespace("shop")


async def test_live_regions_are_in_the_pages_language(acme: None, quiet_hub: None) -> None:
    async with following("/namespaces/shop/", language="zh-hans") as chinese:
        regions = (await chinese.message())["regions"]
    async with following("/namespaces/shop/") as english:
        others = (await english.message())["regions"]

    assert "所有命名空间" in regions["switch"]
    assert "All namespaces" in others["switch"]
