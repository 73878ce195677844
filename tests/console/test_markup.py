"""What every page promises to the browser: no inline code, regions the socket can find, names for what is only drawn."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.test import Client as Browser
from django.urls import URLPattern

from console.urls import pages
from tests.console.test_isolation import OPEN, TEXT_STREAMS, url_of

HTML = [one for one in pages if one.name not in {*OPEN, *TEXT_STREAMS, "kubeconfig"}]
VOID = {"meta", "link", "input", "br", "hr", "img", "rect", "use", "path"}


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        opened = self.open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"


@pytest.fixture
def elements(shop: None, browser: Browser, request: pytest.FixtureRequest) -> Elements:
    pattern: URLPattern = request.param
    response = browser.get(url_of(pattern))
    return Elements(response.content.decode())


every_page = pytest.mark.parametrize("elements", HTML, indirect=True, ids=lambda pattern: pattern.name)


@every_page
def test_every_element_is_closed_where_it_was_opened(elements: Elements) -> None:
    assert elements.open == []


@every_page
def test_nothing_is_inline_that_the_policy_forbids(elements: Elements) -> None:
    for tag, attributes in elements.found:
        assert "style" not in attributes, tag
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name.startswith("on")], tag


@every_page
def test_an_id_is_given_once(elements: Elements) -> None:
    ids = [attributes["id"] for _tag, attributes in elements.found if attributes.get("id")]

    assert len(ids) == len(set(ids)), {one for one in ids if ids.count(one) > 1}


@every_page
def test_controls_have_names(elements: Elements) -> None:
    labelled = {attributes.get("for") for tag, attributes in elements.found if tag == "label"}
    for tag, attributes in elements.found:
        if tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
            assert attributes.get("aria-label") or attributes.get("id") in labelled, attributes


def test_answers_carry_the_policy(browser: Browser) -> None:
    response = browser.get("/")

    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"unsafe|https?:", response.headers["Content-Security-Policy"])
