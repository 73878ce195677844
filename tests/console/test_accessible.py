"""Every page of the console in a real browser: axe finds nothing in either theme, and on a phone or a tablet none
scrolls sideways, and no name of a row is squeezed.

Pages come from the url table, so that none is forgotten. They are rendered here, with objects that fail, names as long
as they may be and a bill that is settled, and laid before Chromium as they are: no product runs. In parts, so that
every core has some.
"""

from __future__ import annotations

import mimetypes
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from django.test import Client as Browser
from django.urls import URLPattern
from playwright.sync_api import Page, ViewportSize
from pytest_django import Settings

from tests import manifests
from tests.console import scenes
from tests.console.test_isolation import url_of
from tests.console.walking import HTML
from tests.e2e.chromium import NARROW, WIDE, chromium
from tests.stack import ROOT

PARTS = 4
DIST = ROOT / "frontend" / "dist"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']"
COLOURS = "['color-contrast', 'link-in-text-block']"
"""What a theme can change."""
DARK = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync('*, *::before, *::after { transition: none !important; }');
    document.adoptedStyleSheets.push(still);
    document.documentElement.dataset.theme = 'dark';
}"""
"""No colour fades into another: each is at its end at once."""
TABLET: ViewportSize = {"width": 820, "height": 1100}
SQUEEZED = """() => [...document.querySelectorAll('.table--rows .table__name')]
    .filter((one) => one.offsetParent !== null && one.clientWidth < 120).map((one) => one.innerText)"""
"""Names of rows with less room than half a name needs."""
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_can_use_every_page(crowded: None, browser: Browser, part: int) -> None:
    patterns = HTML[part::PARTS]
    answers, others = rendered(browser, patterns)
    assert others == {name: NOT_SHOWN[name] for name in NOT_SHOWN.keys() & {one.name for one in patterns}}
    trouble: dict[str, list[str]] = {}
    with serving(answers) as host, chromium() as running:
        page = running.new_context(viewport=WIDE, reduced_motion="reduce").new_page()
        for path, answer in answers.items():
            if b"<html" in answer.body[:400] and (found := list(wrong_with(page, host + path))):
                trouble[path] = found
    assert trouble == {}


def test_what_is_not_shown_is_in_the_url_table() -> None:
    assert NOT_SHOWN.keys() <= {one.name for one in HTML}


def rendered(browser: Browser, patterns: list[URLPattern]) -> tuple[dict[str, Answer], dict[str, int]]:
    """By path; and by name, how those answer that show nothing. Before Chromium is asked: its loop and the database's
    do not mix."""
    found, others = dict[str, Answer](), dict[str, int]()
    for pattern in patterns:
        got = browser.get(url_of(pattern))
        if got.status_code == 200:
            found[url_of(pattern)] = Answer(got.headers["Content-Type"], got.content)
        else:
            others[str(pattern.name)] = got.status_code
    return found, others


@contextmanager
def serving(pages: dict[str, Answer]) -> Iterator[str]:
    """Where Chromium finds the pages and what they load; what they load it keeps."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.pages = pages
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    pages: dict[str, Answer]


class _Handler(BaseHTTPRequestHandler):
    """What is nowhere, live updates among it, gets no answer."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if answer := self.server.pages.get(path):
            self._send(answer, "no-store")
        elif (file := _file(path)).is_file():
            self._send(Answer(mimetypes.guess_type(file.name)[0] or "", file.read_bytes()), "max-age=3600, immutable")
        else:
            self.close_connection = True

    def _send(self, answer: Answer, keep: str) -> None:
        self.send_response(200)
        headers = {"Content-Type": answer.type, "Content-Length": str(len(answer.body)), "Cache-Control": keep}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *args: object) -> None:
        pass


def _file(path: str) -> Path:
    return AXE if path == f"/{AXE.name}" else DIST / path.removeprefix("/static/")


def wrong_with(page: Page, address: str) -> Iterator[str]:
    """What axe says of a page, in words and places, and how wide it is where it is too wide."""
    page.set_viewport_size(WIDE)
    page.goto(address, wait_until="domcontentloaded")
    page.add_script_tag(url=f"/{AXE.name}")
    yield from said(page, f"runOnly: {RULES}")
    page.evaluate(DARK)
    yield from said(page, f"runOnly: {{ type: 'rule', values: {COLOURS} }}")
    for device, size in (("tablet", TABLET), ("phone", NARROW)):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > size["width"]:
            yield f"{width} pixels wide on a {device}"
    yield from (f"{name} is squeezed on a phone" for name in page.evaluate(SQUEEZED))


def said(page: Page, rules: str) -> Iterator[str]:
    """`preload` would load every style sheet again, for rules that are not asked for."""
    asked = f"{{ {rules}, resultTypes: ['violations'], preload: false }}"
    for violation in page.evaluate(f"axe.run({asked})")["violations"]:
        places = [node["target"][0] for node in violation["nodes"]][:4]
        yield f"{violation['id']}: {violation['help']} ({'; '.join(map(str, places))})"
