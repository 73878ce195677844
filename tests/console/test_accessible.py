"""Every page of the console in a real browser: axe finds nothing in either theme, and on a phone none scrolls sideways.

Pages come from the url table, so that none is forgotten. They are rendered here, with objects that fail, names as long
as they may be and a bill that is settled, and laid before Chromium as they are: no product runs.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client as Browser
from playwright.sync_api import Page, Route
from pytest_django import Settings

from tests import manifests
from tests.console import scenes
from tests.console.test_isolation import url_of
from tests.console.walking import HTML
from tests.e2e.chromium import NARROW, WIDE, chromium
from tests.stack import ROOT

HOST = "http://console.test"
DIST = ROOT / "frontend" / "dist"
AXE = (ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()
RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']"
COLOURS = "['color-contrast', 'link-in-text-block']"
"""What a theme can change."""
DARK = """async () => {
    document.documentElement.dataset.theme = 'dark';
    for (const _frame of [1, 2, 3]) {
        document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
        await new Promise(requestAnimationFrame);
    }
}"""
"""Colours that fade are at their end; those who inherit them fade after them."""
LONGEST = ("the-quarterly-report-of-every-warehouse-and-each-of-its-shelves-x" * 2)[:63]

NOT_SHOWN = {
    "access-key-change": 400,
    "bulk": 302,
    "kubectl-prices": 405,
    "package-end": 404,
    "view-delete": 405,
    "view-save": 405,
    "yaml-check": 405,
}
"""What answers a plain GET without a page: it is posted to, or asks about what must be said or is not here."""


@dataclass(frozen=True)
class Answer:
    status: int
    type: str
    body: bytes


@pytest.fixture
def crowded(shop: None, settings: Settings) -> None:
    """The shop, with what is hard to show: what fails, what has a long name, an hour that is billed, and more of it
    than fits a line. Its account is the operator's."""
    settings.OPERATOR_ACCOUNT = "acme"
    long = scenes.deployment(LONGEST, replicas=3, readyReplicas=1)
    owner = scenes.replica_set(long | {"metadata": long["metadata"] | {"name": LONGEST[:50]}})
    for name, status in (("a", scenes.crashing()), ("b", scenes.image_problem()), ("c", scenes.no_room())):
        scenes.pod(f"{LONGEST[:57]}-{name}", owner=owner, status=status)
    failed = scenes.ended("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    scenes.job(f"{LONGEST[:60]}-j", status={"failed": 7, "conditions": [failed]})
    scenes.configmap(LONGEST, {LONGEST: "x" * 400, "short": "y"})
    scenes.person().create("Service", manifests.service(LONGEST), "shop")
    scenes.people_called(LONGEST)
    scenes.budget(LONGEST, amount="0.01")
    scenes.bill(name=LONGEST, uid="6f1f0a0e-0000-4000-8000-000000000002")


@pytest.mark.timeout(900)
def test_everybody_can_use_every_page(crowded: None, browser: Browser) -> None:
    answers, others = rendered(browser)
    assert others == NOT_SHOWN
    trouble: dict[str, list[str]] = {}
    with chromium() as running:
        page = running.new_context(viewport=WIDE, reduced_motion="reduce").new_page()
        page.route("**/*", lambda route: serve(route, answers))
        for path, answer in answers.items():
            if b"<html" in answer.body[:400] and (found := list(wrong_with(page, path))):
                trouble[path] = found
    assert trouble == {}


def rendered(browser: Browser) -> tuple[dict[str, Answer], dict[str, int]]:
    """By path; and by name, how those answer that show nothing. Before Chromium is asked: its loop and the database's
    do not mix."""
    found, others = dict[str, Answer](), dict[str, int]()
    for pattern in HTML:
        got = browser.get(url_of(pattern))
        if got.status_code == 200:
            found[url_of(pattern)] = Answer(200, got.headers["Content-Type"], got.content)
        else:
            others[str(pattern.name)] = got.status_code
    return found, others


def serve(route: Route, answers: dict[str, Answer]) -> None:
    path = route.request.url.removeprefix(HOST).partition("?")[0]
    if answer := answers.get(path):
        route.fulfill(status=answer.status, content_type=answer.type, body=answer.body)
    elif path.startswith("/static/") and (file := DIST / path.removeprefix("/static/")).is_file():
        route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0])
    else:
        route.abort()


def wrong_with(page: Page, path: str) -> Iterator[str]:
    """What axe says of a page, in words and places, and how wide it is where it is too wide."""
    page.set_viewport_size(WIDE)
    page.goto(HOST + path, wait_until="domcontentloaded")
    page.evaluate(AXE)
    yield from said(page, f"{{ runOnly: {RULES}, resultTypes: ['violations'] }}")
    page.evaluate(DARK)
    yield from said(page, f"{{ runOnly: {{ type: 'rule', values: {COLOURS} }}, resultTypes: ['violations'] }}")
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > NARROW["width"]:
        yield f"{width} pixels wide on a phone"


def said(page: Page, asked: str) -> Iterator[str]:
    for violation in page.evaluate(f"axe.run({asked})")["violations"]:
        places = [node["target"][0] for node in violation["nodes"]][:4]
        yield f"{violation['id']}: {violation['help']} ({'; '.join(map(str, places))})"
