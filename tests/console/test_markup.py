"""What every page promises to the browser: no inline code, every id once, a name for every control."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.test import Client as Browser

pytestmark = pytest.mark.timeout(300)
"""The first one walks the whole console."""
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
def documents(walked: dict[str, str]) -> dict[str, Elements]:
    """Every page, by the name of its url."""
    return {name: Elements(text) for name, text in walked.items()}


def test_every_element_is_closed_where_it_was_opened(documents: dict[str, Elements]) -> None:
    for name, page in documents.items():
        assert page.open == [], name


def test_nothing_is_inline_that_the_policy_forbids(documents: dict[str, Elements]) -> None:
    for name, page in documents.items():
        for tag, attributes in page.found:
            assert "style" not in attributes, (name, tag)
            assert tag != "style", name
            assert tag != "script" or attributes.get("src"), name
            assert not [one for one in attributes if one.startswith("on")], (name, tag)


def test_an_id_is_given_once(documents: dict[str, Elements]) -> None:
    for name, page in documents.items():
        ids = [attributes["id"] for _tag, attributes in page.found if attributes.get("id")]
        assert len(ids) == len(set(ids)), (name, {one for one in ids if ids.count(one) > 1})


def test_no_part_of_a_page_is_called_as_the_words_of_its_scripts_are(documents: dict[str, Elements]) -> None:
    """`words.ts` reads them as JSON from where a language has some; English has none."""
    for name, page in documents.items():
        assert [tag for tag, attributes in page.found if attributes.get("id") == "words" and tag != "script"] == [], (
            name
        )


def test_controls_have_names(documents: dict[str, Elements]) -> None:
    for name, page in documents.items():
        labelled = {attributes.get("for") for tag, attributes in page.found if tag == "label"}
        for tag, attributes in page.found:
            if tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
                assert attributes.get("aria-label") or attributes.get("id") in labelled, (name, attributes)


def test_answers_carry_the_policy(browser: Browser) -> None:
    response = browser.get("/")

    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"unsafe|https?:", response.headers["Content-Security-Policy"])
