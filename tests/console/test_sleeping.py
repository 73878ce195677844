"""Scale to zero on the pages: what it says, what it saves, switched on and off, and waking."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.console import scenes
from tests.console.test_pages import text_of
from workloads.kinds import sleeping

DETAIL = "/namespaces/shop/deployments/web/"
TAB, SLEEP, WAKE = f"{DETAIL}scaling/", f"{DETAIL}scaling/sleep/", f"{DETAIL}wake/"
JSON = dict[str, Any]

pytestmark = pytest.mark.usefixtures("shop")


def web() -> JSON:
    return scenes.person().get("Deployment", "web", "shop")


def patch(patch: JSON) -> None:
    scenes.person().patch("Deployment", "web", patch, "application/merge-patch+json", "shop")


def asleep() -> None:
    patch({"metadata": {"annotations": {sleeping.AFTER: "10m"}}})
    patch(sleeping.to_sleep(web()))
    for pod in ("web-0001-aaaaa", "web-0001-bbbbb"):
        scenes.gone(pod)
    sleeping_web = web() | {"status": {"observedGeneration": web()["metadata"]["generation"]}}
    scenes.hand(name="deployments").update("Deployment", "web", sleeping_web, "shop", subresource="status")


def test_where_it_is_reached_is_no_alarm_while_it_sleeps(browser: Browser) -> None:
    asleep()
    shown = text_of(browser, f"{DETAIL}access/")
    assert "Nobody there" not in shown and shown.count("Asleep") >= 3


def test_it_is_switched_on_changed_and_off(browser: Browser) -> None:
    assert "Each hour asleep saves" in text_of(browser, TAB)
    assert browser.post(SLEEP, {"after": "10m"}).status_code == 302
    assert sleeping.wish(web()) == "10m"
    assert "10m without a request" in text_of(browser, TAB)
    browser.post(SLEEP, {"after": "1h"})
    assert sleeping.after(web()) == 3600
    browser.post(SLEEP, {"after": "1h", "do": "off"})
    assert sleeping.wish(web()) == ""


@pytest.mark.parametrize(
    ("said", "words"), [("soon", "Must be a duration"), ("5s", "Must be between 30s and 24h"), ("", "required")]
)
def test_what_is_wrong_stands_at_the_field(browser: Browser, said: str, words: str) -> None:
    answer = browser.post(SLEEP, {"after": said})
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors["after"])


def test_who_sleeps_is_asleep_everywhere(browser: Browser) -> None:
    asleep()
    for place in ("/namespaces/shop/deployments/", DETAIL):
        text = text_of(browser, place)
        assert "Asleep" in text
        assert "no request for 10m, costs nothing; the next one starts its 2 pods" in text
    assert "Saves now" in text_of(browser, TAB)


def test_it_is_woken_with_the_pods_it_had(browser: Browser) -> None:
    asleep()
    assert "Its 2 pods start now" in text_of(browser, WAKE)
    assert browser.post(WAKE).status_code == 302
    assert (web()["spec"]["replicas"], sleeping.is_asleep(web())) == (2, False)


def test_waking_who_is_awake_changes_nothing(browser: Browser) -> None:
    before = web()
    assert "It is awake already." in text_of(browser, WAKE)
    browser.post(WAKE)
    assert web() == before


def test_enter_in_the_field_saves(browser: Browser) -> None:
    patch({"metadata": {"annotations": {sleeping.AFTER: "10m"}}})
    form = browser.get(SLEEP).content.decode().partition('id="confirm"')[2]
    first = form[form.index("<button") : form.index("</button>")]
    assert first.endswith(">Save") and "name=" not in first
